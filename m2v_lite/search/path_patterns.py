r"""Matches paths against patterns, with the rules of POSIX or Windows.

Each function takes a flavour, `posixpath` or `ntpath`. It is that of the system unless a test passes another.
On Windows, both `/` and `\` separate names, in paths and in patterns, and case does not matter. On other
systems, a backslash is an ordinary character, and case matters.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from glob import has_magic
from types import ModuleType

MAGIC = re.compile("[*?[]")


def comparable(path: str, flavour: ModuleType = os.path) -> str:
    r"""Return what all spellings of a path, or of a pattern, have in common.

    Examples:
        >>> import ntpath, posixpath
        >>> comparable(r"C:\Notes\tea.md", ntpath), comparable("c:/notes/TEA.md", ntpath)
        ('c:/notes/tea.md', 'c:/notes/tea.md')
        >>> comparable("/Notes/tea.md", posixpath)
        '/Notes/tea.md'
    """
    if flavour.sep == "/":
        return path
    path = path.replace("\\", "/")
    if path.isascii():
        return path.lower()
    # A character must remain one, as `?` stands for one. The small letter of "İ" is two.
    return "".join(small if len(small := letter.lower()) == 1 else letter for letter in path)


def is_at_or_in(path: str, root: str, flavour: ModuleType = os.path) -> bool:
    r"""Return whether a path is another one, or in that folder.

    Examples:
        >>> import ntpath, posixpath
        >>> [is_at_or_in(path, "/a", posixpath) for path in ("/a", "/a/b.md", "/ab/c.md")]
        [True, True, False]
        >>> [is_at_or_in(path, "C:\\", ntpath) for path in (r"C:\a\b.md", r"c:\b.md", r"D:\b.md")]
        [True, True, False]
    """
    path, root = comparable(path, flavour), comparable(root, flavour)
    return path == root or path.startswith(root.rstrip("/") + "/")


def fits(path: str, pattern: str, flavour: ModuleType = os.path) -> bool:
    r"""Return whether a whole path fits a pattern, or is in a folder that does. `**` stands for any folders.

    Examples:
        >>> import ntpath, posixpath
        >>> fits("/a/b.md", "/a/*.md", posixpath), fits("/a/b/c.md", "/a/*.md", posixpath)
        (True, False)
        >>> pattern = "/a/**/*.md"
        >>> [fits(path, pattern, posixpath) for path in ("/a/b/c.md", "/a/c.md", "/a/c")]
        [True, True, False]
        >>> fits(r"\\server\share\a\b.md", r"\\server\share\*\b.md", ntpath)
        True
    """
    parts, patterns = comparable(path, flavour).split("/"), comparable(pattern, flavour).split("/")
    return _parts_fit(parts, patterns)


def _parts_fit(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns:
        return True
    if patterns[0] == "**":
        return _parts_fit(parts, patterns[1:]) or (bool(parts) and _parts_fit(parts[1:], patterns))
    return bool(parts) and fnmatchcase(parts[0], patterns[0]) and _parts_fit(parts[1:], patterns[1:])


def plain_part(pattern: str, flavour: ModuleType = os.path) -> str:
    r"""Return the folder in which all is that an absolute pattern stands for.

    Examples:
        >>> import ntpath, posixpath
        >>> plain_part("/a/b/*/c.md", posixpath), plain_part("/*.md", posixpath)
        ('/a/b', '/')
        >>> print(plain_part(r"C:\a\*.md", ntpath), plain_part(r"C:\*.md", ntpath))
        C:\a C:\
        >>> print(plain_part(r"\\server\share\*.md", ntpath))
        \\server\share\
    """
    drive, rest = flavour.splitdrive(pattern)
    if flavour.altsep:
        rest = rest.replace(flavour.altsep, flavour.sep)
    parts = rest.split(flavour.sep)
    plain = next((number for number, part in enumerate(parts) if has_magic(part)), len(parts))
    folder: str = drive + (flavour.sep.join(parts[:plain]) or flavour.sep)
    return folder


def matches(
    path: str, patterns: Iterable[str], by_folders: bool = False, flavour: ModuleType = os.path
) -> bool:
    r"""Return whether a pattern fits a relative path as a whole, where `*` also stands for `/`, or its name.

    Args:
        path: the path.
        patterns: the patterns.
        by_folders: whether a pattern may also fit the name of a folder in the path.
        flavour: how paths are written.

    Examples:
        >>> import ntpath, posixpath
        >>> matches("a/b.md", ["*.md"], flavour=posixpath), matches("a/b.md", ["b/*"], flavour=posixpath)
        (True, False)
        >>> [matches(r"a\b.md", [pattern], flavour=ntpath) for pattern in ("a/*", r"a\*", "B.MD")]
        [True, True, True]
        >>> matches("a/b.md", ["a"], flavour=posixpath), matches("a/b.md", ["a"], True, posixpath)
        (False, True)
    """
    path = comparable(path, flavour)
    names = path.split("/")
    some = [path, *(names if by_folders else names[-1:])]
    compared = [comparable(pattern, flavour) for pattern in patterns]
    return any(fnmatchcase(one, pattern) for pattern in compared for one in some)


def whole_pattern(pattern: str, here: str, flavour: ModuleType = os.path) -> str:
    r"""Return a pattern as one of whole paths: a relative one is for files below the current folder.

    Args:
        pattern: the pattern. One that begins with `*` is for all paths.
        here: the current folder.
        flavour: how paths are written.

    Examples:
        >>> import ntpath, posixpath
        >>> [whole_pattern(pattern, "/home/me", posixpath) for pattern in ("*.md", "/notes/*", "notes/*")]
        ['*.md', '/notes/*', '/home/me/notes/*']
        >>> print(whole_pattern("notes/*", r"C:\me", ntpath), whole_pattern(r"\notes\*", r"C:\me", ntpath))
        C:\me\notes/* C:\notes\*
    """
    if pattern.startswith("*"):
        return pattern
    joined: str = flavour.join(MAGIC.sub(r"[\g<0>]", here), pattern)
    return joined


def seen_from(path: str, here: str, flavour: ModuleType = os.path) -> str:
    r"""Return a path relative to a folder, if it is in it.

    Examples:
        >>> import ntpath, posixpath
        >>> seen_from("/home/me/a/b.md", "/home/me", posixpath), seen_from("/a.md", "/home/me", posixpath)
        ('a/b.md', '/a.md')
        >>> print(seen_from(r"C:\Users\me\a\b.md", r"c:\users\ME", ntpath))
        a\b.md
    """
    if comparable(path, flavour) == comparable(here, flavour) or not is_at_or_in(path, here, flavour):
        return path
    relative: str = flavour.relpath(path, here)
    return relative


class Spellings:
    """The paths of files, each in the spelling in which it came first.

    Where capitals do not count, a user may write the same path in many ways. Files that only look alike, as
    in a folder of Windows in which capitals do count, are told apart.

    Args:
        paths: the paths that are known.
        flavour: how paths are written.
    """

    def __init__(self, paths: Iterable[str], flavour: ModuleType = os.path) -> None:
        self._flavour = flavour
        self._known = {comparable(path, flavour): path for path in paths}

    def of(self, path: str) -> str:
        """Return the path by which a file is known; itself if it is new."""
        known = self._known.setdefault(comparable(path, self._flavour), path)
        if known == path:
            return path
        try:
            return known if os.path.samefile(known, path) else path
        except OSError:
            return path
