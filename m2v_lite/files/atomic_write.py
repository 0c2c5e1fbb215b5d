"""Bytes -> files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO

from m2v_lite.arguments import PathLike

PREFIX, SUFFIX = ".m2v-lite-", ".tmp"


@contextmanager
def atomic_write(path: PathLike) -> Iterator[BinaryIO]:
    """Open one file for writing; see `atomic_writes`.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with atomic_write(folder / "greeting") as file:
        ...     _ = file.write(b"hello")
        >>> [(item.name, item.read_bytes()) for item in folder.iterdir()]
        [('greeting', b'hello')]
    """
    with atomic_writes([path]) as (file,):
        yield file


@contextmanager
def atomic_writes(paths: Sequence[PathLike]) -> Iterator[Sequence[BinaryIO]]:
    """Open temporary files beside `paths`; when the block succeeds, rename them in the order given.

    The first is renamed when all are on the disk. If the block raises, or is interrupted, the temporary files
    are removed and `paths` are as they were. A process that has an older file of such a name open or mapped
    keeps that older content.

    Args:
        paths: the files to write. A symbolic link is followed, so that the link itself stays.

    Raises:
        OSError: a folder is missing or not writable, the disk is full, or a path names something that a
            rename must not replace (a folder, a device).
    """
    targets = [_target(path) for path in paths]
    temporaries = [_temporary(target) for target in targets]
    names = dict(zip(temporaries, paths, strict=True))
    try:
        with ExitStack() as stack:
            files = [stack.enter_context(open(temporary, "xb")) for temporary in temporaries]
            yield files
            for file in files:
                file.flush()
                os.fsync(file.fileno())
        for temporary, target in zip(temporaries, targets, strict=True):
            if os.path.exists(target):
                os.chmod(temporary, os.stat(target).st_mode & 0o777)
            os.replace(temporary, target)
    except BaseException as error:
        for temporary in temporaries:
            with suppress(FileNotFoundError):
                os.remove(temporary)
        if isinstance(error, OSError):  # name a file that the caller knows
            if error.filename in names:
                error.filename = os.fspath(names[error.filename])
            elif error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                error.filename = os.fspath(paths[0])
        raise


def is_temporary(name: str) -> bool:
    """Say whether a file is one that a killed process has left.

    Example:
        >>> is_temporary(".m2v-lite-0123abcd.tmp"), is_temporary("notes.tmp")
        (True, False)
    """
    return name.startswith(PREFIX) and name.endswith(SUFFIX)


def _target(path: PathLike) -> str:
    """Return what `path` leads to, which may be replaced."""
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise OSError(f"{path}: not an ordinary file, so it is not replaced; give another name")
    parent = os.path.dirname(target)
    if not os.path.isdir(parent):
        raise FileNotFoundError(f"{path}: there is no folder {parent}; make it first")
    return target


def _temporary(target: str) -> str:
    """Return a name in the same folder that nobody has."""
    return os.path.join(os.path.dirname(target), f"{PREFIX}{os.urandom(4).hex()}{SUFFIX}")
