"""Converts texts to arrays of code points and back, also to UTF-8."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.tokenization.vocabulary import PADDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The first code points of two, three and four bytes (https://www.rfc-editor.org/rfc/rfc3629).
LONGER = (0x80, 0x800, 0x10000)


def code_points(text: str) -> NDArray[Any]:
    """Return (characters,) the code points of a text, as 32-bit indexes.

    Examples:
        >>> code_points("aé").tolist()
        [97, 233]
    """
    # The functions of the codec: its name would cost the import of a module.
    return np.frombuffer(codecs.utf_32_le_encode(text)[0], "<i4")


def as_text(codes: NDArray[Any]) -> str:
    """Return the text with these code points, none of which is a surrogate.

    Examples:
        >>> as_text(np.array([97, 233]))
        'aé'
    """
    return codecs.utf_32_le_decode(codes.astype("<u4", copy=False).tobytes())[0]


def utf8(codes: NDArray[Any]) -> NDArray[np.uint8]:
    """Return code points, none of which is a surrogate, in UTF-8, and `PADDING` bytes more.

    Examples:
        >>> utf8(np.array([0x41, 0xE9])).tolist()
        [65, 195, 169, 0, 0, 0, 0, 0, 0, 0, 0]
    """
    return np.frombuffer(as_text(codes).encode() + bytes(PADDING), np.uint8)


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
