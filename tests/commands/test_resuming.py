"""`m2v-lite encode --resume`: what was done is kept, checked and gone on with."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from sample_texts import SAMPLE_TEXTS
from time_limit import LONGEST, started

from m2v_lite import StaticModel
from m2v_lite.commands.main import main
from m2v_lite.files.atomic_write import lock

KILLS = 100 if os.environ.get("M2V_LITE_EXHAUSTIVE") else 3

LINES = [" ".join(text.split()) for text in SAMPLE_TEXTS]


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., int]:
    """Return what encodes `tmp_path / "in"` to `tmp_path / "v.npy"`, with some options."""

    def encode(*options: str, name: str = "v.npy") -> int:
        return main(["encode", "--input", str(tmp_path / "in"), "--output", str(tmp_path / name), *options])

    (tmp_path / "in").write_bytes("\n".join(LINES).encode() + b"\n\xff\nlast\n")
    return encode


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_failed_job_goes_on(
    job: Callable[..., int], tmp_path: Path, bundled: StaticModel, capsys: pytest.CaptureFixture[str]
) -> None:
    assert job() == 1
    told = capsys.readouterr().err
    partial = tmp_path / "v.npy.partial"
    expected = (
        f"{partial} holds the vectors of {len(LINES)} texts; to continue, repeat the command with --resume"
    )
    assert expected in told
    assert f"in, line {len(LINES) + 1} (byte " in told
    assert names(tmp_path) == ["in", "v.npy.partial", "v.npy.partial.json"]
    before = partial.read_bytes(), partial.stat().st_mtime_ns
    assert job("--resume") == 1  # the same byte
    assert (partial.read_bytes(), partial.stat().st_mtime_ns) == before
    assert str(partial) in capsys.readouterr().err
    assert job("--resume", "--errors", "skip") == 0
    assert "1 record skipped as unreadable" in capsys.readouterr().err
    assert names(tmp_path) == ["in", "v.npy"]
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), bundled.encode([*LINES, "last"]))


def test_with_nothing_to_resume_it_begins(job: Callable[..., int], tmp_path: Path) -> None:
    assert job("--resume", "--errors", "replace") == 0
    assert len(np.load(tmp_path / "v.npy")) == len(LINES) + 2
    assert names(tmp_path) == ["in", "v.npy"]


def test_a_new_run_discards_what_was_kept(job: Callable[..., int], tmp_path: Path) -> None:
    assert job() == 1
    (tmp_path / "in").write_text("other\n")
    assert job() == 0
    assert len(np.load(tmp_path / "v.npy")) == 1
    assert names(tmp_path) == ["in", "v.npy"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dim", "8"], "started with another --dim: 256, not 8"),
        (["--max-length", "3"], "another --max-length: 512, not 3"),
        (["--no-normalize"], "another --normalize: True, not False"),
        (["--precision", "binary"], "another --precision: the default, not 'binary'"),
        (["--model", "TINY"], "another model; give the same, or"),
        (["--column", "a"], "another --column"),
    ],
)
def test_another_job_is_refused(
    options: list[str],
    message: str,
    job: Callable[..., int],
    tmp_path: Path,
    tiny: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert job() == 1
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    options = [str(tiny("wordpiece-float32")) if option == "TINY" else option for option in options]
    capsys.readouterr()
    assert job("--resume", *options) == 1
    told = capsys.readouterr().err
    assert message in told
    assert "start again without --resume" in told
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    "other",
    [b"another line\n" * 1000, b"one line\n", b"", "\n".join(LINES[1:] + LINES[:1]).encode()],
    ids=["others", "fewer", "none", "another order"],
)
def test_other_texts_are_refused(
    other: bytes, job: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert job() == 1
    kept = (tmp_path / "v.npy.partial").read_bytes()
    (tmp_path / "in").write_bytes(other)
    assert job("--resume") == 1
    assert f"its first {len(LINES)} records are not those" in capsys.readouterr().err
    assert (tmp_path / "v.npy.partial").read_bytes() == kept


def test_what_else_may_be_wrong(
    job: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    partial, manifest = tmp_path / "v.npy.partial", tmp_path / "v.npy.partial.json"
    assert job() == 1
    content = manifest.read_text()
    partial.write_bytes(partial.read_bytes()[:1000])
    assert job("--resume") == 1
    assert "damaged: it has 1,000 bytes" in capsys.readouterr().err
    manifest.write_text(content.replace('"m2v_lite.partial": 1', '"m2v_lite.partial": 2'))
    assert job("--resume") == 1
    assert "written by another version of m2v_lite" in capsys.readouterr().err
    for damaged in ("", "{}", "[]", "1", '{"m2v_lite.partial": 1, "job": {}, "done": {"x": 1}}', "\xff"):
        manifest.write_text(damaged)
        for options in (["--resume"], []):
            assert job(*options) == 1
            assert (
                f"{manifest}: this file is in the way, and m2v_lite did not write it"
                in capsys.readouterr().err
            )
    assert partial.stat().st_size == 1000
    assert job("--force", "--errors", "skip") == 0
    assert names(tmp_path) == ["in", "v.npy"]


def test_two_jobs_with_one_output(
    job: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    partial = tmp_path / "v.npy.partial"
    with partial.open("wb") as file:
        lock(file)
        assert job("--errors", "skip") == 1
    assert "another process is writing this file" in capsys.readouterr().err
    assert partial.exists()
    assert job("--errors", "skip") == 0


def test_source_columns_belong_to_the_job(
    job: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert job("--source", name="v.jsonl") == 1
    (tmp_path / "in").write_bytes((tmp_path / "in").read_bytes().replace(b"\xff\n", b""))
    (tmp_path / "in").rename(tmp_path / "moved")
    moved = ["encode", "--input", str(tmp_path / "moved"), "--output", str(tmp_path / "v.jsonl"), "--resume"]
    assert main([*moved, "--source"]) == 1
    assert "records are not those" in capsys.readouterr().err
    (tmp_path / "moved").rename(tmp_path / "in")
    assert job("--source", "--resume", name="v.jsonl") == 0
    records = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    assert [record["line"] for record in records] == list(range(1, len(LINES) + 2))
    assert {record["path"] for record in records} == {str(tmp_path / "in")}


@pytest.mark.skipif(sys.platform == "win32", reason="temporary files of killed processes stay there")
@pytest.mark.parametrize("name", ["v.npy", "v.jsonl"])
def test_killed_again_and_again(name: str, tmp_path: Path) -> None:
    """The final file is that of an undisturbed run, byte for byte."""
    output, partial, whole = tmp_path / name, tmp_path / f"{name}.partial", tmp_path / f"whole-{name}"
    lines = "".join(f"{text} {number}\n" for number in range(2000) for text in LINES)
    (tmp_path / "in").write_text(lines)
    command = [sys.executable, "-m", "m2v_lite", "encode", "--dim", "8", "--input", str(tmp_path / "in")]
    subprocess.run([*command, "--output", str(whole)], check=True, timeout=LONGEST)
    chance = random.Random(name)
    kills = 0
    while kills < KILLS:
        while not output.exists():
            with started([*command, "--output", str(output), "--resume"]) as process:
                kills += killed_when_it_has_grown(process, partial, chance.randrange(1, 3_000_000))
        assert output.read_bytes() == whole.read_bytes()
        assert names(tmp_path) == sorted(["in", name, whole.name])
        output.unlink()


def killed_when_it_has_grown(process: subprocess.Popen[bytes], partial: Path, by: int) -> bool:
    """Kill a process when its partial file has so many bytes more; return False if it ends before."""
    size = partial.stat().st_size if partial.exists() else 0
    deadline = time.monotonic() + LONGEST
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(FileNotFoundError):
            if partial.stat().st_size > size + by:
                process.send_signal(signal.SIGKILL)
                return process.wait(LONGEST) == -signal.SIGKILL
        time.sleep(0.001)
    return False


def test_the_output_is_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    Path("docs/a.txt").write_bytes(b"one\n\xff\n")
    command = ["encode", "--input", "docs", "--format", "text", "--no-source", "--output", "docs/v.jsonl"]
    assert main(command) == 1
    Path("docs/a.txt").write_text("one\ntwo\n")
    assert main([*command, "--resume"]) == 0
    lines = Path("docs/v.jsonl").read_text().splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["one", "two"]
    assert main(command) == 0
    assert len(Path("docs/v.jsonl").read_text().splitlines()) == 2
    capsys.readouterr()
    assert main(["encode", "--input", "docs/v.jsonl", "--output", "docs/v.jsonl"]) == 1
    assert "docs/v.jsonl: this is also the output" in capsys.readouterr().err


def test_what_is_in_the_way_of_a_partial_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, manifest = tmp_path / "v.npy", tmp_path / "v.npy.partial.json"
    command = ["encode", "a", "--output", str(output)]
    (tmp_path / "v.npy.partial").symlink_to("nowhere")
    assert main(command) == 1
    assert "v.npy.partial: this link points to nothing, so it cannot be opened" in capsys.readouterr().err
    (tmp_path / "v.npy.partial").unlink()
    manifest.write_text('{"mine": 1}')
    assert main(command) == 1
    assert (
        "v.npy.partial.json: this file is in the way, and m2v_lite did not write it"
        in capsys.readouterr().err
    )
    assert names(tmp_path) == ["v.npy.partial.json"]
    assert main([*command, "--force"]) == 0
    assert names(tmp_path) == ["v.npy"]


def test_records_before_one_that_cannot_be_written_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n{"text": "b"}\n{"text": "c", "embedding": 1}\n')
    command = ["encode", "--input", str(tmp_path / "in.jsonl")]
    assert main([*command, "--output", str(tmp_path / "v.jsonl")]) == 1
    told = capsys.readouterr().err
    assert "in.jsonl, line 3 (byte 28): the record already has a field 'embedding'" in told
    assert "holds the vectors of 2 texts" in told
    assert len((tmp_path / "v.jsonl.partial").read_text().splitlines()) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_is_told_and_the_job_goes_on_later(tmp_path: Path, bundled: StaticModel) -> None:
    lines = [f"line {number}" for number in range(6000)]
    (tmp_path / "in").write_text("".join(f"{line}\n" for line in lines))
    limited = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000)); "
        "import sys; from m2v_lite.commands.main import main; sys.exit(main(sys.argv[1:]))"
    )
    command = ["encode", "--input", "in", "--output", "v.npy"]
    done = subprocess.run(
        [sys.executable, "-c", limited, *command],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )
    assert done.returncode == 1
    assert "v.npy.partial: File too large\n" in done.stderr
    assert "v.npy.partial holds the vectors of 4,096 texts" in done.stderr
    subprocess.run(
        [sys.executable, "-m", "m2v_lite", *command, "--resume"], cwd=tmp_path, check=True, timeout=LONGEST
    )
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), bundled.encode(lines))
    assert names(tmp_path) == ["in", "v.npy"]
