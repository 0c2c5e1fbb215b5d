"""A batch of texts -> where its words lie, in a few passes over one number per character.

Does what `normalizer.WordSplitter` does, for all texts of a batch at once. Each character is white space, a
part of a word, a mark that stands by itself, or removed. ASCII is handled in bytes. Other characters up to
U+FFFF are handled in UTF-16, with a table that is filled as the characters come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.tokenization.wordpiece.normalizer import ASCII_CONTROLS, ASCII_MARKS, WordSplitter

# Stands after each text. The normalizer removes this control character from the texts themselves.
END_CHARACTER = "\x01"

# Classes of characters; 0 means not known yet. A text with an odd character is left out.
SPACE, WORD, MARK, REMOVED, ODD = range(1, 6)

# Zeros after the last character, so that a key can be read at any word.
PADDING = 32


@dataclass(frozen=True)
class Spans:
    """The words and marks of some texts, in order, as normalized characters.

    Attributes:
        units: (characters + padding,) the characters, uint8 or little-endian uint16.
        starts: (words,) where each word begins.
        lengths: (words,) how many characters each word has.
    """

    units: NDArray[Any]
    starts: NDArray[np.intp]
    lengths: NDArray[np.intp]

    @cached_property
    def is_wide(self) -> NDArray[np.bool_]:
        """(words,) whether each word has characters beyond ASCII."""
        before = np.zeros(len(self.units) + 1, np.int32)
        np.cumsum(self.units >= 128, out=before[1:])
        is_wide: NDArray[np.bool_] = before[self.starts + self.lengths] != before[self.starts]
        return is_wide

    def select(self, which: NDArray[Any] | slice) -> Spans:
        """Return some of the words."""
        return Spans(self.units, self.starts[which], self.lengths[which])

    def narrow(self) -> Spans:
        """Return the same words in bytes; their characters must be ASCII."""
        return Spans(self.units.astype(np.uint8), self.starts, self.lengths)

    def words(self) -> list[str]:
        """Return the words themselves."""
        characters = self.units.tobytes().decode("latin-1" if self.units.itemsize == 1 else "utf-16-le")
        ends = self.starts + self.lengths
        return [characters[start:end] for start, end in zip(self.starts.tolist(), ends.tolist(), strict=True)]


class AsciiDivider:
    """Finds the words of ASCII texts.

    Args:
        splitter: says what becomes of each character. Its `clean_text` must be on.

    Example:
        >>> spans = AsciiDivider(WordSplitter()).divide(["Don't", "say so"])
        >>> spans.words()
        ['don', "'", 't', '\\x01', 'say', 'so', '\\x01']
    """

    def __init__(self, splitter: WordSplitter) -> None:
        characters = bytes(range(128)).decode("ascii")
        folded = characters.lower() if splitter.lowercase else characters
        classes = [_ascii_class(character) for character in characters]
        self._folded = folded.encode("ascii").ljust(256)
        self._classes = bytes(classes).ljust(256)
        self._removed = "".join(ASCII_CONTROLS).replace(END_CHARACTER, "").encode("ascii")

    def divide(self, texts: Sequence[str]) -> Spans:
        """Return the words of ASCII texts, and a separator after each text. No text may hold a separator."""
        joined = END_CHARACTER.join([*texts, ""]).encode("ascii").translate(self._folded, self._removed)
        units = np.frombuffer(joined + bytes(PADDING), np.uint8)
        return Spans(units, *_find_words(np.frombuffer(joined.translate(self._classes), np.uint8)))


class WideDivider:
    """Finds the words of texts in characters up to U+FFFF, if each can be normalized by itself.

    Safe under threads: an entry of the table is written at once, and never changes.

    Args:
        splitter: says what becomes of each character. Its `clean_text` must be on.

    Example:
        >>> spans, odd = WideDivider(WordSplitter()).divide(["Été 日本", "\\U0001F600"])
        >>> spans.words(), odd
        (['ete', '日', '本', '\\x01'], [1])
    """

    def __init__(self, splitter: WordSplitter) -> None:
        self._splitter = splitter
        self._entries = np.zeros(1 << 16, np.uint32)  # class and folded character of each character
        self._entries[ord(END_CHARACTER)] = MARK << 16 | ord(END_CHARACTER)
        self._entries[0xD800:0xE000] = ODD << 16

    def divide(self, texts: Sequence[str]) -> tuple[Spans, list[int]]:
        """Return the words, and the indexes of the texts left out. No text may hold a separator."""
        entries = self._entries_of(END_CHARACTER.join([*texts, ""]))
        classes = (entries >> 16).astype(np.uint8)
        odd: list[int] = []
        kept = classes < REMOVED
        if not kept.all():
            if (classes == ODD).any():
                before = np.cumsum(entries == self._entries[ord(END_CHARACTER)])
                text_of = np.concatenate([[0], before[:-1]])
                is_odd = np.zeros(len(texts), bool)
                is_odd[text_of[classes == ODD]] = True
                kept &= ~is_odd[text_of]
                odd = np.flatnonzero(is_odd).tolist()
            entries, classes = entries[kept], classes[kept]
        units = np.zeros(len(entries) + PADDING, "<u2")
        units[: len(entries)] = entries & 0xFFFF
        return Spans(units, *_find_words(classes)), odd

    def _entries_of(self, texts: str) -> NDArray[np.uint32]:
        units = np.frombuffer(texts.encode("utf-16-le"), "<u2").astype(np.intp)
        entries = self._entries.take(units)
        unknown = entries == 0
        if unknown.any():
            for unit in np.unique(units[unknown]).tolist():
                self._entries[unit] = self._entry(chr(unit))
            entries = self._entries.take(units)
        return entries

    def _entry(self, character: str) -> int:
        replaced = self._splitter.word(character)
        alone = replaced.strip(" ")
        if not replaced:
            return REMOVED << 16
        if not alone:
            return SPACE << 16 | ord(" ")
        if any("\ud800" <= part <= "\udfff" for part in alone) or (alone != replaced and len(alone) > 1):
            return ODD << 16
        # A character that becomes several characters, or would change again, stays until its word is divided.
        folds = len(alone) == 1 and alone <= "\uffff" and self._splitter.word(alone) == replaced
        return (WORD if alone == replaced else MARK) << 16 | ord(alone if folds else character)


def _ascii_class(character: str) -> int:
    if character in ASCII_MARKS or character == END_CHARACTER:
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
