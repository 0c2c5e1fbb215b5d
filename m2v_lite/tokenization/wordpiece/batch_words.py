"""Finds the words of a batch in arrays, as BertNormalizer and BertPreTokenizer do.

It does the same as `normalizer.WordSplitter`, for all texts at once. ASCII texts are handled as bytes, and
other texts as one number per character. The words are in order, with a NUL after each text, as a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.tokenization.character_entries import (
    CODE_MASK,
    END,
    MARK,
    SPACE,
    WORD,
    classes_of,
    words_at,
)
from m2v_lite.tokenization.code_points import utf8, utf8_offsets
from m2v_lite.tokenization.vocabulary import PADDING
from m2v_lite.tokenization.wordpiece.character_classes import CharacterClasses
from m2v_lite.tokenization.wordpiece.normalizer import ASCII_CONTROLS, ASCII_MARKS, WordSplitter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.intp]


class Words:
    """Words in UTF-8.

    Args:
        units: (bytes + padding,) uint8, the normalized characters.
        starts: (words,) where each word begins in `units`.
        lengths: (words,) how many bytes it has.
        characters: (words,) how many characters it has.
    """

    def __init__(self, units: NDArray[np.uint8], starts: Places, lengths: Places, characters: Places) -> None:
        self.units, self.starts, self.lengths, self.characters = units, starts, lengths, characters

    def are_ends(self) -> NDArray[np.bool_]:
        """Return (words,) which words are the NULs at the ends of texts."""
        are_ends: NDArray[np.bool_] = self.units.take(self.starts) == 0
        return are_ends

    def followed_by(self, others: Words) -> Words:
        """Return these words and others."""
        length = len(self.units) - PADDING
        return Words(
            np.concatenate([self.units[:length], others.units]),
            np.concatenate([self.starts, others.starts + length]),
            np.concatenate([self.lengths, others.lengths]),
            np.concatenate([self.characters, others.characters]),
        )

    def chosen(self, which: Places | slice) -> Words:
        """Return some of the words, of the same units; `which` are their indexes."""
        return Words(self.units, self.starts[which], self.lengths[which], self.characters[which])

    def texts(self) -> list[str]:
        """Return the words themselves."""
        units = self.units.tobytes()
        ends = (self.starts + self.lengths).tolist()
        return [units[start:end].decode() for start, end in zip(self.starts.tolist(), ends, strict=True)]


class WordsOfCodes:
    """Words in code points.

    Args:
        codes: (characters,) uint32, the normalized characters of all words, one word after the other.
        lengths: (words,) how many characters each word has.

    Examples:
        >>> words = WordsOfCodes(np.array([*map(ord, "été日")], np.uint32), np.array([3, 1]))
        >>> words.chosen(np.array([False, True])).in_utf8().texts()
        ['日']
    """

    def __init__(self, codes: NDArray[np.uint32], lengths: Places) -> None:
        self.codes, self.lengths = codes, lengths

    def firsts(self) -> NDArray[np.uint32]:
        """Return (words,) the first code point of each word."""
        return self.codes.take(np.cumsum(self.lengths) - self.lengths)

    def chosen(self, are_chosen: NDArray[np.bool_]) -> WordsOfCodes:
        """Return some of the words; `are_chosen` (words,) says which."""
        if are_chosen.all():
            return self
        return WordsOfCodes(self.codes[np.repeat(are_chosen, self.lengths)], self.lengths[are_chosen])

    def in_utf8(self) -> Words:
        """Return the words in UTF-8."""
        units, stops = utf8(self.codes), np.cumsum(self.lengths)
        if len(units) > len(self.codes) + PADDING:  # else all characters are ASCII
            stops = utf8_offsets(self.codes).take(stops)
        starts = np.zeros(len(stops), np.intp)
        starts[1:] = stops[:-1]
        return Words(units, starts, stops - starts, self.lengths)

    def texts(self) -> list[str]:
        """Return the words themselves."""
        return self.in_utf8().texts()


class BatchSplitter:
    """Finds the words of texts without NULs.

    Args:
        splitter: the normalizer and its options.

    Examples:
        >>> splitter = BatchSplitter(WordSplitter())
        >>> splitter.ascii("Don't\\0say so\\0").texts()
        ['don', "'", 't', '\\x00', 'say', 'so', '\\x00']
        >>> words, left_out = splitter.any_characters("Été 日本\\0e\\u302e\\0", 2)
        >>> words.texts(), left_out.tolist()
        (['ete', '日', '本', '\\x00', '\\x00'], [1])
    """

    def __init__(self, splitter: WordSplitter) -> None:
        characters = bytes(range(128)).decode("ascii")
        folded = characters.lower() if splitter.lowercase else characters
        self._folded = folded.encode("ascii").ljust(256)
        self._classes = bytes(map(_ascii_class, characters)).ljust(256)
        self._removed = "".join(ASCII_CONTROLS).replace(END, "").encode("ascii")
        self._character_classes = CharacterClasses(splitter)

    def ascii(self, joined: str) -> Words:
        """Return the words of ASCII texts with a NUL after each. The splitter's `clean_text` must be set."""
        units = joined.encode("ascii").translate(self._folded, self._removed)
        starts, lengths = words_at(np.frombuffer(units.translate(self._classes), np.uint8))
        return Words(np.frombuffer(units + bytes(PADDING), np.uint8), starts, lengths, lengths)

    def any_characters(self, joined: str, texts: int) -> tuple[WordsOfCodes, Places]:
        """Return the words of texts, and the indexes of the texts that are left out, as if they were empty.

        A text is left out if it holds a character that cannot be done by itself.

        Args:
            joined: the texts, with a NUL after each.
            texts: their number.
        """
        entries, left_out = self._character_classes.normalized(joined, texts)
        classes = classes_of(entries)
        _, lengths = words_at(classes)
        entries = entries[classes != SPACE]
        entries &= CODE_MASK
        return WordsOfCodes(entries, lengths), left_out


def _ascii_class(character: str) -> int:
    if character in ASCII_MARKS or character == END:
        return MARK
    return WORD if character.isalnum() else SPACE
