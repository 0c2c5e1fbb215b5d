"""The Unigram path for single texts: splits a text into words and tokenizes them, with added tokens.

Added tokens are cut out first. For the text between them, the memo can keep the ids of each word that does
not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.tokenization.added_tokens import TOKEN_FLAGS, AddedToken, AddedTokens
from m2v_lite.tokenization.unigram.normalizer import Normalizer, words
from m2v_lite.tokenization.unigram.word_rule import BAR, WordRule
from m2v_lite.tokenization.word_memo import ID_BYTES, WordMemo, bytes_of

if TYPE_CHECKING:
    from m2v_lite.tokenization.flat_ids import Ids
    from m2v_lite.tokenization.unigram.viterbi import Viterbi


class SingleTextTokenizer:
    """Tokenizes texts one by one.

    Args:
        normalizer: normalizes a text.
        rule: puts its words together.
        viterbi: divides a word into pieces.
        added: the added tokens of a `tokenizer.json`.
        memory: about how many bytes the memo may take.
    """

    def __init__(
        self,
        normalizer: Normalizer,
        rule: WordRule,
        viterbi: Viterbi,
        added: list[Mapping[str, Any]],
        memory: int,
    ) -> None:
        self.normalizer, self.rule, self.viterbi = normalizer, rule, viterbi
        raw: list[AddedToken] = []
        normalized: list[AddedToken] = []
        for entry in added:
            token = AddedToken(entry["content"], entry["id"], **{flag: entry[flag] for flag in TOKEN_FLAGS})
            if token.normalized:
                token.content = normalizer.normalize(token.content)
            (normalized if token.normalized else raw).append(token)
        self.added_ids = {entry["content"]: entry["id"] for entry in added}
        self.looked_for = [token.content for token in normalized]
        self._visible = {token.token_id: _visible(token.content) for token in normalized}
        self._raw, self._normalized = AddedTokens(raw), AddedTokens(normalized)
        self._unknown = bytes_of([viterbi.unknown])
        self._memo = WordMemo(self._divided, {}, memory)

    def token_ids(self, text: str, max_length: int | None, drop_unknown: bool = True) -> Ids:
        """Return the ids of a text, read-only, cut to the limit, then perhaps without the unknown token's."""
        joined = self._joined(text)
        if max_length is not None:
            joined = joined[: max_length * ID_BYTES]
        ids = np.frombuffer(joined, np.intp)
        if drop_unknown and self._unknown in joined:  # perhaps by chance, across two ids
            ids = ids[ids != self.viterbi.unknown]
        return ids

    def all_ids(self, text: str) -> list[int]:
        """Return all ids of a text."""
        ids: list[int] = np.frombuffer(self._joined(text), np.intp).tolist()
        return ids

    def may_hold_token(self, text: str) -> bool:
        """Return whether a text holds an added token that is looked for before normalization."""
        return self._raw.occur_in(text)

    def _joined(self, text: str) -> bytes:
        """Return the ids of a text, as the bytes of an array."""
        self._memo = self._memo.with_room()
        if not self._raw.occur_in(text):
            return self._of_part(text, True)
        return b"".join(
            self._of_part(part, not place) if isinstance(part, str) else bytes_of([part])
            for place, part in enumerate(self._raw.split(text))
        )

    def _of_part(self, text: str, is_first: bool) -> bytes:
        """Return the ids of a text between tokens that are looked for before normalization."""
        normalized = self.normalizer.normalize(text)
        asks = is_first and self.rule.only_at_start
        at_start = self.normalizer.visible_at_start(text) if asks else 0
        if not self._normalized.occur_in(normalized):
            return self._of_words(self.rule.with_bars(words(normalized), at_start))
        found = []
        for part in self._normalized.split(normalized):
            if isinstance(part, str):
                found.append(self._of_words(self._around(part, at_start)))
                at_start -= _visible(part)
            else:
                found.append(bytes_of([part]))
                at_start -= self._visible[part]
        return b"".join(found)

    def _around(self, part: str, at_start: int) -> list[str]:
        """Return the words, with bars, of a normalized text beside an added token.

        Args:
            part: the text.
            at_start: as for `WordRule.with_bars`.
        """
        if not self.normalizer.strips:
            return self.rule.with_bars(words(part), at_start)
        # Each space becomes a bar, and a text that begins with one gets no other.
        barred = part.replace(" ", BAR)
        has_bar = at_start > 0 if self.rule.only_at_start else self.rule.first
        if has_bar and not barred.startswith(BAR):
            barred = BAR + barred
        first, *others = barred.split(BAR)
        return [*([first] if first else []), *(BAR + word for word in others)]

    def _of_words(self, words: list[str]) -> bytes:
        memo = self._memo
        if not self.rule.is_joined:
            return memo.joined(words)
        units: list[list[str]] = []
        for place, word in enumerate(words):
            if place and self._may_join(words[place - 1], word):
                units[-1].append(word)
            else:
                units.append([word])
        ids = [memo["".join(unit)] for unit in units]
        return bytes_of(self.viterbi.of_one("".join(words))[0]) if b"" in ids else b"".join(ids)

    def _may_join(self, word: str, following: str) -> bool:
        """Return whether a piece may join two words."""
        if following == BAR or word == BAR:
            return True  # only beside added tokens
        return word[-1] in self.rule.lefts and following[1] in self.rule.rights

    def _divided(self, word: str) -> list[int]:
        """Return the ids of a word; none if what lies before the word might decide."""
        ids, is_close = self.viterbi.of_one(word)
        return [] if is_close and self.rule.is_joined else ids


def _visible(normalized: str) -> int:
    """Return how many characters of a normalized text are not spaces."""
    return len(normalized) - normalized.count(" ")
