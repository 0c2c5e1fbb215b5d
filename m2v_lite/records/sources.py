"""Finds the files to read from names that a user gives: files, patterns, folders and standard input."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from m2v_lite.disk import kind_of
from m2v_lite.errors import InputValueError
from m2v_lite.records.file_formats import STANDARD_STREAM


class Source(NamedTuple):
    """A file to read.

    Attributes:
        path: its path, or `STANDARD_STREAM`.
        is_named: whether the user has named it. Else it was found in a folder, which may hold anything.
    """

    path: str
    is_named: bool = True

    @property
    def name(self) -> str:
        """The name for messages."""
        return "standard input" if self.path == STANDARD_STREAM else self.path


def sources_of(names: Sequence[str], written: Sequence[str] = ()) -> list[Source]:
    """Return the files that names stand for, in the order of the names.

    Args:
        names: paths, patterns, folders or `STANDARD_STREAM`.
        written: files that are being written, which no folder or pattern stands for.

    A pattern such as "logs/*.txt" stands for all files and folders that it matches, sorted; `**` for folders
    of any depth. A folder stands for all files in it and in its folders, sorted, but not for hidden ones.

    Raises:
        InputValueError: a name or a pattern stands for no file, or for one that is being written; or standard
            input is named twice.
    """
    sources: list[Source] = []
    targets = {os.path.realpath(path) for path in written}
    for name in names:
        if name == STANDARD_STREAM:
            sources.append(Source(name))
        else:
            if os.path.realpath(name) in targets:
                raise InputValueError(f"{name}: this is also the output; give another --output")
            found = [
                source
                for path in _matched(name)
                for source in _files_at(path)
                if os.path.realpath(source.path) not in targets
            ]
            if not found:
                raise InputValueError(f"{name}: there are no files in this folder; give another one")
            sources += found
    if sources.count(Source(STANDARD_STREAM)) > 1:
        raise InputValueError("standard input can be read only once; give '-' once")
    return sources


def size_of(sources: Sequence[Source]) -> int | None:
    """Return the size of all files in bytes; None if one of them is not a file, but a pipe or the like."""
    total = 0
    for source in sources:
        if source.path == STANDARD_STREAM or kind_of(source.path):
            return None
        try:
            total += os.path.getsize(source.path)
        except OSError:
            return None  # reading it will tell
    return total


def _matched(name: str) -> list[str]:
    """Return the paths that a name stands for: itself, or what it matches."""
    if os.path.lexists(name) or not glob.has_magic(name):
        return [name]
    matched = sorted(glob.glob(name, recursive=True))
    if not matched:
        raise InputValueError(f"{name}: no file matches this pattern; correct it, or name a file")
    return matched


def _files_at(path: str) -> Iterator[Source]:
    if not os.path.isdir(path):
        yield Source(path)
        return
    for folder, folders, files in os.walk(path, onerror=_raise):
        folders[:] = sorted(inner for inner in folders if not inner.startswith("."))
        for name in sorted(files):
            inner = os.path.join(folder, name)
            if not name.startswith(".") and not kind_of(inner):
                yield Source(inner, is_named=False)


def _raise(error: OSError) -> None:
    raise error
