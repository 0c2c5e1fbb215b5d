"""Polars: the example, expressions and frames, in memory and streaming."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hub_cache import make_hub_cache
from policies import KEEPS_ROWS, SAYS_MISSING, expected, found, missing, not_utf8, written

from m2v_lite import Embedder, InputTypeError, InputValueError, StaticModel

VECTOR = pl.Array(pl.Float32, 256)
Check = Callable[[Path], None]


class Counting(Embedder):
    """Keeps the sizes of batches."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sizes: list[int] = []

    def __call__(self, batch: Any) -> Any:
        self.sizes.append(len(batch))
        return super().__call__(batch)


def by_expression(frame: pl.LazyFrame, embed: Embedder, kind: Any = VECTOR) -> pl.LazyFrame:
    vectors = pl.col("text").map_batches(embed, return_dtype=kind, is_elementwise=True)
    return frame.with_columns(embedding=vectors)


def by_frame(frame: pl.LazyFrame, embed: Embedder, kind: Any = VECTOR) -> pl.LazyFrame:
    schema = {**frame.collect_schema(), "embedding": kind}
    return frame.map_batches(embed, schema=schema, streamable=True)


WAYS = pytest.mark.parametrize("with_vectors", [by_expression, by_frame])


def test_the_example(source: Path, tmp_path: Path, run_example: Callable[..., None], check: Check) -> None:
    run_example("polars_vectors", source / "*.parquet", tmp_path / "out.parquet")
    check(tmp_path / "out.parquet")


@WAYS
@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_many_batches(
    source: Path, tmp_path: Path, check: Check, with_vectors: Callable[..., pl.LazyFrame], engine: Any
) -> None:
    embed = Counting()
    with_vectors(pl.scan_parquet(source), embed).collect(engine=engine).write_parquet(
        tmp_path / "out.parquet"
    )
    check(tmp_path / "out.parquet")
    assert len(embed.sizes) > 1 or engine == "in-memory"


def test_not_elementwise_means_one_batch(source: Path) -> None:
    """Why the example says `is_elementwise`: without it, even the streaming engine hands over all at once."""
    embed = Counting()
    vectors = pl.col("text").map_batches(embed, return_dtype=VECTOR)
    pl.scan_parquet(source).select(vectors).collect(engine="streaming")
    assert embed.sizes == [20_000]


@WAYS
@pytest.mark.parametrize("null", ["null", "empty", "skip"])
def test_missing_texts(null: str, with_vectors: Callable[..., pl.LazyFrame]) -> None:
    frame = with_vectors(pl.from_arrow(missing()).lazy(), Embedder(null=null))
    if null == "skip" and with_vectors is by_expression:
        with pytest.raises(InputValueError, match=KEEPS_ROWS):
            frame.collect()
        return
    assert frame.collect_schema()["embedding"] == VECTOR
    assert found(frame.collect().to_arrow()) == expected(null)


@WAYS
def test_a_missing_text_is_an_error(with_vectors: Callable[..., pl.LazyFrame]) -> None:
    with pytest.raises(InputTypeError, match=SAYS_MISSING):
        with_vectors(pl.from_arrow(missing()).lazy(), Embedder()).collect()


def test_polars_itself_refuses_what_is_not_utf8(tmp_path: Path) -> None:
    frame = by_expression(pl.scan_parquet(written(not_utf8(), tmp_path)), Embedder(errors="replace"))
    with pytest.raises(pl.exceptions.ComputeError, match="invalid UTF-8"):
        frame.collect()


@WAYS
def test_int8(rows: Any, with_vectors: Callable[..., pl.LazyFrame]) -> None:
    few = rows.slice(0, 100)
    embed = Embedder(precision="int8")
    frame = with_vectors(pl.from_arrow(few).lazy(), embed, pl.Array(pl.Int8, embed.dim)).collect()
    vectors = StaticModel.from_pretrained().encode(few["text"].to_pylist(), precision="int8")
    assert frame["embedding"].to_list() == vectors.tolist()


def test_a_model_of_the_hub(rows: Any, tmp_path: Path, vectors: Any) -> None:
    name = make_hub_cache(tmp_path, StaticModel.from_pretrained())
    embed = Embedder(name, cache_dir=tmp_path, local_files_only=True)
    frame = by_expression(pl.from_arrow(rows.slice(0, 100)).lazy(), embed).collect()
    assert frame["embedding"].to_list() == vectors[:100].tolist()
