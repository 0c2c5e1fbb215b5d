"""Short words -> codes, all words of a batch at once: a hash table in arrays.

The key of a word is the word itself: its characters in two 64-bit numbers (ASCII) or four (UTF-16). Words
are compared by their keys, so only the time depends on the hash. If a slot is taken, the next slots are tried
(https://en.wikipedia.org/wiki/Linear_probing).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.tokenization.wordpiece.word_spans import Spans

KEY_CHARACTERS = 16
MISSING = -(1 << 62)
FIRST_SLOTS = 1 << 8
# How many slots to try by default. About one key in a hundred finds no free slot among them, and is left out.
PROBES = 4
ALL_PROBES = sys.maxsize

Keys = NDArray[np.uint64]  # (columns, words)

# The multipliers differ from one process to the next, as str hashes do, so that nobody can foresee slots.
_MULTIPLIERS = [hash(f"high {column}") << 32 ^ hash(f"low {column}") | 1 for column in range(4)]
MULTIPLIERS = np.array([number % (1 << 64) for number in _MULTIPLIERS], np.uint64)

# MASKS[bytes per character][number of characters] keeps that many characters of eight bytes.
MASKS = {
    size: np.array([(1 << 8 * size * length) - 1 for length in range(8 // size + 1)], np.uint64)
    for size in (1, 2)
}


def word_keys(spans: Spans) -> Keys:
    """Return the keys of words of up to `KEY_CHARACTERS`.

    Longer words get the all-zero key, which means 'not stored'.


    Example:
        >>> from m2v_lite.tokenization.wordpiece.word_spans import AsciiDivider
        >>> from m2v_lite.tokenization.wordpiece.normalizer import WordSplitter
        >>> word_keys(AsciiDivider(WordSplitter()).divide(["a", "cabbages"]))[0, [0, 2]].tobytes()
        b'a\\x00\\x00\\x00\\x00\\x00\\x00\\x00cabbages'
    """
    units, starts, lengths = spans.units, spans.starts, spans.lengths
    at_once = 8 // units.itemsize
    masks = MASKS[units.itemsize]
    # The eight bytes that begin at each character.
    windows: NDArray[Any] = np.ndarray(len(units) - at_once + 1, "<u8", units, strides=(units.itemsize,))
    keys = np.zeros((KEY_CHARACTERS // at_once, len(starts)), np.uint64)
    np.bitwise_and(windows[starts], masks.take(lengths, mode="clip"), out=keys[0])
    for column in range(1, len(keys)):
        done = column * at_once
        longer = np.flatnonzero(lengths > done)
        if not len(longer):
            break
        keys[column, longer] = windows[starts[longer] + done] & masks.take(
            lengths[longer] - done, mode="clip"
        )
        if column == len(keys) - 1:
            keys[:, longer[lengths[longer] > KEY_CHARACTERS]] = 0
    return keys


def one_of_each(keys: Keys) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pick one index for each distinct key; hash clashes may leave a few duplicates.

    Every zero key is picked.


    Returns:
        chosen (chosen,): the picked indexes; and place_of (words,): where in `chosen` each word's key is.

    Example:
        >>> chosen, place_of = one_of_each(np.array([[5, 6, 5, 5]], np.uint64))
        >>> chosen.tolist(), place_of.tolist()
        ([1, 3], [1, 0, 1, 1])
    """
    number = keys.shape[1]
    slots = _slots(keys, max(2, 1 << (2 * number).bit_length()))
    every = np.arange(number)
    owners = np.empty(int(slots.max(initial=0)) + 1, np.intp)
    owners[slots] = every
    owner = owners[slots]
    same = (keys[:, owner] == keys).all(axis=0) & (keys[0] != 0)
    owner = np.where(same, owner, every)
    is_chosen = np.zeros(number, bool)
    is_chosen[owner] = True
    return np.flatnonzero(is_chosen), (np.cumsum(is_chosen) - 1)[owner]


class KeyTable:
    """Maps keys to codes. Not safe under threads.

    Args:
        columns: how many numbers make a key.
        probes: how many slots to try for a key before it is left out.

    Example:
        >>> table = KeyTable(columns=2)
        >>> table.insert(np.array([[5, 6], [0, 0]], np.uint64), np.array([50, 60]))
        >>> codes = table.find(np.array([[6, 7, 5], [0, 0, 0]], np.uint64))
        >>> np.where(codes == MISSING, -1, codes).tolist()
        [60, -1, 50]
    """

    def __init__(self, columns: int, probes: int = PROBES) -> None:
        self._columns = columns
        self._probes = probes
        self._make(FIRST_SLOTS)

    def _make(self, slots: int) -> None:
        self._keys = np.zeros((self._columns, slots), np.uint64)
        self._codes = np.full(slots, MISSING, np.int64)
        self._entries = 0

    def slots_for(self, more: int) -> int:
        """Return how many slots the table needs for `more` new entries: entries fill at most a third."""
        slots = len(self._codes)
        while 3 * (self._entries + more) > slots:
            slots *= 2
        return slots

    def nbytes_of(self, slots: int) -> int:
        """Return how many bytes this number of slots takes."""
        return slots * (8 * self._columns + 8)

    @property
    def nbytes(self) -> int:
        return self.nbytes_of(len(self._codes))

    def resize(self, slots: int) -> None:
        """Change the number of slots, a power of two."""
        used = np.flatnonzero(self._codes != MISSING)
        keys, codes = self._keys[:, used], self._codes[used]
        self._make(slots)
        self.insert(keys, codes)

    def find(self, keys: Keys) -> NDArray[np.int64]:
        """Return the code of each key, or `MISSING`."""
        slots = _slots(keys, len(self._codes))
        codes = self._codes.take(slots)
        wrong = np.flatnonzero(self._differ(keys, slots) & (codes != MISSING))
        for probe in range(1, self._probes):
            if not len(wrong):
                return codes
            next_slots = (slots[wrong] + probe) & (len(self._codes) - 1)
            codes[wrong] = next_codes = self._codes[next_slots]
            wrong = wrong[self._differ(keys[:, wrong], next_slots) & (next_codes != MISSING)]
        codes[wrong] = MISSING
        return codes

    def insert(self, keys: Keys, codes: NDArray[np.int64]) -> None:
        """Add entries, except for zero keys. If a key comes twice, its codes must mean the same."""
        left = np.flatnonzero(keys[0])
        keys, codes = keys[:, left], codes[left]
        slots = _slots(keys, len(self._codes))
        for _ in range(self._probes):
            free = self._codes[slots] == MISSING
            # If several keys want one slot, the last key gets it in all columns: numpy assigns in order.
            self._keys[:, slots[free]] = keys[:, free]
            other = self._differ(keys, slots)
            own = ~other
            self._codes[slots[own]] = codes[own]
            self._entries += int(np.count_nonzero(own & free))
            keys, codes = keys[:, other], codes[other]
            slots = (slots[other] + 1) & (len(self._codes) - 1)
            if not len(slots):
                return

    def _differ(self, keys: Keys, slots: NDArray[np.intp]) -> NDArray[np.bool_]:
        differ: NDArray[np.bool_] = self._keys[0].take(slots) != keys[0]
        for own, column in zip(self._keys[1:], keys[1:], strict=True):
            differ |= own.take(slots) != column
        return differ


def _slots(keys: Keys, number: int) -> NDArray[np.intp]:
    """Return the first slot to try for each key. The number of slots must be a power of two."""
    mixed: Keys = keys[0] * MULTIPLIERS[0]
    for column, multiplier in zip(keys[1:], MULTIPLIERS[1:], strict=False):
        mixed += column * multiplier
    mixed >>= np.uint64(65 - number.bit_length())
    return mixed.astype(np.intp)
