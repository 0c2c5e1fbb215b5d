"""`pool.encode_batches`: in order, in bounded memory, while the next batches are encoded."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import random
import select
import signal
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_worker_pool
from hypothesis import HealthCheck, given, settings, strategies as st
from sample_texts import SAMPLE_TEXTS, random_texts
from test_forks import status_of_child
from test_worker_pool import METHODS, NEEDS_FORK, workers
from time_limit import await_end, wait_for

from m2v_lite import InputTypeError, InputValueError, StaticModel, WorkerError
from m2v_lite.encoding import worker_pool
from m2v_lite.encoding.batch_streams import encode_batches
from m2v_lite.encoding.shared_array import SharedArray
from m2v_lite.encoding.worker_pool import WorkerPool

TEXTS = [*SAMPLE_TEXTS, *random_texts(100, seed=7), "the cat sat on the mat " * 200]
POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX")
AHEAD = 2 * 2 + 1  # how many batches are under way with two workers


def uneven(batches: int) -> list[list[str]]:
    """Return batches of 0 to 60 texts."""
    generator = random.Random(3)
    return [generator.choices(TEXTS, k=generator.choice((0, 1, 2, 20, 60))) for _ in range(batches)]


_nothing_is_left_behind = test_worker_pool._nothing_is_left_behind


def check(stream: Any, batches: list[list[str]], model: StaticModel, **options: Any) -> None:
    """Check that a stream gives what `encode` gives, batch by batch."""
    found = 0
    for (vectors, _), texts in zip(stream, batches, strict=True):
        expected = model.encode(texts, **options)
        assert vectors.dtype == expected.dtype
        np.testing.assert_array_equal(vectors, expected)
        found += 1
    assert found == len(batches)


@pytest.mark.parametrize("method", METHODS)
def test_the_vectors_are_those_of_encode_in_order(method: str, bundled: StaticModel) -> None:
    batches = uneven(40)
    with bundled.pool(2, method) as pool:
        check(pool.encode_batches(batches), batches, bundled)
        first = workers()
        assert len(first) == 2
        check(pool.encode_batches(map(tuple, batches)), batches, bundled)
        np.testing.assert_array_equal(pool.encode(TEXTS), bundled.encode(TEXTS))
        check(pool.encode_batches([]), [], bundled)
        check(pool.encode_batches([[]]), [[]], bundled)
        assert workers() == first
    assert not workers()


@pytest.mark.parametrize(
    "options",
    [
        {"max_length": 3},
        {"max_length": None},
        {"normalize": False},
        {"batch_size": 60},
        {"truncate_dim": 7},
        {"truncate_dim": 64, "precision": "int8", "normalize": True},
        {"precision": "uint8"},
        {"precision": "ubinary"},
        {"precision": "binary", "truncate_dim": 24},
        {"prompt": "query: "},
    ],
)
def test_the_options_of_encode(options: dict[str, Any], bundled: StaticModel) -> None:
    batches = uneven(12)
    for number in (1, 2):
        with bundled.pool(number) as pool:
            check(pool.encode_batches(batches, **options), batches, bundled, **options)


def test_missing_texts(bundled: StaticModel) -> None:
    batches: Any = [["one", None], [None], ["two"]]
    with bundled.pool(2) as pool:
        check(pool.encode_batches(batches, null="empty"), batches, bundled, null="empty")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_batches_of_any_size_in_a_small_ring(data: st.DataObject, bundled: StaticModel) -> None:
    batches = data.draw(st.lists(st.lists(st.text(max_size=9).filter(is_unicode), max_size=5), max_size=20))
    with bundled.pool(data.draw(st.integers(1, 3))) as pool:
        check(pool.encode_batches(batches, batch_size=5), batches, bundled)


def is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def test_how_many_texts_were_cut(bundled: StaticModel) -> None:
    """Also those cut after so many characters, of which a worker gets hardly more."""
    characters = bundled._encoder.characters(2)
    assert characters is not None
    lengths = range(characters - 2, characters + 3)
    batches = [["a"], ["a a", "a a a", "a"], [], ["x" * 10_000] * 5, *([" " * length] for length in lengths)]
    expected = [0, 1, 0, 5, 0, 0, 0, 1, 1]
    alone = encode_batches(StaticModel.from_pretrained(max_length=2), batches)
    assert [cut for _, cut in alone] == expected
    for number in (1, 2):
        with bundled.pool(number) as pool:
            assert [cut for _, cut in pool.encode_batches(batches, max_length=2)] == expected


def test_vectors_stay_until_the_next_are_asked_for(bundled: StaticModel) -> None:
    batches = [[f"batch {batch}, text {text}" for text in range(9)] for batch in range(4 * AHEAD)]
    with bundled.pool(2) as pool:
        for (vectors, _), texts in zip(pool.encode_batches(batches, batch_size=9), batches, strict=True):
            time.sleep(0.01)  # all that is under way gets done
            np.testing.assert_array_equal(vectors, bundled.encode(texts))
            with pytest.raises(ValueError, match="read-only"):
                vectors[:] = 0


# --- what is under way


def test_batches_are_read_only_when_there_is_room(bundled: StaticModel) -> None:
    read: list[int] = []

    def batches() -> Iterator[list[str]]:
        for number in count():
            read.append(number)
            yield [f"text {number}"]

    with bundled.pool(2) as pool:
        stream = pool.encode_batches(batches())
        assert read == []
        assert not workers()
        for number, _ in enumerate(islice(stream, 50), 1):
            assert number <= len(read) < number + AHEAD
            time.sleep(0.002)
        assert len(read) >= 50 + 3, "the workers have nothing to do while the caller uses the vectors"


def test_memory_does_not_grow(bundled: StaticModel, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[SharedArray] = []

    class Noted(SharedArray):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(worker_pool, "SharedArray", Noted)

    def peak(batches: int) -> int:
        tracemalloc.start()
        try:
            for _ in pool.encode_batches(
                ([f"batch {batch}"] * 100 for batch in range(batches)), batch_size=100
            ):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    with bundled.pool(2) as pool:
        peak(10)
        assert peak(1000) < peak(100) + 200_000  # bytes; 900 batches of texts are some millions
    assert [array._size for array in made] == [AHEAD * 100 * 256 * 4] * 3


def slow_at_first(options: Any, texts: list[str], first: int, vectors: Any) -> int:
    time.sleep(0 if first else 0.5)
    vectors[:] = first
    return 0


def test_a_slow_batch_does_not_lose_the_order(bundled: StaticModel) -> None:
    with WorkerPool(bundled, pickle.dumps(slow_at_first), 2, None) as pool:
        stream = pool.encode_batches([["one", "two"]] * 20)
        assert [int(vectors[0, 0]) for vectors, _ in stream] == list(range(0, 40, 2))


# --- a live input


class Lines:
    """The lines of a pipe, each a batch, and when each was read. A batch of none comes before waiting for more."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.read_at: list[float] = []

    def fileno(self) -> int:
        return self._descriptor

    def __iter__(self) -> Iterator[list[str]]:
        text = b""
        while True:
            if not select.select([self._descriptor], [], [], 0)[0]:
                yield []
            more = os.read(self._descriptor, 3)
            text += more
            while b"\n" in text or (text and not more):
                line, _, text = text.partition(b"\n")
                self.read_at.append(time.monotonic())
                yield [line.decode()]
            if not more:
                return


@contextmanager
def live_lines() -> Iterator[tuple[Lines, Any]]:
    """Yield a live input and the file to write it. A forked worker must be there before, or it has the file, too."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb"), os.fdopen(writer, "wb", 0) as end:
        yield Lines(reader), end


@POSIX
@pytest.mark.parametrize("method", METHODS)
def test_the_next_batch_comes_only_after_the_vectors_of_the_first(method: str, bundled: StaticModel) -> None:
    with bundled.pool(2, method) as pool:
        pool.encode(TEXTS)
        with live_lines() as (lines, writer):
            stream = (vectors for vectors, _ in pool.encode_batches(lines, live=lines) if len(vectors))
            for number in range(12):
                writer.write(f"the first line {number}\nthe second\nand half of ".encode())
                for text in (f"{'and half of ' if number else ''}the first line {number}", "the second"):
                    np.testing.assert_array_equal(next(stream), bundled.encode([text]))
            writer.close()
            np.testing.assert_array_equal(next(stream), bundled.encode(["and half of "]))
            assert list(stream) == []


@POSIX
def test_an_input_that_comes_while_a_worker_is_busy_is_read_at_once(bundled: StaticModel) -> None:
    def write(file: Any) -> None:
        time.sleep(0.2)
        file.write(b"two\n")
        file.close()

    with WorkerPool(bundled, pickle.dumps(slow_at_first), 2, None) as pool:
        list(pool.encode_batches([["at first"], ["more"]]))
        with live_lines() as (lines, writer):
            writer.write(b"one\n")
            thread = threading.Thread(target=write, args=(writer,))
            thread.start()
            stream = pool.encode_batches(lines, live=lines)
            assert next(stream)[0][0, 0] == 0
            answered_at = time.monotonic()
            assert len(lines.read_at) == 2
            assert lines.read_at[1] < answered_at - 0.1
            assert [vectors[0, 0] for vectors, _ in stream if len(vectors)] == [1]
            await_end(thread)


# --- what goes wrong


@pytest.mark.parametrize("good", [0, 1, 4, 13])
def test_what_the_batches_raise_comes_in_its_place(good: int, bundled: StaticModel) -> None:
    batches = uneven(good)

    def failing() -> Iterator[list[str]]:
        yield from batches
        raise LookupError("no more")

    for number in (1, 2):
        with bundled.pool(number) as pool:
            stream = pool.encode_batches(failing())
            check(islice(stream, good), batches, bundled)
            with pytest.raises(LookupError, match="no more"):
                next(stream)
            assert list(stream) == []
            first = workers()
            check(pool.encode_batches(batches), batches, bundled)
            assert workers() == first


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        (["one", "a\ud800"], InputValueError, r"text 25: holds the lone surrogate U\+D800"),
        (["one", 3], InputTypeError, "text 25 is int 3, not a str"),
        (["one", None], InputTypeError, "text 25 is None, not a str"),
        ("one", InputTypeError, "batch 12 is str 'one'; give lists of texts"),
        (np.array("one"), InputTypeError, r"batch 12 is ndarray array\('one'.*; give lists of texts"),
        (3, InputTypeError, "expected a text or a list of texts, got int 3"),
        (["one"] * 3, InputValueError, "batch 12 has 3 texts; give at most 2, or set batch_size to more"),
    ],
)
def test_a_wrong_batch_is_an_error_in_its_place(
    wrong: Any, kind: type[Exception], message: str, bundled: StaticModel
) -> None:
    good = [[f"text {number}", "more"] for number in range(12)]
    later: Any = ["a\ud800"]
    for number in (1, 2):
        with bundled.pool(number) as pool:
            stream = pool.encode_batches([*good, wrong, later, *good], batch_size=2)
            check(islice(stream, 12), good, bundled)
            with pytest.raises(kind, match=message):
                next(stream)
            first = workers()
            check(pool.encode_batches(good), good, bundled)
            assert workers() == first


def test_impossible_options(bundled: StaticModel) -> None:
    with bundled.pool(2) as pool:
        for batches in ("one", 3, None):
            with pytest.raises(InputTypeError, match=r"batches is .*; give an iterable of lists of texts"):
                pool.encode_batches(batches)  # type: ignore[arg-type]
        with pytest.raises(
            InputTypeError, match=r"workers is int 3, but this pool already has its workers; leave"
        ):
            pool.encode_batches([], workers=3)
        with pytest.raises(InputTypeError, match="encode_batches has no option 'out'"):
            pool.encode_batches([], out=None)
        with pytest.raises(InputValueError, match="batch_size is 0"):
            pool.encode_batches([], batch_size=0)
        with pytest.raises(InputValueError, match="null is str 'ignore'"):
            next(pool.encode_batches([["one"]], null="ignore"))


def test_a_dead_worker_is_an_error_and_the_next_call_starts_others(bundled: StaticModel) -> None:
    batches = uneven(30)
    with bundled.pool(2) as pool:
        stream = pool.encode_batches(batches)
        check(islice(stream, 10), batches[:10], bundled)
        first = workers()
        multiprocessing.active_children()[0].kill()
        with pytest.raises(WorkerError, match="killed by signal 9") as caught:
            list(stream)
        assert not workers()
        assert caught.tb is not None  # which holds the stream while the pool is used again
        check(pool.encode_batches(batches), batches, bundled)
        assert not workers() & first


def end_late(options: Any, texts: list[str], first: int, vectors: Any) -> int:
    if first == 5:
        os._exit(7)
    return 0


def test_a_worker_that_ends_at_work(bundled: StaticModel) -> None:
    with WorkerPool(bundled, pickle.dumps(end_late), 2, None) as pool:
        with pytest.raises(WorkerError, match="stopped with status 7"):
            list(pool.encode_batches([["one"]] * 9))
        assert not workers()


def test_a_process_that_cannot_be_started(bundled: StaticModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(process: Any) -> None:
        raise BlockingIOError("no more processes")

    with bundled.pool(2) as pool:
        with monkeypatch.context() as patch:
            patch.setattr(multiprocessing.process.BaseProcess, "start", refuse)
            with pytest.raises(WorkerError, match="cannot be started"):
                list(pool.encode_batches([["one"]]))
        check(pool.encode_batches([["one"]]), [["one"]], bundled)


# --- streams that are left


@pytest.mark.parametrize("method", METHODS)
def test_a_stream_that_is_closed_early_leaves_a_pool_that_works(method: str, bundled: StaticModel) -> None:
    batches = uneven(30)
    with bundled.pool(2, method) as pool:
        for read in (0, 1, 7):
            stream = pool.encode_batches(batches)
            check(islice(stream, read), batches[:read], bundled)
            stream.close()  # type: ignore[attr-defined]
            assert list(stream) == []
            np.testing.assert_array_equal(pool.encode(TEXTS), bundled.encode(TEXTS))
        for _ in pool.encode_batches(batches):
            break
        np.testing.assert_array_equal(pool.encode(TEXTS), bundled.encode(TEXTS))


def test_a_stream_that_is_lost_leaves_a_pool_that_works(bundled: StaticModel) -> None:
    with bundled.pool(2) as pool:
        circle: list[Any] = [pool.encode_batches(uneven(30))]
        next(circle[0])
        circle.append(circle)
        first = workers()
        del circle
        gc.collect()
        np.testing.assert_array_equal(pool.encode(TEXTS), bundled.encode(TEXTS))
        assert len(workers()) == 2
        assert not workers() & first


def test_one_stream_at_a_time(bundled: StaticModel) -> None:
    batches = uneven(30)
    with bundled.pool(2) as pool:
        waiting, stream = pool.encode_batches(batches), pool.encode_batches(batches)
        check(islice(stream, 3), batches[:3], bundled)
        for call in (lambda: pool.encode(TEXTS), lambda: next(pool.encode_batches(batches))):
            with pytest.raises(WorkerError, match=r"this pool has an unfinished stream; read the stream"):
                call()
        check(stream, batches[3:], bundled)
        check(waiting, batches, bundled)


def test_batches_that_need_the_pool_are_told(bundled: StaticModel) -> None:
    with bundled.pool(2) as pool:

        def batches() -> Iterator[list[str]]:
            yield ["one"]
            pool.encode(TEXTS)

        stream = pool.encode_batches(batches())
        next(stream)
        with pytest.raises(WorkerError, match="this pool has an unfinished stream"):
            next(stream)


def test_batches_that_encode_themselves(bundled: StaticModel) -> None:
    with bundled.pool(2) as pool, bundled.pool(2) as other:
        batches = (
            [str(float(vectors[0, 0]))] for vectors, _ in other.encode_batches([[text] for text in TEXTS])
        )
        expected = [[str(float(bundled.encode([text])[0, 0]))] for text in TEXTS]
        check(pool.encode_batches(batches), expected, bundled)


def test_a_stream_outside_the_block(bundled: StaticModel) -> None:
    pool = bundled.pool(2)
    with pytest.raises(WorkerError, match="this pool is not open yet"):
        pool.encode_batches([["one"]])
    with pool:
        stream = pool.encode_batches([["one"]] * 9)
        later = pool.encode_batches([["one"]])
        next(stream)
    assert not workers()
    for one in (stream, later):
        with pytest.raises(WorkerError, match="this pool is closed"):
            next(one)
    with pytest.raises(WorkerError, match="this pool is closed"):
        pool.encode_batches([["one"]])


@NEEDS_FORK
def test_a_forked_process_leaves_the_stream_alone(bundled: StaticModel) -> None:
    batches = uneven(30)
    with bundled.pool(2, "fork") as pool:
        stream: Any = pool.encode_batches(batches)
        check(islice(stream, 3), batches[:3], bundled)

        def is_refused() -> bool:
            with pytest.raises(WorkerError, match="belongs to process"):
                next(stream)
            stream.close()
            return True

        def closes_it() -> bool:
            stream.close()
            return True

        assert status_of_child(is_refused) == 0
        assert status_of_child(closes_it) == 0
        check(stream, batches[3:], bundled)


def test_threads_are_told_or_take_turns(bundled: StaticModel) -> None:
    batches = uneven(60)
    refused: list[Exception] = []
    with bundled.pool(2) as pool:
        pool.encode(TEXTS)  # before there are threads
        is_done = threading.Event()

        def disturb() -> None:
            while not is_done.wait(0.001):
                try:
                    np.testing.assert_array_equal(pool.encode(TEXTS[:9]), bundled.encode(TEXTS[:9]))
                except WorkerError as error:
                    refused.append(error)

        thread = threading.Thread(target=disturb)
        stream = pool.encode_batches(batches)
        next(stream)
        thread.start()
        check(stream, batches[1:], bundled)
        is_done.set()
        await_end(thread)
    assert refused


# --- interrupts


@POSIX
@pytest.mark.parametrize("is_live", [False, True])
def test_an_interrupt_gets_through_while_the_input_is_awaited(is_live: bool, bundled: StaticModel) -> None:
    with bundled.pool(2) as pool, live_lines() as (lines, writer):
        writer.write(b"one\n")
        pool.encode(TEXTS)
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            for _ in pool.encode_batches(lines, live=lines if is_live else None):
                pass
        await_end(timer)
        assert not workers()
        np.testing.assert_array_equal(pool.encode(TEXTS), bundled.encode(TEXTS))


@POSIX
def test_an_interrupt_between_two_batches_is_not_held_back(bundled: StaticModel) -> None:
    with bundled.pool(2) as pool:
        stream = pool.encode_batches(["one"] for _ in count())
        next(stream)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        next(stream)
        stream.close()  # type: ignore[attr-defined]
        np.testing.assert_array_equal(pool.encode(TEXTS), bundled.encode(TEXTS))


def test_a_model_of_another_kind(tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained(tiny("wordpiece-float32"))
    batches = uneven(9)
    with model.pool(2) as pool:
        model.max_length, model.normalize = 2, False
        check(pool.encode_batches(batches), batches, model)
        wait_for(lambda: len(workers()) == 2)
