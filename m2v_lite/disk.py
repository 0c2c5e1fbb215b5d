"""Opens regular files at untrusted paths, without ever waiting or reading more than a limit.

Reading a pipe instead of a file could wait forever, and a device may never end.
"""

from __future__ import annotations

import os
import stat
import warnings
from typing import BinaryIO

from m2v_lite.arguments import PathLike
from m2v_lite.errors import InvalidModelError

# With O_NONBLOCK, a pipe is opened without waiting for its writer. Windows has no pipes in folders.
FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
# The largest files of a model that are read. Half a million pieces take 20 MB. Of a larger
# model card, only the beginning is read.
MOST_BYTES = {"config.json": 1 << 22, "tokenizer.json": 1 << 28, "README.md": 1 << 22}
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotRegularError(InvalidModelError, OSError):
    """Something else is in the place of a file. Who treats a missing file as none treats this so, too."""


def open_regular(path: PathLike) -> BinaryIO:
    """Open a regular file to read its bytes.

    Raises:
        NotRegularError: it is a folder, a pipe, a socket or a device.
        OSError: it cannot be opened.

    Examples:
        >>> open_regular(os.curdir)
        Traceback (most recent call last):
        m2v_lite.disk.NotRegularError: .: this is a folder, not a file; put the file in its place
    """
    _check_regular(path, os.stat(path))  # merely opening some devices does something
    return open(path, "rb", opener=_open_at_once)


def read_regular(path: PathLike, most: int) -> bytes:
    """Return the bytes of a regular file.

    Raises:
        NotRegularError: it is something else.
        OSError: it cannot be read, or has more than `most` bytes.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(f"it has more than {most} bytes")
    return content


def names_in(folder: str) -> list[str]:
    """Return the names in a folder. One that is missing has none; one that cannot be read gives a warning.

    Examples:
        >>> names_in("/no/such/folder")
        []
    """
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        warn_left_out(error)
        return []


def warn_left_out(error: OSError) -> None:
    """Warn that a folder was left out of a list, because of an error."""
    warnings.warn(
        f"{error.filename}: skipped, because it cannot be read ({error.strerror}); check its permissions",
        stacklevel=3,
    )


def kind_of(path: PathLike) -> str:
    """Return what is in the place of a regular file, such as "a pipe"; "" if it is one, or if nothing is.

    Examples:
        >>> kind_of(os.devnull), kind_of("/no/such/file")
        ('a device', '')
    """
    try:
        return KINDS.get(stat.S_IFMT(os.stat(path).st_mode), "")
    except (OSError, ValueError):
        return ""


def _open_at_once(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | FLAGS)
    try:
        _check_regular(path, os.fstat(descriptor))  # another may have taken its place
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check_regular(path: PathLike, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise NotRegularError(f"{os.fspath(path)}: this is {kind}, not a file; put the file in its place")
