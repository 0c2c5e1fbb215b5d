"""Commands at the end of a pipe: what has come is done at once, and a signal loses nothing of it."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from time_limit import LONGEST, await_end, started, wait_for

from m2v_lite import StaticModel
from m2v_lite.commands.stopping import StopReading, StopRequests
from m2v_lite.encoding.processes import forks

if sys.platform == "win32":
    pytest.skip("there, one cannot wait for a pipe, nor send a signal to a program", allow_module_level=True)

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@contextmanager
def piped(*options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `m2v-lite encode` between two pipes."""
    command = [sys.executable, "-m", "m2v_lite", "encode", "--dim", "2", *options]
    with started(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Where the tests themselves run with a signal ignored, the command would ignore it, too.
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in SIGNALS],
    ) as process:
        yield process


def send(process: subprocess.Popen[bytes], content: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(content)
    process.stdin.flush()


def answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    record: dict[str, Any] = json.loads(process.stdout.readline())
    return record


@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["one process", "workers"])
@pytest.mark.parametrize(
    ("options", "start", "line"),
    [
        ((), "", "line {0}\n"),
        (("--column", "t"), "", '{{"t": "line {0}"}}\n'),
        (("--format", "csv"), "id,text\n", '{0},"line {0}"\n'),
        (("--format", "tsv"), "text\r\n", "line {0}\r\n"),
    ],
)
def test_a_line_is_encoded_before_the_next_comes(
    options: tuple[str, ...], start: str, line: str, workers: tuple[str, ...]
) -> None:
    model = StaticModel.from_pretrained(dimensionality=2)
    with piped(*options, *workers) as process:
        send(process, start.encode())
        for number in range(5):
            send(process, line.format(number).encode())
            vector = np.array(answer(process)["embedding"], np.float32)
            np.testing.assert_array_equal(vector, model.encode(f"line {number}"))


@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["one process", "workers"])
@pytest.mark.parametrize(
    ("options", "start", "begins", "goes_on"),
    [
        ((), b"one\n", b"ha", b"lf\nwhole\n"),
        (("--column", "text"), b'{"text": "one"}\n', b"\n", b'{"text": "half"}\n{"text": "whole"}\n'),
        (("--format", "csv"), b"text,n\none,1\n", b'"half\n', b'",2\nwhole,3\n'),
    ],
    ids=["half a line", "a blank line", "half a row"],
)
def test_what_comes_while_lines_are_encoded_holds_nothing_up(
    options: tuple[str, ...], start: bytes, begins: bytes, goes_on: bytes, workers: tuple[str, ...]
) -> None:
    with piped(*options, *workers) as process:
        send(process, start + begins)
        assert answer(process)["text"] == "one"
        for _ in range(30):
            send(process, goes_on)
            send(process, begins)
            assert [answer(process)["text"].strip() for _ in range(2)] == ["half", "whole"]


MEMBERS = gzip.compress(b"one\n"), gzip.compress(b"two\n")


@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["one process", "workers"])
@pytest.mark.parametrize(
    ("options", "begins", "goes_on"),
    [
        (("--column", "text"), [b'{"text": "one"}\n', b"\n \n"], b'{"text": "two"}\n'),
        (("--format", "csv"), [b'text,n\none,1\n"two', b"", b"\n"], b'",2\n'),
        (("--format", "json"), [b'[{"text": "one"}', b', {"text": "two', b'"'], b"}"),
        (
            ("--encoding", "utf-16-le"),
            ["one\n".encode("utf-16-le"), b"t"],
            b"\0" + "wo\n".encode("utf-16-le"),
        ),
        ((), [MEMBERS[0], MEMBERS[1][:15]], MEMBERS[1][15:]),
        (("--input", "{file}", "-"), [], b"two\n"),
    ],
    ids=["blank lines", "a row of many lines", "an array", "half a character", "gzip", "a file before"],
)
def test_what_makes_no_record_yet_holds_nothing_up(
    options: tuple[str, ...],
    begins: list[bytes],
    goes_on: bytes,
    workers: tuple[str, ...],
    tmp_path: Path,
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one\n")
    with piped(*(option.format(file=file) for option in options), *workers) as process:
        for piece in begins:
            time.sleep(0.05)  # so that each arrives alone
            send(process, piece)
        assert answer(process)["text"] == "one"
        send(process, goes_on)
        assert answer(process)["text"].rstrip() == "two"


def test_the_columns_of_a_table_do_not_depend_on_how_fast_records_come(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    output = tmp_path / "v.parquet"
    with piped("--column", "text", "--output", str(output)) as process:
        for line in (b'{"text": "one", "n": 1}\n', b'{"text": "two", "n": 2.5, "more": "x"}\n'):
            send(process, line)
            time.sleep(0.2)
        _, errors = process.communicate(timeout=LONGEST)
        assert (process.returncode, errors) == (0, b"")
    table = pq.read_table(output)
    assert table.select(["text", "n", "more"]).to_pydict() == {
        "text": ["one", "two"],
        "n": [1.0, 2.5],
        "more": [None, "x"],
    }


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["one process", "workers"])
def test_a_signal_ends_the_input(number: signal.Signals, workers: tuple[str, ...]) -> None:
    with piped(*workers) as process:
        send(process, b"one\ntwo\nhal")
        assert [answer(process)["text"] for _ in range(2)] == ["one", "two"]
        process.send_signal(number)
        output, errors = process.communicate(timeout=LONGEST)
        assert process.returncode == 128 + number
        assert (output, errors) == (b"", b"")


def test_all_that_was_read_is_written_before_the_end() -> None:
    """The signal comes in the middle of much work."""
    lines = [f"line {number}" for number in range(100_000)]
    with piped("--quiet") as process:

        def feed() -> None:
            with suppress(BrokenPipeError):
                send(process, "".join(f"{line}\n" for line in lines).encode())

        feeder = Thread(target=feed)
        feeder.start()
        texts = [answer(process)["text"]]
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        texts += [json.loads(line)["text"] for line in process.stdout]
        assert process.wait(LONGEST) == 128 + signal.SIGINT
        await_end(feeder)
    assert texts == lines[: len(texts)]
    assert 100 < len(texts) < len(lines)


def test_a_second_signal_ends_the_command_at_once() -> None:
    """As when the reader of the output does not read, so that what was read cannot be written."""
    with piped() as process:
        send(process, b"line\n" * 5000)
        assert answer(process)["text"] == "line"  # and the pipe behind it is full
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(LONGEST) == 128 + signal.SIGINT


def test_a_failure_comes_after_what_was_right() -> None:
    with piped() as process:
        output, errors = process.communicate(b"one\ntwo\n\xff\nfour\n", timeout=LONGEST)
    assert [json.loads(line)["text"] for line in output.splitlines()] == ["one", "two"]
    assert process.returncode == 1
    assert b"line 3" in errors


def test_a_request_to_stop_while_nothing_is_waited_for() -> None:
    with StopRequests() as stops:
        assert list(stops.until_requested(iter("ab"))) == ["a", "b"]
        signal.raise_signal(signal.SIGINT)
        assert list(stops.until_requested(iter("ab"))) == ["a"]
        with pytest.raises(StopReading):
            stops.wait(0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            stops.go_on()
    with StopRequests() as stops:
        stops.go_on()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_a_busy_pipe_with_workers(number: signal.Signals) -> None:
    """Also to the workers, as a terminal or a service manager does."""
    with piped("--workers", "2", "--quiet") as process:

        def feed() -> None:
            with suppress(BrokenPipeError):
                while True:
                    send(process, b"some line\n" * 1000)

        feeder = Thread(target=feed)
        feeder.start()
        assert answer(process)["text"] == "some line"
        if forks(None):  # Python's fork server would end
            for child in children_of(process.pid):
                os.kill(child, number)
        process.send_signal(number)
        assert process.stdout is not None
        texts = [json.loads(line)["text"] for line in process.stdout]
        assert process.wait(LONGEST) == 128 + number
        await_end(feeder)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert set(texts) == {"some line"}


def children_of(process: int) -> list[int]:
    try:
        return list(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))
    except OSError:
        return []


def has_open(process: int, path: Path) -> bool:
    folder = Path(f"/proc/{process}/fd")
    with suppress(OSError):
        return any(entry.readlink() == path for entry in folder.iterdir())
    return False


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc of Linux")
def test_a_named_pipe_without_a_writer_can_be_interrupted(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with piped("--input", str(tmp_path / "pipe")) as process:
        wait_for(lambda: has_open(process.pid, tmp_path / "pipe"), process)
        with (tmp_path / "pipe").open("wb", buffering=0) as pipe:
            pipe.write(b"one\n")
            assert answer(process)["text"] == "one"
            process.send_signal(signal.SIGTERM)
            assert process.wait(LONGEST) == 128 + signal.SIGTERM
    with piped("--input", str(tmp_path / "pipe")) as process:
        wait_for(lambda: has_open(process.pid, tmp_path / "pipe"), process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONGEST) == 128 + signal.SIGTERM
