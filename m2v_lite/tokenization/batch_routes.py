"""Tokenizes a batch of texts: most texts all at once, and the rest one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import compress
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from m2v_lite.tokenization.character_entries import END
from m2v_lite.tokenization.flat_ids import flatten, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from m2v_lite.tokenization.flat_ids import FlatIds, Ids

    IdsOf = Callable[[Sequence[str]], FlatIds]

Words = TypeVar("Words")


class BatchTokenizer(ABC, Generic[Words]):
    """Tokenizes batches: the base of a class for each kind of tokenizer.

    Texts with an added token or a NUL, and texts that are left out of the words, are done one by one.
    """

    def all_ids(self, texts: Sequence[str]) -> FlatIds:
        """Return all ids of texts."""
        if self._is_special(" ".join(texts)):
            is_plain = [not self._is_special(text) for text in texts]
            return self._by_groups(texts, is_plain, self._plain_ids, self._special_ids)
        return self._plain_ids(texts)

    @abstractmethod
    def _may_hold_token(self, text: str) -> bool:
        """Return whether a text may hold an added token."""

    @abstractmethod
    def _ids_of_one(self, text: str) -> list[int]:
        """Return all ids of any text."""

    @abstractmethod
    def _words(self, texts: Sequence[str]) -> tuple[Words, Ids]:
        """Return the words of texts, and the indexes of texts that are left out, as if they were empty."""

    @abstractmethod
    def _ids_at(self, words: Words) -> FlatIds:
        """Return the ids of the texts that have these words."""

    def _is_special(self, text: str) -> bool:
        """Return whether a text may hold an added token, or a NUL, which stands between texts."""
        return END in text or self._may_hold_token(text)

    def _plain_ids(self, texts: Sequence[str]) -> FlatIds:
        words, left_out = self._words(texts)
        flat = self._ids_at(words)
        if not len(left_out):
            return flat
        is_plain = np.ones(len(texts), bool)
        is_plain[left_out] = False
        # The texts left out have no ids here, so the other bounds need not move.
        bounds = flat[1][np.append(True, is_plain)]
        others = self._special_ids([texts[index] for index in left_out.tolist()])
        return merge(is_plain, (flat[0], bounds), others)

    def _by_groups(
        self, texts: Sequence[str], chosen: list[bool], ids_of_chosen: IdsOf, ids_of_others: IdsOf
    ) -> FlatIds:
        ones = ids_of_chosen(list(compress(texts, chosen)))
        others = ids_of_others([text for text, is_chosen in zip(texts, chosen, strict=True) if not is_chosen])
        return merge(np.array(chosen), ones, others)

    def _special_ids(self, texts: Sequence[str]) -> FlatIds:
        """Return the ids of any texts, one by one."""
        return flatten([self._ids_of_one(text) for text in texts])
