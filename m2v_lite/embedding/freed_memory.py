"""Returns freed memory to the operating system."""

from __future__ import annotations

import sys


def give_back_freed_memory() -> None:
    """Ask the C library to return what it keeps for later: `malloc_trim` of glibc.

    https://man7.org/linux/man-pages/man3/malloc_trim.3.html. Other C libraries lack it, and nothing happens.
    """
    if sys.platform != "linux":
        return
    import ctypes  # numpy has imported it

    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
