"""Distributes parts among worker processes and returns their answers in the original order."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from typing import Any, Protocol

from m2v_lite.encoding.interrupts import DeferredInterrupts
from m2v_lite.encoding.worker_process import Answer, Part, Worker

# How many parts a worker has: one that it does, and one that waits.
PARTS_AHEAD = 2

# How long to wait for an answer before the workers are looked at, in seconds. The end of a worker mostly
# closes its pipe, but not if a process that another thread has forked holds the same end.
LOOK_AFTER = 1.0


class LiveInput(Protocol):
    """An input that may let us wait, such as a pipe (POSIX alone).

    After a part without texts, the next one is asked for when this can be read, or all answers have come.
    """

    def fileno(self) -> int:
        """Return the descriptor that can be read when there is more."""
        ...


class Sharing:
    """Gives parts to workers as they have room, and takes the answers.

    Args:
        workers: the workers, which have been told of the array.
        parts: the parts. One is taken from it only when there is room for it.
        most: the most parts that may be under way: taken from `parts`, and their vectors still in use.
        live: where the parts come from, if that may take long and a part without texts tells so; None to wait
            for parts whenever there is room.

    Attributes:
        is_finished: whether this is at its end, and the workers are free; or has been given up.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        parts: Iterator[Part],
        most: int = sys.maxsize,
        live: LiveInput | None = None,
    ) -> None:
        self._workers = workers
        self._parts = parts
        self._most = most
        self._live = live
        self._awaited: LiveInput | None = None  # the live input, after a part without texts
        self._has_more = True
        self._given = self._returned = 0
        self._answers: dict[int, Answer] = {}
        self.is_finished = False

    def next(self, interrupts: DeferredInterrupts) -> Answer | None:
        """Return the answer to the next part, or None after the last one.

        The vectors of the answer before are no longer in use.

        Raises:
            WorkerError: a process ended before its time.
            Exception: what `parts` or the encoder raised, in the place of the answer. This ends the work.
        """
        if self.is_finished:
            return None
        self._take(interrupts, 0)  # so that it is known who has room
        while True:
            self._give(interrupts)
            answer = self._answers.pop(self._returned, None)
            if answer is not None or self._given == self._returned:
                break
            self._take(interrupts, LOOK_AFTER)
        if answer is None or answer.failure is not None:
            self.finish(interrupts)
        if answer is None:
            return None
        if answer.failure is not None:
            raise answer.failure
        self._returned += 1
        return answer

    def finish(self, interrupts: DeferredInterrupts) -> None:
        """Wait for what the workers are doing, and let them release the array."""
        while any(worker.parts for worker in self._workers):
            self._take(interrupts, LOOK_AFTER)
        for worker in self._workers:
            worker.finish()
        self.is_finished = True

    def _give(self, interrupts: DeferredInterrupts) -> None:
        """Give out parts while there is room and input."""
        while self._has_room():
            if self._awaited and self._given > self._returned and not wait([self._awaited.fileno()], 0):
                return
            try:
                part = interrupts.allowing(next, self._parts, None)
            except Exception as error:  # in its place: the answers to the parts before come first
                self._answers[self._given] = Answer(slice(0), failure=error)
                self._given += 1
                self._has_more = False
                return
            if part is None:
                self._has_more = False
                return
            interrupts.allowing(self._freest().give, self._given, part)
            self._given += 1
            self._awaited = None if part.texts else self._live

    def _take(self, interrupts: DeferredInterrupts, timeout: float) -> None:
        """Wait until a worker has answered, or there is input that it has room for; take all answers."""
        sources: list[Any] = [worker.connection for worker in self._workers if worker.parts]
        if not sources:
            return
        if timeout and self._awaited and self._has_room():
            sources.append(self._awaited)
        ready = interrupts.allowing(wait, sources, timeout)
        if timeout and not ready:
            for worker in self._workers:
                worker.check_alive()
        for worker in self._workers:
            if worker.connection in ready:
                number, answer = worker.take()
                self._answers[number] = answer
                if answer.failure is not None:
                    # Parts are given out in order, so an earlier text that fails, too, is at work now.
                    self._has_more = False

    def _has_room(self) -> bool:
        """Return whether another part can be given to a worker."""
        return (
            self._has_more
            and self._given - self._returned < self._most
            and len(self._freest().parts) < PARTS_AHEAD
        )

    def _freest(self) -> Worker:
        return min(self._workers, key=lambda worker: len(worker.parts))
