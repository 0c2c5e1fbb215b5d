"""`model.pool`: workers that stay for a block, and whatever happens, nothing left behind."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_texts import SAMPLE_TEXTS, random_texts
from test_forks import status_of_child
from time_limit import LONGEST, await_end

from m2v_lite import InputTypeError, InputValueError, StaticModel, WorkerError
from m2v_lite.encoding import processes, shared_array, sharing, worker_process

METHODS = multiprocessing.get_all_start_methods()
EXHAUSTIVE = bool(os.environ.get("M2V_LITE_EXHAUSTIVE"))
# A process that is spawned takes a second to start.
INTERRUPTS = {method: 500 if EXHAUSTIVE else 40 if method == "fork" else 10 for method in METHODS}
TEXTS = [*SAMPLE_TEXTS, *random_texts(100, seed=7)] * 20
NEEDS_FORK = pytest.mark.skipif("fork" not in METHODS, reason="needs fork")


def left_behind() -> tuple[set[str], set[str], int]:
    """Return the processes, the threads and the number of descriptors that there are, but for tqdm's thread."""
    gc.collect()
    children = Path("/proc/self/task").glob("*/children")
    pids = {pid for file in children for pid in file.read_text().split()}
    threads = {thread.name for thread in threading.enumerate() if type(thread).__name__ != "TMonitor"}
    descriptors = Path("/proc/self/fd")
    return pids, threads, len(list(descriptors.iterdir())) if descriptors.is_dir() else 0


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(bundled: StaticModel) -> Iterator[None]:
    for method in METHODS:  # Python keeps the fork server, and the tracker of what is spawned
        with bundled.pool(1, method):
            context: Any = multiprocessing.get_context(method)
            context.Process(target=int).start()
    for child in multiprocessing.active_children():
        await_end(child)
    before = left_behind()
    yield
    assert left_behind() == before


def workers() -> set[int | None]:
    return {child.pid for child in multiprocessing.active_children()}


@pytest.mark.parametrize("method", METHODS)
def test_the_same_bits_and_the_same_workers_in_each_call(method: str, bundled: StaticModel) -> None:
    with bundled.pool(workers=2, start_method=method) as pool:
        assert not workers()
        np.testing.assert_array_equal(pool.encode(TEXTS), bundled.encode(TEXTS))
        first = workers()
        assert len(first) == 2
        for options in ({"max_length": 3}, {"normalize": False}, {"batch_size": 7}):
            vectors = pool.encode(iter(TEXTS), **options)
            np.testing.assert_array_equal(vectors, bundled.encode(TEXTS, **options))
        assert workers() == first
    assert not workers()


def test_few_texts_and_none(bundled: StaticModel) -> None:
    with bundled.pool(2) as pool:
        assert pool.encode([]).shape == (0, 256)
        np.testing.assert_array_equal(pool.encode("the cat"), bundled.encode("the cat"))
        np.testing.assert_array_equal(pool.encode(np.array("the cat")), bundled.encode("the cat"))
        assert not workers()
        for number in (1, 2, 3, 65):
            np.testing.assert_array_equal(pool.encode(TEXTS[:number]), bundled.encode(TEXTS[:number]))


def test_one_worker_is_this_process(bundled: StaticModel) -> None:
    with bundled.pool(1) as pool:
        np.testing.assert_array_equal(pool.encode(TEXTS[:9]), bundled.encode(TEXTS[:9]))
        assert not workers()


def test_settings_of_the_model_that_change_in_the_block(tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained(tiny("wordpiece-float32"))
    with model.pool(2) as pool:
        pool.encode(TEXTS)
        model.max_length, model.normalize = 2, False
        np.testing.assert_array_equal(pool.encode(TEXTS), model.encode(TEXTS))


def test_a_result_is_an_array_as_any_other(bundled: StaticModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is not copied: the next call does not change it, and it can be written."""
    monkeypatch.setattr(shared_array, "COPIED_BYTES", 0)
    expected, other = bundled.encode(TEXTS), bundled.encode(TEXTS[::-1])
    with bundled.pool(2) as pool:
        first = pool.encode(TEXTS)
        second = pool.encode(TEXTS[::-1])
        np.testing.assert_array_equal(first, expected)
    first += 1
    np.testing.assert_array_equal(first, expected + 1)
    np.testing.assert_array_equal(second, other)


@NEEDS_FORK
def test_a_forked_process_writes_only_its_own_copy(
    bundled: StaticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_array, "COPIED_BYTES", 0)
    with bundled.pool(2, "fork") as pool:
        vectors = pool.encode(TEXTS)
    child = multiprocessing.get_context("fork").Process(target=vectors.fill, args=(7,))
    child.start()
    await_end(child)
    child.close()
    np.testing.assert_array_equal(vectors, bundled.encode(TEXTS))


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="there is no other way here")
def test_a_sandbox_that_forbids_files_in_memory(
    bundled: StaticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "memfd_create", refuse)
    with bundled.pool(2) as pool:
        np.testing.assert_array_equal(pool.encode(TEXTS), bundled.encode(TEXTS))


def test_a_time_limit_of_sockets_changes_nothing(bundled: StaticModel) -> None:
    socket.setdefaulttimeout(0.001)
    try:
        with bundled.pool(2) as pool:
            np.testing.assert_array_equal(pool.encode(TEXTS), bundled.encode(TEXTS))
    finally:
        socket.setdefaulttimeout(None)


def test_threads_take_turns(bundled: StaticModel) -> None:
    from concurrent.futures import ThreadPoolExecutor

    expected = [bundled.encode(TEXTS[start:]) for start in range(6)]
    with bundled.pool(2) as pool:
        pool.encode(TEXTS)  # before there are threads
        with ThreadPoolExecutor(6) as threads:
            found = list(threads.map(lambda start: pool.encode(TEXTS[start:]), range(6)))
    for vectors, alone in zip(found, expected, strict=True):
        np.testing.assert_array_equal(vectors, alone)


# --- what goes wrong


def test_a_failure_leaves_the_workers(bundled: StaticModel) -> None:
    with bundled.pool(2) as pool:
        pool.encode(TEXTS)
        first = workers()
        with pytest.raises(InputValueError, match="text 500: "):
            pool.encode([*TEXTS[:500], "a lone \ud800", *TEXTS])
        np.testing.assert_array_equal(pool.encode(TEXTS), bundled.encode(TEXTS))
        assert workers() == first


def test_a_dead_worker_is_an_error_and_the_next_call_starts_others(bundled: StaticModel) -> None:
    with bundled.pool(2) as pool:
        pool.encode(TEXTS)
        first = workers()
        multiprocessing.active_children()[0].kill()
        with pytest.raises(WorkerError, match="killed by signal 9"):
            pool.encode(TEXTS)
        assert not workers()
        np.testing.assert_array_equal(pool.encode(TEXTS), bundled.encode(TEXTS))
        assert not workers() & first


@NEEDS_FORK
def test_a_dead_worker_whose_pipe_another_process_holds(
    bundled: StaticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of its pipe never comes; its own end is seen all the same."""
    monkeypatch.setattr(sharing, "LOOK_AFTER", 0.1)
    ends = []

    class HeldWorker(worker_process.Worker):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            ends.append(os.dup(self._theirs.fileno()))

    monkeypatch.setattr(processes, "Worker", HeldWorker)
    with bundled.pool(2) as pool:
        pool.encode(TEXTS)
        multiprocessing.active_children()[0].kill()
        with pytest.raises(WorkerError, match="killed by signal 9"):
            pool.encode(TEXTS)
    for end in ends:
        os.close(end)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((0,), InputValueError, "workers is 0; give a whole number of at least 1"),
        (("2",), InputTypeError, "workers is str '2'; give a whole number"),
        ((2, "thread"), InputValueError, "start_method is 'thread'; give one of .*spawn.*, or None"),
        ((2, 1), InputTypeError, "start_method is int 1; give one of .*spawn.*, or None"),
    ],
)
def test_impossible_arguments(
    arguments: tuple[Any, ...], kind: type[Exception], message: str, bundled: StaticModel
) -> None:
    with pytest.raises(kind, match=message):
        bundled.pool(*arguments)


def test_impossible_options(bundled: StaticModel) -> None:
    with bundled.pool(2) as pool:
        with pytest.raises(
            InputTypeError, match=r"workers is int 3, but this pool already has its workers; leave"
        ):
            pool.encode(TEXTS, workers=3)
        with pytest.raises(InputValueError, match="batch_size is 0"):
            pool.encode(TEXTS, batch_size=0)
        with pytest.raises(InputTypeError, match="normalize is str"):
            pool.encode(TEXTS, normalize="yes")  # type: ignore[arg-type]
        with pytest.raises(InputTypeError, match="text 1 is int 2"):
            pool.encode(["one", 2])  # type: ignore[list-item]


def test_a_model_made_of_arrays_has_no_pool(bundled: StaticModel) -> None:
    made = StaticModel(np.array(bundled.embedding), bundled.tokenizer)
    with pytest.raises(InputValueError, match="save it with save_pretrained"):
        made.pool(2)


def test_a_pool_outside_its_block(bundled: StaticModel) -> None:
    pool = bundled.pool(2)
    with pytest.raises(WorkerError, match="this pool is not open yet; use it inside its block"):
        pool.encode(TEXTS)
    with pool:
        with pytest.raises(WorkerError, match="is already in use in a `with` block"):
            pool.__enter__()
        pool.encode(TEXTS)
    for call in (lambda: pool.encode("one"), lambda: pool.encode(TEXTS), pool.__enter__):
        with pytest.raises(WorkerError, match="this pool is closed; use it inside its block"):
            call()


def test_a_pool_is_not_copied_or_pickled(bundled: StaticModel) -> None:
    with bundled.pool(2) as pool:
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(InputTypeError, match="a pool cannot be copied or pickled"):
                attempt(pool)


@NEEDS_FORK
def test_a_forked_process_leaves_the_pool_alone(bundled: StaticModel) -> None:
    with bundled.pool(2, "fork") as pool:
        pool.encode(TEXTS)

        def is_refused() -> bool:
            with pytest.raises(WorkerError, match="belongs to process"):
                pool.encode(TEXTS)
            pool.__exit__(None, None, None)
            pool._end()
            return True

        assert status_of_child(is_refused) == 0
        np.testing.assert_array_equal(pool.encode(TEXTS), bundled.encode(TEXTS))


def test_a_pool_that_is_lost_ends_its_workers(bundled: StaticModel) -> None:
    pool = bundled.pool(2).__enter__()
    pool.encode(TEXTS)
    assert workers()
    del pool
    gc.collect()
    assert not workers()


# --- interrupts


@pytest.mark.skipif(os.name == "nt", reason="POSIX")
@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_left_after_interrupts_at_random_moments(method: str, bundled: StaticModel) -> None:
    def work() -> None:
        with bundled.pool(3, method) as pool:
            pool.encode(TEXTS)
            for _ in pool.encode_batches([TEXTS[:100]] * 4):
                pass
            for _ in islice(pool.encode_batches([TEXTS[:100]] * 4), 2):
                pass
            pool.encode(TEXTS[:300])

    start = time.monotonic()
    work()
    longest = time.monotonic() - start
    before = left_behind()
    generator = random.Random(method)
    caught = 0
    for _ in range(INTERRUPTS[method]):
        ready, moment = threading.Event(), generator.uniform(0, longest)

        def interrupt(ready: threading.Event = ready, moment: float = moment) -> None:
            ready.wait(LONGEST)
            time.sleep(moment)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        try:
            thread.start()
            try:
                ready.set()
                work()
            finally:
                await_end(thread)
        except KeyboardInterrupt:
            caught += 1
            await_end(thread)
        assert left_behind() == before
    assert caught == INTERRUPTS[method]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@NEEDS_FORK
def test_an_interrupt_right_after_a_fork(bundled: StaticModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the worst moment of all: the process is there, and nobody has noted its number."""
    fork, parent = os.fork, os.getpid()

    def fork_and_interrupt() -> int:
        child = fork()
        if child:
            os.kill(parent, signal.SIGINT)
        return child

    monkeypatch.setattr(os, "fork", fork_and_interrupt)
    with pytest.raises(KeyboardInterrupt), bundled.pool(2, "fork") as pool:
        pool.encode(TEXTS)


@pytest.mark.skipif(os.name == "nt", reason="POSIX")
def test_a_handler_of_the_program_that_does_not_raise(bundled: StaticModel) -> None:
    calls: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: calls.append(number))
    try:
        with bundled.pool(2) as pool:
            thread = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT))
            pool.encode(TEXTS[:3])
            thread.start()
            for _ in range(3):
                np.testing.assert_array_equal(pool.encode(TEXTS), bundled.encode(TEXTS))
            await_end(thread)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert calls == [signal.SIGINT]
