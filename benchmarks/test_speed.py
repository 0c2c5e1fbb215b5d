"""Time tokenization, pooling and encoding, and check every result.

    make bench

Times are absolute, so compare only times of the same machine and hour. *Repeats* are texts that the
tokenizer has seen before; for a *first pass*, the tokenizer is new. The checks compute results in another
way: the `tokenizers` library gives the ids, and `numpy.mean` the mean of each text's rows.
"""

from __future__ import annotations

import copy
import random
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from corpora import all_different_texts, terse_texts
from made_up import texts_of_different_words, texts_of_frequent_words
from numpy.typing import NDArray
from prose import texts_of
from tokenizers import Tokenizer

from m2v_lite import StaticModel
from m2v_lite.embedding import pooling
from m2v_lite.files.packed_format import TOKENIZER, packed_text
from m2v_lite.files.safetensors import SafetensorsFile
from m2v_lite.loading import BUNDLED_MODEL
from m2v_lite.tokenization.flat_ids import of_each_text

if TYPE_CHECKING:
    from m2v_lite.tokenization.flat_ids import FlatIds
    from m2v_lite.tokenization.protocols import TextTokenizer

KINDS = ["prose", "terse", "long", "mixed lengths", "not ASCII", "all different", "all different, not ASCII"]
BATCH = 1024
CASES = [("prose", number) for number in (1, 2, 4, 8, 64, BATCH, 50_000)]
CASES += [(kind, number) for kind in KINDS[1:] for number in (1, 64, BATCH)]

every_case = pytest.mark.parametrize(("kind", "number"), CASES)


@cache
def texts_of_kind(kind: str) -> list[str]:
    """Return all texts of a kind; each case uses as many of them as it needs."""
    generator = random.Random(0)
    match kind:
        case "prose":
            return texts_of(85, 50_000)
        case "terse":
            return terse_texts(BATCH, generator)
        case "long":
            return texts_of(1500, BATCH)
        case "mixed lengths":
            mixed = [*texts_of(85, BATCH - 24), *texts_of(1500, 24)]
            return generator.sample(mixed, len(mixed))
        case "not ASCII":
            return texts_of_frequent_words(BATCH, generator)
        case "all different, not ASCII":
            return texts_of_different_words(BATCH, generator)
        case _:
            return all_different_texts(BATCH, generator)


@cache
def expected_ids(kind: str) -> list[list[int]]:
    """Return the first 512 ids that the `tokenizers` library gives, without the unknown token."""
    library = Tokenizer.from_str(packed_text(SafetensorsFile(BUNDLED_MODEL), TOKENIZER))
    library.no_truncation()
    library.no_padding()
    unknown = library.token_to_id("[UNK]")
    encodings = library.encode_batch_fast(texts_of_kind(kind), add_special_tokens=False)
    return [[token for token in encoding.ids[:512] if token != unknown] for encoding in encodings]


def expected_means(table: NDArray[Any], kind: str, number: int) -> NDArray[np.float32]:
    """Return the mean row of each text, or zeros if the text has only unknown tokens."""
    means = np.zeros((number, table.shape[1]), np.float32)
    for mean, ids in zip(means, expected_ids(kind), strict=False):
        if ids:
            mean[:] = table[ids].mean(axis=0)
    return means


def expected_vectors(table: NDArray[Any], kind: str, number: int) -> NDArray[np.float32]:
    means = expected_means(table, kind, number)
    vectors: NDArray[np.float32] = means / (np.linalg.norm(means, axis=1, keepdims=True) + np.float32(1e-32))
    return vectors


def assert_right_ids(flat: FlatIds, kind: str, number: int) -> None:
    assert [ids.tolist() for ids in of_each_text(*flat)] == expected_ids(kind)[:number]


@pytest.fixture(scope="module")
def model() -> StaticModel:
    """The bundled model with a table in float32, as most models have."""
    return StaticModel.from_pretrained(quantize_to="float32")


@pytest.fixture(scope="module")
def tokenizer(model: StaticModel) -> TextTokenizer:
    return model._tokenizer


@every_case
def test_tokenize_repeats(benchmark: Any, tokenizer: TextTokenizer, kind: str, number: int) -> None:
    texts = texts_of_kind(kind)[:number]
    tokenizer.token_ids(texts, 512)
    assert_right_ids(benchmark(tokenizer.token_ids, texts, 512), kind, number)


@pytest.mark.parametrize("kind", KINDS)
def test_tokenize_first_pass(benchmark: Any, tokenizer: TextTokenizer, kind: str) -> None:
    texts = texts_of_kind(kind)[:BATCH]

    def new() -> tuple[tuple[TextTokenizer], dict[str, Any]]:
        return (copy.copy(tokenizer),), {}  # a copy has empty memos

    flat = benchmark.pedantic(lambda fresh: fresh.token_ids(texts, 512), setup=new, rounds=20)
    assert_right_ids(flat, kind, BATCH)


@pytest.mark.parametrize(
    ("kind", "number", "dtype"),
    [*((*case, "float32") for case in CASES), *((kind, BATCH, "int8") for kind in KINDS[:3])],
)
def test_pool(benchmark: Any, model: StaticModel, kind: str, number: int, dtype: str) -> None:
    table = model.embedding if dtype == "float32" else np.asarray(StaticModel.from_pretrained().embedding)
    assert table.dtype == dtype
    ids, bounds = model._tokenizer.token_ids(texts_of_kind(kind)[:number], 512)
    vectors = np.empty((number, model.dim), np.float32)
    benchmark(pooling.mean_rows, table, ids, bounds, vectors)
    np.testing.assert_array_equal(vectors, expected_means(table, kind, number))


@every_case
def test_encode(benchmark: Any, model: StaticModel, kind: str, number: int) -> None:
    vectors = benchmark(model.encode, texts_of_kind(kind)[:number])
    np.testing.assert_array_equal(vectors, expected_vectors(model.embedding, kind, number))


@pytest.mark.parametrize("kind", KINDS)
def test_encode_one_text(benchmark: Any, model: StaticModel, kind: str) -> None:
    """A single text takes a shorter path than a batch."""
    vector = benchmark(model.encode, texts_of_kind(kind)[0])
    np.testing.assert_array_equal(vector, expected_vectors(model.embedding, kind, 1)[0])
