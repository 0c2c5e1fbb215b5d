"""Add vectors to a folder of Parquet files without an engine: python sharded_vectors.py IN OUT [PART OF]

Each input file becomes an output file of the same name, which appears whole or not at all. What is there
already is left alone, so a run that was ended goes on when it is started again. To share the files among
tasks, for instance those of a Slurm array or a Kubernetes indexed job, start each with its number, from 0 on,
and how many there are: task 3 of 100 takes every hundredth file, from the fourth on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.parquet as pq

from m2v_lite import Embedder

ROWS = 8192


def add_vectors(embed: Embedder, source: Path, target: Path) -> None:
    """Write the rows of one file to another, with vectors."""
    partial = target.with_suffix(".partial")
    with pq.ParquetFile(source) as file:
        schema = embed(file.schema_arrow.empty_table()).schema
        with pq.ParquetWriter(partial, schema) as writer:
            for batch in embed.map_batches(file.iter_batches(ROWS)):
                writer.write_batch(batch)
    partial.replace(target)


if __name__ == "__main__":
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    part, of = map(int, sys.argv[3:] or (0, 1))
    target.mkdir(parents=True, exist_ok=True)
    embed = Embedder(precision="int8", null="null")
    for path in sorted(source.glob("*.parquet"))[part::of]:
        if not (target / path.name).exists():
            add_vectors(embed, path, target / path.name)
