"""Builds a double array from pieces, one level or node size at a time.

The children of a node need free slots at the same distances as their codes. Nodes with many children are
placed one by one, at the first place that fits. Nodes with few children are placed many at a time, at random
free slots, and again until all fit. Nodes with one child fit anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.tokenization.code_points import code_points
from m2v_lite.tokenization.runs import positions
from m2v_lite.tokenization.unigram.double_array import NO_LINK, NO_PIECE, PARENT_SHIFT, ROOT, DoubleArray
from m2v_lite.tokenization.vocabulary import Vocabulary, scored_vocabulary_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.intp]

MOST_CODES = 1 << 16
# Nodes with more children are placed one by one.
FEW = 24
# How many places to try at once for such a node, and how far to go back from the last place that fitted.
PLACES_AT_ONCE, BACK = 256, 2048
# How many free slots there are for each slot needed: in all, and for nodes of several children, which seldom
# fit where few slots are free.
ROOM, ROOM_OF_SEVERAL = 1.04, 1.6


def double_array(pieces: Sequence[str]) -> DoubleArray:
    """Return the double array of a few pieces, whose ids are their places; see `double_array_of`."""
    return double_array_of(scored_vocabulary_of([[piece, 0] for piece in pieces]).vocabulary)


def double_array_of(vocabulary: Vocabulary) -> DoubleArray:
    """Return the double array of a vocabulary. If a piece occurs several times, its last id counts.

    Raises:
        ValueError: the pieces have too many different characters, or are not UTF-8.
    """
    lengths = vocabulary.characters()
    units = vocabulary.units.take(positions(vocabulary.starts, vocabulary.lengths))
    characters = code_points(units.tobytes().decode())
    del units
    occurrences = np.bincount(characters, minlength=1)
    alphabet = np.flatnonzero(occurrences)
    if len(alphabet) >= MOST_CODES:
        raise ValueError(f"the pieces have {len(alphabet)} different characters, not below {MOST_CODES}")
    # The most frequent characters have the lowest codes, so that the children of a node lie together.
    alphabet = alphabet[np.argsort(-occurrences[alphabet], kind="stable")]
    codes = np.zeros(len(occurrences), np.uint16)
    codes[alphabet] = np.arange(1, len(alphabet) + 1)
    parents, labels, ids = _nodes(codes.take(characters), lengths, vocabulary.ids, len(alphabet) + 1)
    del characters
    counts = np.bincount(parents[1:], minlength=len(parents))
    bases = _bases(counts, labels)
    slots = bases.take(parents) + labels
    slots[ROOT] = ROOT
    size = int(max(slots.max(), bases.max())) + len(alphabet) + 1
    links, ids_at = np.full(size, NO_LINK), np.full(size, NO_PIECE, np.int32)
    links[slots] = slots.take(parents).astype(np.int64) << PARENT_SHIFT | bases
    links[ROOT] = NO_LINK | bases[ROOT]
    ids_at[slots] = ids
    return DoubleArray(links, ids_at, codes)


def _nodes(
    codes: NDArray[np.uint16], lengths: Ints, ids: NDArray[np.int32], number_of_codes: int
) -> tuple[Ints, Ints, NDArray[np.int32]]:
    """Return the nodes of the tree, level by level: node 0 is the root, and siblings lie together.

    Args:
        codes: (characters,) the codes of all pieces, one piece after the other.
        lengths: (pieces,) how many characters each has.
        ids: (pieces,) their ids.
        number_of_codes: one more than the highest code.

    Returns:
        parents (nodes,), labels (nodes,), the codes that lead from the parents to the nodes, and
        ids (nodes,), of the pieces that end there, or -1.
    """
    starts = np.cumsum(lengths) - lengths
    parents, labels = [np.zeros(1, np.intp)], [np.zeros(1, np.intp)]
    ids_at = [np.full(1, NO_PIECE, np.int32)]
    alive = np.flatnonzero(lengths)
    above, number, depth = np.zeros(len(alive), np.intp), 1, 0
    while len(alive):
        keys, node_of = np.unique(
            above.astype(np.int64) * number_of_codes + codes.take(starts.take(alive) + depth),
            return_inverse=True,
        )
        parents.append((keys // number_of_codes).astype(np.intp))
        labels.append((keys % number_of_codes).astype(np.intp))
        depth += 1
        ends = lengths.take(alive) == depth
        own = np.full(len(keys), NO_PIECE, np.int32)
        own[node_of[ends]] = ids.take(alive[ends])
        ids_at.append(own)
        above, alive = node_of[~ends] + number, alive[~ends]
        number += len(keys)
    return np.concatenate(parents), np.concatenate(labels), np.concatenate(ids_at)


def _bases(counts: Ints, labels: Ints) -> Ints:
    """Return a base for each node, so that no two nodes share a slot.

    Args:
        counts: (nodes,) how many children each has.
        labels: (nodes,) the code that leads to each.
    """
    firsts = np.cumsum(counts) - counts + 1  # the first child of each node
    bases, highest = np.zeros(len(counts), np.intp), int(labels.max(initial=0))
    used = np.zeros(2 * highest + 2, bool)
    used[ROOT] = True
    by_size = np.argsort(-counts, kind="stable")
    sizes = counts.take(by_size)
    start = 0
    for node in by_size[: np.searchsorted(-sizes, -FEW)].tolist():
        children = labels[firsts[node] : firsts[node] + counts[node]]
        base, used = _first_fit(used, children, start)
        used[base + children] = True
        bases[node], start = base, max(0, base - BACK)
    several = sizes > 1
    used = _with_room(used, int(max(ROOM * sizes.sum(), ROOM_OF_SEVERAL * sizes[several].sum())) + highest)
    generator, owners = np.random.default_rng(0), np.zeros(len(used), np.int32)
    for size in range(FEW, 1, -1):
        left = by_size[np.searchsorted(-sizes, -size) : np.searchsorted(-sizes, -size, "right")]
        while len(left):
            children = labels.take(firsts.take(left)[:, None] + np.arange(size))
            tried = generator.integers(0, len(used) - highest, len(left))
            slots = tried[:, None] + children
            free = np.flatnonzero(~used[slots].any(axis=1))
            # Where two nodes want one slot, the one that comes last has it.
            slots, ranks = slots[free], np.arange(len(free), dtype=np.int32)[:, None]
            owners[slots] = ranks
            wins = (owners[slots] == ranks).all(axis=1)
            placed = free[wins]
            bases[left[placed]] = tried[placed]
            used[slots[wins]] = True
            left = np.delete(left, placed)
    ones = by_size[np.searchsorted(-sizes, -1) : np.searchsorted(-sizes, -1, "right")]
    children = labels.take(firsts.take(ones))
    used = _with_room(used, len(ones) + 2 * highest)
    # Slots from `highest` on, as a base is at least 0.
    bases[ones] = np.flatnonzero(~used[highest:])[: len(ones)] + highest - children
    return bases


def _first_fit(used: NDArray[np.bool_], children: Ints, start: int) -> tuple[int, NDArray[np.bool_]]:
    """Return the first base from `start` on whose children find free slots, and `used`, long enough."""
    while True:
        used = _with_room(used, int(children[-1]) + PLACES_AT_ONCE)
        places = np.arange(start, min(start + PLACES_AT_ONCE, len(used) - int(children[-1])))
        fits = np.flatnonzero(~used[places[:, None] + children].any(axis=1))
        if len(fits):
            return start + int(fits[0]), used
        start += PLACES_AT_ONCE
        used = np.append(used, np.zeros(max(0, start + PLACES_AT_ONCE + int(children[-1]) - len(used)), bool))


def _with_room(used: NDArray[np.bool_], room: int) -> NDArray[np.bool_]:
    """Return an array with at least `room` free slots: this one, or a longer one."""
    missing = room - (len(used) - int(np.count_nonzero(used)))
    return np.append(used, np.zeros(missing, bool)) if missing > 0 else used
