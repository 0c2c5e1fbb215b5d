"""Word -> the ids of its pieces: the WordPiece model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class WordPiece:
    """Divides a word greedily: the longest piece of the vocabulary that begins it, then of the rest.

    The algorithm is that of BERT (https://github.com/google-research/bert, tokenization.py) as `tokenizers`
    has it.

    Attributes:
        vocabulary: token ids by token.
        unk_token: what a word becomes that cannot be divided; in the vocabulary.
        continuing_subword_prefix: stands before pieces that do not begin a word.
        max_input_chars_per_word: a word of more characters becomes the unknown token.

    Example:
        >>> vocabulary = {"[UNK]": 0, "un": 1, "##know": 2, "##able": 3}
        >>> model = WordPiece(vocabulary)
        >>> model.pieces("unknowable"), model.pieces("xyz")
        ([1, 2, 3], [0])
    """

    vocabulary: Mapping[str, int]
    unk_token: str = "[UNK]"
    continuing_subword_prefix: str = "##"
    max_input_chars_per_word: int = 100

    @cached_property
    def unk_token_id(self) -> int:
        return self.vocabulary[self.unk_token]

    @cached_property
    def _longest(self) -> int:
        """The characters of the longest token: no longer piece needs to be tried."""
        return max(map(len, self.vocabulary))

    def pieces(self, word: str) -> list[int]:
        """Return the ids of a word's pieces."""
        length = len(word)
        if length > self.max_input_chars_per_word:
            return [self.unk_token_id]
        find = self.vocabulary.get
        token_id = find(word)
        if token_id is not None:
            return [token_id]
        longest, prefix = self._longest, ""
        ids = []
        start = 0
        while start < length:
            end = min(length, start + longest)
            token_id = find(prefix + word[start:end])
            while token_id is None:
                end -= 1
                if end == start:
                    return [self.unk_token_id]
                token_id = find(prefix + word[start:end])
            ids.append(token_id)
            start, prefix = end, self.continuing_subword_prefix
        return ids
