"""Fields that have the names of added columns."""

from __future__ import annotations

from typing import Any

import pytest

from m2v_lite.errors import InputValueError
from m2v_lite.records.batches import RecordBatch, Rows, TextRows
from m2v_lite.records.csv_rows import CsvRows
from m2v_lite.records.json_rows import JsonRows
from m2v_lite.records.places import Places
from m2v_lite.records.writing.added_columns import EMBEDDING, LINE, PATH, check_names


def batch_of(rows: Rows) -> RecordBatch:
    return RecordBatch(
        [""] * (size := len(rows.json_objects())), rows, Places("in.jsonl", "line", range(5, 5 + size))
    )


def json_rows(*fields: dict[str, Any]) -> JsonRows:
    return JsonRows([("", row) for row in fields])


@pytest.mark.parametrize(
    ("name", "remedy"),
    [(EMBEDDING, "write to a .npy file"), (PATH, "give --no-source"), (LINE, "give --no-source")],
)
def test_the_record_with_the_field_is_named(name: str, remedy: str) -> None:
    batch = batch_of(json_rows({"text": ""}, {"text": "", name: 1}, {name: 2}))
    with pytest.raises(InputValueError) as caught:
        check_names(batch, [EMBEDDING, PATH, LINE])
    assert str(caught.value) == (
        f"in.jsonl, line 6: the record already has a field {name!r}; rename that field, or {remedy}"
    )


def test_a_column_of_all_rows_is_named_at_the_first() -> None:
    with pytest.raises(InputValueError, match=r"^in.jsonl, line 5: the record already has a field 'line'"):
        check_names(batch_of(CsvRows(["text", "line"], [["a", "1"], ["b", "2"]])), [LINE])


@pytest.mark.parametrize(
    "rows", [TextRows(["a"]), json_rows({"path": 1, "Embedding": 2, "meta": {"embedding": 3}}), json_rows()]
)
def test_other_names_are_free(rows: Rows) -> None:
    check_names(batch_of(rows), [EMBEDDING])


def test_nothing_is_taken_where_nothing_is_added() -> None:
    check_names(batch_of(json_rows({"embedding": 1})), [])
