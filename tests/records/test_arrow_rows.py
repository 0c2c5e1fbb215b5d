"""Rows of Parquet and Arrow files."""

from __future__ import annotations

import datetime
import decimal
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from arriving import LATER, content, opened, stream_of, texts_before

from m2v_lite.errors import InputValueError, MissingPackageError
from m2v_lite.records.arrow_rows import arrow_batches
from m2v_lite.records.gathering import Limits
from m2v_lite.records.policies import Policy

pa = pytest.importorskip("pyarrow")
feather = pytest.importorskip("pyarrow.feather")
parquet = pytest.importorskip("pyarrow.parquet")

PLENTY = Limits(1 << 20, 1 << 30)


def written(table: Any, format: str = "parquet") -> bytes:
    sink = pa.BufferOutputStream()
    if format == "parquet":
        parquet.write_table(table, sink, row_group_size=3)
    elif format == "feather":
        feather.write_feather(table, sink, chunksize=3)
    else:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=3)
    return bytes(sink.getvalue())


def read(
    data: bytes, column: str | None = None, policy: Policy | None = None, limits: Limits = PLENTY
) -> Any:
    format = "parquet" if data.startswith(b"PAR1") else "arrow"
    return arrow_batches(stream_of(data), format, column, policy or Policy(), limits)


def texts(data: bytes, column: str | None = None, policy: Policy | None = None) -> list[str]:
    return [text for batch in read(data, column, policy) for text in batch.texts]


WORDS = ["one", "zwö", "", "four", "five", "six", "seven", "one"]
FORMATS = ["parquet", "feather", "stream"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_texts_of_any_kind_are_read(format: str, kind: Any) -> None:
    table = pa.table({"id": list(range(8)), "text": pa.array(WORDS).cast(kind)})
    found = list(read(written(table, format), limits=Limits(2, 1 << 20)))
    assert [text for batch in found for text in batch.texts] == WORDS
    assert max(len(batch.texts) for batch in found) == 2
    places = [batch.places.described(index) for batch in found for index in range(len(batch.texts))]
    assert places == [f"a, row {number}" for number in range(1, 9)]
    rows = [json.loads(line) for batch in found for line in batch.rows.json_objects()]
    assert rows == [{"id": number, "text": text} for number, text in enumerate(WORDS)]
    assert [value for batch in found for value in batch.rows.columns()["id"].to_pylist()] == list(range(8))


def test_a_column_may_lie_in_another_one() -> None:
    table = pa.table({"a": [{"b": {"c": "one"}}, {"b": None}, None], "a.b": ["x", "y", "z"]})
    policy = Policy("strict", "empty")
    assert texts(written(table), "a.b.c", policy) == ["one", "", ""]
    assert policy.emptied == 2
    assert texts(written(table), "a.b") == ["x", "y", "z"]


def test_rows_without_a_text_follow_the_policy_and_keep_their_numbers() -> None:
    data = written(pa.table({"text": ["a", "b", None, "d", None], "n": [1, 2, 3, 4, 5]}))
    policy = Policy("strict", "skip")
    found = list(read(data, "text", policy))
    assert [number for batch in found for number in batch.places.numbers] == [1, 2, 4]
    assert [value for batch in found for value in batch.rows.columns()["n"].to_pylist()] == [1, 2, 4]
    assert policy.missing == 2
    before, message = texts_before(InputValueError, read(data, "text"))
    assert before == ["a", "b"]
    assert message == "a, row 3: the text is null; to go on, give --on-missing empty or skip"


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_table_has_no_records(format: str) -> None:
    assert texts(written(pa.table({"text": pa.array([], pa.string())}), format)) == []


def test_characters_fill_a_batch() -> None:
    found = list(read(written(pa.table({"text": WORDS})), limits=Limits(100, 4)))
    assert [batch.texts for batch in found] == [
        ["one", "zwö"],
        ["", "four"],
        ["five"],
        ["six", "seven"],
        ["one"],
    ]


@pytest.mark.parametrize(
    ("columns", "column", "message"),
    [
        ({"a": [1]}, None, r"^a: which column holds the texts\? give --column; columns of texts: none$"),
        (
            {"a": ["x"], "b": ["y"]},
            None,
            r"which column holds the texts\? give --column; columns of texts: a, b$",
        ),
        ({"a": ["x"]}, "b", "no column is named 'b'; give --column; columns of texts: a$"),
        ({"a": [1], "b": ["x"]}, "a", "column 'a' holds int64, not texts"),
        ({"a": [{"b": 1}], "c": ["x"]}, "a.c", "no column is named 'a.c'"),
        ({"a": [[b"x"]]}, "a", "column 'a' holds list<.*>, not texts"),
    ],
)
def test_a_column_that_holds_no_texts_is_told(
    columns: dict[str, Any], column: str | None, message: str
) -> None:
    with pytest.raises(InputValueError, match=message):
        texts(written(pa.table(columns)), column)


def test_two_columns_of_one_name_are_told() -> None:
    table = pa.table([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    with pytest.raises(InputValueError, match="two columns are named 'text'"):
        texts(written(table, "stream"), "text")


@pytest.mark.parametrize("format", FORMATS)
def test_damage_is_told(format: str) -> None:
    data = written(pa.table({"text": WORDS * 100}), format)
    kind = "parquet" if format == "parquet" else "arrow"
    with pytest.raises(InputValueError, match=rf"^a: damaged {kind} data \(.*\); get the file again$"):
        texts(data[: len(data) // 2])


def test_a_text_that_is_no_utf_8_is_told() -> None:
    array = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    )
    with pytest.raises(InputValueError, match=r"^a, rows 1 to 1: a text is not UTF-8"):
        texts(written(pa.table({"text": array}), "stream"))


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_file_and_a_compressed_one_are_read(tmp_path: Path, compress: Any) -> None:
    (tmp_path / "a").write_bytes(compress(written(pa.table({"text": WORDS}))))
    with opened(tmp_path / "a") as stream:
        assert [
            text for batch in arrow_batches(stream, "parquet", None, Policy(), PLENTY) for text in batch.texts
        ] == WORDS


def test_a_pipe_is_read_to_its_end_first() -> None:
    data = written(pa.table({"text": WORDS}))
    stream = stream_of(data[:10], LATER, data[10:])
    assert [
        text for batch in arrow_batches(stream, "parquet", None, Policy(), PLENTY) for text in batch.texts
    ] == WORDS


def test_without_pyarrow_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        MissingPackageError, match=r"^a: parquet files need the package pyarrow; install it with: pip"
    ):
        list(arrow_batches(stream_of(b"PAR1"), "parquet", None, Policy(), PLENTY))


def rich_table() -> Any:
    day = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone.utc)
    return pa.table(
        {
            "text": ["a", "b\x1f", "\x1f1", "d", "e"],
            "bytes": [b"\xff", b"", None, b"a", b"b"],
            "time": pa.array([day] * 5, pa.timestamp("us", "UTC")),
            "date": [day.date()] * 5,
            "decimal": [decimal.Decimal("1.10")] * 5,
            "list": [[1], [], None, [2, 3], [1]],
            "struct": [{"x": 1}, None, {"x": 2}, {"x": 3}, {"x": 4}],
            "float": [1.5, float("nan"), None, 0.1, -0.0],
            "code": pa.array(["x", "y", "x", None, "z"]).dictionary_encode(),
            "null": pa.nulls(5),
        }
    )


@pytest.mark.parametrize("format", ["parquet", "stream"])
def test_values_without_a_form_in_json_get_one(format: str) -> None:
    row = json.loads(next(read(written(rich_table(), format), "text")).rows.json_objects()[0])
    assert row["bytes"] == "/w=="
    assert row["time"] == "2024-02-29T12:30:00+00:00"
    assert (row["date"], row["decimal"], row["list"], row["struct"]) == ("2024-02-29", "1.10", [1], {"x": 1})


@pytest.mark.parametrize("format", ["parquet", "stream"])
def test_content_is_the_same_however_rows_are_divided(format: str) -> None:
    data = written(rich_table(), format)
    whole = content(read(data, "text"))
    assert all(content(read(data, "text", limits=Limits(size, 1 << 20))) == whole for size in (1, 2, 4))
    parts = [
        part for batch in read(data, "text") for part in (batch.part(0, 1), batch.part(1, len(batch.texts)))
    ]
    assert content(parts) == whole


@pytest.mark.parametrize("column", [name for name in rich_table().column_names if name != "null"])
def test_content_differs_if_any_column_does(column: str) -> None:
    table = rich_table()
    other = pa.concat_arrays([table[column].combine_chunks()[4:], table[column].combine_chunks()[1:]])
    if column in ("time", "date", "decimal"):
        other = pa.nulls(5, table[column].type)
    changed = table.set_column(table.column_names.index(column), column, other)
    found = [content(read(written(each, "stream"), "text")) for each in (table, changed)]
    if column == "list":
        assert found[0] == found[1], "the control: the first and the last list are equal"
    else:
        assert found[0] != found[1]
    renamed = table.rename_columns([name + "x" * (name == column) for name in table.column_names])
    if column != "text":
        assert content(read(written(renamed, "stream"), "text")) != found[0]


def test_content_tells_apart_what_is_divided_otherwise_between_columns() -> None:
    def of(*columns: list[str | None]) -> bytes:
        return content(read(written(pa.table(dict(zip("tuv", columns, strict=False)))), "t"))

    assert (
        len(
            {
                of(["a"], ["\x1f2"], [""]),
                of(["a"], [""], ["\x1f2"]),
                of(["a"], ["\x1f"], ["2"]),
                of(["a"], [None], ["\x1f2"]),
            }
        )
        == 4
    )
    assert len({of(["a"], ["\x1f3"]), of(["a"], [None]), of(["a"], [""])}) == 3
