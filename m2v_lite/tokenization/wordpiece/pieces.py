"""Word -> the ids of its pieces: the WordPiece model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from m2v_lite.tokenization.flat_ids import FlatIds
    from m2v_lite.tokenization.protocols import Vocabulary
    from m2v_lite.tokenization.wordpiece.longest_match import BulkWordPiece
    from m2v_lite.tokenization.wordpiece.word_spans import Spans

# Fewer words than FEW_WORDS are divided one by one, which is quicker. Tables are made only after
# WORDS_BEFORE_TABLES words. The keys say whether the vocabulary is quick to search.
FEW_WORDS = {True: 400, False: 100}
WORDS_BEFORE_TABLES = {True: 12_000, False: 500}


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
        self._prefix = continuing_subword_prefix
        self._most_characters = max_input_chars_per_word
        self.unknown = unknown
        self._longest = 0  # the limit on the length of tokens; 0 until the first word is divided
        self._divided = 0
        self._bulk: BulkWordPiece | None = None

    def find_whole(self, word: str) -> int | None:
        """Return the id of a word that is one piece, or None."""
        return self._vocabulary.get(word) if len(word) <= self._most_characters else None

    def pieces(self, word: str) -> list[int]:
        """Return the ids of a word's pieces."""
        if len(word) > self._most_characters:
            return [self.unknown]
        find, longest = self._vocabulary.get, self._longest
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
            rest, prefix = self._prefix + rest[end:], len(self._prefix)

    def pieces_of_many(self, words: Spans) -> FlatIds | None:
        """Return the ids of the pieces of short ASCII words, and the bounds of each word.

        Return None if it is better to divide the words one by one.
        """
        from m2v_lite.tokenization.wordpiece.hashing import KEY_CHARACTERS

        number = len(words.starts)
        is_quick = self._vocabulary.is_quick
        if number < FEW_WORDS[is_quick] or self._most_characters < KEY_CHARACTERS:
            return None
        if self._bulk is None:
            self._divided += number
            if self._divided < WORDS_BEFORE_TABLES[is_quick]:
                return None
            from m2v_lite.tokenization.wordpiece.longest_match import BulkWordPiece

            self._bulk = BulkWordPiece(self._vocabulary, self._prefix, self.unknown)
        return self._bulk.pieces(words)
