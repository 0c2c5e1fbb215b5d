"""A perfect hash: finds the index of a 64-bit key in a fixed set with one look-up and no probing.

The hash never collides on its own keys ("Hash, displace, and compress",
https://cmph.sourceforge.net/papers/esa09.pdf). Multiplying a key by an odd factor produces its hash. Because
the factor is odd, different keys have different hashes. The upper bits of the hash select a slot, and the
next bits select a bucket. Each bucket has a displacement, which is applied to the slots of its keys and
chosen so that no two keys share a slot. A slot has the rest of the hash and the index of its key, so that one
comparison shows whether a key is in the set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Keys = NDArray[np.uint64]

# Natural vocabularies need only one multiplication. Keys with a regular pattern are mixed once more.
GOLDEN = 0x9E3779B97F4A7C15
FACTORS = tuple(GOLDEN * (2 * number + 1) % (1 << 64) for number in range(64))
SECOND_FACTORS = (1, 0xD6E8FEB86659FD93)
MIX_BITS = 32
MIX_SHIFT = np.uint64(MIX_BITS)
KEY_MASK = (1 << 64) - 1
INDEX_BITS = np.dtype(np.intp).itemsize * 8

# A bucket with more keys shows that the keys have a pattern.
MOST_KEYS_OF_BUCKET = 16
# Trials for the displacements of one kind of bucket. Dozens suffice for hashes without a pattern.
ROUNDS = 500


def as_indexes(numbers: Keys) -> NDArray[np.intp]:
    """Return numbers as numpy takes them for indexes: the same memory, if an index has 64 bits."""
    return numbers.view(np.intp) if INDEX_BITS == 64 else numbers.astype(np.intp)


class PerfectHash:
    """Finds keys; made by `perfect_hash`.

    Args:
        keys: the number of keys.
        entries: (slots,) uint64; the number of slots is a power of two.
        displacements: (buckets,) uint32; the number of buckets is a power of two.
        factors: the odd factors of the hash; the second is 1 if the hash needs no second multiplication.

    Attributes:
        missing: the number of keys; a larger index means that the key is missing.
        find_one: returns the index of one key, or -1 if it is missing.

    Examples:
        >>> table = perfect_hash(np.array([30, 10, 20], np.uint64))
        >>> indexes = table.find(np.array([10, 11, 20], np.uint64))
        >>> [int(index) if index < table.missing else None for index in indexes]
        [1, None, 2]
        >>> table.find_one(10), table.find_one(11)
        (1, -1)
        >>> indexes, keys = table.items()
        >>> sorted(zip(indexes.tolist(), keys.tolist()))
        [(0, 30), (1, 10), (2, 20)]
    """

    def __init__(
        self, keys: int, entries: Keys, displacements: NDArray[np.uint32], factors: tuple[int, int]
    ) -> None:
        slot_bits, bucket_bits = len(entries).bit_length() - 1, len(displacements).bit_length() - 1
        self.entries, self.displacements, self.factors = entries, displacements, factors
        self.missing = np.uint64(keys)
        self._factor, self._second_factor = map(np.uint64, factors)
        self._is_mixed = factors[1] != 1
        self._to_slot, self._to_bucket = np.uint64(64 - slot_bits), np.uint64(64 - slot_bits - bucket_bits)
        self._bucket_mask = np.uint64(len(displacements) - 1)
        self._slot_bits = np.uint64(slot_bits)
        self.find_one = _find_one(keys, entries, displacements, factors)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out the function: a copy makes its own."""
        return PerfectHash, (int(self.missing), self.entries, self.displacements, self.factors)

    def find(self, keys: Keys) -> Keys:
        """Return the index of each key, or a number of at least `missing`. This overwrites `keys`."""
        keys *= self._factor
        if self._is_mixed:
            keys ^= keys >> MIX_SHIFT
            keys *= self._second_factor
        buckets = keys >> self._to_bucket
        buckets &= self._bucket_mask
        slots = keys >> self._to_slot
        slots ^= self.displacements.take(as_indexes(buckets))
        found: Keys = self.entries.take(as_indexes(slots))
        # The upper bits vanish if the rest of the hash is that of the slot's key; the index is left.
        keys <<= self._slot_bits
        found ^= keys
        return found

    def items(self) -> tuple[NDArray[np.intp], Keys]:
        """Return the indexes and the keys of all entries, in any order: it undoes each step of `find`."""
        index_mask = np.uint64(len(self.entries) - 1)
        slots = np.flatnonzero(self.entries & index_mask < self.missing)
        entries = self.entries.take(slots)
        indexes = as_indexes(entries & index_mask)
        entries >>= self._slot_bits
        keys: Keys = slots.astype(np.uint64)
        keys ^= self.displacements.take(as_indexes(entries >> self._to_bucket))
        keys <<= self._to_slot
        keys |= entries
        if self._is_mixed:
            keys *= _inverse(self.factors[1])
            keys ^= keys >> MIX_SHIFT
        keys *= _inverse(self.factors[0])
        return indexes, keys


def _inverse(factor: int) -> np.uint64:
    """Return the number by which to multiply, modulo 2**64, to undo a multiplication by an odd factor."""
    return np.uint64(pow(factor, -1, 1 << 64))


def _find_one(
    keys: int, entries: Keys, displacements: NDArray[np.uint32], factors: tuple[int, int]
) -> Callable[[int], int]:
    """Return the function that returns the index of one key, or -1.

    It does what `PerfectHash.find` does, with the numbers of Python, which are quicker one by one.
    """
    slot_bits, bucket_bits = len(entries).bit_length() - 1, len(displacements).bit_length() - 1
    to_slot, to_bucket = 64 - slot_bits, 64 - slot_bits - bucket_bits
    bucket_mask, (factor, second_factor) = len(displacements) - 1, factors
    # Python reads single numbers quickest through memoryviews, in the machine's byte order.
    slots = np.ascontiguousarray(entries, np.uint64).data
    buckets = np.ascontiguousarray(displacements, np.uint32).data

    def find_one(key: int) -> int:
        mixed = key * factor & KEY_MASK
        if second_factor != 1:
            mixed = (mixed ^ mixed >> MIX_BITS) * second_factor & KEY_MASK
        slot = mixed >> to_slot ^ buckets[mixed >> to_bucket & bucket_mask]
        index = slots[slot] ^ (mixed << slot_bits & KEY_MASK)
        return index if index < keys else -1

    return find_one


def perfect_hash(keys: Keys) -> PerfectHash:
    """Return a table of keys.

    Args:
        keys: (keys,) all different.

    Raises:
        ValueError: two keys are equal, or no factor keeps the keys apart.
    """
    # A third to two thirds of the slots are used, and there are half as many buckets.
    slot_bits = max(4, (len(keys) * 3 // 2).bit_length())
    bucket_bits = slot_bits - 1
    for second_factor in SECOND_FACTORS:
        for factor in FACTORS:
            factors = factor, second_factor
            placed = _place(keys, factors, slot_bits, bucket_bits)
            if placed is not None:
                return PerfectHash(len(keys), *placed, factors)
            ordered = np.sort(keys)
            if (ordered[1:] == ordered[:-1]).any():
                raise ValueError("two keys are equal")
    raise ValueError("no factor keeps the keys apart")


def _place(
    keys: Keys, factors: tuple[int, int], slot_bits: int, bucket_bits: int
) -> tuple[Keys, NDArray[np.uint32]] | None:
    """Return entries and displacements, or None if these factors do not lead to any."""
    slots, buckets = 1 << slot_bits, 1 << bucket_bits
    hashes = keys * np.uint64(factors[0])
    if factors[1] != 1:
        hashes ^= hashes >> MIX_SHIFT
        hashes *= np.uint64(factors[1])
    slot = (hashes >> np.uint64(64 - slot_bits)).astype(np.int32)
    bucket = (hashes >> np.uint64(64 - slot_bits - bucket_bits)).astype(np.int32)
    bucket &= np.int32(buckets - 1)
    loads = np.bincount(bucket, minlength=buckets)
    if loads.max() > MOST_KEYS_OF_BUCKET:
        return None
    values = hashes
    values <<= np.uint64(slot_bits)
    values |= np.arange(len(keys), dtype=np.uint64)
    displacements = np.zeros(buckets, np.uint32)
    # The lower bits of an empty slot's entry name an index that no key has.
    entries = np.full(slots, slots - 1, np.uint64)
    is_free, owners = np.ones(slots, bool), np.empty(slots, np.int32)
    load = loads.astype(np.int8)[bucket]
    # Full buckets are the hardest to place, so they come first.
    for chosen in (load > 3, load == 3, load == 2):
        left = np.flatnonzero(chosen)
        if not _place_buckets(
            bucket[left], slot[left], values[left], entries, displacements, is_free, owners
        ):
            return None
    # A key alone in its bucket may have any slot.
    left = np.flatnonzero(load == 1)
    free = np.flatnonzero(is_free)[: len(left)]
    entries[free] = values[left]
    displacements[bucket[left]] = slot[left] ^ free
    return entries, displacements


def _place_buckets(
    bucket: NDArray[np.int32],
    slot: NDArray[np.int32],
    values: Keys,
    entries: Keys,
    displacements: NDArray[np.uint32],
    is_free: NDArray[np.bool_],
    owners: NDArray[np.int32],
) -> bool:
    """Place keys of some buckets, all buckets at once, and return whether all of them fit.

    Args:
        bucket, slot, values: (keys,) the bucket of each key, its slot before the displacement, and its entry.
        entries, displacements, is_free: written.
        owners: (slots,) overwritten.
    """
    mask = np.int32(len(entries) - 1)
    for number in range(ROUNDS):
        if not len(bucket):
            return True
        # Any numbers in no order will do, as long as the keys of a bucket get the same.
        displacement = (bucket + np.int32(number)) * np.int32(GOLDEN >> 34)
        displacement ^= displacement >> 15
        displacement &= mask
        wanted = slot ^ displacement
        # If several buckets want a slot, the one that numpy writes last gets it.
        owners[wanted] = bucket
        fits = owners[wanted] == bucket
        fits &= is_free[wanted]
        has_failed = np.zeros(len(displacements), bool)
        has_failed[bucket[~fits]] = True
        left = has_failed[bucket]
        done = ~left
        wanted, placed = wanted[done], values[done]
        entries[wanted] = placed
        if (entries[wanted] != placed).any():
            return False  # two keys of a bucket want the same slot, whatever the displacement
        is_free[wanted] = False
        displacements[bucket[done]] = displacement[done]
        bucket, slot, values = bucket[left], slot[left], values[left]
    return False
