"""The engines that benchmarks/engines.py measures, each in a file of its own.

Each is imported only in the process that runs it.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, NamedTuple

# The names of engines, and the classes that run them.
PLAIN = "plain"
ENGINES = {
    PLAIN: "plain.Plain",
    "workers": "plain.TwoWorkers",
    "daft": "on_daft.Daft",
    "daft-ray": "on_daft.DaftOnRay",
    "ray": "on_ray.RayData",
    "ray-tasks": "on_ray.RayTasks",
    "spark": "on_spark.MapInArrow",
    "spark-arrow-udf": "on_spark.ArrowUdf",
    "spark-pandas-udf": "on_spark.PandasUdf",
    "dask": "on_dask.Dask",
    "datasets": "on_datasets.Datasets",
    "polars": "on_polars.Polars",
    "duckdb": "on_duckdb.DuckDB",
}
NODES = {
    "ray-1-node": "on_ray.OneNode",
    "ray-2-nodes": "on_ray.TwoNodes",
    "spark-1-worker": "on_spark.OneWorker",
    "spark-2-workers": "on_spark.TwoWorkers",
}
CORES = 2
# These get one core: else the driver and a worker's two processes would use both, and a node more adds none.
ON_ONE_CORE = ("ray-1-node", "spark-1-worker")
BATCH = 8192


class Sums(NamedTuple):
    """What a job "vectors" tells of the vectors.

    Attributes:
        rows: how many there are.
        first: the sum of the first number of each, added in float64.
    """

    rows: int
    first: float


class Engine(ABC):
    """An engine that has been started.

    Attributes:
        title: what it is called in the report.
        setting: what it is told, and how much it does at a time.
    """

    title: ClassVar[str]
    setting: ClassVar[str]

    @abstractmethod
    def vectors(self, source: Path) -> Sums:
        """Read Parquet files, make vectors, and have the engine take in each of them."""

    @abstractmethod
    def files(self, source: Path, target: Path) -> None:
        """Read Parquet files, and write Parquet files that have the vectors also.

        Args:
            source: a folder.
            target: a folder that is there, and empty.
        """

    def close(self) -> None:
        """Stop the engine."""
        return


def class_of(name: str) -> type[Engine]:
    """Import an engine by its name."""
    module, _, wanted = {**ENGINES, **NODES}[name].partition(".")
    found: type[Engine] = getattr(importlib.import_module(f"engine_jobs.{module}"), wanted)
    return found
