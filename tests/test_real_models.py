"""Real models in the folder that M2V_LITE_MODELS names, against model2vec's answers beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import assert_ids_agree, assert_same, assert_vectors_agree

from m2v_lite import StaticModel
from m2v_lite.loading import BUNDLED_MODEL

MODELS = [
    "potion-base-8M",
    "potion-base-2M",
    "potion-base-2M-float16",
    "potion-base-2M-int8",
    "potion-base-8M-vq4096-int8",
    "minilm-m2v-256-int8",
]
PEER_FIXTURES = [
    "test-model-float32",
    "test-model-float16",
    "test-model-int8",
    "test-model-sentence-transformers",
    "test-model-vocab-quantized",
]


@pytest.fixture(scope="module")
def golden_texts(models_folder: Path) -> list[str]:
    texts: list[str] = json.loads(
        (models_folder.parent / "golden" / "texts.json").read_text(encoding="utf-8")
    )
    return texts


def check(folder: Path, answers: Path, texts: list[str]) -> None:
    model = StaticModel.from_pretrained(folder)
    with np.load(answers) as reference:
        assert_vectors_agree(model, texts, reference)
        assert_ids_agree(model, texts, reference)
        rows = np.concatenate([part.astype(np.float64) for part in model.encode_as_sequence(texts[:20])])
        assert_same(rows, reference["seq"])


@pytest.mark.parametrize("name", MODELS)
def test_real_model(name: str, models_folder: Path, golden_texts: list[str]) -> None:
    check(models_folder / name, models_folder.parent / "golden" / f"{name}.npz", golden_texts)


@pytest.mark.parametrize("name", PEER_FIXTURES)
def test_fixture_of_model2vec_rs(name: str, models_folder: Path, golden_texts: list[str]) -> None:
    answers = models_folder.parent / "golden" / "peer-fixtures" / f"{name}.npz"
    check(models_folder.parent / "peer-fixtures" / name, answers, golden_texts)


@pytest.mark.parametrize(
    ("model", "vectors", "text"),
    [
        ("test-model-float32", "embeddings_short", "hello world"),
        ("test-model-float32", "embeddings_long", " ".join(["hello"] * 1000)),
        ("test-model-vocab-quantized", "embeddings_vocab_quantized", " ".join(["hello"] * 1000)),
    ],
)
def test_vectors_of_model2vec_rs(model: str, vectors: str, text: str, models_folder: Path) -> None:
    fixtures = models_folder.parent / "peer-fixtures"
    expected = np.array(json.loads((fixtures / f"{vectors}.json").read_text()))
    ours = StaticModel.from_pretrained(fixtures / model).encode([text])
    np.testing.assert_allclose(ours, expected, rtol=1e-5)


def link_static_embedding(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ("model.safetensors", "tokenizer.json"):
        (folder / name).symlink_to(source / name)


def test_the_native_config_wins(models_folder: Path, tmp_path: Path) -> None:
    source = models_folder.parent / "peer-fixtures" / "test-model-sentence-transformers"
    link_static_embedding(source, tmp_path / "both")
    (tmp_path / "both" / "config_sentence_transformers.json").write_text('{"normalize": true}')
    (tmp_path / "both" / "config.json").write_text('{"model_type": "model2vec", "normalize": false}')
    vector = StaticModel.from_pretrained(tmp_path / "both").encode("hello world")
    assert abs(np.linalg.norm(vector) - 1) > 1e-3


@pytest.mark.parametrize(
    ("path", "subfolder"),
    [
        (".", None),
        ("0_StaticEmbedding", None),
        (".", "0_StaticEmbedding"),
    ],
)
def test_a_nested_static_embedding(
    path: str, subfolder: str | None, models_folder: Path, tmp_path: Path
) -> None:
    source = models_folder.parent / "peer-fixtures" / "test-model-sentence-transformers"
    link_static_embedding(source, tmp_path / "some" / "0_StaticEmbedding")
    (tmp_path / "some" / "config_sentence_transformers.json").write_text('{"normalize": true}')
    model = StaticModel.from_pretrained(tmp_path / "some" / path, subfolder=subfolder)
    plain = StaticModel.from_pretrained(source)
    assert_same(
        model.encode(["hello", "world test sentence"]), plain.encode(["hello", "world test sentence"])
    )


# What https://milvus.io/docs/embed-with-model2vec.md prints for minishlab/potion-base-8M.
PRINTED: dict[str, tuple[slice, list[str]]] = {
    "Artificial intelligence was founded as an academic discipline in 1956.": (
        slice(0, 15),
        [
            "0.02220882",
            "0.11436888",
            "-0.15094341",
            "0.08149259",
            "0.20425692",
            "-0.15727402",
            "-0.25320682",
            "-0.00669029",
            "0.03157463",
            "0.08974048",
            "-0.00148778",
            "-0.01803541",
            "0.00230828",
            "-0.0137875",
            "-0.19242321",
        ],
    ),
    "Born in Maida Vale, London, Turing was raised in southern England.": (
        slice(-8, None),
        [
            "-7.29782460e-03",
            "-2.15345751e-02",
            "-4.13905866e-02",
            "3.70773636e-02",
            "5.45082428e-02",
            "1.36436718e-02",
            "1.38598625e-02",
            "3.91175086e-03",
        ],
    ),
    "When was artificial intelligence founded": (
        slice(0, 8),
        [
            "-1.87109038e-02",
            "-2.81724217e-03",
            "-1.67356253e-01",
            "-5.30372337e-02",
            "1.08304240e-01",
            "-1.09269567e-01",
            "-2.53464818e-01",
            "-1.77880954e-02",
        ],
    ),
    "Where was Alan Turing born?": (
        slice(-8, None),
        [
            "8.60440824e-03",
            "2.12906860e-03",
            "1.50156394e-02",
            "-1.29304864e-02",
            "-3.66544276e-02",
            "5.01735881e-03",
            "-1.53137008e-02",
            "9.57900891e-04",
        ],
    ),
}


@pytest.mark.parametrize("text", PRINTED)
def test_the_numbers_that_milvus_prints(text: str, models_folder: Path) -> None:
    part, printed = PRINTED[text]
    vector: Any = StaticModel.from_pretrained(models_folder / "potion-base-8M").encode(text)
    for number, digits in zip(vector[part].tolist(), printed, strict=True):
        decimals = len(digits.partition(".")[2].partition("e")[0])
        as_printed = f"{number:.{decimals}e}" if "e" in digits else f"{number:.{decimals}f}"
        assert float(as_printed) == float(digits)


def test_the_bundled_model_is_what_the_script_makes(models_folder: Path, tmp_path: Path) -> None:
    from make_bundled_model import make_bundled_model

    make_bundled_model(models_folder / "potion-base-8M", tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in Path(BUNDLED_MODEL).parent.iterdir()}
    assert made == kept
