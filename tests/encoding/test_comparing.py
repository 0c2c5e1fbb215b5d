"""`similarity` and its like: the functions of sentence-transformers, against plain loops."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from m2v_lite import InputTypeError, InputValueError, StaticModel
from m2v_lite.encoding.comparing import FUNCTIONS, compared


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    lengths = math.hypot(*a) * math.hypot(*b)
    return dot(a, b) / lengths if lengths else 0.0


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


PLAIN: dict[str, Callable[[Sequence[float], Sequence[float]], float]] = {
    "cosine": cosine,
    "dot": dot,
    "euclidean": lambda a, b: -math.dist(a, b),
    "manhattan": lambda a, b: -sum(abs(x - y) for x, y in zip(a, b, strict=True)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int8])
def test_against_plain_loops(name: str, dtype: Any) -> None:
    generator = np.random.default_rng(0)
    a, b = ((generator.normal(size=(rows, 6)) * 3).astype(dtype) for rows in (4, 3))
    a[1] = 0
    config = {"similarity_fn_name": name}
    of_all = compared(config, a, b, is_pairwise=False)
    expected = [[PLAIN[name](row.tolist(), column.tolist()) for column in b] for row in a]
    np.testing.assert_allclose(of_all, expected, rtol=1e-5, atol=1e-5)
    assert of_all.dtype == (np.float64 if dtype is np.float64 else np.float32)
    pairs = compared(config, a[:3], b, is_pairwise=True)
    np.testing.assert_allclose(pairs, np.diag(of_all), rtol=1e-5, atol=1e-5)
    assert compared(config, a[0], b.tolist(), is_pairwise=False).shape == (1, 3)
    assert compared(config, a[:0], b, is_pairwise=False).shape == (0, 3)


def test_of_a_model(bundled: StaticModel) -> None:
    vectors = bundled.encode(["tea", "a pot of tea", "a train"])
    found = bundled.similarity(vectors, vectors)
    np.testing.assert_allclose(np.diag(found), 1, rtol=1e-6)
    np.testing.assert_allclose(found, vectors @ vectors.T, atol=1e-6)
    np.testing.assert_allclose(
        bundled.similarity_pairwise(vectors[:2], vectors[1:]), np.diag(found, 1), atol=1e-6
    )
    assert bundled.get_embedding_dimension() == bundled.get_sentence_embedding_dimension() == 256
    bundled.config["similarity_fn_name"] = "manhattan"
    try:
        assert (bundled.similarity(vectors[0], vectors[1:]) < 0).all()
    finally:
        del bundled.config["similarity_fn_name"]


def test_what_cannot_be_compared(bundled: StaticModel) -> None:
    two, wide = np.ones((2, 4)), np.ones((2, 5))
    with pytest.raises(
        InputValueError, match="embeddings1 has 4 columns, but embeddings2 has 5; compare vectors of"
    ):
        bundled.similarity(two, wide)
    with pytest.raises(
        InputValueError, match="embeddings1 has 2 vectors, but embeddings2 has 1; give pairs, or use"
    ):
        bundled.similarity_pairwise(two, two[:1])
    for odd in (np.ones((2, 2, 2)), np.ones(4, bool), 3.0):
        with pytest.raises(
            InputValueError, match=r"embeddings2 has the shape .*; give a vector, or an array of v"
        ):
            bundled.similarity(two, odd)
    for texts in ("tea", ["a", "b"], [b"tea"]):
        with pytest.raises(
            InputTypeError, match=r"embeddings2 holds texts; encode them first, with model\.enc"
        ):
            bundled.similarity(two, texts)
    with pytest.raises(
        InputValueError, match="similarity_fn_name in the model's config is str 'hamming'; set it"
    ):
        compared({"similarity_fn_name": "hamming"}, two, two, is_pairwise=False)
