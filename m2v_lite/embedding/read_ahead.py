"""How the kernel reads a mapped table from the disk: row by row for a few texts, all of it for many.

By itself the kernel reads far more than the row that was asked for. With a cold cache, a row of a 300 MB
table took 5 ms or more; with the advice to expect random access, 0.05 ms. To read the whole table in order,
on the other hand, took as long as 350 such rows of a 30 MB table, or 2,000 of a 300 MB one. (The advice:
https://man7.org/linux/man-pages/man2/madvise.2.html)
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# To read a page out of order takes as long as so many in order; about 30 on a solid-state disk, 10 on a card.
PAGES_IN_ORDER = 16


class ReadAhead:
    """Advises the kernel on the pages of a mapped array.

    Without `madvise`, as on Windows, the kernel keeps its own ways.

    Args:
        table: (rows, dim) an array, of which any view of a `np.memmap` is advised on; or None.
    """

    def __init__(self, table: NDArray[Any] | None) -> None:
        self._map = getattr(table, "_mmap", None)
        self._all_read = True
        if table is None or self._map is None or not table.size:
            return
        self._all_read = False
        first = table.__array_interface__["data"][0]
        start = first - np.frombuffer(self._map, np.uint8).__array_interface__["data"][0]
        end = start + (len(table) - 1) * table.strides[0] + table.shape[1] * table.itemsize
        self._start = start - start % mmap.PAGESIZE
        self._length = end - self._start
        self._advise("MADV_RANDOM")

    def expect(self, rows: int) -> None:
        """Read all pages in order, once, if so many rows are wanted that this is quicker."""
        if not self._all_read and rows * PAGES_IN_ORDER >= self._length // mmap.PAGESIZE:
            self.read_all()

    def read_all(self) -> None:
        """Read all pages in order."""
        if self._all_read:
            return
        self._all_read = True
        assert self._map is not None
        self._advise("MADV_NORMAL")
        np.frombuffer(self._map, np.uint8, self._length, self._start)[:: mmap.PAGESIZE].max()
        # What does not stay in memory is wanted row by row again.
        self._advise("MADV_RANDOM")

    def _advise(self, advice: str) -> None:
        option = getattr(mmap, advice, None)
        if option is not None:
            assert self._map is not None
            self._map.madvise(option, self._start, self._length)
