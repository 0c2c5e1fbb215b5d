"""A batch of texts -> its words and marks, by a few passes over one byte a character.

Does what `words.WordSplitter` does for texts of few different characters: ASCII, and up to 128 others. Each
character is a byte, and each byte is white space, a part of a word, or a mark that stands by itself.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from m2v_lite.words import ASCII_CONTROLS, ASCII_MARKS, WordSplitter

# The end of a text among others: a control character, which the normalizer removes from the texts themselves.
END = "\0"
OTHERS = 128

# Classes of bytes. Those from MARK up stand by themselves.
SPACE, WORD, MARK = range(3)
_CONTROLS = "".join(ASCII_CONTROLS).replace(END, "").encode()
_MARKS = {END, *ASCII_MARKS}


@dataclass(frozen=True)
class Words:
    """The words and marks of some texts, in order.

    Attributes:
        words: the words alone.
        is_word: (words and marks,) which of all are words.
        first: (words and marks,) the first byte of each; all of it, if it is a mark or the end of a text.
    """

    words: list[str]
    is_word: NDArray[np.bool_]
    first: NDArray[np.uint8]


class Codepage:
    """Bytes for ASCII and some other characters, and what the normalizer makes of them.

    Attributes:
        marks: what each byte stands for that is a mark, by its number.

    Args:
        splitter: tells what becomes of a character; it must clean texts.
        others: characters beyond ASCII, at most `OTHERS`, each of which `can_have`.

    Example:
        >>> page = Codepage(WordSplitter(), "é“”")
        >>> divided = page.divide(page.encode("Don't say “été”\\0"))
        >>> divided.words, divided.is_word.tolist()
        (['don', 't', 'say', 'ete'], [True, False, True, True, False, True, False, False])
    """

    def __init__(self, splitter: WordSplitter, others: str = "") -> None:
        ascii_characters = "".join(map(chr, range(128)))
        self._others = others
        # U+FFFE stands for no character in these tables.
        self._encoding = codecs.charmap_build((ascii_characters + others).ljust(256, "\ufffe"))
        letters = ascii_characters.lower() if splitter.lowercase else ascii_characters
        words = [letter if letter.isalnum() else " " for letter in letters]
        classes = [
            WORD if letter.isalnum() else MARK if letter in _MARKS else SPACE for letter in ascii_characters
        ]
        self.marks = {ord(mark): mark for mark in _MARKS - {END}}
        removed = bytearray(_CONTROLS)
        for byte, character in enumerate(others, start=128):
            replaced = splitter.word(character)
            mark = replaced.strip(" ")
            if not replaced:
                removed.append(byte)
            elif mark and mark != replaced:
                self.marks[byte] = mark
            words.append(replaced if mark == replaced != "" else " ")
            classes.append(WORD if mark == replaced else MARK if mark else SPACE)
        self._removed = bytes(removed)
        self._words = "".join(words).ljust(256)
        self._classes = bytes(classes).ljust(256, bytes([SPACE]))
        self._ascii_words = self._words[:128].encode("ascii") + b" " * 128

    @staticmethod
    def can_have(splitter: WordSplitter, character: str) -> bool:
        """Say whether a character can have a byte: it is replaced by itself, another one, or none."""
        replaced = splitter.word(character)
        return (
            character < "\ufffe" and len(replaced.strip(" ")) < 2 and not "\ud800" <= replaced[:1] <= "\udfff"
        )

    def with_others(self, splitter: WordSplitter, texts: str) -> Codepage | None:
        """Return a page that has all characters of `texts`, too; None if there is no such page."""
        wanted = {character for character in set(texts) if character >= "\x80"}
        if not all(self.can_have(splitter, character) for character in wanted):
            return None
        others = wanted | set(self._others)
        if len(others) > OTHERS:
            others = wanted  # forget what other batches had
        return Codepage(splitter, "".join(sorted(others))) if len(others) <= OTHERS else None

    def encode(self, texts: str) -> bytes:
        """Return a byte for each character.

        Raises:
            UnicodeEncodeError: the page lacks a character.
        """
        if texts.isascii():
            return texts.encode("ascii")
        return codecs.charmap_encode(texts, "strict", self._encoding)[0]

    def divide(self, texts: bytes) -> Words:
        """Return the words and marks of encoded texts, with `END` after each text."""
        texts = texts.translate(None, self._removed)
        classes = np.frombuffer(texts.translate(self._classes), np.uint8)
        in_word = classes == WORD
        begins = classes >= MARK
        begins[:1] |= in_word[:1]
        begins[1:] |= in_word[1:] > in_word[:-1]
        places = np.flatnonzero(begins)
        if texts.isascii():
            words = texts.translate(self._ascii_words).decode("ascii")
        else:
            words = codecs.charmap_decode(texts, "strict", self._words)[0]
        return Words(words.split(), in_word[places], np.frombuffer(texts, np.uint8)[places])
