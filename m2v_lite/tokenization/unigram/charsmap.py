"""Normalizes text as `tokenizers` applies SentencePiece's charsmap: a tree of keys and their values.

The tree is a double array (https://github.com/s-yata/darts-clone). If several keys match the start of a text,
the shortest is used, as in the crate spm_precompiled (https://docs.rs/spm_precompiled).
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Nodes = NDArray[np.int64]

# A unit is the label of its node, whether a value follows, and the offset of the children. Where a value
# stands, its upper bit is set.
LABEL_MASK = 1 << 31 | 0xFF
HAS_VALUE = 1 << 8
IS_FAR = 1 << 9
VALUE_MASK = (1 << 31) - 1
NOWHERE = -1
# What is looked up as a whole has less bytes.
MOST_BYTES = 5


class Charsmap:
    """Finds keys.

    Args:
        units: (units,) uint32, the tree.
        texts: (bytes,) uint8, the values in UTF-8, with a NUL behind each.
    """

    def __init__(self, units: NDArray[np.uint32], texts: NDArray[np.uint8]) -> None:
        self.units, self.texts = units, texts

    def value_of(self, text: bytes) -> str | None:
        """Return the value of the shortest key that begins a text, or None."""
        units = self.units.data
        at = _offset(units[0])
        for byte in text:
            at ^= byte
            if not byte or at >= len(units) or units[at] & LABEL_MASK != byte:
                return None
            unit = units[at]
            at ^= _offset(unit)
            if unit & HAS_VALUE:
                return self.value_at(units[at] & VALUE_MASK) if at < len(units) else None
        return None

    def value_at(self, place: int) -> str:
        """Return the value that begins at a byte of the texts."""
        content = self.texts[place:].data
        return bytes(content[: _length(content)]).decode(errors="replace")

    def walk(self, characters: NDArray[Any], nodes: Nodes) -> tuple[Nodes, Nodes]:
        """Walk from nodes on along the bytes of one character each.

        Args:
            characters: (characters,) code points.
            nodes: (characters,) where to begin, or `NOWHERE`.

        Returns:
            nodes (characters,) behind the characters, or `NOWHERE`; and values (characters,), where the value
            of the first key on the way begins in the texts, or `NOWHERE`.
        """
        values = np.full(len(characters), NOWHERE, np.int64)
        for first, count in ((0, 1), (0x80, 2), (0x800, 3), (0x10000, 4)):
            last = (0x80, 0x800, 0x10000, 0x110000)[count - 1]
            some = np.flatnonzero((characters >= first) & (characters < last) & (nodes != NOWHERE))
            for place in range(count):
                shift = 6 * (count - 1 - place)
                byte = characters[some] >> shift
                if place:
                    byte = byte & 0x3F | 0x80
                elif count > 1:
                    byte = byte | (0xF00 >> count & 0xFF)
                self._step(nodes, values, some, byte.astype(np.int64))
                some = some[nodes[some] != NOWHERE]
        return nodes, values

    def _step(self, nodes: Nodes, values: Nodes, some: NDArray[np.intp], bytes_: Nodes) -> None:
        """Walk on from some nodes along one byte each."""
        at = nodes[some] ^ bytes_
        inside = at < len(self.units)
        units = self.units.take(np.where(inside, at, 0).astype(np.intp)).astype(np.int64)
        exists = inside & (units & LABEL_MASK == bytes_) & (bytes_ != 0)
        at ^= units >> 10 << ((units & IS_FAR) >> 6)
        nodes[some] = np.where(exists, at, NOWHERE)
        # In a damaged charsmap, a link may lead out of it.
        found = exists & (units & HAS_VALUE != 0) & (values[some] == NOWHERE) & (at < len(self.units))
        values[some[found]] = self.units.take(at[found].astype(np.intp)).astype(np.int64) & VALUE_MASK

    def root(self, number: int) -> Nodes:
        """Return the root, that many times."""
        return np.full(number, _offset(int(self.units[0])), np.int64)


def arrays_of_charsmap(encoded: str) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Return the two arrays of a charsmap, from its base64 form in a `tokenizer.json`.

    Raises:
        ValueError: it is not a charsmap.
    """
    try:
        content = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError(f"a charsmap is not base64 ({error})") from error
    size = int.from_bytes(content[:4], "little")
    if size % 4 or not 4 <= size <= len(content) - 4:
        raise ValueError("a charsmap is cut short")
    texts = np.frombuffer(content, np.uint8, offset=4 + size)
    texts.tobytes().decode()
    return np.frombuffer(content, "<u4", size // 4, 4), texts


def _offset(unit: int) -> int:
    return unit >> 10 << ((unit & IS_FAR) >> 6)


def _length(content: memoryview) -> int:
    """Return how many bytes come before the first NUL."""
    for place, byte in enumerate(content):
        if not byte:
            return place
    return len(content)
