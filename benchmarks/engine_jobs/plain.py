"""No engine: `StaticModel.encode`, batch by batch, and pyarrow. What all others are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine_jobs import BATCH, Engine, Sums
from m2v_lite import StaticModel


class Plain(Engine):
    title = "plain `encode`"
    setting = f"1 process, batches of {BATCH:,}"
    batch = BATCH

    def __init__(self) -> None:
        self._model = StaticModel.from_pretrained()
        self._encode: Callable[..., Any] = self._model.encode

    def vectors(self, source: Path) -> Sums:
        rows, first = 0, 0.0
        for _, vectors in self._encoded(source, ["text"]):
            rows += len(vectors)
            first += float(vectors[:, 0].sum(dtype=np.float64))
        return Sums(rows, first)

    def files(self, source: Path, target: Path) -> None:
        kind = pa.list_(pa.float32(), self._model.dim)
        schema = pa.schema([("id", pa.int64()), ("text", pa.string()), ("embedding", kind)])
        with pq.ParquetWriter(target / "out.parquet", schema) as writer:
            for batch, vectors in self._encoded(source, ["id", "text"]):
                numbers = pa.array(vectors.reshape(-1))
                column = pa.FixedSizeListArray.from_arrays(numbers, self._model.dim)
                writer.write_batch(pa.record_batch([*batch.columns, column], schema=schema))

    def _encoded(self, source: Path, columns: list[str]) -> Iterator[tuple[Any, Any]]:
        """Give batches and their vectors."""
        for path in sorted(source.glob("*.parquet")):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(self.batch, columns=columns):
                    yield batch, self._encode(batch.column("text").to_pylist())


class TwoWorkers(Plain):
    title = "`encode(workers=2)`"
    batch = 16 * BATCH
    setting = f"2 processes that stay (`model.pool(workers=2)`), batches of {batch:,}"

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self._encode = self._open.enter_context(self._model.pool(workers=2)).encode

    def close(self) -> None:
        self._open.close()
