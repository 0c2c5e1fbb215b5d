"""WordPiece in plain Python, and ways to give words and vocabularies to the arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from m2v_lite.tokenization.character_entries import END
from m2v_lite.tokenization.vocabulary import PADDING, vocabulary_of
from m2v_lite.tokenization.wordpiece.batch_words import Words
from m2v_lite.tokenization.wordpiece.token_tables import TokenTables
from m2v_lite.tokenization.wordpiece.token_tree import token_tables


def tables_of(tokens: Mapping[str, int], prefix: str = "##") -> TokenTables:
    return token_tables(vocabulary_of(tokens), prefix.encode())


def words_in_arrays(texts: Sequence[Sequence[str]]) -> Words:
    """Return the words of texts as they are: side by side, with nothing between the words of a text."""
    words = [word for text in texts for word in (*text, END)]
    encoded = [word.encode() for word in words]
    lengths = np.array([*map(len, encoded)], np.intp)
    units = np.frombuffer(b"".join(encoded) + bytes(PADDING), np.uint8)
    return Words(units, np.cumsum(lengths) - lengths, lengths, np.array([*map(len, words)], np.intp))


def longest_token(tokens: Mapping[str, int], before: str, word: str) -> tuple[int, str] | None:
    """Return the longest token that begins a word: its id, and what it takes of the word.

    Args:
        before: what the token begins with that the word does not.
    """
    for end in range(len(word), 0, -1):
        token_id = tokens.get(before + word[:end])
        if token_id is not None:
            return token_id, word[:end]
    return None


def plain_pieces(tokens: Mapping[str, int], prefix: str, word: str, unknown: int) -> list[int]:
    """Return the ids of a word's pieces."""
    ids: list[int] = []
    rest = word
    while rest:
        found = longest_token(tokens, prefix if ids else "", rest)
        if found is None:
            return [unknown]
        ids.append(found[0])
        rest = rest[len(found[1]) :]
    return ids
