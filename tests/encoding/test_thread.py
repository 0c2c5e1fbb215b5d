"""Pooling in a thread while the next batch is tokenized."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from sample_texts import SAMPLE_TEXTS, random_texts

from m2v_lite import InputValueError, StaticModel
from m2v_lite.embedding import pooling
from m2v_lite.encoding import thread
from m2v_lite.encoding.thread import LOOK_AHEAD, consume_in_thread, threads_run_freely

TEXTS = [*SAMPLE_TEXTS, *random_texts(300, seed=9)] * 5


@pytest.fixture
def _threads_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread, "threads_run_freely", lambda: True)


@pytest.fixture(autouse=True)
def _no_thread_is_left_behind() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.fixture
def pooling_threads(monkeypatch: pytest.MonkeyPatch) -> set[threading.Thread]:
    """The threads that have pooled."""
    threads = set()
    mean_rows = pooling.mean_rows

    def noted(*arguments: object) -> None:
        threads.add(threading.current_thread())
        mean_rows(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(pooling, "mean_rows", noted)
    return threads


@pytest.mark.usefixtures("_threads_pay")
def test_the_same_bits(bundled: StaticModel, pooling_threads: set[threading.Thread]) -> None:
    options = {"multiprocessing_threshold": len(TEXTS) - 1, "batch_size": 7}
    vectors = bundled.encode(TEXTS, **options)  # type: ignore[arg-type]
    assert len(pooling_threads) == 1
    assert threading.main_thread() not in pooling_threads
    np.testing.assert_array_equal(vectors, bundled.encode(TEXTS, use_multiprocessing=False))
    assert threading.main_thread() in pooling_threads


@pytest.mark.usefixtures("_threads_pay")
@pytest.mark.parametrize(
    "options", [{"multiprocessing_threshold": len(TEXTS)}, {"use_multiprocessing": False}, {}]
)
def test_no_thread_below_the_threshold_or_without_leave(
    options: dict[str, int], bundled: StaticModel, pooling_threads: set[threading.Thread]
) -> None:
    bundled.encode(TEXTS, **options)  # type: ignore[arg-type]
    assert pooling_threads == {threading.main_thread()}


def test_no_thread_where_it_does_not_pay(
    bundled: StaticModel, pooling_threads: set[threading.Thread]
) -> None:
    bundled.encode(TEXTS, multiprocessing_threshold=1)
    assert (pooling_threads == {threading.main_thread()}) is not threads_run_freely()


@pytest.mark.usefixtures("_threads_pay")
def test_what_is_raised_while_tokenizing(bundled: StaticModel) -> None:
    texts = [*TEXTS, "\ud800"]
    with pytest.raises(InputValueError, match=f"text {len(TEXTS)}"):
        bundled.encode(texts, multiprocessing_threshold=1)


@pytest.mark.usefixtures("_threads_pay")
def test_what_is_raised_while_pooling(bundled: StaticModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(pooling, "mean_rows", fail)
    with pytest.raises(MemoryError, match="no room"):
        bundled.encode(TEXTS, multiprocessing_threshold=1)


@pytest.mark.usefixtures("_threads_pay")
def test_an_interrupt(bundled: StaticModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("m2v_lite.encoding.texts.check_encodable", interrupt)
    with pytest.raises(KeyboardInterrupt):
        bundled.encode(TEXTS, multiprocessing_threshold=1)


def test_few_items_wait() -> None:
    """What is made and not yet consumed stays bounded, however slow the consumer is."""
    made: list[int] = []
    consumed: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            made.append(number)
            assert len(made) - len(consumed) <= LOOK_AHEAD + 2
            yield number

    def consume(number: int) -> None:
        time.sleep(0.005)
        consumed.append(number)

    consume_in_thread(consume, items())
    assert consumed == made == list(range(20))
