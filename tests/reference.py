"""Comparing a model with what model2vec answered; see golden/make_golden.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite import StaticModel

GOLDEN = Path(__file__).parent / "golden"


def assert_same(ours: NDArray[Any], reference: NDArray[Any]) -> None:
    """Assert the same dtype, shape and bits."""
    assert ours.dtype == reference.dtype
    assert ours.shape == reference.shape
    np.testing.assert_array_equal(ours, reference)


def assert_vectors_agree(model: StaticModel, texts: list[str], answers: Any) -> None:
    assert_same(model.encode(texts), answers["vectors"])
    assert_same(model.encode(texts, normalize=False), answers["vectors_raw"])
    assert_same(model.encode(texts, max_length=8), answers["vectors_max8"])


def assert_ids_agree(model: StaticModel, texts: list[str], answers: Any) -> None:
    lists = model.tokenize(texts)
    assert [len(ids) for ids in lists] == np.diff(answers["bounds"]).tolist()
    assert [token_id for ids in lists for token_id in ids] == answers["ids"].tolist()


def assert_agrees(model: StaticModel, texts: list[str], answers: Any) -> None:
    """Assert that all answers of make_golden.py are the model's own."""
    assert_vectors_agree(model, texts, answers)
    assert_ids_agree(model, texts, answers)
    assert_same(model.encode(texts, max_length=None), answers["vectors_no_limit"])
    assert_same(model.encode(texts[4]), answers["single"])
    rows = model.encode_as_sequence(texts)
    assert [len(part) for part in rows] == answers["row_counts"].tolist()
    assert_same(np.concatenate([part for part in rows if len(part)][:20]), answers["rows"])
    assert_same(np.concatenate(model.encode_as_sequence(texts, max_length=5)), answers["rows_cut"])
    assert model.unk_token_id == (None if answers["unk_token_id"] < 0 else answers["unk_token_id"])
    assert model.median_token_length == answers["median_token_length"]
