"""`Embedder` on data frames and columns of pandas and polars, of every type of texts, with missing ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from m2v_lite import Embedder, InputTypeError, InputValueError, StaticModel

TEXTS = ["the kettle", "", "日本", "the kettle"]
WITH_NULLS = ["the kettle", None, "日本", None]


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


def of_pandas(texts: list[Any]) -> dict[str, Any]:
    kinds = {
        "objects": object,
        "string": "string",
        "pyarrow": pd.ArrowDtype(pa.string()),
        "categories": "category",
    }
    return {name: pd.Series(texts, dtype=kind) for name, kind in kinds.items()}


def of_polars(texts: list[Any]) -> dict[str, Any]:
    series = pl.Series(texts, dtype=pl.String)
    return {"String": series, "Categorical": series.cast(pl.Categorical)}


def listed(column: Any) -> list[Any]:
    """Return the vectors of a column as lists, with None for a missing one."""
    values = column.to_list() if isinstance(column, pl.Series) else list(column)
    return [None if value is None else [float(number) for number in value] for value in values]


def expected(model: StaticModel, texts: list[Any], null: str) -> list[Any]:
    vectors: list[Any] = model.encode([text or "" for text in texts]).tolist()
    if null == "empty":
        return vectors
    pairs = list(zip(vectors, texts, strict=True))
    if null == "skip":
        return [vector for vector, text in pairs if text is not None]
    return [None if text is None else vector for vector, text in pairs]


@pytest.mark.parametrize("null", ["empty", "skip", "null"])
@pytest.mark.parametrize("name", list(of_pandas([])))
def test_pandas(name: str, null: str, model: StaticModel) -> None:
    embedder = Embedder(null=null)
    for texts in (TEXTS, WITH_NULLS):
        wanted = expected(model, texts, null)
        column = of_pandas(texts)[name].set_axis([7, 7, 1, 0]).rename("name")
        kept = [place for place, text in enumerate(texts) if null != "skip" or text is not None]
        if null != "skip":
            answer = embedder(column)
            assert listed(answer) == wanted
            assert answer.index.tolist() == [7, 7, 1, 0]
            assert answer.name == "name"

        frame = pd.DataFrame({"text": column, "name": range(4)})
        before = frame.copy()
        extended = embedder(frame)
        pd.testing.assert_frame_equal(frame, before)
        assert list(extended.columns) == ["text", "name", "embedding"]
        assert listed(extended["embedding"]) == wanted
        pd.testing.assert_frame_equal(extended[["text", "name"]], frame.iloc[kept])


@pytest.mark.parametrize("kind", [pd.ArrowDtype(pa.string()), pd.StringDtype("pyarrow")])
def test_pandas_that_is_not_utf8(kind: Any, model: StaticModel) -> None:
    """pandas itself cannot make objects of such texts."""
    texts = pa.chunked_array([pa.array([b"one", b"caf\xe9"]).view(pa.string())])
    column = texts.to_pandas(types_mapper=lambda _: kind)
    assert listed(Embedder(errors="replace")(column)) == model.encode(["one", "caf\ufffd"]).tolist()
    answer = Embedder(errors="skip")(pd.DataFrame({"text": column}))
    assert listed(answer["embedding"]) == model.encode(["one"]).tolist()
    with pytest.raises(InputValueError, match="row 1 of the column: the text is not valid Unicode"):
        Embedder()(column)


@pytest.mark.parametrize("null", ["empty", "skip", "null"])
@pytest.mark.parametrize("name", list(of_polars([])))
def test_polars(name: str, null: str, model: StaticModel) -> None:
    embedder = Embedder(null=null)
    for texts in (TEXTS, WITH_NULLS):
        wanted = expected(model, texts, null)
        column = of_polars(texts)[name].alias("name")
        kept = [place for place, text in enumerate(texts) if null != "skip" or text is not None]
        if null != "skip":
            answer = embedder(column)
            assert answer.dtype == pl.Array(pl.Float32, 256)
            assert listed(answer) == wanted
            assert answer.name == "name"

        frame = pl.DataFrame({"text": column, "name": range(4)})
        extended = embedder(frame)
        assert extended.columns == ["text", "name", "embedding"]
        assert extended["embedding"].dtype == pl.Array(pl.Float32, 256)
        assert listed(extended["embedding"]) == wanted
        assert extended.drop("embedding").equals(frame[kept])


def test_empty_frames() -> None:
    embedder = Embedder(precision="int8")
    assert embedder(pl.DataFrame(schema={"text": pl.String}))["embedding"].dtype == pl.Array(pl.Int8, 256)
    answer = embedder(pd.DataFrame({"text": pd.Series([], dtype=object)}))
    assert (len(answer), list(answer.columns)) == (0, ["text", "embedding"])
    assert len(embedder(pd.Series([], dtype=object))) == len(embedder(pl.Series([], dtype=pl.String))) == 0


@pytest.mark.parametrize(
    ("precision", "dtype"), [("int8", pl.Int8), ("ubinary", pl.UInt8), ("binary", pl.Int8)]
)
def test_codes(precision: str, dtype: Any, model: StaticModel) -> None:
    wanted = model.encode(TEXTS, precision=precision)
    answer = Embedder(precision=precision)(pl.DataFrame({"text": TEXTS}))["embedding"]
    assert answer.dtype == pl.Array(dtype, wanted.shape[1])
    np.testing.assert_array_equal(answer.to_numpy(), wanted)
    column = Embedder(precision=precision)(pd.DataFrame({"text": TEXTS}))["embedding"]
    np.testing.assert_array_equal(np.stack(list(column)), wanted)


def test_pandas_shares_the_memory_of_the_vectors() -> None:
    column = Embedder()(pd.DataFrame({"text": TEXTS}))["embedding"]
    assert all(vector.base is column.iloc[0].base is not None for vector in column)


def test_a_slice_of_a_frame_stays_as_it_is() -> None:
    frame = pd.DataFrame({"text": [*TEXTS, None]})
    part = frame[frame["text"].notna()]
    assert len(Embedder()(part)) == 4
    assert list(part.columns) == list(frame.columns) == ["text"]


def test_columns_in_a_dict(model: StaticModel) -> None:
    for series in (pd.Series(WITH_NULLS, index=[3, 2, 1, 0], dtype=object), pl.Series(WITH_NULLS)):
        answer = Embedder(null="skip")({"text": series})
        assert list(answer["text"]) == ["the kettle", "日本"]
        np.testing.assert_array_equal(answer["embedding"], model.encode(["the kettle", "日本"]))


def test_what_cannot_be_done() -> None:
    embedder = Embedder()
    for table in (pd.DataFrame({"a": TEXTS}), pl.DataFrame({"a": TEXTS})):
        with pytest.raises(
            InputValueError, match="the batch has no column named 'text'; give column=, one of: a"
        ):
            embedder(table)
    for table in (pd.DataFrame({"text": WITH_NULLS}), pl.DataFrame({"text": WITH_NULLS})):
        with pytest.raises(InputTypeError, match="row 1 of the batch, column 'text': the text is missing"):
            embedder(table)
    for series in (pd.Series([1, 2]), pl.Series([1, 2])):
        with pytest.raises(InputTypeError, match="row 0 of the column: int 1 is not a str"):
            embedder(series)
    with pytest.raises(InputValueError, match="the batch has 2 columns named 'text'"):
        embedder(pd.DataFrame([TEXTS], columns=["text", "text", "a", "b"]))
    with pytest.raises(
        InputTypeError, match=r"expected a batch, got LazyFrame .*(\n.*)*; use its own map_batches"
    ):
        embedder(pl.LazyFrame({"text": TEXTS}))
    with pytest.raises(InputTypeError, match="expected a batch, got Index"):
        embedder(pd.Index(TEXTS))
