"""Parts of a list of texts, encoded in several processes at once, into one array.

A forked worker has its parent's encoder. Any other is told the pickled encoder, which is little more than a
model's path, and maps the model's table itself. Texts go to it through a pipe. It writes their vectors where
they belong in the result, which all have mapped. Each worker has one part to do and one waiting.

No thread is started here, so that forking is safe. This is why `concurrent.futures.ProcessPoolExecutor` does
not serve, whose threads stay as long as its workers: on Python 3.12 and later, whatever else is forked in the
block of such a pool gives a DeprecationWarning, a second pool also. Nor do its workers end if their parent is
killed (measured on Python 3.10 to 3.13: forked ones wait for ever; spawned ones leave named semaphores, of
which Python's resource tracker warns).
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from m2v_lite.encoding.batches import batches, cut
from m2v_lite.encoding.interrupts import DeferredInterrupts
from m2v_lite.encoding.shared_array import SharedArray, received
from m2v_lite.errors import InputValueError, WorkerError
from m2v_lite.progress import progress_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from m2v_lite.encoding.strategies import Settings

    # Takes settings, texts, the index of the first of them among the caller's, and the vectors to write.
    PartEncoder = Callable[[Settings, list[str], int, NDArray[Any]], None]

GUARD = (
    "what it printed says why. A program that asks for workers must be a file, and must start under: "
    "if __name__ == '__main__':"
)

PART_TEXTS = 2048
PARTS_AHEAD = 2

# How long to wait for an answer before the workers are looked at, in seconds. The end of a worker mostly
# closes its pipe, but not if a process that another thread has forked holds the same end.
LOOK_AFTER = 1.0


class Team:
    """Worker processes, started by the first call of `encode` and ended by `end`.

    Safe under interrupts, not under threads: one call at a time.

    Args:
        context: the start method.
        encoder: what encodes a part; pickled, unless the context forks.
        number: how many processes.
    """

    def __init__(self, context: BaseContext, encoder: PartEncoder | bytes, number: int) -> None:
        self._context = context
        self._encoder = encoder
        self._number = number
        self._workers: list[_Worker] = []
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
            characters: how many characters of each text matter; a worker gets no more.
            settings: how to encode them.
            shape: (texts, dim).
            dtype: the dtype of the vectors.
            interrupts: a block of these.

        Raises:
            WorkerError: a process could not be started, or ended before its time.
            Exception: what the encoder raised, for the first of the texts for which it did.
        """
        vectors = SharedArray(shape, dtype)
        try:
            self._start()
            with progress_bar(len(texts), settings.show_progress_bar) as bar:  # a thread, so after the forks
                for worker in self._workers:
                    worker.begin(settings, vectors)
                failures = self._share(texts, characters, bar, interrupts)
                for worker in self._workers:
                    worker.finish()
            if not failures:
                return vectors.array()
        except BaseException:
            self.end()  # what is under way would mix with the next call's
            raise
        finally:
            vectors.close()
        error, trace = failures[min(failures)]
        raise error from WorkerError(f"in a worker process:\n{trace}")

    def _start(self) -> None:
        if self._workers:
            return
        if multiprocessing.current_process().daemon:
            raise InputValueError(
                "workers: this process is a worker itself, which Python does not let start others; leave "
                "`workers` out here"
            )
        for _ in range(self._number):
            self._workers.append(_Worker(self._context, self._encoder))
            self._workers[-1].start()

    def _share(
        self, texts: Sequence[str], characters: int | None, bar: Any, interrupts: DeferredInterrupts
    ) -> dict[int, tuple[Exception, str]]:
        """Have all texts encoded; return what failed, by the index of the first text of its part."""
        size = min(PART_TEXTS, -(-len(texts) // self._number))
        waiting = batches(texts, size)
        failures: dict[int, tuple[Exception, str]] = {}

        def give_next(worker: _Worker) -> None:
            part = next(waiting, None)
            if part is not None:
                interrupts.allowing(worker.give, part, cut(texts[part], characters))

        for worker in self._workers * PARTS_AHEAD:
            give_next(worker)
        while busy := [worker.connection for worker in self._workers if worker.parts]:
            ready = interrupts.allowing(wait, busy, LOOK_AFTER)
            if not ready:
                for worker in self._workers:
                    worker.check_alive()
            for worker in self._workers:
                if worker.connection not in ready:
                    continue
                part, failure = worker.take()
                if failure is not None:
                    # Parts are given out in order, so an earlier text that fails, too, is at work now.
                    failures[part.start] = failure
                    waiting = iter(())
                if bar is not None:
                    bar.update(part.stop - part.start)
                give_next(worker)
        return failures

    def end(self) -> None:
        """End all processes, and wait for them. A further call of `encode` starts others."""
        if self._owner != os.getpid():
            return  # a forked process has a copy of this object, but the workers are its parent's
        with DeferredInterrupts():
            # A worker holds nothing that is to be put in order.
            for worker in self._workers:
                worker.kill()
            while self._workers:
                self._workers.pop().close()


class _Worker:
    """The parent's end of a worker process.

    Attributes:
        connection: the pipe to it.
        parts: what it has been given and not yet answered, in order.
    """

    def __init__(self, context: BaseContext, encoder: PartEncoder | bytes) -> None:
        self.connection, self._theirs = context.Pipe()
        self.parts: deque[slice] = deque()
        self._process: BaseProcess = context.Process(  # type: ignore[attr-defined]
            target=_work, args=(self._theirs, encoder), name="m2v_lite worker", daemon=True
        )

    def start(self) -> None:
        try:
            self._process.start()
        except OSError as error:
            raise WorkerError(f"a worker process cannot be started ({error}); give fewer workers") from error
        except EOFError as error:  # the fork server, which imports the program, has failed at that
            raise WorkerError(f"the fork server ended by itself; {GUARD}") from error
        finally:
            self._theirs.close()

    def begin(self, settings: Settings, vectors: SharedArray) -> None:
        """Tell it how to encode what it will be given, and where vectors go."""
        try:
            self.connection.send(settings)
            vectors.send(self.connection)
        except OSError:
            raise self._ended() from None

    def finish(self) -> None:
        """Let it release the vectors."""
        try:
            self.connection.send(None)
        except OSError:
            raise self._ended() from None

    def give(self, part: slice, texts: list[str]) -> None:
        try:
            self.connection.send((part, texts))
        except OSError:
            raise self._ended() from None
        self.parts.append(part)

    def take(self) -> tuple[slice, tuple[Exception, str] | None]:
        """Return the part that is done, and what failed, if anything did."""
        try:
            failure = self.connection.recv()
        except (EOFError, OSError):
            raise self._ended() from None
        return self.parts.popleft(), failure

    def check_alive(self) -> None:
        if not self._process.is_alive():
            raise self._ended()

    def kill(self) -> None:
        if self._process.pid is not None:  # else it was not started
            self._process.kill()

    def close(self) -> None:
        """Release what the process has held, once it has ended."""
        self.connection.close()
        self._theirs.close()
        if self._process.pid is not None:
            self._process.join()
        self._process.close()

    def _ended(self) -> WorkerError:
        """Describe how the process ended."""
        self._process.join(5)
        status = self._process.exitcode or 0
        if status < 0:
            return WorkerError(
                f"a worker process was ended by signal {-status}; if memory ran out, give fewer workers"
            )
        return WorkerError(f"a worker process ended by itself, with status {status}; {GUARD}")


def context_of(start_method: str | None) -> BaseContext:
    """Return a start method, by default the one in force, without fixing it for the program."""
    method = start_method or multiprocessing.get_start_method(allow_none=True)
    return multiprocessing.get_context(method or multiprocessing.get_all_start_methods()[0])


def forks(start_method: str | None) -> bool:
    """Return whether workers are copies of this process."""
    return context_of(start_method).get_start_method() == "fork"


def _work(connection: Connection, encoder: PartEncoder | bytes) -> None:
    """Do what a worker process does: answer each part in turn, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent acts on it
    parent = multiprocessing.parent_process()
    assert parent is not None
    requests = _requests(connection, parent.sentinel)
    encode = encoder
    try:
        for settings in requests:
            vectors = received(connection)
            while (request := next(requests, None)) is not None:
                part, texts = request
                failure = None
                try:
                    if isinstance(encode, bytes):
                        encode = pickle.loads(encode)  # here, so that its failure is told
                    encode(settings, texts, part.start, vectors[part])
                except Exception as error:
                    failure = _portable(error), traceback.format_exc()
                connection.send(failure)
            del vectors
    except (EOFError, OSError):
        return  # the parent is gone


def _requests(connection: Connection, parent: int) -> Iterator[Any]:
    """Yield what the parent sends, for as long as it is there."""
    while connection in wait([connection, parent]):
        yield connection.recv()


def _portable(error: Exception) -> Exception:
    """Return an exception that the parent can unpickle, the same if possible."""
    try:
        again = pickle.loads(pickle.dumps(error))
        return error if isinstance(again, type(error)) else WorkerError(repr(error))
    except Exception:
        return WorkerError(repr(error))
