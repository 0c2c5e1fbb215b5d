"""Writes rows of numbers as JSON arrays with the shortest text that reads back as each number.

Python writes such texts one by one. Here numpy writes most float32 numbers together. The digits of a number
are an integer: the number times a power of ten, rounded to the nearest hundred, ten or one. The coarsest step
that still reads back as the number is used. The text of each number fills a cell of 16 bytes. Zero bytes in
it are padding and are removed at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.errors import InputTypeError, InputValueError

CELL = 16  # bytes: a comma, and a text such as -1.17549435e-38
# Numbers in a block, unless one row has more. It and the arrays made from it stay in a processor's cache.
BLOCK = 8192
# Numbers below this are written together by numpy, those below WIDE with the most digits behind the point.
LARGE = 8192.0
WIDE = 8.0


def json_rows(vectors: NDArray[Any]) -> Iterator[bytes]:
    """Yield a JSON array for each row.

    A number has the fewest digits that read back as the same number: read as float64, then turned into the
    dtype of the vectors. Of the texts with so few digits it is the nearest. Floats are written as such, 1 as
    `1.0`, so that readers that guess a column's type from its first number guess right. The sign of -0.0
    stays. NaN and the infinities, which JSON lacks, become `null`.

    Beside the vectors, this takes some 150 bytes for each of the 8192 numbers of a block, or of a row if that
    is longer. The first float16 rows make a table of 1 MiB, which stays.

    Args:
        vectors: (rows, dim), of float32, float16, float64, int8 or uint8, in any byte order and strides.

    Raises:
        InputTypeError: the dtype is another.
        InputValueError: the array has not two dimensions.

    Examples:
        >>> import numpy as np
        >>> list(json_rows(np.array([[0.1, -2.5e-05], [1, np.nan]], np.float32)))
        [b'[0.1,-0.000025]', b'[1.0,null]']
    """
    if vectors.ndim != 2:
        raise InputValueError(f"the vectors have shape {list(vectors.shape)}; give an array of (rows, dim)")
    dtype = vectors.dtype.newbyteorder("=")
    if dtype not in _WRITERS:
        names = ", ".join(map(str, _WRITERS))
        raise InputTypeError(f"the vectors have dtype {vectors.dtype}; turn them into one of {names}")
    return _rows(vectors, dtype)


def _rows(vectors: NDArray[Any], dtype: np.dtype[Any]) -> Iterator[bytes]:
    count, dim = vectors.shape
    rows = max(1, BLOCK // max(1, dim))
    for start in range(0, count, rows):
        yield from _WRITERS[dtype](np.ascontiguousarray(vectors[start : start + rows], dtype))


def _joined(cells: NDArray[np.bytes_]) -> list[bytes]:
    """Return the rows of cells (rows, dim), each a comma and a text, as JSON arrays."""
    count, dim = cells.shape
    if dim == 0:
        return [b"[]"] * count
    rows = np.empty((count, dim + 1), cells.dtype)
    rows[:, :dim], rows[:, dim] = cells, b"]\n"
    rows.view(np.uint8)[:, 0] = ord("[")  # instead of the first comma
    return rows.tobytes().translate(None, b"\0").splitlines()


def _float32_rows(vectors: NDArray[np.float32]) -> list[bytes]:
    return _joined(_float32_cells(vectors.ravel()).reshape(vectors.shape))


def _float64_rows(vectors: NDArray[np.float64]) -> list[bytes]:
    return [f"[{','.join(map(_float64_text, row))}]".encode() for row in vectors.tolist()]


def _rows_by_table(vectors: NDArray[Any]) -> list[bytes]:
    """Return the rows of numbers of one or two bytes, whose texts are looked up."""
    codes = vectors.view(f"u{vectors.dtype.itemsize}")
    return _joined(_all_cells(vectors.dtype).take(codes))


_WRITERS: dict[np.dtype[Any], Callable[[NDArray[Any]], list[bytes]]] = {
    np.dtype(np.float32): _float32_rows,
    np.dtype(np.float16): _rows_by_table,
    np.dtype(np.float64): _float64_rows,
    np.dtype(np.int8): _rows_by_table,
    np.dtype(np.uint8): _rows_by_table,
}


def _float32_cells(numbers: NDArray[np.float32]) -> NDArray[np.bytes_]:
    """Return the cells (count,) of numbers (count,)."""
    negative = (numbers.view(np.uint32) >> 31).astype(np.intp)
    sizes = np.abs(numbers)
    sizes[~(sizes < LARGE)] = 0  # also NaN
    digits, scale = _digits(sizes)
    odd = np.flatnonzero((digits / scale).astype(np.float32) != np.abs(numbers))
    wide = np.flatnonzero(sizes >= WIDE)
    wide_units = digits[wide] * (1e7 / scale[wide])
    digits[wide] = 0
    cells = _cells(digits * (1e12 / scale), negative)
    cells[wide] = _wide_cells(wide_units, negative[wide])
    cells[odd] = _one_by_one(numbers[odd])
    return cells


def _digits(sizes: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return whole numbers and powers of ten, whose quotients are the shortest decimals that read back.

    Not all do: the caller divides and compares.

    What is compared here is exact in float64: a float32 number, or the middle between two, has 25 bits, and
    10**12 is 5**12, of 28 bits, times a power of two. Unless a number is very small, it is scaled to between
    10**7 and 2 * 10**8, where the step to the next float32 number is from 1.19 to 11.9. So there is a whole
    number that reads back, and at most one multiple of a hundred, which ends in zeros if fewer digits do.
    """
    binades = (sizes.view(np.uint32) >> 23).astype(np.intp)
    scale, most = _SCALE.take(binades), _HALF_STEP.take(binades)
    scaled = sizes * scale
    digits = np.rint(scaled)
    for step in (10.0, 100.0):
        rounded = np.rint(scaled * (1 / step)) * step
        digits = np.where(np.abs(rounded - scaled) < most, rounded, digits)
    return digits, scale


def _cells(units: NDArray[np.float64], negative: NDArray[Any]) -> NDArray[np.bytes_]:
    """Return the cells of numbers below 10, given in units of 10**-12."""
    whole, units = _divided(units, 1e12)
    first, units = _divided(units, 1e8)
    rest = units.astype(np.intp)
    second = rest // 10_000
    third = rest - second * 10_000
    return _packed(
        _STARTS.take(whole.astype(np.intp) + 10 * negative),
        _FIRST_FOUR.take(first.astype(np.intp) + 10_000 * (rest == 0)),
        _NEXT_FOUR.take(second + 10_000 * (third == 0)),
        _NEXT_FOUR.take(third + 10_000),
    )


def _wide_cells(units: NDArray[np.float64], negative: NDArray[Any]) -> NDArray[np.bytes_]:
    """Return the cells of numbers from 1 to below 10,000, given in units of 10**-7."""
    whole, units = _divided(units, 1e7)
    first, units = _divided(units, 1e4)
    return _packed(
        _SIGNS.take(negative),
        _WHOLES.take(whole.astype(np.intp)),
        _POINT_AND_THREE.take(first.astype(np.intp) + 1000 * (units == 0)),
        _NEXT_FOUR.take(units.astype(np.intp) + 10_000),
    )


def _divided(numbers: NDArray[np.float64], by: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the quotients and remainders of whole numbers below 10**13."""
    quotients = np.floor(numbers / by)
    return quotients, numbers - quotients * by


def _packed(*fours: NDArray[np.uint32]) -> NDArray[np.bytes_]:
    """Return cells, given their parts, four bytes each."""
    cells = np.empty((len(fours[0]), CELL // 4), np.uint32)
    for place, four in enumerate(fours):
        cells[:, place] = four
    return cells.view(f"S{CELL}")[:, 0]


def _one_by_one(numbers: NDArray[Any]) -> NDArray[np.bytes_]:
    return np.array([f",{_shortest(number)}" for number in numbers], f"S{CELL}")


def _shortest(number: np.floating[Any] | np.integer[Any]) -> str:
    """Return the shortest text of a number of at most four bytes."""
    if isinstance(number, np.integer):
        return str(number)
    value = float(number)
    if not isfinite(value):
        return "null"
    # Without an exponent, as some versions of numpy write it, a large number does not fit in a cell.
    text = str(number) if abs(value) < 1e8 else np.format_float_scientific(number, trim="-")
    # numpy's text reads back if it is not rounded to float64 in between. Nine digits always do.
    return text if type(number)(float(text)) == number else f"{value:.9g}"


@lru_cache(maxsize=3)
def _all_cells(dtype: np.dtype[Any]) -> NDArray[np.bytes_]:
    """Return the cells of all numbers of a dtype of one or two bytes, in the order of their codes."""
    return _one_by_one(np.arange(256**dtype.itemsize, dtype=f"u{dtype.itemsize}").view(dtype))


def _float64_text(number: float) -> str:
    return repr(number) if isfinite(number) else "null"


def _fours(*texts: str) -> NDArray[np.uint32]:
    """Return texts of at most four letters as one number each, which numpy looks up faster."""
    return np.array(texts, "S4").view(np.uint32)


def _as_fours(*parts: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return tables of bytes (rows, 4), one after the other, as one number for each row."""
    return np.concatenate(parts).view(np.uint32)[:, 0]


def _with_point(table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the first thousand rows of a table of digits, with a point in the place of the first zero."""
    pointed = table[:1000].copy()
    pointed[:, 0] = ord(".")
    return pointed


# The digits of the numbers below 10,000, as bytes: all four; without zeros at the end; the same, but "0" for
# zero; and without zeros at the start.
_FOUR = (np.arange(10_000)[:, None] // np.array([1000, 100, 10, 1]) % 10 + ord("0")).astype(np.uint8)
_ENDED = _FOUR * ~np.logical_and.accumulate(_FOUR[:, ::-1] == ord("0"), axis=1)[:, ::-1]
_ENDED_OR_ZERO = _ENDED.copy()
_ENDED_OR_ZERO[0] = 0, ord("0"), 0, 0
_BEGUN = _FOUR * ~np.logical_and.accumulate(ord("0") == _FOUR, axis=1)
_BEGUN[0, 3] = ord("0")

# The parts of cells. In the first half of a table of digits, more digits follow; in the other half, none, and
# zeros at the end are left out, except the one behind the point.
_SIGNS = _fours(",", ",-")
_STARTS = _fours(*(f",{sign}{digit}." for sign in "\0-" for digit in range(10)))
_WHOLES = _as_fours(_BEGUN)
_NEXT_FOUR = _as_fours(_FOUR, _ENDED)
_FIRST_FOUR = _as_fours(_FOUR, _ENDED_OR_ZERO)
_POINT_AND_THREE = _as_fours(_with_point(_FOUR), _with_point(_ENDED_OR_ZERO))

# For each binade, the exponent bits of a float32 number: the power of ten that makes 10**7 or more of the
# numbers from 2**(binade - 127) up, but no more than 10**12, as many digits as fit in a cell; and half of the
# step to the next number, in the same unit.
_BINADES = np.arange(127 + int(np.log2(LARGE)))
_SCALE = 10.0 ** np.minimum(7 - np.floor(np.log10(2.0 ** (_BINADES - 127))), 12)
_HALF_STEP = 2.0 ** (_BINADES - 127 - 24) * _SCALE
