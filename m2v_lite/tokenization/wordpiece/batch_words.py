"""A batch of texts -> its words, in one array of UTF-8 bytes: BertNormalizer and BertPreTokenizer, in arrays.

It does what `normalizer.WordSplitter` does, for all texts at once. ASCII texts are done in bytes, all other
texts by one number for each character.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from m2v_lite.tokenization.utf8 import utf8_offsets
from m2v_lite.tokenization.vocabulary import PADDING
from m2v_lite.tokenization.wordpiece.character_classes import (
    CLASS_SHIFT,
    CODE_MASK,
    MARK,
    ODD,
    REMOVED,
    SEVERAL,
    SPACE,
    WORD,
    CharacterClasses,
)
from m2v_lite.tokenization.wordpiece.normalizer import ASCII_CONTROLS, ASCII_MARKS, WordSplitter

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Stands after each text, as a mark. No text given here holds one.
END = "\0"


class Words(NamedTuple):
    """The words and marks of some texts, in order, with a NUL after each text.

    Attributes:
        units: (bytes + padding,) uint8, the normalized characters in UTF-8.
        starts: (words,) where each word begins in `units`.
        lengths: (words,) how many bytes it has.
        characters: (words,) how many characters it has.
    """

    units: NDArray[np.uint8]
    starts: NDArray[np.intp]
    lengths: NDArray[np.intp]
    characters: NDArray[np.intp]

    def texts(self) -> list[str]:
        """Return the words themselves."""
        units = self.units.tobytes()
        ends = (self.starts + self.lengths).tolist()
        return [units[start:end].decode() for start, end in zip(self.starts.tolist(), ends, strict=True)]


class BatchSplitter:
    """Finds the words of texts without NULs.

    Args:
        splitter: the normalizer and its options.

    Example:
        >>> splitter = BatchSplitter(WordSplitter())
        >>> splitter.ascii(["Don't", "say so"]).texts()
        ['don', "'", 't', '\\x00', 'say', 'so', '\\x00']
        >>> words, left_out = splitter.any_characters(["Été 日本", "e\\u302e"])
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

    def ascii(self, texts: Sequence[str]) -> Words:
        """Return the words of ASCII texts. The splitter's `clean_text` must be set."""
        joined = END.join([*texts, ""]).encode("ascii").translate(self._folded, self._removed)
        starts, lengths = _find_words(np.frombuffer(joined.translate(self._classes), np.uint8))
        return Words(np.frombuffer(joined + bytes(PADDING), np.uint8), starts, lengths, lengths)

    def any_characters(self, texts: Sequence[str]) -> tuple[Words, NDArray[np.intp]]:
        """Return the words of texts, and the indexes of the texts that are left out, as if they were empty.

        A text is left out if it holds a character that cannot be done by itself.
        """
        codes = np.frombuffer(END.join([*texts, ""]).encode("utf-32-le"), "<u4")
        entries = self._character_classes.entries(codes)
        classes = (entries >> CLASS_SHIFT).astype(np.uint8)
        left_out = np.zeros(0, np.intp)
        if classes.max(initial=0) >= REMOVED:
            if (classes == ODD).any():
                is_end = codes == ord(END)
                text_of = np.cumsum(is_end) - is_end
                is_odd = np.zeros(len(texts), bool)
                is_odd[text_of[classes == ODD]] = True
                left_out = np.flatnonzero(is_odd)
                classes[is_odd[text_of] & ~is_end] = REMOVED
            entries = entries[classes != REMOVED]
            if (classes == SEVERAL).any():
                entries = self._character_classes.expanded(entries)
            classes = (entries >> CLASS_SHIFT).astype(np.uint8)
        starts, characters = _find_words(classes)
        codes = entries & CODE_MASK
        units = codes.astype("<u4", copy=False).tobytes().decode("utf-32-le").encode() + bytes(PADDING)
        offsets = utf8_offsets(codes)
        ends, starts = offsets.take(starts + characters), offsets.take(starts)
        return Words(np.frombuffer(units, np.uint8), starts, ends - starts, characters), left_out


def _ascii_class(character: str) -> int:
    if character in ASCII_MARKS or character == END:
        return MARK
    return WORD if character.isalnum() else SPACE


def _find_words(classes: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where words and marks begin, and their lengths. The last character must be a mark."""
    in_word = classes == WORD
    begins = classes == MARK
    ends = begins.copy()
    begins[:1] |= in_word[:1]
    begins[1:] |= in_word[1:] > in_word[:-1]
    ends[:-1] |= in_word[:-1] > in_word[1:]
    starts = np.flatnonzero(begins)
    return starts, np.flatnonzero(ends) - starts + 1
