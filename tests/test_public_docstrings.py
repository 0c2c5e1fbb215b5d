"""The docstrings that the API reference shows are complete: arguments, what is returned and raised, an example.

What is public is what docs/reference lists. It is read as source code, so that the classes for other libraries
count although those libraries are not installed. `make docs` shows the same docstrings.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

import m2v_lite

PACKAGE = Path(m2v_lite.__file__ or "").parent
REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
BLOCK = re.compile(r"^::: (\S+)\n((?:    .*\n|\n(?=    ))*)", re.MULTILINE)
# What the reference shows although it begins with an underscore; mkdocs.yml has the same.
SHOWN = ("__call__", "__len__")
SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Examples")
# "name: text", "*names: text" or "package.Error: text", indented once.
ENTRY = re.compile(r"^(\*{0,2}[\w.]+): (?=\S)", re.MULTILINE)
POINTS_ELSEWHERE = re.compile(
    r"\b(?:arguments|options) are those of|^\W*the argument `\w+`\W*$|^\W*as `[\w.]+` does\W*$", re.IGNORECASE
)


class Public(NamedTuple):
    """A class, function or property of the reference.

    Attributes:
        name: its full name.
        node: its source.
        init: of a class, its `__init__`, also an inherited one.
        module: the path of its module.
    """

    name: str
    node: ast.ClassDef | ast.FunctionDef
    init: ast.FunctionDef | None
    module: str


@cache
def tree(module: str) -> ast.Module:
    path = PACKAGE.parent.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def found(module: str, name: str) -> tuple[str, ast.ClassDef | ast.FunctionDef] | None:
    """Return where a module has a class or function from, and its source; None if that is another library."""
    for node in ast.walk(tree(module)):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            return module, node
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "m2v_lite":
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return found(node.module or "", alias.name)
    return None


def described_constants(module: str) -> set[str]:
    """Return the constants of a module that have a docstring: a text that follows."""
    body = tree(module).body
    return {
        node.target.id
        for node, after in pairwise(body)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
    }


def members(module: str, node: ast.ClassDef) -> dict[str, tuple[str, ast.FunctionDef]]:
    """Return the methods of a class, also those of its bases in the package, by name."""
    gathered: dict[str, tuple[str, ast.FunctionDef]] = {}
    for base in reversed(node.bases):
        place = found(module, base.id) if isinstance(base, ast.Name) else None
        if place is not None and isinstance(place[1], ast.ClassDef):
            gathered |= members(place[0], place[1])
    for member in node.body:
        # The getter of a property and the last overload are what is documented.
        if isinstance(member, ast.FunctionDef) and not decorated(member, "setter", "overload"):
            gathered[member.name] = module, member
    return gathered


def decorated(node: ast.FunctionDef, *names: str) -> bool:
    used = {part.id for one in node.decorator_list for part in ast.walk(one) if isinstance(part, ast.Name)}
    used |= {
        part.attr for one in node.decorator_list for part in ast.walk(one) if isinstance(part, ast.Attribute)
    }
    return bool(used & set(names))


def everything() -> Iterator[Public]:
    for page in sorted(REFERENCE.glob("*.md")):
        for name, options in BLOCK.findall(page.read_text(encoding="utf-8")):
            hidden = re.findall(r"!\^\(?([^_\"()][^\"()$]*)\)?\$", options)
            public = list(of_block(name, {one for some in hidden for one in some.split("|")}))
            members = {f"{name}.{member}" for member in re.findall(r"^ +- (\w+)$", options, re.MULTILINE)}
            assert not members or {one.name for one in public[1:]} == members, f"members of {name} in {page}"
            yield from public


def of_block(name: str, hidden: set[str]) -> Iterator[Public]:
    if is_module(name):
        for node in tree(name).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
                yield from of_object(f"{name}.{node.name}", name, node, hidden)
        return
    module, _, own = name.rpartition(".")
    if is_module(module) and own in described_constants(module):
        return
    place = found(module, own)
    assert place is not None, f"docs/reference lists {name}, which is not there"
    yield from of_object(name, *place, hidden)


def of_object(
    name: str, module: str, node: ast.ClassDef | ast.FunctionDef, hidden: set[str]
) -> Iterator[Public]:
    if isinstance(node, ast.FunctionDef):
        yield Public(name, node, None, module)
        return
    methods = members(module, node)
    init = methods.get("__init__")
    yield Public(name, node, None if init is None else init[1], module)
    for own, (where, method) in methods.items():
        if own not in hidden and (own in SHOWN or not own.startswith("_")):
            yield Public(f"{name}.{own}", method, None, where)


def sections(docstring: str) -> dict[str, str]:
    """Return the sections of a docstring in Google's style, by their names; "" for what comes before."""
    parts = re.split(rf"^({'|'.join(SECTIONS)}):\n", docstring, flags=re.MULTILINE)
    found: dict[str, str] = {"": parts[0]}
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        indented = re.match(r"(?:(?: {4}.*)?\n?)*", text)
        found[name] = textwrap.dedent(indented[0] if indented else "")
    return found


def parameters(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    named = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    if arguments.vararg:
        named.append(f"*{arguments.vararg.arg}")
    if arguments.kwarg:
        named.append(f"**{arguments.kwarg.arg}")
    return [name for name in named if name not in ("self", "cls")]


def is_property(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and decorated(node, "property", "cached_property")


def lacks(public: Public) -> Iterator[str]:
    """Yield what is missing in a docstring."""
    docstring = ast.get_docstring(public.node)
    if not docstring:
        yield "a docstring"
        return
    has = sections(docstring)
    if is_property(public.node):
        return
    if isinstance(public.node, ast.ClassDef):
        wanted = parameters(public.init) if public.init else []
        wanted = [name for name in wanted if name != "**arguments"]  # pydantic: the fields are listed
        fields = [
            one.target.id
            for one in public.node.body
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
        ]
        said = set(ENTRY.findall(has.get("Args", "") + "\n" + has.get("Attributes", "")))
        for field in fields:
            if not field.startswith("_") and field not in said:
                yield f"the attribute {field}"
    else:
        wanted = parameters(public.node)
        returns = public.node.returns
        if (
            not (isinstance(returns, ast.Constant) and returns.value is None)
            and not {"Returns", "Yields"} & has.keys()
        ):
            yield "Returns or Yields"
    described = ENTRY.findall(has.get("Args", ""))
    for name in wanted:
        if name not in described:
            yield f"the argument {name}"
    for name in described:
        if name not in wanted and not isinstance(public.node, ast.ClassDef):
            yield f"the argument {name} in the signature"
    if ">>> " not in has.get("Examples", ""):
        yield "Examples"
    for name, text in re.findall(r"^(\*\*\w+): ((?:.*\n?)(?:    .*\n?)*)", has.get("Args", ""), re.MULTILINE):
        if (
            re.search(r"\b(?:arguments|options)\s+of\b.*m2v_lite|`StaticModel", text)
            and "][m2v_lite" not in text
        ):
            yield f"a link to what {name} may be"
    for line in has.get("Raises", "").splitlines():
        if line and not line.startswith(" ") and not ENTRY.match(line):
            yield f"one line for each error instead of {line!r}"
    for line in docstring.splitlines():
        if POINTS_ELSEWHERE.search(line.split(": ", 1)[-1] if line.startswith("    ") else line):
            yield f"what is said elsewhere: {line.strip()!r}"


PUBLIC = list(everything())


@pytest.mark.parametrize("public", PUBLIC, ids=[public.name for public in PUBLIC])
def test_a_docstring_is_complete(public: Public) -> None:
    assert list(lacks(public)) == [], f"{public.module}, line {public.node.lineno}"


def test_what_is_public_is_found() -> None:
    names = {public.name for public in PUBLIC}
    inherited = {"m2v_lite.StaticModel.similarity", "m2v_lite.StaticModel.dim", "m2v_lite.StaticModel.encode"}
    assert inherited <= names
    assert {"m2v_lite.errors.WorkerError", "m2v_lite.Embedder.__call__", "m2v_lite.search.Index"} <= names
    assert not names & {"m2v_lite.StaticModel.check_assigned", "m2v_lite.StaticModel._assign"}


SOURCE = '''
def whole(one: int, *, two: int = 2, **others: int) -> int:
    """Add numbers.

    Args:
        one: a number.
        two: another.
        **others: more of them.

    Returns:
        The sum.

    Raises:
        TypeError: one is no number.

    Examples:
        >>> whole(1)
        3
    """

def holey(one: int, *, two: int = 2, **others: int) -> int:
    """Add numbers.

    Args:
        one: a number.
        three: nothing.

    The other arguments are those of `whole`.

    Raises:
        TypeError, ValueError: as `whole` does.

    Examples:
        Think of one.
    """
'''


def test_what_is_missing_is_found() -> None:
    """The control."""
    whole, holey = (node for node in ast.parse(SOURCE).body if isinstance(node, ast.FunctionDef))
    assert list(lacks(Public("whole", whole, None, ""))) == []
    assert list(lacks(Public("holey", holey, None, ""))) == [
        "Returns or Yields",
        "the argument two",
        "the argument **others",
        "the argument three in the signature",
        "Examples",
        "one line for each error instead of 'TypeError, ValueError: as `whole` does.'",
        "what is said elsewhere: 'The other arguments are those of `whole`.'",
        "what is said elsewhere: 'TypeError, ValueError: as `whole` does.'",
    ]
