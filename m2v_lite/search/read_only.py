"""Opens an index where this process cannot write, such as on a disk that is mounted read-only.

SQLite cannot open a database with a write-ahead log there in the usual way, because it has to create files
next to it. With `immutable=1` it creates none (https://sqlite.org/wal.html#read_only_databases), but then it
ignores writers. Another process with more rights could still write. So the state of the file is compared
before and after each use.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote


class FileState(NamedTuple):
    """What changes when somebody writes a file, or puts another one in its place."""

    inode: int
    size: int
    modified: int


def unwritable(path: str) -> str | None:
    """Return what keeps this process from writing an index: the file or its folder. None if nothing does.

    Args:
        path: the file, an absolute path. It may be missing.
    """
    places = [os.path.dirname(path), *([path] if os.path.exists(path) else [])]
    return next((place for place in places if not os.access(place, os.W_OK)), None)


def state_of(path: str) -> FileState | None:
    """Return the state of a file; None if it is missing."""
    with suppress(FileNotFoundError):
        found = os.stat(path)
        return FileState(found.st_ino, found.st_size, found.st_mtime_ns)
    return None


def fixed_state(path: str) -> FileState | None:
    """Return the state of an index that can be read only as it is; None for one that SQLite opens as usual.

    If there are changes in a write-ahead log beside it, the file alone is not the whole index.

    Args:
        path: the file, an absolute path.
    """
    if unwritable(path) is None or has_log(path):
        return None
    return state_of(path)


def has_log(path: str) -> bool:
    """Return whether a write-ahead log with changes is beside an index."""
    log = state_of(f"{path}-wal")
    return log is not None and log.size > 0


def fixed_address(path: str, platform: str = sys.platform) -> str:
    """Return the address with which SQLite opens a file that nobody changes (https://sqlite.org/uri.html).

    Examples:
        >>> fixed_address("/media/my disk/a?.db")
        'file:///media/my%20disk/a%3F.db?mode=ro&immutable=1'
    """
    if platform == "win32":
        path = "/" * (path[1:2] == ":") + path.replace("\\", "/")
    return f"file://{quote(os.fsencode(path))}?mode=ro&immutable=1"
