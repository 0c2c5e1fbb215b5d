"""Dask, with threads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask
import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
from engine_texts import matrix_of

from engine_jobs import CORES, Engine, Sums
from m2v_lite import Embedder

embed = Embedder(null="null")


def with_vectors(rows: pd.DataFrame) -> pd.DataFrame:
    """Add vectors in Arrow, as the example does."""
    return embed(pa.Table.from_pandas(rows)).to_pandas(types_mapper=pd.ArrowDtype)


def sums_of(rows: pd.DataFrame) -> pd.DataFrame:
    vectors = matrix_of(pa.array(rows["embedding"].array))
    return pd.DataFrame({"rows": [len(vectors)], "first": [vectors[:, 0].sum(dtype="f8")]})


class Dask(Engine):
    title = "Dask"
    setting = f"`map_partitions` of row groups, {CORES} threads"

    def __init__(self) -> None:
        dask.config.set(scheduler="threads", num_workers=CORES)

    def vectors(self, source: Path) -> Sums:
        found = self._with_vectors(source, ["text"]).map_partitions(
            sums_of, meta={"rows": int, "first": float}
        )
        sums = found.sum().compute()
        return Sums(int(sums["rows"]), float(sums["first"]))

    def files(self, source: Path, target: Path) -> None:
        self._with_vectors(source, ["id", "text"]).to_parquet(str(target))

    def _with_vectors(self, source: Path, columns: list[str]) -> Any:
        rows = dd.read_parquet(str(source), columns=columns, split_row_groups=True)
        return rows.map_partitions(with_vectors)
