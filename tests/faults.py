"""Operations on files that fail, or in which the process is killed: each in turn, as SQLite tests its writers.

https://www.sqlite.org/testing.html#i_o_error_testing
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Literal, NamedTuple

from m2v_lite import M2VLiteError

# What goes wrong: one operation fails; from one operation on, the disk is full; the process is killed.
Kind = Literal["one fails", "disk is full", "killed"]
KINDS: tuple[Kind, ...] = ("one fails", "disk is full", "killed")
OPERATIONS = (
    "chmod", "dup", "fsync", "link", "mkdir", "open", "remove", "rename", "replace", "rmdir", "scandir",
    "symlink", "truncate", "unlink", "utime",
)  # fmt: skip
NEED_SPACE = ("create", "fsync", "link", "mkdir", "symlink", "write")
NOT_REACHED, DONE, REFUSED, FOREIGN = 40, 41, 42, 43


class Ending(NamedTuple):
    """How a writer ended that met a fault.

    Attributes:
        number: the place of the operation among those of the writer.
        is_done, is_refused, is_killed: whether the writer returned, raised an error that its caller expects
            (or exited with status 1), or was killed.
    """

    number: int
    is_done: bool
    is_refused: bool
    is_killed: bool


class Faults:
    """Counts the operations of this process on files, and lets that of one number fail."""

    def __init__(self, number: int, kind: Kind) -> None:
        self.left, self.kind, self.reached = number, kind, False

    def meet(self, name: str) -> None:
        """Count one operation before it is done; raise OSError if it is to fail."""
        if self.kind == "disk is full" and name not in NEED_SPACE:
            return
        self.left -= 1
        if self.left < 0 and not (self.reached and self.kind == "one fails"):
            self.reached = True
            if self.kind == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            number = errno.ENOSPC if self.kind == "disk is full" else errno.EIO
            raise OSError(number, f"{os.strerror(number)} (on purpose, at {name})")

    def install(self) -> None:
        """Let all operations of this process pass here first. There is no way back."""
        for name in OPERATIONS:
            setattr(os, name, self._met(name, getattr(os, name)))
        fcntl.flock = self._met("flock", fcntl.flock)
        opened = io.open
        builtins.open = io.open = self._opening(opened)

    def _met(self, name: str, operation: Callable[..., Any]) -> Callable[..., Any]:
        def met(*arguments: Any, **options: Any) -> Any:
            self.meet(name)
            return operation(*arguments, **options)

        return met

    def _opening(self, opened: Callable[..., Any]) -> Callable[..., Any]:
        def opening(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            if not set(mode) & set("wxa+") or "opener" in options:
                self.meet("open")
                return opened(file, mode, *arguments, **options)
            self.meet("create")
            raw = WrittenFile(file, mode.translate({ord("b"): None}), self)
            if options.get("buffering") == 0:
                return raw
            written = io.BufferedWriter(raw)
            return written if "b" in mode else io.TextIOWrapper(written, encoding="utf-8")

        return opening


class WrittenFile(io.FileIO):
    """A file whose bytes may reach the disk by half, and whose closing may fail."""

    def __init__(self, file: Any, mode: str, faults: Faults) -> None:
        self._faults = faults
        super().__init__(file, mode)

    def write(self, content: Any) -> int:
        try:
            self._faults.meet("write")
        except OSError:
            super().write(bytes(content[: len(content) // 2]))
            raise
        return super().write(content)

    def close(self) -> None:
        was_open = not self.closed
        super().close()
        if was_open:
            self._faults.meet("close")


def endings(
    prepare: Callable[[], object], writer: Callable[[], object], kind: Kind, step: int = 1
) -> Iterator[Ending]:
    """Run a writer in forked processes: in the first its first operation fails, and so on to its last.

    Args:
        prepare: what is done before each run.
        writer: if it returns an int, that is an exit status.
        kind: what goes wrong.
        step: 1 for each operation, 2 for every second one.

    Yields:
        How each run ended, before the next is prepared.
    """
    for number in count(0, step):
        prepare()
        status = os.waitstatus_to_exitcode(_status(writer, Faults(number, kind)))
        if status == NOT_REACHED:
            return
        killed = status == -signal.SIGKILL
        assert killed == (kind == "killed"), f"operation {number} ended with the status {status}"
        assert killed or status in (DONE, REFUSED), f"operation {number} ended with the status {status}"
        yield Ending(number, status == DONE, status == REFUSED, killed)


def _status(writer: Callable[[], object], faults: Faults) -> int:
    """Run a writer in a forked process, and return its wait status."""
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there are no threads that hold a lock
        child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    status = FOREIGN
    try:
        signal.alarm(60)  # a writer that hangs
        faults.install()
        returned = writer()
        status = REFUSED if isinstance(returned, int) and returned else DONE
    except (M2VLiteError, OSError):
        status = REFUSED
    finally:
        os._exit(status if faults.reached else NOT_REACHED)
    raise AssertionError("the process has ended")
