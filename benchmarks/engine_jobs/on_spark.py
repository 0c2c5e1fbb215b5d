"""Spark, in one virtual machine or in workers of their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa
from pyspark.sql import Observation, SparkSession, functions as F
from pyspark.sql.types import ArrayType, FloatType, StructField, StructType

from engine_jobs import CORES, Engine, Sums
from m2v_lite import Embedder

VECTOR = ArrayType(FloatType())
TASKS = 16


class MapInArrow(Engine):
    title = "Spark, `mapInArrow`"
    setting = f"local[{CORES}], {TASKS} tasks, batches of 10,000; in *vectors*, the sink is noop"
    master: ClassVar[str] = f"local[{CORES}]"

    def __init__(self) -> None:
        os.environ["PYSPARK_PYTHON"] = sys.executable
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        builder = SparkSession.builder.master(self.master)
        for name, value in self.configuration().items():
            builder = builder.config(name, value)
        self._spark = builder.getOrCreate()
        self._spark.sparkContext.setLogLevel("ERROR")
        self._embed = Embedder(fixed_size=False)

    def configuration(self) -> dict[str, str]:
        return {
            "spark.ui.enabled": "false",
            "spark.driver.memory": "2g",
            # By default the texts would be two tasks, and the end of the longer one decides.
            "spark.sql.files.minPartitionNum": str(TASKS),
        }

    def _with_vectors(self, source: Path, columns: list[str]) -> Any:
        rows = self._spark.read.parquet(str(source)).select(*columns)
        schema = StructType([*rows.schema, StructField("embedding", VECTOR)])
        return rows.mapInArrow(self._embed.map_batches, schema)

    def vectors(self, source: Path) -> Sums:
        observation = Observation()
        first = F.sum(F.col("embedding")[0].cast("double")).alias("first")
        rows = self._with_vectors(source, ["text"])
        rows = rows.observe(observation, F.count("embedding").alias("rows"), first)
        rows.write.format("noop").mode("overwrite").save()
        found = observation.get
        return Sums(found["rows"], found["first"])

    def files(self, source: Path, target: Path) -> None:
        self._with_vectors(source, ["id", "text"]).write.mode("append").parquet(str(target))

    def close(self) -> None:
        self._spark.stop()


class ArrowUdf(MapInArrow):
    title = "Spark, `arrow_udf`"

    def _function(self) -> Callable[..., Any]:
        embed = self._embed

        def vectors(texts: pa.Array) -> pa.Array:
            return embed(texts)

        made: Callable[..., Any] = F.arrow_udf(vectors, VECTOR)
        return made

    def _with_vectors(self, source: Path, columns: list[str]) -> Any:
        rows = self._spark.read.parquet(str(source)).select(*columns)
        return rows.withColumn("embedding", self._function()("text"))


class PandasUdf(ArrowUdf):
    title = "Spark, `pandas_udf`"

    def _function(self) -> Callable[..., Any]:
        embed = self._embed

        def vectors(texts: pd.Series) -> pd.Series:
            return embed(texts)

        made: Callable[..., Any] = F.pandas_udf(vectors, VECTOR)
        return made


class OneWorker(MapInArrow):
    title = "Spark, `mapInArrow`"
    setting = f"local-cluster: executors with 1 core and 1,024 MB each, {TASKS} tasks; the sink is noop"
    master = "local-cluster[1,1,1024]"

    def configuration(self) -> dict[str, str]:
        return {**super().configuration(), "spark.executor.memory": "1g"}


class TwoWorkers(OneWorker):
    master = "local-cluster[2,1,1024]"
