"""The methods of an index that look after it: what it holds, what leaves it, a smaller file, an export."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from m2v_lite.arguments import PathLike, checked_path, described
from m2v_lite.errors import InputTypeError, InputValueError
from m2v_lite.search.checked_entries import checked_id
from m2v_lite.search.discovery import belongs, listed_paths, path_in_index
from m2v_lite.search.exporting import export
from m2v_lite.search.status import Status, status_of
from m2v_lite.search.updating import drop_sources
from m2v_lite.search.vector_blocks import rewrite


class Upkeep:
    """Gives an index that adds and searches the methods that look after it."""

    def status(self: Any) -> Status:
        """Return what is in the index, in a few numbers.

        Returns:
            How many files and texts there are, and of which model and precision the vectors are.

        Raises:
            InvalidIndexError: the file is damaged.

        Examples:
            >>> from tempfile import TemporaryDirectory
            >>> from m2v_lite.search import Index
            >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
            ...     ids = index.add(["green tea", "black tea"])
            ...     status = index.status()
            ...     status.chunks, status.files, status.columns, status.precision
            (2, 0, 256, 'int8')
        """
        with self._database.reading() as connection:
            return status_of(connection, self._database, self._about)

    def remove_paths(self: Any, paths: PathLike | Iterable[PathLike]) -> int:
        """Remove what was indexed from files and folders, and return how many files that were.

        Args:
            paths: a file, a folder, or several, as they were given to `update`. A folder stands for all files
                in it.

        Returns:
            The number of files. A path of which nothing is in the index counts as none.

        Raises:
            InputTypeError: a path is not a str or a pathlib.Path.
            InvalidIndexError: another process writes the index all the time.

        Examples:
            >>> from pathlib import Path
            >>> from tempfile import TemporaryDirectory
            >>> from m2v_lite.search import Index
            >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
            ...     _ = Path(folder, "tea.md").write_text("Pour the water.")
            ...     done = index.update(folder, glob="*.md")
            ...     len(index), index.remove_paths(folder + "/tea.md"), len(index)
            (1, 1, 0)
        """
        roots = [path_in_index(path) for path in listed_paths(paths, "paths")]
        with self._database.writing() as connection:
            known = connection.execute("SELECT id, path, error IS NULL FROM sources").fetchall()
            found = [
                (number, is_there)
                for number, path, is_there in known
                if any(belongs(path, root) for root in roots)
            ]
            drop_sources(connection, [number for number, _ in found], self._database)
            return sum(is_there for _, is_there in found)  # without those that could not be read

    def remove(self: Any, ids: Iterable[int | str]) -> int:
        """Remove texts by their ids, and return how many were there.

        Args:
            ids: ids that `add` was given or has returned. The number of a chunk of a file is one, too. An id
                that is not there is ignored.

        Returns:
            The number of texts that were removed.

        Raises:
            InputTypeError: `ids` is a single text, or an id is neither an integer nor a text.
            InvalidIndexError: another process writes the index all the time.

        Examples:
            >>> from tempfile import TemporaryDirectory
            >>> from m2v_lite.search import Index
            >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
            ...     ids = index.add(["green tea", "black tea"], ids=["green", "black"])
            ...     index.remove(["green", "white"]), len(index)
            (1, 1)
        """
        if isinstance(ids, str):
            raise InputTypeError(f"ids is {described(ids)}; give a list of ids")
        with self._database.writing() as connection:
            number: int = self._drop(connection, list(map(checked_id, ids)))
            return number

    def vacuum(self: Any) -> None:
        """Make the file as small as it can be, after much was removed.

        It writes the file anew, so for a while the disk holds both. SQLite's VACUUM does that
        (https://sqlite.org/lang_vacuum.html).

        Raises:
            InvalidIndexError: the file is damaged, or another process writes the index all the time.
            OSError: the disk is full, or the like.

        Examples:
            >>> from tempfile import TemporaryDirectory
            >>> from m2v_lite.search import Index
            >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
            ...     removed = index.remove(index.add([f"note {number}" for number in range(100)]))
            ...     index.vacuum()
            ...     removed, len(index)
            (100, 0)
        """
        with self._database.writing() as connection:
            rewrite(connection, self._layout)
            if self._database.has_words:
                connection.execute("INSERT INTO words (words) VALUES ('optimize')")
        self._database.vacuum()

    def export(self: Any, path: PathLike) -> int:
        """Write all texts with their vectors to a file for other libraries, and return how many there are.

        They have the order in which they were added. The file appears when all is written, and may take the
        place of another one. Vectors are float32, and of length 1 but for what int8 has rounded off.

        Args:
            path: the file. One that ends in ".npy" gets the vectors alone, (texts, columns) float32, in
                numpy's format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). One
                that ends in ".parquet" gets the columns id, path, first_line, last_line, text, metadata (in
                JSON) and embedding; this needs pyarrow.

        Returns:
            The number of texts.

        Raises:
            InputTypeError: the path is not a str or a pathlib.Path.
            InputValueError: the path ends in something else, or is that of the index itself.
            MissingPackageError: pyarrow is missing.
            InvalidIndexError: the file is damaged.
            OSError: the disk is full, or the like.

        Examples:
            >>> from tempfile import TemporaryDirectory
            >>> import numpy as np
            >>> from m2v_lite.search import Index
            >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
            ...     ids = index.add(["green tea", "black tea"])
            ...     index.export(folder + "/vectors.npy"), np.load(folder + "/vectors.npy").shape
            (2, (2, 256))
        """
        target = checked_path("path", path)
        if os.path.realpath(target) in map(os.path.realpath, self.files):
            raise InputValueError(f"{target}: this is the index itself; give another name")
        with self._database.reading() as connection:
            return export(connection, self._layout, target)
