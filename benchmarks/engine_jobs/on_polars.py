"""Polars, with its streaming engine."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from engine_jobs import Engine, Sums
from m2v_lite import Embedder


class Polars(Engine):
    title = "Polars"
    setting = (
        "`map_batches(is_elementwise=True)`, the streaming engine; threads, batches as Polars makes them"
    )

    def __init__(self) -> None:
        embed = Embedder()
        kind = pl.Array(pl.Float32, embed.dim)
        self._vectors = pl.col("text").map_batches(embed, return_dtype=kind, is_elementwise=True)

    def vectors(self, source: Path) -> Sums:
        rows = pl.scan_parquet(source / "*.parquet").select(embedding=self._vectors)
        first = pl.col("embedding").arr.get(0).cast(pl.Float64).sum()
        found = rows.select(rows=pl.col("embedding").count(), first=first).collect(engine="streaming")
        return Sums(*found.row(0))

    def files(self, source: Path, target: Path) -> None:
        rows = pl.scan_parquet(source / "*.parquet")
        rows.with_columns(embedding=self._vectors).sink_parquet(target / "out.parquet", compression="snappy")
