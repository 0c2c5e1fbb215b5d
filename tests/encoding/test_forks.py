"""A process that is forked while other threads encode can encode, too."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sample_texts import SAMPLE_TEXTS, random_texts
from time_limit import await_end

from m2v_lite import StaticModel
from m2v_lite.tokenization import piece_store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

FORKS = 200 if os.environ.get("M2V_LITE_EXHAUSTIVE") else 40
THREADS = 8
LONGEST = 20.0  # for one child, which takes some milliseconds


def status_of_child(work: Callable[[], bool]) -> int:
    """Return 0 if a forked process finds that `work` is true, and 9 with a minus if it hangs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # to fork beside threads is what is tested
        child = os.fork()
    if not child:
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    deadline = time.monotonic() + LONGEST
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.001)


@pytest.mark.parametrize("kind", ["wordpiece", "unigram", "chunks"])
def test_forks_under_encoding_threads(kind: str, tiny: Callable[[str], Path]) -> None:
    name = {"wordpiece": "wordpiece-float32", "unigram": "unigram-int8-shared-weights", "chunks": "bpe-words"}
    model = StaticModel.from_pretrained(tiny(name[kind]), memo_bytes=60_000)
    texts = SAMPLE_TEXTS + random_texts(20, seed=1)
    expected = model.encode(texts)
    numbers = itertools.count()
    over = threading.Event()

    def encode() -> None:
        while not over.is_set():
            new = f"word{next(numbers)} neu{next(numbers)}é"
            model.encode([new] * 40)
            model.encode(new)

    def same_in_child() -> bool:
        new = model.encode([f"wort{next(numbers)} cat", "the cat"] * 20)
        return bool((model.encode(texts) == expected).all() and (new[1] == model.encode("the cat")).all())

    threads = [threading.Thread(target=encode) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        assert [status_of_child(same_in_child) for _ in range(FORKS)] == [0] * FORKS
    finally:
        over.set()
        for thread in threads:
            await_end(thread)


def test_a_lock_that_is_held_at_the_fork() -> None:
    """The worst moment, on purpose: another thread stores pieces."""
    with piece_store._storing:
        assert not status_of_child(
            lambda: piece_store.PieceStore().add(np.array([97, 98]), np.array([0, 2])).shape == (1,)
        )
