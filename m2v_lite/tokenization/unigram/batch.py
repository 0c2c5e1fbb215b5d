"""Tokenizes a batch with Unigram in arrays, for all texts at once.

Texts with a grapheme cluster that the charsmap looks up as one unit are tokenized one by one. So are texts
with an unusual beginning, if the tokenizer's bars depend on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2v_lite.tokenization.batch_routes import BatchTokenizer
from m2v_lite.tokenization.unigram.batch_words import BatchSplitter, Words
from m2v_lite.tokenization.unigram.word_ids import ids_of_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from m2v_lite.tokenization.flat_ids import FlatIds, Ids
    from m2v_lite.tokenization.unigram.one_text import SingleTextTokenizer
    from m2v_lite.tokenization.unigram.unigram_entries import UnigramEntries


class UnigramBatchTokenizer(BatchTokenizer[Words]):
    """Tokenizes batches.

    Args:
        single: tokenizes single texts.
        entries: says what becomes of each character.
    """

    def __init__(self, single: SingleTextTokenizer, entries: UnigramEntries) -> None:
        self._single = single
        self._splitter = BatchSplitter(entries, single.looked_for)

    def _may_hold_token(self, text: str) -> bool:
        return self._single.may_hold_token(text)

    def _ids_of_one(self, text: str) -> list[int]:
        return self._single.all_ids(text)

    def _words(self, texts: Sequence[str]) -> tuple[Words, Ids]:
        if self._single.rule.only_at_start:
            return self._splitter.with_starts(texts)
        return self._splitter.any_characters(texts)

    def _ids_at(self, words: Words) -> FlatIds:
        return ids_of_words(self._single.viterbi, words, self._single.rule)
