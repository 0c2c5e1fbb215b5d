"""Word -> the ids of its pieces: the WordPiece model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

# The characters by which pieces are told apart before they are tried.
BEGINNING = 3

Find = Callable[[str], "int | None"]
Longest = Callable[[str, int], int]
# What finds a continuing piece; the longest continuing piece of a beginning; the longest token of a
# beginning, and of any other.
Tables = tuple[Find, Longest, Longest, int]

# To know the longest token of each beginning takes as long as it saves with so many words.
WORDS_TO_INDEX = 12_000


class WordPiece:
    """Divides a word greedily: the longest piece of the vocabulary that begins it, then of the rest.

    The algorithm is that of BERT (https://github.com/google-research/bert, tokenization.py) as `tokenizers`
    has it.

    Args:
        vocabulary: token ids by token.
        unk_token: what a word becomes that cannot be divided; in the vocabulary.
        continuing_subword_prefix: stands before pieces that do not begin a word.
        max_input_chars_per_word: a word of more characters becomes the unknown token.

    Example:
        >>> model = WordPiece({"[UNK]": 0, "un": 1, "##know": 2, "##able": 3}, "[UNK]")
        >>> model.pieces("unknowable"), model.pieces("xyz")
        ([1, 2, 3], [0])
    """

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        unk_token: str,
        continuing_subword_prefix: str = "##",
        max_input_chars_per_word: int = 100,
    ) -> None:
        self.vocabulary = vocabulary
        self._prefix = continuing_subword_prefix
        self._most_characters = max_input_chars_per_word
        self._unknown = vocabulary[unk_token]
        # Finds a word that is one piece. A token longer than words may be is none.
        self.find_whole: Find = vocabulary.get
        if max(map(len, vocabulary)) > max_input_chars_per_word:
            self.find_whole = {
                token: token_id
                for token, token_id in vocabulary.items()
                if len(token) <= max_input_chars_per_word
            }.get
        self._tables: Tables | None = None
        self._until_index = WORDS_TO_INDEX

    def pieces(self, word: str) -> list[int]:
        """Return the ids of a word's pieces."""
        token_id = self.find_whole(word)
        if token_id is not None:
            return [token_id]
        length = len(word)
        if length > self._most_characters:
            return [self._unknown]
        find: Find = self.vocabulary.get
        tables = self._tables
        if tables is None or self._until_index == 0:
            tables = self._make_tables()
        self._until_index -= 1
        find_next, longest_next, longest_first, longest = tables
        ids = []
        start, end = 0, longest_first(word[:BEGINNING], longest)
        while True:
            if end > length:
                end = length
            token_id = find(word[start:end])
            while token_id is None:
                end -= 1
                if end <= start:
                    return [self._unknown]
                token_id = find(word[start:end])
            ids.append(token_id)
            if end == length:
                return ids
            start, find = end, find_next
            end += longest_next(word[end : end + BEGINNING], BEGINNING - 1)

    def _make_tables(self) -> Tables:
        """Make what dividing needs. Threads that do so at the same time make the same, so it does no harm."""
        cut = len(self._prefix)
        continuing = {
            token[cut:]: token_id
            for token, token_id in self.vocabulary.items()
            if token.startswith(self._prefix)
        }
        if self._until_index == 0:
            first, longest = _longest(self.vocabulary), BEGINNING - 1
        else:
            first, longest = {}, max(map(len, self.vocabulary))
        self._tables = continuing.get, _longest(continuing).get, first.get, longest
        return self._tables


def _longest(pieces: Iterable[str]) -> dict[str, int]:
    """Return the length of the longest piece of each beginning, so that no longer one needs to be tried.

    A piece that is shorter than a beginning may begin any.
    """
    lengths: dict[str, int] = {}
    for piece in pieces:
        beginning = piece[:BEGINNING]
        if len(piece) > lengths.get(beginning, BEGINNING - 1):
            lengths[beginning] = len(piece)
    return lengths
