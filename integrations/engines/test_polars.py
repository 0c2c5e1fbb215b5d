"""Polars: the example, and batches of its own kinds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def test_the_example(
    source: Path, tmp_path: Path, run_example: Callable[..., None], check: Callable[[Path], None]
) -> None:
    run_example("polars_vectors", source / "*.parquet", tmp_path / "out.parquet")
    check(tmp_path / "out.parquet")
