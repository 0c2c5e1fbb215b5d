"""The nearest chunks are found among many, by bits and by rows, and what is gone or not allowed is left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from m2v_lite.search import nearest as nearest_chunks
from m2v_lite.search.bits import distances, query_bits, signs
from m2v_lite.search.compact import compacted
from m2v_lite.search.database import Database
from m2v_lite.search.nearest import candidates, nearest
from m2v_lite.search.vector_blocks import Layout, Rows, append, drop, rows_at, rows_left

COLUMNS = 70
INT8 = Layout(np.dtype(np.int8), COLUMNS)


def unit_vectors(number: int, seed: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(number, COLUMNS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(str(tmp_path / "index.db"), create=True)
    yield opened
    opened.close()


def filled(database: Database, vectors: NDArray[np.float32], parts: list[int]) -> None:
    """Append vectors as the rows of chunks 1, 2, 3 and so on, in parts."""
    rows = Rows(*compacted(vectors, "int8"))
    for start, stop in zip([0, *parts], [*parts, len(vectors)], strict=True):
        part = slice(start, stop)
        with database.writing() as connection:
            append(
                connection,
                INT8,
                np.arange(start + 1, stop + 1),
                Rows(rows.numbers[part], rows.scales[part]),
            )


@given(st.integers(1, 200), st.integers(1, 50))
def test_distances_weigh_the_bits_that_differ(columns: int, number: int) -> None:
    generator = np.random.default_rng(columns * 1000 + number)
    rows = generator.integers(-3, 4, (number, columns)).astype(np.int8)
    query = generator.normal(size=columns).astype(np.float32)
    weights = np.minimum(np.rint(np.abs(query) / np.sqrt(np.square(query).mean()) * 1.5), 3)
    expected = ((rows > 0) != (query > 0)) @ weights
    found = query_bits(query)
    np.testing.assert_array_equal(distances(signs(rows), found), expected)
    assert found.most == weights.sum()


def test_a_query_without_a_direction_is_as_far_from_all() -> None:
    found = query_bits(np.zeros(COLUMNS, np.float32))
    assert not distances(signs(unit_vectors(5, 1)), found).any()


def test_rows_are_where_they_were_put(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2v_lite.search.vector_blocks.PAGES", 2)
    vectors = unit_vectors(5 * INT8.block + 7, 2)
    filled(database, vectors, [1, 2, INT8.page, INT8.page + 3, INT8.block, 3 * INT8.block + 5])
    numbers, scales = compacted(vectors, "int8")
    some = np.random.default_rng(3).permutation(len(vectors))
    with database.reading() as connection:
        rows = rows_at(connection, INT8, some)
        assert rows_left(connection) == len(vectors)
    np.testing.assert_array_equal(rows.numbers, numbers[some])
    np.testing.assert_array_equal(rows.scales, scales[some])


@pytest.mark.parametrize("compared", [10**6, 0], ids=["all rows", "a choice by bits"])
def test_what_is_gone_or_not_allowed_is_not_found(
    compared: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest_chunks, "COMPARED", compared)
    vectors = unit_vectors(2 * INT8.block + 100, 4)
    filled(database, vectors, [50])
    gone = np.arange(1, len(vectors), 3)
    with database.writing() as connection:
        drop(connection, gone)
    left = np.setdiff1d(np.arange(1, len(vectors) + 1), gone)
    query = unit_vectors(1, 5)[0]
    scores = vectors @ query
    with database.reading() as connection:
        for allowed in (None, left, left[:40], left[::5], left[-1:], left[:0]):
            some = left if allowed is None else allowed
            right = some[np.argsort(-scores[some - 1], kind="stable")][:10]
            found = nearest(connection, query, 10, INT8, allowed)
            assert len(found.chunks) == len(right)
            # int8 may turn around what is nearly as far.
            np.testing.assert_allclose(scores[found.chunks - 1], scores[right - 1], atol=0.01)


def test_a_choice_by_bits_is_bounded_and_has_the_nearest(database: Database) -> None:
    number = 3 * INT8.block
    vectors = unit_vectors(number, 6)
    vectors[:20] = vectors[0] + 0.3 * unit_vectors(20, 7)  # what a query is near
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    filled(database, vectors, [])
    with database.reading() as connection:
        chosen = candidates(connection, vectors[0], 100, INT8)
        all_of_them = candidates(connection, vectors[0], number, INT8)
    apart = distances(signs(compacted(vectors, "int8")[0]), query_bits(vectors[0]))
    most = np.sort(apart)[99]
    np.testing.assert_array_equal(chosen.chunks, 1 + np.flatnonzero(apart <= most))
    assert 100 <= len(chosen.chunks) < 300
    assert set(range(1, 21)) <= set(chosen.chunks.tolist())
    np.testing.assert_array_equal(chosen.positions, chosen.chunks - 1)
    np.testing.assert_array_equal(all_of_them.chunks, np.arange(1, number + 1))


@pytest.mark.parametrize("number", [20, 21])
def test_bits_choose_only_among_many(
    number: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[int] = []

    def noted(connection: Any, query: Any, wanted: int, *rest: Any) -> Any:
        chosen.append(wanted)
        return candidates(connection, query, wanted, *rest)

    monkeypatch.setattr(nearest_chunks, "COMPARED", 20)
    monkeypatch.setattr(nearest_chunks, "candidates", noted)
    filled(database, unit_vectors(number, 8), [])
    with database.reading() as connection:
        nearest(connection, unit_vectors(1, 9)[0], 10, INT8)
        nearest(connection, unit_vectors(1, 9)[0], 100, INT8)
        nearest(connection, unit_vectors(1, 9)[0], 10, INT8, np.arange(1, 6))
        for name, value in (("CHOSEN", 1), ("CHOSEN_FOR_EACH", 0), ("CHOSEN_OF", 2)):
            monkeypatch.setattr(nearest_chunks, name, value)
        nearest(connection, unit_vectors(1, 9)[0], 10, INT8)
    assert chosen == ([1000, 2000, 10] if number > 20 else [])
