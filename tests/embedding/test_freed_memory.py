"""Memory that is free again goes back to the system."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest
from time_limit import LONGEST

from m2v_lite.embedding.freed_memory import give_back_freed_memory

# Frees every second of many blocks, so that the C library can give none of them back by itself.
PROGRAM = """
import numpy
from m2v_lite.embedding.freed_memory import give_back_freed_memory

def private():
    text = open("/proc/self/smaps_rollup").read()
    return int(text.split("Private_Dirty:")[1].split()[0])

blocks = [bytes(50_000) for _ in range(1000)]
del blocks[::2]
before = private()
give_back_freed_memory()
print(before - private())
"""


def has_malloc_trim() -> bool:
    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")


@pytest.mark.skipif(not has_malloc_trim(), reason="needs glibc")
def test_freed_memory_goes_back() -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONGEST)
    assert int(done.stdout) > 15_000  # kilobytes, of 25,000


@pytest.mark.parametrize("platform", ["win32", "darwin", "linux"])
def test_without_malloc_trim(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    give_back_freed_memory()
