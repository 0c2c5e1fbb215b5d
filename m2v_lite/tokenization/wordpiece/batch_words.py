"""Finds the words of a batch in arrays, as BertNormalizer and BertPreTokenizer do, as UTF-8 bytes.

It does the same as `normalizer.WordSplitter`, for all texts at once. ASCII texts are handled as bytes, and
other texts as one number per character.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

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
from m2v_lite.tokenization.utf8 import utf8_offsets
from m2v_lite.tokenization.vocabulary import PADDING
from m2v_lite.tokenization.wordpiece.character_classes import CharacterClasses
from m2v_lite.tokenization.wordpiece.normalizer import ASCII_CONTROLS, ASCII_MARKS, WordSplitter

if TYPE_CHECKING:
    from numpy.typing import NDArray


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

    Examples:
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
        starts, lengths = words_at(np.frombuffer(joined.translate(self._classes), np.uint8))
        return Words(np.frombuffer(joined + bytes(PADDING), np.uint8), starts, lengths, lengths)

    def any_characters(self, texts: Sequence[str]) -> tuple[Words, NDArray[np.intp]]:
        """Return the words of texts, and the indexes of the texts that are left out, as if they were empty.

        A text is left out if it holds a character that cannot be done by itself.
        """
        entries, left_out = self._character_classes.normalized(texts)
        starts, characters = words_at(classes_of(entries))
        codes = entries & CODE_MASK
        units = codes.astype("<u4", copy=False).tobytes().decode("utf-32-le").encode() + bytes(PADDING)
        offsets = utf8_offsets(codes)
        ends, starts = offsets.take(starts + characters), offsets.take(starts)
        return Words(np.frombuffer(units, np.uint8), starts, ends - starts, characters), left_out


def _ascii_class(character: str) -> int:
    if character in ASCII_MARKS or character == END:
        return MARK
    return WORD if character.isalnum() else SPACE
