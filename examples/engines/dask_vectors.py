"""Add vectors to Parquet files with Dask: python dask_vectors.py INPUT.parquet OUTPUT_FOLDER"""

from __future__ import annotations

import sys

import dask.dataframe as dd
import pandas as pd
import pyarrow as pa

from m2v_lite import Embedder

embed = Embedder(null="null")


def with_vectors(rows: pd.DataFrame) -> pd.DataFrame:
    """Add vectors in Arrow, which is quicker than in objects of pandas, and which Dask can write."""
    return embed(pa.Table.from_pandas(rows)).to_pandas(types_mapper=pd.ArrowDtype)


if __name__ == "__main__":
    source, target = sys.argv[1:]
    rows = dd.read_parquet(source, split_row_groups=True)
    rows.map_partitions(with_vectors).to_parquet(target, write_index=False)
