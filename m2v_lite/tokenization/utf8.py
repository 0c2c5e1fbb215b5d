"""Finds where the bytes of each code point begin in UTF-8, for arrays of code points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The first code points of two, three and four bytes (https://www.rfc-editor.org/rfc/rfc3629).
LONGER = (0x80, 0x800, 0x10000)


def utf8_offsets(codes: NDArray[Any]) -> NDArray[np.intp]:
    """Return (characters + 1,) how many bytes come before each character, and before the end.

    Args:
        codes: (characters,) code points.

    Examples:
        >>> utf8_offsets(np.array([ord(character) for character in "aé日"])).tolist()
        [0, 1, 3, 6]
    """
    widths = np.ones(len(codes), np.uint8)
    for first in LONGER:
        widths += codes >= first
    offsets = np.zeros(len(codes) + 1, np.intp)
    np.cumsum(widths, out=offsets[1:])
    return offsets
