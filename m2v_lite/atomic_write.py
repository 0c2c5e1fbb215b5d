"""Bytes -> files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open one file for writing; see `atomic_writes`.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with atomic_write(folder / "greeting") as file:
        ...     _ = file.write(b"hello")
        >>> [(item.name, item.read_bytes()) for item in folder.iterdir()]
        [('greeting', b'hello')]
    """
    with atomic_writes([path]) as (file,):
        yield file


@contextmanager
def atomic_writes(paths: Sequence[Path]) -> Iterator[Sequence[BinaryIO]]:
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
    temporaries = [target.with_name(f".m2v-lite-{secrets.token_hex(4)}.tmp") for target in targets]
    names = dict(zip(map(str, temporaries), paths, strict=True))
    try:
        with ExitStack() as stack:
            files = [stack.enter_context(temporary.open("xb")) for temporary in temporaries]
            yield files
            for file in files:
                file.flush()
                os.fsync(file.fileno())
        for temporary, target in zip(temporaries, targets, strict=True):
            if target.exists():
                temporary.chmod(target.stat().st_mode & 0o777)
            temporary.replace(target)
    except BaseException as error:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):  # name a file that the caller knows
            if error.filename in names:
                error.filename = str(names[error.filename])
            elif error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                error.filename = str(paths[0])
        raise


def _target(path: Path) -> Path:
    """Return what `path` leads to, which may be replaced."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(f"{path}: not an ordinary file, so it is not replaced; give another name")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {target.parent}; make it first")
    return target
