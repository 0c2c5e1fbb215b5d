"""Add vectors to Parquet files with Polars: python polars_vectors.py INPUT.parquet OUTPUT.parquet"""

from __future__ import annotations

import sys

import polars as pl

from m2v_lite import Embedder

if __name__ == "__main__":
    source, target = sys.argv[1:]
    embed = Embedder()
    kind = pl.Array(pl.Float32, embed.dim)
    # Elementwise: polars may hand over parts of the column, and need not hold all of it in memory.
    vectors = pl.col("text").map_batches(embed, return_dtype=kind, is_elementwise=True)
    pl.scan_parquet(source).with_columns(embedding=vectors).sink_parquet(target)
