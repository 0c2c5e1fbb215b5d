"""A batch of texts -> flat token ids: WordPiece in arrays, for all texts at once.

Three routes: ASCII texts as bytes, other texts by one number for each character, and the rest one by one
(texts with an added token, a NUL, or a character that canonical ordering moves).
"""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.tokenization.flat_ids import drop, flatten, merge, shorten
from m2v_lite.tokenization.wordpiece.batch_words import END, BatchSplitter, Words
from m2v_lite.tokenization.wordpiece.word_ids import ids_of_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from m2v_lite.tokenization.flat_ids import FlatIds
    from m2v_lite.tokenization.wordpiece.one_text import SingleTextTokenizer

    IdsOf = Callable[[Sequence[str]], FlatIds]


class BatchTokenizer:
    """Tokenizes batches.

    Args:
        single: tokenizes single texts.
    """

    def __init__(self, single: SingleTextTokenizer) -> None:
        self._single = single
        self._splitter = BatchSplitter(single.splitter)

    def token_ids(self, texts: Sequence[str], max_length: int | None, unknown: int | None) -> FlatIds:
        """Return the ids of texts, cut to the limit, without the unknown token's."""
        return drop(*shorten(*self._ids(texts), max_length), unknown)

    def _ids(self, texts: Sequence[str]) -> FlatIds:
        if self._is_special(" ".join(texts)):
            is_plain = [not self._is_special(text) for text in texts]
            return self._by_groups(texts, is_plain, self._plain_ids, self._special_ids)
        return self._plain_ids(texts)

    def _is_special(self, text: str) -> bool:
        """Return whether a text may hold an added token, or a NUL, which stands between texts."""
        return END in text or self._single.may_hold_token(text)

    def _plain_ids(self, texts: Sequence[str]) -> FlatIds:
        if not self._single.splitter.clean_text:
            return self._wide_ids(texts)
        is_ascii = list(map(str.isascii, texts))
        if all(is_ascii):
            return self._ids_at(self._splitter.ascii(texts))
        if not any(is_ascii):
            return self._wide_ids(texts)
        return self._by_groups(texts, is_ascii, self._plain_ids, self._wide_ids)

    def _wide_ids(self, texts: Sequence[str]) -> FlatIds:
        words, odd = self._splitter.any_characters(texts)
        flat = self._ids_at(words)
        if not len(odd):
            return flat
        is_plain = np.ones(len(texts), bool)
        is_plain[odd] = False
        # The odd texts have no ids here, so the other bounds need not move.
        bounds = flat[1][np.append(True, is_plain)]
        return merge(is_plain, (flat[0], bounds), self._special_ids([texts[index] for index in odd.tolist()]))

    def _by_groups(
        self, texts: Sequence[str], chosen: list[bool], ids_of_chosen: IdsOf, ids_of_others: IdsOf
    ) -> FlatIds:
        ones = ids_of_chosen(list(compress(texts, chosen)))
        others = ids_of_others([text for text, is_chosen in zip(texts, chosen, strict=True) if not is_chosen])
        return merge(np.array(chosen), ones, others)

    def _special_ids(self, texts: Sequence[str]) -> FlatIds:
        """Return the ids of any texts, one by one."""
        return flatten([self._single.token_ids(text, None, False).tolist() for text in texts])

    def _ids_at(self, words: Words) -> FlatIds:
        model = self._single.model
        return ids_of_words(model.tables, words, model.unknown, model.most_characters)
