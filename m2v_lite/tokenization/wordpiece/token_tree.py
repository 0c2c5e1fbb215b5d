"""Builds the token tables from a vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from m2v_lite.tokenization.vocabulary import windows
from m2v_lite.tokenization.wordpiece.perfect_hash import perfect_hash
from m2v_lite.tokenization.wordpiece.token_tables import (
    BYTES,
    CHUNK,
    CONTINUING,
    FIRST,
    MASKS,
    ROOTS,
    Branches,
    Root,
    TokenTables,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.tokenization.vocabulary import Places, Vocabulary
    from m2v_lite.tokenization.wordpiece.token_tables import Ints, Keys

    _Level = tuple[NDArray[np.int32], Keys, NDArray[np.int32]]  # parents, chunks, values

# A node times an odd multiple of this factor is added to the key of a chunk below the node.
NODE_FACTOR = 0xC2B2AE3D27D4EB4F
MOST_FACTORS = 8


def token_tables(vocabulary: Vocabulary, prefix: bytes) -> TokenTables:
    """Return the tables of a vocabulary.

    Args:
        vocabulary: the tokens and their ids.
        prefix: what continuing pieces begin with.

    Raises:
        ValueError: two tokens are equal, or a token holds a NUL.
    """
    units, starts, lengths, ids = vocabulary.units, vocabulary.starts, vocabulary.lengths, vocabulary.ids
    if np.count_nonzero(units) < len(units):
        raise ValueError("a token holds a NUL")
    if not lengths.all():  # the empty token never occurs
        starts, lengths, ids = (column[lengths > 0] for column in (starts, lengths, ids))
    continues = lengths > len(prefix)
    for place, byte in enumerate(prefix):
        continues &= units.take(starts + place, mode="clip") == byte
    some = np.flatnonzero(continues)
    first = _tokens(units, starts, lengths, ids)
    continuing = _tokens(units, starts[some] + len(prefix), lengths[some] - len(prefix), ids[some])
    tails, inner = _tree(units, first.long(), continuing.long())
    return TokenTables(_root(FIRST, units, first), _root(CONTINUING, units, continuing), tails, inner)


class _Tokens(NamedTuple):
    """Some tokens.

    Attributes:
        starts, lengths, ids: as in `Vocabulary`, of all that a word may hold of the token.
        chunks: (tokens,) the first chunk.
    """

    starts: Places
    lengths: Places
    ids: NDArray[np.int32]
    chunks: Keys

    def long(self) -> _Tokens:
        """Return the tokens of several chunks."""
        is_long = self.lengths > CHUNK
        return _Tokens(self.starts[is_long], self.lengths[is_long], self.ids[is_long], self.chunks[is_long])


def _tokens(units: NDArray[np.uint8], starts: Places, lengths: Places, ids: NDArray[np.int32]) -> _Tokens:
    chunks = windows(units)[starts]
    chunks &= MASKS.take(lengths, mode="clip")
    return _Tokens(starts, lengths, ids, chunks)


def _root(node: int, units: NDArray[np.uint8], tokens: _Tokens) -> Root:
    is_short = tokens.lengths <= CHUNK
    exists = np.zeros((BYTES, CHUNK + 1), bool)
    exists[units.take(tokens.starts), np.minimum(tokens.lengths, CHUNK + 1) - 1] = True
    lengths: NDArray[np.uint16] = exists @ (1 << np.arange(CHUNK + 1, dtype=np.uint16))
    return Root(node, perfect_hash(tokens.chunks[is_short]), tokens.ids[is_short], lengths)


def _tree(units: NDArray[np.uint8], first: _Tokens, continuing: _Tokens) -> tuple[Branches, Branches]:
    """Return the last chunks of tokens of several chunks, and the chunks before these."""
    window = windows(units)
    starts, lengths = np.append(first.starts, continuing.starts), np.append(first.lengths, continuing.lengths)
    ids, chunks = np.append(first.ids, continuing.ids), np.append(first.chunks, continuing.chunks)
    tails: list[_Level] = []
    inner: list[_Level] = []
    nodes = np.repeat(np.array([FIRST, CONTINUING], np.int32), [len(first.ids), len(continuing.ids)])
    next_node, done = ROOTS, CHUNK
    while len(starts):
        # Tokens that share all chunks so far go on below the same node.
        firsts, places = _distinct(nodes, chunks)
        new: NDArray[np.int32] = np.arange(next_node, next_node + len(firsts), dtype=np.int32)
        next_node += len(firsts)
        inner.append((nodes[firsts], chunks[firsts], new))
        nodes = new[places]
        left = lengths - done
        chunks = window[starts + done] & MASKS.take(left, mode="clip")
        is_last = left <= CHUNK
        tails.append((nodes[is_last], chunks[is_last], ids[is_last]))
        on = np.flatnonzero(~is_last)
        starts, lengths, ids, nodes, chunks = starts[on], lengths[on], ids[on], nodes[on], chunks[on]
        done += CHUNK
    return _branches(tails), _branches(inner)


def _branches(levels: list[_Level]) -> Branches:
    none = np.zeros(0, np.int32)
    parents = np.concatenate([none, *(level[0] for level in levels)])
    chunks = np.concatenate([np.zeros(0, np.uint64), *(level[1] for level in levels)])
    values = np.concatenate([none, *(level[2] for level in levels)])
    for number in range(MOST_FACTORS):
        factor = NODE_FACTOR * (2 * number + 1) % (1 << 64)
        try:
            table = perfect_hash(chunks + parents.astype(np.uint64) * np.uint64(factor))
        except ValueError:
            continue  # two branches have the same sum, but hardly with the next factor
        return Branches(table, parents, values, factor)
    raise ValueError("two tokens are equal")


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
