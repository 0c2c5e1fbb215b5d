"""Tokenizes a batch with WordPiece in arrays, for all texts at once.

ASCII texts are handled as bytes, and other texts as one number per character. Texts with a character that
canonical ordering moves are handled one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2v_lite.tokenization.batch_routes import BatchTokenizer
from m2v_lite.tokenization.wordpiece.batch_words import BatchSplitter, Words
from m2v_lite.tokenization.wordpiece.word_ids import ids_of_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from m2v_lite.tokenization.flat_ids import FlatIds, Ids
    from m2v_lite.tokenization.wordpiece.one_text import SingleTextTokenizer


class WordPieceBatchTokenizer(BatchTokenizer[Words]):
    """Tokenizes batches.

    Args:
        single: tokenizes single texts.
    """

    def __init__(self, single: SingleTextTokenizer) -> None:
        self._single = single
        self._splitter = BatchSplitter(single.splitter)

    def _may_hold_token(self, text: str) -> bool:
        return self._single.may_hold_token(text)

    def _ids_of_one(self, text: str) -> list[int]:
        ids: list[int] = self._single.token_ids(text, None, False).tolist()
        return ids

    def _plain_ids(self, texts: Sequence[str]) -> FlatIds:
        if not self._single.splitter.clean_text:
            return super()._plain_ids(texts)
        is_ascii = list(map(str.isascii, texts))
        if all(is_ascii):
            return self._ids_at(self._splitter.ascii(texts))
        if not any(is_ascii):
            return super()._plain_ids(texts)
        return self._by_groups(texts, is_ascii, self._plain_ids, super()._plain_ids)

    def _words(self, texts: Sequence[str]) -> tuple[Words, Ids]:
        return self._splitter.any_characters(texts)

    def _ids_at(self, words: Words) -> FlatIds:
        model = self._single.model
        return ids_of_words(model.tables, words, model.unknown, model.most_characters)
