"""The pooling kernels against numpy's own mean, bit for bit."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from m2v_lite.embedding import pooling

DTYPES = ["float64", "float32", "float16", "int8", "uint16"]


def slow_means(
    table: NDArray[Any],
    row_ids: NDArray[np.intp],
    bounds: NDArray[np.intp],
    weights: NDArray[Any] | None,
    dtype: str,
) -> NDArray[Any]:
    """The obvious way: one text after the other, with `numpy.mean`."""
    means = np.zeros((len(bounds) - 1, table.shape[1]), dtype)
    for text in range(len(means)):
        part = slice(bounds[text], bounds[text + 1])
        rows = table[row_ids[part]]
        if table.dtype == np.uint16:
            rows = (rows.astype(np.uint32) << 16).view(np.float32)
        if weights is not None:
            rows = rows * weights[part][:, None]
        if len(rows):
            means[text] = rows.mean(axis=0)
    return means


def random_batch(
    seed: int, dtype: str, dim: int, lengths: list[int], weights_dtype: str | None
) -> tuple[Any, ...]:
    generator = np.random.default_rng(seed)
    if dtype == "int8":
        table: NDArray[Any] = generator.integers(-128, 128, (50, dim)).astype(np.int8)
    else:
        table = generator.standard_normal((50, dim)) * 10.0 ** generator.integers(-3, 3, (50, 1))
        if dtype == "uint16":
            table = (table.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        table = table.astype(dtype)
    bounds = np.cumsum([0, *lengths])
    row_ids = generator.integers(0, 50, bounds[-1], np.intp)
    weights = None if weights_dtype is None else generator.random(bounds[-1]).astype(weights_dtype)
    return table, row_ids, bounds, weights


def vector_dtype(dtype: str) -> str:
    return "float32" if dtype in ("int8", "uint16") else dtype


@given(
    st.integers(0, 2**32),
    st.sampled_from(DTYPES),
    st.sampled_from([1, 2, 3, 8, 64, 257]),
    st.lists(st.one_of(st.integers(0, 12), st.integers(0, 700)), max_size=40),
    st.sampled_from([None, "float32", "float64"]),
)
@settings(max_examples=300, deadline=None)
def test_mean_rows_is_numpys_mean(
    seed: int, dtype: str, dim: int, lengths: list[int], weights_dtype: str | None
) -> None:
    table, row_ids, bounds, weights = random_batch(seed, dtype, dim, lengths, weights_dtype)
    vectors = np.full((len(lengths), dim), 7, vector_dtype(dtype))
    pooling.mean_rows(table, row_ids, bounds, vectors, weights)
    expected = slow_means(table, row_ids, bounds, weights, vector_dtype(dtype))
    np.testing.assert_array_equal(vectors, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", [2, 64])
@pytest.mark.parametrize("longs", [0, 10**9], ids=["step", "loop"])
def test_each_kernel_alone(dtype: str, dim: int, longs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "how_many_are_long", lambda lengths, dim: min(longs, len(lengths)))
    lengths = [0, 3, 1, 0, 300, 257, 256, 40, 1, 0]
    table, row_ids, bounds, _ = random_batch(5, dtype, dim, lengths, None)
    vectors = np.full((len(lengths), dim), 7, vector_dtype(dtype))
    pooling.mean_rows(table, row_ids, bounds, vectors)
    np.testing.assert_array_equal(vectors, slow_means(table, row_ids, bounds, None, vector_dtype(dtype)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_small_scratch_changes_nothing(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = [1, 900, 17, 5, 0, 64, 65, 5]
    table, row_ids, bounds, weights = random_batch(6, dtype, 16, lengths, "float32")
    expected = np.empty((len(lengths), 16), vector_dtype(dtype))
    pooling.mean_rows(table, row_ids, bounds, expected, weights)
    monkeypatch.setattr(pooling, "LOOP_BYTES", 1000)
    monkeypatch.setattr(pooling, "STEP_BYTES", 128)
    vectors = np.empty_like(expected)
    pooling.mean_rows(table, row_ids, bounds, vectors, weights)
    np.testing.assert_array_equal(vectors, expected)


def test_int8_sums_do_not_overflow() -> None:
    for value in (-128, 127):
        for length in (1, 255, 256, 257, 258, 70_000):
            table = np.full((1, 4), value, np.int8)
            vectors = np.empty((2, 4), np.float32)
            pooling.mean_rows(
                table, np.zeros(2 * length, np.intp), np.array([0, length, 2 * length]), vectors
            )
            assert (vectors == value).all()


def test_minus_zero_stays_minus_zero() -> None:
    table = np.full((1, 2), -0.0, np.float32)
    for texts in (1, 50):
        vectors = np.empty((texts, 2), np.float32)
        pooling.mean_rows(table, np.zeros(texts, np.intp), np.arange(texts + 1), vectors)
        assert np.signbit(vectors).all()


@pytest.mark.parametrize(
    "variant",
    [
        lambda table: np.asfortranarray(table),
        lambda table: np.repeat(table, 3, axis=1)[:, ::3],
        lambda table: table.astype(table.dtype.newbyteorder(">")),
        lambda table: (
            np.frombuffer(b"x" + table.tobytes(), np.uint8)[1:].view(table.dtype).reshape(table.shape)
        ),
    ],
    ids=["fortran", "strided", "big-endian", "unaligned"],
)
def test_a_table_of_any_memory_layout(variant: Any) -> None:
    table, row_ids, bounds, _ = random_batch(8, "float32", 16, [3, 0, 200, 5, 600], None)
    expected = np.empty((5, 16), np.float32)
    pooling.mean_rows(table, row_ids, bounds, expected)
    vectors = np.empty_like(expected)
    pooling.mean_rows(variant(table), row_ids, bounds, vectors)
    np.testing.assert_array_equal(vectors, expected)


def test_few_long_texts_among_many_short_ones_are_looped() -> None:
    lengths = np.array([500, 400, 300, *[20] * 1000])
    assert pooling.how_many_are_long(lengths, 256) == 3
    assert pooling.how_many_are_long(np.full(1000, 20), 256) == 0
    assert pooling.how_many_are_long(np.full(500, 512), 256) == 500
    assert pooling.how_many_are_long(np.array([30]), 256) == 1
    assert pooling.how_many_are_long(np.array([], np.intp), 256) == 0


@pytest.mark.parametrize("dim", [2, 64, 256, 1024])
@pytest.mark.parametrize("seed", range(5))
def test_the_cheapest_number_of_texts_is_looped(dim: int, seed: int) -> None:
    """Of all numbers of longest texts, counted one by one."""
    generator = np.random.default_rng(seed)
    lengths = np.sort(generator.lognormal(3, 2, 30).astype(np.intp))[::-1]

    def cost(looped: int) -> float:
        in_loop, in_steps = lengths[:looped].tolist(), lengths[looped:].tolist()
        loop = len(in_loop) * pooling.LOOP_COST + sum(in_loop) * dim
        steps = max(in_steps, default=0) * pooling.STEP_COST
        return float(loop + steps + sum(in_steps) * dim * pooling.STEP_ROW_COST)

    cheapest = min(cost(looped) for looped in range(len(lengths) + 1))
    assert cost(pooling.how_many_are_long(lengths, dim)) == pytest.approx(cheapest)


def test_a_long_text_is_long_where_numbers_have_32_bits() -> None:
    """200,000 steps cost more than fits in 32 bits."""
    assert pooling.how_many_are_long(np.array([200_000, *[20] * 100], np.int32), 256) == 1


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_unit_rows_are_those_of_model2vec(dtype: str) -> None:
    vectors = (np.random.default_rng(0).standard_normal((50, 33)) * 100).astype(dtype)
    vectors[7] = 0
    single = vectors.astype(np.float32)
    # As numpy.linalg.norm, which on ARMv7 takes inexact roots in float32.
    roots = np.sqrt(np.sum(single * single, axis=1, keepdims=True), dtype=np.float64)
    expected = (single / (roots.astype(np.float32) + np.float32(1e-32))).astype(dtype)
    pooling.scale_to_unit(vectors)
    np.testing.assert_array_equal(vectors, expected)
    assert not vectors[7].any()


def test_the_norm_of_float16_does_not_overflow() -> None:
    vectors = np.full((1, 4), 60_000, np.float16)
    pooling.scale_to_unit(vectors)
    np.testing.assert_array_equal(vectors, np.full((1, 4), 0.5, np.float16))


def test_a_single_column_is_summed_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """numpy adds a single column pairwise, which cannot be done in parts."""
    monkeypatch.setattr(pooling, "LOOP_BYTES", 100)
    table, row_ids, bounds, _ = random_batch(9, "float32", 1, [700, 3], None)
    vectors = np.empty((2, 1), np.float32)
    pooling.mean_rows(table, row_ids, bounds, vectors)
    np.testing.assert_array_equal(vectors, slow_means(table, row_ids, bounds, None, "float32"))


def test_very_short_vectors_are_scaled() -> None:
    vectors = np.full((1, 4), 1e-15, np.float32)
    pooling.scale_to_unit(vectors)
    np.testing.assert_allclose(vectors, np.full((1, 4), 0.5), rtol=1e-6)


def peak_of(work: Callable[[], object]) -> int:
    """The most bytes that some work takes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def odd_table(kind: str) -> NDArray[Any]:
    """Return a table of 8 MB whose rows are not all in one piece, or begin at odd places."""
    table = np.zeros(8_000_004, np.uint8)
    if kind == "strided":
        return table[:8_000_000].view(np.float32).reshape(-1, 64)[:, :32]
    return table[1:8_000_001].view(np.float32).reshape(-1, 64)


@pytest.mark.parametrize("kind", ["strided", "unaligned"])
def test_a_table_that_take_would_copy_is_not_copied(kind: str) -> None:
    view = odd_table(kind)
    vectors = np.empty((20, view.shape[1]), np.float32)
    bounds = np.arange(21) * 10
    assert peak_of(lambda: pooling.mean_rows(view, np.arange(200), bounds, vectors)) < 2_000_000


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint16", "int8"])
def test_a_long_text_takes_little_scratch_memory(dtype: str) -> None:
    """All its rows at once would take a hundred megabytes or more."""
    table = np.ones((10, 256), dtype)
    row_ids = np.zeros(400_000, np.intp)
    vectors = np.empty((1, 256), vector_dtype(dtype))
    bounds = np.array([0, len(row_ids)])
    assert peak_of(lambda: pooling.mean_rows(table, row_ids, bounds, vectors)) < 4_000_000
    assert peak_of(lambda: pooling.mean_row(table, row_ids, None, vectors.dtype)) < 4_000_000


def test_many_short_texts_take_little_scratch_memory() -> None:
    """The sums of all of them at once would take as much as the vectors, and their rows once more."""
    table = np.ones((10, 256), np.float32)
    vectors = np.empty((40_000, 256), np.float32)
    row_ids = np.zeros(2 * len(vectors), np.intp)
    bounds = 2 * np.arange(len(vectors) + 1)
    assert pooling.how_many_are_long(np.diff(bounds), 256) == 0
    assert peak_of(lambda: pooling.mean_rows(table, row_ids, bounds, vectors)) < vectors.nbytes // 8


@pytest.mark.parametrize("kind", ["strided", "unaligned"])
def test_a_single_text_does_not_copy_the_table_either(kind: str) -> None:
    view = odd_table(kind)
    assert peak_of(lambda: pooling.mean_row(view, np.arange(10), None, np.dtype(np.float32))) < 1_000_000
