"""What is in an index, in a few numbers."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from m2v_lite.search.about import About
from m2v_lite.search.database import Database
from m2v_lite.search.vector_blocks import rows_left


class Status(NamedTuple):
    """What is in an index. It is a named tuple, which `Index.status` returns.

    Attributes:
        path: the file.
        files: how many files are in it. Files that could not be read do not count.
        chunks: how many texts it has.
        model: the name or the path of its model; "" for the bundled one.
        columns: how many numbers a vector has.
        precision: how the vectors are stored: "int8" or "float32".
        has_words: whether it can be searched by words, for which SQLite needs FTS5.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from m2v_lite.search import Index
        >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
        ...     status = index.status()
        ...     status.files, status.chunks, status.model, status.columns, status.precision
        (0, 0, '', 256, 'int8')
    """

    path: str
    files: int
    chunks: int
    model: str
    columns: int
    precision: str
    has_words: bool


def status_of(connection: sqlite3.Connection, database: Database, about: About) -> Status:
    """Return what is in an index.

    Args:
        connection: one that reads.
        database: the file.
        about: what it says of its model.
    """
    (files,) = connection.execute("SELECT count(*) FROM sources WHERE error IS NULL").fetchone()
    return Status(
        database.path,
        files,
        rows_left(connection),
        about.model,
        about.columns,
        about.precision,
        database.has_words,
    )
