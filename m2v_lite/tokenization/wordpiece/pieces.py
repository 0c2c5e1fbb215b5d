"""Word -> the ids of its pieces: the WordPiece model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from m2v_lite.tokenization.protocols import Vocabulary


class WordPiece:
    """Divides a word greedily: it takes the longest piece that begins the word, and goes on with the rest.

    The algorithm is that of BERT (https://github.com/google-research/bert, tokenization.py) as `tokenizers`
    has it.

    Args:
        vocabulary: the tokens and their ids.
        unk_token: the token for a word that cannot be divided. It must be in the vocabulary.
        continuing_subword_prefix: stands before pieces that do not begin a word.
        max_input_chars_per_word: a word of more characters becomes the unknown token.

    Raises:
        ValueError: the unknown token is not in the vocabulary.

    Attributes:
        unknown: the id of the unknown token.
        prefix: stands before pieces that do not begin a word.
        most_characters: a word of more characters becomes the unknown token.

    Example:
        >>> from m2v_lite.tokenization.vocabulary import DictVocabulary
        >>> model = WordPiece(DictVocabulary({"[UNK]": 0, "un": 1, "##know": 2, "##able": 3}), "[UNK]")
        >>> model.pieces("unknowable"), model.pieces("xyz")
        ([1, 2, 3], [0])
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        unk_token: str,
        continuing_subword_prefix: str = "##",
        max_input_chars_per_word: int = 100,
    ) -> None:
        unknown = vocabulary.get(unk_token)
        if unknown is None:
            raise ValueError(f"the unknown token {unk_token!r:.60} is not in the vocabulary")
        self._vocabulary = vocabulary
        self.prefix = continuing_subword_prefix
        self.most_characters = max_input_chars_per_word
        self.unknown = unknown
        self._longest = 0  # the limit on the length of tokens; 0 until the first word is divided

    def pieces(self, word: str) -> list[int]:
        """Return the ids of a word's pieces."""
        if len(word) > self.most_characters:
            return [self.unknown]
        find = self._vocabulary.get
        token_id = find(word)
        if token_id is not None:
            return [token_id]
        longest = self._longest
        if not longest:
            longest = self._longest = self._vocabulary.longest
        ids = []
        rest, prefix = word, 0
        while True:
            end = min(len(rest), longest)
            while (token_id := find(rest[:end])) is None and end > prefix:
                end -= 1
            if token_id is None or end <= prefix:
                return [self.unknown]
            ids.append(token_id)
            if end == len(rest):
                return ids
            rest, prefix = self.prefix + rest[end:], len(self.prefix)
