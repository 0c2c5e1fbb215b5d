"""Finds the tokens that are single characters, and the places where no longer token can begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.tokenization.character_entries import FIRST_PLANE
from m2v_lite.tokenization.wordpiece.token_tables import ROOTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.tokenization.wordpiece.token_tables import Keys, TokenTables

    Codes = NDArray[np.uint32]

# The code points below are ASCII.
ASCII = 128
# Up to so many longer tokens beyond ASCII, words are worth doing character by character.
FEW = 1000
# Distributes the pairs of characters over 2**16 places.
PAIR_FACTOR, PAIR_MASK = np.uint32(0x9E37), np.uint32(0xFFFF)
# The smallest first bytes of characters of two, three and four bytes (https://www.rfc-editor.org/rfc/rfc3629).
LEADS = (0xC0, 0xE0, 0xF0)


class CharacterTokens:
    """The tokens that are one character, and the pairs of characters with which longer tokens begin.

    Args:
        tables: all tokens.

    Attributes:
        few_are_longer: whether few tokens beyond ASCII are longer than one character.

    Examples:
        >>> from m2v_lite.tokenization.vocabulary import vocabulary_of
        >>> from m2v_lite.tokenization.wordpiece.token_tree import token_tables
        >>> vocabulary = vocabulary_of({"[UNK]": 0, "д": 1, "##ж": 2, "##жи": 3})
        >>> characters = CharacterTokens(token_tables(vocabulary, b"##"))
        >>> codes = np.array([*map(ord, "джжи")], np.uint32)
        >>> characters.first_ids(codes).tolist(), characters.continuing_ids(codes).tolist()
        ([2, 0, 0, 0], [0, 3, 3, 0])
        >>> characters.begin_longer(codes).tolist()
        [False, False, True, False]
    """

    def __init__(self, tables: TokenTables) -> None:
        self._first, self._continuing = np.zeros(FIRST_PLANE, np.int32), np.zeros(FIRST_PLANE, np.int32)
        self._pairs, self._longer = np.zeros(int(PAIR_MASK) + 1, bool), 0
        for root, ids in (tables.first, self._first), (tables.continuing, self._continuing):
            indexes, keys = root.short.items()
            needed = np.flatnonzero((keys < ASCII) | _are_beyond_ascii(keys))
            indexes, (codes, rest) = indexes[needed], _first_characters(keys[needed])
            is_single = (rest == 0) & (codes < FIRST_PLANE)
            ids[codes[is_single]] = root.ids[indexes[is_single]] + 1
            self._add_pairs(codes, rest)
        # Longer tokens have their first eight bytes in a branch below a root: enough for two characters.
        indexes, sums = tables.inner.table.items()
        parents = tables.inner.parents[indexes]
        chunks = sums - parents.astype(np.uint64) * np.uint64(tables.inner.factor)
        self._add_pairs(*_first_characters(chunks[(parents < ROOTS) & _are_beyond_ascii(chunks)]))

    @property
    def few_are_longer(self) -> bool:
        return self._longer <= FEW

    def first_ids(self, codes: Codes) -> NDArray[np.int32]:
        """Return the ids of the tokens that are these characters at the beginning of a word, plus 1, or 0."""
        return self._first.take(codes.view(np.int32), mode="clip")

    def continuing_ids(self, codes: Codes) -> NDArray[np.int32]:
        """Return the same for all other places in a word."""
        return self._continuing.take(codes.view(np.int32), mode="clip")

    def begin_longer(self, codes: Codes) -> NDArray[np.bool_]:
        """Return at which characters a longer token may begin, if the next character is of the same word."""
        may_begin = np.zeros(len(codes), bool)
        may_begin[:-1] = self._pairs.take(_places_of_pairs(codes[:-1], codes[1:]))
        may_begin |= codes < ASCII  # no use to look at the next one
        return may_begin

    def _add_pairs(self, codes: Codes, rest: Keys) -> None:
        goes_on = np.flatnonzero(rest)
        codes = codes[goes_on]
        self._pairs[_places_of_pairs(codes, _first_characters(rest[goes_on])[0])] = True
        self._longer += len(codes)


def _are_beyond_ascii(keys: Keys) -> NDArray[np.bool_]:
    """Return which keys have a first character that is not ASCII."""
    return keys.astype(np.uint8) >= ASCII


def _places_of_pairs(first: Codes, second: Codes) -> NDArray[np.int32]:
    places = first * PAIR_FACTOR
    places += second
    places &= PAIR_MASK
    return places.view(np.int32)


def _first_characters(keys: Keys) -> tuple[Codes, Keys]:
    """Return the code point of the first character of each key, and the other bytes of the key.

    All characters beyond the first plane get the same code, `FIRST_PLANE`.

    Examples:
        >>> words = ["x", "ßa", "日"]
        >>> keys = np.array([int.from_bytes(word.encode(), "little") for word in words], np.uint64)
        >>> codes, rest = _first_characters(keys)
        >>> [chr(code) for code in codes.tolist()], rest.tolist()
        (['x', 'ß', '日'], [0, 97, 0])
    """
    low = keys.astype(np.uint32)
    lead, second, third = low & 0xFF, low >> 8 & 0x3F, low >> 16 & 0x3F
    codes: Codes = np.where(lead < 0xC0, lead, (lead & 0x1F) << 6 | second)
    codes = np.where(lead < 0xE0, codes, (lead & 0x0F) << 12 | second << 6 | third)
    codes[lead >= 0xF0] = FIRST_PLANE
    bits = np.full(len(keys), 8, np.uint64)
    for longer in LEADS:
        bits[lead >= longer] += np.uint64(8)
    return codes, keys >> bits
