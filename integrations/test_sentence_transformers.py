"""sentence-transformers, whose `encode_query` and `encode_document` ours are made after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from milvus_documents import DOCUMENTS, QUERIES
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from sentence_transformers.util.quantization import quantize_embeddings
from tokenizers import Tokenizer

from m2v_lite import StaticModel

PROMPTS = [
    {},
    {"query": "look for: ", "document": "read: "},
    {"query": "", "document": "", "passage": "read: ", "title": "of: "},
]


@pytest.mark.parametrize("prompts", PROMPTS)
def test_the_vectors_are_theirs(prompts: dict[str, str], models_folder: Path, tmp_path: Path) -> None:
    folder = models_folder / "potion-base-8M"
    weights = np.array(StaticModel.from_pretrained(folder).embedding)
    static = StaticEmbedding(Tokenizer.from_file(str(folder / "tokenizer.json")), embedding_weights=weights)
    theirs = SentenceTransformer(modules=[static], prompts=prompts, device="cpu")
    theirs.save_pretrained(str(tmp_path))
    ours = StaticModel.from_sentence_transformers(tmp_path)
    options: list[dict[str, Any]] = [
        {},
        {"prompt": "of: "},
        {"prompt": ""},
        {"normalize_embeddings": True},
        {"batch_size": 2, "show_progress_bar": False, "convert_to_numpy": True},
        *({"prompt_name": name} for name in prompts),
    ]
    for method, texts in (("encode_query", QUERIES), ("encode_document", DOCUMENTS)):
        for each in options:
            for given in (texts, texts[0]):
                expected = getattr(theirs, method)(given, **each)
                vectors = getattr(ours, method)(given, **each)
                assert vectors.shape == expected.shape
                np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-6)
        for model in (ours, theirs):
            with pytest.raises(ValueError, match="other"):
                getattr(model, method)(texts, prompt_name="other")


def test_bits_and_leading_columns_are_theirs(models_folder: Path, tmp_path: Path) -> None:
    folder = models_folder / "potion-base-8M"
    weights = np.array(StaticModel.from_pretrained(folder).embedding)
    static = StaticEmbedding(Tokenizer.from_file(str(folder / "tokenizer.json")), embedding_weights=weights)
    theirs = SentenceTransformer(modules=[static], device="cpu")
    ours = StaticModel.from_pretrained(folder, normalize=False)
    for precision in ("binary", "ubinary"):
        vectors = ours.encode(DOCUMENTS, precision=precision)
        expected = quantize_embeddings(ours.encode(DOCUMENTS), precision)
        assert vectors.dtype == expected.dtype
        np.testing.assert_array_equal(vectors, expected)
        # Their vectors differ from ours in the last bits, so a number near 0 may have another sign.
        other = theirs.encode(DOCUMENTS, precision=precision)
        assert np.unpackbits((vectors ^ other).view(np.uint8)).mean() < 1e-4
    for options in ({"truncate_dim": 64}, {"truncate_dim": 64, "normalize_embeddings": True}):
        given: dict[str, Any] = options
        np.testing.assert_allclose(
            ours.encode(DOCUMENTS, **given), theirs.encode(DOCUMENTS, **given), atol=1e-6
        )
    for name in ("cosine", "dot", "euclidean", "manhattan"):
        theirs.similarity_fn_name = name
        ours.config["similarity_fn_name"] = name
        a, b = ours.encode(DOCUMENTS), ours.encode(QUERIES)
        np.testing.assert_allclose(
            ours.similarity(a, b), theirs.similarity(a, b).numpy(), rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(
            ours.similarity_pairwise(a, a[::-1].copy()),
            theirs.similarity_pairwise(a, a[::-1].copy()).numpy(),
            rtol=1e-4,
            atol=1e-5,
        )
    assert ours.get_embedding_dimension() == theirs.get_embedding_dimension()
