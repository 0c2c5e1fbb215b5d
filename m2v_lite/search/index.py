"""`Index`: texts that can be searched by meaning and by words, in one file."""

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
    """Texts with their vectors in one file, which can be searched.

    The file is an SQLite database (https://sqlite.org). What a call has changed is there as a whole when it
    returns. Several threads and processes may search at once, also while one of them writes.

    Args:
        path: the file. It is made if it is missing.
        model: a model, or its name or path as for `StaticModel.from_pretrained`. By default, the one that
            made the index; for a new index, the bundled one.
        precision: how the vectors of a new index are kept: "int8", or "float32", which takes four times as
            much space.
        create: whether to make a missing file. If not, it is an error.

    Raises:
        InvalidIndexError: the file is damaged or of another program, its vectors are of another model, or it
            is missing and `create` is False.
        InputValueError: the precision is unknown, or the model has no files.
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
        """The model that makes the vectors of texts and of queries."""
        return self._model

    @property
    def path(self) -> str:
        """The path of the file, as it was given."""
        return self._database.path

    @property
    def files(self) -> list[str]:
        """The paths of the files that the index is made of.

        These are the file itself, and what SQLite keeps beside it for a while.
        """
        return self._database.files()

    def __len__(self) -> int:
        """Return how many texts there are.

        Returns:
            The number of texts, chunks of files included.

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
        """Close the file. The end of a `with` block does so, too. A closed index cannot be used any more.

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
        """Add texts, and return their ids.

        A text whose id is there already takes the place of the one that has it. Some thousand texts are
        committed at a time: after an error, those before them stay.

        Args:
            texts: a list or another iterable of texts.
            ids: an integer or a text for each, which no two share. By default, numbers that were not given
                before.
            metadata: for each text, a mapping that JSON can hold, or None. `search` can ask for its values.

        Returns:
            The id of each text, in order: what `ids` gives, or a new number.

        Raises:
            InputTypeError: a text, an id or a mapping is of another type.
            InputValueError: there are not as many ids or mappings as texts, an id is given twice, or metadata
                cannot be JSON.
            InvalidIndexError: another process writes the index all the time.
            OSError: the disk is full, or the like.

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
        """Make the index hold what is in files and folders.

        Only files that are new or have changed are read. What was indexed from these paths and is gone, or is
        now left out, leaves the index, and a file that has moved is not encoded again. Text is divided into
        chunks of up to 1,200 characters, at paragraphs and headings; of tables and JSON, each record is one.
        Files that are not text or have an error are skipped; what was indexed from them before stays. Some
        thousand chunks are committed at a time, a file as a whole.

        Args:
            paths: a file, a folder, a pattern such as "notes/*.md", or several. A folder stands for all files
                in it that are not hidden.
            glob: a pattern of names, or several: of a folder, only these files are taken.
            exclude: a pattern of names, or several: files and folders to leave out.
            chunk: "lines" makes each line a chunk, "paragraphs" divides as above, and a number says how many
                lines a chunk has. By default, "lines" for .log files, and "paragraphs" for others.
            column: the column or field that holds the texts, as for `m2v-lite encode`.
            has_header: whether the first row of CSV and TSV names the columns. If not, they are named
                1, 2, 3 and so on.
            delimiter: the character between the fields of CSV. By default, a comma; for TSV, a tab.
            format: the format of all files. By default, their names and first bytes tell it.
            encoding: the encoding of text files; None means UTF-8.
            errors: "strict", "replace" or "skip": what to do about bytes that are not in the encoding.
            on_missing: "error", "empty" or "skip": what to do about a record without a text. Files that were
                read in another manner are read again.
            told: called before each file, after each part of it, and at the end, with how far the work is.

        Returns:
            How many files were added, changed, moved and removed, which were skipped, and why.

        Raises:
            InputTypeError: a path or a pattern is no text.
            InputValueError: a path stands for no file, or an option is impossible.
            InvalidIndexError: another process writes the index all the time.
            OSError: the disk is full, or the like.

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
        """Return the texts that fit a query best, the best first.

        Cosines are those of vectors of length 1. BM25 is that of SQLite
        (https://sqlite.org/fts5.html#the_bm25_function), which is higher for a better text here. Hybrid
        search adds six times the cosine to BM25.

        Args:
            query: what to look for, in words.
            limit: how many texts to return at most.
            mode: "vector" searches by meaning, "text" by words (BM25), and "hybrid", the default, by both.
                Where SQLite has no index of words (FTS5), the default is "vector".
            where: for each name of metadata, the value that a text must have there, or a list of values of
                which it must have one.
            path: a pattern of the paths of files, such as "notes/*.md" or "*.md"; `*` also stands for `/`.
                One that does not begin with `*` is for files below the current folder, or a whole path.

        Returns:
            At most `limit` hits, with their scores and texts. A query without a known word may find none.

        Raises:
            InputTypeError: the query is no text, the limit is no number, or a condition is of another kind.
            InputValueError: the limit or the mode is impossible, or the query is not valid Unicode.
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
        """Add chunks, whose vectors may have been made before, and return their numbers."""
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
