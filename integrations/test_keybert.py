"""KeyBERT with `M2VLiteBackend`."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from keybert import KeyBERT
from pages_and_processes import check_missing, run_page

from m2v_lite import StaticModel
from m2v_lite.errors import InputTypeError, InputValueError, ModelNotFoundError
from m2v_lite.integrations.keybert import M2VLiteBackend

TEXTS = ["Plant garlic in autumn and harvest the garlic in July.", "The choir sings without a piano.", ""]


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


def test_the_vectors(model: StaticModel) -> None:
    backend, expected = M2VLiteBackend(), model.encode(TEXTS)
    for texts in (TEXTS, tuple(TEXTS), np.array(TEXTS), np.array(TEXTS, dtype=object), iter(TEXTS)):
        np.testing.assert_array_equal(backend.embed(texts), expected)
    np.testing.assert_array_equal(backend.embed(TEXTS, verbose=True), expected)
    assert backend.embed([]).shape == (0, model.dim)


def test_options_and_a_loaded_model(model: StaticModel) -> None:
    assert M2VLiteBackend(model).embedding_model is model
    assert M2VLiteBackend(dimensionality=32).embed(TEXTS).shape == (3, 32)
    assert M2VLiteBackend(quantize_to="float16").embed(TEXTS).dtype == np.float32


def test_keybert_uses_this_backend_and_no_other(model: StaticModel) -> None:
    backend = M2VLiteBackend(model)
    extractor = KeyBERT(backend)
    assert extractor.model is backend
    documents, words = extractor.extract_embeddings(TEXTS[:2])
    np.testing.assert_array_equal(documents, model.encode(TEXTS[:2]))
    found = extractor.extract_keywords(TEXTS[:2], doc_embeddings=documents, word_embeddings=words)
    assert [keywords[0][0] for keywords in found] == ["garlic", "sings"]
    assert extractor.extract_keywords(TEXTS[:2]) == found


def test_options_of_keybert(model: StaticModel) -> None:
    extractor = KeyBERT(M2VLiteBackend(model))
    text = TEXTS[0]
    assert extractor.extract_keywords(text, use_mmr=True, diversity=0.7, top_n=2)
    seeded = extractor.extract_keywords(text, seed_keywords=["month of summer"], top_n=1)
    assert seeded != extractor.extract_keywords(text, top_n=1)
    assert extractor.extract_keywords(text, candidates=["autumn"])[0][0] == "autumn"


def test_a_pickle_holds_no_numbers(model: StaticModel) -> None:
    stored = pickle.dumps(M2VLiteBackend(dimensionality=100))
    assert len(stored) < 5000
    expected = M2VLiteBackend(dimensionality=100).embed(TEXTS)
    np.testing.assert_array_equal(pickle.loads(stored).embed(TEXTS), expected)


def test_errors(tmp_path: Path) -> None:
    backend = M2VLiteBackend()
    with pytest.raises(InputTypeError, match="pass it in a list"):
        backend.embed("one text")
    with pytest.raises(InputTypeError, match="text 1 is int 7"):
        backend.embed(["one", 7])  # type: ignore[list-item]
    with pytest.raises(ModelNotFoundError):
        M2VLiteBackend(tmp_path / "nothing")
    with pytest.raises(InputTypeError):
        M2VLiteBackend(7)  # type: ignore[arg-type]


def test_without_keybert(tmp_path: Path) -> None:
    check_missing("keybert", "keybert", "keybert", tmp_path)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page("keybert", tmp_path, monkeypatch)
    assert names["keywords"][0][0] == "garlic autumn"


def test_options_beside_a_loaded_model() -> None:
    with pytest.raises(InputValueError, match="already loaded, so dimensionality would come too late"):
        M2VLiteBackend(StaticModel.from_pretrained(), dimensionality=64)
