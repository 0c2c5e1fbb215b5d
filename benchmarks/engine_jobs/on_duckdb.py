"""DuckDB."""

from __future__ import annotations

from pathlib import Path

import duckdb

from engine_jobs import CORES, Engine, Sums
from m2v_lite import Embedder


class DuckDB(Engine):
    title = "DuckDB"
    setting = f"a function of type arrow, {CORES} threads, batches as DuckDB makes them"

    def __init__(self) -> None:
        embed = Embedder()
        self._database = duckdb.connect(config={"threads": CORES})
        self._database.create_function("embed", embed, ["VARCHAR"], f"FLOAT[{embed.dim}]", type="arrow")

    def vectors(self, source: Path) -> Sums:
        rows = self._database.read_parquet(f"{source}/*.parquet").select("embed(text) AS embedding")
        [found] = rows.aggregate("count(embedding), sum(embedding[1]::DOUBLE)").fetchall()
        return Sums(*found)

    def files(self, source: Path, target: Path) -> None:
        rows = self._database.read_parquet(f"{source}/*.parquet").select("*, embed(text) AS embedding")
        rows.write_parquet(str(target / "out.parquet"))

    def close(self) -> None:
        self._database.close()
