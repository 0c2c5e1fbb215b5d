"""`from_sentence_transformers`: the vectors of sentence-transformers itself, on tiny models from scratch."""

from __future__ import annotations

import inspect
import json
import pickle
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sample_texts import SAMPLE_TEXTS, random_texts
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, StaticEmbedding
from tiny_models import (
    TinyModel,
    bpe,
    bpe_of_words,
    random_table,
    unigram,
    vocabulary_size,
    wordlevel,
    wordpiece,
    wordpiece_that_truncates_and_pads,
    wordpiece_with_added_tokens,
)
from tokenizers import Tokenizer
from unigram_models import divided

from m2v_lite import StaticModel

COLUMNS = 32
CHANGES: list[dict[str, Any]] = [
    {},
    {"dtype": "float16"},
    {"dtype": "int8", "config": {"normalize": False}},
    {"dtype": "float16", "weights": "float16"},
    {"weights": "float64"},
    {"definition": divided(), "mapping": None},
]
TEXTS = [*SAMPLE_TEXTS, *random_texts(200, 3), "the zzxq cat", "zzxq zzxq", "日本 ☃ 日"]
LONG = [" ".join(SAMPLE_TEXTS) * 20, "the zzxq cat " * 2000, "x" * 5000]

# Marks that sentence-transformers leaves out, and does not count.
MARKED = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}},
}
TOKENIZERS: dict[str, Callable[[], dict[str, Any]]] = {
    "wordpiece": wordpiece,
    "wordpiece, cuts": lambda: {**wordpiece_that_truncates_and_pads(), "post_processor": MARKED},
    "wordpiece, added tokens": wordpiece_with_added_tokens,
    "wordlevel": wordlevel,
    "unigram": unigram,
    "unigram, cuts": lambda: {
        **divided(),
        "truncation": {"direction": "Right", "max_length": 5, "strategy": "LongestFirst", "stride": 0},
    },
    "xlm-r": divided,
    "bpe": bpe,
    "bpe of words": bpe_of_words,
}


def modules_named(name: str) -> list[Any]:
    torch.manual_seed(1)
    nn = torch.nn
    kinds: dict[str, Callable[[], list[Any]]] = {
        "none": lambda: [],
        "unit": lambda: [Normalize()],
        "dense": lambda: [Dense(COLUMNS, 8)],
        "dense, unit": lambda: [Dense(COLUMNS, 8, bias=False, activation_function=nn.GELU()), Normalize()],
        "unit, dense": lambda: [Normalize(), Dense(COLUMNS, 8, activation_function=nn.Sigmoid())],
        "two": lambda: [
            Normalize(),
            Dense(COLUMNS, COLUMNS, activation_function=nn.ReLU()),
            Dense(COLUMNS, 5, activation_function=nn.Identity()),
            Normalize(),
        ],
        "silu": lambda: [Dense(COLUMNS, 40, activation_function=nn.SiLU())],
    }
    return kinds[name]()


MODULES = ("none", "unit", "dense", "dense, unit", "unit, dense", "two", "silu")


def saved(folder: Path, tokenizer: str = "wordpiece", modules: str = "none", **options: Any) -> Path:
    """Write a model with sentence-transformers, and return its folder."""
    definition = TOKENIZERS[tokenizer]()
    weights = random_table(vocabulary_size(definition), COLUMNS, "float32", seed=5)
    static = StaticEmbedding(Tokenizer.from_str(json.dumps(definition)), embedding_weights=weights)
    model = SentenceTransformer(modules=[static, *modules_named(modules)], device="cpu", **options)
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def theirs(folder: Path, **options: Any) -> SentenceTransformer:
    return SentenceTransformer(str(folder), device="cpu", **options)


def assert_near(vectors: NDArray[Any], expected: NDArray[Any], most: float = 1e-6) -> None:
    """Assert that vectors differ by at most that share of their length."""
    assert vectors.shape == expected.shape
    assert vectors.dtype == expected.dtype
    lengths = np.linalg.norm(expected.astype(np.float64), axis=-1)
    differences = np.linalg.norm(vectors.astype(np.float64) - expected, axis=-1)
    assert (differences <= most * lengths).all(), (differences - most * lengths).max()


@pytest.mark.parametrize(
    ("tokenizer", "modules"),
    [*(("wordpiece", name) for name in MODULES), *((name, "two") for name in TOKENIZERS)],
)
def test_the_vectors_are_theirs(tokenizer: str, modules: str, tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", tokenizer, modules)
    other, ours = theirs(folder), StaticModel.from_sentence_transformers(folder)
    expected = other.encode(TEXTS)
    assert_near(ours.encode(TEXTS), expected)
    assert_near(np.stack([ours.encode(text) for text in TEXTS]), expected)
    assert_near(ours.encode(LONG), other.encode(LONG), 1e-5)
    assert_near(np.stack([ours.encode(text) for text in LONG]), other.encode(LONG), 1e-5)
    assert ours.dim == ours.get_embedding_dimension() == other.get_embedding_dimension()
    again = tmp_path / "again"
    ours.save_pretrained(again)
    np.testing.assert_array_equal(theirs(again).encode(TEXTS), expected)
    np.testing.assert_array_equal(
        StaticModel.from_sentence_transformers(again).encode(TEXTS), ours.encode(TEXTS)
    )


PROMPTS = [
    ({}, None),
    ({"query": "look for: ", "document": "read: ", "title": "of zzxq: "}, None),
    ({"query": "look for: ", "title": "of zzxq: "}, "title"),
    ({"query": "", "document": "", "passage": "the ", "title": "of zzxq: "}, "passage"),
]


@pytest.mark.parametrize(("prompts", "usual"), PROMPTS)
def test_prompts(prompts: dict[str, str], usual: str | None, tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", modules="unit, dense", prompts=prompts, default_prompt_name=usual)
    other, ours = theirs(folder), StaticModel.from_sentence_transformers(folder)
    ours.save_pretrained(tmp_path / "again")
    options: list[dict[str, Any]] = [
        {},
        {"prompt": "of: "},
        {"prompt": ""},
        {"normalize_embeddings": True},
        *({"prompt_name": name} for name in prompts),
    ]
    for model in (other, theirs(tmp_path / "again")):
        for method in ("encode", "encode_query", "encode_document"):
            for each in options:
                for given in (TEXTS[:50], TEXTS[4]):
                    assert_near(getattr(ours, method)(given, **each), getattr(model, method)(given, **each))
    vectors = ours.encode(TEXTS[:50])
    # The number of texts may change the last digit of a product of matrices.
    np.testing.assert_allclose(list(ours.encode_stream(TEXTS[:50])), vectors, rtol=1e-6)
    np.testing.assert_allclose(ours.encode(TEXTS[:50] * 40, workers=2)[:50], vectors, rtol=1e-6)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ours)).encode(TEXTS[:50]), vectors)


@pytest.mark.parametrize("modules", ["none", "unit", "two"])
@pytest.mark.parametrize("in_the_config", [True, False])
def test_leading_columns(in_the_config: bool, modules: str, tmp_path: Path) -> None:
    """They are not scaled anew: their length is below 1."""
    given: dict[str, Any] = {"truncate_dim": 3}
    folder = saved(tmp_path / "model", modules=modules, **(given if in_the_config else {}))
    given = {} if in_the_config else given
    other = theirs(folder, **given)
    ours = StaticModel.from_sentence_transformers(folder, **given)
    expected = other.encode(TEXTS)
    assert expected.shape[1] == ours.dim == 3
    # A share of the length of all columns: three of them may be nearly zeros.
    most = 1e-6 * np.linalg.norm(theirs(folder, truncate_dim=COLUMNS).encode(TEXTS), axis=1)[:, None] + 1e-12
    assert (np.abs(ours.encode(TEXTS) - expected) <= most).all()
    assert (np.abs(np.stack([ours.encode(text) for text in TEXTS]) - expected) <= most).all()
    scaled = other.encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(ours.encode(TEXTS, normalize=True), scaled, rtol=0, atol=1e-4)
    narrower: list[dict[str, Any]] = [{"truncate_dim": 2}, {"truncate_dim": 2, "normalize_embeddings": True}]
    for options in narrower:
        narrow = other.encode(TEXTS, **options)
        np.testing.assert_allclose(ours.encode(TEXTS, **options), narrow, rtol=1e-4, atol=1e-4)
    ours.save_pretrained(tmp_path / "again")
    np.testing.assert_array_equal(theirs(tmp_path / "again").encode(TEXTS), expected)
    all_columns = StaticModel.from_sentence_transformers(folder, truncate_dim=5)
    assert_near(all_columns.encode(TEXTS), theirs(folder, truncate_dim=5).encode(TEXTS), 1e-5)


@pytest.mark.parametrize(("dtype", "most"), [("float64", 1e-6), ("float16", 2**-9), ("bfloat16", 2**-6)])
@pytest.mark.parametrize("modules", ["none", "unit", "dense", "two"])
def test_other_dtypes(modules: str, dtype: str, most: float, tmp_path: Path) -> None:
    """With 16 bits, they round each sum, each mean and each product to 16 bits. Here the result alone is."""
    model = SentenceTransformer(str(saved(tmp_path / "single", modules=modules)), device="cpu")
    model.to(getattr(torch, dtype))
    model.save_pretrained(str(tmp_path / "model"), create_model_card=False)
    other = theirs(tmp_path / "model")
    vectors = other.encode(TEXTS)  # zeros that they normalize in float16 become NaN
    texts = [text for text, vector in zip(TEXTS, vectors, strict=True) if not np.isnan(vector).any()]
    expected = other.encode(texts)
    ours = StaticModel.from_sentence_transformers(tmp_path / "model")
    assert_near(ours.encode(texts), expected, most)
    assert_near(np.stack([ours.encode(text) for text in texts]), expected, most)
    ours.save_pretrained(tmp_path / "again")
    np.testing.assert_array_equal(theirs(tmp_path / "again").encode(texts), expected)


@pytest.mark.parametrize("dtype", ["float16", "int8"])
@pytest.mark.parametrize("modules", ["unit", "two"])
def test_a_rounded_table_opens_there(modules: str, dtype: str, tmp_path: Path) -> None:
    StaticModel.from_sentence_transformers(saved(tmp_path / "model", modules=modules)).save_packed(
        tmp_path / "packed"
    )
    ours = StaticModel.from_pretrained(tmp_path / "packed", quantize_to=dtype)
    ours.save_pretrained(tmp_path / "saved")
    texts = [text for text, vector in zip(TEXTS, ours.encode(TEXTS), strict=True) if vector.any()]
    expected = theirs(tmp_path / "saved").encode(texts)
    np.testing.assert_allclose(ours.encode(texts), expected, rtol=0, atol=2e-3)


@pytest.mark.skipif(int(version("sentence-transformers")[0]) < 6, reason="older ones leave out weights")
@pytest.mark.parametrize("changes", CHANGES)
def test_files_of_model2vec_with_weights_and_a_mapping(changes: dict[str, Any], tmp_path: Path) -> None:
    recipe = TinyModel(**{"mapping": "int64", "weights": "float32", **changes})
    folder = recipe.build(tmp_path / "model")
    StaticModel.from_pretrained(folder).save_pretrained(tmp_path / "ours")  # with a modules.json
    expected = theirs(tmp_path / "ours").encode(TEXTS)
    ours = StaticModel.from_sentence_transformers(tmp_path / "ours")
    assert_near(ours.encode(TEXTS), expected)
    assert_near(np.stack([ours.encode(text) for text in TEXTS]), expected)
    ours.save_pretrained(tmp_path / "again")
    assert_near(theirs(tmp_path / "again").encode(TEXTS), expected)


@pytest.mark.parametrize("residual", [8, COLUMNS])
@pytest.mark.skipif(
    "use_residual" not in inspect.signature(Dense).parameters, reason="later versions have it"
)
def test_residual_layers(residual: int, tmp_path: Path) -> None:
    dense = Dense(COLUMNS, residual, use_residual=True)
    weights = random_table(vocabulary_size(wordpiece()), COLUMNS, "float32")
    static = StaticEmbedding(Tokenizer.from_str(json.dumps(wordpiece())), embedding_weights=weights)
    SentenceTransformer(modules=[static, dense], device="cpu").save_pretrained(str(tmp_path / "model"))
    expected = theirs(tmp_path / "model").encode(TEXTS)
    ours = StaticModel.from_sentence_transformers(tmp_path / "model")
    assert_near(ours.encode(TEXTS), expected)
    ours.save_pretrained(tmp_path / "again")
    np.testing.assert_array_equal(theirs(tmp_path / "again").encode(TEXTS), expected)


@pytest.mark.parametrize("name", ["potion-base-8M", "potion-base-2M"])
def test_real_models(name: str, models_folder: Path) -> None:
    folder = models_folder / name
    other, ours = theirs(folder), StaticModel.from_sentence_transformers(folder)
    texts = [*SAMPLE_TEXTS, *random_texts(500, 4)]
    assert_near(ours.encode(texts), other.encode(texts))
    assert_near(ours.encode(LONG), other.encode(LONG), 1e-5)


@pytest.mark.parametrize("modules", MODULES)
def test_from_pretrained_says_where_the_vectors_would_differ(modules: str, tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", modules=modules)
    with pytest.warns(UserWarning, match="sentence-transformers makes other vectors of this model") as noted:
        ours = StaticModel.from_pretrained(folder)
    assert len(noted) == 1
    assert noted[0].filename == __file__
    message = str(noted[0].message)
    assert "StaticModel.from_sentence_transformers" in message
    assert ("it applies Dense" in message) == ("Dense" in kinds_of(folder))
    assert "it does not cut texts at 512 tokens" in message
    assert "it counts unknown tokens" in message
    StaticModel.from_pretrained(folder)  # it warns once
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        StaticModel.from_sentence_transformers(folder)
    expected = theirs(folder).encode("the ☃ cat")
    assert np.abs(ours.encode("the ☃ cat")[:5] - expected[:5]).max() > 1e-3


def kinds_of(folder: Path) -> str:
    return (folder / "modules.json").read_text(encoding="utf-8")
