"""One model, many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sample_texts import SAMPLE_TEXTS, random_texts

from m2v_lite import StaticModel


def test_eight_threads_with_different_limits(bundled: StaticModel) -> None:
    texts = SAMPLE_TEXTS + random_texts(300, seed=4)
    limits = [1, 2, 3, 5, 8, 64, 512, None]
    expected = [bundled.encode(texts, max_length=limit) for limit in limits]
    ids = bundled.tokenize(texts)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            encoded = list(pool.map(lambda limit: bundled.encode(texts, max_length=limit), limits))
            for ours, alone in zip(encoded, expected, strict=True):
                np.testing.assert_array_equal(ours, alone)
        assert all(lists == ids for lists in pool.map(bundled.tokenize, [texts] * 8))


def test_texts_one_by_one_in_threads(bundled: StaticModel) -> None:
    expected = bundled.encode(SAMPLE_TEXTS)
    with ThreadPoolExecutor(8) as pool:
        vectors = list(pool.map(bundled.encode, SAMPLE_TEXTS * 8))
    for index, vector in enumerate(vectors):
        np.testing.assert_array_equal(vector, expected[index % len(expected)])
