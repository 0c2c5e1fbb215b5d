"""Loading models: layouts, options, dtypes, and all that can be wrong with a folder."""

from __future__ import annotations

import copy
import gc
import json
import os
import pickle
import struct
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sample_texts import SAMPLE_TEXTS
from time_limit import LONGEST
from tiny_models import (
    TINY_MODELS,
    TinyModel,
    added_token,
    bpe,
    random_table,
    unigram,
    vocabulary_size,
    wordlevel,
    wordpiece,
)
from unigram_models import joined

from m2v_lite import (
    InputTypeError,
    InputValueError,
    InvalidModelError,
    M2VLiteError,
    ModelNotFoundError,
    StaticModel,
    TokenizationError,
)
from m2v_lite.files import reading
from m2v_lite.files.layouts import find_model_files
from m2v_lite.files.safetensors import write_safetensors
from m2v_lite.files.saving import copy_model

TOKENS = vocabulary_size(wordpiece())


def write_table(folder: Path, tensors: dict[str, NDArray[Any]], **options: Any) -> None:
    with (folder / "model.safetensors").open("wb") as file:
        write_safetensors(file, tensors, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound tiny model, to be spoiled."""
    return TinyModel().build(tmp_path / "model")


def test_the_table_is_a_read_only_view_of_the_file(folder: Path) -> None:
    model = StaticModel.from_pretrained(folder)
    assert isinstance(model.embedding, np.memmap)
    assert not model.embedding.flags.writeable
    assert not model.embedding.flags.owndata


def test_attributes_as_in_model2vec(tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained(tiny("wordpiece-float16-weights"))
    assert model.dim == 24
    assert model.embedding.shape == (32, 24)
    assert model.embedding_dtype == "float16"
    assert model.vocabulary_quantization == 32
    assert model.weights is not None
    assert model.weights.shape == (TOKENS,)
    assert model.token_mapping is not None
    assert model.token_mapping.dtype == np.int32
    assert model.unk_token_id == 1
    assert model.median_token_length == 1
    assert model.tokens[:5] == ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    assert model.normalize is True
    assert model.max_length == 512
    assert model.config == {"normalize": True, "max_length": 512}
    assert model.base_model_name is None
    assert model.language is None
    assert model.tokenizer_kind == "WordPiece"
    assert StaticModel.from_pretrained(tiny("bpe")).unk_token_id is None
    assert "<StaticModel of 32 x 24 float16, WordPiece from " in repr(model)


def test_the_tokenizer_is_one_of_the_library(tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained(tiny("wordpiece-truncates-and-pads"), max_length=3)
    assert model.tokenizer.encode("the cat sat on the mat").tokens == ["the", "cat", "sat"]
    assert model.tokenizer is model.tokenizer
    model.max_length = None
    assert len(model.tokenizer.encode("the cat sat on the mat").tokens) == 6


def test_settings_can_be_changed(tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained(tiny("wordpiece-float32"))
    raw = model.encode("the cat sat", normalize=False, max_length=2)
    model.normalize = False
    model.max_length = 2
    np.testing.assert_array_equal(model.encode("the cat sat"), raw)
    assert model.config["normalize"] is False
    assert model.config["max_length"] == 2
    with pytest.raises(InputValueError, match="max_length"):
        model.max_length = 0


def test_settings_of_the_call_go_before_the_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"normalize": true, "max_length": 7}')
    model = StaticModel.from_pretrained(folder, normalize=False, max_length=None)
    assert (model.normalize, model.max_length) == (False, None)
    model = StaticModel.from_pretrained(folder)
    assert (model.normalize, model.max_length) == (True, 7)


def test_a_config_with_nulls_and_wrong_sizes(folder: Path) -> None:
    (folder / "config.json").write_text('{"normalize": null, "hidden_dim": 999}')
    model = StaticModel.from_pretrained(folder)
    assert (model.normalize, model.max_length, model.dim) == (False, 512, 24)


@pytest.mark.parametrize("columns", [1, 7, 24])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_dimensionality_is_a_view(columns: int, dtype: str, tiny: Callable[[str], Path]) -> None:
    whole = StaticModel.from_pretrained(tiny(f"wordpiece-{dtype}"))
    part = StaticModel.from_pretrained(tiny(f"wordpiece-{dtype}"), dimensionality=columns)
    assert part.dim == columns
    assert isinstance(part.embedding, np.memmap)
    assert not part.embedding.flags.owndata
    texts = SAMPLE_TEXTS[:40]
    raw = whole.encode(texts, normalize=False)[:, :columns]
    if columns > 1:  # numpy adds a single column pairwise, so the last bits differ, as in model2vec
        np.testing.assert_array_equal(part.encode(texts, normalize=False), raw)
    else:
        np.testing.assert_allclose(part.encode(texts, normalize=False), raw, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0, InputValueError, "is 0; give a whole number of at least 1"),
        (25, InputValueError, "is 25, but the model has 24 columns; give at most 24"),
        (True, InputTypeError, "is bool True; give a whole number of at least 1"),
        ("8", InputTypeError, "is str '8'; give a whole number of at least 1"),
    ],
)
def test_impossible_dimensionality(value: Any, error: type[Exception], message: str, folder: Path) -> None:
    with pytest.raises(error, match=f"^dimensionality {message}$"):
        StaticModel.from_pretrained(folder, dimensionality=value)


def test_impossible_options(folder: Path) -> None:
    with pytest.raises(InputValueError, match="quantize_to is 'int4'; give one of float16"):
        StaticModel.from_pretrained(folder, quantize_to="int4")
    with pytest.raises(InputValueError, match="do it once with model2vec"):
        StaticModel.from_pretrained(folder, vocabulary_quantization=64)  # type: ignore[arg-type]
    with pytest.raises(InputValueError, match="max_length is 0"):
        StaticModel.from_pretrained(folder, max_length=0)


def test_quantizing_an_all_zero_table(folder: Path) -> None:
    write_table(folder, {"embeddings": np.zeros((TOKENS, 4), np.float32)})
    assert not StaticModel.from_pretrained(folder, quantize_to="int8").embedding.any()


def bfloat16_codes(table: NDArray[Any]) -> NDArray[np.uint16]:
    return (table.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def test_bfloat16(tmp_path: Path) -> None:
    """A bfloat16 table gives what its numbers give as float32."""
    codes = bfloat16_codes(random_table(TOKENS, 24, "float32"))
    widened = (codes.astype(np.uint32) << 16).view(np.float32)
    for name, table, options in (
        ("bf16", codes, {"bfloat16": ("embeddings",)}),
        ("f32", widened, {}),
    ):
        TinyModel(weights="float32").build(tmp_path / name)
        weights = TinyModel(weights="float32").tensors()["weights"]
        write_table(tmp_path / name, {"embeddings": table, "weights": weights}, **options)
    ours = StaticModel.from_pretrained(tmp_path / "bf16")
    reference = StaticModel.from_pretrained(tmp_path / "f32")
    assert ours.embedding_dtype == "bfloat16"
    assert isinstance(ours.embedding, np.memmap)
    np.testing.assert_array_equal(ours.encode(SAMPLE_TEXTS), reference.encode(SAMPLE_TEXTS))
    assert ours.encode(SAMPLE_TEXTS).dtype == np.float32
    for part, expected in zip(
        ours.encode_as_sequence(SAMPLE_TEXTS), reference.encode_as_sequence(SAMPLE_TEXTS), strict=True
    ):
        np.testing.assert_array_equal(part, expected)
    as_int8 = StaticModel.from_pretrained(tmp_path / "bf16", quantize_to="int8")
    expected_codes = StaticModel.from_pretrained(tmp_path / "f32", quantize_to="int8").embedding
    np.testing.assert_array_equal(as_int8.embedding, expected_codes)
    ours.save_pretrained(tmp_path / "again")
    again = StaticModel.from_pretrained(tmp_path / "again")
    assert again.embedding_dtype == "bfloat16"
    np.testing.assert_array_equal(again.encode(SAMPLE_TEXTS), ours.encode(SAMPLE_TEXTS))


def test_an_unaligned_table(folder: Path) -> None:
    """The format lets data begin anywhere; numpy's `take` would copy such a table whole."""
    table = random_table(TOKENS, 24, "float32")
    expected = StaticModel.from_pretrained(folder).encode(SAMPLE_TEXTS)
    entry = {"dtype": "F32", "shape": list(table.shape), "data_offsets": [0, table.nbytes]}
    header = json.dumps({"embeddings": entry}).encode()
    header += b" " * ((1 - len(header)) % 8)
    content = struct.pack("<Q", len(header)) + header + table.tobytes()
    (folder / "model.safetensors").write_bytes(content)
    model = StaticModel.from_pretrained(folder)
    assert not model.embedding.flags.aligned
    np.testing.assert_array_equal(model.encode(SAMPLE_TEXTS), expected)


def test_not_a_number_is_data(folder: Path) -> None:
    table = random_table(TOKENS, 24, "float32")
    table[:, 0] = np.nan
    table[:, 1] = np.inf
    write_table(folder, {"embeddings": table})
    vector = StaticModel.from_pretrained(folder).encode("the cat", normalize=False)
    assert np.isnan(vector[0])
    assert np.isinf(vector[1])
    assert np.isfinite(vector[2:]).all()


def test_loading_writes_nothing(folder: Path) -> None:
    """As on a read-only file system: no file is opened for writing, made or removed."""
    program = """
import os, sys
from m2v_lite import StaticModel
events = []
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        mode, flags = arguments[1], arguments[2] or 0
        if set(mode or "") & set("wax+") or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            events.append((event, arguments))
    elif event in ("os.mkdir", "os.remove", "os.rename", "os.chmod", "os.truncate", "os.utime", "os.link"):
        events.append((event, arguments))
sys.addaudithook(hook)
StaticModel.from_pretrained(sys.argv[1]).encode(["the cat", "sat"])
assert not events, events
open(os.devnull, "w").close()
assert events, "the hook sees nothing"
"""
    subprocess.run([sys.executable, "-B", "-c", program, str(folder)], check=True, timeout=LONGEST)


def test_a_path_may_be_relative_text_or_in_the_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("HOME", str(folder.parent))
    for path in ("model", "./model", "~/model", Path("model"), str(folder)):
        assert StaticModel.from_pretrained(path).dim == 24
    monkeypatch.chdir(folder)
    assert StaticModel.from_pretrained(".").dim == 24


def test_inside_the_nested_folder(tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    outer = tiny("unigram-nested")
    expected = StaticModel.from_pretrained(outer).encode(SAMPLE_TEXTS)
    inner = StaticModel.from_pretrained(outer / "0_StaticEmbedding")
    np.testing.assert_array_equal(inner.encode(SAMPLE_TEXTS), expected)
    assert inner.normalize is True
    monkeypatch.chdir(outer / "0_StaticEmbedding")
    assert StaticModel.from_pretrained(".").normalize is True
    subfolder = StaticModel.from_pretrained(outer.parent, subfolder=outer.name)
    np.testing.assert_array_equal(subfolder.encode(SAMPLE_TEXTS), expected)


# What is wrong with a folder: how to spoil a sound one, the error, and what it says.


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def write(name: str, content: str | bytes) -> Callable[[Path], None]:
    data = content.encode() if isinstance(content, str) else content

    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return spoil


def tensors(**arrays: NDArray[Any]) -> Callable[[Path], None]:
    return lambda folder: write_table(folder, arrays)


def table(rows: int = TOKENS, dtype: str = "float32") -> NDArray[Any]:
    return random_table(rows, 8, dtype)


def mapping(dtype: str = "int32", size: int = TOKENS, **entries: int) -> NDArray[Any]:
    array = np.zeros(size, dtype)
    array[-1] = entries.get("last", 0)
    return array


SPOILED: dict[str, tuple[Callable[[Path], None], type[M2VLiteError], str]] = {
    "no tokenizer": (remove("tokenizer.json"), ModelNotFoundError, r"nearest layout \(model2vec\): tokenizer.json"),
    "no table": (remove("model.safetensors"), ModelNotFoundError, r"nearest layout \(model2vec\): model.safetensors"),
    "empty table": (write("model.safetensors", ""), InvalidModelError, "model.safetensors: .* it is empty"),
    "truncated table": (write("model.safetensors", b"\x50" + b"\0" * 7 + b"{" * 20), InvalidModelError, "the file ends after"),
    "another kind of table": (write("model.safetensors", "some notes"), InvalidModelError, "like another kind of file"),
    "empty config": (write("config.json", ""), InvalidModelError, "config.json: the config cannot be read as JSON"),
    "broken config": (write("config.json", "{"), InvalidModelError, "cannot be read as JSON"),
    "config in another encoding": (write("config.json", b'{"a": "\xe9"}'), InvalidModelError, "cannot be read"),
    "config nested absurdly": (write("config.json", "[" * 100_000), InvalidModelError, "cannot be read as JSON"),
    "config is a list": (write("config.json", "[]"), InvalidModelError, "not a JSON object"),
    "normalize is a text": (write("config.json", '{"normalize": "no"}'), InvalidModelError, "'normalize' is 'no'"),
    "max_length is 0": (write("config.json", '{"max_length": 0}'), InvalidModelError, "'max_length' is 0"),
    "max_length is true": (write("config.json", '{"max_length": true}'), InvalidModelError, "'max_length' is True"),
    "empty tokenizer": (write("tokenizer.json", ""), InvalidModelError, "tokenizer.json: not a valid tokenizer.json"),
    "broken tokenizer": (write("tokenizer.json", '{"model": 3}'), InvalidModelError, "tokenizers cannot read"),
    "tokenizer in another encoding": (write("tokenizer.json", b"\xff\xfe"), InvalidModelError, "not a valid tokenizer.json"),
    "a sentence transformer": (
        tensors(**{f"encoder.layer.{n}.weight": table() for n in range(8)}),
        InvalidModelError,
        r"not a static model: .* tensors found: encoder.layer.0.weight, .* and 3 more.*distil",
    ),
    "no tensors": (write("model.safetensors", struct.pack("<Q", 2) + b"{}"), InvalidModelError, "found: none"),
    "one-dimensional table": (tensors(embeddings=table()[:, 0]), InvalidModelError, "must have 2 dimensions"),
    "three-dimensional table": (tensors(embeddings=table()[None]), InvalidModelError, "must have 2 dimensions"),
    "table without columns": (tensors(embeddings=table()[:, :0]), InvalidModelError, "has no columns"),
    "table of integers": (tensors(embeddings=table().astype("int16")), InvalidModelError, "I16; m2v_lite reads F64, F32, F16, BF16, I8"),
    "table of uint16": (tensors(embeddings=abs(table()).astype("uint16")), InvalidModelError, "dtype U16"),
    "too few rows": (tensors(embeddings=table(TOKENS - 1)), InvalidModelError, f"{TOKENS - 1} rows, but the vocabulary has {TOKENS}"),
    "too many rows": (tensors(embeddings=table(TOKENS + 1)), InvalidModelError, f"{TOKENS + 1} rows, but the vocabulary has {TOKENS}"),
    "no rows": (tensors(embeddings=table(0)), InvalidModelError, "0 rows"),
    "mapping past the end": (tensors(embeddings=table(9), mapping=mapping(last=9)), InvalidModelError, "row 9, but the table has rows 0 to 8"),
    "negative mapping": (tensors(embeddings=table(9), mapping=mapping(last=-1)), InvalidModelError, "refers to row -1"),
    "huge mapping": (tensors(embeddings=table(9), mapping=mapping("int64", last=2**62)), InvalidModelError, "refers to row 4611686018427387904"),
    "mapping of floats": (tensors(embeddings=table(9), mapping=mapping("float32")), InvalidModelError, "'mapping' has dtype F32; m2v_lite reads I64, I32,"),
    "mapping of two dimensions": (tensors(embeddings=table(9), mapping=mapping()[None]), InvalidModelError, "must have 1 dimension"),
    "short mapping": (tensors(embeddings=table(9), mapping=mapping(size=TOKENS - 1)), InvalidModelError, f"id {TOKENS - 1} is past the end of the mapping"),
    "short weights": (tensors(embeddings=table(), weights=np.ones(TOKENS - 1)), InvalidModelError, f"id {TOKENS - 1} is past the end of the weights"),
    "weights of integers": (tensors(embeddings=table(), weights=np.ones(TOKENS, "int32")), InvalidModelError, "'weights' has dtype I32; m2v_lite reads F64, F32, F16"),
    "git-lfs pointer": (write("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:4f"), InvalidModelError, "git lfs pull"),
    "git-lfs pointer for the tokenizer": (write("tokenizer.json", "version https://git-lfs.github.com/spec/v1\n"), InvalidModelError, "tokenizer.json: this is a git-lfs pointer"),
    "max_length beyond all": (write("config.json", json.dumps({"max_length": 10**30})), InvalidModelError, "'max_length' is 1000"),
    "normalize is a long text": (write("config.json", '{"normalize": "%s"}' % ("x" * 10**6)), InvalidModelError, "'normalize' is 'xxx"),
    "weights of two dimensions": (tensors(embeddings=table(), weights=np.ones((TOKENS, 1))), InvalidModelError, "must have 1 dimension"),
}  # fmt: skip


@pytest.mark.parametrize("case", SPOILED)
def test_spoiled_model(case: str, folder: Path) -> None:
    spoil, error, message = SPOILED[case]
    spoil(folder)
    with pytest.raises(error, match=message) as caught:
        StaticModel.from_pretrained(folder)
    assert str(folder) in str(caught.value)
    assert len(str(caught.value)) < 1500


ODD_ENTRIES: list[dict[str, Any]] = [
    {"normalizer": {"type": ["Lowercase"]}},
    {"normalizer": {"type": {}}},
    {"normalizer": {"type": "Sequence", "normalizers": [None, {"type": ["NFC"]}]}},
    {"pre_tokenizer": {"type": ["Whitespace"]}},
    {"model": {"type": ["WordPiece"]}},
    {"added_tokens": {}},
    {"version": ["1.0"]},
]


@pytest.mark.parametrize("make", [wordpiece, unigram, joined, bpe, wordlevel])
@pytest.mark.parametrize("odd", ODD_ENTRIES, ids=str)
def test_entries_of_a_wrong_type(
    odd: dict[str, Any], make: Callable[[], dict[str, Any]], tmp_path: Path
) -> None:
    TinyModel(make()).build(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **odd}))
    with pytest.raises(InvalidModelError, match=r"tokenizer\.json: tokenizers cannot read this file"):
        StaticModel.from_pretrained(tmp_path)


@pytest.mark.parametrize("make", [wordpiece, joined])
def test_an_added_token_of_which_nothing_is_left(make: Callable[[], dict[str, Any]], tmp_path: Path) -> None:
    """The library takes it, never finds it, and divides the text at every place."""
    definition, sound = make(), TinyModel(make()).build(tmp_path / "sound")
    tokens = len(definition["model"]["vocab"])
    definition["added_tokens"].append(added_token("\u200b", tokens, normalized=True))
    TinyModel(definition).build(tmp_path / "odd")
    model = StaticModel.from_pretrained(tmp_path / "odd")
    texts = ["the cat", "the \u200b cat", "\u200b", ""]
    found = model.tokenizer.encode_batch(texts, add_special_tokens=False)
    assert tokens not in [token for encoding in found for token in encoding.ids]
    expected = [[token for token in encoding.ids if token != model.unk_token_id] for encoding in found]
    assert model.tokenize(texts) == expected
    assert len(expected[0]) > len(StaticModel.from_pretrained(sound).tokenize(texts)[0])


def test_an_id_beyond_a_vocabulary_with_holes(tmp_path: Path) -> None:
    definition = wordpiece()
    vocabulary = definition["model"]["vocab"]
    vocabulary["hello"] = 5 * TOKENS
    TinyModel(definition).build(tmp_path)
    write_table(tmp_path, {"embeddings": table()})
    with pytest.raises(InvalidModelError, match=f"token id {5 * TOKENS} is past the end of the embedding"):
        StaticModel.from_pretrained(tmp_path)


def test_a_tokenizer_without_tokens(tmp_path: Path) -> None:
    definition = wordpiece()
    definition["model"]["vocab"] = {}
    definition["added_tokens"] = []
    TinyModel(definition).build(tmp_path)
    write_table(tmp_path, {"embeddings": table()})
    with pytest.raises(InvalidModelError, match="has no tokens"):
        StaticModel.from_pretrained(tmp_path)


@pytest.mark.parametrize("path", [3, b"/tmp", ["a"], 1.5])
def test_paths_of_a_wrong_type(path: Any, folder: Path) -> None:
    for load in (StaticModel.from_pretrained, StaticModel.from_pretrained(folder).save_pretrained):
        with pytest.raises(InputTypeError, match=r"path is .*; give a str or a pathlib\.Path"):
            load(path)
    with pytest.raises(InputTypeError, match="subfolder is"):
        StaticModel.from_pretrained(folder, subfolder=path)


def test_switches_are_not_texts(folder: Path) -> None:
    wrong: Any = "no"
    with pytest.raises(InputTypeError, match="normalize is str 'no'; give True or False"):
        StaticModel.from_pretrained(folder, normalize=wrong)
    with pytest.raises(InputTypeError, match="normalize is"):
        StaticModel.from_pretrained(folder).encode("a", normalize=wrong)
    with pytest.raises(InputValueError, match="contradict"):
        StaticModel.from_pretrained("a/b", force_download=True, local_files_only=True)


def test_arguments_of_the_constructor(folder: Path) -> None:
    model = StaticModel.from_pretrained(folder)
    table, wrong = np.array(model.embedding), [[1, 2]]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"vectors": wrong}, "vectors is of type list; give a numpy array"),
        ({"vectors": None}, "vectors is of type NoneType; give a numpy array"),
        ({"tokenizer": None}, r"tokenizer is of type NoneType; give a tokenizers\.Tokenizer"),
        ({"weights": [1.0]}, "weights is of type list; give a numpy array"),
        ({"token_mapping": [1]}, "token_mapping is of type list; give a numpy array"),
    ]
    for arguments, message in cases:
        with pytest.raises(InputTypeError, match=f"^{message}$"):
            StaticModel(**{"vectors": table, "tokenizer": model.tokenizer, **arguments})


@pytest.mark.parametrize("dtype", [">f4", ">u2", ">f2"])
def test_arrays_of_another_byte_order(dtype: str, folder: Path) -> None:
    model = StaticModel.from_pretrained(folder)
    table = model.embedding.astype("<f4") if dtype != ">u2" else bfloat16_codes(model.embedding)
    native = StaticModel(table.astype(dtype[1:]), model.tokenizer)
    other = StaticModel(table.astype(dtype), model.tokenizer)
    assert other.encode(SAMPLE_TEXTS).dtype.isnative
    np.testing.assert_array_equal(other.encode(SAMPLE_TEXTS), native.encode(SAMPLE_TEXTS))


@pytest.mark.parametrize("layout", [0, 1])
def test_the_layout_says_which_of_two_tables(layout: int, tmp_path: Path) -> None:
    TinyModel(layout=layout).build(tmp_path)
    native, other = table(), -table()
    write_table(tmp_path, {"embeddings": native, "embedding.weight": other})
    embedding = StaticModel.from_pretrained(tmp_path).embedding
    np.testing.assert_array_equal(embedding, other if layout else native)


def test_a_stray_config_in_the_parent_is_not_used(tmp_path: Path) -> None:
    TinyModel(layout=1).build(tmp_path / "model")
    (tmp_path / "model" / "config_sentence_transformers.json").rename(
        tmp_path / "config_sentence_transformers.json"
    )
    with pytest.warns(UserWarning, match=r"no config\.json"):
        model = StaticModel.from_pretrained(tmp_path / "model")
    assert not model.normalize


@pytest.mark.parametrize("kind", ["bert", "library"])
def test_the_median_length_is_rounded_down(kind: str, tmp_path: Path) -> None:
    definition = wordpiece() if kind == "bert" else wordlevel()
    tokens = ["[UNK]", "a", "bb", "ccc", "[PAD]", "dd"]  # lengths 1 2 2 3 5 5: the median is 2.5
    definition["model"]["vocab"] = {token: index for index, token in enumerate(tokens)}
    definition["added_tokens"] = []
    TinyModel(definition, dim=4).build(tmp_path)
    assert StaticModel.from_pretrained(tmp_path).median_token_length == 2


def test_the_scale_is_that_of_all_columns(folder: Path) -> None:
    array = table()
    array[3, -1] = 1000
    write_table(folder, {"embeddings": array})
    codes = StaticModel.from_pretrained(folder, quantize_to="int8").embedding
    part = StaticModel.from_pretrained(folder, quantize_to="int8", dimensionality=2).embedding
    np.testing.assert_array_equal(part, codes[:, :2])
    assert codes[3, -1] == 127


def test_saving_does_not_copy_a_strided_table(tmp_path: Path, folder: Path) -> None:
    import tracemalloc

    recipe = TinyModel(dim=64, mapping="int32", shared_rows=200_000)
    model = StaticModel.from_pretrained(recipe.build(tmp_path / "large"), dimensionality=32)
    tracemalloc.start()
    try:
        model.save_pretrained(tmp_path / "saved")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20  # the table has 25 MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("broken", range(1, 6))
def test_a_disk_that_fails_while_saving(broken: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever file fails to reach the disk, the old model stays whole."""
    model = StaticModel.from_pretrained(folder, dimensionality=8)
    model.save_pretrained(folder)
    model.normalize = False
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    calls = iter(range(1, 10))

    def fsync(descriptor: int) -> None:
        if next(calls) == broken:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(OSError, match=r"No space left on device: '.*/model/.*'"):
        model.save_pretrained(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that files get, in order."""
    names: list[str] = []
    replace = os.replace

    def noted(source: str, target: str) -> None:
        names.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", noted)
    return names


def test_the_config_is_renamed_last(folder: Path, tmp_path: Path, renamed: list[str]) -> None:
    StaticModel.from_pretrained(folder).save_pretrained(tmp_path / "saved")
    assert renamed[0] == "model.safetensors"
    assert renamed[-1] == "config.json"


@pytest.mark.parametrize("has_card", [False, True])
@pytest.mark.parametrize("layout", [0, 1, 2])
def test_a_copy_renames_the_config_last_too(
    layout: int, has_card: bool, tmp_path: Path, renamed: list[str]
) -> None:
    TinyModel(layout=layout).build(tmp_path / "model")
    if has_card:
        (tmp_path / "model" / "README.md").write_text("")
    files = find_model_files(str(tmp_path / "model"))
    copy_model(files, str(tmp_path / "copy"))
    assert len(renamed) == 3 + has_card
    assert renamed[-1] == Path(files.config).name


PANICS: dict[str, dict[str, Any]] = {
    "charsmap": {**bpe(), "normalizer": {"type": "Precompiled", "precompiled_charsmap": ""}},
    "prefix": {**bpe(), "model": {**bpe()["model"], "continuing_subword_prefix": "####"}},
}


@pytest.mark.parametrize("case", PANICS)
def test_a_tokenizer_that_makes_the_library_panic(case: str, tmp_path: Path) -> None:
    TinyModel(PANICS[case]).build(tmp_path)
    with pytest.raises(InvalidModelError, match=r"tokenizer\.json: tokenizers cannot read this file"):
        StaticModel.from_pretrained(tmp_path)


def test_a_tokenizer_that_makes_the_library_panic_on_a_text(tmp_path: Path) -> None:
    definition = {**bpe(), "normalizer": {"type": "Precompiled", "precompiled_charsmap": "BAAAAP////8A"}}
    TinyModel(definition).build(tmp_path)
    with pytest.raises(TokenizationError, match="cannot tokenize 'the cat'"):
        StaticModel.from_pretrained(tmp_path).encode("the cat")


def test_paths_that_are_no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (
        "/no/such/folder",
        "./missing",
        "a/b/c",
        "",
        "what?",
        "my--model",
        "a/b..c",
        "a/x.git",
        "a/b-",
    ):
        with pytest.raises(ModelNotFoundError, match="no such folder"):
            StaticModel.from_pretrained(path)
    with pytest.raises(ModelNotFoundError, match="give only the owner/name"):
        StaticModel.from_pretrained("https://huggingface.co/owner/name")
    for path in ("~nosuchuser/m", "x" * 5000, "a/" + "x" * 100):
        with pytest.raises(ModelNotFoundError, match="no such folder"):
            StaticModel.from_pretrained(path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidModelError, match=r"it is empty.*give a packed model or a model folder"):
        StaticModel.from_pretrained(tmp_path / "file")
    with (tmp_path / "file").open("wb") as file:
        write_safetensors(file, {"embeddings": np.eye(2)})
    with pytest.raises(ModelNotFoundError, match=r"not a packed model; if .*, give the folder"):
        StaticModel.from_pretrained(tmp_path / "file")
    for subfolder in ("missing", "x" * 400):
        with pytest.raises(ModelNotFoundError, match="no such folder"):
            StaticModel.from_pretrained(tmp_path, subfolder=subfolder)
    with pytest.raises(ModelNotFoundError) as caught:
        StaticModel.from_pretrained(tmp_path)
    for layout in ("model2vec:", "sentence-transformers:", "sentence-transformers, nested:"):
        assert layout in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_the_nearest_layout_is_named(tmp_path: Path) -> None:
    TinyModel(layout=2).build(tmp_path)
    (tmp_path / "0_StaticEmbedding" / "tokenizer.json").unlink()
    with pytest.raises(ModelNotFoundError, match=r"nested\): 0_StaticEmbedding/tokenizer\.json\."):
        StaticModel.from_pretrained(tmp_path)


def test_a_text_that_the_tokenizer_refuses(tmp_path: Path) -> None:
    """A Unigram model without an unknown token cannot say what it does not know."""
    TinyModel(unigram(unk_id=None)).build(tmp_path)
    model = StaticModel.from_pretrained(tmp_path)
    assert model.encode("cat sat").any()
    with pytest.raises(TokenizationError, match="Unigram tokenizer cannot tokenize 'ω'"):
        model.encode(["cat", "ω"])


@pytest.mark.parametrize("name", TINY_MODELS)
def test_a_saved_model_is_the_model(name: str, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    model = StaticModel.from_pretrained(tiny(name))
    model.save_pretrained(tmp_path / "a" / "b", model_name="mine")
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == [
        "README.md", "config.json", "model.safetensors", "modules.json", "tokenizer.json"
    ]  # fmt: skip
    saved = StaticModel.from_pretrained(tmp_path / "a" / "b")
    np.testing.assert_array_equal(saved.encode(SAMPLE_TEXTS), model.encode(SAMPLE_TEXTS))
    assert saved.config["embedding_dtype"] == model.embedding_dtype
    written = (tmp_path / "a" / "b" / "config.json").read_text()
    assert written == json.dumps(saved.config, indent=4)  # as model2vec writes it
    assert saved.config.get("vocabulary_quantization") == model.vocabulary_quantization
    assert "# mine" in (tmp_path / "a" / "b" / "README.md").read_text()


def test_what_is_known_of_a_model_is_saved(bundled: StaticModel, tmp_path: Path) -> None:
    bundled.save_pretrained(tmp_path, subfolder="sub")
    saved = StaticModel.from_pretrained(tmp_path / "sub")
    assert (saved.license, saved.base_model_name) == ("mit", "baai/bge-base-en-v1.5")
    assert saved.language == ["en"]


def test_saving_over_the_mapped_model(folder: Path) -> None:
    model = StaticModel.from_pretrained(folder, dimensionality=8)
    before = model.encode(SAMPLE_TEXTS)
    model.save_pretrained(folder)
    np.testing.assert_array_equal(model.encode(SAMPLE_TEXTS), before)
    saved = StaticModel.from_pretrained(folder)
    assert saved.dim == 8
    np.testing.assert_array_equal(saved.encode(SAMPLE_TEXTS), before)


def test_a_failing_save_leaves_the_old_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = StaticModel.from_pretrained(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(*arguments: Any, **options: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("m2v_lite.files.saving.write_safetensors", fail)
    with pytest.raises(OSError, match="No space left"):
        model.save_pretrained(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_changed_tokenizer_is_not_saved(folder: Path, tmp_path: Path) -> None:
    model = StaticModel.from_pretrained(folder)
    (folder / "tokenizer.json").write_text(json.dumps(bpe()))
    with pytest.raises(InvalidModelError, match="was changed or removed after the model was loaded"):
        model.save_pretrained(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_made_of_arrays_and_a_tokenizer(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    loaded = StaticModel.from_pretrained(tiny("wordpiece-float16-weights"))
    config = {"kept": 1}
    made = StaticModel(
        np.array(loaded.embedding),
        loaded.tokenizer,
        config,
        normalize=True,
        base_model_name="base",
        language=["en"],
        weights=loaded.weights,
        token_mapping=loaded.token_mapping,
    )
    np.testing.assert_array_equal(made.encode(SAMPLE_TEXTS), loaded.encode(SAMPLE_TEXTS))
    assert config == {"kept": 1}
    made.save_pretrained(tmp_path)
    saved = StaticModel.from_pretrained(tmp_path)
    np.testing.assert_array_equal(saved.encode(SAMPLE_TEXTS), loaded.encode(SAMPLE_TEXTS))
    assert (saved.base_model_name, saved.language, saved.config["kept"]) == ("base", ["en"], 1)
    with pytest.raises(InvalidModelError, match="must have 2 dimensions"):
        StaticModel(np.zeros(3), loaded.tokenizer)
    with pytest.raises(InvalidModelError, match="3 rows, but the vocabulary"):
        StaticModel(np.zeros((3, 2)), loaded.tokenizer)
    with pytest.raises(InvalidModelError, match="refers to row 7"):
        StaticModel(np.zeros((3, 2)), loaded.tokenizer, token_mapping=np.array([7]))
    with pytest.raises(InvalidModelError, match="vectors has dtype I32; m2v_lite reads"):
        StaticModel(np.zeros((TOKENS, 2), np.int32), loaded.tokenizer)


@pytest.mark.parametrize("quantize_to", [None, "float16"])
def test_pickled_as_a_path(folder: Path, quantize_to: str | None) -> None:
    model = StaticModel.from_pretrained(
        folder, normalize=False, max_length=5, dimensionality=8, quantize_to=quantize_to
    )
    model.config["note"] = 1
    data = pickle.dumps(model)
    assert len(data) < 1500
    again = pickle.loads(data)
    assert again.encode(SAMPLE_TEXTS).dtype == model.encode(SAMPLE_TEXTS).dtype
    np.testing.assert_array_equal(again.encode(SAMPLE_TEXTS), model.encode(SAMPLE_TEXTS))
    assert again.config == model.config
    assert isinstance(again.embedding, np.memmap) is (quantize_to is None)


def test_another_model_in_the_place_of_the_pickled(folder: Path) -> None:
    model = StaticModel.from_pretrained(folder)
    data = pickle.dumps(model)
    StaticModel.from_pretrained(folder, dimensionality=8).save_pretrained(folder)
    with pytest.raises(InvalidModelError, match="these files are not those of the pickled model"):
        pickle.loads(data)


def test_copies_share_the_table(folder: Path) -> None:
    model = StaticModel.from_pretrained(folder)
    model.config["note"] = 1
    for copied in (copy.copy(model), copy.deepcopy(model)):
        assert copied.embedding is model.embedding
        copied.normalize = False
        copied.config["note"] = 2
    assert model.normalize is True
    assert model.config["note"] == 1


def test_a_model_made_of_arrays_is_pickled_whole(folder: Path) -> None:
    model = StaticModel.from_pretrained(folder)
    made = StaticModel(np.array(model.embedding), model.tokenizer, normalize=True)
    again = pickle.loads(pickle.dumps(made))
    np.testing.assert_array_equal(again.encode(SAMPLE_TEXTS), model.encode(SAMPLE_TEXTS))


def test_a_relative_path_is_found_from_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(folder.parent)
    model = StaticModel.from_pretrained(folder.name)
    monkeypatch.chdir("/")
    assert model.tokenizer.get_vocab_size() == TOKENS
    model.save_pretrained(tmp_path / "saved")
    assert pickle.loads(pickle.dumps(model)).dim == 24


def test_importing_and_loading_touch_nothing_else(folder: Path) -> None:
    """Importing imports numpy only; loading a local folder never imports huggingface_hub."""
    program = """
import os, sys, logging
environment, handlers = dict(os.environ), list(logging.getLogger().handlers)
import m2v_lite
assert not {"tokenizers", "huggingface_hub", "tqdm"} & set(sys.modules), "imported too early"
model = m2v_lite.StaticModel.from_pretrained(sys.argv[1])
model.encode(["the cat"] * 20_000)
assert not {"huggingface_hub", "tqdm"} & set(sys.modules), "imported for a local folder"
assert dict(os.environ) == environment
assert logging.getLogger().handlers == handlers
"""
    environment = {name: value for name, value in os.environ.items() if "TOKENIZERS" not in name}
    command = [sys.executable, "-c", program, str(folder)]
    subprocess.run(command, check=True, env=environment, timeout=LONGEST)


def test_the_size_of_the_memo(bundled: StaticModel) -> None:
    small = StaticModel.from_pretrained(memo_bytes=1)
    np.testing.assert_array_equal(small.encode(SAMPLE_TEXTS), bundled.encode(SAMPLE_TEXTS))
    again = pickle.loads(pickle.dumps(small))
    for model in (small, again):
        assert model._tokenizer._single._memo._arguments[-1] == 1  # type: ignore[union-attr]
    for number in (0, -1):
        with pytest.raises(
            InputValueError, match=f"^memo_bytes is {number}; give a whole number of at least 1$"
        ):
            StaticModel.from_pretrained(memo_bytes=number)
    wrong: Any
    for wrong in (1.5, True, "8 MB"):
        with pytest.raises(
            InputTypeError, match=f"^memo_bytes is {type(wrong).__name__} {wrong!r}; give a whole"
        ):
            StaticModel.from_pretrained(memo_bytes=wrong)


def test_a_model_that_is_dropped_is_gone_at_once() -> None:
    """Nothing in it refers back to itself, so its memory is free without the garbage collector."""
    model = StaticModel.from_pretrained()
    model.encode(SAMPLE_TEXTS)
    model.encode("one text")
    parts = [weakref.ref(part) for part in (model, model._tokenizer, model.embedding)]
    gc.disable()
    try:
        del model
        assert [part() for part in parts] == [None] * 3
    finally:
        gc.enable()


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint64", "uint32", "int16", "uint16", "int8", "uint8"])
def test_a_mapping_of_every_dtype(dtype: str, folder: Path, tmp_path: Path) -> None:
    rows = (np.arange(TOKENS) * 7 % 100).astype(dtype)
    table = random_table(100, 24, "float32")
    write_table(folder, {"embeddings": table, "mapping": rows})
    model = StaticModel.from_pretrained(folder)
    assert model.token_mapping is not None
    assert model.token_mapping.dtype == dtype
    whole = TinyModel().build(tmp_path / "whole")
    write_table(whole, {"embeddings": table[rows]})
    expected = StaticModel.from_pretrained(whole).encode(SAMPLE_TEXTS)
    np.testing.assert_array_equal(model.encode(SAMPLE_TEXTS), expected)
    made = StaticModel(table, model.tokenizer, token_mapping=rows, normalize=model.normalize)
    np.testing.assert_array_equal(made.encode(SAMPLE_TEXTS), expected)


@pytest.mark.parametrize("normalize", [False, True])
def test_the_modules_say_whether_vectors_are_scaled(normalize: bool, folder: Path, tmp_path: Path) -> None:
    """sentence-transformers would otherwise give other vectors."""
    StaticModel.from_pretrained(folder, normalize=normalize).save_pretrained(tmp_path / "saved")
    modules = json.loads((tmp_path / "saved" / "modules.json").read_text())
    scaling = {"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"}
    static = {"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"}
    assert modules == [static, scaling][: 1 + normalize]


def test_freed_memory_goes_back_once_a_folder_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To read a tokenizer takes several times its memory."""
    done: list[str] = []
    read = reading.read_tokenizer_file

    def noted(*options: Any) -> Any:
        done.append("read")
        return read(*options)

    monkeypatch.setattr(reading, "read_tokenizer_file", noted)
    monkeypatch.setattr(
        "m2v_lite.embedding.freed_memory.give_back_freed_memory", lambda: done.append("given back")
    )
    StaticModel.from_pretrained(folder)
    assert done == ["read", "given back"]


def test_a_broken_folder_is_not_blamed_on_the_hub(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(InvalidModelError, match="it is empty") as caught:
        StaticModel.from_pretrained(folder)
    assert "force_download" not in str(caught.value)
    assert caught.value.__cause__ is None
