"""Spark: the example, its Arrow functions, workers that die, and a cluster of two executors."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyspark
import pytest
from hub_cache import make_hub_cache
from in_workers import HERE, DyingOnce, Telling, pages, told
from policies import (
    KEEPS_ROWS,
    SAYS_MISSING,
    SAYS_NOT_UTF8,
    expected,
    expected_of_not_utf8,
    found,
    missing,
    not_utf8,
    written,
)
from pyspark.errors import PythonException, UnsupportedOperationException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import arrow_udf
from pyspark.sql.types import ArrayType, ByteType, FloatType, StructField, StructType
from time_limit import LONGEST

from m2v_lite import Embedder, StaticModel

Check = Callable[[Path], None]
VECTOR = ArrayType(FloatType())
# Java starts sooner with little compiling, and looks up no address.
JAVA = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC", "SPARK_LOCAL_IP": "127.0.0.1"}
LOCAL, TRIED_AGAIN, TWO_EXECUTORS = "local[2]", "local[2,4]", "local-cluster[2,1,1024]"


@pytest.fixture(scope="module")
def java() -> Iterator[None]:
    """Set the environment of the Java process, which is one for all sessions, and of the Python workers."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in JAVA.items():
            patch.setenv(name, value)
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", os.pathsep.join([HERE, *filter(None, [os.environ.get("PYTHONPATH")])]))
        yield


@pytest.fixture(scope="module")
def spark(java: None, request: pytest.FixtureRequest) -> Iterator[SparkSession]:
    """A session; a test may ask for another master than two threads."""
    builder = SparkSession.builder.master(getattr(request, "param", LOCAL))
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.log.level": "OFF",
        "spark.executorEnv.PYTHONPATH": os.environ["PYTHONPATH"],
        "spark.executor.memory": "1g",
        "spark.sql.files.maxPartitionBytes": "256k",  # more tasks than workers
        # Both executors are there before there is work.
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        "spark.scheduler.maxRegisteredResourcesWaitingTime": f"{LONGEST}s",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    application = session.sparkContext.applicationId
    yield session
    session.stop()
    # The executors of a local cluster keep their logs beside Spark itself.
    logs = Path(os.environ.get("SPARK_HOME", Path(pyspark.__file__).parent)) / "work"
    shutil.rmtree(logs / application, ignore_errors=True)
    with suppress(OSError):
        logs.rmdir()


def on(master: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("spark", [master], indirect=True)


def by_map(frame: DataFrame, embed: Embedder, kind: Any = VECTOR) -> DataFrame:
    """Add vectors as the example does: whole batches in, whole batches out."""
    return frame.mapInArrow(embed.map_batches, StructType([*frame.schema, StructField("embedding", kind)]))


def by_column(frame: DataFrame, embed: Embedder, kind: Any = VECTOR) -> DataFrame:
    """Add vectors by a function of a column, which Spark has from 4.1."""

    def vectors(texts: pa.Array) -> pa.Array:
        return embed(texts)

    return frame.withColumn("embedding", arrow_udf(vectors, kind)("text"))


WAYS = pytest.mark.parametrize("with_vectors", [by_map, by_column])


def test_the_example(source: Path, tmp_path: Path, run_example: Callable[..., None], check: Check) -> None:
    run_example("spark_vectors", source, tmp_path / "out", **JAVA)
    check(tmp_path / "out")


@WAYS
def test_files(
    spark: SparkSession, source: Path, tmp_path: Path, check: Check, with_vectors: Callable[..., DataFrame]
) -> None:
    frame = with_vectors(spark.read.parquet(str(source)), Embedder(fixed_size=False))
    frame.write.parquet(str(tmp_path / "out"))
    check(tmp_path / "out")


def test_vectors_of_a_fixed_size_are_refused(spark: SparkSession, source: Path) -> None:
    """Why `fixed_size=False` is needed."""
    with pytest.raises(UnsupportedOperationException, match=r"UNSUPPORTED_ARROWTYPE.*FixedSizeList\(256\)"):
        by_map(spark.read.parquet(str(source)), Embedder()).toArrow()


def test_a_function_of_a_column_takes_them(spark: SparkSession, rows: Any, vectors: Any) -> None:
    frame = by_column(spark.createDataFrame(rows.slice(0, 100)), Embedder())
    assert frame.toArrow()["embedding"].to_pylist() == vectors[:100].tolist()


def test_an_embedder_is_no_function_of_a_column_by_itself() -> None:
    """Spark looks at the types of a function, and an embedder is an object."""
    with pytest.raises(TypeError, match="is not a module, class, method, or function"):
        arrow_udf(Embedder(), VECTOR)


def test_each_worker_loads_the_model_once(spark: SparkSession, source: Path, tmp_path: Path) -> None:
    """Spark keeps Python workers for the tasks and jobs to come."""
    log = tmp_path / "log"
    embed = Telling(log, fixed_size=False, cache_dir=tmp_path)  # not yet loaded: the option is another
    frame = by_map(spark.read.parquet(str(source)), embed)
    for _ in range(2):
        assert len(frame.toArrow()) == 20_000
    batches = told(log, "batch")
    assert frame.rdd.getNumPartitions() > len(batches)
    assert told(log, "load") == dict.fromkeys(batches, 1)
    assert os.getpid() not in batches


def test_batches_are_as_long_as_spark_is_told(spark: SparkSession, rows: Any, tmp_path: Path) -> None:
    frame = spark.createDataFrame(rows.slice(0, 3000)).coalesce(1)
    setting = "spark.sql.execution.arrow.maxRecordsPerBatch"
    counts = []
    for number in ("1000", "10000"):
        log = tmp_path / number
        spark.conf.set(setting, number)
        by_map(frame, Telling(log, fixed_size=False)).toArrow()
        counts.append(sum(told(log, "batch").values()))
    spark.conf.unset(setting)
    assert counts == [3, 1]


@WAYS
@pytest.mark.parametrize("null", ["null", "empty", "skip"])
def test_missing_texts(
    spark: SparkSession, tmp_path: Path, null: str, with_vectors: Callable[..., DataFrame]
) -> None:
    frame = spark.read.parquet(str(written(missing(), tmp_path)))
    frame = with_vectors(frame, Embedder(null=null, fixed_size=False))
    if null == "skip" and with_vectors is by_column:
        with pytest.raises(PythonException, match=KEEPS_ROWS):
            frame.toArrow()
        return
    assert found(frame.toArrow()) == expected(null)


@WAYS
def test_a_missing_text_is_an_error(
    spark: SparkSession, tmp_path: Path, with_vectors: Callable[..., DataFrame]
) -> None:
    frame = spark.read.parquet(str(written(missing(), tmp_path)))
    with pytest.raises(PythonException, match=SAYS_MISSING):
        with_vectors(frame, Embedder(fixed_size=False)).toArrow()


@pytest.mark.parametrize("errors", ["replace", "null", "skip"])
def test_text_that_is_not_utf8(spark: SparkSession, tmp_path: Path, errors: str) -> None:
    """Spark hands it over as it is."""
    frame = spark.read.parquet(str(written(not_utf8(), tmp_path)))
    table = by_map(frame, Embedder(errors=errors, fixed_size=False)).toArrow()
    assert found(table) == expected_of_not_utf8(errors)


def test_text_that_is_not_utf8_is_an_error(spark: SparkSession, tmp_path: Path) -> None:
    frame = spark.read.parquet(str(written(not_utf8(), tmp_path)))
    with pytest.raises(PythonException, match=SAYS_NOT_UTF8):
        by_map(frame, Embedder(fixed_size=False)).toArrow()


@WAYS
def test_int8(spark: SparkSession, rows: Any, with_vectors: Callable[..., DataFrame]) -> None:
    few = rows.slice(0, 100)
    embed = Embedder(precision="int8", fixed_size=False)
    table = with_vectors(spark.createDataFrame(few), embed, ArrayType(ByteType())).toArrow()
    vectors = StaticModel.from_pretrained().encode(few["text"].to_pylist(), precision="int8")
    assert table["embedding"].to_pylist() == vectors.tolist()


def test_a_model_of_the_hub(spark: SparkSession, source: Path, tmp_path: Path, check: Check) -> None:
    name = make_hub_cache(tmp_path / "hub", StaticModel.from_pretrained())
    embed = Embedder(name, cache_dir=tmp_path / "hub", local_files_only=True, fixed_size=False)
    by_map(spark.read.parquet(str(source)), embed).write.parquet(str(tmp_path / "out"))
    check(tmp_path / "out")


@pytest.mark.parametrize("other", [False, True])
def test_a_worker_without_the_model(spark: SparkSession, rows: Any, tmp_path: Path, other: bool) -> None:
    folder = tmp_path / "model"
    StaticModel.from_pretrained().save_pretrained(folder)
    frame = by_map(spark.createDataFrame(rows.slice(0, 100)), Embedder(folder, fixed_size=False))
    shutil.rmtree(folder)
    says = "Each machine needs the model that the embedder was made with"
    if other:
        StaticModel.from_pretrained(dimensionality=128).save_pretrained(folder)
        says = "not the model that the embedder was made with; put the same files on each machine"
    with pytest.raises(PythonException, match=says) as raised:
        frame.toArrow()
    assert f"on the machine {socket.gethostname()}: " in str(raised.value)
    assert str(folder) in str(raised.value)


def test_with_local_threads_no_task_is_tried_again(
    spark: SparkSession, source: Path, tmp_path: Path, rows: Any
) -> None:
    """Unless the master says how often, as below."""
    embed = DyingOnce(tmp_path / "marker", rows["text"][12_345].as_py(), fixed_size=False)
    with pytest.raises(Exception, match="Python worker exited unexpectedly"):
        by_map(spark.read.parquet(str(source)), embed).toArrow()


@on(TRIED_AGAIN)
def test_a_worker_that_dies(
    spark: SparkSession, source: Path, tmp_path: Path, rows: Any, check: Check
) -> None:
    """Its task is done again, and no row comes twice."""
    marker = tmp_path / "marker"
    embed = DyingOnce(marker, rows["text"][12_345].as_py(), fixed_size=False)
    by_map(spark.read.parquet(str(source)), embed).write.parquet(str(tmp_path / "out"))
    assert marker.exists()
    check(tmp_path / "out")


@on(TWO_EXECUTORS)
def test_two_executors(spark: SparkSession, source: Path, tmp_path: Path, check: Check) -> None:
    """They map one file of the model, so that its pages are in memory once."""
    folder, log = tmp_path / "model", tmp_path / "log"
    StaticModel.from_pretrained().save_pretrained(folder)
    embed = Telling(log, folder, fixed_size=False, preload=True)
    by_map(spark.read.parquet(str(source)), embed).write.parquet(str(tmp_path / "out"))
    check(tmp_path / "out")
    workers = told(log, "batch")
    # Each executor has a process that starts its workers.
    assert len(workers) == len({psutil.Process(worker).ppid() for worker in workers}) == 2
    assert told(log, "load") == dict.fromkeys(workers, 1)
    (table,) = folder.glob("*.safetensors")
    for worker in workers:
        rss, pss = pages(worker, table)
        assert rss > 0.9 * table.stat().st_size
        assert pss < 0.4 * rss  # this process maps the file, too


@on(TWO_EXECUTORS)
def test_a_worker_of_an_executor_that_dies(
    spark: SparkSession, source: Path, tmp_path: Path, rows: Any, check: Check
) -> None:
    test_a_worker_that_dies(spark, source, tmp_path, rows, check)
