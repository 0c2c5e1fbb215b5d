"""Files and folders -> an index of what is in them: only what is new or has changed is read."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain, islice, repeat
from typing import NamedTuple

from m2v_lite.disk import kind_of
from m2v_lite.encoding.batches import BATCH_CHARACTERS, BATCH_TEXTS
from m2v_lite.errors import InputValueError, MissingPackageError
from m2v_lite.records.batches import TextRows
from m2v_lite.records.file_formats import STANDARD_STREAM
from m2v_lite.records.gathering import Limits
from m2v_lite.records.policies import SURROGATES, Policy
from m2v_lite.records.reading import Reader
from m2v_lite.records.sources import Source
from m2v_lite.search.chunking import Chunk, Line, fixed_chunks, line_chunks, paragraph_chunks
from m2v_lite.search.contents import Entry, drop_entries
from m2v_lite.search.database import Database
from m2v_lite.search.discovery import UNKNOWN, File, found_and_gone, rule_for
from m2v_lite.search.full_text import add_words, drop_words, name_of
from m2v_lite.search.manner import Manner

# Where what looks like a heading is one.
PROSE = {"", ".md", ".markdown", ".rst", ".txt", ".text", ".adoc", ".org"}
# A transaction ends after the file that brings so many chunks, or so many seconds.
COMMIT_CHUNKS, COMMIT_SECONDS = 4096, 2.0
# So many chunks are encoded together, of one file or of several. More would only take more memory.
ENCODED_CHUNKS = 1024
HASHED_BYTES = 1 << 20

# Adds chunks to the index, in the transaction of a connection.
Add = Callable[[sqlite3.Connection, list[Entry]], object]


class Update(NamedTuple):
    """What an update has done. It is a named tuple, which `Index.update` returns.

    Attributes:
        added: how many files are new in the index.
        changed: how many files had other contents than before, and were read again.
        moved: how many files had another path before. They are not encoded again.
        removed: how many files are gone or left out now, and have left the index.
        unchanged: how many files are as they were, and were not read.
        skipped: the paths of files that could not be read, each with the reason.
        chunks: how many chunks were encoded.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from m2v_lite.search import Index
        >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
        ...     _ = Path(folder, "tea.md").write_text("Pour the water.")
        ...     first, second = (index.update(folder, glob="*.md") for _ in range(2))
        ...     (first.added, first.chunks), (second.added, second.unchanged)
        ((1, 1), (0, 1))
    """

    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: tuple[tuple[str, str], ...] = ()
    chunks: int = 0


class Progress(NamedTuple):
    """How far an update is. It is a named tuple, which `Index.update` hands to the function `told`.

    Attributes:
        path: the file that is read; standard input is "-".
        position: how many bytes were read.
        size: how many bytes are to be read, or None if that is not known.
        chunks: how many chunks were encoded.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from m2v_lite.search import Index
        >>> steps = []
        >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
        ...     _ = Path(folder, "tea.md").write_text("Pour the water.")
        ...     done = index.update(folder, glob="*.md", told=steps.append)
        >>> steps[-1].position, steps[-1].size, steps[-1].chunks
        (15, 15, 1)
    """

    path: str
    position: int
    size: int | None
    chunks: int


def update(
    database: Database,
    add: Add,
    paths: Sequence[str],
    manner: Manner,
    glob: Sequence[str] = (),
    exclude: Sequence[str] = (),
    told: Callable[[Progress], object] | None = None,
) -> Update:
    """Make an index hold what is in files and folders; see `Index.update`.

    Args:
        database: the file of the index.
        add: adds chunks.
        paths: files, patterns, folders or standard input.
        manner: how the files are read.
        glob, exclude: patterns of names or paths, of files to take and to leave out.
        told: called before each file, after each part of it, and at the end.

    Raises:
        InputValueError: a path stands for nothing.
    """
    work = _Work(database, add, manner, told)
    with database.writing() as connection:
        known: dict[str, tuple[int, File]] = {}
        errors: dict[str, str] = {}
        for number, error, *file in connection.execute(
            "SELECT id, error, path, size, modified, rule FROM sources"
        ):
            known[file[0]] = number, File(*file)
            if error is not None:
                errors[file[0]] = error
        looked_for = paths, known, manner.rule, manner.unusual, glob, exclude
        found, gone = found_and_gone(*looked_for, written=database.files())
        nameless = [file for file in found if SURROGATES.search(file.path)]
        found = [file for file in found if file not in nameless] if nameless else found
        new = [file for file in found if file.path not in known]
        old = [file for file in found if file.path in known]
        changed = [file for file in old if known[file.path][1] != file or file.size == UNKNOWN]
        moved = _move(connection, new, gone, database.has_words)
        drop_sources(connection, [number for path, number in gone.items() if path not in moved], database)
    changing = {file.path for file in changed}
    failed = [(file.path, errors[file.path]) for file in old if file.path in errors.keys() - changing]
    work.skipped += [(file.path, "its name is not valid Unicode") for file in nameless]
    work.skipped += failed
    work.read([*(file for file in new if file.path not in moved.values()), *changed])
    return Update(
        work.added,
        work.changed,
        len(moved),
        len(gone) - len(moved),
        len(old) - len(changed) - len(failed) + work.unchanged,
        tuple(work.skipped),
        work.chunks,
    )


def drop_sources(connection: sqlite3.Connection, numbers: Sequence[int], database: Database) -> None:
    """Take files out of an index, with their chunks."""
    for number in numbers:
        drop_entries(connection, _chunks_of(connection, number), database.has_words)
        connection.execute("DELETE FROM sources WHERE id = ?", (number,))


class _Work:
    """Reads files into an index, and counts."""

    def __init__(
        self,
        database: Database,
        add: Add,
        manner: Manner,
        told: Callable[[Progress], object] | None,
    ) -> None:
        self._database, self._add, self._manner = database, add, manner
        self._told = told
        self._position = 0
        self._size: int | None = None
        self._waiting: list[Entry] = []
        self.added = self.changed = self.unchanged = self.chunks = 0
        self.skipped: list[tuple[str, str]] = []

    def read(self, files: Sequence[File]) -> None:
        """Read files into the index."""
        if all(file.size != UNKNOWN for file in files):
            self._size = sum(file.size for file in files)
        remaining = iter(files)
        while self._read_some(remaining):
            pass
        if files:
            self._tell(files[-1].path)

    def _tell(self, path: str, read: int = 0) -> None:
        """Tell how far the work is, when so many bytes of a file were read."""
        if self._told is not None:
            self._told(Progress(path, self._position + read, self._size, self.chunks))

    def _read_some(self, files: Iterator[File]) -> bool:
        """Read files, commit what is in them, and return whether there may be more."""
        until, enough = time.monotonic() + COMMIT_SECONDS, self.chunks + COMMIT_CHUNKS
        first = next(files, None)
        if first is None:
            return False
        with self._database.writing() as connection:
            for file in chain([first], files):
                self._tell(file.path)
                self._read(connection, file)
                self._position += max(0, file.size)
                if len(self._waiting) >= ENCODED_CHUNKS:
                    self._add_waiting(connection)
                if self.chunks >= enough or time.monotonic() >= until:
                    break
            self._add_waiting(connection)
        return True

    def _read(self, connection: sqlite3.Connection, file: File) -> None:
        """Put what is in a file in the place of what was in it."""
        before = connection.execute(
            "SELECT id, checksum, rule, error FROM sources WHERE path = ?", (file.path,)
        ).fetchone()
        if file.path != STANDARD_STREAM and (kind := kind_of(file.path)):
            self.skipped.append((file.path, f"this is {kind}; pass it as standard input, and give '-'"))
            return
        try:
            checksum = _checksum(file.path)
        except OSError as error:
            self.skipped.append((file.path, error.strerror or str(error)))
            return
        if before and checksum is not None and before[1:] == (checksum, file.rule, None):
            self.unchanged += 1
            connection.execute(
                "UPDATE sources SET size = ?, modified = ? WHERE id = ?",
                (file.size, file.modified, before[0]),
            )
            return
        if before:
            drop_sources(connection, [before[0]], self._database)
        number = connection.execute(
            "INSERT INTO sources (path, size, modified, rule, checksum) VALUES (?, ?, ?, ?, ?)",
            (*file, checksum),
        ).lastrowid
        assert number is not None
        try:
            self._add_chunks(connection, file, number)
        except _UnreadableError as error:
            # The file stays in the index without chunks, so that it is read again only when it has changed;
            # but not if all it needs is a package.
            if isinstance(error.__cause__, MissingPackageError):
                connection.execute("DELETE FROM sources WHERE id = ?", (number,))
            why = str(error).encode(errors="backslashreplace").decode()  # it may quote what is wrong
            connection.execute("UPDATE sources SET error = ? WHERE id = ?", (why, number))
            self.skipped.append((file.path, why))
        else:
            self.added += not before
            self.changed += bool(before)

    def _add_chunks(self, connection: sqlite3.Connection, file: File, source: int) -> None:
        """Add the chunks of a file to those that wait; of a large file, to the index, all of them or none."""
        limits = Limits(BATCH_TEXTS, BATCH_CHARACTERS)
        policy = Policy(self._manner.errors, self._manner.on_missing)
        reader = Reader([Source(file.path)], self._manner.reading, policy, limits)
        chunks = _chunks(reader, file.path, self._manner.rule)
        entries = _some_entries(chunks, source)
        if len(entries) < ENCODED_CHUNKS:
            self._waiting += entries
            return
        self._add_waiting(connection)
        before = self.chunks
        connection.execute("SAVEPOINT file")
        try:
            while entries:
                self._waiting = entries
                self._add_waiting(connection)
                self._tell(file.path, reader.position)
                entries = _some_entries(chunks, source)
        except _UnreadableError:
            connection.execute("ROLLBACK TO file")
            self.chunks = before
            raise
        connection.execute("RELEASE file")

    def _add_waiting(self, connection: sqlite3.Connection) -> None:
        """Add the chunks that wait to the index."""
        entries, self._waiting = self._waiting, []
        if entries:
            self._add(connection, entries)
            self.chunks += len(entries)


class _UnreadableError(Exception):
    """A file cannot be read to its end; the cause says why."""


def _some_entries(chunks: Iterator[Chunk], source: int) -> list[Entry]:
    """Return the next chunks of a file as entries.

    Raises:
        _UnreadableError: the file cannot be read.
    """
    try:
        some = list(islice(chunks, ENCODED_CHUNKS))
    except (InputValueError, MissingPackageError, OSError) as error:
        raise _UnreadableError(str(error)) from error
    return [Entry(text, None, source, first, last) for first, last, text in some]


def _chunks_of(connection: sqlite3.Connection, source: int) -> list[int]:
    found = connection.execute("SELECT id FROM chunks WHERE source = ?", (source,))
    return [number for (number,) in found]


def _move(
    connection: sqlite3.Connection, new: Sequence[File], gone: dict[str, int], has_words: bool
) -> dict[str, str]:
    """Give files that have moved their new paths. Return these by the old ones."""
    moved: dict[str, str] = {}
    if not gone:
        return moved
    sizes = {size for (size,) in connection.execute("SELECT size FROM sources")}
    for file in new:
        if file.size not in sizes or file.size == UNKNOWN:
            continue
        try:
            checksum = _checksum(file.path)
        except OSError:
            continue
        for path, number in connection.execute(
            "SELECT path, id FROM sources WHERE checksum = ? AND rule = ?", (checksum, file.rule)
        ).fetchall():
            # Another suffix may be another format.
            if path in gone and path not in moved and _suffix(path) == _suffix(file.path):
                has_new_name = has_words and name_of(path) != name_of(file.path)
                if has_new_name:
                    drop_words(connection, _chunks_of(connection, number))
                connection.execute(
                    "UPDATE sources SET path = ?, modified = ? WHERE id = ?",
                    (file.path, file.modified, number),
                )
                if has_new_name:
                    query = "SELECT id, text FROM chunks WHERE source = ?"
                    found = connection.execute(query, (number,)).fetchall()
                    numbers, texts = [one for one, _ in found], [text for _, text in found]
                    add_words(connection, numbers, texts, repeat(file.path, len(found)))
                moved[path] = file.path
                break
    return moved


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _checksum(path: str) -> bytes | None:
    """Return what tells the bytes of a file from others; None for standard input."""
    if path == STANDARD_STREAM:
        return None
    digest = blake2b(digest_size=16)
    with open(path, "rb", buffering=0) as file:
        while block := file.read(HASHED_BYTES):
            digest.update(block)
    return digest.digest()


def _chunks(reader: Reader, path: str, rule: str | int | None) -> Iterator[Chunk]:
    """Yield the chunks of a file. Where it has records, each is one, or several if it is long."""
    batches = (batch for batch in reader.batches() if batch.texts)
    first = next(batches, None)
    if first is None:
        return
    lines: Iterator[Line] = (
        line
        for batch in chain([first], batches)
        for line in zip(batch.places.numbers, batch.texts, strict=True)
    )
    rule = rule_for(path, rule) if isinstance(first.rows, TextRows) else "lines"
    if rule == "lines":
        yield from line_chunks(lines)
    elif rule == "paragraphs":
        yield from paragraph_chunks(lines, _suffix(path) in PROSE)
    else:
        yield from fixed_chunks(lines, int(rule))
