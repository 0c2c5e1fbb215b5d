"""The benchmarks' measure of processor time counts each process, however it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from time_limit import started

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("the benchmarks are not part of the installed package", allow_module_level=True)
if not sys.platform.startswith("linux"):
    pytest.skip("needs /proc of Linux", allow_module_level=True)

SECONDS = 0.6
# What a program begins with. It says "ready", and does its work when it is told to.
BEGIN = """
import os, signal, sys, time
def burn():
    end = time.process_time() + SECONDS
    while time.process_time() < end: pass
def child(work):
    number = os.fork()
    if not number:
        work()
        os._exit(0)
    return number
def say(word):
    print(word, flush=True)
    sys.stdin.readline()
say("ready")
"""
WAITED_FOR = "for number in [child(burn), child(burn)]: os.waitpid(number, 0)"
# The first child leaves an orphan, which tells by a pipe that it is ready, and lives on.
DAEMON = """
ends = os.pipe()
def daemon():
    os.setsid()
    burn()
    os.write(ends[1], b".")
    time.sleep(600)
os.waitpid(child(lambda: (burn(), child(daemon))), 0)
os.read(ends[0], 1)
"""
ENDED_DAEMON = DAEMON.replace("time.sleep(600)", "pass")
# Nobody learns of their time: they are waited for by the kernel.
IGNORED = """
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
child(burn), child(burn)
try:
    while True: os.waitpid(-1, 0)
except ChildProcessError: pass
"""


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.parametrize(
    "work",
    [WAITED_FOR, DAEMON, ENDED_DAEMON, IGNORED],
    ids=["waited for", "daemon", "ended daemon", "ignored"],
)
def test_the_time_of_two_grandchildren(work: str) -> None:
    from processor_time import Meter, end_all

    code = BEGIN.replace("SECONDS", str(SECONDS)) + work + "\nsay('done')\n"
    with Meter(interval=0.02) as meter:
        with started(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            start = meter.seconds()
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "done\n"
            spent = meter.seconds() - start
        end_all(0)
    # A process of two grandchildren that burn for SECONDS each.
    assert spent == pytest.approx(2 * SECONDS, rel=0.15)


def test_time_that_moves_to_the_parent_is_not_forgotten() -> None:
    from processor_time import Seen, forgotten

    root, parent, child = Seen(0, 0, 0, 0), Seen(1, 1, 10, 0), Seen(2, 2, 50, 5)
    before = {1: root, 2: parent, 3: child}
    assert forgotten(before, {1: root, 2: parent._replace(waited=56)}) == 0
    assert forgotten(before, {1: root._replace(waited=66)}) == 0
    assert forgotten(before, {1: root, 2: parent}) == 55
    # The number of a process that has ended was given to another one.
    assert forgotten(before, {1: root, 2: parent, 3: Seen(2, 9, 1, 0)}) == 55
