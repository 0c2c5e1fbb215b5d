"""How a tokenizer puts a text's words together before it divides them into pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# Stands for the space before a word.
BAR = "\u2581"


class WordRule(NamedTuple):
    """Which words get a bar before them, and whether they are divided alone.

    Attributes:
        first: whether the first word of a text gets a bar.
        others: whether the other words get one.
        is_joined: whether all words of a text are divided together, as one long word.
        lefts: the characters that stand before a bar inside a piece, so that such a piece may join two words.
        rights: the characters that stand behind one.
    """

    first: bool
    others: bool
    is_joined: bool
    lefts: str = ""
    rights: str = ""

    def with_bars(self, words: Sequence[str]) -> list[str]:
        """Return the words of a text with the bars that they get.

        Example:
            >>> WordRule(False, True, False).with_bars(["to", "be"])
            ['to', '▁be']
        """
        bar = BAR if self.others else ""
        barred = [bar + word for word in words]
        if words and self.first != self.others:
            barred[0] = BAR + words[0] if self.first else words[0]
        return barred
