"""Dask: the example, its schedulers, workers that die, and workers without the model."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from dask.distributed import Client, LocalCluster
from hub_cache import make_hub_cache
from in_workers import DyingOnce, Telling, told
from policies import (
    SAYS_MISSING,
    SAYS_NOT_UTF8,
    expected,
    expected_of_not_utf8,
    found,
    missing,
    not_utf8,
    written,
)
from time_limit import LONGEST

from m2v_lite import Embedder, InputTypeError, InputValueError, InvalidModelError, StaticModel
from m2v_lite.errors import M2VLiteError

Check = Callable[[Path], None]
VECTOR = pd.ArrowDtype(pa.list_(pa.float32(), 256))
META = {"id": "int64[pyarrow]", "text": pd.ArrowDtype(pa.large_string()), "embedding": VECTOR}


PLAIN = {**META, "embedding": pd.ArrowDtype(pa.list_(pa.float32()))}


def in_arrow(rows: pd.DataFrame, embed: Embedder) -> pd.DataFrame:
    """Add vectors as the example does."""
    return embed(pa.Table.from_pandas(rows)).to_pandas(types_mapper=pd.ArrowDtype)


def with_vectors(source: Path, embed: Embedder, meta: Any = META) -> Any:
    return dd.read_parquet(source, split_row_groups=True).map_partitions(in_arrow, embed, meta=meta)


def table_of(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Client]:
    """Two workers of distributed, which are processes."""
    with (
        dask.config.set({"distributed.worker.daemon": True}),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False, timeout=LONGEST) as client,
    ):
        yield client


@pytest.fixture(params=["threads", "processes", "distributed"])
def scheduler(request: pytest.FixtureRequest) -> Any:
    """What `compute` takes."""
    return request.getfixturevalue("cluster") if request.param == "distributed" else request.param


def test_the_example(source: Path, tmp_path: Path, run_example: Callable[..., None], check: Check) -> None:
    run_example("dask_vectors", source, tmp_path / "out")
    check(tmp_path / "out")
    parts = list((tmp_path / "out").glob("*.parquet"))
    assert len(parts) == 16  # one for each row group
    schema = pyarrow.parquet.read_schema(parts[0])
    assert schema.names == ["id", "text", "embedding"]
    assert schema.field("embedding").type.value_type == pa.float32()


def test_an_index_of_pandas_stays(tmp_path: Path, run_example: Callable[..., None]) -> None:
    index = pd.Index(["b", "a"], name="key")
    pd.DataFrame({"text": ["one", "two"]}, index=index).to_parquet(tmp_path / "in.parquet")
    run_example("dask_vectors", tmp_path / "in.parquet", tmp_path / "out")
    table = pyarrow.parquet.read_table(tmp_path / "out")
    assert table["key"].to_pylist() == ["b", "a"]


def test_schedulers(source: Path, tmp_path: Path, scheduler: Any, check: Check) -> None:
    writing = with_vectors(source, Embedder()).to_parquet(tmp_path / "out", compute=False, write_index=False)
    dask.compute(writing, scheduler=scheduler)
    check(tmp_path / "out")


def test_each_worker_loads_the_model_once(source: Path, tmp_path: Path, cluster: Client) -> None:
    log = tmp_path / "log"
    embed = Telling(log, cache_dir=tmp_path)  # another option than in other tests: not loaded yet
    assert len(with_vectors(source, embed).compute(scheduler=cluster)) == 20_000
    batches = told(log, "batch")
    assert len(batches) == 2
    assert sum(batches.values()) == 16
    assert told(log, "load") == dict.fromkeys(batches, 1)


def test_a_worker_that_dies(source: Path, tmp_path: Path, rows: Any, cluster: Client, check: Check) -> None:
    """Another worker does its work again."""
    marker = tmp_path / "marker"
    embed = DyingOnce(marker, rows["text"][12_345].as_py())
    frame = with_vectors(source, embed)
    writing = frame.to_parquet(tmp_path / "out", compute=False, write_index=False)
    dask.compute(writing, scheduler=cluster)
    assert marker.exists()
    check(tmp_path / "out")


@pytest.mark.parametrize("null", ["null", "empty", "skip"])
def test_missing_texts(null: str, tmp_path: Path) -> None:
    source = written(missing(), tmp_path)
    with_vectors(source, Embedder(null=null, fixed_size=False), PLAIN).to_parquet(tmp_path / "out")
    assert found(pyarrow.parquet.read_table(tmp_path / "out")) == expected(null)


def test_pyarrow_reads_no_null_among_vectors_of_a_fixed_size(tmp_path: Path) -> None:
    """Why the tests here and the example use plain lists: github.com/apache/arrow/issues/35692."""
    with_vectors(written(missing(), tmp_path), Embedder(null="null")).to_parquet(tmp_path / "out")
    with pytest.raises(pa.ArrowInvalid, match="Expected all lists to be of size=256 but index 2 had size=0"):
        pyarrow.parquet.read_table(tmp_path / "out")


def test_a_missing_text_is_an_error(tmp_path: Path, scheduler: Any) -> None:
    frame = with_vectors(written(missing(), tmp_path), Embedder())
    with pytest.raises(InputTypeError, match=SAYS_MISSING):
        frame.compute(scheduler=scheduler)


def test_without_meta_dask_tries_a_missing_text(source: Path) -> None:
    """Why the example says what to do about missing texts."""
    with pytest.raises(ValueError, match=SAYS_MISSING):
        dd.read_parquet(source).map_partitions(in_arrow, Embedder())


@pytest.mark.parametrize("errors", ["replace", "null", "skip"])
def test_text_that_is_not_utf8(errors: str, tmp_path: Path) -> None:
    source = written(not_utf8(), tmp_path)
    with_vectors(source, Embedder(errors=errors, fixed_size=False), PLAIN).to_parquet(tmp_path / "out")
    assert found(pyarrow.parquet.read_table(tmp_path / "out")) == expected_of_not_utf8(errors)


def test_text_that_is_not_utf8_is_an_error(tmp_path: Path, cluster: Client) -> None:
    frame = with_vectors(written(not_utf8(), tmp_path), Embedder())
    with pytest.raises(InputValueError, match=SAYS_NOT_UTF8):
        frame.compute(scheduler=cluster)


def test_frames_of_pandas(source: Path, tmp_path: Path, check: Check) -> None:
    """An embedder alone works as well; for a file, Dask must know what the objects are."""
    frame = dd.read_parquet(source, split_row_groups=True).map_partitions(Embedder(null="null"))
    schema = {"embedding": pa.list_(pa.float32(), 256)}
    frame.to_parquet(tmp_path / "out", schema=schema, write_index=False)
    check(tmp_path / "out")


def test_int8(source: Path, rows: Any) -> None:
    embed = Embedder(precision="int8")
    meta = {**META, "embedding": pd.ArrowDtype(pa.list_(pa.int8(), embed.dim))}
    first = table_of(with_vectors(source, embed, meta).partitions[0].compute(scheduler="threads"))
    texts = rows["text"].to_pylist()[: len(first)]
    vectors = StaticModel.from_pretrained().encode(texts, precision="int8")
    assert first["text"].to_pylist() == texts
    assert first["embedding"].type.value_type == pa.int8()
    assert first["embedding"].to_pylist() == vectors.tolist()


def test_a_model_of_the_hub(source: Path, tmp_path: Path, cluster: Client, check: Check) -> None:
    name = make_hub_cache(tmp_path / "hub", StaticModel.from_pretrained())
    embed = Embedder(name, cache_dir=tmp_path / "hub", local_files_only=True)
    writing = with_vectors(source, embed).to_parquet(tmp_path / "out", compute=False, write_index=False)
    dask.compute(writing, scheduler=cluster)
    check(tmp_path / "out")


@pytest.mark.parametrize(
    ("scheduler", "other"),
    [("processes", False), ("distributed", False), ("distributed", True)],
    indirect=["scheduler"],
)
def test_a_worker_without_the_model(source: Path, tmp_path: Path, scheduler: Any, other: bool) -> None:
    folder = tmp_path / "model"
    StaticModel.from_pretrained().save_pretrained(folder)
    frame = with_vectors(source, Embedder(folder))
    shutil.rmtree(folder)
    if other:
        StaticModel.from_pretrained(dimensionality=128).save_pretrained(folder)
    says = "not the model that the embedder was made with; put the same files on each machine"
    if not other:
        says = "Each machine needs the model that the embedder was made with"
    with pytest.raises(InvalidModelError if other else M2VLiteError, match=says) as raised:
        frame.compute(scheduler=scheduler)
    assert f"on the machine {socket.gethostname()}: " in str(raised.value)
    assert str(folder) in str(raised.value)
