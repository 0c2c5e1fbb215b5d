"""Rows of CSV are those that Python's csv reads, however they arrive."""

from __future__ import annotations

import csv
import io
import json
import sys
import tracemalloc
from collections.abc import Iterator
from itertools import chain

import pytest
from arriving import LATER, Pieces, arrivals, batches, content, in_pieces, numbers, texts, texts_before
from hypothesis import given, strategies as st

from m2v_lite.errors import InputValueError
from m2v_lite.records.byte_streams import ByteStream
from m2v_lite.records.csv_rows import Dialect, csv_batches
from m2v_lite.records.gathering import Limits
from m2v_lite.records.policies import Policy
from m2v_lite.records.text_blocks import text_blocks

CELLS = st.text(st.sampled_from('a,"\n\r\t;é\U0001f600 \u2028'), max_size=6)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=12)
CUTS = st.lists(st.integers(0, 1 << 20), max_size=8)
ENDS = st.sampled_from(["\n", "\r\n"])


@given(ROWS, CUTS, ENDS, st.booleans(), st.sampled_from([",", "\t", ";"]))
def test_rows_are_those_of_python_wherever_they_are_cut(
    rows: list[tuple[str, str, str]], cuts: list[int], end: str, has_last_end: bool, delimiter: str
) -> None:
    file = io.StringIO()
    # Before Python 3.13, csv.writer left carriage returns without quotes.
    has_return = any("\r" in cell for row in rows for cell in row)
    writer = csv.writer(
        file,
        delimiter=delimiter,
        lineterminator=end,
        quoting=csv.QUOTE_ALL if has_return else csv.QUOTE_MINIMAL,
    )
    writer.writerows([("id", "text", "more"), *rows])
    whole = file.getvalue() if has_last_end else file.getvalue().removesuffix(end)
    expected = list(csv.DictReader(io.StringIO(whole, newline=""), delimiter=delimiter))
    found = list(batches("csv", *in_pieces(whole.encode(), cuts), dialect=Dialect(delimiter)))
    assert [text for batch in found for text in batch.texts] == [row["text"] for row in expected]
    assert [json.loads(line) for batch in found for line in batch.rows.json_objects()] == expected
    at_once = list(batches("csv", whole.encode(), dialect=Dialect(delimiter)))
    assert content(found) == content(at_once)
    places = [batch.places.described(index) for batch in found for index in range(len(batch.texts))]
    assert places == [batch.places.described(index) for batch in at_once for index in range(len(batch.texts))]


@given(st.text(st.sampled_from('ab,"\n\r'), max_size=40), CUTS)
def test_any_text_is_read_as_python_reads_it(body: str, cuts: list[int]) -> None:
    whole = "text,a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p\n" + body
    ended: list[bool] = []

    def lines() -> Iterator[str]:
        yield from io.StringIO(whole, newline="")
        ended.append(True)

    reader = csv.reader(lines())
    expected = []
    try:
        for row in reader:
            if row and not ended:
                expected.append(row)
            if ended:
                with pytest.raises(InputValueError, match="no closing quote"):
                    texts("csv", *in_pieces(whole.encode(), cuts))
                return
    except csv.Error:
        return
    if max(map(len, expected)) > len(expected[0]):
        return
    assert texts("csv", *in_pieces(whole.encode(), cuts)) == [row[0] for row in expected[1:]]


def test_line_numbers_and_bytes_count_the_lines_in_quotes() -> None:
    data = '\ufefftext,n\n"one\ntwo",1\n\nthrée,2\r\n"a\rb",3\nlast,4'.encode()
    found = next(batches("csv", data))
    assert found.texts == ["one\ntwo", "thrée", "a\rb", "last"]
    assert list(found.places.numbers) == [2, 5, 6, 7]
    assert found.places.described(1) == f"a, line 5 (byte {data.index(b'thr')})"
    assert found.places.described(3) == f"a, line 7 (byte {data.index(b'last')})"


def test_carriage_returns_alone_end_rows() -> None:
    assert texts("csv", b"text,n\rone,1\rtwo,2\r") == ["one", "two"]
    assert numbers("csv", b"text\none\rtwo\nthree\n") == [2, 2, 3]


def test_rows_that_have_arrived_are_there_before_more_is_waited_for() -> None:
    raw = Pieces([b'text,n\none,1\n"two\n', LATER, b"lines", LATER, b'",2\n', LATER, b"three,3\n"])
    blocks = text_blocks(ByteStream(raw, "a"), None)
    found = csv_batches(blocks, "a", None, Dialect(), Policy(), Limits(100, 10_000))
    assert [next(found).texts for _ in range(3)] == [["one"], [], []]
    assert raw.pieces[0] is LATER
    assert next(found).places.described(0) == "a, line 3 (byte 13)"
    assert arrivals(found, raw) == [([], 2), (["three"], 0)]


def test_a_long_row_that_arrives_slowly_takes_linear_time() -> None:
    line = b"many lines in one field\n"
    data = b'text\n"' + line * 400_000 + b'"\nlast\n'
    found = texts("csv", *(data[start : start + 1000] for start in range(0, len(data), 1000)))
    assert [len(text) for text in found] == [len(line) * 400_000, 4]


@pytest.mark.parametrize("data", [b"", b"\n\r\n", b"text\n", b"\xef\xbb\xbftext", b"id,text\r\n\r\n"])
def test_a_file_without_rows_has_no_records(data: bytes) -> None:
    assert list(batches("csv", data)) == []


@pytest.mark.parametrize(
    ("data", "column", "message"),
    [
        (
            b"a,b\n1,2\n",
            None,
            r"^a, line 1 \(byte 0\): which column holds the texts\? give --column; there are: a, b$",
        ),
        (b"a,b\n1,2\n", "c", r"no column is named 'c'; give --column; there are: a, b$"),
        (b"text,text\n1,2\n", None, "two columns are named 'text'"),
        (b"a;text\n1;2\n", "text", "no column is named 'text'; give --delimiter ';'$"),
        (
            b"text\n1\n1,2\n",
            None,
            r"^a, line 3 \(byte 7\): 2 fields, but the first row has 1; quote fields that hold ','",
        ),
        (
            b"a,text\n1,2\n1\n",
            None,
            r"^a, line 3 \(byte 11\): no field in column 'text'; to go on, give --on-missing empty or skip",
        ),
        (b'text\n"a\nb\n', None, r"^a, line 2 \(byte 5\): a field has an opening quote but no closing quote"),
        (b"te\xffxt\nb\n", None, r"^a, line 1 \(byte 0\): not UTF-8: the byte 0xFF after 'te'"),
        (b"text,b\na,b\nb,\xff\n", None, r"^a, line 3 \(byte 11\): not UTF-8: the byte 0xFF after 'b,'"),
    ],
)
def test_what_is_wrong_is_told_where_it_is(data: bytes, column: str | None, message: str) -> None:
    with pytest.raises(InputValueError, match=message):
        texts("csv", data, column=column)


def noted_end(has_ended: list[bool]) -> Iterator[str]:
    has_ended.append(True)
    yield from ()


@given(st.text('a",\n', max_size=60), CUTS)
def test_lines_whose_quote_nothing_closes_are_left_out_one_by_one(content: str, cuts: list[int]) -> None:
    lines = content.splitlines(keepends=True)
    expected, left_out = [], 0
    while lines:
        rows, at = list(csv.reader(lines)), 0
        has_ended: list[bool] = []
        reader = csv.reader(chain(lines, noted_end(has_ended)))
        for row in rows:
            next(reader)
            if has_ended:
                break
            expected += [row[0]] if 0 < len(row) < 9 else []
            left_out += len(row) >= 9
            at = reader.line_num
        lines = lines[at + 1 :] if has_ended else []
        left_out += bool(has_ended)
    policy = Policy("skip")
    data = f"text{',' * 7}\n{content}".encode()
    assert texts("csv", *in_pieces(data, cuts), policy=policy, column="text") == expected
    assert policy.left_out == left_out


def test_many_lines_whose_quote_nothing_closes_take_linear_time() -> None:
    policy = Policy("skip")
    assert texts("csv", b"text,n\n" + b'5","6\n' * 200_000, policy=policy) == []
    assert policy.left_out == 200_000


def test_what_is_wrong_comes_after_all_rows_before_it() -> None:
    data = b"text,n\n" + b"".join(b"%d,1\n" % number for number in range(50_000)) + b"a,b,c\n"
    before, _ = texts_before(InputValueError, batches("csv", data, limits=Limits(1000, 1 << 20)))
    assert before == [str(number) for number in range(50_000)]
    before, _ = texts_before(
        KeyboardInterrupt, batches("csv", b"text\none\ntwo\nth", KeyboardInterrupt(), b"ree\n")
    )
    assert before == ["one", "two"]


def test_broken_rows_are_left_out_and_counted() -> None:
    policy = Policy("skip", "skip")
    data = b'id,text\n1,one\n2,two,2\n3\n4,\xff\n\xff,five\n6,six\n7,"open\n8,eight\n'
    found = list(batches("csv", data, policy=policy))
    assert [text for batch in found for text in batch.texts] == ["one", "six", "eight"]
    assert [number for batch in found for number in batch.places.numbers] == [2, 7, 9]
    assert [batch.places.described(-1) for batch in found][-1] == f"a, line 9 (byte {data.index(b'8,')})"
    assert policy.summary() == "4 records skipped as unreadable, 1 record skipped because the text is missing"


def test_bad_bytes_are_replaced_in_all_fields_and_counted_once() -> None:
    policy = Policy("replace", "empty")
    found = next(batches("csv", b"id,text\n\xff,caf\xe9\n2,\xe2\x82\n3\n", policy=policy))
    assert found.texts == ["caf\ufffd", "\ufffd", ""]
    assert found.rows.columns() == {"id": ["\ufffd", "2", "3"], "text": ["caf\ufffd", "\ufffd", None]}
    assert policy.summary() == "2 records with bad bytes replaced, 1 record with a missing text read as empty"


def test_columns_of_one_name_are_told_apart() -> None:
    found = next(batches("csv", b"text,a,a,,\n1,2,3,4,5\n"))
    assert found.rows.columns() == {"text": ["1"], "a": ["2"], "a_2": ["3"], "": ["4"], "_2": ["5"]}
    assert json.loads(found.rows.json_objects()[0]) == {"text": "1", "a": "2", "a_2": "3", "": "4", "_2": "5"}


def test_without_a_header_columns_are_numbers() -> None:
    found = next(
        batches("csv", b"one\ttwo\nthree\tfour\n", column="2", dialect=Dialect("\t", has_header=False))
    )
    assert found.texts == ["two", "four"]
    assert found.rows.columns() == {"1": ["one", "three"], "2": ["two", "four"]}


def test_the_text_may_be_utf_16_or_in_an_old_encoding() -> None:
    assert texts("csv", 'text,n\n"é\nè",1\n'.encode("utf-16")) == ["é\nè"]
    assert texts("csv", "text,n\n表,1\n".encode("shift_jis"), encoding="shift_jis") == ["表"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="csv takes no NUL")
def test_zero_bytes_after_the_beginning_are_kept() -> None:
    assert texts("csv", b"text,n\n" + b"a,1\n" * 3000 + b"b\0c,2\n")[-1] == "b\0c"


@given(ROWS, ROWS, st.integers(1, 4))
def test_content_differs_if_the_rows_differ_and_not_if_batches_do(
    one: list[tuple[str, str, str]], other: list[tuple[str, str, str]], most: int
) -> None:
    def of(rows: list[tuple[str, str, str]], header: str, limits: Limits) -> bytes:
        file = io.StringIO()
        csv.writer(file).writerows(rows)
        return content(batches("csv", (header + file.getvalue()).encode(), limits=limits))

    limits, plenty = Limits(most, 1 << 20), Limits(1 << 20, 1 << 20)
    assert of(one, "id,text,more\n", limits) == of(one, "id,text,more\n", plenty)
    assert (of(one, "id,text,more\n", limits) == of(other, "id,text,more\n", plenty)) == (one == other)
    if one:
        assert of(one, "id,text,more\n", plenty) != of(one, "id,text,other\n", plenty)


def test_memory_does_not_grow_where_all_rows_are_left_out() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"id,text\n"
        for _ in range(300):
            yield (b"no text here" * 80 + b"\n") * 60

    source = pieces()

    class Endless(Pieces):
        def read(self, size: int) -> bytes:
            return next(source, b"")

        def is_ready(self) -> bool:
            return True

    blocks = text_blocks(ByteStream(Endless([]), "a"), None)
    policy = Policy("strict", "skip")
    tracemalloc.start()
    try:
        list(csv_batches(blocks, "a", None, Dialect(), policy, Limits(100, 10_000)))
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
    assert policy.missing == 18_000


def test_bad_bytes_in_a_later_block_of_a_row_are_found() -> None:
    with pytest.raises(InputValueError, match="not UTF-8: the byte 0xFF"):
        texts("csv", b'text,n\n"a\n', LATER, b'\xff",1\n')
