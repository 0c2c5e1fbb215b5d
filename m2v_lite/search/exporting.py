"""Exports an index to a file for other libraries: only the vectors, or a table of chunks and vectors."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from m2v_lite.errors import InputValueError, MissingPackageError
from m2v_lite.files.atomic_write import atomic_write
from m2v_lite.records.writing.npy_file import NpyWriter
from m2v_lite.search.vector_blocks import Layout, blocks, rows_of

SUFFIXES = (".npy", ".parquet")
FLOAT32 = np.dtype(np.float32)


class Part(NamedTuple):
    """Some chunks, in the order in which they were added.

    Attributes:
        chunks: (chunks,), their numbers.
        vectors: (chunks, columns).
    """

    chunks: NDArray[np.int64]
    vectors: NDArray[np.float32]


def checked_export(path: str) -> str:
    """Return the suffix of a file that can be written.

    Raises:
        InputValueError: it is another one.
    """
    suffix = os.path.splitext(path.lower())[1]
    if suffix not in SUFFIXES:
        raise InputValueError(f"{path}: give a file that ends in {' or '.join(SUFFIXES)}")
    return suffix


def export(connection: sqlite3.Connection, layout: Layout, path: str) -> int:
    """Write all chunks to a file, block by block, and return how many there are; see `Index.export`.

    Args:
        connection: one that reads.
        layout: what the rows of the index are like.
        path: the file, which appears when all is written.
    """
    write = _write_npy if checked_export(path) == ".npy" else _write_parquet
    with atomic_write(path) as file:
        return write(file, connection, layout)


def _parts(connection: sqlite3.Connection, layout: Layout) -> Iterator[Part]:
    for block in blocks(connection):
        rows = rows_of(connection, layout, block)
        left = np.flatnonzero(block.chunks > 0)
        vectors = rows.numbers[left].astype(np.float32, copy=False) * rows.scales[left, None]
        yield Part(block.chunks[left], vectors)


def _write_npy(file: BinaryIO, connection: sqlite3.Connection, layout: Layout) -> int:
    writer = NpyWriter(layout.columns, FLOAT32)
    file.write(writer.head())
    number = 0
    for part in _parts(connection, layout):
        for piece in writer.parts(None, part.vectors):
            file.write(piece)
        number += len(part.chunks)
    writer.finish(file, number)
    return number


def _write_parquet(file: BinaryIO, connection: sqlite3.Connection, layout: Layout) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise MissingPackageError(
            "parquet files need the package pyarrow; install it with: pip install 'm2v-lite[files]'"
        ) from None
    (texts,) = connection.execute("SELECT count(*) FROM chunks WHERE typeof(name) = 'text'").fetchone()
    id_type = pa.string() if texts else pa.int64()
    columns = [
        ("id", id_type),
        ("path", pa.string()),
        ("first_line", pa.int64()),
        ("last_line", pa.int64()),
        ("text", pa.string()),
        ("metadata", pa.string()),
        ("embedding", pa.list_(pa.float32(), layout.columns)),
    ]
    schema = pa.schema([pa.field(name, kind) for name, kind in columns])
    plain = [name for name, _ in columns[:-1]]
    # To look for what is equal in vectors takes long, and finds little.
    compression = dict.fromkeys(plain, "snappy")
    number = 0
    with pyarrow.parquet.ParquetWriter(
        file, schema, compression=compression, use_dictionary=plain, write_statistics=plain
    ) as writer:
        for part in _parts(connection, layout):
            values = list(zip(*_chunks(connection, part.chunks), strict=True)) or [()] * len(plain)
            ids = [str(one) if texts else one for one in values[0]]
            arrays = [
                pa.array(some, kind) for some, (_, kind) in zip([ids, *values[1:]], columns[:-1], strict=True)
            ]
            flat = pa.array(part.vectors.reshape(-1))
            vectors = pa.FixedSizeListArray.from_arrays(flat, layout.columns)
            writer.write_table(pa.Table.from_arrays([*arrays, vectors], schema=schema))
            number += len(part.chunks)
    return number


def _chunks(connection: sqlite3.Connection, chunks: NDArray[np.int64]) -> list[tuple[Any, ...]]:
    """Return what the index has of chunks whose numbers follow each other in it."""
    if not len(chunks):
        return []
    found = connection.execute(
        "SELECT coalesce(name, chunks.id), path, first_line, last_line, text, metadata FROM chunks "
        "LEFT JOIN sources ON sources.id = chunks.source WHERE chunks.id BETWEEN ? AND ? ORDER BY chunks.id",
        (int(chunks[0]), int(chunks[-1])),
    ).fetchall()
    if len(found) != len(chunks):
        raise sqlite3.DatabaseError(f"there are {len(found)} chunks, but {len(chunks)} vectors")
    return found
