"""Converts decimal numbers to floats as `tokenizers` does when it reads a `tokenizer.json`.

The JSON parser of `tokenizers` (https://docs.rs/serde_json, without the feature `float_roundtrip`) rounds
twice: it rounds the digits to a float, and then multiplies or divides by a power of ten. So one in eight
scores with 17 digits is one bit away from the nearest float. When two scores are nearly equal, that bit
decides.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DECIMAL = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
HIGHEST = (1 << 64) - 1
MOST_POWER = 308
POWERS = [float(f"1e{power}") for power in range(MOST_POWER + 1)]
# So many digits fit into 64 bits.
SAFE_DIGITS = 19
# How many numbers are read at once.
AT_ONCE = 1 << 12


def decimal(text: str) -> float:
    """Return the value of a JSON number.

    Raises:
        ValueError: it is no JSON number, or too large.

    Examples:
        >>> decimal("-15.275492379532281"), float("-15.275492379532281")
        (-15.27549237953228, -15.275492379532281)
    """
    match = DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r:.60} is not a JSON number")
    sign, whole, fraction, exponent = match.groups()
    digits, power, is_full = 0, int(exponent or 0), False
    for digit in map(int, whole):
        is_full = is_full or digits * 10 + digit > HIGHEST
        if is_full:
            power += 1
        else:
            digits = digits * 10 + digit
    for digit in map(int, fraction or ""):
        if digits * 10 + digit > HIGHEST:
            break
        digits, power = digits * 10 + digit, power - 1
    value = float(digits)
    while value and abs(power) > MOST_POWER:
        if power > 0:
            raise ValueError(f"{text!r:.60} is too large")
        value, power = value / POWERS[MOST_POWER], power + MOST_POWER
    if value:
        value = value * POWERS[power] if power >= 0 else value / POWERS[-power]
    if value == float("inf"):
        raise ValueError(f"{text!r:.60} is too large")
    return -value if sign else value


def decimals(units: NDArray[np.uint8], starts: NDArray[Any], lengths: NDArray[Any]) -> NDArray[np.float64]:
    """Return the values of many JSON numbers; see `decimal`.

    Args:
        units: bytes that hold the numbers.
        starts, lengths: (numbers,) where each begins, and how many bytes it has.

    Raises:
        ValueError: one is no JSON number, or too large.
    """
    values = np.empty(len(starts))
    for first in range(0, len(starts), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        values[some] = _decimals(units, starts[some], lengths[some])
    return values


def _decimals(units: NDArray[np.uint8], starts: NDArray[Any], lengths: NDArray[Any]) -> NDArray[np.float64]:
    digits = np.zeros(len(starts), np.uint64)
    number_of_digits, before_point, points = (np.zeros(len(starts), np.intp) for _ in range(3))
    is_negative = units.take(starts) == ord("-")
    for place in range(int(min(lengths.max(), SAFE_DIGITS + 2))):
        byte = units.take(starts + place, mode="clip")
        inside = place < lengths
        value = byte - np.uint8(ord("0"))
        is_digit = inside & (value < 10)
        digits = np.where(is_digit, digits * np.uint64(10) + value, digits)
        is_point = inside & (byte == ord("."))
        before_point[is_point] = number_of_digits[is_point]
        points += is_point
        number_of_digits += is_digit
    before_point[points == 0] = number_of_digits[points == 0]
    after_point = number_of_digits - before_point
    first = units.take(starts + is_negative, mode="clip")
    is_plain = (
        (is_negative + number_of_digits + points == lengths)  # no exponent
        & (number_of_digits <= SAFE_DIGITS)
        & (before_point > 0)
        & (points <= 1)
        & ((points == 0) | (after_point > 0))
        & ((first != ord("0")) | (before_point == 1))
    )
    values: NDArray[np.float64] = digits.astype(np.float64) / np.array(POWERS[: SAFE_DIGITS + 3]).take(
        after_point
    )
    np.negative(values, where=is_negative, out=values)
    for place in np.flatnonzero(~is_plain).tolist():
        start = int(starts[place])
        values[place] = decimal(units[start : start + int(lengths[place])].tobytes().decode("ascii"))
    return values
