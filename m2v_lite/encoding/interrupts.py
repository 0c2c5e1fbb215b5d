"""Delays an interrupt (Ctrl-C) until it can leave nothing behind.

Python can raise `KeyboardInterrupt` between any two steps of the main thread, even after a process has
started and before its number is recorded. Nothing would ever stop that process. Blocking the signal for a
while (`signal.pthread_sigmask`) is not enough. The signal then reaches another thread, and the main thread
still acts on it. Processes that start in the meantime, such as Python's fork server, would block it forever.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")


class DeferredInterrupts:
    """A block in which an interrupt waits until `check`, `allowing` or the end of the block.

    What an interrupt does then is up to the handler that was in force before. In other threads than the main
    one there are no interrupts, and nothing is deferred.

    Examples:
        >>> try:
        ...     with DeferredInterrupts() as interrupts:
        ...         signal.raise_signal(signal.SIGINT)
        ...         print("nothing yet")
        ...         interrupts.check()
        ... except KeyboardInterrupt:
        ...     print("now")
        nothing yet
        now
    """

    def __init__(self) -> None:
        self._handler: Callable[[int, FrameType | None], Any] | None = None
        self._is_allowed = False
        self._is_waiting = False

    def __enter__(self) -> DeferredInterrupts:
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):  # else the signal is ignored, or ends this process at once
            self._handler = handler
            try:
                signal.signal(signal.SIGINT, self._note)
            except ValueError:  # not the main thread
                self._handler = None
        return self

    def __exit__(self, *error: object) -> None:
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
            self.check()

    def check(self) -> None:
        """Let an interrupt come that has waited."""
        if self._is_waiting and self._handler is not None:
            self._is_waiting = False
            self._handler(signal.SIGINT, sys._getframe())

    def allowing(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function that may take long, and let an interrupt come at any time meanwhile."""
        self._is_allowed = True
        try:
            self.check()
            return function(*arguments)
        finally:
            self._is_allowed = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        if not self._is_allowed or self._handler is None:
            self._is_waiting = True
            return
        self._is_allowed = False  # a second one is not to come while the first is dealt with
        self._handler(number, frame)
        self._is_allowed = True
