"""How texts and streams are cut into batches."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, strategies as st

from m2v_lite.encoding.batches import BATCH_CHARACTERS, BATCH_TEXTS, batches, fitting, gathered


@given(st.lists(st.integers(0, 3 * BATCH_CHARACTERS // 2), max_size=20), st.integers(1, 5))
def test_batches_cover_all_and_are_bounded(lengths: list[int], size: int) -> None:
    texts = ["x" * length for length in lengths]
    parts = [texts[place] for place in batches(texts, size)]
    assert [text for part in parts for text in part] == texts
    for part in parts[:-1]:  # none ends without need
        assert len(part) == size or sum(map(len, part)) >= BATCH_CHARACTERS
    for part in parts:
        assert 1 <= len(part) <= size
        assert sum(map(len, part[:-1])) < BATCH_CHARACTERS


def test_a_batch_of_a_stream_comes_as_soon_as_it_is_full() -> None:
    seen: list[int] = []

    def stream() -> Iterator[str]:
        for number in range(10 * BATCH_TEXTS):
            seen.append(number)
            yield "x"

    assert len(next(gathered(stream(), len))) == len(seen) == BATCH_TEXTS


@given(st.lists(st.text("ab", max_size=4), min_size=1), st.integers(1, 5), st.integers(1, 9))
def test_what_fits_ends_at_the_first_limit(texts: list[str], size: int, characters: int) -> None:
    number = fitting(texts, 0, size, characters)
    assert 1 <= number <= min(size, len(texts))
    assert sum(map(len, texts[: number - 1])) < characters
    assert number in (size, len(texts)) or sum(map(len, texts[:number])) >= characters
