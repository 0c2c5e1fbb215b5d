"""`encode_query` and `encode_document`, which sentence-transformers has too."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_texts import SAMPLE_TEXTS
from tiny_models import TINY_MODELS, TinyModel

from m2v_lite import InputTypeError, InputValueError, StaticModel

METHODS = ["encode_query", "encode_document"]
PROMPTS = {"query": "hello ", "passage": "the ", "corpus": "rain", "other": "on ", "none": ""}


@pytest.fixture(scope="module")
def prompted(tmp_path_factory: pytest.TempPathFactory) -> StaticModel:
    """A model whose config has prompts, in the layout of sentence-transformers."""
    recipe = TinyModel(layout=1, config={"prompts": PROMPTS, "default_prompt_name": "other"})
    return StaticModel.from_pretrained(recipe.build(tmp_path_factory.mktemp("prompted")))


@pytest.mark.parametrize("name", TINY_MODELS)
def test_the_vectors_are_those_of_encode(name: str, tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained(tiny(name))
    for texts in (SAMPLE_TEXTS, [], "the cat"):
        for method in METHODS:
            vectors, expected = getattr(model, method)(texts), model.encode(texts)
            assert vectors.dtype == expected.dtype
            np.testing.assert_array_equal(vectors, expected)


@pytest.mark.parametrize("method", METHODS)
def test_the_arguments_of_encode(method: str, tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained(tiny("wordpiece-no-limit"))
    encode = getattr(model, method)
    options: dict[str, Any]
    for options in (
        {"max_length": 2, "batch_size": 3},
        {"normalize": True, "show_progress_bar": False, "workers": 2},
        {
            "use_multiprocessing": False,
            "convert_to_numpy": True,
            "device": "cpu",
            "normalize_embeddings": False,
        },
    ):
        np.testing.assert_array_equal(
            encode(iter(SAMPLE_TEXTS), **options), model.encode(SAMPLE_TEXTS, **options)
        )
    unit = model.encode(SAMPLE_TEXTS, normalize=True)
    assert not np.array_equal(unit, model.encode(SAMPLE_TEXTS))
    for options in ({"normalize_embeddings": True}, {"normalize_embeddings": True, "normalize": False}):
        np.testing.assert_array_equal(encode(SAMPLE_TEXTS, **options), unit)
    with pytest.raises(InputTypeError, match="normalize_embeddings is str 'no'; give True or False"):
        encode("the cat", normalize_embeddings="no")
    with pytest.raises(InputValueError, match="max_length is 0"):
        encode("the cat", max_length=0)


@pytest.mark.parametrize(
    ("method", "prompt"), [("encode_query", "hello "), ("encode_document", "the ")], ids=METHODS
)
def test_prompts(method: str, prompt: str, prompted: StaticModel) -> None:
    encode = getattr(prompted, method)
    texts = ["cat sat", "", "straße"]
    for options, expected in (
        ((), prompt),
        (("other",), "on "),
        (("none",), ""),
        ((None, "kettle "), "kettle "),
        (("other", "kettle "), "kettle "),
        ((None, ""), ""),
    ):
        vectors = prompted.encode([expected + text for text in texts])
        np.testing.assert_array_equal(encode(texts, *options), vectors)
        np.testing.assert_array_equal(encode((text for text in texts), *options), vectors)
        np.testing.assert_array_equal(encode(texts[0], *options), vectors[0])
    named = encode(texts, prompt_name="other", prompt=None)
    np.testing.assert_array_equal(named, prompted.encode([f"on {text}" for text in texts]))
    assert encode([], *options).shape == (0, prompted.dim)


def test_the_order_of_document_prompts(prompted: StaticModel) -> None:
    prompted = StaticModel.__copy__(prompted)
    for name in ("passage", "corpus"):
        expected = prompted.encode(PROMPTS[name] + "cat")
        np.testing.assert_array_equal(prompted.encode_document("cat"), expected)
        prompted.config["prompts"] = {key: text for key, text in PROMPTS.items() if key != name}
    prompted.config["prompts"] = {**PROMPTS, "document": "kettle "}
    np.testing.assert_array_equal(prompted.encode_document("cat"), prompted.encode("kettle cat"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("prompts", [None, {}, [], "query", 3])
def test_a_config_without_prompts(method: str, prompts: Any, tmp_path: Path) -> None:
    folder = TinyModel(config={"prompts": prompts}).build(tmp_path)
    model = StaticModel.from_pretrained(folder)
    np.testing.assert_array_equal(getattr(model, method)("the cat"), model.encode("the cat"))
    with pytest.raises(InputValueError, match=r"prompt_name is 'query', but .* are \[\]; give .* `prompt`"):
        getattr(model, method)("the cat", "query")


@pytest.mark.parametrize(("method", "of_the_config"), [*zip(METHODS, ["int 3", "list []"], strict=True)])
def test_impossible_prompts(method: str, of_the_config: str, prompted: StaticModel, tmp_path: Path) -> None:
    encode = getattr(prompted, method)
    for name in ("Query", "", 3, ["query"]):
        with pytest.raises(InputValueError, match=r"prompt_name is .* are \['query', 'passage', 'corpus'"):
            encode("the cat", name)
    for prompt in (3, b"query: ", ["query: "]):
        with pytest.raises(InputTypeError, match=r"the prompt is .*; give a str"):
            encode("the cat", prompt=prompt)
    with pytest.raises(InputValueError, match="text 1: holds the lone surrogate"):
        encode(["the cat", "\ud83d"])
    folder = TinyModel(config={"prompts": {"query": 3, "document": []}}).build(tmp_path)
    with pytest.raises(InputTypeError, match=f"the prompt is {re.escape(of_the_config)}; give a str"):
        getattr(StaticModel.from_pretrained(folder), method)("the cat")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (None, "got None; pass texts only"),
        (3, "got int 3; pass texts only"),
        (b"cat", "got bytes b'cat'; decode it first"),
        ({"cat"}, "got set {'cat'}; pass a list of its texts"),
        (["cat", None], "^text 1 is None, not a str"),
        ([["cat"]], r"^text 0 is list \['cat'\], not a str; pass one flat list of texts"),
    ],
)
def test_what_is_not_text(
    method: str, texts: Any, message: str, bundled: StaticModel, prompted: StaticModel
) -> None:
    for model in (bundled, prompted):
        with pytest.raises(InputTypeError, match=message):
            getattr(model, method)(texts)


def test_prompts_are_kept_when_a_model_is_saved(prompted: StaticModel, tmp_path: Path) -> None:
    prompted.save_pretrained(tmp_path / "folder")
    prompted.save_packed(tmp_path / "packed")
    for name in ("folder", "packed"):
        again = StaticModel.from_pretrained(tmp_path / name)
        np.testing.assert_array_equal(again.encode_query("cat"), prompted.encode("hello cat"))
