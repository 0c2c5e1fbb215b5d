"""Finds all vocabulary pieces that begin at a character, with the vocabulary in a double array.

The pieces form a tree. Each node has a slot. The child of a node for the next character is found in one step:
`slot = base of the node + code of the character`. The slot is that child if its `parent` is the slot of the
node (Aoe, An Efficient Digital Search Algorithm by Using a Double-Array Structure, 1989).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.intp]

# A link holds the parent's slot in its upper half, and the base in its lower half.
PARENT_SHIFT = 32
BASE_MASK = (1 << PARENT_SHIFT) - 1
# The link of an unused slot: no slot is the parent.
NO_LINK = -1 << PARENT_SHIFT
# The id of a slot where no piece ends.
NO_PIECE = -1
ROOT = 0


class Matches(NamedTuple):
    """The pieces found in a text, ordered by their length, then by their place.

    Attributes:
        starts: (matches,) the index of the character at which each begins.
        lengths: (matches,) how many characters it has.
        ids: (matches,) int32, its id.
    """

    starts: Ints
    lengths: Ints
    ids: NDArray[np.int32]


class DoubleArray:
    """Finds pieces. `double_array_builder.double_array` makes it.

    Args:
        links: (slots,) int64, for each slot the slot of the parent and the base of the children.
        ids: (slots,) int32, the id of the piece that ends at each slot, or -1.
        codes: (characters,) uint16, the code of each code point, or 0 if no piece has it. It may be shorter
            than the number of code points.

    Examples:
        >>> from m2v_lite.tokenization.unigram.double_array_builder import double_array
        >>> pieces = double_array(["a", "ab", "b"])
        >>> matches = pieces.matches(pieces.codes_of(np.array([97, 98, 33])), np.array([3, 3, 3]))
        >>> matches.starts.tolist(), matches.lengths.tolist(), matches.ids.tolist()
        ([0, 1, 0], [1, 1, 2], [0, 2, 1])
        >>> pieces.find("ab"), pieces.find("c")
        (1, None)
    """

    def __init__(self, links: NDArray[np.int64], ids: NDArray[np.int32], codes: NDArray[np.uint16]) -> None:
        self.links, self.ids, self.codes = links, ids, codes
        # Memory views give Python's own integers, in place.
        self.links_of_one, self.ids_of_one, self.codes_of_one = links.data, ids.data, codes.data

    def __reduce__(self) -> tuple[type[DoubleArray], tuple[object, ...]]:
        """Leave out the memory views."""
        return DoubleArray, (self.links, self.ids, self.codes)

    def codes_of(self, characters: NDArray[Any]) -> Ints:
        """Return the code of each code point."""
        codes = self.codes.take(characters.astype(np.intp, copy=False), mode="clip").astype(np.intp)
        codes[characters >= len(self.codes)] = 0
        return codes

    def matches(self, codes: Ints, ends: Ints) -> Matches:
        """Find all pieces that begin at each character.

        Args:
            codes: (characters,) from `codes_of`.
            ends: (characters,) where the text of each character ends. A piece does not go beyond it.
        """
        at = np.arange(len(codes))
        slots, length = np.full(len(codes), ROOT), 1
        links = np.full(len(codes), self.links[ROOT])
        found: list[tuple[Ints, int, NDArray[np.int32]]] = []
        while len(at):
            children = (links & BASE_MASK).astype(np.intp, copy=False)
            children += codes.take(at + (length - 1))
            links = self.links.take(children)
            exists = np.flatnonzero(links >> PARENT_SHIFT == slots)
            at, slots, links = at.take(exists), children.take(exists), links.take(exists)
            ids = self.ids.take(slots)
            hits = np.flatnonzero(ids != NO_PIECE)
            found.append((at.take(hits), length, ids.take(hits)))
            goes_on = np.flatnonzero(ends.take(at) - length > at)
            at, slots, links = at.take(goes_on), slots.take(goes_on), links.take(goes_on)
            length += 1
        if not found:
            return Matches(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.int32))
        starts, lengths, ids_of = zip(*found, strict=True)
        counts = [len(some) for some in starts]
        return Matches(np.concatenate(starts), np.repeat(lengths, counts), np.concatenate(ids_of))

    def find(self, piece: str) -> int | None:
        """Return the id of a piece, or None."""
        links, codes = self.links_of_one, self.codes_of_one
        slot = ROOT
        for code_point in map(ord, piece):
            code = codes[code_point] if code_point < len(codes) else 0
            child = (links[slot] & BASE_MASK) + code
            if links[child] >> PARENT_SHIFT != slot:
                return None
            slot = child
        token_id = self.ids_of_one[slot]
        return None if token_id == NO_PIECE else token_id
