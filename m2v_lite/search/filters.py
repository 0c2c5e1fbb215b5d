"""Finds the chunks that meet conditions on metadata and paths."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.arguments import check_unicode, described
from m2v_lite.errors import InputTypeError, InputValueError
from m2v_lite.search.path_patterns import comparable

# SQLite takes no condition of more than some thousand parts.
MOST_CONDITIONS = 100
# A value of the metadata of a chunk is among those that are wanted, which are JSON. Integers and reals are
# both numbers there.
CONDITION = """
EXISTS (
    SELECT 1 FROM json_each(chunks.metadata) AS found, json_each(?) AS wanted
    WHERE found.key = ? AND found.atom IS wanted.atom
    AND replace(found.type, 'integer', 'real') = replace(wanted.type, 'integer', 'real')
)
"""


def allowed_chunks(
    connection: sqlite3.Connection,
    where: Mapping[str, Any] | None,
    path: str | None,
    flavour: ModuleType = os.path,
) -> NDArray[np.int64] | None:
    """Return the numbers of the chunks that meet all conditions, sorted; None if there are no conditions.

    Args:
        connection: one that reads, or writes.
        where: for each name of metadata, the value that it must have, or a list of values of which it must
            have one. None stands for null.
        path: a pattern of the paths of files, as SQLite's GLOB has them: `*` also stands for `/`.
        flavour: how paths are written; see `path_patterns`.

    Raises:
        InputTypeError: a condition is of another kind.
        InputValueError: there are too many.
    """
    if where is not None and not isinstance(where, Mapping):
        raise InputTypeError(f"where is {described(where)}; give a mapping")
    conditions: list[str] = []
    values: list[Any] = []
    for name, wanted in (where or {}).items():
        if not isinstance(name, str):
            raise InputTypeError(f"where: the name {name!r} is {described(name)}; give a text")
        check_unicode(name, "where: a name")
        some = wanted if isinstance(wanted, (list, tuple, set, frozenset)) else [wanted]
        conditions.append(CONDITION)
        values += [json.dumps([_plain(name, value) for value in some]), name]
    if len(conditions) > MOST_CONDITIONS:
        raise InputValueError(f"where has {len(conditions)} names; give at most {MOST_CONDITIONS}")
    if path is not None:
        check_unicode(path, "path")
        spelled = "path"
        if flavour.sep != "/":
            connection.create_function("comparable", 1, partial(comparable, flavour=flavour))
            spelled = "comparable(path)"
        conditions.append(f"source IN (SELECT id FROM sources WHERE {spelled} GLOB ?)")
        values.append(comparable(path, flavour))
    if not conditions:
        return None
    found = connection.execute(
        f"SELECT id FROM chunks WHERE {' AND '.join(conditions)} ORDER BY id", values
    ).fetchall()
    return np.array(found, np.int64).reshape(-1)


def _plain(name: str, value: Any) -> Any:
    """Return a value that JSON can hold."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        check_unicode(value, f"where: {name!r}")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise InputTypeError(
        f"where: {name!r} is {described(value)}; give a text, a number, a bool, None or a list"
    )
