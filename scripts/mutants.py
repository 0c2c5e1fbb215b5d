"""The text of a module -> mutants: copies of it with one small change each, as an editor would make it.

Docstrings, annotations, `if TYPE_CHECKING`, decorators, f-strings, the texts of errors and warnings, and
`strict=` stay as they are.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

COMPARISONS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "is": "is not", "is not": "is",
    "in": "not in", "not in": "in",
}  # fmt: skip
OPERATORS = {
    "+": "-", "-": "+", "*": "+", "/": "*", "//": "*", "%": "//", "**": "*", "@": "*",
    "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "&",
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
COMPARISON = re.compile(r"not\s+in\b|is\s+not\b|<=|>=|==|!=|<|>|\bin\b|\bis\b")
OPERATOR = re.compile(r"\*\*|//|<<|>>|[-+*/%@&|^]")
# In place of the wing of a mutant that is made by hand.
BY_HAND = "made by hand"
# Names of calls whose arguments are texts for people.
TELLS = {"warn", "note", "warn_left_out"}


class Mutant(NamedTuple):
    """A change of one place in one file.

    Attributes:
        file: the path of the file in the checkout.
        line: the number of the line.
        lines: all lines of its statement, or of the head of its statement.
        text: the line as it is, without white space at its ends.
        what: what is changed, and into what.
        number: which of the equal changes of equal lines in the file it is, from 1; 0 if it is made by hand.
        start, end: where the change begins and ends in the text of the file.
        replacement: what stands there instead.
    """

    file: str
    line: int
    lines: tuple[int, int]
    text: str
    what: str
    number: int
    start: int
    end: int
    replacement: str

    @property
    def wing(self) -> str:
        return self.file.split("/")[1] if self.number else BY_HAND

    @property
    def name(self) -> str:
        """What it is called from run to run: no line number, since that changes with every edit above."""
        number = f" #{self.number}" if self.number > 1 else ""
        return f"{self.file}: {self.text}: {self.what}{number}"

    def applied_to(self, source: str) -> str:
        return source[: self.start] + self.replacement + source[self.end :]

    def diff(self, source: str) -> str:
        """Return the changed lines, as a unified diff without context."""
        before, after = source.splitlines(), self.applied_to(source).splitlines()
        changes = list(difflib.unified_diff(before, after, lineterm="", n=0))[3:]
        return "\n".join([f"{self.file}:{self.line}", *changes])


class _Change(NamedTuple):
    start: int
    end: int
    replacement: str
    what: str


class _Finder(ast.NodeVisitor):
    """Finds the changes of a module."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.starts = [0]
        for line in source.split("\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.lines = source.split("\n")
        self.statement = (1, 1)
        self.found: list[tuple[_Change, tuple[int, int]]] = []

    def place(self, line: int, column: int) -> int:
        """Return the place of a line and a column, which the syntax tree counts in bytes."""
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def start(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        return self.place(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.place(node.end_lineno, node.end_col_offset)

    def text(self, node: ast.expr | ast.stmt) -> str:
        return self.source[self.start(node) : self.end(node)]

    def change(self, start: int, end: int, replacement: str, what: str) -> None:
        self.found.append((_Change(start, end, replacement, what), self.statement))

    def replace(self, node: ast.expr | ast.stmt, replacement: str, what: str) -> None:
        self.change(self.start(node), self.end(node), replacement, what)

    def negate(self, condition: ast.expr) -> None:
        if not isinstance(condition, (ast.UnaryOp, ast.Compare)):  # these are changed anyway
            self.replace(condition, f"(not ({self.text(condition)}))", "condition negated")

    def swap(self, left: ast.expr, right: ast.expr, pattern: re.Pattern[str], others: dict[str, str]) -> None:
        """Change the operator between two expressions."""
        first, last = self.end(left), self.start(right)
        found = pattern.search(self.source, first, last)
        if found:
            old = " ".join(found[0].split())
            self.change(found.start(), found.end(), others[old], f"{old} -> {others[old]}")

    # Statements

    def visit(self, node: ast.AST) -> None:
        if not isinstance(node, ast.stmt):
            super().visit(node)
            return
        if _is_docstring(node) or _is_for_types(node) or isinstance(node, (ast.Import, ast.ImportFrom)):
            return
        outer, self.statement = self.statement, _head(node)
        super().visit(node)
        self.statement = outer

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(default)
        for statement in node.body:
            self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:
            self.visit(statement)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self.replace(node, "pass", "call dropped")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.replace(node, "pass", "assignment dropped")
        self.swap(node.target, node.value, OPERATOR, OPERATORS)
        self.visit(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value:
            if not (isinstance(node.value, ast.Constant) and not node.value.value):  # None, False and so on
                self.replace(node, "return None", "value dropped")
            self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        self.replace(node, "pass", "raise dropped")

    def visit_Break(self, node: ast.Break) -> None:
        self.replace(node, "continue", "break -> continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self.replace(node, "break", "continue -> break")

    def visit_If(self, node: ast.If | ast.While) -> None:
        self.negate(node.test)
        self.generic_visit(node)

    visit_While = visit_If

    # Expressions

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.negate(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for condition in node.ifs:
            self.negate(condition)
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        pass

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, right in zip([node.left, *node.comparators], node.comparators, strict=False):
            self.swap(left, right, COMPARISON, COMPARISONS)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self.swap(node.left, node.right, OPERATOR, OPERATORS)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.swap(left, right, re.compile(rf"\b{old}\b"), {old: new})
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, (ast.Not, ast.Invert)):
            self.replace(node, f"({self.text(node.operand)})", "not dropped")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self.replace(node, str(not value), f"{value} -> {not value}")
        elif isinstance(value, int):
            text = self.text(node)
            self.replace(node, f"({text} + 1)", f"{text} -> {text} + 1")
            self.replace(node, f"({text} - 1)", f"{text} -> {text} - 1")

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        if isinstance(function, ast.Name) and name in NAMES:
            self.replace(function, NAMES[name], f"{name} -> {NAMES[name]}")
        if name in TELLS or name.endswith("Error"):
            return
        if name == "zip":  # `strict` checks what always holds
            node.keywords = []
        for keyword in node.keywords:
            if keyword.arg is not None:
                self._drop_argument(keyword)
        self.generic_visit(node)

    def _drop_argument(self, keyword: ast.keyword) -> None:
        start, end = self.start(keyword), self.end(keyword)
        comma = re.compile(r"\s*,\s*").match(self.source, end)
        if comma:
            end = comma.end()
        else:
            start = len(self.source[:start].rstrip().removesuffix(","))
        self.change(start, end, "", f"{keyword.arg}= dropped")

    def visit_Slice(self, node: ast.Slice) -> None:
        for bound, end in ((node.lower, "lower"), (node.upper, "upper")):
            if bound:
                self.replace(bound, "", f"{end} bound dropped")
        self.generic_visit(node)


def _head(node: ast.stmt) -> tuple[int, int]:
    """Return the first and the last line of a statement, without the statements in it."""
    inner = getattr(node, "body", None)
    last = node.end_lineno or node.lineno
    if isinstance(inner, list) and inner:
        last = max(node.lineno, min(last, inner[0].lineno - 1))
    return node.lineno, last


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def mutants_of(file: str, source: str) -> Iterator[Mutant]:
    """Yield all mutants of a file's text.

    Example:
        >>> for mutant in mutants_of("m2v_lite/wing/module.py", "if a < 2:\\n    b(c, d=e)\\n"):
        ...     print(mutant.name.removeprefix("m2v_lite/wing/module.py: "))
        if a < 2:: < -> <=
        if a < 2:: 2 -> 2 + 1
        if a < 2:: 2 -> 2 - 1
        b(c, d=e): call dropped
        b(c, d=e): d= dropped
    """
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    counts: Counter[tuple[str, str]] = Counter()
    for change, lines in finder.found:
        line = source.count("\n", 0, change.start) + 1
        text = finder.lines[line - 1].strip()
        counts[text, change.what] += 1
        mutant = Mutant(
            file, line, lines, text, change.what, counts[text, change.what], *change[:2], change.replacement
        )
        if _compiles(mutant.applied_to(source)):
            yield mutant


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def made_by_hand(entries: Iterable[Mapping[str, str]], sources: Mapping[str, str]) -> Iterator[Mutant]:
    """Yield mutants that are given by a text, which is once in its file, and by what stands there instead."""
    for entry in entries:
        file, before = entry["file"], entry["before"]
        source = sources[file]
        if source.count(before) != 1:
            raise ValueError(f"{file} does not hold exactly once: {before}")
        start = source.index(before)
        end = start + len(before)
        first = start + len(before) - len(before.lstrip())
        lines = source.count("\n", 0, first) + 1, source.count("\n", 0, start + len(before.rstrip())) + 1
        text = source.splitlines()[lines[0] - 1].strip()
        yield Mutant(file, lines[0], lines, text, entry["about"], 0, start, end, entry["after"])


def sample(mutants: Iterable[Mutant], count: int, seed: int) -> list[Mutant]:
    """Return some mutants of each wing: more of a larger wing, as the square root of its mutants.

    They depend only on the seed and on their names, so another mutant does not change which ones are drawn.
    """
    by_wing: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_wing.setdefault(mutant.wing, []).append(mutant)
    drawn = []
    for wing, number in _shares({wing: len(found) for wing, found in by_wing.items()}, count).items():
        found = by_wing[wing]
        found.sort(key=lambda mutant: hashlib.sha256(f"{seed} {mutant.name}".encode()).digest())
        drawn += found[:number]
    return sorted(drawn, key=lambda mutant: (mutant.file, mutant.start))


def _shares(sizes: dict[str, int], count: int) -> dict[str, int]:
    """Divide a number in the ratio of square roots."""
    total = sum(size**0.5 for size in sizes.values())
    exact = {wing: count * size**0.5 / total for wing, size in sizes.items()}
    shares = {wing: int(share) for wing, share in exact.items()}
    by_rest = sorted(exact, key=lambda wing: shares[wing] - exact[wing])
    for wing in by_rest[: count - sum(shares.values())]:
        shares[wing] += 1
    return shares
