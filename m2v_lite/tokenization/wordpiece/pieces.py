"""The WordPiece model: splits a word into the ids of its pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from m2v_lite.tokenization.wordpiece.token_tables import Root, TokenTables


class WordPiece:
    """Divides a word greedily: it takes the longest token that begins the word, and goes on with the rest.

    The algorithm is that of BERT (https://github.com/google-research/bert, tokenization.py) as `tokenizers`
    has it.

    Args:
        tables: the tokens.
        unknown: the id of a word that cannot be divided.
        most_characters: a word of more characters is unknown.

    Examples:
        >>> from m2v_lite.tokenization.vocabulary import vocabulary_of
        >>> from m2v_lite.tokenization.wordpiece.token_tree import token_tables
        >>> vocabulary = vocabulary_of({"[UNK]": 0, "un": 1, "##know": 2, "##able": 3})
        >>> model = WordPiece(token_tables(vocabulary, b"##"), unknown=0)
        >>> model.pieces("unknowable"), model.pieces("xyz")
        ([1, 2, 3], [0])
    """

    def __init__(self, tables: TokenTables, unknown: int, most_characters: int = 100) -> None:
        self.tables, self.unknown, self.most_characters = tables, unknown, most_characters

    def pieces(self, word: str) -> list[int]:
        """Return the ids of a word's pieces."""
        if len(word) > self.most_characters or "\0" in word:  # no token holds a NUL
            return [self.unknown]
        return pieces_of_rest(self.tables, word.encode(), self.tables.first) or [self.unknown]


def pieces_of_rest(tables: TokenTables, rest: bytes, root: Root) -> list[int]:
    """Return the ids of the pieces of a word or of the rest of one; an empty list if it cannot be divided.

    Args:
        tables: the tokens.
        rest: at least one byte.
        root: the tokens that may come first.
    """
    ids: list[int] = []
    start = 0
    while start < len(rest):
        token_id, taken = tables.longest_of_one(rest, start, root)
        if not taken:
            return []
        ids.append(token_id)
        start += taken
        root = tables.continuing
    return ids
