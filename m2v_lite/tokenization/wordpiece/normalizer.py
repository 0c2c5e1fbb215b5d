"""Splits text into words separated by spaces, as BertNormalizer and BertPreTokenizer do.

The normalizer removes control characters, puts spaces around Chinese characters, strips accents and folds
case, depending on its options. The pre-tokenizer then splits at white space and puts spaces around
punctuation. Nearly all of these steps handle each character by itself, so one `str.translate` can process a
complete text. ASCII needs even fewer steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from m2v_lite.tokenization.character_translation import Translation
    from m2v_lite.tokenization.characters import CharacterTables

ASCII_MARKS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
PLAIN_WORDS = re.compile(f"[A-Za-z0-9]+|[{re.escape(ASCII_MARKS)}]").findall
# Control characters, except for the three that the normalizer takes for white space.
ASCII_CONTROLS = sorted({*map(chr, range(32)), "\x7f"} - set("\t\n\r"))

# Stands for a character that must be normalized with its neighbours: a lone surrogate, which no text holds.
MOVED = "\udffd"


class WordSplitter:
    """Does what BertNormalizer with these options and then BertPreTokenizer do.

    Args:
        clean_text: remove control characters, and turn each white-space character into a space.
        handle_chinese_chars: put spaces around each Chinese character.
        strip_accents: decompose characters canonically and remove non-spacing marks.
        lowercase: fold case, each character by itself.

    Examples:
        >>> WordSplitter().words("Don't! Zürich, 日本").split()
        ['don', "'", 't', '!', 'zurich', ',', '日', '本']
    """

    def __init__(
        self,
        clean_text: bool = True,
        handle_chinese_chars: bool = True,
        strip_accents: bool = True,
        lowercase: bool = True,
    ) -> None:
        self.clean_text = clean_text
        self.handle_chinese_chars = handle_chinese_chars
        self.strip_accents = strip_accents
        self.lowercase = lowercase

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out the tables, which hold functions: a copy makes its own tables."""
        return type(self), (self.clean_text, self.handle_chinese_chars, self.strip_accents, self.lowercase)

    def words(self, text: str) -> str:
        """Return the words of a text, with spaces between them."""
        words = text.translate(self._word_table)
        return self.split(self.normalize(text)) if MOVED in words else words

    def word(self, character: str) -> str:
        """Return what becomes of one character: a part of a word, or a mark between spaces, or spaces.

        If the character must be normalized with its neighbours, return a lone surrogate.
        """
        return self._word_table[ord(character)]

    def is_plain(self, text: str) -> bool:
        """Return whether `plain_words` may take a text: ASCII without control characters."""
        if not (self.clean_text and text.isascii()):
            return False
        return text.isprintable() or not any(control in text for control in ASCII_CONTROLS)

    def plain_words(self, text: str) -> list[str]:
        """Return the words and marks of a text that `is_plain`."""
        return PLAIN_WORDS(text.lower() if self.lowercase else text)

    def normalize(self, text: str) -> str:
        """Return what the normalizer alone makes of a text."""
        normalized = text.translate(self._normal_table)
        if MOVED not in normalized:
            return normalized
        cleaned = "".join(map(self._cleaned, text))
        return "".join(map(self._lowered, _strip_in_order(cleaned, self._tables)))

    def split(self, normalized: str) -> str:
        """Return what the pre-tokenizer alone makes of a normalized text."""
        return normalized.translate(self._split_table)

    @cached_property
    def _tables(self) -> CharacterTables:
        from m2v_lite.tokenization.characters import character_tables  # ASCII texts do not need it

        return character_tables()

    @cached_property
    def _word_table(self) -> Translation:
        return _translation(lambda character: self._split_all(self._normalized(character)))

    @cached_property
    def _normal_table(self) -> Translation:
        return _translation(self._normalized)

    @cached_property
    def _split_table(self) -> Translation:
        return _translation(self._split_all)

    def _normalized(self, character: str) -> str:
        text = self._cleaned(character)
        if self.strip_accents:
            if character in self._tables.moved:
                return MOVED
            text = "".join(map(self._tables.strip, text))
        return "".join(map(self._lowered, text))

    def _cleaned(self, character: str) -> str:
        if self.clean_text:
            if character in self._tables.removed:
                return ""
            if character in self._tables.cleaned_space:
                return " "
        if self.handle_chinese_chars and character in self._tables.chinese:
            return f" {character} "
        return character

    def _lowered(self, character: str) -> str:
        return self._tables.lower.of(character) if self.lowercase else character

    def _split_all(self, text: str) -> str:
        return "".join(map(self._split_one, text))

    def _split_one(self, character: str) -> str:
        if character in self._tables.space:
            return " "
        return f" {character} " if character in self._tables.punctuation else character


def _translation(translated: Callable[[str], str]) -> Translation:
    from m2v_lite.tokenization.character_translation import Translation  # plain texts do not need it

    return Translation(translated)


def _strip_in_order(text: str, tables: CharacterTables) -> str:
    """Decompose a text canonically, remove its non-spacing marks, and put the rest in canonical order.

    Canonical ordering sorts each run of characters that have a combining class by that class (Unicode
    standard, section 3.11). A removed mark without a class also ends a run.
    """
    stripped: list[str] = []
    run: list[tuple[int, str]] = []

    def end_run() -> None:
        stripped.extend(character for _, character in sorted(run, key=lambda item: item[0]))
        run.clear()

    for character in text:
        parts = tables.strip(character)
        if not parts and tables.combining.value(character) is None:
            end_run()
        for part in parts:
            combining_class = tables.combining.value(part)
            if combining_class is None:
                end_run()
                stripped.append(part)
            else:
                run.append((combining_class, part))
    end_run()
    return "".join(stripped)
