"""Two tokens of one id, which `tokenizers` allows: all are in `tokens`, in an order that never changes."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_texts import SAMPLE_TEXTS
from time_limit import LONGEST
from tiny_models import TinyModel, added_token, unigram, vocabulary_size, wordlevel, wordpiece
from tokenizers import Tokenizer
from unigram_models import divided

from m2v_lite import InvalidModelError, StaticModel
from m2v_lite.files.packed_file import write_packed
from m2v_lite.files.packed_format import PREFIX
from m2v_lite.files.safetensors import SafetensorsFile, write_safetensors
from m2v_lite.tokenization.vocabulary import in_order


def with_twins(definition: dict[str, Any], *twins: str) -> dict[str, Any]:
    """Add tokens to a vocabulary with the id of "cat"."""
    vocabulary = definition["model"]["vocab"]
    vocabulary.update(dict.fromkeys(twins, vocabulary["cat"]))
    return definition


def with_added(definition: dict[str, Any], *ids: int) -> dict[str, Any]:
    """Add added tokens of these ids."""
    definition["added_tokens"] += [added_token(f"<{number}>", id_) for number, id_ in enumerate(ids)]
    return definition


MADE: dict[str, Callable[[], dict[str, Any]]] = {
    "wordpiece": lambda: with_twins(wordpiece(), "twin", "another"),
    "wordlevel": lambda: with_twins(wordlevel(), "twin", "another"),
    "wordpiece, two added with one new id": lambda: with_added(wordpiece(), *[vocabulary_size(wordpiece())] * 2),
    "wordpiece, added with the id of another": lambda: with_added(wordpiece(), 58),
    "unigram, two added with one new id": lambda: with_added(unigram(), *[vocabulary_size(unigram())] * 2),
    "xlmr, two added with one new id": lambda: with_added(divided(), *[vocabulary_size(divided())] * 2),
}  # fmt: skip


@pytest.fixture(params=MADE)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A model with as many rows as its vocabulary has tokens, as model2vec wants it."""
    definition = MADE[request.param]()
    rows = Tokenizer.from_str(json.dumps(definition)).get_vocab_size()
    folder = TinyModel(definition, mapping="int32").build(tmp_path / "model")
    with (folder / "model.safetensors").open("wb") as file:
        write_safetensors(file, {"embeddings": np.ones((rows, 4), np.float32)})
    return folder


def test_all_tokens_are_there_in_a_fixed_order(folder: Path, tmp_path: Path) -> None:
    ids = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    model = StaticModel.from_pretrained(folder)
    assert model.tokens == tuple(sorted(ids, key=lambda token: (ids[token], token)))
    model.save_packed(tmp_path / "packed.safetensors")
    model.save_pretrained(tmp_path / "saved")
    for place in (tmp_path / "packed.safetensors", tmp_path / "saved"):
        again = StaticModel.from_pretrained(place)
        assert again.tokens == model.tokens
        assert again.tokenize(SAMPLE_TEXTS) == model.tokenize(SAMPLE_TEXTS)


def test_the_order_is_that_of_another_start(folder: Path) -> None:
    """The library's own order of two tokens with one id changes from start to start."""
    program = (
        "import sys; from m2v_lite import StaticModel as M; print(M.from_pretrained(sys.argv[1]).tokens)"
    )
    command = [sys.executable, "-c", program, str(folder)]
    done = [
        subprocess.run(command, capture_output=True, check=True, timeout=LONGEST).stdout for _ in range(4)
    ]
    assert len(set(done)) == 1


def test_model2vec_has_the_same_tokens(folder: Path, peers_python: str) -> None:
    program = """
import json, sys
from model2vec import StaticModel
print(json.dumps(StaticModel.from_pretrained(sys.argv[1]).tokens))
"""
    done = subprocess.run(
        [peers_python, "-c", program, str(folder)], capture_output=True, check=True, timeout=LONGEST
    )
    model = StaticModel.from_pretrained(folder)
    ids = model.tokenizer.get_vocab()
    theirs = dict.fromkeys(json.loads(done.stdout))
    assert in_order({token: ids[token] for token in theirs}) == model.tokens


@pytest.mark.parametrize(
    "text",
    ["[]", "{}", "5", "", "{", '{"model": 5}', '{"model": {"vocab": 5}}', '{"model": {"vocab": {"a": "b"}}}', "[" * 100_000],
)  # fmt: skip
@pytest.mark.parametrize("kind", [wordpiece, divided])
def test_a_packed_model_whose_definition_holds_no_vocabulary(
    kind: Callable[[], dict[str, Any]], text: str, tmp_path: Path
) -> None:
    packed = str(tmp_path / "packed.safetensors")
    StaticModel.from_pretrained(TinyModel(kind()).build(tmp_path / "model")).save_packed(packed)
    file = SafetensorsFile(packed)
    tensors = {name: np.array(file.view(name)) for name in file.tensors}
    tensors["tokenizer.json"] = np.frombuffer(zlib.compress(text.encode(), 0), np.uint8)
    metadata = {name.removeprefix(PREFIX): entry for name, entry in file.metadata.items()}
    del metadata["checksums"], metadata["version"]
    write_packed(packed, tensors, metadata)
    model = StaticModel.from_pretrained(packed)
    with pytest.raises(InvalidModelError, match=r"tokenizer\.json holds no vocabulary .*pack"):
        _ = model.tokens
