"""The texts of numbers read back, and are as short as can be."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hypothesis_numpy
from numpy.typing import NDArray
from sample_texts import SAMPLE_TEXTS, random_texts

from m2v_lite import StaticModel
from m2v_lite.errors import InputTypeError, InputValueError
from m2v_lite.records.writing import shortest_numbers as module
from m2v_lite.records.writing.shortest_numbers import json_rows

FLOATS = [np.float16, np.float32, np.float64]
DTYPES = [*FLOATS, np.int8, np.uint8]


def texts_of(numbers: NDArray[Any]) -> list[str]:
    """Return the texts of a row of numbers."""
    (row,) = json_rows(numbers[np.newaxis])
    return row.decode()[1:-1].split(",")


def of_bits(bits: Iterable[int] | NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(bits, np.uint32).view(np.float32)


def digits_of(text: str) -> str:
    """Return the significant digits of a text."""
    return text.lstrip("-").partition("e")[0].replace(".", "").strip("0")


def assert_shortest(numbers: NDArray[Any]) -> None:
    """Check the texts of a row of numbers against what json reads and numpy writes."""
    bits, places = f"u{numbers.dtype.itemsize}", np.isfinite(numbers)
    texts = texts_of(numbers)
    read = json.loads(f"[{','.join(texts)}]")
    assert [number is not None for number in read] == places.tolist()
    assert {type(number) for number in read} <= {float, type(None)}
    finite = numbers[places]
    back = np.array([number for number in read if number is not None], np.float64).astype(numbers.dtype)
    np.testing.assert_array_equal(back.view(bits), finite.view(bits))
    for text, number in zip((text for text in texts if text != "null"), finite, strict=True):
        expected = np.format_float_scientific(number, trim="-")
        if digits_of(text) == digits_of(expected):
            continue
        assert len(digits_of(text)) == len(digits_of(expected)), (text, expected)
        exact = Decimal(float(number))
        assert abs(Decimal(text) - exact) <= abs(Decimal(expected) - exact), (text, expected)


def neighbours(numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return numbers, and for each the three before and the three behind it, of both signs."""
    bits = (numbers.view(np.int32)[:, np.newaxis] + np.arange(-3, 4)).clip(0).ravel()
    return of_bits(np.concatenate([bits, bits + 2**31]))


def test_the_texts_look_as_those_of_python() -> None:
    numbers = np.array([0.1, -0.25, 0, -0.0, 1, -7.5, 8, 12.375, 1e-4, 1e5, 1e-15, 1e30], np.float32)
    expected = "0.1 -0.25 0.0 -0.0 1.0 -7.5 8.0 12.375 0.0001 100000.0 1e-15 1e+30"
    assert texts_of(numbers) == expected.split()


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1))
@settings(max_examples=300)
def test_any_float32_has_its_shortest_text(bits: list[int]) -> None:
    assert_shortest(of_bits(bits))


@given(hypothesis_numpy.arrays(np.float32, 20, elements=st.floats(-8, 8, width=32)))
@settings(max_examples=300)
def test_numbers_as_models_give_them_have_their_shortest_text(numbers: NDArray[np.float32]) -> None:
    assert_shortest(numbers)


@given(hypothesis_numpy.arrays(np.float64, 20))
def test_any_float64_has_its_shortest_text(numbers: NDArray[np.float64]) -> None:
    assert_shortest(numbers)


def test_every_float16_has_its_shortest_text() -> None:
    assert_shortest(np.arange(2**16, dtype=np.uint16).view(np.float16))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_every_small_whole_number_is_written_as_python_does(dtype: type) -> None:
    numbers: NDArray[Any] = np.arange(256, dtype=np.uint8).view(dtype)
    assert texts_of(numbers) == list(map(str, numbers.tolist()))


def test_powers_and_their_neighbours_have_their_shortest_text() -> None:
    # Below a power of two the numbers are twice as dense.
    two = np.ldexp(1.0, np.arange(-149, 128)).astype(np.float32)
    ten = np.array([float(f"{digit}e{exponent}") for exponent in range(-45, 38) for digit in range(1, 10)])
    assert_shortest(neighbours(two))
    assert_shortest(neighbours(ten.astype(np.float32)))


def test_numbers_of_few_digits_are_written_with_these() -> None:
    random = np.random.default_rng(0)
    for decimals in range(1, 13):
        numbers = random.integers(-(10**5), 10**5, 2000) / 10.0**decimals
        texts = texts_of(numbers.astype(np.float32))
        assert [Decimal(text) for text in texts] == [Decimal(f"{number:.{decimals}f}") for number in numbers]


@pytest.mark.parametrize(
    "bits", [[0, 2**31], [0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 0x7F800001], range(1, 3000)],
    ids=["zeros", "infinities and NaN", "denormal"],
)  # fmt: skip
def test_odd_float32_numbers_have_their_shortest_text(bits: Iterable[int]) -> None:
    assert_shortest(of_bits(list(bits)))


def test_a_million_numbers_of_all_kinds_read_back() -> None:
    """Half have any bits, half are of the size of normalized vectors."""
    random = np.random.default_rng(0)
    numbers = of_bits(random.integers(0, 2**32, 2**19, np.uint32))
    numbers = np.concatenate([numbers, random.normal(0, 1 / 16, 2**19).astype(np.float32)])
    finite, texts = np.isfinite(numbers), texts_of(numbers)
    assert {text for text, ordinary in zip(texts, finite, strict=True) if not ordinary} == {"null"}
    read = np.array([math.nan if text == "null" else float(text) for text in texts]).astype(np.float32)
    np.testing.assert_array_equal(read[finite].view(np.uint32), numbers[finite].view(np.uint32))
    assert_shortest(numbers[::100])


def test_the_vectors_of_a_model_have_their_shortest_texts(bundled: StaticModel) -> None:
    texts = [*SAMPLE_TEXTS, *random_texts(20, 0)]
    for normalize in (True, False):
        vectors = bundled.encode(texts, normalize=normalize)
        assert_shortest(vectors.ravel())
        read = [json.loads(row) for row in json_rows(vectors)]
        np.testing.assert_array_equal(np.array(read).astype(np.float32), vectors)


def test_common_numbers_are_written_by_numpy_and_not_one_by_one(
    bundled: StaticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_shortest", None)
    texts = ["the cat sat on the mat", ""]
    assert (
        len(list(json_rows(np.concatenate([bundled.encode(texts), bundled.encode(texts, normalize=False)]))))
        == 4
    )
    random = np.random.default_rng(0)
    least, end = np.array([2**-16, 2**13], np.float32).view(np.uint32)
    numbers = of_bits(random.integers(least, end, 10**5, np.uint32))
    assert len(texts_of(numbers)) == 10**5


def test_a_text_that_is_rounded_twice_still_reads_back() -> None:
    """This number's shortest text reads back as the next number if it is read as float64 in between."""
    (number,) = numbers = of_bits([0x15AE43FD])
    assert np.float32(float(np.format_float_scientific(number))) != number
    assert [np.float32(float(text)) for text in texts_of(numbers)] == [number]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (3, 0), (1, 1), (5, 1), (2, 9000), (9000, 2), (33, 256)])
def test_each_row_is_an_array_of_its_numbers(dtype: type, shape: tuple[int, int]) -> None:
    vectors: NDArray[Any] = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    if dtype in FLOATS:
        vectors /= dtype(4)
    rows = [json.loads(row) for row in json_rows(vectors)]
    assert rows == vectors.astype(float).tolist() or rows == vectors.tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_strides_and_byte_order_make_no_difference(dtype: type) -> None:
    codes = np.random.default_rng(0).integers(-100, 100, (40, 30), np.int8)
    vectors: NDArray[Any] = codes.astype(dtype)
    for changed in (
        vectors.T,
        vectors[::-1, ::3],
        np.asfortranarray(vectors),
        vectors.astype(vectors.dtype.newbyteorder(">")),
        np.broadcast_to(vectors[0], (3, 30)),
    ):
        expected = list(json_rows(np.array(changed, dtype, order="C")))
        assert list(json_rows(changed)) == expected
    vectors.flags.writeable = False
    assert len(list(json_rows(vectors))) == 40


def test_the_vectors_stay_as_they_are() -> None:
    vectors = of_bits(np.random.default_rng(0).integers(0, 2**32, (9, 99), np.uint32))
    before = vectors.tobytes()
    list(json_rows(vectors))
    assert vectors.tobytes() == before


def test_rows_come_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    cells = module._float32_cells

    def counted(numbers: NDArray[np.float32]) -> NDArray[np.bytes_]:
        sizes.append(len(numbers))
        return cells(numbers)

    monkeypatch.setattr(module, "_float32_cells", counted)
    rows = json_rows(np.zeros((100, 1000), np.float32))
    next(rows)
    assert sizes == [8000]
    assert len(list(rows)) == 99
    assert max(sizes) == 8000


@pytest.mark.parametrize("dtype", [bool, np.int16, np.int64, np.complex64, object, "S4", np.longdouble])
def test_other_dtypes_are_refused(dtype: Any) -> None:
    with pytest.raises(InputTypeError, match="turn them into one of float32, float16, float64, int8, uint8"):
        json_rows(np.zeros((1, 1), dtype))


@pytest.mark.parametrize("shape", [(), (3,), (1, 2, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputValueError, match=r"give an array of \(rows, dim\)"):
        json_rows(np.zeros(shape, np.float32))
