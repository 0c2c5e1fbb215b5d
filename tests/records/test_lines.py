"""Lines of text in any encoding become records, and what is wrong in them is told where it is."""

from __future__ import annotations

import codecs
import gzip

import pytest
from arriving import (
    LATER,
    Pieces,
    arrivals,
    batches,
    content,
    in_pieces,
    numbers,
    stream_of,
    texts,
    texts_before,
)
from hypothesis import given, strategies as st

from m2v_lite.errors import InputValueError
from m2v_lite.records.byte_streams import ByteStream
from m2v_lite.records.file_formats import NotTextError, columnar_format
from m2v_lite.records.gathering import Limits
from m2v_lite.records.lines import line_batches
from m2v_lite.records.policies import Policy
from m2v_lite.records.text_blocks import check_encoding, text_blocks

CUTS = st.lists(st.integers(0, 1 << 20), max_size=8)


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))), CUTS)
def test_lines_are_those_of_the_text_wherever_it_is_cut(lines: list[str], cuts: list[int]) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    stream = ByteStream(Pieces(in_pieces(data, cuts)), "a")
    blocks = list(text_blocks(stream, None, sniff=False))
    found = [line for block in blocks for line in block.split()]
    expected = data.decode("utf-8-sig").split("\n")[:-1]
    if not data.startswith((b"\x1f\x8b", b"\xfd7zXZ\0", b"BZh")):
        assert found == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"one", ["one"]),
        (b"one\r\n\r\ntwo\r\n", ["one", "", "two"]),
        (b"one\rtwo\r\nthree\r", ["one\rtwo", "three"]),
        ("a\u2028b\x0bc\x85d\n".encode(), ["a\u2028b\x0bc\x85d"]),
        (b"\xef\xbb\xbfone\n", ["one"]),
        (b"\xef\xbb\xbf", []),
        ("one\nzwö\n".encode("utf-16"), ["one", "zwö"]),
        (codecs.BOM_UTF16_BE + "a\U0001f600\n".encode("utf-16-be"), ["a\U0001f600"]),
        (codecs.BOM_UTF32_LE + "ä\n".encode("utf-32-le"), ["ä"]),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_lines_by_example(data: bytes, expected: list[str], size: int) -> None:
    assert texts("text", *(data[start : start + size] for start in range(0, len(data), size))) == expected


@pytest.mark.parametrize(
    "encoding", ["latin-1", "shift_jis", "cp1252", "utf-16", "utf-16-be", "gb18030", "koi8-r"]
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_an_encoding_that_is_given(encoding: str, size: int) -> None:
    lines = {"shift_jis": ["表計算", "ソ"], "gb18030": ["中文"], "koi8-r": ["чай"]}.get(
        encoding, ["café", "thé"]
    )
    data = "\r\n".join(lines).encode(
        encoding.replace("utf-16", "utf-16-le") if encoding == "utf-16" else encoding
    )
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    assert texts("text", *pieces, encoding=encoding) == lines


BAD = {
    "utf-8": b"ok\n\xc3\xa9 caf\xe9 \xe2\x82\nok\n\xed\xa0\x80\xff\xfe\xe2\x82\xe2\x82\xac\xf0\x9f\x98\n",
    "shift_jis": b"ok\n\x83\x5c \x81\xff\x81\x41 \x81\n",
    "ascii": b"ok\ncaf\xe9 \xe2\x82\xac\n",
    "utf-16-le": "ok\n\n".encode("utf-16-le") + b"\x00\xdc\x41\x00\xe9\xd8\x0a\x00" + b"\x41",
    "gb18030": b"ok\n\x81\x30\x81 \xff\xd6\xd0\n",
}


@pytest.mark.parametrize("encoding", BAD)
@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_replaced_bytes_are_those_that_python_replaces(encoding: str, size: int) -> None:
    data, policy = BAD[encoding], Policy("replace")
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    expected = data.decode(encoding, "replace").split("\n")
    assert texts("text", *pieces, encoding=encoding, policy=policy) == [
        line for line in expected if line or encoding[-2:] == "le"
    ]
    assert policy.replaced == sum("\ufffd" in line for line in expected)


@given(st.binary(), CUTS)
def test_any_bytes_are_replaced_as_python_does(data: bytes, cuts: list[int]) -> None:
    data = b"x" + data.replace(b"\0", b"").replace(b"\r", b"") + b"\n"
    pieces = in_pieces(data, cuts)
    assert (
        texts("text", *pieces, policy=Policy("replace")) == data.decode("utf-8", "replace").split("\n")[:-1]
    )


@given(st.binary(max_size=40), CUTS, st.sampled_from(["strict", "skip"]))
def test_bad_bytes_are_told_at_their_line_and_byte(data: bytes, cuts: list[int], errors: str) -> None:
    data = b"x" + data.replace(b"\0", b"").replace(b"\r", b"") + b"\n"
    lines = data.split(b"\n")[:-1]
    good = [line.decode("utf-8", "replace").encode() == line for line in lines]
    policy = Policy(errors)
    found = batches("text", *in_pieces(data, cuts), policy=policy)
    if errors == "skip" or all(good):
        records = [
            (text, number)
            for batch in found
            for text, number in zip(batch.texts, batch.places.numbers, strict=True)
        ]
        assert records == [
            (line.decode(), number)
            for number, (line, fine) in enumerate(zip(lines, good, strict=True), 1)
            if fine
        ]
        assert policy.left_out == good.count(False)
        return
    before, message = texts_before(InputValueError, found)
    bad = good.index(False)
    assert before == [line.decode() for line in lines[:bad]]
    offset = sum(len(line) + 1 for line in lines[:bad])
    assert message.startswith(f"a, line {bad + 1} (byte {offset}): not UTF-8: the byte 0x")


@pytest.mark.parametrize(
    ("encoding", "line", "offset"),
    [("shift_jis", 2, 3), ("ascii", 2, 3), ("utf-16-le", 3, 8), ("gb18030", 2, 3)],
)
def test_bad_bytes_are_told_in_other_encodings(encoding: str, line: int, offset: int) -> None:
    _, message = texts_before(InputValueError, batches("text", BAD[encoding], encoding=encoding))
    assert message.startswith(f"a, line {line} (byte {offset}): not {encoding.upper()}: the byte 0x")


@pytest.mark.parametrize(
    ("data", "encoding"), [(b"\xff\xfe" + "ä\n".encode("utf-16-le"), None), (b"\x81\xff\n", "shift_jis")]
)
def test_bytes_are_counted_after_bad_ones_and_a_mark(data: bytes, encoding: str | None) -> None:
    more = "ok\n".encode(encoding or "utf-16-le")
    policy = Policy("replace")
    found = list(batches("text", data, LATER, more, encoding=encoding, policy=policy))
    assert found[-1].places.described(0) == f"a, line 2 (byte {len(data)})"


def test_all_lines_that_have_arrived_are_there_before_more_is_waited_for() -> None:
    raw = Pieces([b"one\ntwo\nthr", LATER, b"ee\nfour", LATER, b"\n"])
    blocks = text_blocks(ByteStream(raw, "a"), None)
    found = line_batches(blocks, Policy(), Limits(100, 10_000))
    assert arrivals(found, raw) == [(["one", "two"], 4), ([], 4), (["three"], 2), ([], 2), (["four"], 0)]


@given(
    st.lists(st.text("ab", max_size=5), min_size=1),
    st.integers(1, 5),
    st.integers(1, 12),
)
def test_batches_are_full_at_their_limits(lines: list[str], most: int, characters: int) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    found = list(batches("text", data, limits=Limits(most, characters)))
    assert [text for batch in found for text in batch.texts] == lines
    for batch in found:
        assert len(batch.texts) <= most
        assert sum(map(len, batch.texts[:-1])) < characters
    for batch in found[:-1]:
        assert len(batch.texts) == most or sum(map(len, batch.texts)) >= characters
    assert content(found) == content(batches("text", data))
    assert numbers("text", data) == list(range(1, len(lines) + 1))


def test_an_interrupt_comes_after_all_that_arrived_before_it() -> None:
    data = b"".join(b"%d\n" % number for number in range(100_000))
    before, _ = texts_before(KeyboardInterrupt, batches("text", data + b"half", KeyboardInterrupt(), b"\n"))
    assert before == [str(number) for number in range(100_000)]


def test_damage_comes_after_all_that_is_whole() -> None:
    lines = [str(number) for number in range(300_000)]
    data = gzip.compress("\n".join(lines).encode())
    before, message = texts_before(InputValueError, batches("text", data[:-100]))
    assert before == lines[: len(before)]
    assert len(before) > 290_000
    assert "ends too soon" in message


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "a PNG image"),
        (b"PK\x03\x04\x14\0", "a ZIP archive"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"MZ\x90\0", "an executable"),
        (b"text\0text\n", "null bytes; if it is UTF-16, give --encoding utf-16"),
        ("text\n".encode("utf-16-le"), "null bytes; if it is UTF-16"),
    ],
)
def test_what_is_no_text_is_named(data: bytes, what: str) -> None:
    with pytest.raises(NotTextError, match=f"^a: this is .*{what}"):
        texts("text", data)


@pytest.mark.parametrize(
    "data",
    [b"MZ is no name\n", b"GIF8 is one\n", b"BZhang 9\n", b"BZh\n", b"RIFF\n", b"PAR1S\n", b"ARROW1\n"],
)
def test_a_text_may_begin_as_other_files_do(data: bytes) -> None:
    assert stream_of(data).compression == ""
    assert texts("text", data) == [data.decode().strip()]


@pytest.mark.parametrize("name", ["utf-9", "base64", "rot13", "hex", "undefined", "", "idna", "a\0b"])
def test_what_is_no_encoding_of_text_is_told(name: str) -> None:
    assert "give one such as" in (check_encoding(name) or "")


@pytest.mark.parametrize(
    "name", ["UTF-8", "utf_8_sig", "utf-16", "latin1", "cp1252", "Shift_JIS", "gb18030", "big5", "iso2022_jp"]
)
def test_an_encoding_of_text_is_taken(name: str) -> None:
    assert check_encoding(name) is None
    assert texts("text", "one\n".encode(name), encoding=name) == ["one"]


def test_numbers_go_on_from_batch_to_batch() -> None:
    assert numbers("text", b"a\nb\nc\nd\ne\n", limits=Limits(2, 100)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("head", "format"),
    [
        (b"PAR1\x15\4", "parquet"),
        (b"ARROW1\0\0", "arrow"),
        (b"\xff" * 4, "arrow"),
        (b"PAR1S\n", None),
        (b"ARROW1\n\n", None),
    ],
)
def test_columnar_files_are_known_by_what_no_text_begins_with(head: bytes, format: str | None) -> None:
    assert columnar_format(head) == format
