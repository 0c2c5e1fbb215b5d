"""Writes files that appear only when they are complete.

A writer that is killed leaves its temporary file behind. The next writer to the same folder removes that
file. It recognizes a dead writer by a lock: each writer holds a lock on its temporary file, and the kernel
releases the lock when the process ends for any reason
(https://man7.org/linux/man-pages/man2/flock.2.html). If files cannot be locked, as on Windows, the leftover
file stays.

Each file is on the disk before it gets its name, and the names are on the disk before the writer continues.
So the files survive a power cut, except on Windows, where a folder cannot be synchronized.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO

from m2v_lite.arguments import PathLike
from m2v_lite.errors import OutputError

PREFIX, SUFFIX = ".m2v-lite-", ".tmp"


@contextmanager
def atomic_write(path: PathLike) -> Iterator[BinaryIO]:
    """Open one file for writing; see `atomic_writes`.

    Examples:
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

    Nothing is renamed before all files are on the disk, and when this returns, so are their names; the last
    file gets its name after all others. If the block raises or is interrupted, the temporary
    files are removed and `paths` stay as they were. A process that has an old file of that name open or
    mapped keeps the old content. Temporary files that a killed process left in the same folders are removed
    first.

    Args:
        paths: the files to write. A symbolic link is followed, so the link itself stays.

    Raises:
        OSError: a folder is missing or not writable, the disk is full, or a path names something that a
            rename must not replace (a folder, a device).
    """
    targets = [target_of(path) for path in paths]
    for folder in {os.path.dirname(target): None for target in targets}:
        remove_leftovers(folder)
    paths_of: dict[str, PathLike] = {}  # of the temporary files
    # The locks outlive the open files: a file that is closed but not yet renamed is not a leftover.
    with ExitStack() as locks:
        try:
            with ExitStack() as open_files:
                files = [
                    open_files.enter_context(_create(target, path, paths_of, locks))
                    for target, path in zip(targets, paths, strict=True)
                ]
                yield files
                for file in files:
                    file.flush()
                    os.fsync(file.fileno())
            folders = {os.path.dirname(target): None for target in targets}
            for number, (file, target) in enumerate(zip(files, targets, strict=True), 1):
                keep_mode(file.name, target)
                if 1 < number == len(files):
                    synchronize(folders)  # the last file shows that the others are there
                os.replace(file.name, target)
            synchronize(folders)
        except BaseException as error:
            for temporary in paths_of:
                with suppress(FileNotFoundError):
                    os.remove(temporary)
            if isinstance(error, OSError):  # name a file that the caller knows
                if error.filename in paths_of:
                    error.filename = os.fspath(paths_of[error.filename])
                elif error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    error.filename = os.fspath(paths[0])
            raise


@contextmanager
def new_folders(paths: Iterable[str]) -> Iterator[None]:
    """Make folders and those above them, if they are missing, so that they are there after a power cut.

    If the block raises, those that were made are removed again, unless something is in them.

    Raises:
        OutputError: there is a file of that name.
        OSError: a folder cannot be made.
    """
    made: list[str] = []
    try:
        for path in paths:
            folder, missing = os.path.abspath(path), []
            while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
                if os.path.exists(folder):
                    raise OutputError(
                        f"{folder}: this is a file, so it cannot be a folder; give another name"
                    )
                missing.append(folder)
                folder = os.path.dirname(folder)
            made[:0] = missing
            os.makedirs(path, exist_ok=True)
            synchronize(map(os.path.dirname, missing))
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):
                os.rmdir(folder)
        raise


def synchronize(folders: Iterable[str]) -> None:
    """Write the names in folders to the disk."""
    if not hasattr(os, "O_DIRECTORY"):
        return  # Windows cannot open folders
    for folder in folders:
        # Some file systems, such as those of networks, refuse this for folders, and some folders may be
        # written but not read. The files themselves are on the disk.
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def keep_mode(new: str, target: str) -> None:
    """Give a new file the mode of the file whose place it will take, if there is one.

    On Windows, a mode says only whether a file is read-only. Such a file can neither be renamed over nor be
    removed there.
    """
    if os.name != "nt" and os.path.exists(target):
        os.chmod(new, os.stat(target).st_mode & 0o777)


def is_temporary(name: str) -> bool:
    """Return whether a file's name is that of a temporary file.

    Examples:
        >>> is_temporary(".m2v-lite-0123abcd.tmp"), is_temporary("notes.tmp")
        (True, False)
    """
    return name.startswith(PREFIX) and name.endswith(SUFFIX)


def remove_leftovers(folder: str) -> None:
    """Remove the temporary files in a folder whose writers are gone."""
    with suppress(OSError), os.scandir(folder) as entries:
        found = [
            entry.path
            for entry in entries
            if is_temporary(entry.name) and entry.is_file(follow_symlinks=False)
        ]
        for path in found:
            with suppress(OSError), open(path, "rb") as file:
                if lock(file):
                    os.remove(path)


def _create(target: str, path: PathLike, paths_of: dict[str, PathLike], locks: ExitStack) -> BinaryIO:
    """Create and lock a temporary file beside `target`, and note in `paths_of` which path it is for."""
    while True:
        temporary = os.path.join(os.path.dirname(target), f"{PREFIX}{os.urandom(4).hex()}{SUFFIX}")
        paths_of[temporary] = path
        file = open(temporary, "xb")  # noqa: SIM115  # the caller closes it
        if _hold_lock(file, locks):
            return file
        file.close()  # another writer took it for a leftover before it was locked


def _hold_lock(file: BinaryIO, locks: ExitStack) -> bool:
    """Lock a new file until `locks` is closed; return False if another writer is removing it."""
    try:
        if not lock(file):
            return True
    except BlockingIOError:
        return False
    except OSError:
        return True  # this file system has no locks
    # A second descriptor of the same open file keeps the lock when the first one is closed.
    locks.callback(os.close, os.dup(file.fileno()))
    return os.fstat(file.fileno()).st_nlink > 0


def lock(file: BinaryIO) -> bool:
    """Lock an open file, and return True; return False if this system has no such locks.

    Raises:
        BlockingIOError: another process or open file holds the lock.
        OSError: the file system has no locks.
    """
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock
    except ImportError:
        return False
    flock(file, LOCK_EX | LOCK_NB)
    return True


def target_of(path: PathLike) -> str:
    """Return what `path` leads to, which may be replaced."""
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise OutputError(f"{path}: not an ordinary file, so it is not replaced; give another name")
    parent = os.path.dirname(target)
    if not os.path.isdir(parent):
        raise OutputError(f"{path}: there is no folder {parent}; create it first")
    return target
