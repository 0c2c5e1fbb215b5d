"""Watches folders and reports every change in them, using the package watchfiles."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

from m2v_lite.commands.stopping import StopRequests
from m2v_lite.errors import InputValueError, MissingPackageError
from m2v_lite.search.path_patterns import comparable

# How long to wait for a change before looking again whether to stop, in milliseconds.
PATIENCE = 1000


def check_watchable(folders: Sequence[str]) -> None:
    """Check that folders can be watched.

    Raises:
        InputValueError: one is no folder.
        MissingPackageError: watchfiles is missing.
    """
    for folder in folders:
        if not os.path.isdir(folder):
            raise InputValueError(f"{folder}: only folders can be watched; give its folder, and --glob NAME")
    try:
        import watchfiles  # noqa: F401
    except ImportError:
        raise MissingPackageError(
            "--watch needs the package watchfiles; install it with: pip install 'm2v-lite[watch]'"
        ) from None


def changes(folders: Sequence[str], ignored: Sequence[str], stops: StopRequests) -> Iterator[None]:
    """Yield when folders are watched, and then whenever something in them changes.

    What changes before they are watched would be missed. So look again at the first item.

    Args:
        folders: the folders. One that is removed and made again is watched again.
        ignored: paths of files that do not count.
        stops: ends the iterator.
    """
    from watchfiles import watch

    uncounted = {comparable(os.path.abspath(path)) for path in ignored}
    while not stops.is_set():
        there = [folder for folder in folders if os.path.isdir(folder)]
        if not there:
            time.sleep(PATIENCE / 1000)
            continue
        watched = list(map(_identity, folders))
        for number, changed in enumerate(
            watch(
                *there,
                watch_filter=lambda change, path: comparable(path) not in uncounted,
                rust_timeout=PATIENCE,
                yield_on_timeout=True,
                stop_event=stops,
                raise_interrupt=False,
            )
        ):
            if changed or not number:
                yield
            if list(map(_identity, folders)) != watched:
                break


def _identity(folder: str) -> tuple[int, int] | None:
    """Return what tells a folder from another one of its name; None if there is none."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino
