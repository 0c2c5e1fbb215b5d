"""A vocabulary -> tables in arrays that find the tokens which begin many words, all words at once.

A token is cut into chunks of eight UTF-8 bytes; the last chunk may be shorter. Each chunk is a 64-bit key. So
a token of up to eight bytes is one key. Longer tokens form a tree: their first chunk leads to a node, a node
and the next whole chunk lead to another node, and a node and the last chunk to the token. There are two
roots: one for tokens that begin a word, and one for continuing pieces, without their prefix.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from m2v_lite.tokenization.wordpiece.perfect_hash import PerfectHash, as_indexes, perfect_hash

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Keys = NDArray[np.uint64]
    Ints = NDArray[np.intp]

CHUNK = 8
# The first bytes of a chunk, by their number.
MASKS = np.array([(1 << 8 * length) - 1 for length in range(CHUNK + 1)], np.uint64)
LENGTHS = np.arange(1, CHUNK + 1, dtype=np.uint8)[:, None]
# A chunk may be read at any byte, so zeros must follow the last one.
PADDING = CHUNK
# A node times an odd multiple of this factor is added to the key of a chunk below the node.
NODE_FACTOR = 0xC2B2AE3D27D4EB4F
MOST_FACTORS = 100


class Root(NamedTuple):
    """The first chunks of tokens.

    Attributes:
        tokens, ids: the tokens of one chunk, and their ids.
        inner, nodes: the first chunks of all longer tokens, and their nodes.
    """

    tokens: PerfectHash
    ids: NDArray[np.int32]
    inner: PerfectHash
    nodes: NDArray[np.int32]


class Branches(NamedTuple):
    """Chunks below nodes.

    Attributes:
        table: finds the sum of a chunk and a node times `factor`.
        parents: (branches,) the node of each branch. With the sum, it tells what the chunk is.
        values: (branches,) ids of tokens, or nodes.
        factor: an odd number.
    """

    table: PerfectHash
    parents: NDArray[np.int32]
    values: NDArray[np.int32]
    factor: np.uint64

    def find(self, parents: Ints, chunks: Keys) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
        """Return which branches exist, and their values (where a branch is missing, any number)."""
        found = self.table.find(chunks + parents.astype(np.uint64) * self.factor)
        indexes = as_indexes(found)
        exists = found < self.table.missing
        exists &= self.parents.take(indexes, mode="clip") == parents
        return exists, self.values.take(indexes, mode="clip")


def windows(units: NDArray[np.uint8]) -> Keys:
    """Return a view of the eight bytes that begin at each byte.

    Args:
        units: bytes, with `PADDING` zeros at the end.
    """
    return np.ndarray(len(units) - CHUNK + 1, "<u8", units, strides=(1,))


class TokenTables:
    """Finds tokens in words that lie in one array of bytes. No word may hold a NUL.

    Args:
        text: (bytes,) uint8, the tokens in UTF-8, one after the other.
        ends: (tokens,) where each token ends.
        ids: (tokens,) the id of each token.
        prefix: what continuing pieces begin with.

    Example:
        >>> text = np.frombuffer(b"un##able", np.uint8)
        >>> tables = TokenTables(text, np.array([2, 8]), np.array([5, 6]), b"##")
        >>> window = windows(np.frombuffer(b"unable" + bytes(PADDING), np.uint8))
        >>> ids, taken = tables.longest(window, np.array([0]), np.array([6]), tables.first)
        >>> ids.tolist(), taken.tolist()
        ([5], [2])
        >>> ids, taken = tables.longest(window, np.array([2]), np.array([4]), tables.continuing)
        >>> ids.tolist(), taken.tolist()
        ([6], [4])
    """

    def __init__(self, text: NDArray[np.uint8], ends: NDArray[Any], ids: NDArray[Any], prefix: bytes) -> None:
        units = np.concatenate([text, np.zeros(PADDING + len(prefix), np.uint8)])
        ends = ends.astype(np.intp)
        starts = np.concatenate([[0], ends[:-1]])
        lengths = ends - starts
        # A short chunk is padded with NULs, so a token with a NUL could be taken for another one. It can be
        # left out, because no word holds a NUL.
        can_occur = lengths > 0
        nuls = np.flatnonzero(text == 0)
        with_nul = np.searchsorted(ends, nuls, side="right")
        can_occur[with_nul] = False
        continues = lengths > len(prefix)
        continues[with_nul[nuls - starts[with_nul] >= len(prefix)]] = False
        for place, byte in enumerate(prefix):
            continues &= units[starts + place] == byte
        tree = _Tree(units)
        self.first = tree.add(starts[can_occur], lengths[can_occur], ids[can_occur])
        self.continuing = tree.add(
            starts[continues] + len(prefix), lengths[continues] - len(prefix), ids[continues]
        )
        self._tails, self._inner = _branches(tree.tails), _branches(tree.inner)

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
        root = self.first
        chunks = window[starts]
        chunks &= MASKS.take(lengths, mode="clip")
        found = root.tokens.find(chunks.copy())
        ids = root.ids.take(as_indexes(found), mode="clip").astype(np.intp)
        is_missing = found >= root.tokens.missing
        long = np.flatnonzero(lengths > CHUNK)
        if len(long):
            is_missing[long] = True
            for words, nodes, last, left in self._levels(window, starts, lengths, long, chunks, root):
                exists, values = self._tails.find(nodes, last)
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
        found = root.tokens.find(chunks & MASKS[1:, None])
        taken = np.maximum.reduce((found < root.tokens.missing) * LENGTHS, axis=0).astype(np.intp)
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
                exists, values = self._tails.find(np.tile(nodes, CHUNK), beginnings.ravel())
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
        words, nodes = _follow(root, words, chunks.take(words))
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
        exists, values = self._inner.find(nodes, chunks)
        return words[exists], values[exists].astype(np.intp)


def _follow(root: Root, words: Ints, chunks: Keys) -> tuple[Ints, Ints]:
    """Return the words whose first chunk leads to a node, and these nodes."""
    found = root.inner.find(chunks)
    exists = np.flatnonzero(found < root.inner.missing)
    return words.take(exists), root.nodes.take(as_indexes(found.take(exists))).astype(np.intp)


class _Tree:
    """Collects the branches of tokens that lie in one array of bytes."""

    def __init__(self, units: NDArray[np.uint8]) -> None:
        self._window = windows(units)
        self._nodes = 0
        # Parents, chunks and values of the last chunks, and of the whole chunks before them.
        self.tails: list[tuple[NDArray[Any], ...]] = []
        self.inner: list[tuple[NDArray[Any], ...]] = []

    def add(self, starts: Ints, lengths: Ints, ids: NDArray[Any]) -> Root:
        """Return the root of some tokens, and keep what lies below it."""
        chunks = self._window[starts] & MASKS.take(lengths, mode="clip")
        is_short = lengths <= CHUNK
        long = np.flatnonzero(~is_short)
        firsts, places = _distinct(chunks[long])
        keys, new = chunks[long[firsts]], self._new_nodes(len(firsts))
        root = Root(
            perfect_hash(chunks[is_short]),
            _not_empty(ids[is_short].astype(np.int32)),
            perfect_hash(keys),
            _not_empty(new),
        )
        nodes, done = new[places], CHUNK
        while len(long):
            left = lengths[long] - done
            chunks = self._window[starts[long] + done] & MASKS.take(left, mode="clip")
            is_last = left <= CHUNK
            self.tails.append((nodes[is_last], chunks[is_last], ids[long[is_last]]))
            long, nodes, chunks = long[~is_last], nodes[~is_last], chunks[~is_last]
            firsts, places = _distinct(nodes, chunks)
            new = self._new_nodes(len(firsts))
            self.inner.append((nodes[firsts], chunks[firsts], new))
            nodes = new[places]
            done += CHUNK
        return root

    def _new_nodes(self, number: int) -> NDArray[np.int32]:
        self._nodes += number
        return np.arange(self._nodes - number, self._nodes, dtype=np.int32)


def _branches(parts: list[tuple[NDArray[Any], ...]]) -> Branches:
    parents, chunks, values = (
        np.concatenate([np.zeros(0, dtype), *(part[column] for part in parts)]).astype(dtype)
        for column, dtype in enumerate((np.int32, np.uint64, np.int32))
    )
    # Two branches may have the same sum with one factor, but hardly with the next one.
    for number in range(MOST_FACTORS):
        factor = np.uint64(NODE_FACTOR * (2 * number + 1) % (1 << 64))
        sums = chunks + parents.astype(np.uint64) * factor
        if len(_distinct(sums)[0]) == len(sums):
            break
    return Branches(perfect_hash(sums), _not_empty(parents), _not_empty(values), factor)


def _distinct(*columns: NDArray[Any]) -> tuple[Ints, Ints]:
    """Return an index of each different combination of values, and where among these each combination is.

    numpy.unique would do, but it imports numpy.ma, which takes longer than all of this.
    """
    order = np.lexsort(columns)
    is_new = np.ones(len(order), bool)
    is_new[1:] = False
    for column in columns:
        in_order = column[order]
        is_new[1:] |= in_order[1:] != in_order[:-1]
    places = np.empty(len(order), np.intp)
    places[order] = np.cumsum(is_new) - 1
    return order[is_new], places


def _not_empty(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array to take from: numpy refuses to take from an empty one, also with mode="clip"."""
    return array if len(array) else np.zeros(1, array.dtype)
