"""A batch of texts -> flat token ids, on the WordPiece path.

Three routes: ASCII as bytes, other texts as UTF-16, the rest one by one (added tokens, astral characters).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.tokenization.flat_ids import FlatIds, drop, flatten, merge, shorten
from m2v_lite.tokenization.wordpiece.lookup import BatchMemo
from m2v_lite.tokenization.wordpiece.normalizer import WordSplitter
from m2v_lite.tokenization.wordpiece.word_spans import END_CHARACTER, AsciiDivider, Spans, WideDivider

if TYPE_CHECKING:
    from m2v_lite.tokenization.wordpiece.one_text import SingleTextTokenizer

IdsOf = Callable[[Sequence[str]], FlatIds]


class BatchTokenizer:
    """Tokenizes batches.

    Args:
        single: tokenizes single texts.
        memory: about how many bytes the memo may take.
    """

    def __init__(self, single: SingleTextTokenizer, memory: int) -> None:
        self._single = single
        self._ascii_divider, self._wide_divider = AsciiDivider(single.splitter), WideDivider(single.splitter)
        words_at = partial(_words_at, single.splitter)
        model = single.model
        self._memo = BatchMemo(model.pieces, model.pieces_of_many, words_at, memory)

    def token_ids(self, texts: Sequence[str], max_length: int | None, unknown: int | None) -> FlatIds:
        """Return the ids of texts, each text cut to the limit, without unknown tokens."""
        return drop(*shorten(*self._ids(texts), max_length), unknown)

    def _ids(self, texts: Sequence[str]) -> FlatIds:
        if not self._single.splitter.clean_text:
            return self._special_ids(texts)
        if self._is_special(" ".join(texts)):
            is_plain = [not self._is_special(text) for text in texts]
            return self._by_groups(texts, is_plain, self._plain_ids, self._special_ids)
        return self._plain_ids(texts)

    def _is_special(self, text: str) -> bool:
        """Return whether a text may hold an added token, or the mark that stands after each text."""
        return END_CHARACTER in text or self._single.may_hold_token(text)

    def _plain_ids(self, texts: Sequence[str]) -> FlatIds:
        is_ascii = list(map(str.isascii, texts))
        if all(is_ascii):
            return self._ids_at(self._ascii_divider.divide(texts))
        return self._by_groups(texts, is_ascii, self._plain_ids, self._wide_ids)

    def _wide_ids(self, texts: Sequence[str]) -> FlatIds:
        spans, odd = self._wide_divider.divide(texts)
        flat = self._ids_at(spans)
        if not odd:
            return flat
        chosen = np.ones(len(texts), bool)
        chosen[odd] = False
        return merge(chosen, flat, self._special_ids([texts[index] for index in odd]))

    def _by_groups(
        self, texts: Sequence[str], chosen: list[bool], ids_of_chosen: IdsOf, ids_of_others: IdsOf
    ) -> FlatIds:
        ones = ids_of_chosen(list(compress(texts, chosen)))
        others = ids_of_others([text for text, is_chosen in zip(texts, chosen, strict=True) if not is_chosen])
        return merge(np.array(chosen), ones, others)

    def _special_ids(self, texts: Sequence[str]) -> FlatIds:
        """Return the ids of texts, tokenized one by one."""
        return flatten([self._single.token_ids(text) for text in texts])

    def _ids_at(self, spans: Spans) -> FlatIds:
        self._memo = memo = self._memo.with_room()
        return memo.token_ids(spans)


def _words_at(splitter: WordSplitter, spans: Spans) -> list[str]:
    """Return the words at the spans, normalized."""
    words = spans.words()
    if spans.units.itemsize == 1:
        return words
    return [splitter.words(word).strip(" ") for word in words]
