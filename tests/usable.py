"""What must hold of a damaged model that is accepted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from m2v_lite import StaticModel


def assert_usable(model: StaticModel, texts: Sequence[str]) -> None:
    """Assert that every text has ids of the vocabulary and a vector of numbers, alone and among others.

    A changed number may lead to another token, and to one token alone and another among others. It leads
    nowhere else, and always to the same place.
    """
    number_of_tokens = model._tokenizer.highest_id + 1
    for ids in [*model.tokenize(texts), *(model.tokenize([text])[0] for text in texts[:20])]:
        assert all(0 <= token_id < number_of_tokens for token_id in ids)
    vectors = model.encode(texts)
    assert vectors.shape == (len(texts), model.dim)
    assert np.isfinite(vectors).all()
    np.testing.assert_array_equal(model.encode(texts), vectors)
    alone = np.array([model.encode(text) for text in texts[:20]])
    assert np.isfinite(alone).all()
    if model.normalize:
        for lengths in (np.linalg.norm(vectors, axis=1), np.linalg.norm(alone, axis=1)):
            assert (np.isclose(lengths, 1, atol=1e-3) | (lengths == 0)).all()
