"""Defines what the stages expect of each other. Only type checkers import this module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from m2v_lite.tokenization.flat_ids import FlatIds, Ids


class TextTokenizer(Protocol):
    """What a model needs of its tokenizer.

    Attributes:
        kind: the tokenizer's model: WordPiece, Unigram, BPE or WordLevel.
        unk_token_id: the id to drop from every text; None to drop none.
        median_token_length: the median length of the vocabulary's tokens, in characters, rounded down.
        vocabulary_size: the number of different tokens, added tokens included.
        highest_id: the highest id of a token.
        route: how it tokenizes: in numpy, or by the `tokenizers` library, and why.
    """

    kind: str
    unk_token_id: int | None
    median_token_length: int
    vocabulary_size: int
    highest_id: int

    @property
    def route(self) -> str: ...

    def all_ids(self, texts: Sequence[str]) -> FlatIds:
        """Tokenize texts whole, and return all their ids, as `token_ids` returns some."""
        ...

    def token_ids(self, texts: Sequence[str], max_length: int | None) -> FlatIds:
        """Tokenize texts, cut each text to `max_length` tokens, then drop unknown tokens.

        Returns:
            ids (tokens,) of all texts one after the other, and bounds (texts + 1,): text i owns
            `ids[bounds[i]:bounds[i + 1]]`.
        """
        ...

    def token_ids_of_one(self, text: str, max_length: int | None) -> Ids:
        """Do the same for one text, without the preparations that pay only for many texts."""
        ...

    @property
    def tokens(self) -> tuple[str, ...]:
        """The vocabulary, in the order of its ids."""
        ...

    def definition(self) -> str:
        """Return the tokenizer as the text of a `tokenizer.json`."""
        ...


class TokenizerSource(Protocol):
    """Reads the text of a tokenizer again."""

    def read(self) -> str: ...
