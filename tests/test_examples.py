"""The examples that need nothing but the package, as a person runs them; the others are in `integrations`."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from time_limit import LONGEST, started

from m2v_lite import StaticModel

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(example: str, *arguments: str | Path, stdin: bytes = b"", status: int = 0) -> str:
    """Run an example and return what it prints, or its message if it is to fail."""
    command = [sys.executable, str(EXAMPLES / example), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, input=stdin, capture_output=True, check=False, env=environment, timeout=LONGEST
    )
    assert done.returncode == status, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    return (done.stderr if status else done.stdout).decode()


def loaded(example: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(example, EXAMPLES / f"{example}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LOG = """\
06:00:01 hall sshd[12]: Failed password for root from 203.0.113.7 port 40122
06:00:09 hall kernel: Under-voltage detected! (0x00050005)

06:00:14 hall sshd[45]: Failed password for root from 203.0.113.9 port 51
06:07:30 hall sshd[78]: Failed password for user root from 198.51.100.2 port 40160
06:08:00 hall kernel: Under-voltage detected! (0x00050005)
06:09:00 hall cron: backup done
"""


class TestNearDuplicates:
    def test_counts_the_kinds_of_lines(self, tmp_path: Path) -> None:
        lines = LOG.splitlines()
        expected = [
            f"     3  {lines[0]}",
            f"     2  {lines[1]}",
            f"     1  {lines[6]}",
            "     6  lines, of 3 kinds",
        ]
        (tmp_path / "log").write_text(LOG)
        assert run("near_duplicates.py", tmp_path / "log").splitlines() == expected
        assert run("near_duplicates.py", stdin=LOG.encode()).splitlines() == expected

    def test_the_threshold(self) -> None:
        def kinds(threshold: str) -> int:
            return int(run("near_duplicates.py", "--threshold", threshold, stdin=LOG.encode()).split()[-2])

        assert kinds("0.99") == 4
        assert kinds("0.01") == 1
        for wrong in ("0", "1.1", "nan", "high"):
            assert "--threshold" in run("near_duplicates.py", "--threshold", wrong, status=2)
        assert "--most" in run("near_duplicates.py", "--most", "0", status=2)

    def test_a_kind_that_has_not_come_for_longest_is_forgotten(self) -> None:
        texts = [
            "a cup of tea",
            "the train is late",
            "a cup of tea",
            "the piano",
            "the train is late",
            "a cup of tea",
        ]
        output = run("near_duplicates.py", "--most", "2", stdin="\n".join(texts).encode()).splitlines()
        assert output == [
            "     1  the train is late",  # made room for the piano
            "     2  a cup of tea",  # made room for the train
            "     1  the piano",
            "     1  the train is late",
            "     1  a cup of tea",
            "     6  lines, of 5 kinds",
        ]

    def test_lines_that_hold_no_words(self) -> None:
        output = run("near_duplicates.py", stdin=b"12\n3456\n\xff\n \t\n\n--\n").splitlines()
        assert output[0] == "     2  12"
        assert output[-1].startswith("     4  lines")

    def test_a_line_without_end_is_taken_in_parts(self) -> None:
        output = run("near_duplicates.py", stdin=b"the kettle is on and " * 10_000).splitlines()
        assert output[-1] == "    21  lines, of 1 kinds"
        assert len(output[0]) < 10_010

    def test_memory_is_bounded(self) -> None:
        example = loaded("near_duplicates")
        words = ["kettle", "train", "piano", "garden", "bread", "board", "sensor", "night", "money"]

        def peak(number: int) -> int:
            def lines() -> Iterator[str]:
                chance = random.Random(number)
                for _ in range(number):
                    yield " ".join(chance.choices(words, k=6)) + "!" * 500

            tracemalloc.start()
            total = sum(count for count, _ in example.kinds_of_lines(lines(), 0.9999, 100))
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert total == number
            return most

        peak(100)  # imports what is needed
        assert peak(8_000) < peak(2_000) + 500_000

    def test_no_log(self, tmp_path: Path) -> None:
        assert "none" in run("near_duplicates.py", tmp_path / "none", status=1)
        assert "cannot be read" in run("near_duplicates.py", tmp_path, status=1)
        assert "no text" in run("near_duplicates.py", stdin=b"\n \n", status=1)

    def test_who_reads_the_output_may_have_enough(self) -> None:
        log = "".join(
            f"{'x' * (number % 50)}{number % 7} {chr(97 + number % 26)}\n" for number in range(20_000)
        )
        command = [sys.executable, str(EXAMPLES / "near_duplicates.py"), "--most", "2"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        pipe = subprocess.PIPE
        with started(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment) as process:
            assert process.stdout is not None
            process.stdout.close()
            _, errors = process.communicate(log.encode(), timeout=LONGEST)
        assert errors == b""


def test_files_are_shared_among_tasks(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    source, target = tmp_path / "texts", tmp_path / "vectors"
    source.mkdir()
    texts = ["The kettle is on.", None, "The train was late."]
    for name in "abc":
        pq.write_table(pa.table({"id": [1, 2, 3], "text": texts}), source / f"{name}.parquet")
    run("engines/sharded_vectors.py", source, target, "--part", "1", "--of", "2")
    (written,) = target.iterdir()
    assert written.name == "b.parquet"
    run("engines/sharded_vectors.py", source, target)
    assert sorted(path.name for path in target.iterdir()) == ["a.parquet", "b.parquet", "c.parquet"]
    codes = StaticModel.from_pretrained().encode([text or "" for text in texts], precision="int8").tolist()
    for path in target.iterdir():
        assert pq.read_table(path)["embedding"].to_pylist() == [codes[0], None, codes[2]]
    assert "has no files that end in .parquet" in run(
        "engines/sharded_vectors.py", tmp_path, target, status=2
    )
    assert "there is no part 2 of 2" in run(
        "engines/sharded_vectors.py", source, target, "--part", "2", "--of", "2", status=2
    )


@pytest.mark.parametrize(
    ("example", "package"), [("milvus_collection", "pymilvus"), ("serve_embeddings", "uvicorn")]
)
@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_an_example_without_its_packages_says_what_to_install(
    example: str, package: str, arguments: list[str]
) -> None:
    program = (
        f"import runpy, sys; sys.modules[{package!r}] = None; del sys.argv[0]; runpy.run_path(sys.argv[0])"
    )
    command = [sys.executable, "-c", program, str(EXAMPLES / f"{example}.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=LONGEST
    )
    assert done.returncode == 1
    extra = {"pymilvus": "milvus", "uvicorn": "serve"}[package]
    assert done.stderr == f"{package} is not installed; install it with: pip install -e '.[{extra}]'\n"


def test_the_help_of_the_nearest_sentences() -> None:
    assert run("nearest.py", "--help").startswith("usage: nearest.py [-h] [query ...]")
