"""Tokenizes a batch with WordPiece in arrays, for all texts at once.

ASCII texts are handled as bytes, and other texts as one number per character. Texts with a character that
canonical ordering moves are handled one by one.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.tokenization.batch_routes import BatchTokenizer, joined_texts, parted
from m2v_lite.tokenization.flat_ids import bounds_at, merge
from m2v_lite.tokenization.wordpiece.batch_words import BatchSplitter
from m2v_lite.tokenization.wordpiece.character_ids import CharacterIds
from m2v_lite.tokenization.wordpiece.character_tokens import CharacterTokens
from m2v_lite.tokenization.wordpiece.word_ids import ids_of_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from m2v_lite.tokenization.flat_ids import FlatIds
    from m2v_lite.tokenization.wordpiece.one_text import SingleTextTokenizer


class WordPieceBatchTokenizer(BatchTokenizer):
    """Tokenizes batches.

    Args:
        single: tokenizes single texts.
    """

    def __init__(self, single: SingleTextTokenizer) -> None:
        self._single = single
        self._splitter = BatchSplitter(single.splitter)

    @cached_property
    def _characters(self) -> CharacterTokens:
        return CharacterTokens(self._single.model.tables)

    def _may_hold_token(self, text: str) -> bool:
        return self._single.may_hold_token(text)

    def _ids_of_one(self, text: str) -> list[int]:
        ids: list[int] = self._single.token_ids(text, None, False).tolist()
        return ids

    def _plain_ids(self, texts: Sequence[str], joined: str) -> FlatIds:
        model, cleans = self._single.model, self._single.splitter.clean_text
        if cleans and joined.isascii():
            words = self._splitter.ascii(joined)
            ids, stops = ids_of_words(model, words)
            return ids, bounds_at(stops, words.are_ends())
        is_ascii = [cleans and text.isascii() for text in texts]
        ascii_texts, others = parted(texts, is_ascii)
        ascii_words = self._splitter.ascii(joined_texts(ascii_texts))
        words_of_codes, left_out = self._splitter.any_characters(joined_texts(others), len(others))
        by_characters = CharacterIds(self._characters, words_of_codes, model)
        # All at once: the steps that divide words take almost as long for a few words as for many.
        ids, stops = ids_of_words(model, ascii_words.followed_by(by_characters.left.in_utf8()))
        number = len(ascii_words.starts)
        bounds = bounds_at(stops[:number], ascii_words.are_ends())
        of_ascii = int(bounds[-1])
        of_others = by_characters.completed(ids[of_ascii:], stops[number:] - of_ascii)
        of_others = self._completed(others, of_others, left_out)
        return merge(np.array(is_ascii), (ids[:of_ascii], bounds), of_others) if number else of_others
