"""Encodes parts of a list of texts in several processes at once, into one array.

A forked worker inherits its parent's encoder. Any other worker receives the pickled encoder, which is little
more than a model's path, and maps the model's table itself. Texts reach a worker through a pipe. The worker
writes their vectors to the right rows of the result, which all processes have mapped. Each worker has one
part in progress and one waiting.

This module starts no threads, so that forking is safe. It does not use
`concurrent.futures.ProcessPoolExecutor`, whose threads run as long as its workers. On Python 3.12 and later,
forking anything else while such a pool is open raises a DeprecationWarning; so does a second pool. Its
workers also do not stop if their parent is killed. (Measured on Python 3.10 to 3.13: forked workers wait
forever, and spawned workers leave named semaphores, which Python's resource tracker warns about.)
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING, Any

from m2v_lite.encoding.batches import batches, cut
from m2v_lite.encoding.interrupts import DeferredInterrupts
from m2v_lite.encoding.shared_array import SharedArray
from m2v_lite.encoding.sharing import LiveInput, Sharing
from m2v_lite.encoding.worker_process import Part, Worker
from m2v_lite.errors import InputValueError
from m2v_lite.progress import progress_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from m2v_lite.encoding.strategies import Settings
    from m2v_lite.encoding.worker_process import PartEncoder

PART_TEXTS = 2048


class Team:
    """Worker processes, started by the first call of `encode` or `share` and ended by `end`.

    Safe under interrupts, not under threads: one call at a time, and one `Sharing`.

    Args:
        context: the start method.
        encoder: what encodes a part; pickled, unless the context forks.
        number: how many processes.
    """

    def __init__(self, context: BaseContext, encoder: PartEncoder | bytes, number: int) -> None:
        self._context = context
        self._encoder = encoder
        self._number = number
        self._workers: list[Worker] = []
        self._owner = os.getpid()

    def encode(
        self,
        texts: Sequence[str],
        characters: int | None,
        settings: Settings,
        shape: tuple[int, int],
        dtype: np.dtype[Any],
        interrupts: DeferredInterrupts,
    ) -> NDArray[Any]:
        """Return the vector of each text, (texts, dim).

        Args:
            texts: the texts.
            characters: how many characters of each text matter.
            settings: how to encode them.
            shape: (texts, dim).
            dtype: the dtype of the vectors.
            interrupts: a block of these.

        Raises:
            WorkerError: a process could not be started, or ended before its time.
            Exception: what the encoder raised, for the first of the texts for which it did.
        """
        size = min(PART_TEXTS, -(-len(texts) // self._number))
        parts = (part_of(texts[place], characters, place.start, place) for place in batches(texts, size))
        vectors = SharedArray(shape, dtype)
        sharing = None
        try:
            self._start()
            with progress_bar(len(texts), settings.show_progress_bar) as bar:  # a thread, so after the forks
                sharing = self.share(parts, settings, vectors)
                while (answer := sharing.next(interrupts)) is not None:
                    if bar is not None:
                        bar.update(answer.rows.stop - answer.rows.start)
            return vectors.array()
        except BaseException:
            if sharing is None or not sharing.is_finished:
                self.end()
            raise
        finally:
            vectors.close()

    def share(
        self,
        parts: Iterator[Part],
        settings: Settings,
        vectors: SharedArray,
        most: int = sys.maxsize,
        live: LiveInput | None = None,
    ) -> Sharing:
        """Tell the workers of an array, and return what gives them parts of it to write; see `Sharing`.

        If this fails, end the workers. If what it returns is left before its end, the next call does.

        Raises:
            WorkerError: a process could not be started, or ended before its time.
        """
        self._start()
        for worker in self._workers:
            worker.begin(settings, vectors)
        return Sharing(self._workers, parts, most, live)

    def _start(self) -> None:
        if any(worker.is_under_way for worker in self._workers):
            self.end()  # what is under way would mix with what comes now
        if self._workers:
            return
        if multiprocessing.current_process().daemon:
            raise InputValueError(
                "workers: this process is itself a worker, which cannot start other workers; leave "
                "`workers` out here"
            )
        for _ in range(self._number):
            self._workers.append(Worker(self._context, self._encoder))
            self._workers[-1].start()

    def end(self) -> None:
        """End all processes, and wait for them. A further call starts others."""
        if self._owner != os.getpid():
            return  # a forked process has a copy of this object, but the workers are its parent's
        with DeferredInterrupts():
            # A worker holds nothing that is to be put in order.
            for worker in self._workers:
                worker.kill()
            while self._workers:
                self._workers.pop().close()


def part_of(texts: Sequence[str], characters: int | None, first: int, rows: slice) -> Part:
    """Return a part without what does not matter of its texts: a worker gets no more.

    Args:
        texts: the texts.
        characters: how many characters of each text matter, or None for all. One more is left, so that the
            worker sees which texts are cut.
        first: the index of the first text among the caller's.
        rows: where their vectors go.
    """
    return Part(first, rows, cut(texts, None if characters is None else characters + 1))


def context_of(start_method: str | None) -> BaseContext:
    """Return a start method, by default the one in force, without fixing it for the program."""
    method = start_method or multiprocessing.get_start_method(allow_none=True)
    return multiprocessing.get_context(method or multiprocessing.get_all_start_methods()[0])


def forks(start_method: str | None) -> bool:
    """Return whether workers are copies of this process."""
    return context_of(start_method).get_start_method() == "fork"
