"""Converts token tables to the arrays and description in a packed model, and back.

Four arrays contain four tables, one after the other: the tokens of one chunk that begin a word, the tokens
that continue a word, the last chunks of longer tokens, and the chunks before them. A fifth array has the
lengths of the two roots.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.tokenization.wordpiece.perfect_hash import PerfectHash
from m2v_lite.tokenization.wordpiece.token_tables import (
    BYTES,
    CONTINUING,
    FIRST,
    LONGER,
    Branches,
    Root,
    TokenTables,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

DTYPES = {
    "entries": np.uint64,
    "displacements": np.uint32,
    "values": np.int32,
    "parents": np.int32,
    "lengths": np.uint16,
}
TABLES = 4


def arrays_of(tables: TokenTables) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
    """Return the arrays by their names in `DTYPES`, and the description of each table.

    Examples:
        >>> from m2v_lite.tokenization.vocabulary import vocabulary_of
        >>> from m2v_lite.tokenization.wordpiece.token_tree import token_tables
        >>> arrays, described = arrays_of(token_tables(vocabulary_of({"[UNK]": 0, "cat": 1}), b"##"))
        >>> arrays["values"].tolist(), described[0]["keys"], described[0]["slots"]
        ([0, 1], 2, 16)
        >>> tables_of(arrays, described, highest_id=1).find_one("cat")
        1
    """
    roots, branches = [tables.first, tables.continuing], [tables.tails, tables.inner]
    hashes = [*(root.short for root in roots), *(branch.table for branch in branches)]
    keys = [int(table.missing) for table in hashes]
    values = [*(root.ids for root in roots), *(branch.values for branch in branches)]
    parents = [branch.parents for branch in branches]
    arrays: dict[str, NDArray[Any]] = {
        "entries": np.concatenate([table.entries for table in hashes]),
        "displacements": np.concatenate([table.displacements for table in hashes]),
        "values": np.concatenate([array[:size] for array, size in zip(values, keys, strict=True)]),
        "parents": np.concatenate([array[:size] for array, size in zip(parents, keys[2:], strict=True)]),
        "lengths": np.concatenate([root.lengths for root in roots]),
    }
    factors = [[*table.factors, 1] for table in hashes[:2]]
    factors += [[*branch.table.factors, branch.factor] for branch in branches]
    described = [
        {
            "keys": int(table.missing),
            "slots": len(table.entries),
            "buckets": len(table.displacements),
            "factors": own,
        }
        for table, own in zip(hashes, factors, strict=True)
    ]
    return arrays, described


def tables_of(
    arrays: Mapping[str, NDArray[Any]], described: Sequence[Mapping[str, Any]], highest_id: int
) -> TokenTables:
    """Return the tables that lie in arrays, which are used in place.

    Args:
        arrays, described: as from `arrays_of`.
        highest_id: the highest id of a token.

    Raises:
        KeyError: an array or an entry of the description is missing.
        TypeError: an entry of the description is of another kind.
        ValueError: the arrays and the description do not fit together.
    """
    for name, dtype in DTYPES.items():
        if arrays[name].ndim != 1 or arrays[name].dtype != dtype:
            raise ValueError(f"{name} is not an array of one dimension in {np.dtype(dtype)}")
    if len(described) != TABLES:
        raise ValueError(f"{len(described)} tables are described, not {TABLES}")
    for table in described:
        _check(table)
    keys, slots, buckets = ([table[name] for table in described] for name in ("keys", "slots", "buckets"))
    entries = _parts(arrays["entries"], slots)
    displacements = _parts(arrays["displacements"], buckets)
    values = _parts(arrays["values"], keys)
    parents = _parts(arrays["parents"], keys[2:])
    lengths = arrays["lengths"]
    if len(lengths) != 2 * BYTES or lengths.max() >= 2 * LONGER:
        raise ValueError(f"lengths is not an array of {2 * BYTES} numbers below {2 * LONGER}")
    for own, size in zip(displacements, slots, strict=True):
        if own.max() >= size:
            raise ValueError("a displacement points outside its table")
    for ids in values[:3]:
        if ids.min(initial=0) < 0 or ids.max(initial=0) > highest_id:
            raise ValueError("a token has an id that is not in the vocabulary")
    first, continuing, tails, inner = (
        PerfectHash(size, own, shifts, tuple(table["factors"][:2]))
        for size, own, shifts, table in zip(keys, entries, displacements, described, strict=True)
    )
    if first.find_one(0) >= 0:  # a batch tells the end of a text by this key, which no token has
        raise ValueError("a token has no characters")
    return TokenTables(
        Root(FIRST, first, values[0], lengths[:BYTES]),
        Root(CONTINUING, continuing, values[1], lengths[BYTES:]),
        Branches(tails, parents[0], values[2], described[2]["factors"][2]),
        Branches(inner, parents[1], values[3], described[3]["factors"][2]),
    )


def _check(table: Mapping[str, Any]) -> None:
    keys, slots, buckets, factors = (table[name] for name in ("keys", "slots", "buckets", "factors"))
    if not all(type(number) is int for number in (keys, slots, buckets, *factors)):
        raise ValueError("a table is not described by whole numbers")
    if not all(1 < size < 1 << 31 and not size & (size - 1) for size in (slots, buckets)):
        raise ValueError(f"{slots} slots and {buckets} buckets are not powers of two")
    if not 0 <= keys < slots:
        raise ValueError(f"{slots} slots do not hold {keys} keys")
    if len(factors) != 3 or not all(factor % 2 and 0 < factor < 1 << 64 for factor in factors):
        raise ValueError("the factors of a table are not three odd numbers of 64 bits")


def _parts(array: NDArray[Any], sizes: Sequence[int]) -> list[NDArray[Any]]:
    """Divide an array into parts of these sizes."""
    bounds = np.cumsum([0, *sizes]).tolist()
    if bounds[-1] != len(array):
        raise ValueError(f"an array has {len(array)} numbers instead of {bounds[-1]}")
    return [array[start:end] for start, end in pairwise(bounds)]
