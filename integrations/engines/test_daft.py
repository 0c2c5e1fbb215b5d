"""Daft: the example on this machine and on Ray, rows without a text, a model that a process lacks."""

from __future__ import annotations

import gc
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import daft
import numpy as np
import pyarrow as pa
import pytest
from conftest import matrix, run_program  # type: ignore[attr-defined]  # mypy knows that of the tests
from daft import DataType, Series
from hub_cache import NAME
from policies import KEEPS_ROWS

from m2v_lite import Embedder, InputTypeError, InputValueError, StaticModel

# Daft leaves the pipe to a process of its own open (`use_process`).
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <_io.FileIO name=.* mode='rb':pytest.PytestUnraisableExceptionWarning"
)

HOLED = pa.table({"id": [0, 1, 2], "text": ["The kettle is on.", None, "The train was late."]})

# What a person writes who has the model in the hub's cache.
PROGRAM = """
import sys
import daft
from daft import DataType, Series
from m2v_lite import Embedder

embed = Embedder(sys.argv[1])

@daft.func.batch(return_dtype=DataType.fixed_size_list(DataType.float32(), embed.dim))
def vectors(texts: Series) -> Series:
    return embed(texts.to_arrow())

frame = daft.read_parquet(sys.argv[2])
frame.with_column("embedding", vectors(frame["text"])).write_parquet(sys.argv[3])
"""


@pytest.fixture(scope="module", autouse=True)
def open_pipes() -> Iterator[None]:
    """Have Python find the open pipes here, not during the tests of another module."""
    yield
    gc.collect()


def column_of(embed: Embedder, **options: Any) -> Callable[..., Any]:
    """Return a function of Daft that gives the vectors of a column."""
    kind = DataType.fixed_size_list(DataType.from_numpy_dtype(embed.dtype), embed.dim)

    def vectors(texts: Series) -> Series:
        return embed(texts.to_arrow())

    return daft.func.batch(return_dtype=kind, **options)(vectors)  # type: ignore[no-any-return]


def embedded(table: pa.Table, embed: Embedder, **options: Any) -> pa.Table:
    """Have Daft add the vectors to a table."""
    frame = daft.from_arrow(table)
    return frame.with_column("embedding", column_of(embed, **options)(frame["text"])).to_arrow()


@pytest.mark.parametrize("runner", ["native", "ray"])
def test_the_example(
    runner: str, source: Path, tmp_path: Path, run_example: Callable[..., None], check: Callable[[Path], None]
) -> None:
    environment = {"DAFT_RUNNER": runner, "RAY_ADDRESS": "local"}
    run_example("daft_vectors", source, tmp_path / "out", dies_at_exit=True, **environment)
    check(tmp_path / "out")


@pytest.mark.parametrize(("null", "expected"), [("null", None), ("empty", [0.0] * 256)])
def test_missing_texts(null: str, expected: list[float] | None) -> None:
    written = embedded(HOLED, Embedder(null=null))
    first, second, third = written["embedding"].to_pylist()
    assert second == expected
    known = StaticModel.from_pretrained().encode([HOLED["text"][0].as_py(), HOLED["text"][2].as_py()])
    np.testing.assert_array_equal(np.array([first, third], np.float32), known)
    assert written["text"].to_pylist() == HOLED["text"].to_pylist()


def test_a_missing_text_is_an_error() -> None:
    """On this machine, Daft raises the error as it is."""
    with pytest.raises(InputTypeError, match=r"row 1 of the column: .*null='empty'"):
        embedded(HOLED, Embedder())


def test_daft_can_put_null_for_the_rows_of_a_batch_that_fails() -> None:
    """With `on_error`, a bad row costs its whole batch: null="null" is better."""
    written = embedded(HOLED, Embedder(), on_error="ignore")
    assert written["embedding"].null_count == len(HOLED)


def test_a_column_function_cannot_leave_rows_out() -> None:
    """The other columns keep theirs."""
    with pytest.raises(InputValueError, match=KEEPS_ROWS):
        embedded(HOLED, Embedder(null="skip"))


def test_texts_that_are_not_unicode() -> None:
    texts = pa.array([b"one", b"t\xffwo"]).view(pa.string())
    written = embedded(pa.table({"text": texts}), Embedder(errors="replace"))
    known = StaticModel.from_pretrained().encode(["one", "t\ufffdwo"])
    np.testing.assert_array_equal(matrix(written["embedding"]), known)


def test_small_integers(rows: pa.Table) -> None:
    some = rows.slice(0, 1000)
    written = embedded(some, Embedder(precision="int8"))["embedding"]
    assert written.type == pa.list_(pa.int8(), 256)
    known = StaticModel.from_pretrained().encode(some["text"].to_pylist(), precision="int8")
    np.testing.assert_array_equal(matrix(written), known)


def test_in_a_process_beside(rows: pa.Table, vectors: np.ndarray[Any, Any]) -> None:
    """Daft may choose this by itself."""
    written = embedded(rows.slice(0, 1000), Embedder(), use_process=True)
    np.testing.assert_array_equal(matrix(written["embedding"]), vectors[:1000])


def test_a_process_that_lacks_the_model(small_model: Path, tmp_path: Path) -> None:
    """The process that Daft starts stands for a machine: the model was there, and now it is not."""
    folder = tmp_path / "model"
    shutil.copytree(small_model, folder)
    embed = Embedder(folder, null="null")
    shutil.rmtree(folder)
    with pytest.raises(RuntimeError) as raised:
        embedded(HOLED, embed, use_process=True)
    message = f"ModelNotFoundError: on the machine {socket.gethostname()}: '{folder}': no such folder"
    assert message in str(raised.value)
    assert "Each machine needs the model" in str(raised.value)


@pytest.mark.parametrize("runner", ["native", "ray"])
def test_a_model_in_the_cache_of_the_hub(
    runner: str, rows: pa.Table, source: Path, hub_cache: Path, small_model: Path, tmp_path: Path
) -> None:
    """Nothing is asked of the hub. The processes of Ray have the environment of the program."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    target = tmp_path / "out"
    environment = {
        "DAFT_RUNNER": runner,
        "RAY_ADDRESS": "local",
        "HF_HUB_CACHE": str(hub_cache),
        "HF_HUB_OFFLINE": "1",
    }
    arguments = [NAME, source / "0.parquet", target]
    run_program(program, *arguments, dies_at_exit=True, **environment)
    written = daft.read_parquet(str(target)).sort("id").to_arrow()
    known = StaticModel.from_pretrained(small_model).encode(rows["text"].to_pylist()[: len(written)])
    assert len(written) == len(rows) // 4
    np.testing.assert_array_equal(matrix(written["embedding"]), known)
