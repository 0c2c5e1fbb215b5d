"""Stores rows of vectors in the index file: in blocks of a few thousand rows, with pages read one by one.

The rows have *positions* from 0 up, in the order of their chunks. A fixed number of positions make a page,
and `PAGES` pages make a block. A block has the chunk number and the bits of each of its rows. A page is about
as large as one of SQLite's own pages, so that a single row can be read without its neighbours.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from m2v_lite.search.bits import WORD, signs, words_of

PAGES = 128
# What fits into one of SQLite's pages with what it says of it.
PAGE_BYTES = 8100
CHUNK, SCALE = np.dtype(np.int64), np.dtype(np.float32)


class Layout(NamedTuple):
    """What rows are like, and so where they lie.

    Attributes:
        dtype: of the rows.
        columns: how many columns they have.
    """

    dtype: np.dtype[Any]
    columns: int

    @property
    def row_bytes(self) -> int:
        """How many bytes a row has."""
        return self.columns * self.dtype.itemsize

    @property
    def page(self) -> int:
        """How many rows a page has."""
        return max(1, PAGE_BYTES // (self.row_bytes + SCALE.itemsize))

    @property
    def block(self) -> int:
        """How many rows a block has."""
        return PAGES * self.page


class Block(NamedTuple):
    """Where some rows are, without the rows.

    Attributes:
        number: the number of the block.
        chunks: (rows,), the number of the chunk of each row. It grows; that of a chunk that is gone has a
            minus.
    """

    number: int
    chunks: NDArray[np.int64]


class Rows(NamedTuple):
    """Some rows.

    Attributes:
        numbers: (rows, columns).
        scales: (rows,), by which the numbers of a row are multiplied.
    """

    numbers: NDArray[Any]
    scales: NDArray[np.float32]


def append(connection: sqlite3.Connection, layout: Layout, chunks: NDArray[np.int64], rows: Rows) -> None:
    """Append rows, to the last block as long as it has room, and to new ones.

    Args:
        connection: one that writes.
        layout: what all rows are like.
        chunks: (rows,), the numbers of their chunks, which grow, and are above all before.
        rows: the rows.
    """
    last = connection.execute("SELECT id, chunks FROM blocks ORDER BY id DESC LIMIT 1").fetchone()
    block = Block(last[0], _array(last[1], CHUNK, last[0])) if last else Block(0, chunks[:0])
    _append_to(connection, layout, block, chunks, rows)


def _append_to(
    connection: sqlite3.Connection, layout: Layout, block: Block, chunks: NDArray[np.int64], rows: Rows
) -> Block:
    """Append rows to a block as long as it has room, and to new ones. Return the last of them."""
    start = 0
    while start < len(chunks):
        if len(block.chunks) == layout.block:
            block = Block(block.number + 1, chunks[:0])
        stop = start + layout.block - len(block.chunks)
        some = Rows(rows.numbers[start:stop], rows.scales[start:stop])
        _extend(connection, layout, block, chunks[start:stop], some)
        block = Block(block.number, np.concatenate([block.chunks, chunks[start:stop]]))
        start = stop
    return block


def _extend(
    connection: sqlite3.Connection, layout: Layout, block: Block, chunks: NDArray[np.int64], rows: Rows
) -> None:
    """Append rows to a block that has room for them, and is new if it has no rows yet."""
    size = len(block.chunks)
    bits = signs(rows.numbers)
    if size:
        bits = np.concatenate([bits_of(connection, layout, block), bits], axis=1)
        chunks = np.concatenate([block.chunks, chunks])
    connection.execute(
        "REPLACE INTO blocks VALUES (?, ?, ?, ?)",
        (block.number, int(abs(chunks[0])), int((chunks > 0).sum()), chunks.tobytes()),
    )
    connection.execute("REPLACE INTO bits VALUES (?, ?)", (block.number, bits.tobytes()))
    page = block.number * PAGES + size // layout.page
    numbers, scales = np.ascontiguousarray(rows.numbers), rows.scales
    if size % layout.page:
        begun = _pages(connection, layout, page, page)
        numbers, scales = np.concatenate([begun.numbers, numbers]), np.concatenate([begun.scales, scales])
    connection.executemany(
        "REPLACE INTO pages VALUES (?, ?, ?)",
        (
            (
                page + place,
                scales[start : start + layout.page].tobytes(),
                numbers[start : start + layout.page],
            )
            for place, start in enumerate(range(0, len(numbers), layout.page))
        ),
    )


def drop(connection: sqlite3.Connection, chunks: NDArray[np.int64]) -> None:
    """Mark the rows of some chunks as gone, and remove blocks that hold nothing else.

    Args:
        connection: one that writes.
        chunks: the numbers of the chunks, sorted.
    """
    for (number, found), places in blocks_with(connection, chunks):
        kept = found.copy()
        kept[places] *= -1
        if left := int((kept > 0).sum()):
            connection.execute(
                "UPDATE blocks SET left = ?, chunks = ? WHERE id = ?", (left, kept.tobytes(), number)
            )
        else:
            _remove(connection, number)


def _remove(connection: sqlite3.Connection, number: int) -> None:
    """Remove a block."""
    connection.execute("DELETE FROM blocks WHERE id = ?", (number,))
    connection.execute("DELETE FROM bits WHERE block = ?", (number,))
    connection.execute(
        "DELETE FROM pages WHERE id BETWEEN ? AND ?", (number * PAGES, number * PAGES + PAGES - 1)
    )


def rewrite(connection: sqlite3.Connection, layout: Layout) -> None:
    """Write all blocks again, without the rows of chunks that are gone."""
    old = list(blocks(connection))
    if all((block.chunks > 0).all() for block in old):
        return
    number, before = (old[-1].number + 1 if old else 0), np.zeros(0, CHUNK)
    for block in old:
        rows, left = rows_of(connection, layout, block), block.chunks > 0
        _remove(connection, block.number)
        chunks, rows = block.chunks[left], Rows(rows.numbers[left], rows.scales[left])
        number, before = _append_to(connection, layout, Block(number, before), chunks, rows)


def rows_left(connection: sqlite3.Connection) -> int:
    """Return how many rows there are whose chunks are not gone."""
    return int(connection.execute("SELECT coalesce(sum(left), 0) FROM blocks").fetchone()[0])


def blocks(connection: sqlite3.Connection) -> Iterator[Block]:
    """Yield all blocks."""
    numbers = [number for (number,) in connection.execute("SELECT id FROM blocks ORDER BY id")]
    for number in numbers:
        (content,) = _read(connection, "SELECT chunks FROM blocks WHERE id = ?", number)
        yield Block(number, _array(content, CHUNK, number))


def blocks_with(
    connection: sqlite3.Connection, chunks: NDArray[np.int64]
) -> Iterator[tuple[Block, NDArray[np.intp]]]:
    """Yield the blocks that hold some chunks, and the places of these there.

    Args:
        connection: one that reads, or writes.
        chunks: the numbers of chunks that are there, sorted.
    """
    start = 0
    while start < len(chunks):
        number, content = _read(
            connection,
            "SELECT id, chunks FROM blocks WHERE first <= ? ORDER BY first DESC LIMIT 1",
            int(chunks[start]),
        )
        found = _array(content, CHUNK, number)
        numbers = np.abs(found)
        stop = start + max(1, int(np.searchsorted(chunks[start:], numbers[-1:], "right").sum()))
        places = np.searchsorted(numbers, chunks[start:stop])
        if (found[np.minimum(places, len(found) - 1)] != chunks[start:stop]).any():
            raise _damaged(number)
        yield Block(number, found), places
        start = stop


def bits_of(connection: sqlite3.Connection, layout: Layout, block: Block) -> NDArray[np.uint64]:
    """Return the bits of the rows of a block, (words, rows)."""
    (content,) = _read(connection, "SELECT bits FROM bits WHERE block = ?", block.number)
    words = _array(content, WORD, block.number)
    if len(words) != words_of(layout.columns) * len(block.chunks):
        raise _damaged(block.number)
    return words.reshape(-1, len(block.chunks))


def rows_of(connection: sqlite3.Connection, layout: Layout, block: Block) -> Rows:
    """Return all rows of a block."""
    first = block.number * PAGES
    rows = _pages(connection, layout, first, first + PAGES - 1)
    if len(rows.numbers) != len(block.chunks):
        raise _damaged(block.number)
    return rows


def rows_at(connection: sqlite3.Connection, layout: Layout, positions: NDArray[np.int64]) -> Rows:
    """Return the rows at some positions."""
    size, width = layout.page, layout.row_bytes
    found = connection.execute(
        f"SELECT substr(scales, value % {size} * {SCALE.itemsize} + 1, {SCALE.itemsize}), "
        f"substr(rows, value % {size} * {width} + 1, {width}) "
        f"FROM json_each(?) CROSS JOIN pages ON pages.id = value / {size} ORDER BY key",
        (json.dumps(positions.tolist()),),
    ).fetchall()
    rows = _joined(layout, found, int(positions[0]) // layout.block)
    if len(rows.numbers) != len(positions):
        raise _damaged(int(positions[0]) // layout.block)
    return rows


def _pages(connection: sqlite3.Connection, layout: Layout, first: int, last: int) -> Rows:
    found = connection.execute(
        "SELECT scales, rows FROM pages WHERE id BETWEEN ? AND ? ORDER BY id", (first, last)
    ).fetchall()
    return _joined(layout, found, first // PAGES)


def _joined(layout: Layout, found: list[tuple[Any, Any]], number: int) -> Rows:
    """Return the rows in what was read of a block, or from a block on."""
    try:
        scales, numbers = (b"".join(parts) for parts in zip(*found, strict=True))
    except (TypeError, ValueError) as error:
        raise _damaged(number) from error
    rows = Rows(_array(numbers, layout.dtype, number), _array(scales, SCALE, number))
    if len(rows.numbers) != len(rows.scales) * layout.columns:
        raise _damaged(number)
    return Rows(rows.numbers.reshape(-1, layout.columns), rows.scales)


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
    return sqlite3.DatabaseError(f"block {number} of the vectors is incomplete")
