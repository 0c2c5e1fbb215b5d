"""`m2v-lite bench`: what it prints, and that its checks can fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from time_limit import LONGEST

from m2v_lite import StaticModel
from m2v_lite.commands import bench
from m2v_lite.commands.main import main

QUICK = ["--texts", "30", "--rounds", "1"]


def figures(output: str) -> dict[str, str]:
    """Return the rows of the block by their labels."""
    rows = [line.strip("| ").split(" | ", 1) for line in output.splitlines()[4:]]
    return dict(rows)


def test_what_it_prints() -> None:
    command = [sys.executable, "-W", "error", "-m", "m2v_lite", "bench", *QUICK]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONGEST)
    assert done.stderr == ""
    assert done.stdout.startswith("### ")
    assert done.stdout.splitlines()[1:4] == ["", "| | |", "|---|---|"]
    shown = figures(done.stdout)
    assert shown["check: stored vectors"] == "equal to the bit"
    assert shown["check: means of 32 texts"].startswith("within ")
    assert shown["m2v_lite"].endswith("model bundled: 29,528 x 256 int8")
    assert sum(value.endswith(" texts/s") for value in shown.values()) == 2
    assert shown["one short text"].endswith(" ms")
    assert " ms; numpy alone " in shown["start to first vector"]
    if Path("/proc/self/smaps_rollup").exists():
        assert " MB; numpy alone " in shown["private memory then"]


@pytest.mark.parametrize(
    "name", ["wordpiece-float16", "wordpiece-1-column", "wordpiece-max-length-3", "unigram-nested"]
)
def test_another_model(name: str, tiny: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--model", str(tiny(name)), *QUICK]) == 0
    shown = figures(capsys.readouterr().out)
    assert str(tiny(name)) in shown["m2v_lite"]
    assert shown["check: means of 32 texts"].startswith("within ")


def test_a_wrong_stored_vector_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, numbers = next(iter(bench.STORED.items()))
    wrong = (*numbers[:-1], float(np.nextafter(np.float32(numbers[-1]), np.float32(1))))
    monkeypatch.setitem(bench.STORED, text, wrong)
    with pytest.raises(SystemExit, match="1"):
        main(["bench", *QUICK])
    assert figures(capsys.readouterr().out)["check: stored vectors"].startswith("WRONG by ")


def test_a_wrong_mean_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    encode = StaticModel.encode

    def wrong(model: StaticModel, texts: list[str]) -> np.ndarray:
        return encode(model, texts) * (1.0001 if len(texts) == 32 else 1)

    monkeypatch.setattr(StaticModel, "encode", wrong)
    with pytest.raises(SystemExit, match="1"):
        main(["bench", *QUICK])
    shown = figures(capsys.readouterr().out)
    assert shown["check: means of 32 texts"].startswith("WRONG by ")
    assert shown["check: stored vectors"] == "equal to the bit"


def test_no_such_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--model", "/no/such/model", *QUICK]) == 1
    assert "/no/such/model" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["--texts", "--rounds"])
def test_wrong_usage(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["bench", wrong, "0"])
    assert "is not a whole number of at least 1" in capsys.readouterr().err


def test_a_process_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "FIRST_VECTOR", "raise SystemExit(3)")
    with pytest.raises(SystemExit, match="a measured process failed with status 3"):
        bench.first_vector(None, "text")


def test_what_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(path: str) -> list[str]:
        return []

    monkeypatch.setattr(bench, "_lines", unknown)
    monkeypatch.setattr(bench, "first_vector", lambda model, text: (1.0, None))
    assert bench.board()
    assert bench.memory() == "unknown memory"
    assert dict(bench.start_up(None, 1))["private memory then"] == "unknown on this system"


def test_a_board_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "/proc/device-tree/model": ["Raspberry Pi Zero 2 W Rev 1.0\0"],
        "/proc/meminfo": ["MemFree: 1024 kB\n", "MemTotal:        425984 kB\n"],
    }
    monkeypatch.setattr(bench, "_lines", lambda path: files.get(path, []))
    assert bench.board() == "Raspberry Pi Zero 2 W Rev 1.0"
    assert bench.memory() == "416 MB of memory"


def test_texts_are_all_different() -> None:
    texts = bench.texts_of(bench.SHORT_WORDS, 10**9)
    assert len(set(texts)) == len(texts) > 3000
