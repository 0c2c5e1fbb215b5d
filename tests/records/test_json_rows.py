"""Objects of JSON are those that Python's json reads, with their numbers as they were written."""

from __future__ import annotations

import json
import sys

import pytest
from arriving import LATER, Pieces, arrivals, batches, content, in_pieces, numbers, texts, texts_before
from hypothesis import given, strategies as st

from m2v_lite.errors import InputValueError
from m2v_lite.records.byte_streams import ByteStream
from m2v_lite.records.gathering import Limits
from m2v_lite.records.json_rows import json_array_batches, json_line_batches
from m2v_lite.records.policies import Policy
from m2v_lite.records.text_blocks import text_blocks

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(
    st.builds(lambda more, text: {**more, "text": text}, st.dictionaries(TEXTS, VALUES, max_size=3), TEXTS)
)
CUTS = st.lists(st.integers(0, 1 << 20), max_size=8)


@given(OBJECTS, CUTS, st.booleans(), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_objects_are_kept_wherever_they_are_cut(
    objects: list[dict[str, object]],
    cuts: list[int],
    in_ascii: bool,
    indent: int | str | None,
    is_array: bool,
) -> None:
    if is_array:
        data = json.dumps(objects, ensure_ascii=in_ascii, indent=indent).encode()
    else:
        data = "".join(json.dumps(each, ensure_ascii=in_ascii) + "\r\n" for each in objects).encode()
    kind = "json" if is_array else "jsonl"
    found = list(batches(kind, *in_pieces(data, cuts)))
    assert [text for batch in found for text in batch.texts] == [each["text"] for each in objects]
    lines = [line for batch in found for line in batch.rows.json_objects()]
    assert [json.loads(line) for line in lines] == objects
    assert not any("\n" in line or "\r" in line for line in lines)
    assert content(found) == content(batches(kind, data))


@pytest.mark.parametrize("kind", ["json", "jsonl"])
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_numbers_are_kept_as_they_are_written(kind: str, size: int) -> None:
    line = '{"text": "a", "n": 123456789012345678901234567890, "f": 1.10000000000000000001, "e": 1E400, "z": -0.0}'
    data = (f"[{line} , {line}]" if kind == "json" else f"{line}\n {line}\t\n").encode()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    found = [line for batch in batches(kind, *pieces) for line in batch.rows.json_objects()]
    assert found == [line, line]


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_a_field_may_lie_in_another(kind: str) -> None:
    lines = ['{"a": {"b": {"c": "one"}}}', '{"a.b.c": "two", "a": 3}', '{"a": {"b.c": "three"}}']
    data = (f"[{','.join(lines)}]" if kind == "json" else "\n".join(lines)).encode()
    assert texts(kind, data, column="a.b.c") == ["one", "two", "three"]


def test_blank_lines_are_left_out_but_counted() -> None:
    data = b'\xef\xbb\xbf\n{"text": "one"}\r\n \t\r\n{"text": "two"}'
    found = next(batches("jsonl", data))
    assert (found.texts, list(found.places.numbers)) == (["one", "two"], [2, 4])
    assert found.places.described(1) == f"a, line 4 (byte {data.rindex(b'{')})"


def test_objects_that_have_arrived_are_there_before_more_is_waited_for() -> None:
    raw = Pieces([b'{"text": "one"}\n{"te', LATER, b'xt": "two"}\n\n', LATER, b"\n"])
    blocks = text_blocks(ByteStream(raw, "a"), None)
    found = json_line_batches(blocks, "a", None, Policy(), Limits(100, 10_000))
    assert arrivals(found, raw) == [(["one"], 4), ([], 4), (["two"], 2), ([], 2)]
    raw = Pieces([b'[{"text": "one"}', LATER, b', {"text": "two"', LATER, b"}", LATER, b"]"])
    found = json_array_batches(ByteStream(raw, "a"), None, Policy(), Limits(100, 10_000))
    assert arrivals(found, raw) == [(["one"], 6), ([], 6), ([], 4), (["two"], 2), ([], 2)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "{",
            r"not JSON \(Expecting property name.* at column 2\); fix this line, or give --errors skip$",
        ),
        ('{"text": "a"} b', r"not JSON \(Extra data at column 14\)"),
        ('{"text": "\ta"}', r"not JSON \(Invalid control character at"),
        ("[" * 200_000, r"not JSON \(maximum recursion depth exceeded"),
        (
            '["a"]',
            r'not a JSON object; each line, or each item of the array, must be one, such as {"text": "..."}$',
        ),
        (
            '{"text": 1, "b": "c"}',
            r"field 'text' is 1, not a text; give --column .*; fields with texts: b; or give --errors skip$",
        ),
        (
            '{"text": null, "b": 1}',
            r"field 'text' is missing or null; .*: none; to go on, give --on-missing empty or skip",
        ),
        ('{"txt": "a"}', r"field 'text' is missing or null; .*: txt; to go on, give --on-missing"),
        (
            '{"a": {"b": {"c": "x"}, "n": 1}, "d": "y"}',
            r"fields with texts: d, a\.b\.c; to go on, give --on-missing",
        ),
        (
            '{"text": "a\\ud800b"}',
            r"holds the lone surrogate U\+D800 after '.*a', which is not valid Unicode",
        ),
    ],
)
def test_what_is_wrong_in_a_line_is_told_and_comes_after_all_before_it(line: str, message: str) -> None:
    if sys.version_info >= (3, 12) and line[:2] == "[[":
        message = "not JSON|not a JSON object"
    data = b'{"text": "one"}\n{"text": "two"}\n' + line.encode() + b'\n{"text": "four"}\n'
    before, found = texts_before(InputValueError, batches("jsonl", data))
    assert before == ["one", "two"]
    assert found.startswith("a, line 3 (byte 32): ")
    with pytest.raises(InputValueError, match=message):
        texts("jsonl", data)


def test_bad_bytes_in_lines_follow_the_policy() -> None:
    data = b'{"text": "caf\xe9", "\xff": 1}\n{"text": "b\\udce9\\ud83d\\ude00"}\n{broken\n{"text": "c"}\n{}\n'
    with pytest.raises(
        InputValueError, match=r"^a, line 1 \(byte 0\): not UTF-8: the byte 0xE9 after '.*caf'; give"
    ):
        texts("jsonl", data)
    policy = Policy("skip", "skip")
    assert texts("jsonl", data, policy=policy) == ["c"]
    assert policy.summary() == "3 records skipped as unreadable, 1 record skipped because the text is missing"
    policy = Policy("replace")
    found = batches("jsonl", data.replace(b"{broken\n", b""), policy=policy, limits=Limits(1, 99))
    rows = [next(found).rows, next(found).rows]
    assert [row.columns() for row in rows] == [
        {"text": ["caf\ufffd"], "\ufffd": [1]},
        {"text": ["b\ufffd\U0001f600"]},
    ]
    assert policy.replaced == 2
    assert texts("jsonl", '{"text": "é"}\n'.encode("utf-16")) == ["é"]
    assert texts("jsonl", '{"text": "表"}\n'.encode("shift_jis"), encoding="shift_jis") == ["表"]


@pytest.mark.parametrize("data", [b"[]", b" [ ] \n", b"\xef\xbb\xbf[\n]"])
def test_an_empty_array_has_no_records(data: bytes) -> None:
    assert texts("json", data) == []


@pytest.mark.parametrize(
    ("data", "count", "message"),
    [
        (b"", 0, r"^a: not a JSON array \(it ends where a JSON array should be\); fix the file$"),
        (b'{"text": "a"}', 0, r"^a: not a JSON array \(unexpected '\{'\)"),
        (b'[{"text": "0"}', 1, r"^a, item 2: not a JSON array \(it ends where a comma or \] should be\)"),
        (b'[{"text": "0"},', 1, r"^a, item 2: .*it ends where an item should be"),
        (b'[{"text": "0"},]', 1, r"^a, item 2: .*Expecting value"),
        (b'[{"text": "0"} {"text": "1"}]', 1, r"^a, item 2: .*unexpected '\{'"),
        (b'[{"text": "0"}]]', 1, r"unexpected '\]'"),
        (b'[{"text": "0"}, {"text": "1"}, {"text": "2]', 2, r"^a, item 3: .*Unterminated string"),
        (b'[{"text": "0"}, {"text" "1"}]', 1, r"^a, item 2: .*Expecting ':' delimiter"),
        (b'[{"text": "0"}, 12]', 1, r"^a, item 2: not a JSON object"),
        (b'[{"text": "0"}, tru]', 1, r"^a, item 2: .*Expecting value"),
        (b'[{"text": "0"}, {"a": "b"}]', 1, r"^a, item 2: field 'text' is missing or null"),
        (b'[{"text": "0"}, {"text": "\xff"}]', 1, r"^a, item 2: not UTF-8: the byte 0xFF after"),
        (b'[{"text": "0"}, \xff]', 1, r"^a, item 2: .*Expecting value"),
        (b'[{"text": "0"}, {"text": "\\ud800"}]', 1, r"^a, item 2: holds the lone surrogate"),
        (b"\x89PNG\0", 0, "a PNG image"),
    ],
)
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_what_is_wrong_in_an_array_is_told_and_comes_after_all_before_it(
    data: bytes, count: int, message: str, size: int
) -> None:
    if size == 1 and data[:1] == b"\x89":
        return  # so little is not known for what it is
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    before, _ = texts_before(InputValueError, batches("json", *pieces))
    assert before == [str(number) for number in range(count)]
    with pytest.raises(InputValueError, match=message):
        texts("json", *pieces)


def test_broken_json_in_an_array_is_told_at_once() -> None:
    data = b'[{"text" "a"},' + b'{"text": "b"},\n' * 100_000
    raw = Pieces([data, data, data, data])
    with pytest.raises(InputValueError, match="Expecting ':'"):
        list(json_array_batches(ByteStream(raw, "a"), None, Policy("skip"), Limits(100, 10_000)))
    assert raw.position < 600_000


def test_items_without_texts_are_left_out_and_keep_their_numbers() -> None:
    policy = Policy("skip", "skip")
    data = b'[{"text": "a"}, 1, {"text": null}, {"text": "\xff"}, {"text": "e"}]'
    assert numbers("json", data, policy=policy) == [1, 5]
    assert policy.summary() == "2 records skipped as unreadable, 1 record skipped because the text is missing"


def test_bad_bytes_in_an_array_may_be_replaced() -> None:
    policy = Policy("replace")
    found = next(batches("json", b'[{"text": "a\xe2\x82", "b": "\\ud800"}]', policy=policy))
    assert found.rows.columns() == {"text": ["a\ufffd"], "b": ["\ud800"]}


def test_a_large_item_that_arrives_slowly_takes_linear_time() -> None:
    data = b'[{"text": "' + b"many words " * 1_000_000 + b'"}, {"text": "last"}]'
    found = texts("json", *(data[start : start + 1000] for start in range(0, len(data), 1000)))
    assert [len(text) for text in found] == [11_000_000, 4]


def test_rows_may_have_other_fields() -> None:
    rows = next(batches("jsonl", b'{"text": "a", "b": 1}\n{"c": [2], "text": "d"}\n')).rows
    assert rows.columns() == {"text": ["a", "d"], "b": [1, None], "c": [None, [2]]}
    assert rows.names() == [["text", "b"], ["c", "text"]]
    assert rows.part(1, 2).json_objects() == ['{"c": [2], "text": "d"}']
    assert rows.part(1, 1).json_objects() == []


@given(OBJECTS, OBJECTS, st.integers(1, 4))
def test_content_differs_if_the_rows_differ_and_not_if_batches_do(
    one: list[dict[str, object]], other: list[dict[str, object]], most: int
) -> None:
    def of(objects: list[dict[str, object]], limits: Limits) -> bytes:
        return content(
            batches("jsonl", "".join(json.dumps(each) + "\n" for each in objects).encode(), limits=limits)
        )

    plenty = Limits(1 << 20, 1 << 20)
    assert of(one, Limits(most, 1 << 20)) == of(one, plenty)
    assert (of(one, plenty) == of(other, plenty)) == (json.dumps(one) == json.dumps(other))
