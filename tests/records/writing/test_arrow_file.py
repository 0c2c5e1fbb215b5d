"""Parquet and Arrow files of vectors, against pyarrow's own reading and writing."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from m2v_lite.errors import InputValueError, MissingPackageError
from m2v_lite.records.arrow_rows import ArrowRows
from m2v_lite.records.batches import RecordBatch, Rows, TextRows
from m2v_lite.records.csv_rows import CsvRows
from m2v_lite.records.json_rows import JsonRows
from m2v_lite.records.places import Places
from m2v_lite.records.writing import arrow_file
from m2v_lite.records.writing.arrow_file import ArrowWriter

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

FORMATS = ["parquet", "arrow"]
DTYPES = ["float16", "float32", "float64", "int8", "uint8"]
both_formats = pytest.mark.parametrize("format", FORMATS)


def batch_of(rows: Rows, first: int = 1, path: str = "in.jsonl", unit: str = "line") -> RecordBatch:
    return RecordBatch(
        [""] * (size := len(rows.json_objects())), rows, Places(path, unit, range(first, first + size))
    )


def json_batch(*fields: dict[str, Any], first: int = 1) -> RecordBatch:
    return batch_of(JsonRows([("{}", row) for row in fields]), first)


def arrow_batch(first: int = 1, **columns: Any) -> RecordBatch:
    table = pa.record_batch(columns)
    return batch_of(ArrowRows(table, [""] * len(table)), first, "in.parquet", "row")


def vectors_for(rows: int, dim: int = 3, dtype: str = "float32", seed: int = 0) -> NDArray[Any]:
    """Return vectors of any bits, so also NaN and infinities."""
    numbers = np.random.default_rng(seed).integers(0, 256, (rows, dim * np.dtype(dtype).itemsize), np.uint8)
    return numbers.view(dtype)


def new_writer(format: str, with_source: bool = False, dim: int = 3, dtype: str = "float32") -> ArrowWriter:
    return ArrowWriter(format, dim, np.dtype(dtype), with_source)


def converted(writer: ArrowWriter, partial: bytes) -> bytes:
    final = BytesIO()
    writer.convert(BytesIO(partial), final)
    return final.getvalue()


def written(
    format: str, batches: Sequence[tuple[RecordBatch, NDArray[Any]]], with_source: bool = False
) -> bytes:
    dim, dtype = batches[0][1].shape[1], batches[0][1].dtype
    writer = ArrowWriter(format, dim, dtype, with_source)
    return converted(writer, b"".join(part for batch in batches for part in writer.parts(*batch)))


def table_of(format: str, content: bytes) -> Any:
    if format == "parquet":
        return pq.read_table(BytesIO(content))
    return pa.ipc.open_file(BytesIO(content)).read_all()


def rows_of(format: str, *batches: RecordBatch, with_source: bool = False) -> list[dict[str, Any]]:
    """Return what is read from a file, without the vectors."""
    content = written(
        format, [(batch, vectors_for(len(batch.texts))) for batch in batches], with_source=with_source
    )
    return list(table_of(format, content).drop_columns(["embedding"]).to_pylist())


def embeddings(table: Any) -> NDArray[Any]:
    column = table.column("embedding").combine_chunks()
    return np.asarray(column.flatten()).reshape(len(table), -1)


@both_formats
@pytest.mark.parametrize("dtype", DTYPES)
def test_vectors_of_every_dtype_come_back_bit_by_bit(format: str, dtype: str) -> None:
    vectors = vectors_for(1000, 5, dtype)
    batch = batch_of(TextRows([f"text {number}" for number in range(1000)]))
    table = table_of(format, written(format, [(batch, vectors)]))
    assert table.schema.names == ["text", "embedding"]
    assert table.schema.field("embedding").type == pa.list_(pa.from_numpy_dtype(dtype), 5)
    read = embeddings(table)
    assert read.dtype == vectors.dtype
    assert read.tobytes() == vectors.tobytes()
    assert table.column("embedding").null_count == 0
    assert table.column("text").to_pylist() == [f"text {number}" for number in range(1000)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_parquet_takes_no_more_bytes_than_vectors_have(dtype: str) -> None:
    vectors = vectors_for(20_000, 64, dtype)
    batch = batch_of(TextRows([""] * len(vectors)))
    assert len(written("parquet", [(batch, vectors)])) < 1.15 * vectors.nbytes


@both_formats
def test_vectors_that_are_a_view_of_others_come_back(format: str) -> None:
    vectors = np.arange(60, dtype=np.float32).reshape(6, 10)[::2, ::-3]
    table = table_of(format, written(format, [(batch_of(TextRows(["a", "b", "c"])), vectors)]))
    assert (embeddings(table) == vectors).all()


@both_formats
def test_csv_rows_may_be_short(format: str) -> None:
    rows = CsvRows(["text", "city"], [["tea", "Porto"], ["œ"], ["", ""]])
    assert rows_of(format, batch_of(rows)) == [
        {"text": "tea", "city": "Porto"},
        {"text": "œ", "city": None},
        {"text": "", "city": ""},
    ]


@both_formats
def test_json_rows_keep_nested_values(format: str) -> None:
    rows: list[dict[str, Any]] = [
        {
            "text": "a",
            "n": 1,
            "tags": ["x", None],
            "by": {"name": "Ann", "ages": [1, 2]},
            "ok": True,
            "no": None,
        },
        {"text": "b", "x": 1.5, "tags": [], "by": {"name": None, "ages": None}, "ok": None},
    ]
    names = ["text", "n", "tags", "by", "ok", "no", "x"]
    assert rows_of(format, json_batch(*rows)) == [{name: row.get(name) for name in names} for row in rows]


@both_formats
def test_arrow_columns_keep_their_types(format: str) -> None:
    columns = {
        "text": pa.array(["a", "b", None, "d"]),
        "category": pa.array(["x", "y", None, "x"]).dictionary_encode(),
        "small": pa.array([1, 2, None, 4], pa.int8()),
        "at": pa.array([datetime.datetime(2020, 1, day) for day in (1, 2, 3, 4)], pa.timestamp("us", "UTC")),
        "pairs": pa.array([[("k", 1)], [], None, [("l", None)]], pa.map_(pa.string(), pa.int32())),
        "bytes": pa.array([b"\xff", b"", None, b"0"], pa.large_binary()),
        "flags": pa.array([True, None, False, True]),
        "nothing": pa.nulls(4),
        "inner": pa.StructArray.from_arrays([pa.array(["p", "q", "p", "q"]).dictionary_encode()], ["of"]),
        "lists": pa.ListArray.from_arrays([0, 1, 1, 3, 3], pa.nulls(3)),
        "points": pa.array([[1.0, 2.0]] * 4, pa.list_(pa.float32(), 2)),
    }
    # A slice of larger arrays, as a reader gives.
    table = pa.record_batch(columns).slice(1, 2)
    batch = batch_of(ArrowRows(table, ["", ""]), path="in.parquet", unit="row")
    read = table_of(format, written(format, [(batch, vectors_for(2))])).drop_columns(["embedding"])
    assert read.to_pylist() == table.to_pylist()
    kinds = {field.name: field.type for field in table.schema}
    kinds |= {
        "category": pa.string(),
        "nothing": pa.string(),
        "inner": pa.struct([("of", pa.string())]),
        "lists": pa.list_(pa.string()),
    }
    assert {field.name: field.type for field in read.schema} == kinds


@both_formats
def test_the_source_of_each_record_comes_first(format: str) -> None:
    places = Places("caf\udce9.txt", "line", (3, 7))
    batches = [RecordBatch(["a", "b"], TextRows(["a", "b"]), places), batch_of(TextRows(["c"]), 9, "")]
    assert rows_of(format, *batches, with_source=True) == [
        {"path": "caf\ufffd.txt", "line": 3, "text": "a"},
        {"path": "caf\ufffd.txt", "line": 7, "text": "b"},
        {"path": "", "line": 9, "text": "c"},
    ]
    table = table_of(format, written(format, [(batches[0], vectors_for(2))], with_source=True))
    assert table.schema.names == ["path", "line", "text", "embedding"]
    assert table.schema.field("line").type == pa.int64()


@both_formats
@pytest.mark.parametrize("with_source", [False, True])
def test_without_rows_there_is_an_empty_table(format: str, with_source: bool) -> None:
    table = table_of(format, converted(new_writer(format, with_source), b""))
    assert len(table) == 0
    assert table.schema.names == ["path", "line"] * with_source + ["text", "embedding"]
    assert table.schema.field("text").type == pa.string()
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), 3)


@both_formats
def test_a_partial_file_of_columns_alone_gives_an_empty_table(format: str) -> None:
    writer = new_writer(format)
    schema, _ = writer.parts(json_batch({"text": "a", "n": 1}), vectors_for(1))
    table = table_of(format, converted(new_writer(format), bytes(schema)))
    assert (len(table), table.schema.names) == (0, ["text", "n", "embedding"])


def test_an_empty_batch_adds_nothing() -> None:
    writer = new_writer("arrow")
    assert writer.parts(batch_of(TextRows([])), vectors_for(0)) == []
    assert len(writer.parts(batch_of(TextRows(["a"])), vectors_for(1))) == 2


# Later batches.


@both_formats
def test_later_batches_get_the_columns_of_the_first(format: str) -> None:
    first = json_batch({"text": "a", "x": 1.5, "no": None, "by": {"a": 1, "b": [None]}, "n": 2})
    later = json_batch({"n": None, "by": {"b": ["t"]}, "x": 2, "text": "b", "no": "yes"}, first=2)
    assert rows_of(format, first, later, json_batch({"text": "c"})) == [
        {"text": "a", "x": 1.5, "no": None, "by": {"a": 1, "b": [None]}, "n": 2},
        {"text": "b", "x": 2.0, "no": "yes", "by": {"a": None, "b": ["t"]}, "n": None},
        {"text": "c", "x": None, "no": None, "by": None, "n": None},
    ]


@both_formats
def test_later_arrow_columns_are_cast_where_nothing_is_lost(format: str) -> None:
    first = arrow_batch(a=pa.array([1], pa.int16()), b=pa.array(["x"]), c=pa.array([1.0]), d=pa.array([[1]]))
    later = arrow_batch(
        a=pa.array([2, None], pa.int64()),
        b=pa.array(["y", "z"], pa.large_string()).dictionary_encode(),
        c=pa.array([2, 3], pa.uint8()),
        d=pa.array([[2], None], pa.large_list(pa.int8())),
    )
    assert rows_of(format, first, later) == [
        {"a": 1, "b": "x", "c": 1.0, "d": [1]},
        {"a": 2, "b": "y", "c": 2.0, "d": [2]},
        {"a": None, "b": "z", "c": 3.0, "d": None},
    ]


@both_formats
@pytest.mark.parametrize(
    ("first", "later", "message"),
    [
        ({"n": 1}, {"n": 1.0}, "the values of column 'n' do not fit: they are double, but were int64 before"),
        ({"n": 1}, {"n": "1"}, "column 'n' do not fit: they are string, but were int64 before"),
        ({"n": "1"}, {"n": 1}, "column 'n' do not fit: they are int64, but were string before"),
        ({"n": 1}, {"n": True}, "column 'n' do not fit: they are bool, but were int64 before"),
        ({"n": True}, {"n": 1}, "column 'n' do not fit: they are int64, but were bool before"),
        ({"n": None}, {"n": 1}, "column 'n' do not fit: they are int64, but were string before"),
        ({"n": 1.5}, {"n": 2**53 + 1}, "column 'n' do not fit: Integer value 9007199254740993 is outside"),
        ({"n": 1}, {"n": 2**63}, "column 'n' do not fit: Python int too large"),
        (
            {"n": []},
            {"n": [1]},
            "column 'n' do not fit: they are list<item: int64>, but were list<item: string> ",
        ),
        (
            {"n": [1]},
            {"n": {"a": 1}},
            "column 'n' do not fit: they are struct<a: int64>, but were list<item: int64>",
        ),
        (
            {"n": {"a": 1}},
            {"n": {"a": 1, "b": 2}},
            "do not fit: they are struct<a: int64, b: int64>, but were struct",
        ),
        (
            {"n": [{"a": 1}]},
            {"n": [{"a": ""}]},
            "do not fit: they are list<item: struct<a: string>>, but were list",
        ),
        ({"n": "a"}, {"n": "\ud800"}, "column 'n' do not fit: 'utf-8' codec can't encode"),
        ({"text": "a", "n": 1}, {"m": 1}, "column 'm' is new; the first records have text, n"),
        ({"n": {str(key): 1 for key in range(99)}}, {"n": 1}, "but were struct<0: int64, 1: int64,"),
    ],
)
def test_a_later_value_that_does_not_fit_is_an_error(
    format: str, first: dict[str, Any], later: dict[str, Any], message: str
) -> None:
    writer = new_writer(format)
    good = b"".join(writer.parts(json_batch(first), vectors_for(1)))
    with pytest.raises(InputValueError) as caught:
        writer.parts(json_batch(first, later, first=5) if "m" in later else json_batch(later), vectors_for(2))
    assert message in str(caught.value)
    place = "in.jsonl, lines 5 to 6: " if "m" in later else "in.jsonl, line 1: "
    assert str(caught.value).startswith(place)
    assert str(caught.value).endswith("; write .jsonl, which keeps fields as they are")
    assert len(str(caught.value)) < 600
    # The writer is as it was.
    again = b"".join(writer.parts(json_batch(first), vectors_for(1)))
    assert len(table_of(format, converted(writer, good + again))) == 2


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (pa.array([1], pa.int8()), pa.array([128], pa.int16())),
        (pa.array([1], pa.uint8()), pa.array([-1], pa.int8())),
        (pa.array([1], pa.float32()), pa.array([0.1], pa.float64())),
        (pa.array([1], pa.float32()), pa.array([2**24 + 1])),
        (pa.array([1.0]), pa.array([2**53 + 1])),
        (pa.array([1]), pa.array([1], pa.timestamp("s"))),
        (pa.array([1], pa.timestamp("s")), pa.array([1], pa.timestamp("ms"))),
        (pa.array(["a"]), pa.array([b"\xff"])),
        (pa.array([b"a"]), pa.array(["a"])),
        (pa.array(["1"]), pa.array([1]).dictionary_encode()),
        (pa.array([[1, 2]], pa.list_(pa.int8(), 2)), pa.array([[1]])),
    ],
)
def test_a_later_arrow_column_that_would_lose_something_is_an_error(first: Any, later: Any) -> None:
    writer = new_writer("arrow")
    writer.parts(arrow_batch(a=first), vectors_for(1))
    with pytest.raises(InputValueError, match=r"^in.parquet, row 7: the values of column 'a' do not fit: "):
        writer.parts(arrow_batch(7, a=later), vectors_for(1))


# The first batch.


@both_formats
@pytest.mark.parametrize(
    "values",
    [[1, "a"], [True, 1], [{"a": 1}, 3], [[1], 1], [[1, "a"]], [2**64], ["\ud800"], [1.5, 2**53 + 1]],
)
def test_values_without_a_common_type_are_an_error(format: str, values: list[Any]) -> None:
    writer = new_writer(format)
    with pytest.raises(
        InputValueError, match=r"^in.jsonl, lines? 1.*: the values of column 'n' do not fit: .*; write .jsonl"
    ):
        writer.parts(json_batch(*({"n": value} for value in values)), vectors_for(len(values)))
    # The next batch is then the first.
    assert len(writer.parts(json_batch({"m": "a"}), vectors_for(1))) == 2


def test_what_the_format_cannot_hold_is_an_error_at_the_beginning() -> None:
    batch = json_batch({"text": "a", "by": {}}, {"text": "b", "by": {}})
    with pytest.raises(
        InputValueError,
        match=r"^in.jsonl, lines 1 to 2: parquet cannot hold these columns \(.*\); write .jsonl",
    ):
        new_writer("parquet").parts(batch, vectors_for(2))
    assert rows_of("arrow", batch) == [{"text": "a", "by": {}}, {"text": "b", "by": {}}]
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    with pytest.raises(InputValueError, match="arrow cannot hold these columns"):
        new_writer("arrow").parts(json_batch({"n": deep}), vectors_for(1))
    for _ in range(800):
        deep = [deep]
    with pytest.raises(InputValueError, match="line 1: "):
        new_writer("arrow").parts(json_batch({"n": deep}), vectors_for(1))


@both_formats
@pytest.mark.parametrize("name", ["embedding", "path", "line"])
def test_a_field_of_the_name_of_an_added_column_is_an_error(format: str, name: str) -> None:
    batch = json_batch({"text": "a"}, {"text": "b", name: 1})
    with pytest.raises(InputValueError, match=f"^in.jsonl, line 2: the record already has a field '{name}'"):
        new_writer(format, with_source=True).parts(batch, vectors_for(2))
    if name != "embedding":
        assert rows_of(format, batch)[1] == {"text": "b", name: 1}


@pytest.mark.parametrize(
    "rows",
    [
        CsvRows(["text", "a", "a"], [["x", "1", "2"]]),
        ArrowRows(pa.RecordBatch.from_arrays([pa.array([1])] * 2, ["a", "a"]), ["x"]),
    ],
)
def test_two_columns_of_one_name_are_an_error(rows: Rows) -> None:
    with pytest.raises(InputValueError, match=r"^in.jsonl: two columns are named 'a'; rename one"):
        new_writer("arrow").parts(batch_of(rows), vectors_for(1))


@both_formats
def test_pyarrow_may_be_missing(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        MissingPackageError, match=rf"^{format} files need .* pip install 'm2v-lite\[files\]'"
    ):
        new_writer(format)


# How the rows are divided.


def full_table(rows: int, before: int = 3) -> Any:
    """Return columns of many kinds with nulls in places, with other values before and after."""
    random = np.random.default_rng(5)
    lists = [None if n % 7 == 0 else [None if n % 3 else n] * (n % 4) for n in range(rows + 9)]
    columns = {
        "text": pa.array([None if n % 11 == 0 else "wörd" * (n % 5) for n in range(rows + 9)]),
        "ok": pa.array([None if 20 < n < 40 else bool(n % 3) for n in range(rows + 9)]),
        "n": pa.array(random.integers(-99, 99, rows + 9), mask=random.random(rows + 9) < 0.02),
        "lists": pa.array(lists),
        "by": pa.array(
            [None if n == 9 else {"a": n, "b": lists[n], "c": str(n % 3)} for n in range(rows + 9)]
        ),
        "kind": pa.array([f"k{n % 4}" for n in range(rows + 9)]).dictionary_encode(),
        "points": pa.array([[n, None if n % 13 == 0 else 1] for n in range(rows + 9)], pa.list_(pa.int8(), 2))
        if rows < 100
        else pa.nulls(rows + 9),
    }
    return pa.record_batch(columns).slice(before, rows)


def divided(format: str, table: Any, vectors: NDArray[Any], cuts: Sequence[int]) -> bytes:
    parts = [table.slice(start, stop - start) for start, stop in pairwise([0, *cuts, len(table)])]
    writer = ArrowWriter(format, vectors.shape[1], vectors.dtype, with_source=True)
    partial = bytearray()
    start = 0
    for part in parts:
        batch = batch_of(ArrowRows(part, [""] * len(part)), start + 1, "in.parquet", "row")
        for message in writer.parts(batch, vectors[start : start + len(part)]):
            partial += message
        start += len(part)
    return converted(writer, bytes(partial))


@both_formats
@pytest.mark.parametrize(("rows", "most_bytes"), [(8, 1 << 26), (1000, 1 << 26), (16, 1000), (7, 1)])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_the_bytes_do_not_depend_on_how_the_rows_are_divided(
    format: str, rows: int, most_bytes: int, data: st.DataObject
) -> None:
    number = data.draw(st.sampled_from([1, 7, 8, 9, 16, 17, 50, 64, 83]))
    cuts = sorted(data.draw(st.lists(st.integers(0, number), max_size=8)))
    step = data.draw(st.sampled_from([1, 3, 8, 256]))
    before = data.draw(st.sampled_from([0, 3, 8]))
    table, vectors = full_table(number, before), vectors_for(number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow_file, "ROWS", rows)
        patch.setattr(arrow_file, "BYTES", most_bytes)
        patch.setattr(arrow_file, "STEP", step)
        content = divided(format, table, vectors, cuts)
        assert content == divided(format, table, vectors, [])
    assert (
        table_of(format, content).drop_columns(["path", "line", "embedding"]).to_pylist() == table.to_pylist()
    )
    assert embeddings(table_of(format, content)).tobytes() == vectors.tobytes()


@both_formats
def test_many_rows_divided_anyhow_give_the_same_groups(format: str) -> None:
    rows = 2 * arrow_file.ROWS + 1001
    table, vectors = full_table(rows), vectors_for(rows)
    content = divided(format, table, vectors, [])
    assert content == divided(format, table, vectors, range(999, rows, 4096))
    assert content == divided(format, table, vectors, [1, 2, 20_000, 20_001])
    if format == "parquet":
        meta = pq.ParquetFile(BytesIO(content)).metadata
        sizes = [meta.row_group(group).num_rows for group in range(meta.num_row_groups)]
    else:
        reader = pa.ipc.open_file(BytesIO(content))
        sizes = [len(reader.get_batch(number)) for number in range(reader.num_record_batches)]
    assert sizes == [arrow_file.ROWS, arrow_file.ROWS, 1001]


@both_formats
def test_large_rows_come_in_smaller_groups(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_file, "BYTES", 1 << 20)
    batch = batch_of(TextRows(["x" * 1000] * 3000))
    content = written(format, [(batch, vectors_for(3000))])
    if format == "parquet":
        assert pq.ParquetFile(BytesIO(content)).metadata.row_group(0).num_rows == 5 * 256
    else:
        assert len(pa.ipc.open_file(BytesIO(content)).get_batch(0)) == 5 * 256


@both_formats
def test_json_rows_divided_give_the_same_bytes(format: str) -> None:
    rows: list[dict[str, Any]] = [
        {
            "text": f"t{n}",
            "x": 0.5 + n // 2 if n % 2 == 0 else n,
            "tags": ["a"] * (n % 3) or None,
            "by": {"n": n},
        }
        for n in range(40)
    ]
    rows[0]["tags"] = ["a"]
    contents = set()
    for size in (1, 3, 40):
        starts = range(0, 40, size)
        batches = [json_batch(*rows[start : start + size], first=start + 1) for start in starts]
        vectors = vectors_for(40)
        pairs = [(b, vectors[s : s + size]) for b, s in zip(batches, starts, strict=True)]
        contents.add(written(format, pairs, with_source=True))
    assert len(contents) == 1


# Going on.


@both_formats
@pytest.mark.parametrize("with_source", [False, True])
@pytest.mark.parametrize("done", range(5))
def test_a_job_that_goes_on_gives_the_same_file(format: str, with_source: bool, done: int) -> None:
    batches = [json_batch({"text": "a", "no": None, "x": 1.5, "n": n}, first=n + 1) for n in range(4)]
    undisturbed = new_writer(format, with_source)
    parts = [undisturbed.parts(batch, vectors_for(1, seed=n)) for n, batch in enumerate(batches)]
    file = BytesIO(b"".join(part for batch in parts[:done] for part in batch))
    file.seek(0, 2)
    end = file.tell()
    writer = new_writer(format, with_source)
    writer.resume(file)
    assert (file.tell(), file.closed) == (end, False)
    for n in range(done, 4):
        file.write(b"".join(writer.parts(batches[n], vectors_for(1, seed=n))))
    assert file.getvalue() == b"".join(part for batch in parts for part in batch)
    assert converted(writer, file.getvalue()) == converted(undisturbed, file.getvalue())


def test_a_job_that_goes_on_after_the_columns_alone_does_not_write_them_again() -> None:
    batch = json_batch({"text": "a"})
    schema, rows = new_writer("arrow").parts(batch, vectors_for(1))
    writer = new_writer("arrow")
    writer.resume(BytesIO(bytes(schema)))
    assert writer.parts(batch, vectors_for(1)) == [rows]


@pytest.mark.parametrize(("dim", "dtype"), [(4, "float32"), (3, "float16")])
def test_a_job_with_other_vectors_does_not_go_on(dim: int, dtype: str) -> None:
    partial = b"".join(new_writer("arrow").parts(json_batch({"text": "a"}), vectors_for(1)))
    with pytest.raises(InputValueError, match=r"^the partial file: its vectors are not fixed_size_list"):
        new_writer("arrow", dim=dim, dtype=dtype).resume(BytesIO(partial))


def test_a_stream_without_vectors_is_not_taken_up() -> None:
    with pytest.raises(InputValueError, match="its vectors are not"):
        new_writer("arrow").resume(BytesIO(bytes(pa.schema([("text", pa.string())]).serialize())))


@both_formats
def test_a_damaged_partial_file_is_an_error(format: str, tmp_path: Any) -> None:
    writer = new_writer(format)
    partial = b"".join(writer.parts(json_batch({"text": "a"}), vectors_for(1)))
    with pytest.raises(
        InputValueError,
        match=r"^the partial file: damaged \(.*\); start again without --resume",
    ):
        converted(writer, partial[:-8])
    with pytest.raises(InputValueError, match=r"^the partial file: damaged"):
        converted(writer, b"no messages at all")
    (tmp_path / "partial").write_bytes(b"\0" * 7 + b"x")
    with (tmp_path / "partial").open("rb") as file, pytest.raises(InputValueError, match="partial: damaged"):
        writer.resume(file)


@both_formats
def test_files_stay_open_and_are_the_same_on_disk(format: str, tmp_path: Any) -> None:
    writer = new_writer(format)
    partial = b"".join(writer.parts(json_batch({"text": "a"}), vectors_for(1)))
    (tmp_path / "partial").write_bytes(partial)
    with (tmp_path / "partial").open("rb") as source, (tmp_path / "final").open("wb") as final:
        writer.convert(source, final)
        assert not source.closed
        assert not final.closed
    assert (tmp_path / "final").read_bytes() == converted(writer, partial)


@both_formats
def test_a_full_disk_is_an_os_error(format: str) -> None:
    class Full(BytesIO):
        def write(self, data: Any, /) -> int:
            raise OSError(28, "No space left on device")

    writer = new_writer(format)
    partial = b"".join(writer.parts(json_batch({"text": "a"}), vectors_for(1)))
    with pytest.raises(OSError, match="No space left"):
        writer.convert(BytesIO(partial), Full())
