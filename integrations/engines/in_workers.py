"""Embedders for tests with workers: one that dies, one that tells what it does. Workers import this file."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from m2v_lite import Embedder, StaticModel

HERE = str(Path(__file__).parent)


class DyingOnce(Embedder):
    """Kills its own process when a certain text comes, the first time.

    Args:
        marker: a file that is made then, and must not be there before.
        text: the text.
    """

    def __init__(self, marker: Path, text: str, **options: Any) -> None:
        super().__init__(**options)
        self._marker, self._text = str(marker), text

    def __call__(self, batch: Any) -> Any:
        if self._text in batch[self.column].to_pylist():
            try:
                os.close(os.open(self._marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return super().__call__(batch)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(batch)


class Telling(Embedder):
    """Writes a line to a file for each batch, and for each time that a process loads the model.

    Args:
        log: the file.
    """

    def __init__(self, log: Path, model: Any = None, **options: Any) -> None:
        super().__init__(model, **options)
        self._log = str(log)

    def __call__(self, batch: Any) -> Any:
        result = super().__call__(batch)
        self._tell("batch")
        return result

    def _load_here(self) -> StaticModel:
        self._tell("load")
        return super()._load_here()

    def _tell(self, what: str) -> None:
        log = os.open(self._log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.write(log, f"{what} {os.getpid()}\n".encode())
        os.close(log)


def told(log: Path, what: str) -> Counter[int]:
    """Return how often each process told something, by its number."""
    lines = [line.split() for line in log.read_text(encoding="ascii").splitlines()] if log.exists() else []
    return Counter(int(process) for did, process in lines if did == what)


def pages(process: int, file: Path) -> tuple[int, int]:
    """Return how much of a file a process has in its memory: in all (Rss), and its share of it (Pss).

    Pages that several processes use are divided among them in Pss.
    """
    rss = pss = 0
    of_file = False
    for line in Path(f"/proc/{process}/smaps").read_text(encoding="utf-8").splitlines():
        head, *rest = line.split()
        if not head.endswith(":"):  # a mapping begins
            of_file = line.endswith(str(file))
        elif of_file and head == "Rss:":
            rss += int(rest[0]) * 1024
        elif of_file and head == "Pss:":
            pss += int(rest[0]) * 1024
    return rss, pss
