"""Hugging Face datasets: the example, formats, processes, and the cache of datasets."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset
from hub_cache import make_hub_cache
from in_workers import Telling, told
from policies import (
    NOT_UTF8,
    SAYS_MISSING,
    SAYS_NOT_UTF8,
    expected,
    expected_of_not_utf8,
    found,
    missing,
    not_utf8,
    written,
)

from m2v_lite import Embedder, InputTypeError, InputValueError, StaticModel

Check = Callable[[Path], None]


@pytest.fixture(autouse=True)
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let datasets keep what it keeps in a folder of the test."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def kept(folder: Path) -> dict[Path, int]:
    """Return the files of results in the cache of datasets, and when they were written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("cache-*.arrow")}


def test_the_example(source: Path, tmp_path: Path, run_example: Callable[..., None], check: Check) -> None:
    cache = tmp_path / "cache"
    run_example(
        "datasets_vectors", source / "*.parquet", tmp_path / "out.parquet", HF_DATASETS_CACHE=str(cache)
    )
    check(tmp_path / "out.parquet")
    results = kept(cache)
    assert len(results) == 2  # of two processes
    run_example(
        "datasets_vectors", source / "*.parquet", tmp_path / "again.parquet", HF_DATASETS_CACHE=str(cache)
    )
    check(tmp_path / "again.parquet")
    assert kept(cache) == results


@pytest.mark.parametrize("processes", [None, 1, 2])
@pytest.mark.parametrize("kind", ["arrow", "numpy", None])
def test_formats(
    rows: Any, vectors: Any, source: Path, kind: str | None, processes: int | None, tmp_path: Path
) -> None:
    data = Dataset.from_parquet(str(source / "*.parquet")).with_format(kind)
    log = tmp_path / "log"
    embed = Telling(log)
    done = data.map(embed, batched=True, batch_size=2500, num_proc=processes)
    table = done.data.table
    assert table["text"].to_pylist() == rows["text"].to_pylist()
    assert table["embedding"].type.value_type == pa.float32()
    np.testing.assert_array_equal(table["embedding"].combine_chunks().flatten().to_numpy(), vectors.ravel())
    batches = told(log, "batch")
    assert sum(batches.values()) == 8
    assert len(batches) == (processes or 1)
    assert (os.getpid() in batches) == (processes is None)  # even 1 means a process of its own
    assert set(told(log, "load").values()) <= {1}  # a forked process has the model already


def test_a_second_time_the_result_comes_from_the_cache(source: Path, tmp_path: Path) -> None:
    data = Dataset.from_parquet(str(source / "*.parquet")).with_format("arrow")
    log = tmp_path / "log"
    first = data.map(Telling(log), batched=True)
    batches = told(log, "batch")
    assert sum(batches.values()) == 20
    second = data.map(Telling(log), batched=True)
    assert told(log, "batch") == batches
    assert second.cache_files == first.cache_files
    data.map(Telling(log, normalize=False), batched=True)
    assert sum(told(log, "batch").values()) == 40  # another embedder, another result


@pytest.mark.parametrize("kind", ["arrow", None])
@pytest.mark.parametrize("null", ["null", "empty", "skip"])
def test_missing_texts(null: str, kind: str | None) -> None:
    done = Dataset(missing()).with_format(kind).map(Embedder(null=null), batched=True)
    assert found(done.data.table) == expected(null)


@pytest.mark.parametrize("kind", ["arrow", None])
@pytest.mark.parametrize("processes", [None, 2])
def test_a_missing_text_is_an_error(kind: str | None, processes: int | None) -> None:
    with pytest.raises(InputTypeError, match=SAYS_MISSING):
        Dataset(pa.concat_tables([missing()] * 2)).with_format(kind).map(
            Embedder(), batched=True, num_proc=processes
        )


@pytest.mark.parametrize("errors", ["replace", "null", "skip"])
def test_text_that_is_not_utf8(errors: str, tmp_path: Path) -> None:
    data = Dataset.from_parquet(str(written(not_utf8(), tmp_path))).with_format("arrow")
    table = data.map(Embedder(errors=errors), batched=True).data.table
    assert found(table) == expected_of_not_utf8(errors)
    kept_texts = table["text"].cast(pa.binary()).to_pylist()
    assert kept_texts == [text for text in NOT_UTF8 if errors != "skip" or text.isascii()]


def test_text_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    data = Dataset.from_parquet(str(written(not_utf8(), tmp_path)))
    with pytest.raises(InputValueError, match=SAYS_NOT_UTF8):
        data.with_format("arrow").map(Embedder(), batched=True)
    with pytest.raises(UnicodeDecodeError):  # datasets itself makes the texts
        data.map(Embedder(errors="replace"), batched=True)


@pytest.mark.parametrize("kind", ["arrow", None])
def test_int8(rows: Any, kind: str | None) -> None:
    few = rows.slice(0, 100)
    table = Dataset(few).with_format(kind).map(Embedder(precision="int8"), batched=True).data.table
    vectors = StaticModel.from_pretrained().encode(few["text"].to_pylist(), precision="int8")
    assert table["embedding"].type.value_type == pa.int8()
    assert table["embedding"].to_pylist() == vectors.tolist()


def test_a_model_of_the_hub(rows: Any, vectors: Any, tmp_path: Path) -> None:
    name = make_hub_cache(tmp_path / "hub", StaticModel.from_pretrained())
    embed = Embedder(name, cache_dir=tmp_path / "hub", local_files_only=True)
    done = Dataset(rows.slice(0, 100)).with_format("arrow").map(embed, batched=True, num_proc=2)
    assert done.data.table["embedding"].to_pylist() == vectors[:100].tolist()
