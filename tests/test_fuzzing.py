"""The fuzzers: a short run finds nothing, and they would find something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from time_limit import LONGEST

if sys.platform != "linux":
    pytest.skip("the fuzzers fork, and limit memory", allow_module_level=True)

import fuzz_models
import fuzz_texts

from m2v_lite.tokenization import kinds

SCRIPTS = Path(__file__).parents[1] / "scripts"


def run(name: str, *options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / name), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST)


def test_models(tmp_path: Path) -> None:
    done = run("fuzz_models.py", "--cases", 80, "--seed", 5, "--out", tmp_path, "--state", tmp_path / "state")
    assert done.returncode == 0, done.stdout
    assert "| 80 cases | refused | works |" in done.stdout
    assert (tmp_path / "state").read_text() == '{"next": 80}'
    again = run("fuzz_models.py", "--cases", 2, "--seed", 5, "--out", tmp_path, "--state", tmp_path / "state")
    assert (tmp_path / "state").read_text() == '{"next": 82}', again.stdout


def test_texts() -> None:
    done = run("fuzz_texts.py", "--cases", 8, "--seed", 5)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("raise KeyError('x')", fuzz_models.FOREIGN),
        ("raise SystemExit(0)", fuzz_models.FOREIGN),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", fuzz_models.CRASH),
        ("import time; time.sleep(100)", fuzz_models.HANG),
        ("b' ' * (1 << 30)", fuzz_models.MEMORY_OUT),
        ("raise M2VLiteError('no')", fuzz_models.REFUSED),
        ("pass", fuzz_models.WORKS),
    ],
)
def test_every_outcome_is_seen(
    body: str, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzz_models, "SECONDS", 2)
    monkeypatch.setattr(fuzz_models, "use", lambda *_: exec(body, vars(fuzz_models)))
    assert fuzz_models.in_a_child(tmp_path, tmp_path / "vectors.npy", True)[0] == outcome


def test_wrong_ids_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = kinds.tokenizer_of_content

    def wrong(*arguments: object) -> object:
        tokenizer = right(*arguments)  # type: ignore[arg-type]
        one = tokenizer.token_ids_of_one
        monkeypatch.setattr(tokenizer, "token_ids_of_one", lambda text, limit: one(text + " cat", limit))
        return tokenizer

    monkeypatch.setattr(fuzz_texts, "tokenizer_of_content", wrong)
    monkeypatch.setattr(sys, "argv", ["fuzz_texts.py", "--cases", "1"])
    assert fuzz_texts.fuzz() == 1
