"""`Index`, a file of texts that you can search by meaning and by words."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.arguments import PathLike, check_unicode, checked_path, described, natural_number, one_of
from m2v_lite.errors import InputTypeError, InputValueError
from m2v_lite.model import StaticModel
from m2v_lite.records.reading import Reading
from m2v_lite.search.about import identified
from m2v_lite.search.checked_entries import entries_of
from m2v_lite.search.compact import PRECISIONS
from m2v_lite.search.contents import Entry, add_entries, drop_entries, numbers_of
from m2v_lite.search.database import Database
from m2v_lite.search.discovery import listed_paths
from m2v_lite.search.filters import allowed_chunks
from m2v_lite.search.full_text import matching
from m2v_lite.search.fusion import fused
from m2v_lite.search.hits import Hit, hits_of
from m2v_lite.search.manner import checked_manner
from m2v_lite.search.nearest import NOTHING, joined, nearest
from m2v_lite.search.path_patterns import whole_pattern
from m2v_lite.search.updating import Progress, Update, update
from m2v_lite.search.upkeep import Upkeep
from m2v_lite.search.vector_blocks import Layout, rows_left

MODES = ("hybrid", "vector", "text")
# So many texts are encoded and committed at a time.
COMMITTED = 4096
# How many chunks each of the two orders gives for a hybrid search, or as many as are asked for.
FUSED = 100


class Index(Upkeep):
    """A searchable file of texts and their vectors.

    The file is an SQLite database (https://sqlite.org). When a call returns, all of its changes are
    committed. Several threads and processes can search at the same time, even while one of them writes.

    Args:
        path: the file. If it does not exist, it is created.
        model: a model, or its name or path, as for `StaticModel.from_pretrained`. The default is the model
            that made the index; for a new index, it is the bundled model.
        precision: how a new index stores its vectors: "int8" or "float32". "float32" takes four times as
            much space.
        create: whether to create the file if it does not exist. If False, a missing file is an error.

    Raises:
        InvalidIndexError: the file is damaged or belongs to another program, its vectors come from another
            model, or it is missing and `create` is False.
        InputValueError: the precision is unknown, or the model was not loaded from files.
        InputTypeError: the path is not a str or a pathlib.Path.
        M2VLiteError: the model cannot be loaded.
        OSError: the file cannot be opened.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
        ...     ids = index.add(["The kettle is on.", "The train was late."], ids=["tea", "train"])
        ...     [hit.id for hit in index.search("boiling water", limit=1)]
        ['tea']
    """

    def __init__(
        self,
        path: PathLike,
        model: StaticModel | PathLike | None = None,
        *,
        precision: str = "int8",
        create: bool = True,
    ) -> None:
        one_of("precision", precision, PRECISIONS)
        is_new = not os.path.exists(checked_path("path", path))
        self._database = Database(os.fspath(path), create)
        try:
            self._model, self._about = identified(self._database, model, precision)
        except BaseException:
            if is_new:
                self._database.discard()
            self._database.close()
            raise
        self._layout = Layout(PRECISIONS[self._about.precision], self._about.columns)

    @property
    def model(self) -> StaticModel:
        """The model that embeds texts and queries."""
        return self._model

    @property
    def path(self) -> str:
        """The path of the file, as you gave it."""
        return self._database.path

    @property
    def files(self) -> list[str]:
        """The paths of all files that can belong to the index.

        These are the index file itself and the temporary files that SQLite creates next to it.
        """
        return self._database.files()

    def __len__(self) -> int:
        """Return the number of texts in the index.

        Returns:
            The number of texts, including the chunks of files.

        Raises:
            InvalidIndexError: the file is damaged.

        Examples:
            >>> from tempfile import TemporaryDirectory
            >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
            ...     ids = index.add(["green tea", "black tea"])
            ...     len(index)
            2
        """
        with self._database.reading() as connection:
            return rows_left(connection)

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. You cannot use a closed index.

        The end of a `with` block also closes it.

        Examples:
            >>> from tempfile import TemporaryDirectory
            >>> folder = TemporaryDirectory()
            >>> index = Index(folder.name + "/notes.db")
            >>> index.close()
            >>> folder.cleanup()
        """
        self._database.close()

    def add(
        self,
        texts: Iterable[str],
        ids: Iterable[int | str] | None = None,
        metadata: Iterable[Mapping[str, Any] | None] | None = None,
    ) -> list[int | str]:
        """Add texts and return their ids.

        If the index already has an id, the new text replaces the old one. Texts are committed a few thousand
        at a time. After an error, the texts that are already committed stay.

        Args:
            texts: a list or another iterable of texts.
            ids: a unique integer or str for each text. By default, each text gets a new number.
            metadata: for each text, a mapping that can be stored as JSON, or None. `search` can filter by its
                values.

        Returns:
            The id of each text, in order: the one from `ids`, or a new number.

        Raises:
            InputTypeError: a text, an id or a mapping has the wrong type.
            InputValueError: the number of ids or mappings is not the number of texts, an id occurs twice, or
                metadata cannot be stored as JSON.
            InvalidIndexError: another process has been writing to the index for 30 seconds.
            OSError: the file cannot be written, for example because the disk is full.

        Examples:
            >>> from tempfile import TemporaryDirectory
            >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
            ...     index.add(["green tea", "black tea"], metadata=[{"shelf": 1}, {"shelf": 2}])
            ...     [hit.text for hit in index.search("tea", where={"shelf": 2})]
            [1, 2]
            ['black tea']
        """
        for name, some in (("texts", texts), ("ids", ids), ("metadata", metadata)):
            if isinstance(some, (str, Mapping)):
                raise InputTypeError(f"{name} is {described(some)}; give a list with one for each text")
        added: list[int | str] = []
        entries = entries_of(texts, ids, metadata)
        seen: set[Hashable] = set()
        while batch := list(islice(entries, COMMITTED)):
            for entry in batch:
                if entry.name is not None and entry.name in seen:
                    raise InputValueError(f"the id {entry.name!r} is given twice; give each text its own")
                seen.add(entry.name)
            vectors = self._vectors(batch)
            with self._database.writing() as connection:
                self._drop(connection, [entry.name for entry in batch if entry.name is not None])
                numbers = self._add(connection, batch, vectors)
            added += [
                number if entry.name is None else entry.name
                for number, entry in zip(numbers, batch, strict=True)
            ]
        return added

    def update(
        self,
        paths: PathLike | Iterable[PathLike],
        *,
        glob: str | Iterable[str] = (),
        exclude: str | Iterable[str] = (),
        chunk: str | int | None = None,
        column: str | None = None,
        has_header: bool = True,
        delimiter: str | None = None,
        format: str | None = None,
        encoding: str | None = None,
        errors: str = "strict",
        on_missing: str = "error",
        told: Callable[[Progress], object] | None = None,
    ) -> Update:
        """Index files and folders, and remove deleted files from the index.

        Only new and changed files are read, unless you change an option for reading. A file that has moved is
        not encoded again. If a file from these paths was deleted or is now excluded, its chunks are removed.
        Text is split into chunks of up to 1,200 characters, at paragraphs and headings. In tables and JSON,
        each record is one chunk. Files that are not text or have an error are skipped; if they were indexed
        before, their old chunks stay. Changes are committed every few thousand chunks, in whole files.

        Args:
            paths: a file, a folder, a pattern such as "notes/*.md", or several of these. A folder means all
                files in it that are not hidden.
            glob: one or more patterns of file names. In folders, only matching files are indexed.
            exclude: one or more patterns of names. Matching files and folders are left out.
            chunk: "lines" makes each line a chunk, "paragraphs" splits as above, and a number sets the number
                of lines in a chunk. The default is "lines" for .log files and "paragraphs" for all others.
            column: the column or field that holds the texts, as for `m2v-lite encode`.
            has_header: whether the first row of a CSV or TSV file names the columns. If not, they are named
                1, 2, 3 and so on.
            delimiter: the character between fields. The default is a comma for CSV and a tab for TSV.
            format: the format of all files. By default, it is detected from their names and first bytes.
            encoding: the encoding of text files; None means UTF-8.
            errors: what to do with bytes that are invalid in the encoding: "strict", "replace" or "skip".
            on_missing: what to do with a record that has no text: "error", "empty" or "skip".
            told: a function to call with a `Progress` before each file, after each part of it, and at the
                end.

        Returns:
            The numbers of files that were added, changed, moved and removed, and the files that were skipped,
            with the reasons.

        Raises:
            InputTypeError: a path or a pattern is not a str or a pathlib.Path.
            InputValueError: a path does not exist, or an option has an impossible value.
            InvalidIndexError: another process has been writing to the index for 30 seconds.
            OSError: the file cannot be written, for example because the disk is full.

        Examples:
            >>> from pathlib import Path
            >>> from tempfile import TemporaryDirectory
            >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
            ...     _ = Path(folder, "tea.md").write_text("# Tea\\n\\nPour the water.\\n")
            ...     done = index.update(folder, glob="*.md")
            ...     hit, = index.search("boiling water")
            ...     done.added, hit.first_line, hit.last_line, hit.text
            (1, 1, 3, '# Tea\\n\\nPour the water.')
        """
        reading = Reading(format, column, has_header, delimiter, encoding)
        manner = checked_manner(reading, chunk, errors, on_missing)
        return update(
            self._database,
            self._add,
            listed_paths(paths, "paths"),
            manner,
            listed_paths(glob, "glob"),
            listed_paths(exclude, "exclude"),
            told,
        )

    def search(
        self,
        query: str,
        limit: int = 10,
        *,
        mode: str | None = None,
        where: Mapping[str, Any] | None = None,
        path: PathLike | None = None,
    ) -> list[Hit]:
        """Return the texts that match a query best, best match first.

        Search by meaning scores a text by the cosine of its vector and the query's. Search by words uses
        SQLite's BM25 (https://sqlite.org/fts5.html#the_bm25_function) with the opposite sign, so that higher
        is better. Hybrid search adds six times the cosine to BM25.

        Args:
            query: the text to search for.
            limit: the maximum number of texts to return.
            mode: "vector" searches by meaning, "text" by words (BM25), and "hybrid" by both. The default is
                "hybrid", or "vector" if the index was made by an SQLite without FTS5.
            where: a mapping of metadata names to the value that a text must have, or to a list of allowed
                values.
            path: a pattern for the paths of files, such as "notes/*.md" or "*.md"; `*` also matches `/`. A
                pattern that does not begin with `*` is relative to the current folder, unless it is absolute.

        Returns:
            At most `limit` hits, with their scores and texts. A query without any known word can find none.

        Raises:
            InputTypeError: the query is not a str, the limit is not a number, or a condition has the wrong
                type.
            InputValueError: the limit or the mode has an impossible value, or the query is not valid Unicode.
            InvalidIndexError: the file is damaged.

        Examples:
            >>> from tempfile import TemporaryDirectory
            >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
            ...     ids = index.add(["error E42 in the pump", "the pump has failed", "tea"])
            ...     [hit.text for hit in index.search("E42", limit=1, mode="text")]
            ['error E42 in the pump']
        """
        if not isinstance(query, str):
            raise InputTypeError(f"query is {described(query)}; give a text")
        check_unicode(query, "query")
        limit = natural_number("limit", limit)
        mode = self._checked_mode(mode)
        vector = self._query(query) if mode != "text" else None
        pattern = None if path is None else whole_pattern(checked_path("path", path), os.getcwd())
        with self._database.reading() as connection:
            allowed = allowed_chunks(connection, where, pattern)
            wide = max(limit, FUSED) if mode == "hybrid" else limit
            by_words = NOTHING if mode == "vector" else matching(connection, query, wide, allowed)
            if vector is None:
                return hits_of(connection, by_words)
            found = nearest(connection, vector, wide, self._layout, allowed) if vector.any() else NOTHING
            if mode == "hybrid":
                others = np.setdiff1d(by_words.chunks, found.chunks)
                more = nearest(connection, vector, len(others), self._layout, others)
                found = fused(joined(found, more), by_words, limit)
            return hits_of(connection, found)

    def _add(
        self, connection: Any, entries: Sequence[Entry], vectors: NDArray[np.float32] | None = None
    ) -> list[int]:
        """Add chunks and return their numbers. Without `vectors`, encode the texts first."""
        if vectors is None:
            vectors = self._vectors(entries)
        return add_entries(connection, entries, vectors, self._about.precision, self._database.has_words)

    def _vectors(self, entries: Sequence[Entry]) -> NDArray[np.float32]:
        texts = [entry.text for entry in entries]
        vectors: NDArray[np.float32] = self._model.encode_document(texts, normalize=True)
        return vectors.astype(np.float32, copy=False)

    def _query(self, query: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self._model.encode_query(query, normalize=True)
        return vector.astype(np.float32, copy=False)

    def _checked_mode(self, mode: str | None) -> str:
        if mode is None:
            return "hybrid" if self._database.has_words else "vector"
        one_of("mode", mode, MODES)
        if mode != "vector" and not self._database.has_words:
            raise InputValueError(
                f"mode {mode!r} needs SQLite with FTS5, but this index was made without it; give "
                "mode 'vector'"
            )
        return mode

    def _drop(self, connection: Any, names: Sequence[int | str]) -> int:
        numbers = numbers_of(connection, names)
        drop_entries(connection, numbers, self._database.has_words)
        return len(numbers)
