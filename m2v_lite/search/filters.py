"""Conditions on metadata and on paths -> the chunks that meet them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.arguments import described
from m2v_lite.errors import InputTypeError


def allowed_chunks(
    connection: sqlite3.Connection, where: Mapping[str, Any] | None, path: str | None
) -> NDArray[np.int64] | None:
    """Return the numbers of the chunks that meet all conditions, sorted; None if there are no conditions.

    Args:
        connection: one that reads, or writes.
        where: for each name of metadata, the value that it must have, or a list of values of which it must
            have one. None stands for null.
        path: a pattern of the paths of files, as SQLite's GLOB has them: `*` also stands for `/`.

    Raises:
        InputTypeError: a condition is of another kind.
    """
    conditions: list[str] = []
    values: list[Any] = []
    for name, wanted in (where or {}).items():
        some = wanted if isinstance(wanted, (list, tuple, set, frozenset)) else [wanted]
        one_of = " OR ".join(f"(found.type IN {_types(name, value)} AND found.atom IS ?)" for value in some)
        conditions.append(
            "EXISTS (SELECT 1 FROM json_each(chunks.metadata) AS found "
            f"WHERE found.key = ? AND ({one_of or 'FALSE'}))"
        )
        values += [name, *some]
    if path is not None:
        conditions.append("source IN (SELECT id FROM sources WHERE path GLOB ?)")
        values.append(path)
    if not conditions:
        return None
    found = connection.execute(
        f"SELECT id FROM chunks WHERE {' AND '.join(conditions)} ORDER BY id", values
    ).fetchall()
    return np.array(found, np.int64).reshape(-1)


def _types(name: str, value: object) -> str:
    """Return the types that a value has in JSON, as SQLite names them."""
    if isinstance(value, bool):
        return "('true', 'false')"
    if isinstance(value, (int, float)):
        return "('integer', 'real')"
    if value is None:
        return "('null')"
    if isinstance(value, str):
        return "('text')"
    raise InputTypeError(
        f"where: {name!r} is {described(value)}; give a text, a number, a bool, None or a list"
    )
