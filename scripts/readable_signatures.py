"""An extension of griffe, which mkdocs.yml names: signatures of the API reference show values, not names.

`batch_size: int = BATCH_TEXTS` becomes `batch_size: int = 4096`, and `path: PathLike` becomes
`path: str | os.PathLike[str]`. `UNSET` stays: the reference has an entry for it, to which signatures link.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import griffe

KEPT = {"UNSET"}


class ReadableSignatures(griffe.Extension):
    """Puts the values of constants and of names of types into signatures."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Change the signatures of all functions of a package."""
        for function in functions(pkg):
            for parameter in function.parameters:
                parameter.annotation = with_values(parameter.annotation, pkg)
                parameter.default = with_values(parameter.default, pkg)
            function.returns = with_values(function.returns, pkg)


def functions(found: griffe.Module | griffe.Class) -> Iterator[griffe.Function]:
    """Yield all functions of a module or a class, at any depth, and their overloads."""
    for member in found.members.values():
        if isinstance(member, griffe.Function):
            yield member
            yield from member.overloads or ()
        elif isinstance(member, (griffe.Module, griffe.Class)):
            yield from functions(member)


def with_values(part: Any, package: griffe.Module) -> Any:
    """Return a part of a signature with the values of the names in it that the package has defined."""
    if isinstance(part, griffe.ExprName):
        value = None if part.name in KEPT else value_of(part.canonical_path, package)
        return part if value is None else with_values(value, package)
    if isinstance(part, list):
        return [with_values(one, package) for one in part]
    if isinstance(part, griffe.Expr) and not isinstance(part, griffe.ExprAttribute):
        kind: Any = type(part)
        made = kind(**{one.name: with_values(getattr(part, one.name), package) for one in fields(kind)})
        return without_parentheses(made)
    return part


def without_parentheses(part: Any) -> Any:
    """Return `a | (b | c)` as `a | b | c`."""
    right = getattr(part, "right", None)
    if isinstance(part, griffe.ExprBinOp) and isinstance(right, griffe.ExprBinOp) and right.operator == "|":
        return griffe.ExprBinOp(griffe.ExprBinOp(part.left, "|", right.left), "|", right.right)
    return part


def value_of(path: str, package: griffe.Module) -> Any:
    """Return the value of a module's constant or type, or None if the path is of something else."""
    root, _, rest = path.partition(".")
    try:
        found: Any = package[rest] if root == package.name and rest else None
    except KeyError:
        return None
    is_constant = isinstance(found, griffe.Attribute) and isinstance(found.parent, griffe.Module)
    return found.value if is_constant else None
