"""Lets a signal end the input, so that a command writes what it has read before it stops."""

from __future__ import annotations

import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, TypeVar

Item = TypeVar("Item")

# Windows sends SIGBREAK for Ctrl-Break, and when a console is closed.
NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class StopReading(Exception):
    """No more is to be read."""


class StopRequests:
    """A block in which a signal ends the input. A second signal ends the command at once.

    Only in the main thread; in others there are no signals.

    Attributes:
        number: the number of the signal that came first, or 0.
    """

    def __init__(self) -> None:
        self.number = 0
        self._is_waiting = False
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}

    def __enter__(self) -> StopRequests:
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
                handler = signal.getsignal(number)
                if callable(handler):  # else it is ignored, as under nohup, or ends the process at once
                    self._handlers[number] = handler
                    signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._put_back()

    def is_set(self) -> bool:
        """Return whether a signal has come, as `threading.Event` says whether it is set."""
        return bool(self.number)

    def wait(self, descriptor: int) -> None:
        """Wait until a descriptor can be read.

        Raises:
            StopReading: a signal has come.
        """
        self._is_waiting = True
        try:
            if self.number:
                raise StopReading
            if sys.platform != "win32":  # where only sockets can be waited for
                select.select([descriptor], [], [])
        finally:
            self._is_waiting = False

    def until_requested(self, items: Iterator[Item]) -> Iterator[Item]:
        """Yield items until a signal has come."""
        try:
            for item in items:
                yield item
                if self.number:
                    return
        except StopReading:
            return

    def go_on(self) -> None:
        """Do what the signal asks for, if one has come. From now on, a signal does so at once.

        Raises:
            KeyboardInterrupt, SystemExit: one has come.
        """
        self._put_back()
        if self.number:
            self._handlers[self.number](self.number, None)

    def _put_back(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            self._handlers[number](number, frame)
        self.number = number
        if self._is_waiting:
            self._is_waiting = False
            raise StopReading
