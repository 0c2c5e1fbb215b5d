"""Records become batches that lose and repeat nothing, whatever happens between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from arriving import content
from hypothesis import given, strategies as st

from m2v_lite.records.batches import TextRows, as_bytes, text_batches
from m2v_lite.records.gathering import NOTHING_YET, Limits, batches_of
from m2v_lite.records.policies import Policy, replaced

TEXTS = st.lists(st.text("ab\0\1\2", max_size=4))


@given(st.lists(st.none() | st.text("ab", max_size=4)), st.integers(1, 4), st.integers(1, 6), st.booleans())
def test_nothing_is_lost_or_repeated(
    items: list[str | None], most: int, characters: int, fails: bool
) -> None:
    taken: list[str] = []

    def records() -> Iterator[Any]:
        for number, item in enumerate(items):
            if item is not None:
                taken.append(item)
                yield item, item, number, None
                continue
            yield NOTHING_YET
            assert found == taken, "all is there before more is waited for"
        if fails:
            raise KeyboardInterrupt

    found: list[str] = []
    sizes = []
    try:
        for batch in batches_of(records(), TextRows, "a", "line", Limits(most, characters), len):
            found += batch.texts
            sizes.append(len(batch.texts))
            assert [items[number] for number in batch.places.numbers] == batch.texts
            assert sum(map(len, batch.texts[:-1])) < characters
    except KeyboardInterrupt:
        assert fails
    else:
        assert not fails
    assert found == taken == [item for item in items if item is not None]
    assert max(sizes, default=0) <= most
    assert sizes.count(0) == items.count(None), "a batch of none tells of each wait, and of nothing else"


@given(st.lists(st.none() | st.text("ab", min_size=1, max_size=3)), st.integers(1, 5), st.integers(1, 9))
def test_the_first_batch_may_wait_until_it_is_full(
    items: list[str | None], most: int, characters: int
) -> None:
    def sizes(items: list[str | None]) -> list[int]:
        records = (item if item is None else (item, item, 0, None) for item in items)
        limits = Limits(most, characters, first_is_full=True)
        found = [batch.texts for batch in batches_of(records, TextRows, "a", "line", limits, len)]
        assert [text for texts in found for text in texts] == [item for item in items if item is not None]
        return [len(texts) for texts in found]

    assert sizes(items)[:1] in ([], [0]) or sizes(items)[0] == sizes([i for i in items if i is not None])[0]


def test_to_stop_early_yields_nothing_more() -> None:
    closed = []

    def records() -> Iterator[Any]:
        try:
            for number in range(10):
                yield str(number), None, number, None
        finally:
            closed.append(True)

    source = records()
    batches = batches_of(
        source, lambda rows: TextRows([""] * len(rows)), "a", "line", Limits(2, 100), lambda row: 1
    )
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert next(batches, None) is None
    source.close()  # type: ignore[attr-defined]
    assert closed


@given(TEXTS, TEXTS)
def test_bytes_of_texts_are_as_different_as_the_texts(one: list[str], other: list[str]) -> None:
    assert (as_bytes(one) == as_bytes(other)) == (one == other)
    assert as_bytes(one) + as_bytes(other) == as_bytes(one + other)


def test_given_texts_are_divided() -> None:
    batches = list(text_batches(["a", "b", "c"], 2))
    assert [batch.texts for batch in batches] == [["a", "b"], ["c"]]
    part = batches[0].part(1, 2)
    assert (part.texts, part.places.described(0), part.rows.columns()) == (["b"], "text 2", {"text": ["b"]})
    assert content(batches) == content(text_batches(["a", "b", "c"], 1))


def test_policies_count_what_they_do() -> None:
    policy = Policy("skip", "empty")
    assert policy.summary() == ""
    assert policy.readable("\ud800", lambda: "line 1", None) is None
    policy.broken(lambda: "line 2", "broken")
    assert policy.text(None, lambda: "line 3") == ""
    assert policy.summary() == "2 records skipped as unreadable, 1 record with a missing text read as empty"
    with pytest.raises(ValueError, match=r"^line 4: broken$"):
        Policy("replace").broken(lambda: "line 4", "broken")


def test_one_error_is_replaced_by_one_character() -> None:
    assert replaced("a\udce2\udd82\udce2b\ud800") == "a\ufffd\ufffdb\ufffd"


def test_records_with_much_else_come_in_small_batches() -> None:
    records = iter([("short", "x" * 50_000, number, None) for number in range(40)])
    sizes = [
        len(batch.texts) for batch in batches_of(records, TextRows, "a", "line", Limits(4096, 200_000), len)
    ]
    assert sizes == [4] * 10
