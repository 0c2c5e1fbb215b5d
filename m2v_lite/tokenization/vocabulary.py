"""Token -> token id: a vocabulary in a dictionary, or in mapped arrays that are searched in place.

In the arrays, the UTF-8 texts of the tokens lie one after the other, in the order of their ids. A hash table
of ids tells where to look for a token: the token's CRC-32 gives the first slot to try, and the search goes on
to the next slots until it finds an empty slot (https://en.wikipedia.org/wiki/Linear_probing). A search reads
only the parts that it touches, and keeps no str.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EMPTY = -1


class DictVocabulary:
    """A vocabulary in a dictionary: quick, but large."""

    def __init__(self, ids: Mapping[str, int]) -> None:
        self._ids = ids
        self.get: Callable[[str], int | None] = ids.get
        self.items = ids.items

    @property
    def longest(self) -> int:
        return max(map(len, self._ids))

    def arrays(self) -> tuple[NDArray[np.uint8], NDArray[Any], NDArray[np.int64]]:
        """Return the tokens in UTF-8, one after the other; where each token ends; and their ids."""
        from m2v_lite.tokenization.utf8 import utf8_offsets  # single texts do without

        # All tokens are encoded at once, which is quicker than one by one.
        joined = "".join(self._ids)
        codes = np.frombuffer(joined.encode("utf-32-le"), "<u4")
        number = len(self._ids)
        ends = utf8_offsets(codes)[np.cumsum(np.fromiter(map(len, self._ids), np.intp, number))]
        ids = np.fromiter(self._ids.values(), np.int64, number)
        return np.frombuffer(joined.encode(), np.uint8), ends, ids


class MappedVocabulary:
    """Finds the ids of tokens; see `vocabulary_arrays` for the arrays.

    Args:
        text: (bytes,) uint8.
        ends: (tokens,) uint32.
        slots: (slots,) int32. Their number is a power of two, and exceeds the number of tokens.

    Raises:
        ValueError: the arrays do not fit together.

    Example:
        >>> vocabulary = MappedVocabulary(*vocabulary_arrays(["[UNK]", "cat", "##s"]))
        >>> vocabulary.get("cat"), vocabulary.get("dog"), list(vocabulary.items())
        (1, None, [('[UNK]', 0), ('cat', 1), ('##s', 2)])
    """

    def __init__(self, text: NDArray[np.uint8], ends: NDArray[np.uint32], slots: NDArray[np.int32]) -> None:
        for array, dtype in ((text, np.uint8), (ends, np.uint32), (slots, np.int32)):
            if array.ndim != 1 or array.dtype != dtype:
                raise ValueError(
                    f"an array of {array.ndim} dimensions in {array.dtype} is none of a vocabulary's arrays"
                )
        if len(slots) & (len(slots) - 1) or len(slots) <= len(ends):
            raise ValueError(f"{len(slots)} slots for {len(ends)} tokens are not a larger power of two")
        if not len(ends) or ends[-1] != len(text) or (ends[1:] < ends[:-1]).any():
            raise ValueError("the ends of tokens do not ascend to the end of their text")
        if np.count_nonzero(slots != EMPTY) != len(ends) or slots.min() < EMPTY or slots.max() >= len(ends):
            raise ValueError("the slots do not hold the id of each token")
        self.text, self.ends = text, ends
        # Python reads single numbers quickest through memoryviews in the machine's byte order.
        self._text = text.data
        self._ends = np.ascontiguousarray(ends, np.uint32).data
        self._slots = np.ascontiguousarray(slots, np.int32).data
        self._mask = len(slots) - 1
        self.longest = int(np.diff(ends, prepend=0).max())  # in bytes: at least as many as characters

    def get(self, token: str) -> int | None:
        """Return the id of a token, or None."""
        encoded = token.encode("utf-8", "surrogatepass")
        slot = zlib.crc32(encoded) & self._mask
        while (token_id := self._slots[slot]) != EMPTY:
            start = self._ends[token_id - 1] if token_id else 0
            if self._text[start : self._ends[token_id]] == encoded:
                return token_id
            slot = (slot + 1) & self._mask
        return None

    def __len__(self) -> int:
        return len(self.ends)

    def arrays(self) -> tuple[NDArray[np.uint8], NDArray[Any], NDArray[np.int64]]:
        """Return the tokens in UTF-8, one after the other; where each token ends; and their ids."""
        return self.text, self.ends, np.arange(len(self.ends), dtype=np.int64)

    def items(self) -> Iterable[tuple[str, int]]:
        """Return all tokens with their ids."""
        ends = self.ends.tolist()
        text = self.text.tobytes()
        bounds = zip([0, *ends], ends, strict=False)
        return ((text[start:end].decode(), token_id) for token_id, (start, end) in enumerate(bounds))


def vocabulary_arrays(tokens: Sequence[str]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the text, ends and slots of a vocabulary.

    Args:
        tokens: all different, in the order of their ids.

    Returns:
        text (bytes,) uint8, the tokens in UTF-8; ends (tokens,) uint32, where each token ends; slots (slots,)
        int32, ids or `EMPTY`, at most half of them ids.
    """
    encoded = [token.encode() for token in tokens]
    number = max(2, 1 << (2 * len(tokens) - 1).bit_length())
    slots = np.full(number, EMPTY, "<i4")
    for token_id, token in enumerate(encoded):
        slot = zlib.crc32(token) & (number - 1)
        while slots[slot] != EMPTY:
            slot = (slot + 1) & (number - 1)
        slots[slot] = token_id
    ends = np.cumsum([*map(len, encoded)]).astype("<u4")
    return np.frombuffer(b"".join(encoded), np.uint8), ends, slots
