"""Tokenizes a batch with Unigram in arrays, for all texts at once.

Texts with a grapheme cluster that the charsmap looks up as one unit are tokenized one by one. So are texts
with an unusual beginning, if the tokenizer's bars depend on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2v_lite.tokenization.batch_routes import BatchTokenizer
from m2v_lite.tokenization.unigram.batch_words import BatchSplitter
from m2v_lite.tokenization.unigram.word_ids import ids_of_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from m2v_lite.tokenization.flat_ids import FlatIds
    from m2v_lite.tokenization.unigram.one_text import SingleTextTokenizer
    from m2v_lite.tokenization.unigram.unigram_entries import UnigramEntries


class UnigramBatchTokenizer(BatchTokenizer):
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

    def _plain_ids(self, texts: Sequence[str], joined: str) -> FlatIds:
        single = self._single
        if single.rule.only_at_start:
            words, left_out = self._splitter.with_starts(texts)
        else:
            words, left_out = self._splitter.any_characters(joined, len(texts))
        return self._completed(texts, ids_of_words(single.viterbi, words, single.rule), left_out)
