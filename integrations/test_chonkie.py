"""chonkie's chunkers with `M2VLiteEmbeddings`."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path

import numpy as np
import pytest
from chonkie import EmbeddingsRefinery, SemanticChunker
from pages_and_processes import check_missing, run_page

from m2v_lite import StaticModel
from m2v_lite.errors import InputTypeError, ModelNotFoundError
from m2v_lite.integrations.chonkie import M2VLiteEmbeddings

TEXTS = ["The kettle is on.", "Plant garlic in autumn.", ""]


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


def test_the_vectors(model: StaticModel) -> None:
    embeddings, expected = M2VLiteEmbeddings(), model.encode(TEXTS)
    batch = embeddings.embed_batch(TEXTS)
    assert type(batch) is list
    np.testing.assert_array_equal(np.stack(batch), expected)
    np.testing.assert_array_equal(np.stack([embeddings.embed(text) for text in TEXTS]), expected)
    np.testing.assert_array_equal(np.stack(embeddings(TEXTS)), expected)
    np.testing.assert_array_equal(embeddings(TEXTS[0]), expected[0])
    np.testing.assert_array_equal(asyncio.run(embeddings.aembed(TEXTS[1])), expected[1])
    np.testing.assert_array_equal(np.stack(asyncio.run(embeddings.aembed_batch(TEXTS))), expected)
    assert embeddings.embed_batch([]) == []
    assert embeddings.dimension == model.dim
    assert repr(model) in repr(embeddings)


def test_a_model_of_another_dtype_gives_float32() -> None:
    embeddings = M2VLiteEmbeddings(quantize_to="float16")
    assert embeddings.model.encode(TEXTS).dtype == np.float16
    assert embeddings.embed(TEXTS[0]).dtype == np.float32
    assert SemanticChunker(embeddings)(" ".join(TEXTS * 5))


def test_options_and_a_loaded_model(model: StaticModel) -> None:
    assert M2VLiteEmbeddings(model).model is model
    assert M2VLiteEmbeddings(dimensionality=32).dimension == 32


def test_the_tokenizer_counts_as_the_model(model: StaticModel) -> None:
    text = "The kettle is on."
    chunker = SemanticChunker(M2VLiteEmbeddings(model))
    (chunk,) = chunker(text)
    assert chunk.token_count == len(model.tokenizer.encode(text, add_special_tokens=False).ids)


def test_the_similarity(model: StaticModel) -> None:
    embeddings = M2VLiteEmbeddings(model)
    u, v, zeros = embeddings.embed_batch(TEXTS)
    assert type(embeddings.similarity(u, v)) is np.float32
    assert embeddings.similarity(u, 3 * u) == pytest.approx(1)
    assert embeddings.similarity(u, v) == pytest.approx(float(u @ v), abs=1e-6)
    assert embeddings.similarity(u, zeros) == 0  # and no warning


def test_the_chunks_with_a_sentence_without_tokens() -> None:
    text = f"The kettle is on the stove. {30 * chr(0x200B)}. Garlic grows in the garden."
    assert not StaticModel.from_pretrained().encode(f"{30 * chr(0x200B)}").any()
    chunks = SemanticChunker(M2VLiteEmbeddings(), similarity_window=1)(text)
    assert "".join(chunk.text for chunk in chunks) == text


def test_a_refinery_adds_vectors(model: StaticModel) -> None:
    embeddings = M2VLiteEmbeddings(model)
    chunks = EmbeddingsRefinery(embeddings)(SemanticChunker(embeddings)(" ".join(TEXTS)))
    np.testing.assert_array_equal(chunks[0].embedding, model.encode(chunks[0].text))


def test_a_pickle_holds_no_numbers() -> None:
    embeddings = M2VLiteEmbeddings(dimensionality=100)
    stored = pickle.dumps(embeddings)
    assert len(stored) < 5000
    np.testing.assert_array_equal(pickle.loads(stored).embed(TEXTS[0]), embeddings.embed(TEXTS[0]))


def test_errors(tmp_path: Path) -> None:
    embeddings = M2VLiteEmbeddings()
    with pytest.raises(InputTypeError, match="pass it in a list"):
        embeddings.embed_batch("one text")
    with pytest.raises(InputTypeError, match="call embed_batch for a list"):
        embeddings.embed(["a list"])  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match="text 1 is int 7"):
        embeddings.embed_batch(["one", 7])  # type: ignore[list-item]
    with pytest.raises(ModelNotFoundError):
        M2VLiteEmbeddings(tmp_path / "nothing")
    with pytest.raises(InputTypeError):
        M2VLiteEmbeddings(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="batch"):
        M2VLiteEmbeddings(batch=7)


def test_without_chonkie(tmp_path: Path) -> None:
    check_missing("chonkie", "chonkie", "chonkie", tmp_path)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page("chonkie", tmp_path, monkeypatch)
    music, garden = (chunk.text for chunk in names["chunks"])
    assert music + garden == names["text"]
    assert garden.startswith("Plant garlic")
