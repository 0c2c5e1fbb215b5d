"""How long tests wait for a process, a thread or a condition before it is taken for one that hangs."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any

# Seconds. No test takes so long; under emulation, where all is some thirty times slower, some take minutes.
LONGEST = 600


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[Any] | None = None) -> None:
    """Wait until a condition holds, while a process runs."""
    deadline = time.monotonic() + LONGEST
    while not condition():
        assert process is None or process.poll() is None, "the process has ended"
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.01)


def await_end(one: Thread | BaseProcess) -> None:
    """Wait until a thread or a process has ended."""
    one.join(LONGEST)
    assert not one.is_alive(), "it does not end"


@contextmanager
def started(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """Start a process, and kill it in the end if it still runs."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait(LONGEST)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
