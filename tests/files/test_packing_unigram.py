"""Packed models of the XLM-R kind: exact, small to load, and safe when damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_texts import SAMPLE_TEXTS, random_texts
from test_packing import rewritten
from tiny_models import TinyModel, added_token
from unigram_models import divided, joined, with_bytes
from usable import assert_usable

from m2v_lite import InvalidModelError, StaticModel
from m2v_lite.files.packed_file import verify
from m2v_lite.files.safetensors import SafetensorsFile
from m2v_lite.tokenization.unigram.tokenizer import DTYPES, UnigramTokenizer

TEXTS = SAMPLE_TEXTS + random_texts(200, seed=12)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    TinyModel(joined()).build(tmp_path / "folder")
    StaticModel.from_pretrained(tmp_path / "folder").save_packed(tmp_path / "packed.safetensors")
    return tmp_path / "packed.safetensors"


@pytest.mark.parametrize(
    "definition", [divided(), joined(), with_bytes(divided()), divided("first"), joined("first")]
)
def test_packed_and_unpacked_give_the_same(definition: dict[str, Any], tmp_path: Path) -> None:
    folder = TinyModel(definition).build(tmp_path / "folder")
    model = StaticModel.from_pretrained(folder)
    model.save_packed(tmp_path / "packed.safetensors")
    again = StaticModel.from_pretrained(tmp_path / "packed.safetensors")
    assert isinstance(again._encoder._tokenizer, UnigramTokenizer)
    for text in TEXTS[:50]:
        np.testing.assert_array_equal(again.encode(text), model.encode(text))
    np.testing.assert_array_equal(again.encode(TEXTS), model.encode(TEXTS))
    assert again.tokens == model.tokens
    # The table and two deflated files are beside these arrays, and the metadata.
    assert verify(str(tmp_path / "packed.safetensors")) == len(DTYPES) + 4
    again.save_pretrained(tmp_path / "unpacked")
    files = [path / "tokenizer.json" for path in (folder, tmp_path / "unpacked")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("name", DTYPES)
def test_missing_and_odd_arrays(packed: Path, name: str) -> None:
    key = f"pieces__{name}"
    with pytest.raises(InvalidModelError, match=f"no tensor pieces.{name}"):
        StaticModel.from_pretrained(rewritten(packed, {}, **{key: None}))
    for array in (np.zeros((2, 2), DTYPES[name]), np.zeros(4, np.float32)):
        with pytest.raises(InvalidModelError, match=f"{name} is not an array of one dimension"):
            StaticModel.from_pretrained(rewritten(packed, {}, **{key: array}))
    if name != "values":
        with pytest.raises(InvalidModelError, match="tokenizer cannot be read"):
            StaticModel.from_pretrained(rewritten(packed, {}, **{key: np.zeros(0, DTYPES[name])}))


def test_arrays_that_lead_astray(packed: Path) -> None:
    """Numbers out of range are found; any others give wrong ids of the vocabulary, but nothing worse."""
    file = SafetensorsFile(packed)
    links, ids, characters, charsmap, values = (
        np.array(file.view(f"pieces.{name}")) for name in ("links", "ids", "characters", "charsmap", "values")
    )
    changed: list[tuple[dict[str, Any], str]] = [
        ({"pieces__links": links | 0xFFFFFFFF}, "a link points outside the double array"),
        ({"pieces__ids": ids + np.int32(1000)}, "an id that is not in the vocabulary"),
        ({"pieces__ids": ids - np.int32(5)}, "an id that is not in the vocabulary"),
        ({"pieces__ids": np.zeros_like(ids)}, "the root is a piece"),
        ({"pieces__characters": characters[1:]}, "65535 entries"),
        ({"pieces__characters": characters | np.uint32(0xFF << 24)}, "does not describe a character"),
        ({"pieces__characters": characters & np.uint32(0xFFFFFF)}, "does not describe a character"),
        ({"pieces__characters": np.full_like(characters, characters[0])}, "does not describe a character"),
        ({"pieces__characters": np.roll(characters, 1)}, "does not describe a character"),
    ]
    for change, message in changed:
        with pytest.raises(InvalidModelError, match=message):
            StaticModel.from_pretrained(rewritten(packed, {}, **change))
    generator = np.random.default_rng(0)
    for _ in range(20):
        changes = {
            "pieces__links": np.where(
                generator.random(len(links)) < 0.1, generator.permutation(links), links
            ),
            "pieces__charsmap": np.where(
                generator.random(len(charsmap)) < 0.1, generator.permutation(charsmap), charsmap
            ),
            "pieces__values": generator.permutation(values),
            "pieces__characters": np.append(
                characters[0],
                np.where(
                    generator.random(65535) < 0.1, generator.permutation(characters[1:]), characters[1:]
                ),
            ),
        }
        assert_usable(StaticModel.from_pretrained(rewritten(packed, {}, **changes)), TEXTS[::5])


def test_settings_of_an_impossible_tokenizer(packed: Path) -> None:
    settings = json.loads(SafetensorsFile(packed).metadata["m2v_lite.tokenizer"])
    changes: list[dict[str, Any]] = [
        {"unknown": -1}, {"unknown": 10**6}, {"unknown": "1"}, {"lowest_score": None}, {"bytes": [1]},
        {"bytes": [10**6] * 256}, {"spaced": 5}, {"strips": 1}, {"rule": {**settings["rule"], "first": 1}},
        {"rule": {**settings["rule"], "lefts": None}}, {"rule": {**settings["rule"], "only_at_start": 1}},
    ]  # fmt: skip
    facts = [(change, "a setting has the wrong type") for change in changes]
    facts += [
        ({"bytes": 5}, "must be an iterable, not int"),
        ({"rule": {}}, "missing 3 required positional arguments"),
        ({"added_tokens": [{"id": 0}]}, r"KeyError\('single_word'\)"),
        ({"added_tokens": [added_token("", 0)]}, "a setting has the wrong type"),
        (
            {"added_tokens": [added_token("\u200b", 7, normalized=True)]},
            "the added token with id 7",
        ),
        ({"added_tokens": 5}, "'int' object is not iterable"),
    ]
    for change, fact in facts:
        with pytest.raises(InvalidModelError, match=rf"its tokenizer cannot be read \(.*{fact}"):
            StaticModel.from_pretrained(rewritten(packed, {"tokenizer": json.dumps({**settings, **change})}))
