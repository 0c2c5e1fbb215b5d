"""Real sentences in all languages that the translation catalogs have: the ids are those of the library."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from catalogs import sentences_by_language
from make_unigram_tokenizer import larger
from tokenizers import Tokenizer

from m2v_lite import StaticModel
from m2v_lite.tokenization.definition import TokenizerText
from m2v_lite.tokenization.flat_ids import of_each_text
from m2v_lite.tokenization.kinds import Left, own_tokenizer

EVERY = 1 if os.environ.get("M2V_LITE_EXHAUSTIVE") else 20
AT_ONCE = 5000


@pytest.fixture(scope="module")
def sentences(texts_folder: Path) -> list[str]:
    """All different sentences, and all pairs of neighbours as one text: some 200,000 texts."""
    by_language = sentences_by_language(texts_folder, shortest=1, fewest=1)
    found = list(dict.fromkeys(text for texts in by_language.values() for text in texts))
    pairs = [
        f"{text} {following}" for text, following in zip(found[::2], reversed(found[1::2]), strict=False)
    ]
    return [*found, *pairs][::EVERY]


def assert_same_ids(definition: dict[str, Any], sentences: list[str]) -> None:
    """Compare batches, and every tenth text alone."""
    text = json.dumps({**definition, "padding": None, "truncation": None})
    library, ours = Tokenizer.from_str(text), own_tokenizer(text.encode(), TokenizerText(text), "text")
    assert not isinstance(ours, Left)
    unknown = ours.unk_token_id
    for start in range(0, len(sentences), AT_ONCE):
        texts = sentences[start : start + AT_ONCE]
        encodings = library.encode_batch_fast(texts, add_special_tokens=False)
        expected = [[token_id for token_id in encoding.ids if token_id != unknown] for encoding in encodings]
        found = [ids.tolist() for ids in of_each_text(*ours.token_ids(texts, None))]
        different = [row for row in zip(texts, found, expected, strict=True) if row[1] != row[2]]
        assert different == []
        for one, ids in zip(texts[::10], expected[::10], strict=True):
            np.testing.assert_array_equal(ours.token_ids_of_one(one, None), ids, err_msg=one)


def test_wordpiece(bundled: StaticModel, sentences: list[str]) -> None:
    assert_same_ids(json.loads(bundled.tokenizer_definition()), sentences)


@pytest.mark.parametrize("joined", [False, True])
def test_unigram(joined: bool, multilingual_model: Path, sentences: list[str]) -> None:
    definition = json.loads((multilingual_model / "tokenizer.json").read_bytes())
    pieces = len(definition["model"]["vocab"])
    assert_same_ids(larger(definition, pieces + 20_000, joined=True) if joined else definition, sentences)
