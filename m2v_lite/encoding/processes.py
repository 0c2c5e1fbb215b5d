"""Parts of a list of texts, encoded in several processes at once, into one array.

A worker is told the pickled encoder, which is little more than a model's path, and maps the model's table
itself. Texts go to it through a pipe. Vectors come back through a block of shared memory that both have
mapped, since a pipe would cost more than it takes to make them; it has no name, so it goes when the
processes do. Each worker has one part to do and one waiting, in one of two slots of the block.

No thread is started here, so that forking is safe.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import pickle
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.encoding.batches import batches, cut
from m2v_lite.errors import InputValueError, WorkerError
from m2v_lite.progress import progress_bar

# (texts, index of the first of them among the caller's, vectors to write)
Encoder = Callable[[list[str], int, NDArray[Any]], None]

GUARD = (
    "what it printed says why. A program that asks for workers must be a file, and must start under: "
    "if __name__ == '__main__':"
)

SLOTS = 2
SLOT_BYTES = 1 << 20

# Below so many characters two processes hardly pay: they must be started, and each fills a memo of its own. A
# forked one is there at once, any other must first import numpy. Measured as processor time on two cores.
PAYS_FROM = {"fork": 2_000_000, "forkserver": 8_000_000, "spawn": 8_000_000}


def worth_processes(texts: Sequence[str], characters: int | None) -> bool:
    """Say whether texts, each cut after so many characters, are so much that processes pay."""
    most = sys.maxsize if characters is None else characters
    return sum(min(len(text), most) for text in texts) >= PAYS_FROM[_context().get_start_method()]


def encode_in_processes(
    encoder: bytes,
    texts: Sequence[str],
    characters: int | None,
    vectors: NDArray[Any],
    workers: int,
    progress: bool,
) -> None:
    """Write the vector of each text into `vectors`, in processes of the start method in force.

    Args:
        encoder: a pickled `Encoder`.
        texts: all texts.
        characters: how many characters of each text matter; a worker gets no more.
        vectors: (texts, dim), written.
        workers: the most processes at a time.
        progress: whether to show a bar.

    Raises:
        WorkerError: a process could not be started, or ended before its time.
        Exception: what the encoder raised, for the first of the texts for which it did.
    """
    rows = max(1, SLOT_BYTES // max(1, vectors[:1].nbytes))
    parts = list(batches(texts, rows))
    waiting = iter(parts)
    failures: dict[int, tuple[Exception, str]] = {}
    with (
        _started(encoder, min(workers, len(parts)), rows, vectors) as team,
        progress_bar(len(texts), progress) as bar,  # which starts a thread, so after the forks
    ):
        for worker in [*team] * SLOTS:
            _give_next(worker, waiting, texts, characters)
        while busy := [worker.connection for worker in team if worker.parts]:
            ready = wait(busy)
            for worker in team:
                if worker.connection not in ready:
                    continue
                failure, part, result = worker.take()
                if failure is not None:
                    # Parts are given out in order, so an earlier text that fails, too, is at work now.
                    failures[part.start] = failure
                    waiting = iter(())
                vectors[part] = result
                if bar is not None:
                    bar.update(part.stop - part.start)
                _give_next(worker, waiting, texts, characters)
    if failures:
        error, trace = failures[min(failures)]
        raise error from WorkerError(f"in a worker process:\n{trace}")


class _Worker:
    """The parent's end of a worker process.

    Attributes:
        parts: what it has been given and not yet answered, in order.
    """

    def __init__(self, context: BaseContext, encoder: bytes, rows: int, like: NDArray[Any]) -> None:
        shape = (SLOTS, rows, like.shape[1])
        block = context.RawArray(ctypes.c_byte, SLOTS * rows * like[:1].nbytes)
        self.connection, self._theirs = context.Pipe()
        self.parts: deque[slice] = deque()
        self._slots = _slots(block, like.dtype, shape)
        self._answers = 0
        self.process: BaseProcess = context.Process(  # type: ignore[attr-defined]
            target=_work,
            args=(self._theirs, encoder, block, like.dtype, shape),
            name="m2v_lite worker",
            daemon=True,
        )

    def start(self) -> None:
        try:
            self.process.start()
        except OSError as error:
            raise WorkerError(f"a worker process cannot be started ({error}); give fewer workers") from error
        except EOFError as error:  # the fork server, which imports the program, has failed at that
            raise WorkerError(f"the fork server ended by itself; {GUARD}") from error
        finally:
            self._theirs.close()

    def give(self, part: slice, texts: list[str]) -> None:
        try:
            self.connection.send((part.start, texts))
        except OSError:
            raise self._end() from None
        self.parts.append(part)

    def take(self) -> tuple[tuple[Exception, str] | None, slice, NDArray[Any]]:
        """Return what failed, if anything did, the part that is done, and its vectors."""
        try:
            failure = self.connection.recv()
        except (EOFError, OSError):
            raise self._end() from None
        part = self.parts.popleft()
        slot = self._slots[self._answers % SLOTS]
        self._answers += 1
        return failure, part, slot[: part.stop - part.start]

    def kill(self) -> None:
        if self.process.pid is not None:  # else it was not started
            self.process.kill()

    def close(self) -> None:
        """Release what the process has held, once it has ended."""
        self.connection.close()
        self._theirs.close()
        if self.process.pid is not None:
            self.process.join()
        self.process.close()

    def _end(self) -> WorkerError:
        """Describe how the process ended."""
        self.process.join(5)
        status = self.process.exitcode or 0
        if status < 0:
            return WorkerError(
                f"a worker process was ended by signal {-status}; if memory ran out, give fewer workers"
            )
        return WorkerError(f"a worker process ended by itself, with status {status}; {GUARD}")


@contextmanager
def _started(encoder: bytes, number: int, rows: int, like: NDArray[Any]) -> Iterator[list[_Worker]]:
    """Give so many workers, none of which is left afterwards."""
    if multiprocessing.current_process().daemon:
        raise InputValueError(
            "workers: this process is a worker itself, which Python does not let start others; leave "
            "`workers` out here"
        )
    context = _context()
    team: list[_Worker] = []
    try:
        for _ in range(number):
            worker = _Worker(context, encoder, rows, like)
            team.append(worker)  # before it is started: an interrupt may come at any time
            worker.start()
        yield team
    finally:
        # A worker holds nothing that is to be put in order. All are ended before one is waited for, so
        # that none is left if a second interrupt comes meanwhile.
        try:
            _kill(team)
        except KeyboardInterrupt:
            _kill(team)
            raise
        for worker in team:
            worker.close()


def _kill(team: list[_Worker]) -> None:
    for worker in team:
        worker.kill()


def _give_next(worker: _Worker, parts: Iterator[slice], texts: Sequence[str], characters: int | None) -> None:
    part = next(parts, None)
    if part is not None:
        worker.give(part, cut(texts[part], characters))


def _context() -> BaseContext:
    """Return the start method in force, without fixing it where the program may choose it yet."""
    method = multiprocessing.get_start_method(allow_none=True)
    return multiprocessing.get_context(method or multiprocessing.get_all_start_methods()[0])


def _slots(block: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a block of shared memory as an array."""
    return np.frombuffer(memoryview(block).cast("B"), dtype).reshape(shape)


def _work(
    connection: Connection, encoder: bytes, block: Any, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> None:
    """Do what a worker process does: answer each part in turn, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent acts on it
    parent = multiprocessing.parent_process()
    assert parent is not None
    slots = _slots(block, dtype, shape)
    encode: Encoder | None = None
    for number in count():
        if connection not in wait([connection, parent.sentinel]):
            return
        try:
            first, texts = connection.recv()
            failure = None
            try:
                if encode is None:
                    encode = pickle.loads(encoder)
                encode(texts, first, slots[number % SLOTS][: len(texts)])
            except Exception as error:
                failure = _portable(error), traceback.format_exc()
            connection.send(failure)
        except (EOFError, OSError):
            return  # the parent is gone


def _portable(error: Exception) -> Exception:
    """Return an exception that the parent can unpickle, the same if possible."""
    try:
        again = pickle.loads(pickle.dumps(error))
        return error if isinstance(again, type(error)) else WorkerError(repr(error))
    except Exception:
        return WorkerError(repr(error))
