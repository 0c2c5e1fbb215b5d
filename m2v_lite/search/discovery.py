"""Finds the files that paths and patterns match, and the files of an index that are gone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from glob import has_magic
from typing import NamedTuple

from m2v_lite.arguments import PathLike, checked_path, described
from m2v_lite.errors import InputTypeError, InputValueError
from m2v_lite.records.file_formats import STANDARD_STREAM
from m2v_lite.records.sources import sources_of
from m2v_lite.search.path_patterns import Spellings, fits, is_at_or_in, matches, plain_part

LOGS = {".log"}
UNKNOWN = -1


class File(NamedTuple):
    """A file, as it is or as the index knows it.

    Attributes:
        path: its path, absolute; or `STANDARD_STREAM`.
        size, modified: its size in bytes, and when it was modified, in nanoseconds; or `UNKNOWN`.
        rule: how it is read and divided into chunks.
    """

    path: str
    size: int
    modified: int
    rule: str


def found_and_gone(
    paths: Sequence[str],
    known: dict[str, tuple[int, File]],
    rule: str | int | None,
    options: str,
    glob: Sequence[str],
    exclude: Sequence[str],
    written: Sequence[str],
) -> tuple[list[File], dict[str, int], set[str]]:
    """Return the files that paths stand for, and the known ones that are gone, with their numbers.

    The third result has the paths of those files that were named, and not only found in a folder.

    Args:
        paths: files, patterns, folders or standard input.
        known: what the index knows, by path, with the numbers.
        rule: how files are divided into chunks; None for what their names suggest.
        options: how files are read, if not as usual.
        glob, exclude: patterns of names, of files in folders to take, and of files and folders to leave out.
        written: the files of the index, which are left out of folders.

    Raises:
        InputValueError: a path stands for nothing, and never did.
    """
    found: dict[str, File] = {}
    roots: list[str] = []
    named: set[str] = set()
    spellings = Spellings(known)
    for name in paths:
        root = path_in_index(name)
        roots.append(root)
        was_there = any(belongs(path, root) for path in known)
        if was_there and _is_missing(root):
            continue
        check_there(name)
        try:
            sources = sources_of([root], written)
        except InputValueError:
            if not was_there:
                raise
            sources = []  # all files of this folder are gone
        above = _folder_of_all(root)
        for source in sources:
            # What lies above the folder that was given does not count.
            inner = source.path if source.path == STANDARD_STREAM else os.path.relpath(source.path, above)
            is_wanted = source.is_named or not glob or matches(inner, glob)
            if is_wanted and not matches(inner, exclude, by_folders=True):
                path = spellings.of(source.path)
                found[path] = _file_at(path, rule, options)
                if source.is_named:
                    named.add(path)
    gone = {
        path: number
        for path, (number, _) in known.items()
        if path not in found and any(belongs(path, root) for root in roots)
    }
    return list(found.values()), gone, named


def _file_at(path: str, rule: str | int | None, options: str) -> File:
    try:
        status = None if path == STANDARD_STREAM else os.stat(path)
    except OSError:
        status = None  # to read it will tell
    size, modified = (UNKNOWN, UNKNOWN) if status is None else (status.st_size, status.st_mtime_ns)
    return File(path, size, modified, f"{rule_for(path, rule)} {options}".rstrip())


def rule_for(path: str, rule: str | int | None) -> str | int:
    """Return how a file is divided: as asked for, or by its suffix."""
    if rule is not None:
        return rule
    return "lines" if os.path.splitext(path)[1].lower() in LOGS else "paragraphs"


def path_in_index(name: str) -> str:
    """Return a path as the index keeps it: absolute, but that of standard input as it is."""
    return name if name == STANDARD_STREAM else os.path.abspath(name)


def check_there(name: str) -> None:
    """Check that a path stands for something, or may do so as a pattern or standard input.

    Raises:
        InputValueError: there is nothing.
    """
    if _is_missing(path_in_index(name)):
        raise InputValueError(f"{name}: there is no such file or folder; check the path")


def _is_missing(root: str) -> bool:
    return root != STANDARD_STREAM and not os.path.lexists(root) and not has_magic(root)


def belongs(path: str, root: str) -> bool:
    """Return whether a file is at a path, in a folder, or among what a pattern of paths stands for.

    Examples:
        >>> belongs("/a/b.md", "/a/b.md"), belongs("/a/b.md", "/a"), belongs("/a/b.md", "/a/*.md")
        (True, True, True)
    """
    return is_at_or_in(path, root) or (_is_pattern(root) and fits(path, root))


def _is_pattern(root: str) -> bool:
    """Return whether a path is a pattern, and not the name of a file that is there."""
    return has_magic(root) and not os.path.lexists(root)


def _folder_of_all(root: str) -> str:
    """Return the folder in which all is that a path, a folder or a pattern stands for."""
    if _is_pattern(root):
        return plain_part(root)
    return root if os.path.isdir(root) else os.path.dirname(root)


def listed_paths(some: PathLike | Iterable[PathLike], name: str) -> list[str]:
    """Return one path or several as a list.

    Raises:
        InputTypeError: one is no path.
        InputValueError: one is empty.
    """
    if not isinstance(some, (str, os.PathLike)) and not isinstance(some, Iterable):
        raise InputTypeError(f"{name} is {described(some)}; give a path, or a list of paths")
    listed = [checked_path(name, one) for one in ([some] if isinstance(some, (str, os.PathLike)) else some)]
    if not all(listed):
        raise InputValueError(f"one of {name} is empty; give the name of a file or a folder")
    return listed
