"""The processor time of a program with all its processes: workers, daemons, virtual machines. Needs Linux.

A process that measures becomes the parent of all orphans below it, so no daemon gets away. The time is the
sum over all that live below it, of their own time and of that of the children they have waited for, and what
this process has waited for itself. So the time of a process that ends moves to its parent, and is kept.

One case is left: the kernel forgets the time of a process whose parent ignores SIGCHLD. All processes are
looked at ten times a second; if some have gone and nobody's waited time has grown by theirs, the time that
they were last seen with is added.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")
GRACE = 10.0  # seconds that processes get to end by themselves


class Seen(NamedTuple):
    """A process, as /proc shows it. Times are in ticks.

    Attributes:
        parent: the number of its parent.
        started: when it was started; with the number, this tells processes apart.
        own: its own time, that of all its threads.
        waited: the time of its children, and theirs, that ended and were waited for.
    """

    parent: int
    started: int
    own: int
    waited: int


Processes = Mapping[int, Seen]


def parsed(stat: str) -> Seen:
    """Return what a line of /proc/PID/stat says.

    Example:
        >>> parsed("7 (a ) b) S 3 7 7 0 -1 4 0 0 0 0 10 20 30 40 20 0 1 0 99 0")
        Seen(parent=3, started=99, own=30, waited=70)
    """
    fields = stat.rpartition(")")[2].split()
    user, system, user_waited, system_waited = map(int, fields[11:15])
    return Seen(int(fields[1]), int(fields[19]), user + system, user_waited + system_waited)


def below(root: int, processes: Processes) -> dict[int, Seen]:
    """Return the processes below one, without it.

    Example:
        >>> parents = {1: 0, 2: 1, 3: 2, 4: 9}
        >>> sorted(below(1, {number: Seen(parent, 0, 0, 0) for number, parent in parents.items()}))
        [2, 3]
    """
    children: dict[int, list[int]] = {}
    for number, seen in processes.items():
        children.setdefault(seen.parent, []).append(number)
    found, open_ones = {}, [root]
    while open_ones:
        for number in children.get(open_ones.pop(), []):
            found[number] = processes[number]
            open_ones.append(number)
    return found


def total(processes: Iterable[Seen]) -> int:
    """Return the ticks of processes and of what they have waited for."""
    return sum(seen.own + seen.waited for seen in processes)


def forgotten(before: Processes, after: Processes) -> int:
    """Return the ticks of processes that have gone, as far as nobody's waited time shows them.

    Args:
        before: the process that measures, with no time of its own, and all below.
        after: the same a little later.

    Example:
        >>> mother, child = Seen(1, 0, 5, 0), Seen(2, 0, 30, 0)
        >>> forgotten({2: mother, 3: child}, {2: mother})
        30
        >>> forgotten({2: mother, 3: child}, {2: mother._replace(waited=31)})
        0
    """
    stayed = {number for number, seen in after.items() if number in before and _same(before[number], seen)}
    gone = total(seen for number, seen in before.items() if number not in stayed)
    grown = sum(after[number].waited - before[number].waited for number in stayed)
    return max(0, gone - grown)


def _same(one: Seen, other: Seen) -> bool:
    return one.started == other.started


class Meter:
    """Counts the processor time of all that is below this process.

    Args:
        interval: how many seconds pass between two looks at all processes.

    Example:
        >>> import subprocess, sys
        >>> with Meter() as meter:
        ...     start = meter.seconds()
        ...     _ = subprocess.run([sys.executable, "-c", "sum(range(10**7))"], timeout=60)
        ...     meter.seconds() > start
        True
    """

    def __init__(self, interval: float = 0.1) -> None:
        self._interval = interval
        self._lock = threading.Lock()
        self._forgotten = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Meter:
        _adopt_orphans(True)
        self._last = family()
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._ended.set()
        self._thread.join(GRACE)
        _adopt_orphans(False)

    def seconds(self) -> float:
        """Return the processor time until now; only differences mean something."""
        with self._lock:
            now = family()
            self._forgotten += forgotten(self._last, now)
            self._last = now
            return (total(now.values()) + self._forgotten) / TICKS

    def _watch(self) -> None:
        while not self._ended.wait(self._interval):
            self.seconds()


def family() -> dict[int, Seen]:
    """Return this process, with no time of its own, and all below it, at one moment.

    If a process ended while the others were looked at, its time might count twice: then look again.
    """
    me = os.getpid()
    while True:
        numbers = [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]
        seen = {int(number): one for number in numbers if (one := _look(number))}
        found = below(me, seen)
        if all((again := _look(str(number))) and _same(again, one) for number, one in found.items()):
            return {me: seen[me]._replace(own=0), **found}


def _look(number: str) -> Seen | None:
    try:
        return parsed(Path("/proc", number, "stat").read_text(encoding="utf-8", errors="replace"))
    except (OSError, IndexError):
        return None  # it has ended


def end_all(patience: float = GRACE / 2) -> None:
    """End all processes below this one: wait some seconds, then ask, and after a while kill."""
    for sent, seconds in ((0, patience), (signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        if not (left := _children()):
            return
        for number in left:
            with suppress(OSError):
                os.kill(number, sent)  # 0 sends nothing
        deadline = time.monotonic() + seconds
        while _children() and time.monotonic() < deadline:
            time.sleep(0.05)
    assert not _children(), "processes do not end"


def _children() -> list[int]:
    """Wait for the children that have ended, and return all below this process that live."""
    found = below(os.getpid(), family())
    for number, seen in found.items():
        if seen.parent == os.getpid():
            with suppress(OSError):
                os.waitpid(number, os.WNOHANG)
    return [number for number in found if number in family()]


def _adopt_orphans(yes: bool) -> None:
    """Become the parent of all processes below whose parent ends; or no longer."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
