"""Add vectors to Parquet files with Daft, on this machine: python daft_vectors.py INPUT.parquet OUTPUT_FOLDER

With DAFT_RUNNER=ray in the environment, the same program runs on a Ray cluster.
"""

from __future__ import annotations

import sys

import daft
from daft import DataType, Series

from m2v_lite import Embedder

embed = Embedder()
VECTORS = DataType.fixed_size_list(DataType.float32(), embed.dim)


@daft.func.batch(return_dtype=VECTORS)
def vectors(texts: Series) -> Series:
    """Return the vectors of a column of texts."""
    return embed(texts.to_arrow())


if __name__ == "__main__":
    source, target = sys.argv[1:]
    frame = daft.read_parquet(source)
    frame.with_column("embedding", vectors(frame["text"])).write_parquet(target)
