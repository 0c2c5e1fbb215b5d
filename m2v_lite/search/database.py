"""Contains the tables of an index file and the connections to it.

The file is an SQLite database with a write-ahead log. Readers and a writer do not wait for each other, and
committed changes stay, whatever happens (https://sqlite.org/wal.html).
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from m2v_lite.disk import kind_of
from m2v_lite.errors import InputValueError, InvalidIndexError
from m2v_lite.search.read_only import FileState, fixed_address, fixed_state, has_log, state_of, unwritable

# What tells this file from other databases; the bytes of "m2vs".
APPLICATION = 0x6D327673
VERSION = 1
# How long to wait for another writer, in seconds.
PATIENCE = 30.0
MAPPED_BYTES = 1 << 30
# SQLite takes no more than 999 parameters in old versions.
PARAMETERS = 900

# The numbers of chunks only grow. Rows of vectors lie in pages, and pages in blocks, in the order of their
# chunks; a chunk that is gone leaves its number in its block with a minus. What a search does not always read
# has tables of its own: SQLite reads a row up to the column that it needs.
TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, size INTEGER, modified INTEGER,
    rule TEXT, checksum BLOB, error TEXT
);
CREATE INDEX sources_by_checksum ON sources (checksum);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER, name, first_line INTEGER, last_line INTEGER,
    metadata TEXT, text TEXT NOT NULL
);
CREATE INDEX chunks_by_source ON chunks (source) WHERE source IS NOT NULL;
CREATE UNIQUE INDEX chunks_by_name ON chunks (name) WHERE name IS NOT NULL;
CREATE TABLE blocks (
    id INTEGER PRIMARY KEY, first INTEGER NOT NULL UNIQUE, left INTEGER NOT NULL, chunks BLOB NOT NULL
);
CREATE TABLE bits (block INTEGER PRIMARY KEY, bits BLOB NOT NULL);
CREATE TABLE pages (id INTEGER PRIMARY KEY, scales BLOB NOT NULL, rows BLOB NOT NULL);
"""
# How texts are divided into words: at all that is no letter, number or mark.
TOKENIZE = "unicode61 remove_diacritics 2 categories 'L* N* M* Co'"
# The text is not stored twice (https://sqlite.org/fts5.html#contentless_tables).
WORDS = f'CREATE VIRTUAL TABLE words USING fts5(text, content="", tokenize="{TOKENIZE}")'


class _Connection(sqlite3.Connection):
    """A connection. One that is for a read-only place knows in which state the file has to stay."""

    fixed: FileState | None = None


class Database:
    """An SQLite file, with a connection for each thread that is using it at the moment.

    Args:
        path: the file.
        create: whether to make it if it is missing.

    Attributes:
        path: the file.
        has_words: whether the file has an index of words. It needs SQLite with FTS5.

    Raises:
        InvalidIndexError: the file is missing, damaged, not of this library, or in a read-only place where
            SQLite cannot read it, or cannot make it.
        OSError: the file cannot be opened.
    """

    def __init__(self, path: str, create: bool) -> None:
        self.path = path
        self._local = threading.local()
        self._idle: list[_Connection] = []
        self._changing = threading.Lock()  # of `_idle` and `_is_open`
        self._writing = threading.RLock()
        self._is_open = True
        if not path or "\0" in path:
            raise InputValueError(f"the path of an index is {path!r}; give the name of a file")
        self._file = os.path.abspath(path)
        if not create and (not os.path.exists(path) or not os.path.getsize(path)):
            raise InvalidIndexError(
                f"{path}: there is no index; make one with: m2v-lite index PATH --index {path}"
            )
        if not os.path.isdir(folder := os.path.dirname(self._file)):
            raise InvalidIndexError(f"{path}: there is no folder {folder}; create it first")
        if kind := kind_of(path):
            raise InvalidIndexError(f"{path}: this is {kind}, not a file; give another path")
        if not os.path.exists(path) and unwritable(self._file):
            raise InvalidIndexError(
                f"{path}: the folder {folder} is read-only, so no index can be made there; give another path"
            )
        try:
            with self._connection() as connection:
                self.has_words = self._prepare(connection)
        except BaseException:
            self.close()
            raise

    def files(self) -> list[str]:
        """Return the files that SQLite may write."""
        return [self._file, *(f"{self._file}-{suffix}" for suffix in ("wal", "shm", "journal"))]

    def close(self) -> None:
        """Close all connections. One that another thread is using is closed when that is done."""
        with self._changing:
            self._is_open = False
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def __del__(self) -> None:
        self.close()  # else Python 3.13 warns of each connection

    def discard(self) -> None:
        """Remove the file, unless another process has begun to use it."""
        with self.writing() as connection:
            if _value(connection, "SELECT count(*) FROM about"):
                return
        self.close()
        for path in self.files():
            with suppress(OSError):
                os.remove(path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees one state of the file until the block ends."""
        with self._connection() as connection:
            if connection.in_transaction:  # in a block that writes
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")  # which keeps temporary tables, for the next search

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection whose changes are committed together when the block ends, or not at all."""
        with self._writing, self._connection() as connection:
            if connection.in_transaction:
                raise InvalidIndexError(f"{self.path}: this index is being changed; wait until that is done")
            if connection.fixed is not None:  # else SQLite says so only when something is written
                raise self._unchangeable(unwritable(self._file) or self._file)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def vacuum(self) -> None:
        """Give the space of what is gone back to the system."""
        with self._writing, self._connection() as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn the errors of SQLite into errors of this library."""
        try:
            yield
        except sqlite3.OperationalError as error:
            what = str(error)
            if "decode" in what:
                raise self._damaged(error) from error
            if "locked" in what:
                raise InvalidIndexError(
                    f"{self.path}: another process has been writing this index for {PATIENCE:.0f} seconds; "
                    "try again"
                ) from error
            if place := unwritable(self._file):
                self._tell_read_only(place, error)
            raise OSError(f"{self.path}: {what}") from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise self._damaged(error) from error

    def _tell_read_only(self, place: str, error: sqlite3.OperationalError) -> None:
        """Raise an error of this library if something failed because this process cannot write a place."""
        what = str(error)
        if "readonly" in what:
            raise self._unchangeable(place) from error
        if "unable to open" in what and has_log(self._file):
            raise InvalidIndexError(
                f"{self.path}: this index cannot be read, because {place} is read-only and {self.path}-wal "
                "has changes that are not in the index yet; copy both files to a folder that you may write, "
                "and use the copy"
            ) from error
        if "unable to open" in what and not os.access(self._file, os.R_OK):
            raise InvalidIndexError(
                f"{self.path}: you may not read this index; get the right to read it"
            ) from error

    def _unchangeable(self, place: str) -> InvalidIndexError:
        return InvalidIndexError(
            f"{self.path}: this index cannot be changed, because {place} is read-only; copy the index to "
            "a folder that you may write, or get the right to write there"
        )

    def _check_fixed(self, connection: _Connection) -> None:
        """Check that nobody has changed the file while it was read from a read-only place."""
        if connection.fixed is not None and state_of(self._file) != connection.fixed:
            raise InvalidIndexError(
                f"{self.path}: another process has changed this index while it was read; try again"
            )

    def _damaged(self, error: Exception) -> InvalidIndexError:
        return InvalidIndexError(
            f"{self.path}: not an m2v_lite index, or damaged ({error}); delete it and make the index "
            "again, or give another path"
        )

    @contextmanager
    def _connection(self) -> Iterator[_Connection]:
        """Yield the connection of this thread, and turn the errors of SQLite into those of this library."""
        if (using := getattr(self._local, "connection", None)) is not None:  # in another block
            yield using
            return
        with self._told():
            self._local.connection = connection = self._taken()
            try:
                yield connection
                self._check_fixed(connection)
            except (sqlite3.DatabaseError, UnicodeDecodeError):  # which may be no damage
                self._check_fixed(connection)
                raise
            finally:
                self._local.connection = None
                self._put_back(connection)

    def _taken(self) -> _Connection:
        """Return a connection that no other thread uses."""
        fixed = fixed_state(self._file)
        with self._changing:
            if not self._is_open:
                raise InvalidIndexError(f"{self.path}: this index is closed; open it again")
            while self._idle:
                connection = self._idle.pop()
                if connection.fixed == fixed:
                    return connection
                connection.close()  # it would not see what has changed
        connection = sqlite3.connect(
            self._file if fixed is None else fixed_address(self._file),
            timeout=PATIENCE,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
            uri=fixed is not None,
        )
        connection.fixed = fixed
        try:
            connection.execute(f"PRAGMA mmap_size={MAPPED_BYTES}")
            connection.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _put_back(self, connection: _Connection) -> None:
        if connection.in_transaction:  # after an error that SQLite could not undo
            connection.rollback()
        with self._changing:
            if self._is_open:
                self._idle.append(connection)
                return
        connection.close()

    def _prepare(self, connection: sqlite3.Connection) -> bool:
        """Make the tables if the file is new, check that it is an index, and return whether it has words."""
        deadline = time.monotonic() + PATIENCE
        while _value(connection, "PRAGMA application_id") == 0 and not _has_tables(connection):
            try:
                connection.execute("PRAGMA page_size=8192")
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                # While another process does the same, SQLite does not wait by itself.
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
                continue
            if not _has_tables(connection):
                _make_tables(connection)
            connection.execute("COMMIT")
        if _value(connection, "PRAGMA application_id") != APPLICATION:
            raise InvalidIndexError(
                f"{self.path}: this is an SQLite database of another program; give another path"
            )
        if (version := _value(connection, "PRAGMA user_version")) != VERSION:
            raise InvalidIndexError(
                f"{self.path}: this index has version {version}, but this m2v_lite reads version {VERSION}; "
                "delete the file and make the index again"
            )
        return bool(_value(connection, "SELECT count(*) FROM sqlite_master WHERE name = 'words'"))


def selected(
    connection: sqlite3.Connection, query: str, values: Sequence[int | str]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query for any number of values, some hundred at a time.

    Args:
        connection: one that reads, or writes.
        query: the query, in which `{values}` stands for the values, perhaps more than once.
        values: the values.
    """
    times = query.count("{values}")
    for start in range(0, len(values), PARAMETERS // times):
        some = values[start : start + PARAMETERS // times]
        marks = ", ".join("?" * len(some))
        yield from connection.execute(query.format(values=marks), [*some] * times)


def _make_tables(connection: sqlite3.Connection) -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    with suppress(sqlite3.OperationalError):  # there is SQLite without FTS5
        connection.execute(WORDS)
    connection.execute(f"PRAGMA application_id={APPLICATION}")
    connection.execute(f"PRAGMA user_version={VERSION}")


def _has_tables(connection: sqlite3.Connection) -> bool:
    return bool(_value(connection, "SELECT count(*) FROM sqlite_master"))


def _value(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
