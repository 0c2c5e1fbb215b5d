"""Add vectors to Parquet files with DuckDB: python duckdb_vectors.py INPUT.parquet OUTPUT.parquet"""

from __future__ import annotations

import sys

import duckdb

from m2v_lite import Embedder

if __name__ == "__main__":
    source, target = sys.argv[1:]
    embed = Embedder()
    with duckdb.connect() as database:
        kind = f"FLOAT[{embed.dim}]"
        # With "special", missing texts reach the embedder, which goes by its own option null=.
        database.create_function("embed", embed, ["VARCHAR"], kind, type="arrow", null_handling="special")
        rows = database.read_parquet(source)
        rows.select("*, embed(text) AS embedding").write_parquet(target)
