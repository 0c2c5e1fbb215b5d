"""The methods of an index for maintenance: status, removal, vacuum and export."""

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
    """A base class with the maintenance methods of an index."""

    def status(self: Any) -> Status:
        """Return a summary of the index.

        Returns:
            The numbers of files and texts, the model, and the precision of the vectors.

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
        """Remove files and folders from the index, and return the number of files removed.

        Args:
            paths: a file, a folder, or several, as you gave them to `update`. A folder means all files in it.

        Returns:
            The number of files removed. A path that is not in the index adds nothing to it.

        Raises:
            InputTypeError: a path is not a str or a pathlib.Path.
            InvalidIndexError: another process has been writing to the index for 30 seconds.

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
        """Remove texts by their ids, and return the number of texts removed.

        Args:
            ids: the ids that you passed to `add`, or that `add` or a `Hit` returned. Ids that are not in the
                index are ignored.

        Returns:
            The number of texts removed.

        Raises:
            InputTypeError: `ids` is a single str, or an id is neither an int nor a str.
            InvalidIndexError: another process has been writing to the index for 30 seconds.

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
        """Shrink the file to the smallest size, for example after you have removed many texts.

        SQLite's VACUUM (https://sqlite.org/lang_vacuum.html) rewrites the file, so the disk needs room for a
        second copy for a while.

        Raises:
            InvalidIndexError: the file is damaged, or another process has been writing to the index for 30
                seconds.
            OSError: the file cannot be written, for example because the disk is full.

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
        """Write all texts and vectors to a file for other libraries, and return the number of texts.

        The texts are in the order in which they were added. The file appears only when it is complete, and it
        replaces any existing file. Vectors are float32 and have length 1, apart from rounding errors of int8.

        Args:
            path: the file. A ".npy" file gets only the vectors, (texts, columns) float32, in numpy's format
                (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). A ".parquet" file
                gets the columns id, path, first_line, last_line, text, metadata (as JSON) and embedding; this
                needs pyarrow.

        Returns:
            The number of texts.

        Raises:
            InputTypeError: the path is not a str or a pathlib.Path.
            InputValueError: the path ends in another suffix, or it is the path of the index itself.
            MissingPackageError: pyarrow is not installed.
            InvalidIndexError: the file is damaged.
            OSError: the file cannot be written, for example because the disk is full.

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
