"""`Status`, a summary of an index."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from m2v_lite.search.about import About
from m2v_lite.search.database import Database
from m2v_lite.search.vector_blocks import rows_left


class Status(NamedTuple):
    """A summary of an index: a named tuple that `Index.status` returns.

    Attributes:
        path: the path of the index file.
        files: the number of files in the index. Files that could not be read do not count.
        chunks: the number of texts.
        model: the name or path of the model; "" for the bundled model.
        columns: the number of columns in a vector.
        precision: how the vectors are stored: "int8" or "float32".
        has_words: whether you can search by words. This needs SQLite with FTS5.

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
    """Return a summary of an index.

    Args:
        connection: a connection for reading.
        database: the file of the index.
        about: what the index stores about its model.
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
