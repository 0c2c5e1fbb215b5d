"""Bytes -> a file that appears whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` for writing; rename it to `path` when the block succeeds.

    If the block raises, or is interrupted, the temporary file is removed and `path` is as it was. A
    process that has an older file of this name open or mapped keeps that older content.

    Args:
        path: the file to write. A symbolic link is followed, so that the link itself stays.

    Raises:
        OSError: the folder is missing or not writable, the disk is full, or `path` names something
            that a rename must not replace (a folder, a device).

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with atomic_write(folder / "greeting") as file:
        ...     _ = file.write(b"hello")
        >>> [(item.name, item.read_bytes()) for item in folder.iterdir()]
        [('greeting', b'hello')]
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(f"{path}: not an ordinary file, so it is not replaced; give another name")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {target.parent}; make it first")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
