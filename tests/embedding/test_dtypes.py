"""The dtypes of sums and vectors."""

from __future__ import annotations

import numpy as np
import pytest

from m2v_lite.embedding.dtypes import sum_dtype


@pytest.mark.parametrize(
    ("longest", "dtype"),
    [
        (0, "int16"),
        (1, "int16"),
        (256, "int16"),
        (257, "int32"),
        (1 << 24, "int32"),
        ((1 << 24) + 1, "int64"),
    ],
)
def test_sums_of_int8_are_as_narrow_as_they_can_be(longest: int, dtype: str) -> None:
    assert sum_dtype(np.dtype(np.int8), longest) == dtype
    lowest = longest * -128
    assert np.iinfo(dtype).min <= lowest


@pytest.mark.parametrize(
    ("rows", "dtype"), [("float16", "float32"), ("float32", "float32"), ("float64", "float64")]
)
def test_sums_of_floats_are_those_of_numpy(rows: str, dtype: str) -> None:
    assert sum_dtype(np.dtype(rows), 1000) == dtype
