"""The wings of the package: which may import which, and that their lists of modules are true."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

import m2v_lite

PACKAGE = Path(m2v_lite.__file__ or "").parent

# What each wing may import, from the ground up. A wing also imports itself.
GROUND = {"errors", "arguments", "disk", "progress"}
STAGES = GROUND | {"tokenization", "embedding"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "arguments": {"errors"},
    "disk": {"errors", "arguments"},
    "progress": {"errors", "arguments"},
    "tokenization": GROUND,
    "embedding": GROUND,
    "files": STAGES,
    "hub": GROUND | {"files"},
    "loading": STAGES | {"files", "hub"},
    "encoding": STAGES,
    "records": GROUND | {"files", "encoding"},
    "model": STAGES | {"files", "loading", "encoding"},
    "inference": STAGES | {"files", "loading", "encoding", "model"},
    "search": GROUND | {"files", "loading", "encoding", "records", "model"},
    "integrations": STAGES | {"files", "hub", "loading", "encoding", "records", "model", "inference"},
    "commands": STAGES
    | {
        "files",
        "hub",
        "loading",
        "encoding",
        "records",
        "model",
        "integrations",
        "inference",
        "search",
    },
    "__init__": {"errors", "model", "integrations"},
    "__main__": {"commands"},
}
# Whoever needs it may import the version.
OF_THE_ROOT = {"__version__"}
MOST_ENTRIES = 20
MOST_LINES = 400

MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))
}
WINGS = {name.removesuffix(".__init__"): path for name, path in MODULES.items() if name.endswith(".__init__")}


def imports(name: str, source: str) -> Iterator[str]:
    """Yield the modules of the package that a module imports anywhere, also for type checkers only."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                assert alias.name.partition(".")[0] != "m2v_lite", (
                    f"{name}: import m2v_lite by from ... import"
                )
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            package, _, module = (node.module or "").partition(".")
            if package != "m2v_lite":
                continue
            for alias in node.names:
                inner = f"{module}.{alias.name}" if module else alias.name
                if inner in MODULES:
                    yield inner
                elif module in MODULES:
                    yield module
                else:
                    assert not module, f"{name} imports {inner}, which is no module"
                    assert alias.name in OF_THE_ROOT, f"{name} imports {alias.name} from the root"


IMPORTS = {name: set(imports(name, path.read_text(encoding="utf-8"))) for name, path in MODULES.items()}


def wing(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_what_its_wing_may(name: str) -> None:
    may = ALLOWED[wing(name)] | {wing(name)}
    assert {wing(imported) for imported in IMPORTS[name]} <= may


def test_the_wings_are_those_of_the_table() -> None:
    assert {wing(name) for name in MODULES} == set(ALLOWED)
    order = list(ALLOWED)
    for place, name in enumerate(order[:-2]):
        assert ALLOWED[name] <= set(order[:place]), "a wing imports only what stands above it in the table"


def test_no_circle_of_imports() -> None:
    left = {name: set(imported) for name, imported in IMPORTS.items()}
    while left:
        free = {name for name, imported in left.items() if not imported & left.keys() - {name}}
        assert free, f"a circle among {sorted(left)}"
        left = {name: imported for name, imported in left.items() if name not in free}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from m2v_lite.model import StaticModel", {"model"}),
        ("def f():\n    from m2v_lite.files import packing", {"files.packing"}),
        ("if TYPE_CHECKING:\n    from m2v_lite.hub.cache import Asked", {"hub.cache"}),
        ("from m2v_lite import __version__\nfrom os import path", set()),
    ],
)
def test_every_import_is_found(source: str, found: set[str]) -> None:
    """The control."""
    assert set(imports("name", source)) == found


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import m2v_lite.model", "name: import m2v_lite by from ... import"),
        ("from m2v_lite import StaticModel", "name imports StaticModel from the root"),
        ("from . import model", "name has a relative import"),
    ],
)
def test_what_would_hide_an_import_is_refused(source: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        list(imports("name", source))


@pytest.mark.parametrize("name", WINGS)
def test_a_wing_lists_its_modules(name: str) -> None:
    if name == "__init__":
        return
    folder = WINGS[name].parent
    listed = re.findall(r"^- `(\w+)`: ", ast.get_docstring(ast.parse(WINGS[name].read_text())) or "", re.M)
    found = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/*.py")}
    assert sorted(listed) == sorted(found - {"__init__"})


def test_modules_are_small_and_few_lie_at_the_top() -> None:
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in MODULES.items()}
    assert {name: number for name, number in lines.items() if number > MOST_LINES} == {}
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    assert len(entries) <= MOST_ENTRIES


def test_no_names_differ_only_by_a_prefix() -> None:
    names = {part for name in MODULES for part in name.split(".")} - {"__init__", "__main__"}
    names -= {"llama_index"}  # what the library calls itself
    assert [pair for pair in permutations(sorted(names), 2) if pair[1].endswith(f"_{pair[0]}")] == []
