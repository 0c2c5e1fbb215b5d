"""Contains both ends of one worker process: the parent's handle and the code that runs in it."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import traceback
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from m2v_lite.encoding.shared_array import SharedArray, received
from m2v_lite.errors import WorkerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.encoding.strategies import Settings

    # Takes settings, texts, the index of the first of them among the caller's, and the vectors to write.
    # Returns how many of the texts were cut.
    PartEncoder = Callable[[Settings, list[str], int, NDArray[Any]], int]

GUARD = (
    "its output says why. A program that uses workers must be a file, and must start its work under: "
    "if __name__ == '__main__':"
)


# What stands in the place of a part where there are no more, and of anything once the parent has ended.
NO_MORE, PARENT_IS_GONE = None, "the parent is gone"


class Part(NamedTuple):
    """Texts for one worker.

    Attributes:
        first: the index of the first of them among the caller's texts.
        rows: where their vectors go in the shared array.
        texts: the texts.
    """

    first: int
    rows: slice
    texts: list[str]


class Answer(NamedTuple):
    """What became of a part.

    Attributes:
        rows: where its vectors are.
        cut: how many of its texts were cut.
        failure: why there are no vectors, or None.
    """

    rows: slice
    cut: int = 0
    failure: Exception | None = None


class Worker:
    """The parent's end of a worker process.

    Attributes:
        connection: the pipe to it.
        parts: the rows of what it has been given and not yet answered, by the number of the part, in order.
        is_under_way: whether it has been told of an array, and not yet that all is done.
    """

    def __init__(self, context: BaseContext, encoder: PartEncoder | bytes) -> None:
        self.connection, self._theirs = context.Pipe()
        self.parts: deque[tuple[int, slice]] = deque()
        self.is_under_way = False
        self._process: BaseProcess = context.Process(  # type: ignore[attr-defined]
            target=work, args=(self._theirs, encoder), name="m2v_lite worker", daemon=True
        )

    def start(self) -> None:
        try:
            self._process.start()
        except OSError as error:
            raise WorkerError(f"a worker process cannot be started ({error}); give fewer workers") from error
        except EOFError as error:  # the fork server, which imports the program, has failed at that
            raise WorkerError(f"the fork server stopped; {GUARD}") from error
        finally:
            self._theirs.close()

    def begin(self, settings: Settings, vectors: SharedArray) -> None:
        """Tell it how to encode what it will be given, and where vectors go."""
        self.is_under_way = True
        try:
            self.connection.send(settings)
            vectors.send(self.connection)
        except OSError:
            raise self._ended() from None

    def finish(self) -> None:
        """Let it release the vectors."""
        try:
            self.connection.send(NO_MORE)
        except OSError:
            raise self._ended() from None
        self.is_under_way = False

    def give(self, number: int, part: Part) -> None:
        """Give it a part to do, which `take` will name by its number."""
        try:
            self.connection.send(tuple(part))
        except OSError:
            raise self._ended() from None
        self.parts.append((number, part.rows))

    def take(self) -> tuple[int, Answer]:
        """Return the number of the part that is done, and what became of it."""
        try:
            cut, failure = self.connection.recv()
        except (EOFError, OSError):
            raise self._ended() from None
        number, rows = self.parts.popleft()
        if failure is None:
            return number, Answer(rows, cut)
        error, trace = failure
        error.__cause__ = WorkerError(f"in a worker process:\n{trace}")
        return number, Answer(rows, failure=error)

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
                f"a worker process was killed by signal {-status}; if memory ran out, give fewer workers"
            )
        return WorkerError(f"a worker process stopped with status {status}; {GUARD}")


def work(connection: Connection, encoder: PartEncoder | bytes) -> None:
    """Do what a worker process does: answer each part in turn, until the parent is gone."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # may be sent to all; the parent acts on them
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    requests: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_read, args=(connection, parent.sentinel, requests), daemon=True).start()
    encode = encoder
    while (request := requests.get()) is not PARENT_IS_GONE:
        settings, vectors = request
        del request
        while (part := requests.get()) is not NO_MORE:
            if part is PARENT_IS_GONE:
                return
            first, rows, texts = part
            cut, failure = 0, None
            try:
                if isinstance(encode, bytes):
                    encode = pickle.loads(encode)  # here, so that its failure is told
                cut = encode(settings, texts, first, vectors[rows])
            except Exception as error:
                failure = _portable(error), traceback.format_exc()
            try:
                connection.send((cut, failure))
            except OSError:
                return  # the parent is gone
        del vectors


def _read(connection: Connection, parent: int, requests: SimpleQueue[Any]) -> None:
    """Take what the parent sends, so that it need not wait until the work before is done."""
    try:
        while connection in wait([connection, parent]):
            settings = connection.recv()
            requests.put((settings, received(connection)))
            while connection in wait([connection, parent]) and (part := connection.recv()) is not NO_MORE:
                requests.put(part)
            requests.put(NO_MORE)
    except (EOFError, OSError):
        pass
    finally:
        requests.put(PARENT_IS_GONE)


def _portable(error: Exception) -> Exception:
    """Return an exception that the parent can unpickle, the same if possible."""
    try:
        again = pickle.loads(pickle.dumps(error))
        return error if isinstance(again, type(error)) else WorkerError(repr(error))
    except Exception:
        return WorkerError(repr(error))
