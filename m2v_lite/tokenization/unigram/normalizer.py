"""Normalizes text: applies the charsmap, then adds spaces around punctuation if the tokenizer does.

The charsmap works on grapheme clusters (https://www.unicode.org/reports/tr29/). A cluster of less than six
bytes is looked up as one unit, and its characters are looked up only if that fails. Few texts have a cluster
where this makes a difference. In all other texts, each character is normalized by itself.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from m2v_lite.tokenization.character_translation import Translation
from m2v_lite.tokenization.characters import character_tables
from m2v_lite.tokenization.unigram.charsmap import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from m2v_lite.tokenization.unigram.charsmap import Charsmap


# Stands for a character that may form a cluster with its neighbours: a lone surrogate, which no text holds.
JOINED = "\udffd"


class Normalizer:
    """Does what Precompiled does, and then Replace with spaces around some characters.

    White space comes out as spaces.

    Args:
        charsmap: what Precompiled replaces.
        spaced: the characters that get spaces around them.
        strips: whether runs of spaces become one space, and spaces at the ends go.
    """

    def __init__(self, charsmap: Charsmap, spaced: str, strips: bool) -> None:
        self.charsmap, self.spaced, self.strips = charsmap, spaced, strips

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out the tables, which hold functions: a copy makes its own tables."""
        return type(self), (self.charsmap, self.spaced, self.strips)

    def normalize(self, text: str) -> str:
        """Return what the normalizers make of a text."""
        normalized = text.translate(self._first_table)
        if JOINED in normalized:
            parts: list[str] = []
            done = 0
            for match in self._cluster.finditer(text):
                parts += text[done : match.start()].translate(self._table), self._of_cluster(match[0])
                done = match.end()
            normalized = "".join([*parts, text[done:].translate(self._table)])
        return " ".join(words(normalized)) if self.strips else normalized

    def visible_at_start(self, text: str) -> int:
        """Return how many characters of the normalized text, without spaces, stem from the text's first one.

        They are aligned as `tokenizers` does it. All that one character becomes stems from it. But of what a
        cluster becomes, only the first character does: the next one takes the place of the cluster's second.
        Likewise, in front of a character that becomes nothing, the last of several takes its place. Nothing
        takes the place of characters at the very start that become nothing: they are not counted.
        """
        first, following = (part.translate(self._first_table) for part in (text[:1], text[1:2]))
        if len(first) == 1 and JOINED not in (first, following):
            return int(first != " ")
        replacements = self._replacements(text)
        old, new = next((pair for pair in replacements if pair[1]), ("", ""))
        _, behind = next(replacements, ("", None))
        if len(old) > 1:
            new = new[:1]
        elif len(new) > 1 and behind == "":
            new = new[:-1]
        return len(self._spaced(new).replace(" ", ""))

    def of_character(self, character: str) -> str:
        """Return what becomes of one character by itself, before spaces are joined."""
        return self._table[ord(character)]

    @cached_property
    def _first_table(self) -> Translation:
        return Translation(lambda character: JOINED if _may_join(character) else self._replaced(character))

    @cached_property
    def _table(self) -> Translation:
        return Translation(self._replaced)

    @cached_property
    def _cluster(self) -> re.Pattern[str]:
        """Matches a cluster of several characters."""
        of = {name: ranges.pattern() for name, ranges in character_tables().clusters.items()}
        conjunct = "[{consonants}](?:[{linked}]*[{linkers}][{linked}]*[{consonants}])+[{attached}]*"
        pattern = (
            f"[{{prepended}}]*(?:{conjunct}|[^{{control}}][{{attached}}]+)|[{{prepended}}]+[^{{control}}]"
        )
        return re.compile(pattern.format(**of), re.DOTALL)

    def _replacements(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield the clusters and characters that are looked up, one by one, and what the charsmap gives."""
        place = 0
        while place < len(text):
            match = self._cluster.match(text, place)
            cluster = text[place] if match is None else match[0]
            value = self._value_of(cluster)
            if value is not None:
                yield cluster, value
            else:
                for character in cluster:
                    value = self._value_of(character)
                    yield character, character if value is None else value
            place += len(cluster)

    def _value_of(self, cluster: str) -> str | None:
        encoded = cluster.encode()
        return self.charsmap.value_of(encoded) if len(encoded) <= MOST_BYTES else None

    def _of_cluster(self, cluster: str) -> str:
        value = self._value_of(cluster)
        return cluster.translate(self._table) if value is None else self._spaced(value)

    def _replaced(self, character: str) -> str:
        value = self._value_of(character)
        return self._spaced(character if value is None else value)

    def _spaced(self, text: str) -> str:
        spaces = character_tables().space
        return "".join(
            f" {character} " if character in self.spaced else " " if character in spaces else character
            for character in text
        )


def words(normalized: str) -> list[str]:
    """Return the parts of a text between spaces.

    Examples:
        >>> words("  to be\\x1c ")
        ['to', 'be\\x1c']
    """
    # `str.split()` divides at other characters, too.
    return [word for word in normalized.split(" ") if word]


def _may_join(character: str) -> bool:
    """Return whether a character joins its neighbours to a cluster; a line end of two needs no care."""
    clusters = character_tables().clusters
    return character in clusters["attached"] or character in clusters["prepended"]
