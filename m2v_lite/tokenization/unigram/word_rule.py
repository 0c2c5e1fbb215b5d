"""How a tokenizer joins the words of a text before it splits them into pieces."""

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
        only_at_start: whether `first` means words that stem from the first character of a text, as with
            "first" of Metaspace: none behind leading white space, but perhaps several.
    """

    first: bool
    others: bool
    is_joined: bool
    lefts: str = ""
    rights: str = ""
    only_at_start: bool = False

    def with_bars(self, words: Sequence[str], at_start: int = 0) -> list[str]:
        """Return the words of a text with the bars that they get.

        Args:
            words: the words.
            at_start: how many of their characters stem from the first character of the text. It counts only
                if the rule is `only_at_start`.

        Examples:
            >>> WordRule(False, True, False).with_bars(["to", "be"])
            ['to', '▁be']
            >>> WordRule(True, False, False, only_at_start=True).with_bars(["to", "be"], 1)
            ['▁to', 'be']
        """
        bar = BAR if self.others else ""
        barred = [bar + word for word in words]
        if self.only_at_start:
            self._change_at_start(barred, words, at_start)
        elif words and self.first != self.others:
            barred[0] = BAR + words[0] if self.first else words[0]
        return barred

    def _change_at_start(self, barred: list[str], words: Sequence[str], at_start: int) -> None:
        if self.others:
            barred[:1] = [BAR + word if at_start > 0 else word for word in words[:1]]
            return
        # One character may become several words.
        done = 0
        for place, word in enumerate(words):
            if done >= at_start:
                break
            barred[place] = BAR + word
            done += len(word)
