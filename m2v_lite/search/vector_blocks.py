"""Rows of vectors <-> blocks in the file of an index, some thousand rows in each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ROWS = 4096


class Block(NamedTuple):
    """Rows of vectors.

    Attributes:
        number: the number of the block.
        chunks: (rows,), the number of the chunk of each row. It grows; that of a chunk that is gone has a
            minus.
    """

    number: int
    chunks: NDArray[np.int64]


def append(
    connection: sqlite3.Connection,
    chunks: NDArray[np.int64],
    rows: NDArray[Any],
    scales: NDArray[np.float32],
) -> None:
    """Append rows, to the last block as long as it has room, and to new ones.

    Args:
        connection: one that writes.
        chunks: (rows,), the numbers of their chunks, which grow, and are above all before.
        rows: (rows, columns).
        scales: (rows,).
    """
    last = connection.execute("SELECT id, chunks FROM blocks ORDER BY id DESC LIMIT 1").fetchone()
    number = last[0] if last else 0
    if last and len(last[1]) < 8 * ROWS:
        before = _array(last[1], chunks.dtype, number)
        found = rows_of(connection, number, rows.dtype, rows.shape[1], len(before))
        chunks = np.concatenate([before, chunks])
        rows, scales = np.concatenate([found[0], rows]), np.concatenate([found[1], scales])
    elif last:
        number += 1
    for start in range(0, len(chunks), ROWS):
        part = slice(start, start + ROWS)
        connection.execute(
            "REPLACE INTO blocks VALUES (?, ?, ?)",
            (number, int(abs(chunks[start])), chunks[part].tobytes()),
        )
        connection.execute(
            "REPLACE INTO vectors VALUES (?, ?, ?)",
            (number, scales[part].tobytes(), np.ascontiguousarray(rows[part]).tobytes()),
        )
        number += 1


def drop(connection: sqlite3.Connection, chunks: NDArray[np.int64]) -> None:
    """Mark the rows of some chunks as gone, and remove blocks that hold nothing else.

    Args:
        connection: one that writes.
        chunks: the numbers of the chunks, sorted.
    """
    start = 0
    while start < len(chunks):
        number, content = _read(
            connection,
            "SELECT id, chunks FROM blocks WHERE first <= ? ORDER BY first DESC LIMIT 1",
            int(chunks[start]),
        )
        found = _array(content, np.dtype(np.int64), number).copy()
        numbers = np.abs(found)
        stop = start + int(np.searchsorted(chunks[start:], numbers[-1], "right"))
        found[np.searchsorted(numbers, chunks[start:stop])] = -chunks[start:stop]
        if (found < 0).all():
            for table, column in (("blocks", "id"), ("vectors", "block")):
                connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))
        else:
            connection.execute("UPDATE blocks SET chunks = ? WHERE id = ?", (found.tobytes(), number))
        start = stop


def blocks(connection: sqlite3.Connection) -> Iterator[Block]:
    """Yield all blocks, without their rows."""
    for number, chunks in connection.execute("SELECT id, chunks FROM blocks ORDER BY id"):
        yield Block(number, _array(chunks, np.dtype(np.int64), number))


def rows_of(
    connection: sqlite3.Connection, number: int, dtype: np.dtype[Any], columns: int, size: int
) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Return the rows of a block of so many, (rows, columns), and the scale of each."""
    scales, rows = _read(connection, "SELECT scales, rows FROM vectors WHERE block = ?", number)
    found = _array(scales, np.dtype(np.float32), number)
    flat = _array(rows, dtype, number)
    if (len(found), len(flat)) != (size, size * columns):
        raise _damaged(number)
    return flat.reshape(-1, columns), found


def _read(connection: sqlite3.Connection, query: str, number: int) -> tuple[Any, ...]:
    found: tuple[Any, ...] | None = connection.execute(query, (number,)).fetchone()
    if found is None:
        raise _damaged(number)
    return found


def _array(content: Any, dtype: np.dtype[Any], number: int) -> NDArray[Any]:
    """Return the array of some bytes, which a damaged file may not have."""
    if not isinstance(content, bytes) or len(content) % dtype.itemsize:
        raise _damaged(number)
    return np.frombuffer(content, dtype)


def _damaged(number: int) -> sqlite3.DatabaseError:
    return sqlite3.DatabaseError(f"block {number} of the vectors is not whole")
