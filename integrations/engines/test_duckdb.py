"""DuckDB: the example, missing texts, several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier, get_ident
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hub_cache import make_hub_cache
from policies import (
    KEEPS_ROWS,
    SAYS_MISSING,
    SAYS_NOT_UTF8,
    expected,
    expected_of_not_utf8,
    found,
    missing,
    not_utf8,
    written,
)
from time_limit import LONGEST

from m2v_lite import Embedder, StaticModel


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 2}) as database:
        yield database


def with_vectors(
    database: duckdb.DuckDBPyConnection, table: pa.Table, embed: Any, kind: str = "FLOAT[256]", **options: Any
) -> pa.Table:
    database.create_function("embed", embed, ["VARCHAR"], kind, type="arrow", **options)
    database.register("texts", table)
    return database.sql("SELECT *, embed(text) AS embedding FROM texts").to_arrow_table()


def test_the_example(
    source: Path, tmp_path: Path, run_example: Callable[..., None], check: Callable[[Path], None]
) -> None:
    run_example("duckdb_vectors", source / "*.parquet", tmp_path / "out.parquet")
    check(tmp_path / "out.parquet")


def test_several_threads(
    source: Path, tmp_path: Path, database: duckdb.DuckDBPyConnection, check: Callable[[Path], None]
) -> None:
    embed, threads, both = Embedder(), set(), Barrier(2)

    def vectors(texts: Any) -> Any:
        if get_ident() not in threads:
            threads.add(get_ident())
            both.wait(LONGEST)  # for the other thread, which is in here, too
        return embed(texts)

    database.create_function("embed", vectors, ["VARCHAR"], "FLOAT[256]", type="arrow")
    rows = database.read_parquet(str(source / "*.parquet"))
    rows.select("*, embed(text) AS embedding").write_parquet(str(tmp_path / "out.parquet"))
    assert len(threads) == 2
    check(tmp_path / "out.parquet")


@pytest.mark.parametrize("null", ["null", "empty"])
def test_missing_texts(null: str, database: duckdb.DuckDBPyConnection) -> None:
    table = with_vectors(database, missing(), Embedder(null=null), null_handling="special")
    assert found(table) == expected(null)


def test_a_missing_text_is_an_error(database: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=SAYS_MISSING):
        with_vectors(database, missing(), Embedder(), null_handling="special")


def test_no_row_can_be_left_out(database: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=KEEPS_ROWS):
        with_vectors(database, missing(), Embedder(null="skip"), null_handling="special")


@pytest.mark.parametrize("null", ["error", "empty", "null"])
def test_by_default_duckdb_hands_over_no_missing_text(null: str, database: duckdb.DuckDBPyConnection) -> None:
    """Whatever the policy is, the vector is missing, too."""
    assert found(with_vectors(database, missing(), Embedder(null=null))) == expected("null")


@pytest.mark.parametrize("errors", ["replace", "null"])
def test_text_in_arrow_that_is_not_utf8(errors: str, database: duckdb.DuckDBPyConnection) -> None:
    """DuckDB hands it over as it is."""
    database.create_function(
        "embed", Embedder(errors=errors), ["VARCHAR"], "FLOAT[256]", type="arrow", null_handling="special"
    )
    database.register("texts", not_utf8())
    table = database.sql("SELECT id, embed(text) AS embedding FROM texts").to_arrow_table()
    assert found(table) == expected_of_not_utf8(errors)


def test_text_in_arrow_that_is_not_utf8_is_an_error(database: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=SAYS_NOT_UTF8):
        with_vectors(database, not_utf8(), Embedder())


def test_text_in_parquet_that_is_not_utf8_is_refused_by_duckdb(
    tmp_path: Path, database: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="not valid UTF8"):
        database.read_parquet(str(written(not_utf8(), tmp_path))).fetchall()


def test_int8(rows: Any, database: duckdb.DuckDBPyConnection) -> None:
    few = rows.slice(0, 100)
    table = with_vectors(database, few, Embedder(precision="int8"), "TINYINT[256]")
    vectors = StaticModel.from_pretrained().encode(few["text"].to_pylist(), precision="int8")
    assert table["embedding"].to_pylist() == vectors.tolist()


def test_a_model_of_the_hub(
    rows: Any, vectors: Any, tmp_path: Path, database: duckdb.DuckDBPyConnection
) -> None:
    name = make_hub_cache(tmp_path, StaticModel.from_pretrained())
    embed = Embedder(name, cache_dir=tmp_path, local_files_only=True)
    table = with_vectors(database, rows.slice(0, 100), embed)
    assert table["embedding"].to_pylist() == vectors[:100].tolist()


def test_a_query_may_ask_for_the_nearest(rows: Any, database: duckdb.DuckDBPyConnection) -> None:
    """A constant text is embedded as well, and vectors of a fixed size fit DuckDB's own functions."""
    database.create_function("embed", Embedder(), ["VARCHAR"], "FLOAT[256]", type="arrow")
    database.register("texts", rows.slice(0, 100))
    nearest = database.sql(
        "SELECT text FROM texts ORDER BY array_cosine_distance(embed(text), embed(?)) LIMIT 1",
        params=[rows["text"][41].as_py()],
    ).fetchall()
    assert nearest == [(rows["text"][41].as_py(),)]
