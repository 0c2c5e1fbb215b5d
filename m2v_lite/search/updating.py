"""Updates an index from files and folders. It reads only new and changed files."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import repeat
from typing import NamedTuple

from m2v_lite.disk import kind_of
from m2v_lite.errors import MissingPackageError
from m2v_lite.records.file_formats import STANDARD_STREAM, NotTextError
from m2v_lite.records.policies import SURROGATES
from m2v_lite.search.chunking import Chunk
from m2v_lite.search.contents import Entry, drop_entries
from m2v_lite.search.database import Database
from m2v_lite.search.discovery import UNKNOWN, File, found_and_gone
from m2v_lite.search.full_text import add_words, drop_words, name_of
from m2v_lite.search.manner import Manner
from m2v_lite.search.splitting import FileChunks, UnreadableError, suffix_of

# A transaction ends after the file that brings so many chunks, or so many seconds.
COMMIT_CHUNKS, COMMIT_SECONDS = 4096, 2.0
# It also ends before a file of so many bytes or of an unknown size, so that no other files wait for that one.
LARGE_BYTES = 1 << 20
# So many chunks are encoded together, of one file or of several. More would only take more memory.
ENCODED_CHUNKS = 1024
HASHED_BYTES = 1 << 20
# The index keeps this before the reason why it skipped a file, if the file is not text.
NOT_TEXT = "not text: "
STAYS = "; its earlier contents stay in the index"

# Adds chunks to the index, in the transaction of a connection.
Add = Callable[[sqlite3.Connection, list[Entry]], object]


class Update(NamedTuple):
    """The result of an update: a named tuple that `Index.update` returns.

    Attributes:
        added: the number of files that are new in the index, or could not be read before.
        changed: the number of files that were indexed again because their contents or an option changed.
        moved: the number of files whose path changed. They were not encoded again.
        removed: the number of files that were removed from the index, because they were deleted or are now
            excluded.
        unchanged: the number of files that did not change. They were not encoded again.
        skipped: the paths of files that could not be read, each with the reason. If such a file was indexed
            before, its old chunks stay in the index.
        chunks: the number of chunks that were encoded.
        failed: the skipped paths that have an error. The other skipped files were found in folders and are
            not text.

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
    failed: tuple[str, ...] = ()


class Progress(NamedTuple):
    """The progress of an update: a named tuple that `Index.update` passes to the function `told`.

    Attributes:
        path: the current file; "-" for standard input.
        position: the number of bytes read so far.
        size: the total number of bytes to read, or None if it is not known.
        chunks: the number of chunks encoded so far.

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
    """Update an index from files and folders; see `Index.update`.

    Args:
        database: the file of the index.
        add: a function that adds chunks to the index.
        paths: files, patterns, folders or standard input.
        manner: how to read the files.
        glob, exclude: patterns for the names or paths of files to index and to leave out.
        told: a function to call before each file, after each part of it, and at the end.

    Raises:
        InputValueError: a path does not exist.
    """
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
        found, gone, named = found_and_gone(*looked_for, written=database.files())
        nameless = [file for file in found if SURROGATES.search(file.path)]
        found = [file for file in found if file not in nameless] if nameless else found
        new = [file for file in found if file.path not in known]
        old = [file for file in found if file.path in known]
        changed = [file for file in old if known[file.path][1] != file or file.size == UNKNOWN]
        moved = _move(connection, new, gone, database.has_words)
        drop_sources(connection, [number for path, number in gone.items() if path not in moved], database)
    changing = {file.path for file in changed}
    unread = [file.path for file in old if file.path in errors.keys() - changing]
    work = _Work(database, add, manner, named, told)
    for file in nameless:
        work.skip(file.path, "its name is not valid Unicode")
    for path in unread:
        work.skip(path, errors[path].removeprefix(NOT_TEXT), errors[path].startswith(NOT_TEXT))
    work.read([*(file for file in new if file.path not in moved.values()), *changed])
    return Update(
        work.added,
        work.changed,
        len(moved),
        len(gone.keys() - moved.keys() - errors.keys()),
        len(old) - len(changed) - len(unread) + work.unchanged,
        tuple(work.skipped),
        work.chunks,
        tuple(work.failed),
    )


def drop_sources(connection: sqlite3.Connection, numbers: Sequence[int], database: Database) -> None:
    """Remove files and their chunks from an index."""
    for number in numbers:
        drop_entries(connection, _chunks_of(connection, number), database.has_words)
        connection.execute("DELETE FROM sources WHERE id = ?", (number,))


class _Work:
    """Reads files into an index and counts them."""

    def __init__(
        self,
        database: Database,
        add: Add,
        manner: Manner,
        named: set[str],
        told: Callable[[Progress], object] | None,
    ) -> None:
        self._database, self._add, self._manner = database, add, manner
        self._named, self._told = named, told
        self._position = 0
        self._size: int | None = None
        self._waiting: list[Entry] = []
        self.added = self.changed = self.unchanged = self.chunks = 0
        self.skipped: list[tuple[str, str]] = []
        self.failed: list[str] = []

    def skip(self, path: str, why: str, is_no_text: bool = False) -> None:
        """Count a file as skipped, and also as failed, unless it was found in a folder and is not text."""
        self.skipped.append((path, why))
        if not is_no_text or path in self._named:
            self.failed.append(path)

    def read(self, files: Sequence[File]) -> None:
        """Read files into the index."""
        if all(file.size != UNKNOWN for file in files):
            self._size = sum(file.size for file in files)
        remaining = deque(files)
        while remaining:
            self._read_some(remaining)
        if files:
            self._tell(files[-1].path)

    def _tell(self, path: str, read: int = 0) -> None:
        """Report the progress after the first `read` bytes of a file."""
        if self._told is not None:
            self._told(Progress(path, self._position + read, self._size, self.chunks))

    def _read_some(self, files: deque[File]) -> None:
        """Read and commit the next files. If `told` raises an error, commit the files before it."""
        until, enough = time.monotonic() + COMMIT_SECONDS, self.chunks + COMMIT_CHUNKS
        stopped: BaseException | None = None
        with self._database.writing() as connection:
            while files:
                try:
                    self._tell(files[0].path)
                except BaseException as error:
                    stopped = error
                    break
                file = files.popleft()
                self._read(connection, file)
                self._position += max(0, file.size)
                if len(self._waiting) >= ENCODED_CHUNKS:
                    self._add_waiting(connection)
                if self.chunks >= enough or time.monotonic() >= until:
                    break
                if files and (files[0].size >= LARGE_BYTES or files[0].size == UNKNOWN):
                    break
            self._add_waiting(connection)
        if stopped is not None:
            raise stopped

    def _read(self, connection: sqlite3.Connection, file: File) -> None:
        """Replace the chunks of a file with its current contents; keep them if it cannot be read."""
        before = connection.execute(
            "SELECT id, checksum, rule FROM sources WHERE path = ? AND error IS NULL", (file.path,)
        ).fetchone()
        stays = STAYS if before else ""
        if file.path != STANDARD_STREAM and (kind := kind_of(file.path)):
            self.skip(file.path, f"this is {kind}; pass it as standard input, and give '-'{stays}")
            return
        try:
            checksum = _checksum(file.path)
        except OSError as error:
            self.skip(file.path, f"{error.strerror or error}{stays}")
            return
        if before and checksum is not None and before[1:] == (checksum, file.rule):
            self.unchanged += 1
            connection.execute(
                "UPDATE sources SET size = ?, modified = ? WHERE id = ?",
                (file.size, file.modified, before[0]),
            )
            return
        try:
            self._replace(connection, file, checksum)
        except UnreadableError as error:
            is_no_text = isinstance(error.__cause__, NotTextError)
            why = str(error).encode(errors="backslashreplace").decode()  # it may quote what is wrong
            if before:
                # The next update reads the file again, whether it has changed or not.
                connection.execute("UPDATE sources SET modified = ? WHERE id = ?", (UNKNOWN, before[0]))
                self.skip(file.path, f"{why}{stays}")
                return
            # The index keeps the error, so that the file is read again only when it has changed; but not if
            # all it needs is a package.
            connection.execute("DELETE FROM sources WHERE path = ?", (file.path,))
            if not isinstance(error.__cause__, MissingPackageError):
                number = self._begin(connection, file, checksum)
                kept = NOT_TEXT * is_no_text + why
                connection.execute("UPDATE sources SET error = ? WHERE id = ?", (kept, number))
            self.skip(file.path, why, is_no_text)
        else:
            self.added += not before
            self.changed += bool(before)

    def _replace(self, connection: sqlite3.Connection, file: File, checksum: bytes | None) -> None:
        """Add the chunks of a file to the waiting ones, or, if the file is large, to the index at once.

        Either all chunks of the file are added or none.

        Raises:
            UnreadableError: the file cannot be read. Nothing has changed.
        """
        chunks = FileChunks(file.path, self._manner)
        some = chunks.some(ENCODED_CHUNKS)
        if len(some) < ENCODED_CHUNKS:
            number = self._begin(connection, file, checksum)
            self._waiting += _entries(some, number)
            return
        self._add_waiting(connection)
        before = self.chunks
        connection.execute("SAVEPOINT file")
        try:
            number = self._begin(connection, file, checksum)
            while some:
                self._waiting = _entries(some, number)
                self._add_waiting(connection)
                self._tell(file.path, chunks.position)
                some = chunks.some(ENCODED_CHUNKS)
        except UnreadableError:
            connection.execute("ROLLBACK TO file")
            self.chunks = before
            raise
        connection.execute("RELEASE file")

    def _begin(self, connection: sqlite3.Connection, file: File, checksum: bytes | None) -> int:
        """Remove a file's old chunks, add the file without chunks, and return its number."""
        before = connection.execute("SELECT id FROM sources WHERE path = ?", (file.path,)).fetchall()
        drop_sources(connection, [number for (number,) in before], self._database)
        number = connection.execute(
            "INSERT INTO sources (path, size, modified, rule, checksum) VALUES (?, ?, ?, ?, ?)",
            (*file, checksum),
        ).lastrowid
        assert number is not None
        return number

    def _add_waiting(self, connection: sqlite3.Connection) -> None:
        """Add the waiting chunks to the index."""
        entries, self._waiting = self._waiting, []
        if entries:
            self._add(connection, entries)
            self.chunks += len(entries)


def _entries(chunks: Sequence[Chunk], source: int) -> list[Entry]:
    return [Entry(text, None, source, first, last) for first, last, text in chunks]


def _chunks_of(connection: sqlite3.Connection, source: int) -> list[int]:
    found = connection.execute("SELECT id FROM chunks WHERE source = ?", (source,))
    return [number for (number,) in found]


def _move(
    connection: sqlite3.Connection, new: Sequence[File], gone: dict[str, int], has_words: bool
) -> dict[str, str]:
    """Change the paths of files that have moved. Return a mapping of the old paths to the new ones."""
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
            "SELECT path, id FROM sources WHERE checksum = ? AND rule = ? AND error IS NULL",
            (checksum, file.rule),
        ).fetchall():
            # Another suffix may be another format.
            if path in gone and path not in moved and suffix_of(path) == suffix_of(file.path):
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


def _checksum(path: str) -> bytes | None:
    """Return a checksum of the contents of a file; None for standard input."""
    if path == STANDARD_STREAM:
        return None
    digest = blake2b(digest_size=16)
    with open(path, "rb", buffering=0) as file:
        while block := file.read(HASHED_BYTES):
            digest.update(block)
    return digest.digest()
