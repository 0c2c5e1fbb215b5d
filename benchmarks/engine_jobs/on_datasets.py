"""Hugging Face datasets, which writes what it makes to a cache."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from engine_texts import matrix_of

from engine_jobs import BATCH, CORES, Engine, Sums
from m2v_lite import Embedder


class Datasets(Engine):
    title = "datasets"
    setting = f"`map` with {CORES} processes, batches of {BATCH:,}; writes vectors to its cache first"

    def __init__(self) -> None:
        datasets.disable_progress_bars()

    def vectors(self, source: Path) -> Sums:
        with tempfile.TemporaryDirectory() as cache:
            rows, first = 0, 0.0
            for batch in self._with_vectors(source, cache, ["text"]).iter(BATCH):
                vectors = matrix_of(batch.column("embedding"))
                rows, first = rows + len(batch), first + float(vectors[:, 0].sum(dtype=np.float64))
            return Sums(rows, first)

    def files(self, source: Path, target: Path) -> None:
        with tempfile.TemporaryDirectory() as cache:
            self._with_vectors(source, cache, ["id", "text"]).to_parquet(str(target / "out.parquet"))

    def _with_vectors(self, source: Path, cache: str, columns: list[str]) -> Any:
        files = sorted(map(str, source.glob("*.parquet")))
        rows = datasets.Dataset.from_parquet(files, cache_dir=cache, columns=columns).with_format("arrow")
        return rows.map(Embedder(), batched=True, batch_size=BATCH, num_proc=CORES)
