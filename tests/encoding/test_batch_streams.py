"""`encode_stream`: in order, at once, in bounded memory, with errors that name the place in the stream."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import count, islice
from typing import Any

import numpy as np
import pytest
from sample_texts import SAMPLE_TEXTS

from m2v_lite import InputTypeError, InputValueError, StaticModel
from m2v_lite.encoding.batch_streams import encode_batches


def test_the_vectors_are_those_of_encode(bundled: StaticModel) -> None:
    texts = SAMPLE_TEXTS * 20
    for size in (1, 3, 4096):
        vectors = list(bundled.encode_stream(iter(texts), batch_size=size))
        np.testing.assert_array_equal(vectors, bundled.encode(texts))
    assert list(bundled.encode_stream([])) == []


def test_the_first_vectors_come_at_once(bundled: StaticModel) -> None:
    read: list[int] = []

    def texts() -> Iterator[str]:
        for number in count():
            read.append(number)
            yield f"text {number}"

    stream = bundled.encode_stream(texts(), batch_size=8)
    assert read == []
    needed = []
    for _ in islice(stream, 30):
        needed.append(len(read))
    # Batches of 1, 2, 4, 8, 8, 8 texts.
    assert needed == [1, *[3] * 2, *[7] * 4, *[15] * 8, *[23] * 8, *[31] * 7]


def test_memory_does_not_grow(bundled: StaticModel) -> None:
    def peak(texts: int) -> int:
        tracemalloc.start()
        try:
            for _ in bundled.encode_stream(f"text number {number}" for number in range(texts)):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(60_000) < 1.5 * peak(10_000)  # 51 MB more, were they one array


def test_long_texts_make_small_batches(bundled: StaticModel) -> None:
    read: list[int] = []

    def texts() -> Iterator[str]:
        for number in range(10):
            read.append(number)
            yield "long " * 60_000

    stream = bundled.encode_stream(texts())
    next(stream)
    assert len(read) == 1
    next(stream)
    assert len(read) == 2


def test_errors_name_the_place_in_the_stream(bundled: StaticModel) -> None:
    good = [f"text {number}" for number in range(20)]
    wrong: list[tuple[Any, type[Exception], str]] = [
        (3, InputTypeError, "text 20 is int 3, not a str"),
        (None, InputTypeError, "text 20 is None, not a str"),
        ("a\ud800", InputValueError, r"text 20: holds the lone surrogate U\+D800"),
    ]
    for text, error, message in wrong:
        stream = bundled.encode_stream([*good, text, "more"], batch_size=4)
        vectors = list(islice(stream, 19))  # batches of 1, 2 and 4 texts
        np.testing.assert_array_equal(vectors, bundled.encode(good[:19]))
        with pytest.raises(error, match=message):
            next(stream)


def test_what_the_texts_raise_comes_through(bundled: StaticModel) -> None:
    def texts() -> Iterator[str]:
        yield "one"
        raise LookupError("no more")

    stream = bundled.encode_stream(texts())
    next(stream)
    with pytest.raises(LookupError, match="no more"):
        next(stream)


def test_what_is_no_stream(bundled: StaticModel) -> None:
    wrong: list[tuple[Any, str]] = [
        ("one text", "expected an iterable of texts, got str 'one text'; pass a list of texts"),
        (b"bytes", "got bytes b'bytes'; decode it first"),
        ({"a": 1}, "got dict .*; pass a list of its texts"),
        (None, "got None; pass texts only"),
        (np.zeros((2, 2)), "got ndarray (.|\n)*; pass a list of its texts"),
    ]
    for given, message in wrong:
        with pytest.raises(InputTypeError, match=message):
            bundled.encode_stream(given)
    for name in ("workers", "out", "show_progress_bar"):
        with pytest.raises(InputTypeError, match=f"encode_stream has no option '{name}'"):
            bundled.encode_stream(["one"], **dict[str, Any]({name: None}))


# --- `encode_batches`


def test_batches_in_this_process(bundled: StaticModel) -> None:
    batches: list[list[str]] = [["one", "two"], [], SAMPLE_TEXTS, ["three"]]
    for precision in (None, "int8", "ubinary"):
        found = list(encode_batches(bundled, iter(batches), precision))
        for (vectors, cut), texts in zip(found, batches, strict=True):
            expected = bundled.encode(texts, precision=precision)
            assert vectors.dtype == expected.dtype
            np.testing.assert_array_equal(vectors, expected)
            assert (cut > 0) == (texts is SAMPLE_TEXTS)  # some of which are long


def test_a_batch_is_read_when_its_vectors_are_asked_for(bundled: StaticModel) -> None:
    read: list[int] = []

    def batches() -> Iterator[list[str]]:
        for number in count():
            read.append(number)
            yield ["one"]

    stream = encode_batches(bundled, batches())
    assert read == []
    for number, _ in enumerate(islice(stream, 5)):
        assert read == list(range(number + 1))


def test_a_wrong_batch_comes_after_the_vectors_of_those_before(bundled: StaticModel) -> None:
    for wrong, error, message in (
        (["b", 3], InputTypeError, "text 2 is int 3"),
        ("one", InputTypeError, "batch 1 is str 'one'; give lists of texts"),
        (["one"] * 4097, InputValueError, "batch 1 has 4097 texts; give at most 4096"),
    ):
        stream = encode_batches(bundled, [["a"], wrong])  # type: ignore[list-item]
        next(stream)
        with pytest.raises(error, match=message):
            next(stream)
