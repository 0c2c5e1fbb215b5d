"""Add vectors to Parquet files with Dask: python dask_vectors.py INPUT.parquet OUTPUT_FOLDER"""

from __future__ import annotations

import sys

import dask.dataframe as dd
import pandas as pd
import pyarrow as pa

from m2v_lite import Embedder

# Dask tries functions on a few rows, one of them without a text. In Parquet, pyarrow cannot read lists of a
# fixed size if one is null (https://github.com/apache/arrow/issues/35692), so these are plain lists.
embed = Embedder(null="null", fixed_size=False)


def with_vectors(rows: pd.DataFrame) -> pd.DataFrame:
    """Add vectors in Arrow, which is quicker than in objects of pandas, and which Dask can write."""
    return embed(pa.Table.from_pandas(rows)).to_pandas(types_mapper=pd.ArrowDtype)


if __name__ == "__main__":
    source, target = sys.argv[1:]
    # All columns are plain ones: an index of Dask would become a column more.
    rows = dd.read_parquet(source, split_row_groups=True, index=False)
    rows.map_partitions(with_vectors).to_parquet(target, write_index=False)
