"""Tells the system's kernel how to read a mapped table: row by row for few texts, all of it for many.

By default, the kernel reads far more than the requested row. With a cold cache, one row of a 300 MB table
took 5 ms or more. After advice to expect random access, one row took 0.05 ms
(https://man7.org/linux/man-pages/man2/madvise.2.html). Reading all of a 30 MB table in order took as long as
350 such rows, and all of a 300 MB table as long as 2,000.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Reading one page out of order takes as long as reading this many pages in order. Measured: about 30 on a
# solid-state disk, 10 on an SD card.
PAGES_IN_ORDER = 16


class ReadAhead:
    """Advises the kernel how to read the pages of a mapped array.

    Where `madvise` is missing, as on Windows, the kernel gets no advice.

    Args:
        table: (rows, dim) an array, or None. Only a `np.memmap` or a view of one needs advice.
    """

    def __init__(self, table: NDArray[Any] | None) -> None:
        self._map = getattr(table, "_mmap", None)
        self._all_read, self._rows, self._length = True, 0, 0
        if table is None or self._map is None or not table.size:
            return
        self._all_read, self._rows = False, len(table)
        first = table.__array_interface__["data"][0]
        start = first - np.frombuffer(self._map, np.uint8).__array_interface__["data"][0]
        end = start + (len(table) - 1) * table.strides[0] + table.shape[1] * table.itemsize
        self._start = start - start % mmap.PAGESIZE
        self._length = end - self._start
        self._advise("MADV_RANDOM")

    def expect(self, rows: NDArray[np.intp]) -> None:
        """Prepare to read rows: if they are many, read all pages in order first, which is faster.

        Args:
            rows: (rows,) their indexes, in any order, however often.
        """
        pages = self._length // mmap.PAGESIZE
        if self._all_read or len(rows) * PAGES_IN_ORDER < pages:
            return
        is_needed = np.zeros(self._rows, bool)
        is_needed[rows] = True
        if np.count_nonzero(is_needed) * PAGES_IN_ORDER >= pages:
            self.read_all()

    def read_all(self) -> None:
        """Read all pages in order. A second call does nothing."""
        if self._all_read:
            return
        self._all_read = True
        assert self._map is not None
        self._advise("MADV_NORMAL")
        np.frombuffer(self._map, np.uint8, self._length, self._start)[:: mmap.PAGESIZE].max()
        # If a page leaves memory, it is read again for single rows only.
        self._advise("MADV_RANDOM")

    def _advise(self, advice: str) -> None:
        option = getattr(mmap, advice, None)
        if option is not None:
            assert self._map is not None
            self._map.madvise(option, self._start, self._length)
