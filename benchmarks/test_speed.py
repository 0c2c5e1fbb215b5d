"""How long tokenization, pooling and encoding take. Each run checks its result before it is timed.

    make bench

These figures are absolute, so they compare only with others of the same machine and hour.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from prose import texts_of

from m2v_lite import StaticModel, pooling
from m2v_lite.tokenization import TextTokenizer

# characters in a text, texts in a call
SIZES = [(85, 1), (85, 64), (85, 1024), (1500, 1), (1500, 256)]


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


@pytest.fixture(scope="module")
def tokenizer(model: StaticModel) -> TextTokenizer:
    return model._tokenizer


@pytest.mark.parametrize(("characters", "number"), SIZES)
def test_tokenize(benchmark: Any, tokenizer: TextTokenizer, characters: int, number: int) -> None:
    texts = texts_of(characters, number)
    ids, bounds = benchmark(tokenizer.token_ids, texts, 512)
    one_by_one = [tokenizer.token_ids([text], 512)[0] for text in texts]
    np.testing.assert_array_equal(ids, np.concatenate(one_by_one))
    assert len(bounds) == number + 1


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize(("characters", "number"), SIZES)
def test_pool(benchmark: Any, model: StaticModel, characters: int, number: int, dtype: str) -> None:
    table = np.array(model.embedding, dtype)
    ids, bounds = model._tokenizer.token_ids(texts_of(characters, number), 512)
    vectors = np.empty((number, model.dim), np.float32)
    benchmark(pooling.mean_rows, table, ids, bounds, vectors)
    for text in range(number):
        expected = table[ids[bounds[text] : bounds[text + 1]]].mean(axis=0).astype(np.float32)
        np.testing.assert_array_equal(vectors[text], expected)


@pytest.mark.parametrize(("characters", "number"), SIZES)
def test_encode(benchmark: Any, model: StaticModel, characters: int, number: int) -> None:
    texts = texts_of(characters, number)
    vectors = benchmark(model.encode, texts)
    np.testing.assert_array_equal(vectors, np.stack([model.encode(text) for text in texts]))
