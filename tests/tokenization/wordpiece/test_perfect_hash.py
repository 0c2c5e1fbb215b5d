"""The table of keys: it finds each key at its index, and nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from m2v_lite.tokenization.wordpiece import perfect_hash as module
from m2v_lite.tokenization.wordpiece.perfect_hash import FACTORS, MIX_SHIFT, PerfectHash, perfect_hash

if TYPE_CHECKING:
    from m2v_lite.tokenization.wordpiece.perfect_hash import Keys

EXHAUSTIVE = bool(os.environ.get("M2V_LITE_EXHAUSTIVE"))
ALL_BITS = (1 << 64) - 1
MANY = 4000
ANY_KEY = st.one_of(
    st.integers(0, ALL_BITS),
    st.integers(0, 300),
    st.integers(0, 300).map(lambda number: number << 55),
    st.integers(0, 63).map(lambda number: 1 << number),
)


def as_keys(numbers: object) -> Keys:
    return np.array(numbers, np.uint64)


def inverse(factor: int) -> np.uint64:
    return np.uint64(pow(factor, -1, 1 << 64))


def keys_of_hashes(hashes: Keys, factors: tuple[int, int]) -> Keys:
    """Return the keys that have some hashes."""
    keys = hashes * inverse(factors[1])
    if factors[1] != 1:
        keys ^= keys >> MIX_SHIFT
    return keys * inverse(factors[0])


def random_keys(number: int, seed: int) -> Keys:
    """Return keys that are all different."""
    keys = np.random.default_rng(seed).integers(0, ALL_BITS, number, np.uint64, endpoint=True)
    assert len(np.unique(keys)) == number
    return keys


def characters(codes: range) -> Keys:
    """Return each character as it lies in a chunk of UTF-8."""
    text = "".join(chr(code) for code in codes if not 0xD800 <= code <= 0xDFFF)
    return as_keys([int.from_bytes(character.encode(), "little") for character in text])


def assert_finds(keys: Keys) -> PerfectHash:
    """Assert that a table finds its keys and none of others: neighbours, random keys, keys of chosen hashes."""
    before = keys.copy()
    table = perfect_hash(keys)
    np.testing.assert_array_equal(keys, before)
    assert table.missing == len(keys)
    np.testing.assert_array_equal(table.find(keys.copy()), np.arange(len(keys)))
    slots = len(table.entries)
    shift = np.uint64(65 - slots.bit_length())
    # Many slots, each with the rest of the hash that an empty slot seems to hold, and others near it.
    each_slot = np.arange(0, slots, 1 + slots // MANY, dtype=np.uint64) << shift
    rests = [0, 1, ALL_BITS >> slots.bit_length() - 1, 1 << int(shift) - 1]
    others = [keys_of_hashes(each_slot + np.uint64(rest), table.factors) for rest in rests]
    some = keys[:: 1 + len(keys) // MANY]
    others += [some ^ np.uint64(1 << bit) for bit in (0, 1, 7, 8, 31, 32, 40, 62, 63)]
    others += [some + np.uint64(1), some - np.uint64(1), some << np.uint64(8), some >> np.uint64(8)]
    others += [random_keys(1000, seed=99), as_keys([0, 1, ALL_BITS, slots - 1, slots, len(keys)])]
    strange = np.setdiff1d(np.concatenate(others), keys)
    assert len(strange) > 500
    assert (table.find(strange.copy()) >= table.missing).all()
    # One by one, with the numbers of Python.
    places = range(0, len(keys), 1 + len(keys) // 100)
    assert [table.find_one(int(keys[place])) for place in places] == [*places]
    assert {table.find_one(key) for key in strange[:: 1 + len(strange) // 100].tolist()} == {-1}
    return table


@settings(deadline=None)
@given(st.lists(ANY_KEY, max_size=60, unique=True))
def test_any_keys(numbers: list[int]) -> None:
    assert_finds(as_keys(numbers))


@pytest.mark.parametrize(
    "number", [0, 1, 2, 3, 8, 15, 16, 17, 100, 5461, 8192, 8193, 10_922, 10_923, 300_000]
)
def test_random_keys(number: int) -> None:
    assert_finds(random_keys(number, seed=number))


def test_many_small_tables() -> None:
    """Few keys have few slots, and yet a place is found for each."""
    for seed in range(1500):
        keys = random_keys(1 + seed % 90, seed)
        table = perfect_hash(keys)
        np.testing.assert_array_equal(table.find(keys.copy()), np.arange(len(keys)))


@pytest.mark.parametrize(
    "keys",
    [
        as_keys([0]),
        as_keys([ALL_BITS]),
        np.arange(5000, dtype=np.uint64),
        np.arange(1, 5001, dtype=np.uint64) << np.uint64(20),
        np.arange(16, dtype=np.uint64) << np.uint64(60),
        np.arange(64, dtype=np.uint64) << np.uint64(58),
        np.arange(256, dtype=np.uint64) << np.uint64(56),
        (np.arange(256, dtype=np.uint64) << np.uint64(56)) + np.uint64(ord("a")),
        np.arange(1 << 14, dtype=np.uint64) << np.uint64(50),
        np.arange(1 << 16, dtype=np.uint64) << np.uint64(48),
        np.arange(1 << 14, dtype=np.uint64) << np.uint64(32),
        np.arange(1 << 14, dtype=np.uint64) * np.uint64((1 << 50) + 1),
        np.uint64(1) << np.arange(64, dtype=np.uint64),
        ~(np.uint64(1) << np.arange(64, dtype=np.uint64)),
        characters(range(0x80)),
        characters(range(0x80, 0x800)),
        characters(range(0x800, 0x10000)),
        characters(range(0x10000, 0x20000)),
        characters(range(0x110000 if EXHAUSTIVE else 0x30000)),
        np.concatenate([characters(range(0x3000)) << np.uint64(8 * place) for place in (0, 2, 4)])[1:],
    ],
    ids=lambda keys: f"{len(keys)}-{int(keys[-1]):x}",
)
def test_keys_with_a_pattern(keys: Keys) -> None:
    assert_finds(np.unique(keys))
    assert_finds(np.unique(keys)[::-1].copy())


@pytest.mark.parametrize("factor", FACTORS)
def test_hashes_with_zeros_below(factor: int) -> None:
    """Keys that the first multiplication of each trial hashes badly: they differ in some bits alone."""
    for shift in (0, 20, 40, 50, 56):
        hashes = np.arange(200, dtype=np.uint64) << np.uint64(shift)
        assert_finds(keys_of_hashes(hashes, (factor, 1)))


def test_empty_slots_hold_no_key() -> None:
    """Every slot is asked for the rest of the hash that an empty slot seems to hold."""
    for number in (0, 1, 5, 40, 3000):
        keys = random_keys(number, seed=number) | np.uint64(1 << 63)
        table = perfect_hash(keys)
        slots = len(table.entries)
        shift = 65 - slots.bit_length()
        hashes = np.arange(slots, dtype=np.uint64) << np.uint64(shift)
        strange = keys_of_hashes(hashes, table.factors)
        assert np.count_nonzero(table.entries == slots - 1) >= slots - number > 0
        found = table.find(strange.copy())
        is_key = np.isin(strange, keys)
        assert (found[~is_key] >= table.missing).all()
        assert np.count_nonzero(is_key) < 2


def test_more_dimensions() -> None:
    keys = random_keys(60, seed=3)
    table = perfect_hash(keys)
    np.testing.assert_array_equal(table.find(keys.reshape(3, 20).copy()), np.arange(60).reshape(3, 20))
    assert table.find(as_keys([])).shape == (0,)


@pytest.mark.parametrize("number", [2, 3, 10, 100, 20_000])
def test_equal_keys(number: int) -> None:
    keys = random_keys(number, seed=number)
    keys[-1] = keys[0]
    with pytest.raises(ValueError, match="two keys are equal"):
        perfect_hash(keys)
    with pytest.raises(ValueError, match="two keys are equal"):
        perfect_hash(np.zeros(number, np.uint64))


def test_a_hash_that_multiplies_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    second_factor = module.SECOND_FACTORS[1]
    monkeypatch.setattr(module, "SECOND_FACTORS", (second_factor,))
    for seed in range(20):
        table = assert_finds(random_keys(10 + 10 * seed, seed))
        assert table.factors[1] == second_factor


def test_keys_that_are_hard_to_place() -> None:
    """Different keys always find a place. Here, two thirds of the slots are to be used: the most."""
    for seed in (212, *range(5)):
        keys = np.random.default_rng(seed).integers(0, 1 << 63, 10_922, np.uint64)
        table = perfect_hash(keys)
        np.testing.assert_array_equal(table.find(keys.copy()), np.arange(len(keys)))
