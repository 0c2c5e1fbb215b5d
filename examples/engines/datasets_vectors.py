"""Add vectors to Parquet files with Hugging Face datasets: python datasets_vectors.py INPUT.parquet OUTPUT"""

from __future__ import annotations

import sys

from datasets import Dataset

from m2v_lite import Embedder

if __name__ == "__main__":
    source, target = sys.argv[1:]
    rows = Dataset.from_parquet(source).with_format("arrow")
    rows.map(Embedder(), batched=True, batch_size=8192, num_proc=2).to_parquet(target)
