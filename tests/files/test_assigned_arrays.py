"""Arrays that are assigned to a loaded model: what model2vec's callers do."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from m2v_lite import InputTypeError, InvalidModelError, StaticModel

TEXTS = ["the cat sat on the mat", "a dog", "", "the the the"]


@pytest.fixture
def model(tiny: Callable[[str], Path]) -> StaticModel:
    return StaticModel.from_pretrained(tiny("wordpiece-float32"), normalize=False)


def test_a_new_table_counts_from_then_on(model: StaticModel) -> None:
    before, single = model.encode(TEXTS), model.encode(TEXTS[0])
    model.embedding = np.asarray(model.embedding) * 2
    np.testing.assert_array_equal(model.encode(TEXTS), before * 2)
    np.testing.assert_array_equal(model.encode(TEXTS[0]), single * 2)
    np.testing.assert_array_equal(model.encode_as_sequence(TEXTS[0]).mean(axis=0), single * 2)
    model.embedding[:] = 1
    assert (model.encode(TEXTS[0]) == 1).all()


def test_columns_and_dtype_may_change(model: StaticModel) -> None:
    model.encode(TEXTS, truncate_dim=1)
    model.embedding = np.asarray(model.embedding)[:, :3].astype(np.float64)
    assert model.dim == 3
    assert model.embedding_dtype == "float64"
    assert model.encode(TEXTS).shape == (len(TEXTS), 3)
    assert model.encode(TEXTS).dtype == np.float64
    assert model.encode(TEXTS, truncate_dim=1).dtype == np.float64


def test_weights_and_a_mapping(model: StaticModel) -> None:
    rows, tokens = np.asarray(model.embedding), len(model.tokens)
    before = model.encode(TEXTS)
    weights = np.arange(tokens, dtype=np.float32)
    model.weights = weights
    by_weights = model.encode(TEXTS)
    assert not np.array_equal(before, by_weights)
    # One after the other: in between, they do not fit together.
    model.embedding = rows[:2].copy()
    model.token_mapping = np.arange(tokens) % 2
    expected = StaticModel(rows[:2], model.tokenizer, weights=weights, token_mapping=np.arange(tokens) % 2)
    np.testing.assert_array_equal(model.encode(TEXTS), expected.encode(TEXTS))
    model.embedding, model.token_mapping, model.weights = rows, None, None
    np.testing.assert_array_equal(model.encode(TEXTS), before)


def test_copies_and_pickles_keep_their_own(model: StaticModel, tmp_path: Path) -> None:
    before, other = model.encode(TEXTS), copy.copy(model)
    model.embedding = np.asarray(model.embedding) * 2
    np.testing.assert_array_equal(other.encode(TEXTS), before)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(again.encode(TEXTS), before * 2)
        assert again.files is not None
    model.save_pretrained(tmp_path / "folder")
    model.save_packed(tmp_path / "packed.safetensors")
    for saved in ("folder", "packed.safetensors"):
        np.testing.assert_array_equal(StaticModel.from_pretrained(tmp_path / saved).encode(TEXTS), before * 2)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(other)).encode(TEXTS), before)


def test_worker_processes_take_them(model: StaticModel) -> None:
    model.embedding = np.asarray(model.embedding) * 2
    expected = model.encode(TEXTS)
    for method in ("fork", "spawn"):
        with model.pool(2, start_method=method) as pool:
            np.testing.assert_array_equal(pool.encode(TEXTS), expected)


def test_what_does_not_fit_is_refused(model: StaticModel, tmp_path: Path) -> None:
    with pytest.raises(InputTypeError, match="embedding is of type list"):
        model.embedding = [[1.0]]  # type: ignore[assignment]
    with pytest.raises(InputTypeError, match="embedding is of type NoneType"):
        model.embedding = None  # type: ignore[assignment]
    with pytest.raises(InvalidModelError, match="weights"):
        model.weights = np.zeros((2, 2))
    with pytest.raises(InvalidModelError, match="token_mapping"):
        model.token_mapping = np.zeros(2)
    before = model.encode(TEXTS)
    model.embedding = np.asarray(model.embedding)[:2]
    for use in (model.encode, lambda texts: model.save_pretrained(tmp_path / "folder")):
        with pytest.raises(InvalidModelError, match="the table has 2 rows, but the vocabulary"):
            use(TEXTS)
    with pytest.raises(InvalidModelError, match="the table has 2 rows, but the vocabulary"):
        model.save_packed(tmp_path / "packed.safetensors")
    assert not list(tmp_path.iterdir())
    model.token_mapping = np.full(len(model.tokens), 2)
    with pytest.raises(InvalidModelError, match="the mapping refers to row 2, but the table has rows 0 to 1"):
        model.encode(TEXTS)
    model.token_mapping = np.full(len(model.tokens), 1)
    assert model.encode(TEXTS).shape == before.shape


def test_a_setting_that_is_none(tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained(tiny("wordpiece-float32"))
    again = StaticModel(np.asarray(model.embedding), model.tokenizer, {"normalize": True}, normalize=None)
    assert again.normalize is False


def test_the_marker_of_model2vec(model: StaticModel, tiny: Callable[[str], Path]) -> None:
    marker = type("_UnsetType", (), {})()
    model.max_length = 1
    for texts in (TEXTS, TEXTS[0]):
        np.testing.assert_array_equal(model.encode(texts, max_length=marker), model.encode(texts))
    again = StaticModel.from_pretrained(tiny("wordpiece-float32"), max_length=marker)
    assert again.max_length == StaticModel.from_pretrained(tiny("wordpiece-float32")).max_length
