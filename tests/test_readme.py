"""What the README says is so: its examples run, its lists are complete."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from m2v_lite.hub.known_models import HEADINGS, known_rows

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON_EXAMPLES = re.findall(r"```python\n((?:(?!```).)*)```\n\n```text\n(.*?)```", README, re.DOTALL)
PROGRAMS = re.findall(r"^python (examples/(\w+\.py).*)$", README, re.MULTILINE)
SHELL_EXAMPLES = re.findall(r"\$ (m2v-lite .*)\n((?:[^$`].*\n)+)", README)
NEED_MORE = {"milvus_collection.py", "serve_embeddings.py"}  # than this package; tested in integrations


def test_there_are_examples() -> None:
    assert len(PYTHON_EXAMPLES) >= 1
    assert len(SHELL_EXAMPLES) >= 1


@pytest.mark.parametrize("example", PYTHON_EXAMPLES)
def test_a_python_example_prints_what_it_says(example: tuple[str, str]) -> None:
    program, expected = example
    output = StringIO()
    with redirect_stdout(output):
        exec(program, {})
    assert output.getvalue() == expected


@pytest.mark.parametrize("example", SHELL_EXAMPLES)
def test_a_command_prints_what_it_says(example: tuple[str, str]) -> None:
    command, expected = example
    command = command.replace("m2v-lite", f"{sys.executable} -m m2v_lite", 1)
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True, cwd=ROOT)
    assert done.stdout.decode() == expected


def test_the_path_of_a_text_names_every_module() -> None:
    package = Path(__import__("m2v_lite").__file__ or "").parent
    modules = {path.name for path in package.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert {name for name in modules if f"`{name}`" not in README} == set()


def test_the_demo_runs() -> None:
    command = [sys.executable, str(ROOT / "examples" / "nearest.py"), "music", "for", "strings"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    output = done.stdout.decode().splitlines()
    assert output[2].endswith("She plays the cello in a string quartet.")
    assert len(output) == 7


def test_every_program_among_the_examples_is_named() -> None:
    assert {name for _, name in PROGRAMS} == {path.name for path in (ROOT / "examples").glob("*.py")}


@pytest.mark.parametrize("command", [command for command, name in PROGRAMS if name not in NEED_MORE])
def test_an_example_runs_as_it_stands(command: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")  # where it may write
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [sys.executable, *shlex.split(command)]
    done = subprocess.run(arguments, capture_output=True, check=True, env=environment, cwd=tmp_path)
    assert len(done.stdout.splitlines()) > 5
    assert done.stderr == b""


def test_the_speed_table_is_that_of_the_results() -> None:
    results = ROOT / "benchmarks" / "results" / "speed-1-core.md"
    if not results.exists():
        pytest.skip("the results are not part of the installed package")
    rows = [line for line in results.read_text().splitlines() if line.startswith("| ") and "**" in line]
    assert len(rows) > 10
    for row in rows:
        assert re.sub(r"\*\*(\d+\.\d)\d\*\* \([^)]*\)", r"\1", row) in README


def test_the_table_of_sizes_is_that_of_the_results() -> None:
    results = ROOT / "benchmarks" / "results" / "quality.md"
    if not results.exists():
        pytest.skip("the results are not part of the installed package")
    _, table = results.read_text().split("\n\n")
    assert len(table.splitlines()) == 11
    assert table in README


def test_the_figures_of_start_up_are_those_of_the_results() -> None:
    results = ROOT / "benchmarks" / "results" / "footprint.md"
    if not results.exists():
        pytest.skip("the results are not part of the installed package")
    (table,) = (part for part in results.read_text().split("\n\n") if part.startswith("| of the peer's"))
    assert len(table.splitlines()) == 6
    assert table in README


def test_the_known_models_are_those_of_the_command() -> None:
    for row in (HEADINGS, ["---"] * len(HEADINGS), *known_rows()):
        assert f"|{'|'.join(row)}|\n" in README.replace("| ", "|").replace(" |", "|")


def test_every_picture_is_there() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert len(pictures) == 2
    if (ROOT / "benchmarks").exists():
        assert all((ROOT / picture).is_file() for picture in pictures)
