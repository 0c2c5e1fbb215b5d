"""Runs two stages at the same time: this thread makes items, and another one consumes them."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

Item = TypeVar("Item")

LOOK_AHEAD = 2


def threads_run_freely() -> bool:
    """Say whether this Python runs several threads at once: a free-threaded one, on more than one core.

    Elsewhere a thread that pools waits for the interpreter's lock some hundred times a batch, up to 5 ms
    each time, while the other tokenizes: encoding takes as long as without it, or longer.
    """
    if sys.version_info >= (3, 13):
        return not sys._is_gil_enabled() and (os.process_cpu_count() or 1) > 1
    return False


def consume_in_thread(consume: Callable[[Item], object], items: Iterable[Item]) -> None:
    """Call `consume` with each item, in order, in one thread, while this one makes the next items.

    At most a few items wait at a time. Whatever is raised, here or there, the thread has ended when this
    returns or raises.

    Examples:
        >>> done = []
        >>> consume_in_thread(done.append, range(5))
        >>> done
        [0, 1, 2, 3, 4]
    """
    from concurrent.futures import ThreadPoolExecutor  # costs some milliseconds to import

    waiting: deque[Future[object]] = deque()
    with ThreadPoolExecutor(1, "m2v_lite pooling") as thread:
        for item in items:
            waiting.append(thread.submit(consume, item))
            if len(waiting) > LOOK_AHEAD:
                waiting.popleft().result()
        for future in waiting:
            future.result()
