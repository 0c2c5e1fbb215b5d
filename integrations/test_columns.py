"""Columns of pyarrow, pandas and polars, of every type of texts, with and without missing ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from m2v_lite import InputTypeError, StaticModel

TEXTS = ["the kettle", "", "日本", "the kettle"]
WITH_NULLS = ["the kettle", None, "日本", None]


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


def columns(texts: list[Any]) -> dict[str, Any]:
    array = pa.array(texts, pa.string())
    series = pl.Series("texts", texts, pl.String)
    return {
        "string": array,
        "large_string": array.cast(pa.large_string()),
        "string_view": array.cast(pa.string_view()),
        "dictionary": array.dictionary_encode(),
        "a slice": pa.array(["before", *texts, "after"])[1:-1],
        "ChunkedArray": pa.chunked_array([array[:1], array[1:]]),
        "a column of a Table": pa.table({"texts": array})["texts"],
        "a column of a RecordBatch": pa.record_batch({"texts": array})["texts"],
        "pandas, objects": pd.Series(texts, dtype=object),
        "pandas, string": pd.Series(texts, dtype="string"),
        "pandas, pyarrow": pd.Series(texts, dtype=pd.ArrowDtype(pa.string())),
        "pandas, categories": pd.Series(texts, dtype="category"),
        "pandas, another index": pd.Series(texts, index=[7, 7, 1, 0], dtype=object),
        "polars": series,
        "polars, categories": series.cast(pl.Categorical),
    }


NAMES = list(columns(TEXTS))


@pytest.mark.parametrize("name", NAMES)
def test_a_column(name: str, model: StaticModel) -> None:
    np.testing.assert_array_equal(model.encode(columns(TEXTS)[name]), model.encode(TEXTS))
    assert model.tokenize(columns(TEXTS)[name]) == model.tokenize(TEXTS)
    np.testing.assert_array_equal(list(model.encode_stream(columns(TEXTS)[name])), model.encode(TEXTS))


@pytest.mark.parametrize("name", NAMES)
def test_missing_texts(name: str, model: StaticModel) -> None:
    expected = model.encode([text or "" for text in WITH_NULLS])
    column = columns(WITH_NULLS)[name]
    np.testing.assert_array_equal(model.encode(column, null="empty"), expected)
    np.testing.assert_array_equal(list(model.encode_stream(column, null="empty")), expected)
    with pytest.raises(InputTypeError, match=r"text 1 is .*, not a str; pass '' for a missing text, as enc"):
        model.encode(column)


def test_whole_tables_and_columns_of_numbers(model: StaticModel) -> None:
    data = {"texts": TEXTS, "more": TEXTS}
    for table in (pa.table(data), pa.record_batch(data), pd.DataFrame(data), pl.DataFrame(data)):
        with pytest.raises(InputTypeError, match=r"a list of texts, got .*(\n.*)*pass one of its c"):
            model.encode(table)  # type: ignore[call-overload, unused-ignore]
    for numbers in (pa.array([1, 2]), pd.Series([1, 2]), pl.Series([1, 2])):
        with pytest.raises(InputTypeError, match="text 0 is int"):
            model.encode(numbers)
