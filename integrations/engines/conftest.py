"""Fixtures: texts in a Parquet file, the vectors they should get, and a model in a cache of the hub."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest
from hub_cache import make_hub_cache
from time_limit import LONGEST

from m2v_lite import StaticModel

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "engines"
SENTENCES: list[str] = runpy.run_path(str(ROOT / "examples" / "nearest.py"))["SENTENCES"]
MORE = ["", "Чайник закипел.", "湯が沸いた", "ทดสอบ", "naïve café", "😀 emoji", "x" * 5000]


def texts(number: int) -> list[str]:
    """Return different texts in several scripts."""
    known = SENTENCES + MORE
    return [f"{known[place % len(known)]} {place}" for place in range(number)]


@pytest.fixture(scope="session")
def rows() -> pa.Table:
    """A table with numbered texts."""
    return pa.table({"id": pa.array(range(20_000)), "text": texts(20_000)})


@pytest.fixture(scope="session")
def source(rows: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of Parquet files with these rows: four files of four row groups each."""
    folder = tmp_path_factory.mktemp("input")
    size = len(rows) // 4
    for number in range(4):
        part = rows.slice(number * size, size)
        pyarrow.parquet.write_table(part, folder / f"{number}.parquet", row_group_size=size // 4)
    return folder


@pytest.fixture(scope="session")
def vectors(rows: pa.Table) -> np.ndarray[Any, Any]:
    """(rows, 256), what `StaticModel.encode` gives for these texts."""
    return StaticModel.from_pretrained().encode(rows["text"].to_pylist())


@pytest.fixture(scope="session")
def check(rows: pa.Table, vectors: np.ndarray[Any, Any]) -> Callable[[Path], None]:
    """Check that what an engine wrote has each row once, as it was, with its vector."""

    def check(target: Path) -> None:
        written = pyarrow.dataset.dataset(target, format="parquet").to_table().sort_by("id")
        assert written["id"].to_pylist() == rows["id"].to_pylist()
        assert written["text"].to_pylist() == rows["text"].to_pylist()
        np.testing.assert_array_equal(matrix(written["embedding"]), vectors)

    return check


def matrix(column: Any) -> np.ndarray[Any, Any]:
    """Return a column of lists, all of one length and none null, as (rows, length)."""
    assert column.null_count == 0
    column = column.combine_chunks()
    return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder: the bundled model with 64 columns. So its vectors tell it from the bundled one."""
    folder = tmp_path_factory.mktemp("small") / "model"
    StaticModel.from_pretrained(dimensionality=64).save_pretrained(folder)
    return folder


@pytest.fixture
def hub_cache(small_model: Path, tmp_path: Path) -> Path:
    """A cache of the hub with `small_model`."""
    make_hub_cache(tmp_path / "hub", StaticModel.from_pretrained(small_model))
    return tmp_path / "hub"


# Runs a program as `python PROGRAM ...` does, and says so when the whole of it has been run.
TO_THE_END = """
import runpy, sys
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
print("\\nthe end", flush=True)
"""


def run_program(program: Path, *arguments: object, dies_at_exit: bool = False, **environment: str) -> None:
    """Run a program in a process of its own, as a person does, and check that it ends well.

    Args:
        program: the file.
        arguments: what follows it on the command line.
        dies_at_exit: whether a signal may kill the process once the whole program has been run. Threads of
            Daft 0.7.26 sometimes crash in a Python that is ending, with or without m2v_lite: 12 of 720
            programs that only read and wrote a file, on a busy machine.
        environment: more variables of the environment.
    """
    done = subprocess.run(
        [sys.executable, "-c", TO_THE_END, str(program), *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    at_end = done.stdout.endswith("\nthe end\n")
    assert at_end, done.stderr[-3000:]
    assert done.returncode == 0 or (dies_at_exit and done.returncode < 0), done.stderr[-3000:]


@pytest.fixture
def run_example() -> Callable[..., None]:
    """Run an example in a process of its own."""

    def run(name: str, source: Path, target: Path, **options: Any) -> None:
        run_program(EXAMPLES / f"{name}.py", source, target, **options)

    return run
