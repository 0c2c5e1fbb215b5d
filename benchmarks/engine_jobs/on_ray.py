"""Ray Data, on one node or two."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import ray
from engine_texts import matrix_of
from ray.cluster_utils import Cluster

from engine_jobs import BATCH, CORES, Engine, Sums
from m2v_lite import Embedder

MEMORY = 3 << 30  # for objects


def started_with(cores: int) -> dict[str, Any]:
    """Return the options of `ray.init`."""
    return {
        "num_cpus": cores,
        "object_store_memory": MEMORY,
        "include_dashboard": False,
        "log_to_driver": False,
        "logging_level": "ERROR",
    }


def sums_of(batch: Any) -> Sums:
    """Return the sums of a batch, which is not copied."""
    if not len(batch):
        return Sums(0, 0.0)
    vectors = (matrix_of(chunk) for chunk in batch.column("embedding").chunks)
    return Sums(len(batch), sum(float(some[:, 0].sum(dtype=np.float64)) for some in vectors))


class RayData(Engine):
    title = "Ray Data"
    setting = f"one actor or two (`concurrency=(1, {CORES})`), {CORES} CPUs, batches of {BATCH:,}"

    def __init__(self) -> None:
        ray.init(**started_with(CORES))
        ray.data.DataContext.get_current().enable_progress_bars = False

    def _with_vectors(self, source: Path, columns: list[str]) -> Any:
        rows = ray.data.read_parquet(str(source), columns=columns)
        return rows.map_batches(
            Embedder, batch_format="pyarrow", batch_size=BATCH, concurrency=(1, CORES), zero_copy_batch=True
        )

    def vectors(self, source: Path) -> Sums:
        rows = self._with_vectors(source, ["text"])
        total = Sums(0, 0.0)
        for batch in rows.iter_batches(batch_format="pyarrow", batch_size=None):
            sums = sums_of(batch)
            total = Sums(total.rows + sums.rows, total.first + sums.first)
        return total

    def files(self, source: Path, target: Path) -> None:
        self._with_vectors(source, ["id", "text"]).write_parquet(str(target))

    def close(self) -> None:
        ray.shutdown()


class RayTasks(RayData):
    title = "Ray Data, tasks"
    setting = f"`map_batches(Embedder())`: tasks instead of actors, {CORES} CPUs, batches of {BATCH:,}"

    def _with_vectors(self, source: Path, columns: list[str]) -> Any:
        rows = ray.data.read_parquet(str(source), columns=columns)
        return rows.map_batches(Embedder(), batch_format="pyarrow", batch_size=BATCH, zero_copy_batch=True)


class OneNode(RayTasks):
    title = "Ray Data"
    setting = "raylets of 1 CPU each; tasks make vectors and add up, so that no vectors leave their node"
    nodes: ClassVar[int] = 1

    def __init__(self) -> None:
        self._cluster = Cluster()
        for _ in range(self.nodes):
            self._cluster.add_node(num_cpus=1, object_store_memory=MEMORY // 2, include_dashboard=False)
        ray.init(address=self._cluster.address, log_to_driver=False, logging_level="ERROR")
        ray.data.DataContext.get_current().enable_progress_bars = False

    def vectors(self, source: Path) -> Sums:
        def add_up(batch: Any) -> Any:
            return pa.table({name: [value] for name, value in sums_of(batch)._asdict().items()})

        rows = self._with_vectors(source, ["text"])
        found = rows.map_batches(add_up, batch_format="pyarrow", batch_size=BATCH).to_pandas()
        return Sums(int(found["rows"].sum()), float(found["first"].sum()))

    def close(self) -> None:
        ray.shutdown()
        self._cluster.shutdown()


class TwoNodes(OneNode):
    nodes = 2
