"""Add vectors to Parquet files with Ray Data: python ray_vectors.py INPUT.parquet OUTPUT_FOLDER

RAY_ADDRESS in the environment names a cluster; by default, Ray starts on this machine.
"""

from __future__ import annotations

import sys

import ray

from m2v_lite import Embedder

if __name__ == "__main__":
    source, target = sys.argv[1:]
    rows = ray.data.read_parquet(source)
    rows = rows.map_batches(
        Embedder,
        fn_constructor_kwargs={"column": "text", "output": "embedding"},
        batch_format="pyarrow",
        batch_size=8192,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=2),
    )
    rows.write_parquet(target)
