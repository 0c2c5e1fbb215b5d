"""Finds the added tokens in a text, such as `[MASK]`, and the text between them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

# The names of a token's flags in a `tokenizer.json`.
TOKEN_FLAGS = ("single_word", "lstrip", "rstrip", "normalized")


class AddedToken:
    """A token to look for in the text itself.

    A plain class, because defining a NamedTuple would slow start-up.

    Attributes:
        content: the text of the token.
        token_id: its id.
        single_word: whether to find it only where no word character touches it.
        lstrip: whether it includes the white space before it.
        rstrip: whether it includes the white space after it.
        normalized: whether to normalize its content, and look for it in the normalized text.
    """

    def __init__(
        self,
        content: str,
        token_id: int,
        single_word: bool = False,
        lstrip: bool = False,
        rstrip: bool = False,
        normalized: bool = False,
    ) -> None:
        self.content, self.token_id = content, token_id
        self.single_word, self.lstrip, self.rstrip = single_word, lstrip, rstrip
        self.normalized = normalized


class AddedTokens:
    """Finds tokens in a text: the leftmost token first, and the longest if several begin at one place.

    Args:
        tokens: their contents must all differ.

    Raises:
        ValueError: the content of a token is empty.

    Examples:
        >>> tokens = AddedTokens([AddedToken("[MASK]", 4), AddedToken("[PAD]", 0, lstrip=True)])
        >>> list(tokens.split("a [MASK] b [PAD]"))
        ['a ', 4, ' b', 0]
    """

    def __init__(self, tokens: Sequence[AddedToken]) -> None:
        self._tokens = {token.content: token for token in tokens}
        if "" in self._tokens:
            raise ValueError(f"the added token with id {self._tokens[''].token_id} is empty")
        self._firsts = sorted({content[0] for content in self._tokens})

    def __bool__(self) -> bool:
        return bool(self._tokens)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self._tokens, key=len, reverse=True)
        pattern = "|".join(map(re.escape, longest_first)) or "(?!)"
        if len(self._firsts) == 1:  # `re` is quick at patterns that begin with one fixed character
            first = self._firsts[0]
            pattern = f"{re.escape(first)}(?:{'|'.join(re.escape(content[1:]) for content in longest_first)})"
        return re.compile(pattern)

    def occur_in(self, text: str) -> bool:
        """Return whether the content of any token occurs in a text."""
        # Most tokens begin with a bracket, and hardly any text holds a bracket.
        for first in self._firsts:
            if first in text:
                return self._pattern.search(text) is not None
        return False

    def split(self, text: str) -> Iterator[str | int]:
        """Yield the parts of a text in order: the id of each token, and any text between tokens."""
        done = 0
        for match in self._pattern.finditer(text):
            token = self._tokens[match[0]]
            start, end = match.span()
            if token.single_word and (_is_word(text[start - 1 : start]) or _is_word(text[end : end + 1])):
                continue
            if token.lstrip:
                while start > done and _is_space(text[start - 1]):
                    start -= 1
            if token.rstrip:
                while end < len(text) and _is_space(text[end]):
                    end += 1
            if start > done:
                yield text[done:start]
            yield token.token_id
            done = end
        if done < len(text):
            yield text[done:]


def _is_word(character: str) -> bool:
    from m2v_lite.tokenization.characters import character_tables

    return character != "" and character in character_tables().word


def _is_space(character: str) -> bool:
    from m2v_lite.tokenization.characters import character_tables

    return character in character_tables().space
