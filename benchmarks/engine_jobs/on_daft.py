"""Daft, in this process or on Ray."""

from __future__ import annotations

from pathlib import Path

import daft
from daft import DataType, Series

from engine_jobs import CORES, Engine, Sums
from m2v_lite import Embedder

embed = Embedder()
VECTORS = DataType.fixed_size_list(DataType.float32(), embed.dim)


def vectors_of_texts(texts: Series) -> Series:
    return embed(texts.to_arrow())


vectors_of = daft.func.batch(return_dtype=VECTORS)(vectors_of_texts)


class Daft(Engine):
    title = "Daft, native"
    setting = "`daft.func.batch`; threads of this process, batches as Daft makes them"

    def __init__(self) -> None:
        daft.set_runner_native()

    def vectors(self, source: Path) -> Sums:
        frame = daft.read_parquet(f"{source}/*.parquet")
        vectors = frame.select(vectors_of(frame["text"]).alias("embedding"))
        first = vectors["embedding"].get(0).cast(DataType.float64())
        sums = vectors.select(vectors["embedding"], first.alias("first"))
        sums = sums.agg(sums["embedding"].count().alias("rows"), sums["first"].sum().alias("first"))
        [found] = sums.to_pylist()
        return Sums(found["rows"], found["first"])

    def files(self, source: Path, target: Path) -> None:
        frame = daft.read_parquet(f"{source}/*.parquet")
        frame.with_column("embedding", vectors_of(frame["text"])).write_parquet(str(target))


class DaftOnRay(Daft):
    title = "Daft on Ray"
    setting = f"the same on a Ray of {CORES} CPUs"

    def __init__(self) -> None:
        import ray

        from engine_jobs.on_ray import started_with

        ray.init(**started_with(CORES))
        daft.set_runner_ray()

    def close(self) -> None:
        import ray

        ray.shutdown()
