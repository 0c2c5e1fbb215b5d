"""Tiny models of every tokenizer kind, layout and dtype, the same wherever and whenever they are built."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from definitions import added_token as added_token, tokenizer as tokenizer
from numpy.typing import NDArray
from unigram_models import divided, joined

from m2v_lite.files.layouts import LAYOUTS
from m2v_lite.files.packed_format import TOKENIZER, packed_text
from m2v_lite.files.safetensors import SafetensorsFile, write_safetensors
from m2v_lite.loading import BUNDLED_MODEL

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["the", "cat", "sat", "on", "mat", "hello", "world", "kettle", "rain", "straße", "été", "日", "本"]
PIECES = ["##ing", "##ed", "##tle", "##in", "##é", "##ß"]
MARKS = list(".,;:!?'\"()[]-_#/0123456789")
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def wordpiece() -> dict[str, Any]:
    tokens = [*SPECIALS, *LETTERS, *[f"##{letter}" for letter in LETTERS], *WORDS, *PIECES, *MARKS]
    bert = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    model = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": {token: index for index, token in enumerate(tokens)},
    }
    added = [added_token(token, index) for index, token in enumerate(SPECIALS)]
    return tokenizer(model, {"type": "BertNormalizer", **bert}, {"type": "BertPreTokenizer"}, added)


def wordpiece_that_truncates_and_pads() -> dict[str, Any]:
    return {
        **wordpiece(),
        "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
        "padding": {
            "strategy": {"Fixed": 6},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        },
    }


def wordpiece_with_added_tokens() -> dict[str, Any]:
    definition = wordpiece()
    first = len(definition["model"]["vocab"])
    definition["added_tokens"] += [
        added_token("new york", first, special=False, normalized=True),
        added_token("Sat", first + 1, special=False, single_word=True),
        added_token("<l>", first + 2, special=False, lstrip=True),
        added_token("<r>", first + 3, special=False, rstrip=True),
        added_token("ÉTÉ", first + 4, special=False, normalized=True, single_word=True),
    ]
    return definition


def wordlevel() -> dict[str, Any]:
    tokens = ["[UNK]", *WORDS, *MARKS]
    model = {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {t: i for i, t in enumerate(tokens)}}
    return tokenizer(model, {"type": "Lowercase"}, {"type": "Whitespace"}, [added_token("[UNK]", 0)])


def unigram(unk_id: int | None = 1) -> dict[str, Any]:
    pieces = ["[PAD]", "[UNK]", "▁", *[f"▁{word}" for word in WORDS], *LETTERS, *MARKS, "ing", "ed", "tle"]
    vocabulary = [[piece, -1.0 - 0.25 * len(piece) ** 0.5 - index / 64] for index, piece in enumerate(pieces)]
    model = {"type": "Unigram", "unk_id": unk_id, "vocab": vocabulary, "byte_fallback": False}
    space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    split = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, space]}
    added = [added_token("[PAD]", 0), added_token("[UNK]", 1)]
    return tokenizer(model, {"type": "NFKC"}, split, added)


def unigram_that_drops_a_full_stop() -> dict[str, Any]:
    pieces = [piece for piece, _ in unigram()["model"]["vocab"]]
    return unigram(unk_id=pieces.index("."))


_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}


def bpe(unk_token: str | None = None) -> dict[str, Any]:
    """A byte-level BPE: without an unknown token every byte must be a token."""
    shifted = iter(range(256, 512))
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    byte_tokens = [chr(byte if byte in printable else next(shifted)) for byte in range(256)]
    merges = [["t", "h"], ["th", "e"], ["a", "t"], ["c", "at"], ["Ġ", "c"], ["Ġ", "the"], ["l", "l"]]
    tokens = [*byte_tokens, *("".join(pair) for pair in merges)]
    if unk_token is not None:
        tokens.append(unk_token)
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": unk_token,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "vocab": {token: index for index, token in enumerate(tokens)},
        "merges": merges,
    }
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return tokenizer(model, None, level, [])


def bpe_of_words() -> dict[str, Any]:
    """A byte-level BPE of words between white space, which are normalized by SentencePiece's rules."""
    split = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, _BYTE_LEVEL]}
    nfkc = {"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "NFKC"}, {"type": "Lowercase"}]}
    added = [added_token("[MASK]", vocabulary_size(bpe()), rstrip=True)]
    return {**bpe(), "normalizer": nfkc, "pre_tokenizer": split, "added_tokens": added}


def vocabulary_size(definition: dict[str, Any]) -> int:
    ids = range(len(definition["model"]["vocab"]))
    return len({*ids, *(token["id"] for token in definition["added_tokens"])})


def random_table(rows: int, dim: int, dtype: str, seed: int = 0) -> NDArray[Any]:
    """Return a table of numbers that float16 holds exactly; integers keep it the same with any numpy."""
    integers = np.random.default_rng(seed).integers(-127, 128, size=(rows, dim))
    return integers.astype(dtype) if dtype == "int8" else (integers / 64 + integers**3 / 2**20).astype(dtype)


@dataclass(frozen=True)
class TinyModel:
    """A recipe for a model folder."""

    definition: dict[str, Any] = field(default_factory=wordpiece)
    dtype: str = "float32"
    dim: int = 24
    layout: int = 0
    weights: str | None = None
    mapping: str | None = None
    shared_rows: int = 32
    config: dict[str, Any] = field(default_factory=lambda: {"normalize": True})

    def tensors(self) -> dict[str, NDArray[Any]]:
        tokens = vocabulary_size(self.definition)
        rows = tokens if self.mapping is None else self.shared_rows
        name = "embeddings" if self.layout == 0 else "embedding.weight"
        tensors = {name: random_table(rows, self.dim, self.dtype)}
        generator = np.random.default_rng(1)
        if self.mapping is not None:
            tensors["mapping"] = generator.integers(0, rows, tokens).astype(self.mapping)
        if self.weights is not None:
            tensors["weights"] = (generator.integers(1, 2**20, tokens) / 2**18).astype(self.weights)
        return tensors

    def build(self, folder: Path) -> Path:
        """Write the model to `folder` and return it."""
        layout = LAYOUTS[self.layout]
        for name in layout.files():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / layout.config).write_text(json.dumps(self.config))
        (folder / layout.tokenizer).write_text(json.dumps(self.definition), encoding="utf-8")
        with (folder / layout.table).open("wb") as file:
            write_safetensors(file, self.tensors())
        return folder


TINY_MODELS = {
    "wordpiece-float32": TinyModel(),
    "wordpiece-float16": TinyModel(dtype="float16"),
    "wordpiece-float64": TinyModel(dtype="float64"),
    "wordpiece-int8": TinyModel(dtype="int8"),
    "wordpiece-1-column": TinyModel(dim=1, config={"normalize": False}),
    "wordpiece-1-column-float16": TinyModel(dim=1, dtype="float16", config={}),
    "wordpiece-2-columns": TinyModel(dim=2),
    "wordpiece-truncates-and-pads": TinyModel(wordpiece_that_truncates_and_pads()),
    "wordpiece-added-tokens": TinyModel(wordpiece_with_added_tokens()),
    "wordpiece-max-length-3": TinyModel(config={"normalize": True, "max_length": 3}),
    "wordpiece-no-limit": TinyModel(config={"max_length": None}),
    "wordpiece-weights": TinyModel(weights="float32"),
    "wordpiece-shared": TinyModel(mapping="int32"),
    "wordpiece-shared-weights-float64": TinyModel(mapping="int32", weights="float64"),
    "wordpiece-float16-weights": TinyModel(dtype="float16", mapping="int32", weights="float32"),
    "wordpiece-float16-weights-float64": TinyModel(dtype="float16", weights="float64"),
    "wordpiece-float64-weights": TinyModel(dtype="float64", mapping="int64", weights="float32"),
    "wordpiece-weights-float16": TinyModel(weights="float16"),
    "wordpiece-int8-weights-float16": TinyModel(dtype="int8", weights="float16", mapping="uint16"),
    "wordpiece-float16-weights-float16": TinyModel(dtype="float16", weights="float16", mapping="uint64"),
    "wordpiece-mapping-int16": TinyModel(mapping="int16", config={"normalize": False}),
    "wordlevel-sentence-transformers": TinyModel(wordlevel(), layout=1),
    "unigram-nested": TinyModel(unigram(), layout=2),
    "unigram-int8-shared-weights": TinyModel(unigram(), dtype="int8", mapping="int64", weights="float64"),
    "unigram-int8-weights-float32": TinyModel(unigram(), dtype="int8", weights="float32"),
    "unigram-drops-full-stop": TinyModel(unigram_that_drops_a_full_stop()),
    "xlmr-divided": TinyModel(divided()),
    "xlmr-joined-int8": TinyModel(joined(), dtype="int8", mapping="int32"),
    "bpe": TinyModel(bpe()),
    "bpe-words": TinyModel(bpe_of_words()),
    "bpe-unknown": TinyModel(bpe("<unk>"), layout=1, config={"normalize": False}),
}


def bundled_definition() -> dict[str, Any]:
    """Return the content of the bundled model's tokenizer.json."""
    definition: dict[str, Any] = json.loads(packed_text(SafetensorsFile(BUNDLED_MODEL), TOKENIZER))
    return definition
