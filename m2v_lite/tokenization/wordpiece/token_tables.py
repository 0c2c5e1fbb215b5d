"""The tables that find the tokens at the start of words: all words of a batch at once, or one word.

A token is cut into chunks of eight UTF-8 bytes; the last chunk can be shorter. Each chunk is a 64-bit key. So
a token of up to eight bytes is one key. Longer tokens form a tree: the first chunk leads to a node, a node
and the next full chunk lead to another node, and a node and the last chunk lead to the token. There are two
roots: one for tokens that begin a word, and one for continuing pieces, without their prefix.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.tokenization.vocabulary import PADDING
from m2v_lite.tokenization.wordpiece.perfect_hash import KEY_MASK, PerfectHash, as_indexes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Keys = NDArray[np.uint64]
    Ints = NDArray[np.intp]

CHUNK = PADDING
# The first bytes of a chunk, by their number.
ONE_MASKS = [(1 << 8 * length) - 1 for length in range(CHUNK + 1)]
MASKS = np.array(ONE_MASKS, np.uint64)
LENGTHS = np.arange(1, CHUNK + 1, dtype=np.uint8)[:, None]
# The bit of `Root.lengths` that stands for all tokens of several chunks.
LONGER = 1 << CHUNK
# How many beginnings of words a root remembers for single texts, and how long they may be.
MOST_KNOWN, MOST_KNOWN_BYTES = 1024, 4
# How many different first bytes there are.
BYTES = 256
# The nodes of the two roots, and the number of roots.
FIRST, CONTINUING, ROOTS = 0, 1, 2


class Root:
    """The tokens that begin a word, or the continuing pieces without their prefix.

    Args:
        node: `FIRST` or `CONTINUING`.
        short: finds the tokens of one chunk.
        ids: (tokens of one chunk,) int32, their ids.
        lengths: (256,) uint16, for each first byte the lengths of the tokens that begin with it: bit k is set
            if there is a token of k + 1 bytes, and bit 8 if there are longer ones.
    """

    def __init__(
        self, node: int, short: PerfectHash, ids: NDArray[np.int32], lengths: NDArray[np.uint16]
    ) -> None:
        self.node, self.short, self.ids, self.lengths = node, short, _not_empty(ids), lengths
        # What follows is for single words.
        self.bits: list[int] = lengths.tolist()
        self.known = lru_cache(MOST_KNOWN)(self.longest_of_one)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out what is known: a copy learns by itself."""
        return Root, (self.node, self.short, self.ids, self.lengths)

    def longest_of_one(self, chunk: int) -> tuple[int, int]:
        """Return the id and the length of the longest token of one chunk that begins a chunk; or 0 and 0."""
        find, size = self.short.find_one, (chunk.bit_length() + 7) // 8
        for length in _lengths_of(self.bits[chunk & 0xFF]):
            if length <= size:
                index = find(chunk & ONE_MASKS[length])
                if index >= 0:
                    return int(self.ids[index]), length
        return 0, 0


class Branches:
    """Chunks below nodes.

    Args:
        table: finds the sum of a chunk and a node times `factor`.
        parents: (branches,) int32, the node of each branch. With the sum, it tells what the chunk is.
        values: (branches,) int32, ids of tokens, or nodes.
        factor: an odd number below 2**64.
    """

    def __init__(
        self, table: PerfectHash, parents: NDArray[np.int32], values: NDArray[np.int32], factor: int
    ) -> None:
        self.table, self.factor = table, factor
        self.parents, self.values = _not_empty(parents), _not_empty(values)
        self._factor = np.uint64(factor)

    def find(self, parents: Ints, chunks: Keys) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
        """Return which branches exist, and their values (where a branch is missing, any number)."""
        found = self.table.find(chunks + parents.astype(np.uint64) * self._factor)
        indexes = as_indexes(found)
        exists = found < self.table.missing
        exists &= self.parents.take(indexes, mode="clip") == parents
        return exists, self.values.take(indexes, mode="clip")

    def find_one(self, parent: int, chunk: int) -> int | None:
        """Return the value of one branch, or None."""
        index = self.table.find_one((chunk + parent * self.factor) & KEY_MASK)
        return int(self.values[index]) if index >= 0 and self.parents[index] == parent else None


class TokenTables:
    """Finds tokens in words. No word and no token may hold a NUL. `token_tree.token_tables` makes it.

    Args:
        first: the tokens that begin a word.
        continuing: the continuing pieces.
        tails: the last chunks of all tokens of several chunks, and their ids.
        inner: the chunks before these, and their nodes.

    Examples:
        >>> from m2v_lite.tokenization.vocabulary import vocabulary_of, windows
        >>> from m2v_lite.tokenization.wordpiece.token_tree import token_tables
        >>> tables = token_tables(vocabulary_of({"un": 5, "##able": 6}), b"##")
        >>> window = windows(np.frombuffer(b"unable" + bytes(PADDING), np.uint8))
        >>> ids, taken = tables.longest(window, np.array([0]), np.array([6]), tables.first)
        >>> ids.tolist(), taken.tolist()
        ([5], [2])
        >>> tables.longest_of_one(b"unable", 2, tables.continuing)
        (6, 4)
    """

    def __init__(self, first: Root, continuing: Root, tails: Branches, inner: Branches) -> None:
        self.first, self.continuing, self.tails, self.inner = first, continuing, tails, inner

    def whole(self, window: Keys, starts: Ints, lengths: Ints) -> tuple[Ints, NDArray[np.bool_], Keys]:
        """Find words that are tokens.

        Args:
            window: the eight bytes that begin at each byte.
            starts: (words,) where each word begins.
            lengths: (words,) how many bytes it has, at least 1.

        Returns:
            ids (words,); is_missing (words,), which words are not a token, so that their id means nothing;
            and chunks (words,), the first chunk of each word.
        """
        chunks = window[starts]
        chunks &= MASKS.take(lengths, mode="clip")
        root = self.first
        found = root.short.find(chunks.copy())
        ids = root.ids.take(as_indexes(found), mode="clip").astype(np.intp)
        is_missing = found >= root.short.missing
        long = np.flatnonzero(lengths > CHUNK)
        if len(long):
            is_missing[long] = True
            for words, nodes, last, left in self._levels(window, starts, lengths, long, chunks, root):
                exists, values = self.tails.find(nodes, last)
                exists &= left <= CHUNK
                ids[words[exists]] = values[exists]
                is_missing[words[exists]] = False
        return ids, is_missing, chunks

    def longest(self, window: Keys, starts: Ints, lengths: Ints, root: Root) -> tuple[Ints, Ints]:
        """Find the longest token that begins each word.

        Args:
            window, starts, lengths: as for `whole`.
            root: `first`, or `continuing` for the rest of a word.

        Returns:
            ids (words,), and the bytes (words,) that the tokens take: 0 where no token begins the word.
        """
        number = len(starts)
        chunks = window[starts]
        chunks &= MASKS.take(lengths, mode="clip")
        # All beginnings of the first chunk: (lengths, words).
        found = root.short.find(chunks & MASKS[1:, None])
        taken = np.maximum.reduce((found < root.short.missing) * LENGTHS, axis=0).astype(np.intp)
        places = taken - 1
        places *= number
        places += np.arange(number)
        indexes = as_indexes(found.ravel().take(places, mode="clip"))
        ids = root.ids.take(indexes, mode="clip").astype(np.intp)
        np.minimum(taken, lengths, out=taken)
        long = np.flatnonzero(lengths > CHUNK)
        if len(long):
            for words, nodes, following, left in self._levels(window, starts, lengths, long, chunks, root):
                beginnings = following & MASKS[1:, None]
                exists, values = self.tails.find(np.tile(nodes, CHUNK), beginnings.ravel())
                longest = np.maximum.reduce(exists.reshape(beginnings.shape) * LENGTHS, axis=0)
                hits = np.flatnonzero(longest)
                longest, left, found_by = longest[hits].astype(np.intp), left[hits], words[hits]
                ids[found_by] = values.take((longest - 1) * len(words) + hits)
                taken[found_by] = np.minimum(longest, left) + lengths[found_by] - left
        return ids, taken

    def _levels(
        self, window: Keys, starts: Ints, lengths: Ints, words: Ints, chunks: Keys, root: Root
    ) -> Iterator[tuple[Ints, Ints, Keys, Ints]]:
        """Walk down the tree with long words, chunk by chunk.

        Args:
            window, starts, lengths, root: as for `longest`.
            words: the indexes of the words to walk with; each has more than one chunk.
            chunks: (all words,) the first chunk of each word.

        Yields:
            For each level, the words whose chunks so far all lead to nodes; these nodes; the words' next
            chunks; and how many bytes are left from there.
        """
        words, nodes = self._descend(words, np.full(len(words), root.node), chunks.take(words))
        done = CHUNK
        while len(words):
            left = lengths.take(words) - done
            chunks = window[starts.take(words) + done]
            chunks &= MASKS.take(left, mode="clip")
            yield words, nodes, chunks, left
            goes_on = left > CHUNK
            words, nodes = self._descend(words[goes_on], nodes[goes_on], chunks[goes_on])
            done += CHUNK

    def _descend(self, words: Ints, nodes: Ints, chunks: Keys) -> tuple[Ints, Ints]:
        """Return the words whose next whole chunk leads to a node, and these nodes."""
        if not len(words):
            return words, nodes
        exists, values = self.inner.find(nodes, chunks)
        return words[exists], values[exists].astype(np.intp)

    def find_one(self, token: str) -> int | None:
        """Return the id of a token, or None. A continuing piece has its prefix here."""
        encoded = token.encode()
        token_id, taken = self.longest_of_one(encoded, 0, self.first)
        return token_id if 0 < taken == len(encoded) else None

    def longest_of_one(self, word: bytes, start: int, root: Root) -> tuple[int, int]:
        """Find the longest token that begins the rest of one word.

        Args:
            word: the word in UTF-8.
            start: where its rest begins.
            root: as for `longest`.

        Returns:
            the token's id, and how many bytes it takes: 0 if no token begins the rest.
        """
        chunk = int.from_bytes(word[start : start + CHUNK], "little")
        bits = root.bits[chunk & 0xFF]
        if bits < 1 << MOST_KNOWN_BYTES:
            # No token is longer, so the rest does not count. In many scripts, this leaves one character.
            return root.known(chunk & ONE_MASKS[bits.bit_length()])
        if bits & LONGER and len(word) - start > CHUNK:
            token_id, end = self._longest_below(word, start, chunk, root)
            if end:
                return token_id, end - start
        return root.longest_of_one(chunk)

    def _longest_below(self, word: bytes, start: int, chunk: int, root: Root) -> tuple[int, int]:
        """Return the id of the longest token of several chunks, and where it ends: 0 if there is none."""
        path: list[tuple[int, int, int]] = []
        node = self.inner.find_one(root.node, chunk)
        while node is not None:
            start += CHUNK
            chunk = int.from_bytes(word[start : start + CHUNK], "little")
            path.append((node, start, chunk))
            node = self.inner.find_one(node, chunk) if len(word) - start > CHUNK else None
        for parent, at, last in reversed(path):
            for length in range(min(len(word) - at, CHUNK), 0, -1):
                token_id = self.tails.find_one(parent, last & ONE_MASKS[length])
                if token_id is not None:
                    return token_id, at + length
        return 0, 0


@cache
def _lengths_of(bits: int) -> list[int]:
    """Return the lengths up to a chunk that bits stand for, the longest first; see `Root`."""
    return [length for length in range(CHUNK, 0, -1) if bits >> length - 1 & 1]


def _not_empty(array: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return an array to take from: numpy refuses to take from an empty one, also with mode="clip"."""
    return array if len(array) else np.zeros(1, np.int32)
