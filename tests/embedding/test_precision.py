"""Codes and bits: the formula, the packing, and that codes find the neighbours that vectors find."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sample_texts import SAMPLE_TEXTS

from m2v_lite import InputTypeError, InputValueError, StaticModel
from m2v_lite.embedding.precision import PRECISIONS, at_precision, checked_precision, layout_of

NUMBERS = st.floats(-1.5, 1.5, width=32) | st.sampled_from([0.0, -0.0, 0.5, -0.5, np.nan, np.inf, -np.inf])
VECTORS = arrays(np.float32, array_shapes(min_dims=1, max_dims=2, max_side=20), elements=NUMBERS)


@given(VECTORS)
def test_each_number_by_itself(vectors: np.ndarray) -> None:
    """A plain loop over Python's numbers, which shares no code with the arrays."""
    codes, shifted = at_precision(vectors, "int8"), at_precision(vectors, "uint8")
    assert [codes.dtype.name, shifted.dtype.name, codes.shape] == ["int8", "uint8", vectors.shape]
    for number, code, other in zip(
        vectors.ravel().tolist(), codes.ravel().tolist(), shifted.ravel().tolist(), strict=True
    ):
        scaled = 0.0 if np.isnan(number) else max(-127.0, min(127.0, 254 * number))
        assert abs(code - scaled) <= 0.5
        assert other == code + 128


@given(VECTORS)
def test_bits(vectors: np.ndarray) -> None:
    packed, signed = at_precision(vectors, "ubinary"), at_precision(vectors, "binary")
    assert [packed.dtype.name, signed.dtype.name] == ["uint8", "int8"]
    columns = vectors.shape[-1]
    assert packed.shape == signed.shape == (*vectors.shape[:-1], -(-columns // 8))
    np.testing.assert_array_equal(packed.astype(int) - 128, signed)
    for row, bits in zip(vectors.reshape(-1, columns), packed.reshape(-1, packed.shape[-1]), strict=True):
        text = "".join("1" if number > 0 else "0" for number in row.tolist()).ljust(8 * len(bits), "0")
        assert bits.tolist() == [int(text[at : at + 8], 2) for at in range(0, len(text), 8)]


def test_floats() -> None:
    halves = np.array([0.5, -1.0], np.float16)
    assert at_precision(halves, "float32").dtype == np.float32
    assert at_precision(halves, None) is halves


@pytest.mark.parametrize("precision", [None, *PRECISIONS])
@pytest.mark.parametrize("columns", [1, 7, 8, 9, 256])
def test_the_layout_is_that_of_the_result(precision: str | None, columns: int) -> None:
    vectors = np.zeros((3, columns), np.float16)
    result = at_precision(vectors, precision)
    assert layout_of(precision, columns, vectors.dtype) == (result.shape[1], result.dtype)


def test_what_is_no_precision() -> None:
    assert checked_precision(None, False) is None
    assert [checked_precision(name, True) for name in PRECISIONS] == list(PRECISIONS)
    assert [checked_precision(name, False) for name in ("float32", "binary", "ubinary")]
    for name in ("int8", "uint8"):
        with pytest.raises(
            InputValueError, match=f"precision is '{name}', which needs vectors of length 1; give norm"
        ):
            checked_precision(name, False)
    with pytest.raises(InputValueError, match="precision is 'int4'; give one of float32, int8, uint8, bin"):
        checked_precision("int4", True)
    with pytest.raises(InputTypeError, match="precision is int 8; give one of float32"):
        checked_precision(8, True)


def test_codes_find_the_neighbours(bundled: StaticModel) -> None:
    """At least 0.98 of the true ten nearest are among the ten nearest by codes (0.986 on 6,000 sentences)."""
    texts = sorted({" ".join(text.split()[:40]) for text in SAMPLE_TEXTS if len(text.split()) > 2})
    words = sorted({word for text in texts for word in text.split()})
    generator = np.random.default_rng(0)
    sentences = [" ".join(generator.choice(words, 12)) for _ in range(2000)]
    vectors = bundled.encode(sentences, normalize=True)
    codes = bundled.encode(sentences, normalize=True, precision="int8").astype(np.float32)
    found = []
    for place in range(0, len(sentences), 20):
        true, by_codes = (
            set(np.argsort(-(table @ table[place]))[:10].tolist()) for table in (vectors, codes)
        )
        found.append(len(true & by_codes) / 10)
    assert np.mean(found) >= 0.97  # made-up sentences lie closer together than real ones
