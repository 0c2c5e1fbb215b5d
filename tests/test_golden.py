"""Bit for bit what model2vec 0.10.0 answers, from files in the repository."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reference import GOLDEN, assert_agrees
from sample_texts import SAMPLE_TEXTS
from tiny_models import TINY_MODELS

from m2v_lite import StaticModel


@pytest.mark.parametrize("name", TINY_MODELS)
def test_tiny_model(name: str, tiny: Callable[[str], Path]) -> None:
    answers = np.load(GOLDEN / f"{name}.npz")
    model = StaticModel.from_pretrained(tiny(name))
    assert str(answers["model2vec"]) == "0.10.0"
    assert_agrees(model, SAMPLE_TEXTS, answers)
    assert model.tokens[:50] == tuple(json.loads(str(answers["tokens"])))


def test_bundled_model(bundled: StaticModel) -> None:
    assert_agrees(bundled, SAMPLE_TEXTS, np.load(GOLDEN / "potion-base-8M-int8.npz"))


def test_every_golden_file_is_compared() -> None:
    names = {path.stem for path in GOLDEN.glob("*.npz")}
    assert names == {*TINY_MODELS, "potion-base-8M-int8"}


def test_texts_one_by_one_are_the_batch(bundled: StaticModel) -> None:
    together = bundled.encode(SAMPLE_TEXTS)
    for text, vector in zip(SAMPLE_TEXTS, together, strict=True):
        np.testing.assert_array_equal(bundled.encode(text), vector)


@pytest.mark.parametrize("batch_size", [1, 2, 7, 1024])
def test_the_batch_size_changes_nothing(batch_size: int, bundled: StaticModel) -> None:
    vectors = bundled.encode(SAMPLE_TEXTS, batch_size=batch_size)
    np.testing.assert_array_equal(vectors, bundled.encode(SAMPLE_TEXTS))
