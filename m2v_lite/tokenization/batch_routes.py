"""Tokenizes a batch of texts: most texts all at once, and the rest one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.tokenization.character_entries import END
from m2v_lite.tokenization.flat_ids import flatten, merge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from m2v_lite.tokenization.flat_ids import FlatIds, Ids


class BatchTokenizer(ABC):
    """Tokenizes batches: the base of a class for each kind of tokenizer.

    Texts with an added token or a NUL, and texts that are left out of the arrays, are done one by one.
    """

    def all_ids(self, texts: Sequence[str]) -> FlatIds:
        """Return all ids of texts."""
        joined = joined_texts(texts)
        if not self._is_special(joined, len(texts)):
            return self._plain_ids(texts, joined) if texts else flatten([])
        is_plain = [not self._is_special(text, 0) for text in texts]
        plain, special = parted(texts, is_plain)
        if not plain:
            return self._special_ids(special)
        return merge(
            np.array(is_plain), self._plain_ids(plain, joined_texts(plain)), self._special_ids(special)
        )

    @abstractmethod
    def _may_hold_token(self, text: str) -> bool:
        """Return whether a text may hold an added token."""

    @abstractmethod
    def _ids_of_one(self, text: str) -> list[int]:
        """Return all ids of any text."""

    @abstractmethod
    def _plain_ids(self, texts: Sequence[str], joined: str) -> FlatIds:
        """Return all ids of texts without added tokens and NULs.

        Args:
            texts: the texts, at least one.
            joined: the same texts, as `joined_texts` returns them.
        """

    def _is_special(self, text: str, ends: int) -> bool:
        """Return whether a text may hold an added token, or more NULs than those `ends` between texts."""
        return text.count(END) > ends or self._may_hold_token(text)

    def _completed(self, texts: Sequence[str], flat: FlatIds, left_out: Ids) -> FlatIds:
        """Return ids with those of the texts that were left out.

        Args:
            texts: all texts.
            flat: their ids; those left out have none.
            left_out: the indexes of the texts that were left out.
        """
        if not len(left_out):
            return flat
        is_plain = np.ones(len(texts), bool)
        is_plain[left_out] = False
        # The texts left out have no ids here, so the other bounds need not move.
        bounds = flat[1][np.append(True, is_plain)]
        others = self._special_ids([texts[index] for index in left_out.tolist()])
        return merge(is_plain, (flat[0], bounds), others)

    def _special_ids(self, texts: Sequence[str]) -> FlatIds:
        """Return the ids of any texts, one by one."""
        return flatten([self._ids_of_one(text) for text in texts])


def joined_texts(texts: Sequence[str]) -> str:
    """Return texts as one, with a NUL after each.

    Examples:
        >>> joined_texts(["one", "two"])
        'one\\x00two\\x00'
    """
    return END.join([*texts, ""])


def parted(texts: Sequence[str], are_first: Sequence[bool]) -> tuple[list[str], list[str]]:
    """Return the texts of the first kind and those of the second.

    Examples:
        >>> parted(["a", "b", "c"], [True, False, True])
        (['a', 'c'], ['b'])
    """
    others = [text for text, is_first in zip(texts, are_first, strict=True) if not is_first]
    return [*compress(texts, are_first)], others
