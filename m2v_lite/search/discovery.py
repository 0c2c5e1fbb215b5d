"""Paths and patterns -> the files that are there, and those of an index that are gone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from glob import has_magic
from typing import NamedTuple

from m2v_lite.errors import InputValueError
from m2v_lite.records.file_formats import STANDARD_STREAM
from m2v_lite.records.sources import sources_of

LOGS = {".log"}
UNKNOWN = -1


class File(NamedTuple):
    """A file, as it is or as the index knows it.

    Attributes:
        path: its path, absolute; or `STANDARD_STREAM`.
        size, modified: its size in bytes, and when it was modified, in nanoseconds; or `UNKNOWN`.
        rule: how it is divided into chunks.
    """

    path: str
    size: int
    modified: int
    rule: str


def found_and_gone(
    paths: Sequence[str],
    known: dict[str, tuple[int, File]],
    rule: str | int | None,
    glob: Sequence[str],
    exclude: Sequence[str],
    written: Sequence[str],
) -> tuple[list[File], dict[str, int]]:
    """Return the files that paths stand for, and the known ones that are gone, with their numbers.

    Args:
        paths: files, patterns, folders or standard input.
        known: what the index knows, by path, with the numbers.
        rule: how files are divided into chunks; None for what their names suggest.
        glob, exclude: patterns of names, of files in folders to take, and of files and folders to leave out.
        written: the files of the index, which are left out of folders.

    Raises:
        InputValueError: a path stands for nothing, and never did.
    """
    found: dict[str, File] = {}
    roots: list[str] = []
    for name in paths:
        root = name if name == STANDARD_STREAM else os.path.abspath(name)
        roots.append(root)
        was_there = any(belongs(path, root) for path in known)
        if root != STANDARD_STREAM and not os.path.lexists(root) and not has_magic(root):
            if was_there:
                continue
            raise InputValueError(f"{name}: there is no such file or folder; check the path")
        try:
            sources = sources_of([root], written)
        except InputValueError:
            if not was_there:
                raise
            sources = []  # all files of this folder are gone
        is_folder = os.path.isdir(root)
        for source in sources:
            # What lies above the folder that was given does not count.
            inner = os.path.relpath(source.path, root) if is_folder else os.path.basename(source.path)
            is_wanted = source.is_named or not glob or _matches(inner, glob)
            if is_wanted and not _matches(inner, exclude):
                found[source.path] = _file_at(source.path, rule)
    gone = {
        path: number
        for path, (number, _) in known.items()
        if path not in found and any(belongs(path, root) for root in roots)
    }
    return list(found.values()), gone


def _file_at(path: str, rule: str | int | None) -> File:
    try:
        status = None if path == STANDARD_STREAM else os.stat(path)
    except OSError:
        status = None  # to read it will tell
    size, modified = (UNKNOWN, UNKNOWN) if status is None else (status.st_size, status.st_mtime_ns)
    return File(path, size, modified, str(rule_for(path, rule)))


def rule_for(path: str, rule: str | int | None) -> str | int:
    """Return how a file is divided: as asked for, or by its suffix."""
    if rule is not None:
        return rule
    return "lines" if os.path.splitext(path)[1].lower() in LOGS else "paragraphs"


def belongs(path: str, root: str) -> bool:
    """Return whether a file is at a path, in a folder, or among what a pattern of paths stands for.

    Example:
        >>> belongs("/a/b.md", "/a/b.md"), belongs("/a/b.md", "/a"), belongs("/a/b.md", "/a/*.md")
        (True, True, True)
        >>> belongs("/ab/c.md", "/a")
        False
    """
    return (
        path == root
        or path.startswith(root.rstrip(os.sep) + os.sep)
        or (has_magic(root) and fnmatchcase(path, root))
    )


def _matches(path: str, patterns: Sequence[str]) -> bool:
    """Return whether a pattern fits a path, or the name of the file or of a folder in it."""
    parts = path.split(os.sep)
    return any(
        fnmatchcase(path, pattern) or any(fnmatchcase(part, pattern) for part in parts)
        for pattern in patterns
    )
