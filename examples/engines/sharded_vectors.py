"""Add vectors to a folder of Parquet files without an engine: python sharded_vectors.py INPUT OUTPUT

Each input file becomes an output file of the same name, which appears whole or not at all. The program
skips output files that already exist, so a run that was stopped continues when you start it again. To share
the files among tasks, for instance of a Slurm array or a Kubernetes indexed job, start each task with its
number, counted from 0, and the number of tasks: --part 3 --of 100 takes every hundredth file, beginning
with the fourth.
"""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path

import pyarrow.parquet as pq

from m2v_lite import Embedder

ROWS = 8192


def add_vectors(embed: Embedder, source: Path, target: Path) -> None:
    """Write the rows of one file to another, with vectors."""
    # Another task may write the same file.
    partial = target.with_suffix(f".{socket.gethostname()}-{os.getpid()}.partial")
    with pq.ParquetFile(source) as file:
        schema = embed(file.schema_arrow.empty_table()).schema
        with pq.ParquetWriter(partial, schema) as writer:
            for batch in embed.map_batches(file.iter_batches(ROWS)):
                writer.write_batch(batch)
    partial.replace(target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source", type=Path, metavar="INPUT", help="a folder of Parquet files")
    parser.add_argument("target", type=Path, metavar="OUTPUT", help="a folder, made if needed")
    parser.add_argument("--part", type=int, default=0, help="the number of this task, from 0 on")
    parser.add_argument("--of", type=int, default=1, help="how many tasks there are")
    parser.add_argument("--model", help="a folder, or a name on the hub; by default the bundled model")
    parser.add_argument("--revision", help="the commit of a model on the hub")
    options = parser.parse_args()
    paths = sorted(options.source.glob("*.parquet"))
    if not paths:
        parser.error(f"{options.source} has no files that end in .parquet")
    if not 0 <= options.part < options.of:
        parser.error(f"there is no part {options.part} of {options.of}; parts begin with 0")
    options.target.mkdir(parents=True, exist_ok=True)
    embed = Embedder(
        options.model, revision=options.revision, precision="int8", null="null", fixed_size=False
    )
    for path in paths[options.part :: options.of]:
        if not (options.target / path.name).exists():
            add_vectors(embed, path, options.target / path.name)
