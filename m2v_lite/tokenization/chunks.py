"""The general path with a memo: splits texts at white space and tokenizes each distinct chunk once.

The `tokenizers` library does the tokenizing. `chunk_independence` decides for which tokenizers the chunks
have the same ids as the complete text. Some texts still go to the library uncut: texts with a chunk that
cannot be tokenized separately, and batches with so many new chunks that looking them up costs more than it
saves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.errors import TokenizationError
from m2v_lite.tokenization.chunk_independence import TRIAL_TEXTS, ChunkRule, chunk_rule
from m2v_lite.tokenization.flat_ids import flatten, merge
from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES, BoundedMemo
from m2v_lite.tokenization.piece_store import END_CODE, LENGTH_BITS, PieceStore
from m2v_lite.tokenization.tokenizers_library import LibraryTokenizer

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from m2v_lite.tokenization.flat_ids import FlatIds, Ids
    from m2v_lite.tokenization.protocols import TokenizerSource

# Marks the end of a text: a lone surrogate, which no text holds.
END_CHUNK = "\udfff"

# Codes without pieces: an empty chunk, a chunk that the memo lacks, a chunk that cannot be tokenized alone.
NOTHING, NEW, DEPENDENT = (~(number << LENGTH_BITS) for number in (1, 2, 3))

# A longer chunk goes to the library with its text: it hardly ever comes again, and a code can count only so
# many pieces.
LONGEST_CHUNK = 1000

# How many new chunks to tokenize as one text, with a separator between them.
GROUP = 16
# The separator is the first of these that has exactly one id.
SEPARATORS = ("~", "|", "^", "#", "z", "q", "x", "the", "a", ".")

# Asking for a new chunk costs about as much as knowing a chunk saves. So each known chunk earns the right to
# ask for a new chunk, up to CREDIT. If the credit does not suffice, the batch goes to the library whole, and
# so do the next batches, without a look at their chunks.
CREDIT = 1000
MOST_PASSED_OVER = 15
# Even then, ask for one in SHARE of the new chunks. Otherwise a memo of other texts would never learn.
SHARE = 16


class ChunkMemo(BoundedMemo[int]):
    """The codes of chunks seen so far. Safe under threads: an entry never changes."""

    def __init__(self, memory: int) -> None:
        super().__init__({"": NOTHING, END_CHUNK: END_CODE}, memory, (memory,))
        self.store = PieceStore()

    def learn(self, chunks: Sequence[str], lists: Sequence[Sequence[int]]) -> list[int]:
        """Store the ids of chunks, and return a code for each chunk."""
        codes: list[int] = self.store.add(*flatten(lists)).tolist()
        for chunk, code in zip(chunks, codes, strict=True):
            self.remember(chunk, code)
        return codes


class ChunkTokenizer(LibraryTokenizer):
    """A tokenizer of the `tokenizers` library with a memo in front; see `TextTokenizer` for its attributes.

    Args:
        tokenizer, unk_token_id, source: as for `LibraryTokenizer`.
        rule: tells which chunks can be tokenized alone.
        memo_bytes: about how much memory the memo may take.
    """

    asks_for = "each chunk between white space once"

    def __init__(
        self,
        tokenizer: Tokenizer,
        unk_token_id: int | None,
        source: TokenizerSource,
        rule: ChunkRule,
        memo_bytes: int = DEFAULT_MEMO_BYTES,
    ) -> None:
        super().__init__(tokenizer, unk_token_id, source)
        self._rule = rule
        self._memo = ChunkMemo(memo_bytes)
        self._credit = CREDIT
        self._to_pass_over = self._passed_over = 0
        self._separator = self._find_separator()

    def all_ids(self, texts: Sequence[str]) -> FlatIds:
        return self.divided_ids(texts) or self.whole_ids(texts)

    def token_ids_of_one(self, text: str, max_length: int | None) -> Ids:
        chunks, memo = _chunks([text]), self._memo
        codes = [*map(memo.get, chunks, repeat(NEW))]
        if NEW in codes or DEPENDENT in codes:
            return super().token_ids_of_one(text, max_length)
        ids = memo.store.token_ids(codes)[:max_length]
        return np.array([token_id for token_id in ids if token_id != self.unk_token_id], np.intp)

    def whole_ids(self, texts: Sequence[str]) -> FlatIds:
        """Return all ids, as the library gives them for whole texts."""
        return flatten(self.lists_of_ids(texts))

    def divided_ids(self, texts: Sequence[str]) -> FlatIds | None:
        """Return all ids, by way of chunks. Return None if that would take longer, or if it fails."""
        if self._to_pass_over > 0:
            self._to_pass_over -= 1
            return None
        chunks = _chunks(texts)
        self._memo = memo = self._memo.with_room()
        codes = np.fromiter(map(memo.get, chunks, repeat(NEW)), np.int64, len(chunks))
        places = np.flatnonzero(codes == NEW)
        new = [chunks[place] for place in places.tolist()]
        different = list(dict.fromkeys(new))
        affordable = self._credit + len(chunks) - len(texts) - len(different)
        self._credit = min(CREDIT, max(0, affordable - len(different)))
        is_worth_it = len(different) <= affordable
        if is_worth_it:
            self._passed_over = 0
        else:
            different = different[: max(affordable, len(different) // SHARE)]
            self._to_pass_over = self._passed_over = min(MOST_PASSED_OVER, 2 * self._passed_over + 3)
        try:
            found = self._learn(memo, different) if different else {}
        except TokenizationError:
            return None
        if not is_worth_it:
            return None
        codes[places] = [found[chunk] for chunk in new]
        return self._expand(memo, codes, texts)

    def _learn(self, memo: ChunkMemo, chunks: Sequence[str]) -> dict[str, int]:
        """Ask the library for chunks, store the answers in the memo, and return the code of each chunk."""
        dependent = self._rule.dependent(chunks)
        dependent.update(chunk for chunk in chunks if len(chunk) > LONGEST_CHUNK)
        alone = [chunk for chunk in chunks if chunk not in dependent] if dependent else chunks
        codes = memo.learn(alone, self._lists_of_chunks(alone))
        for chunk in dependent:
            memo.remember(chunk, DEPENDENT)
        return {**dict.fromkeys(dependent, DEPENDENT), **dict(zip(alone, codes, strict=True))}

    def _lists_of_chunks(self, chunks: Sequence[str]) -> list[list[int]]:
        """Return the ids of each chunk.

        Asking for a group of chunks is quicker than asking for each chunk. But if a chunk of a group has the
        separator's id, the chunks of that group are asked for one by one.
        """
        if self._separator is None:
            return self.lists_of_ids(chunks)
        text, separator_id = self._separator
        groups = [chunks[start : start + GROUP] for start in range(0, len(chunks), GROUP)]
        lists = []
        for group, ids in zip(groups, self.lists_of_ids([text.join(group) for group in groups]), strict=True):
            if ids.count(separator_id) == len(group) - 1:
                lists += _parts(ids, separator_id)
            else:
                lists += self.lists_of_ids(group)
        return lists

    def _expand(self, memo: ChunkMemo, codes: NDArray[np.int64], texts: Sequence[str]) -> FlatIds:
        """Return the ids of all texts. Texts with a dependent chunk go to the library whole."""
        dependent = codes == DEPENDENT
        if not dependent.any():
            return memo.store.expand(codes)
        is_end = codes == END_CODE
        text_of_code = np.cumsum(is_end) - is_end
        is_whole = np.zeros(len(texts), bool)
        is_whole[text_of_code[dependent]] = True
        whole = self.whole_ids([text for text, chosen in zip(texts, is_whole, strict=True) if chosen])
        return merge(is_whole, whole, memo.store.expand(codes[~is_whole[text_of_code]]))

    def _find_separator(self) -> tuple[str, int] | None:
        """Return a separator with spaces around it, and its id, or None if nothing suits."""
        for separator, ids in zip(SEPARATORS, self.lists_of_ids(SEPARATORS), strict=True):
            if len(ids) == 1 and ids[0] != self.unk_token_id:
                return f" {separator} ", ids[0]
        return None


def chunk_tokenizer(
    tokenizer: Tokenizer,
    unk_token_id: int | None,
    source: TokenizerSource,
    definition: dict[str, Any],
    memo_bytes: int = DEFAULT_MEMO_BYTES,
) -> ChunkTokenizer | None:
    """Return a tokenizer with a memo, or None if the definition or a trial rules that out.

    Args:
        tokenizer, unk_token_id, source: as for `LibraryTokenizer`.
        definition: the content of the tokenizer's `tokenizer.json`.
        memo_bytes: about how much memory the memo may take.
    """
    rule = chunk_rule(definition, tokenizer)
    if rule is None:
        return None
    try:
        divided = ChunkTokenizer(tokenizer, unk_token_id, source, rule, memo_bytes)
        (ids, bounds), expected = (
            divided.divided_ids(TRIAL_TEXTS) or flatten([]),
            divided.whole_ids(TRIAL_TEXTS),
        )
    except TokenizationError:
        return None
    agree = np.array_equal(ids, expected[0]) and np.array_equal(bounds, expected[1])
    return divided if agree else None


def _parts(ids: list[int], separator_id: int) -> list[list[int]]:
    """Divide ids at each separator.

    Examples:
        >>> _parts([1, 2, 0, 3], 0)
        [[1, 2], [3]]
    """
    parts = []
    start = 0
    for _ in range(ids.count(separator_id)):
        end = ids.index(separator_id, start)
        parts.append(ids[start:end])
        start = end + 1
    parts.append(ids[start:])
    return parts


def _chunks(texts: Sequence[str]) -> list[str]:
    """Return the chunks of all texts, and `END_CHUNK` after each text.

    Examples:
        >>> _chunks(["to be", "or not"]) == ["to", "be", END_CHUNK, "or", "not", END_CHUNK]
        True
    """
    chunks = []
    for text in texts:
        chunks += text.replace("\n", " ").replace("\t", " ").replace("\r", " ").split(" ")
        chunks.append(END_CHUNK)
    return chunks
