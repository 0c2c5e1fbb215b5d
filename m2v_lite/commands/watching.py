"""Folders -> a signal whenever something in them changes, by the package watchfiles."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from m2v_lite.commands.stopping import StopRequests
from m2v_lite.errors import InputValueError, MissingPackageError

# How long to wait for a change before looking again whether to stop, in milliseconds.
PATIENCE = 1000


def changes(folders: Sequence[str], ignored: Sequence[str], stops: StopRequests) -> Iterator[None]:
    """Return an iterator that yields when folders are watched, and then whenever something in them changes.

    What changes before they are watched would be missed. So look again at the first item.

    Args:
        folders: the folders.
        ignored: paths of files that do not count.
        stops: ends the iterator.

    Raises:
        InputValueError: one is no folder.
        MissingPackageError: watchfiles is missing.
    """
    for folder in folders:
        if not os.path.isdir(folder):
            raise InputValueError(f"{folder}: only folders can be watched; give its folder, and --glob NAME")
    try:
        from watchfiles import watch
    except ImportError:
        raise MissingPackageError(
            "--watch needs the package watchfiles; install it with: pip install 'm2v-lite[watch]'"
        ) from None
    uncounted = {os.path.abspath(path) for path in ignored}
    some = watch(
        *folders,
        watch_filter=lambda change, path: path not in uncounted,
        rust_timeout=PATIENCE,
        yield_on_timeout=True,
        stop_event=stops,
        raise_interrupt=False,
    )
    return (None for number, changed in enumerate(some) if changed or not number)
