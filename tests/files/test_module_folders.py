"""Folders of sentence-transformers: their vectors by the formulas, and what is wrong with them.

`integrations/test_from_sentence_transformers.py` compares them with the library itself.
"""

from __future__ import annotations

import copy
import json
import pickle
import re
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sample_texts import SAMPLE_TEXTS, random_texts
from st_folders import FORMULAS, build, dense, expected_vectors
from tiny_models import TinyModel, unigram, wordpiece, wordpiece_that_truncates_and_pads

from m2v_lite import InputTypeError, InputValueError, InvalidModelError, ModelNotFoundError, StaticModel
from m2v_lite.commands.main import main
from m2v_lite.files.safetensors import SafetensorsFile, write_safetensors
from m2v_lite.files.sentence_transformers import token_limit_in

TEXTS = [*SAMPLE_TEXTS, *random_texts(50, 8), "the ☃ cat", "the cat " * 600]
COLUMNS = 24
CHAINS: dict[str, list[Mapping[str, Any] | None]] = {
    "none": [],
    "unit": [None],
    **{name: [dense(COLUMNS, 7, name)] for name in FORMULAS},
    "dense, unit": [dense(COLUMNS, 5, bias=False), None],
    "unit, dense, dense": [None, dense(COLUMNS, 30), dense(30, 6, "linear.Identity")],
    "residual": [dense(COLUMNS, 7, use_residual=True)],
    "same residual": [dense(COLUMNS, COLUMNS, use_residual=True), None],
}


def assert_near(vectors: NDArray[Any], expected: NDArray[np.float64]) -> None:
    """Assert that vectors are right up to the errors of sums in float32, which grow with the number of tokens."""
    most = np.array([1e-3 if len(text) > 300 else 1e-4 for text in TEXTS])
    assert (np.abs(vectors - expected).max(axis=1) <= most).all()


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize(
    ("definition", "limit"), [(wordpiece, None), (wordpiece_that_truncates_and_pads, 4), (unigram, None)]
)
def test_the_vectors(
    definition: Callable[[], dict[str, Any]], limit: int | None, chain: str, tmp_path: Path
) -> None:
    recipe = TinyModel(definition(), layout=1, config={})
    modules = CHAINS[chain]
    model = StaticModel.from_sentence_transformers(build(tmp_path / "model", modules, recipe))
    expected = expected_vectors(TEXTS, recipe, modules, limit)
    vectors = model.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert model.dim == vectors.shape[1]
    assert model.max_length == limit
    assert_near(vectors, expected)
    np.testing.assert_allclose(
        np.stack([model.encode(text) for text in TEXTS]), vectors, rtol=1e-5, atol=1e-6
    )


def test_every_way_of_encoding(tmp_path: Path) -> None:
    folder = build(
        tmp_path / "model", CHAINS["dense, unit"], prompts={"title": "of "}, default_prompt_name="title"
    )
    model = StaticModel.from_sentence_transformers(folder)
    vectors = model.encode(TEXTS)
    np.testing.assert_allclose(model.encode(TEXTS[4]), vectors[4], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(model.encode_query(TEXTS), model.encode(TEXTS, prompt=""))
    np.testing.assert_array_equal(model.encode(TEXTS, prompt="of "), vectors)
    np.testing.assert_array_equal(model.encode(TEXTS, prompt_name="title"), vectors)
    assert (model.encode(TEXTS, prompt="")[3:] != vectors[3:]).any()
    options: dict[str, Any] = {"rtol": 0, "atol": 1e-6}  # products of matrices depend on the number of rows
    np.testing.assert_allclose(list(model.encode_stream(TEXTS)), vectors, **options)
    np.testing.assert_allclose(model.encode(TEXTS * 20, workers=2)[: len(TEXTS)], vectors, **options)
    with model.pool(workers=2) as pool:
        np.testing.assert_allclose(pool.encode(TEXTS), vectors, **options)
    out = np.empty_like(vectors)
    model.encode(TEXTS, out=out)
    np.testing.assert_array_equal(out, vectors)
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.encode(TEXTS), vectors)
    codes = model.encode(TEXTS, precision="int8")
    np.testing.assert_array_equal(codes, np.clip(np.rint(vectors * 254), -127, 127).astype(np.int8))
    narrow = model.encode(TEXTS, truncate_dim=2)  # not scaled anew, if not asked
    np.testing.assert_array_equal(narrow, vectors[:, :2])
    scaled = vectors[:, :2] / np.maximum(np.linalg.norm(vectors[:, :2], axis=1, keepdims=True), 1e-12)
    np.testing.assert_allclose(model.encode(TEXTS, truncate_dim=2, normalize=True), scaled, rtol=0, atol=1e-5)
    impossible: list[dict[str, Any]] = [{"truncate_dim": 2}, {"normalize": False}]
    for unscaled in impossible:
        with pytest.raises(InputValueError, match="precision is 'int8', which needs vectors of length 1"):
            model.encode(TEXTS, precision="int8", **unscaled)
    with pytest.raises(InputValueError, match="truncate_dim is 6"):
        model.encode(TEXTS, truncate_dim=6)


@pytest.mark.parametrize("limit", [600, 3])
def test_a_limit_of_the_caller(limit: int, tmp_path: Path) -> None:
    recipe = TinyModel(layout=1, config={})
    model = StaticModel.from_sentence_transformers(build(tmp_path / "model", [None], recipe))
    expected = expected_vectors(TEXTS, recipe, [None], limit)
    assert_near(model.encode(TEXTS, max_length=limit), expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_tables_of_16_bits(dtype: str, tmp_path: Path) -> None:
    """All is calculated in float32; what is saved keeps its dtype."""
    recipe = TinyModel(layout=1, config={})
    modules = [None, dense(COLUMNS, 7)]
    folder = build(tmp_path / "model", modules, recipe)
    for name in ("model.safetensors", "2_Dense/model.safetensors"):
        file = SafetensorsFile(str(folder / name))
        arrays = {key: file.view(key).copy() for key in file.tensors}
        del file
        narrow = {key: as_16_bits(array, dtype) for key, array in arrays.items()}
        (folder / name).unlink()
        with (folder / name).open("wb") as written:
            write_safetensors(written, narrow, bfloat16=list(narrow) if dtype == "bfloat16" else [])
    model = StaticModel.from_sentence_transformers(folder)
    vectors = model.encode(TEXTS)
    assert vectors.dtype == ("float16" if dtype == "float16" else "float32")
    expected = expected_vectors(TEXTS, recipe, modules, None)
    assert np.abs(vectors - expected).max() < (2e-3 if dtype == "float16" else 2e-2)
    model.save_pretrained(tmp_path / "saved")
    model.save_packed(tmp_path / "packed")
    for name in ("model.safetensors", "2_Dense/model.safetensors"):
        infos = SafetensorsFile(str(tmp_path / "saved" / name)).tensors
        assert {info.dtype for info in infos.values()} == {"F16" if dtype == "float16" else "BF16"}
    np.testing.assert_array_equal(
        StaticModel.from_sentence_transformers(tmp_path / "saved").encode(TEXTS), vectors
    )
    np.testing.assert_array_equal(StaticModel.from_pretrained(tmp_path / "packed").encode(TEXTS), vectors)


@pytest.mark.parametrize("dtype", ["float16", "int8"])
@pytest.mark.parametrize("chain", ["unit", "unit, dense, dense"])
def test_a_table_that_was_rounded_is_saved_as_float32(chain: str, dtype: str, tmp_path: Path) -> None:
    """PyTorch multiplies only equal dtypes, and makes no layer of int8. Else it stays float16."""
    folder = build(tmp_path / "model", CHAINS[chain])
    StaticModel.from_sentence_transformers(folder).save_packed(tmp_path / "packed")
    rounded = StaticModel.from_pretrained(tmp_path / "packed", quantize_to=dtype)
    rounded.save_pretrained(tmp_path / "saved")
    saved = StaticModel.from_sentence_transformers(tmp_path / "saved")
    assert saved.embedding_dtype == ("float16" if (chain, dtype) == ("unit", "float16") else "float32")
    np.testing.assert_allclose(saved.encode(TEXTS), rounded.encode(TEXTS), rtol=1e-3, atol=2e-3)


def as_16_bits(array: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Round numbers to float16, or to the codes of bfloat16."""
    if dtype == "float16":
        return array.astype(np.float16)
    return ((array.astype(np.float32).view(np.uint32) + 0x8000) >> 16).astype(np.uint16)


def test_rows_that_no_token_has(tmp_path: Path) -> None:
    folder = build(tmp_path / "model")
    expected = StaticModel.from_sentence_transformers(folder).encode(TEXTS)
    table = SafetensorsFile(str(folder / "model.safetensors")).view("embedding.weight").copy()
    replace_table(folder, np.concatenate([table, table[:3]]))
    np.testing.assert_array_equal(StaticModel.from_sentence_transformers(folder).encode(TEXTS), expected)
    replace_table(folder, table[:-1])
    with pytest.raises(InvalidModelError, match=f"the table has {len(table) - 1} rows"):
        StaticModel.from_sentence_transformers(folder)


def replace_table(folder: Path, table: Any) -> None:
    (folder / "model.safetensors").unlink()
    with (folder / "model.safetensors").open("wb") as file:
        write_safetensors(file, {"embedding.weight": table})


# Saved and packed


@pytest.mark.parametrize("truncate_dim", [None, 3])
@pytest.mark.parametrize("chain", ["none", "unit", "unit, dense, dense", "residual", "same residual"])
def test_saved_and_packed(chain: str, truncate_dim: int | None, tmp_path: Path) -> None:
    prompts: dict[str, Any] = {"prompts": {"title": "of "}, "default_prompt_name": "title"}
    folder = build(tmp_path / "model", CHAINS[chain], **prompts)
    model = StaticModel.from_sentence_transformers(folder, truncate_dim=truncate_dim)
    vectors = model.encode(TEXTS)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).encode(TEXTS), vectors)
    model.save_pretrained(tmp_path / "saved")
    model.save_packed(tmp_path / "packed")
    packed = StaticModel.from_pretrained(tmp_path / "packed")
    packed.save_packed(tmp_path / "packed-again")
    packed.save_pretrained(tmp_path / "unpacked")
    assert main(["unpack", str(tmp_path / "packed"), str(tmp_path / "unpacked-by-command")]) == 0
    for name in ("saved", "unpacked", "unpacked-by-command"):
        other = StaticModel.from_sentence_transformers(tmp_path / name)
        np.testing.assert_array_equal(other.encode(TEXTS), vectors)
        assert (other.dim, other.default_prompt_name) == (model.dim, "title")
    for name in ("packed", "packed-again"):
        other = StaticModel.from_pretrained(tmp_path / name)
        np.testing.assert_array_equal(other.encode(TEXTS), vectors)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(other)).encode(TEXTS), vectors)
    texts = (tmp_path / "saved" / "modules.json").read_text()
    assert texts == (tmp_path / "unpacked" / "modules.json").read_text()


@pytest.mark.parametrize("name", ["model.safetensors", "1_Dense/model.safetensors"])
def test_a_pickle_of_files_that_changed(name: str, tmp_path: Path) -> None:
    folder = build(tmp_path / "model", CHAINS["residual"])
    pickled = pickle.dumps(StaticModel.from_sentence_transformers(folder))
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    (folder / name).write_bytes(content + b"")
    with pytest.raises(InvalidModelError, match="these files are not those of the pickled model"):
        pickle.loads(pickled)


@pytest.mark.parametrize(
    ("chain", "is_safe"),
    [
        ("unit", True),
        ("none", False),
        ("unit, dense, dense", True),
        ("dense, unit", False),
        ("residual", False),
    ],
)
def test_int8_only_where_the_scale_makes_no_difference(
    chain: str, is_safe: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, packed = build(tmp_path / "model", CHAINS[chain]), tmp_path / "packed"
    StaticModel.from_sentence_transformers(folder).save_packed(packed)
    status = main(["pack", str(packed), str(tmp_path / "packed-8"), "--dtype", "int8"])
    assert status == (0 if is_safe else 1)
    assert ("int8 loses the scale of the table" in capsys.readouterr().err) != is_safe
    if chain in ("dense, unit", "residual"):
        with pytest.raises(InputValueError, match="a Dense module of this model needs it"):
            StaticModel.from_pretrained(packed, quantize_to="int8")
    elif is_safe:
        vectors = StaticModel.from_pretrained(packed).encode(TEXTS)
        rounded = StaticModel.from_pretrained(tmp_path / "packed-8").encode(TEXTS)
        assert np.abs(vectors - rounded).max() < 0.1


def test_leading_columns_alone_make_a_smaller_table(tmp_path: Path) -> None:
    model = StaticModel.from_sentence_transformers(build(tmp_path / "model"), truncate_dim=4)
    assert model.embedding.shape[1] == 4
    model.save_packed(tmp_path / "packed")
    again = StaticModel.from_pretrained(tmp_path / "packed", dimensionality=3)
    np.testing.assert_array_equal(again.encode(TEXTS), model.encode(TEXTS)[:, :3])


def test_the_default_prompt_of_the_caller_is_saved(tmp_path: Path) -> None:
    folder = build(tmp_path / "model", prompts={"a": "of "}, default_prompt_name="a")
    model = StaticModel.from_sentence_transformers(folder)
    model.default_prompt_name = None
    model.save_pretrained(tmp_path / "saved")
    card = (tmp_path / "saved" / "README.md").read_text()
    assert "library_name: sentence-transformers" in card
    np.testing.assert_array_equal(
        StaticModel.from_sentence_transformers(tmp_path / "saved").encode(TEXTS), model.encode(TEXTS)
    )


def test_assigned_settings_are_saved(tmp_path: Path) -> None:
    folder = build(tmp_path / "model", CHAINS["residual"])
    model = StaticModel.from_sentence_transformers(folder)
    model.normalize, model.max_length = True, 5
    model.embedding = model.embedding[::-1].copy()
    model.save_pretrained(tmp_path / "saved")
    model.save_packed(tmp_path / "packed")
    vectors = model.encode(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(
        StaticModel.from_sentence_transformers(tmp_path / "saved").encode(TEXTS), vectors
    )
    np.testing.assert_array_equal(StaticModel.from_pretrained(tmp_path / "packed").encode(TEXTS), vectors)
    model.embedding = model.embedding[:, :10].copy()
    with pytest.raises(InvalidModelError, match="the vectors have 10 columns, but a Dense module takes 24"):
        model.encode("the cat")


def test_what_sentence_transformers_cannot_hold(tmp_path: Path) -> None:
    model = StaticModel.from_sentence_transformers(build(tmp_path / "model", [None]), truncate_dim=3)
    model.normalize = True
    with pytest.raises(InputValueError, match="normalize is set for a model that keeps only leading columns"):
        model.save_pretrained(tmp_path / "saved")
    model.normalize = False
    TinyModel().build(tmp_path / "saved")
    with pytest.raises(InputValueError, match=r"this folder holds a config\.json"):
        model.save_pretrained(tmp_path / "saved")
    model.save_packed(tmp_path / "packed")
    with pytest.raises(InputValueError, match="dimensionality is 2, but the modules of this model need all"):
        StaticModel.from_pretrained(tmp_path / "packed", dimensionality=2)


PACKED: list[tuple[Any, str]] = [
    ({}, "holds no list of modules"),
    ({"modules": {}}, "holds no list of modules"),
    ({"modules": [3]}, "holds no list of modules"),
    ({"modules": [], "default_prompt_name": "x"}, "names a prompt that its config does not have"),
    ({"modules": [], "default_prompt_name": []}, "names a prompt that its config does not have"),
    ({"modules": [{"type": "Pooling"}]}, r"module 0 is \{'type': 'Pooling'\}, which is not a known module"),
    ({"modules": [{"type": "truncate_dim", "columns": 25}]}, "module 0 is .*, which is not a known module"),
    ({"modules": [{"type": "truncate_dim", "columns": True}]}, "module 0 is .*, which is not a known module"),
    (
        {"modules": [{"type": "Dense", **dense(COLUMNS, 7)}]},
        r"there is no tensor 'modules\.0\.linear\.weight'",
    ),
    ({"modules": [{"type": "Normalize"}, {"type": "Dense", **dense(4, 7)}]}, "7 columns of int 4"),
]


@pytest.mark.parametrize(("entry", "message"), PACKED)
def test_damaged_packed_models(entry: Any, message: str, tmp_path: Path) -> None:
    StaticModel.from_sentence_transformers(build(tmp_path / "model")).save_packed(tmp_path / "packed")
    file = SafetensorsFile(str(tmp_path / "packed"))
    metadata = {**file.metadata, "m2v_lite.modules": json.dumps(entry)}
    with (tmp_path / "damaged").open("wb") as damaged:
        write_safetensors(damaged, {name: file.view(name) for name in file.tensors}, metadata)
    with pytest.raises(InvalidModelError, match=f"damaged: .*{message}|damaged: module .*{message}"):
        StaticModel.from_pretrained(tmp_path / "damaged")


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = build(tmp_path / "model", CHAINS["dense, unit"])
    packed = str(tmp_path / "packed")
    assert main(["pack", "--sentence-transformers", "--dim", "3", str(folder), packed]) == 0
    expected = StaticModel.from_sentence_transformers(folder, truncate_dim=3).encode(TEXTS)
    np.testing.assert_array_equal(StaticModel.from_pretrained(packed).encode(TEXTS), expected)
    assert main(["info", packed, "--verify"]) == 0
    shown = capsys.readouterr().out
    assert (
        "vectors:       as in sentence-transformers: mean of all tokens -> Dense (24 to 5, Tanh) -> Normalize -> "
        "3 columns\n" in shown
    )
    assert main(["pack", "--dtype", "float16", packed, packed + "-16"]) == 0
    narrow = StaticModel.from_pretrained(packed + "-16").encode(TEXTS)
    np.testing.assert_allclose(narrow, expected, atol=1e-2)
    with pytest.raises(SystemExit):
        main(["pack", "--sentence-transformers", "--dtype", "int8", str(folder), packed])
    assert "pack without it, then pack the result again" in capsys.readouterr().err
    assert main(["pack", "--sentence-transformers", packed, packed]) == 1
    assert "A model that was packed from one loads with from_pretrained" in capsys.readouterr().err


# What is wrong with a folder


def replaced(folder: Path, name: str, content: object) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text)


def entries(*types: str, path: str = "1_Dense") -> list[dict[str, str]]:
    first = {"type": "sentence_transformers.models.StaticEmbedding", "path": ""}
    return [first, *({"type": kind, "path": path} for kind in types)]


OF_DENSE = "sentence_transformers.models.Dense"
LISTS: list[tuple[Any, str]] = [
    ("{", "it cannot be read as JSON"),
    ("[" * 100_000, "it cannot be read as JSON"),
    ({}, "it is not a list of modules"),
    ([], "it is not a list of modules"),
    ([3], "int 3 does not have a type and a path"),
    ([{"type": 3, "path": ""}], ".* does not have a type and a path"),
    ([{"type": OF_DENSE}], ".* does not have a type and a path"),
    (entries(OF_DENSE, path="../other"), r"the path '\.\./other' points outside the folder"),
    (entries(OF_DENSE, path="a/../../b"), ".* points outside the folder"),
    (entries(OF_DENSE, path="/etc"), ".* points outside the folder"),
    (entries(OF_DENSE, path="a\\b"), ".* points outside the folder"),
    (entries("my.own.Module"), "the module 'my.own.Module' is not one of sentence-transformers"),
    (entries("sentence_transformers.models.LayerNorm"), "the module 'LayerNorm' is not supported"),
    (
        entries("sentence_transformers.sentence_transformer.modules.Pooling"),
        "the module 'Pooling' is not supported after a StaticEmbedding, only Normalize and Dense; use",
    ),
    (
        [{"type": "sentence_transformers.models.Transformer", "path": ""}],
        "the first module is 'Transformer', not StaticEmbedding",
    ),
    (
        entries("sentence_transformers.models.StaticEmbedding"),
        "the module 'StaticEmbedding' is not supported",
    ),
]


@pytest.mark.parametrize(("content", "message"), LISTS)
def test_odd_lists_of_modules(content: Any, message: str, tmp_path: Path) -> None:
    folder = build(tmp_path / "model", [dense(COLUMNS, 7)])
    replaced(folder, "modules.json", content)
    with pytest.raises(InvalidModelError, match=f"modules.json: {message}"):
        StaticModel.from_sentence_transformers(folder)
    with warnings.catch_warnings():  # a list that cannot be read is no matter of `from_pretrained`
        warnings.simplefilter("ignore" if "is not supported" in message else "error")
        StaticModel.from_pretrained(folder)


SETTINGS: list[tuple[Any, str]] = [
    ("", "it cannot be read as JSON"),
    ([], "it is not a JSON object"),
    (dense(COLUMNS + 1, 7), "it makes int 7 columns of int 25, but the vectors have 24"),
    (dense(COLUMNS, 0), "it makes int 0 columns"),
    ({"bias": True}, "it makes None columns of None"),
    (
        dense(COLUMNS, 7, "activation.Softplus"),
        "the activation 'torch.nn.modules.activation.Softplus' is not",
    ),
    (
        {**dense(COLUMNS, 7), "activation_function": "my.own.Tanh"},
        "the activation 'my.own.Tanh' is not supported",
    ),
    ({**dense(COLUMNS, 7), "activation_function": 3}, "the activation 3 is not supported"),
    (
        {**dense(COLUMNS, 7), "module_input_name": "token_embeddings"},
        "module_input_name is str 'token_embedd",
    ),
    ({**dense(COLUMNS, 7), "module_output_name": "other"}, "module_output_name is str 'other'"),
]


@pytest.mark.parametrize(("content", "message"), SETTINGS)
def test_odd_settings_of_a_dense_module(content: Any, message: str, tmp_path: Path) -> None:
    folder = build(tmp_path / "model", [dense(COLUMNS, 7)])
    replaced(folder, "1_Dense/config.json", content)
    with pytest.raises(InvalidModelError, match=f"1_Dense.*: {message}"):
        StaticModel.from_sentence_transformers(folder)


ARRAYS: list[tuple[dict[str, Any], str]] = [
    ({}, "there is no tensor 'linear.weight'"),
    ({"linear.weight": np.zeros((7, COLUMNS), "f4")}, "there is no tensor 'linear.bias'"),
    (
        {"linear.weight": np.zeros((COLUMNS, 7), "f4")},
        r"'linear.weight' is F32 of shape \[24, 7\], not one of .*7, 24",
    ),
    ({"linear.weight": np.zeros((7, COLUMNS), "i4")}, "'linear.weight' is I32 of shape"),
    (
        {"linear.weight": np.zeros((7, COLUMNS), "f4"), "linear.bias": np.zeros(8, "f4")},
        r"'linear.bias' is F32 of shape \[8\], not one of F64, F32, F16, BF16 of shape \[7\]",
    ),
    (
        {"linear.weight": np.zeros((7, COLUMNS), "f4"), "linear.bias": np.zeros(7, "f4")},
        "there is no tensor 'residual.weight'",
    ),
]


@pytest.mark.parametrize(("arrays", "message"), ARRAYS)
def test_odd_arrays_of_a_dense_module(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    folder = build(tmp_path / "model", [dense(COLUMNS, 7, use_residual=True)])
    with (folder / "1_Dense" / "model.safetensors").open("wb") as file:
        write_safetensors(file, arrays)
    with pytest.raises(InvalidModelError, match=f"1_Dense.model.safetensors: .*{message}"):
        StaticModel.from_sentence_transformers(folder)


@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors",
        "tokenizer.json",
        "modules.json",
        "1_Dense/config.json",
        "1_Dense/model.safetensors",
    ],
)
def test_missing_and_unfetched_files(name: str, tmp_path: Path) -> None:
    folder = build(tmp_path / "model", [dense(COLUMNS, 7)])
    (folder / name).unlink()
    with pytest.raises(ModelNotFoundError, match=re.escape(name)):
        StaticModel.from_sentence_transformers(folder)
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(InvalidModelError, match=rf"{re.escape(name)}: this is a git-lfs pointer"):
        StaticModel.from_sentence_transformers(folder)


def test_a_folder_without_settings(tmp_path: Path) -> None:
    """sentence-transformers needs no config."""
    folder = build(tmp_path / "model")
    expected = StaticModel.from_sentence_transformers(folder).encode(TEXTS)
    (folder / "config_sentence_transformers.json").unlink()
    np.testing.assert_array_equal(StaticModel.from_sentence_transformers(folder).encode(TEXTS), expected)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"truncate_dim": 0}, "truncate_dim is int 0; set it to a number of columns, or null"),
        ({"truncate_dim": "8"}, "truncate_dim is str '8'"),
        ({"default_prompt_name": "x"}, "default_prompt_name is str 'x', but prompts has no such name"),
        ({"default_prompt_name": 3, "prompts": {}}, "default_prompt_name is int 3"),
        ({"default_prompt_name": "x", "prompts": 3}, "default_prompt_name is str 'x'"),
        (
            {"default_prompt_name": "x", "prompts": {"x": 5}},
            "the prompt 'x' is int 5; set it to a text, or null",
        ),
    ],
)
def test_odd_settings(config: dict[str, Any], message: str, tmp_path: Path) -> None:
    folder = build(tmp_path / "model", **config)
    with pytest.raises(InvalidModelError, match=f"config_sentence_transformers.json: {message}"):
        StaticModel.from_sentence_transformers(folder)


@pytest.mark.parametrize(
    ("truncation", "message"),
    [
        ({"max_length": 4, "direction": "Left"}, "it cuts texts to int 4 tokens, from the side str 'Left'"),
        ({"max_length": 0}, "it cuts texts to int 0 tokens"),
        ({"max_length": 2**63}, "it cuts texts to int 9223372036854775808 tokens"),
        ({"max_length": "4"}, "it cuts texts to str '4' tokens"),
        ({}, "truncation cannot be read"),
        ([], "truncation cannot be read"),
    ],
)
def test_odd_limits(truncation: Any, message: str, tmp_path: Path) -> None:
    recipe = TinyModel({**wordpiece(), "truncation": truncation}, layout=1, config={})
    with pytest.raises(InvalidModelError, match=f"tokenizer.json: {message}"):
        StaticModel.from_sentence_transformers(build(tmp_path / "model", recipe=recipe))


@pytest.mark.parametrize(
    "text",
    [
        '{"version": "1.0", "truncation": %s, "rest": 0}',
        ' {\n "version" :"1.0",\n"truncation" : %s}',
        '{"truncation": %s}',
        '{"version": "\\u0031", "truncation": %s}',
        '{"version": "' + "1" * 5000 + '", "truncation": %s}',
        '{"version": "1.0", ' + " " * 4040 + '"truncation": %s}',
        '{"padding": null, "version": "1.0", "truncation": %s}',
    ],
)
def test_the_limit_is_found_wherever_it_stands(text: str) -> None:
    for value, limit in (("null", None), ('{"max_length": 12, "direction": "Right"}', 12)):
        assert token_limit_in((text % value).encode(), "tokenizer.json") == limit


def test_wrong_arguments(tmp_path: Path) -> None:
    folder = build(tmp_path / "model", [dense(COLUMNS, 7)], truncate_dim=99)  # more columns than there are
    assert StaticModel.from_sentence_transformers(folder).dim == 7
    unit = build(tmp_path / "unit", [None], truncate_dim=COLUMNS)  # nothing is cut off
    model = StaticModel.from_sentence_transformers(unit)
    assert model.makes_unit_vectors
    assert not model.normalize
    assert not StaticModel.from_sentence_transformers(folder).makes_unit_vectors
    for wrong, kind in ((8, InputValueError), (0, InputValueError), ("3", InputTypeError)):
        options: dict[str, Any] = {"truncate_dim": wrong}
        with pytest.raises(kind, match="truncate_dim is"):
            StaticModel.from_sentence_transformers(folder, **options)
    with pytest.raises(InputTypeError, match="path is None"):
        StaticModel.from_sentence_transformers(None)  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match="memo_bytes is"):
        StaticModel.from_sentence_transformers(folder, memo_bytes="1")  # type: ignore[arg-type]
    with pytest.raises(ModelNotFoundError, match="nowhere"):
        StaticModel.from_sentence_transformers(tmp_path / "nowhere")
    with pytest.raises(InputValueError, match="this is a file; give a folder of sentence-transformers"):
        StaticModel.from_sentence_transformers(folder / "modules.json")
    shutil.copytree(folder, tmp_path / "outer" / "inner")
    inner = StaticModel.from_sentence_transformers(tmp_path / "outer", subfolder="inner")
    assert inner.dim == 7
    TinyModel().build(tmp_path / "other")
    with pytest.raises(ModelNotFoundError, match=r"no modules\.json, so this is not a sentence-transf"):
        StaticModel.from_sentence_transformers(tmp_path / "other")


# What `from_pretrained` says of such folders


def warned(folder: Path, **options: Any) -> str:
    """Return what loading a folder as one of model2vec warns of."""
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        StaticModel.from_pretrained(folder, **options)
    return "".join(str(warning.message) for warning in noted)


def test_a_warning_where_vectors_would_differ(tmp_path: Path) -> None:
    chosen: dict[str, Any] = {"max_length": 9, "normalize": True}
    cases: list[tuple[list[Any], dict[str, Any], list[str]]] = [
        ([], {}, ["it does not cut texts at 512 tokens", "it counts unknown tokens"]),
        ([None], {}, ["it scales vectors to length 1", "512", "unknown"]),
        ([dense(COLUMNS, 7), None], {}, ["it applies Dense", "it scales", "512", "unknown"]),
        ([dense(COLUMNS, 7)], chosen, ["it applies Dense", "unknown"]),
    ]
    for number, (modules, options, reasons) in enumerate(cases):
        folder = build(tmp_path / str(number), modules)
        message = warned(folder, **options)
        place, _, why = message.partition(": these are model2vec's vectors; sentence-transformers makes ")
        assert place == str(folder)
        listed, _, remedy = why.removeprefix("other vectors of this model: ").rpartition(". ")
        assert remedy == "For those, use StaticModel.from_sentence_transformers"
        assert len(listed.split("; ")) == len(reasons)
        assert all(reason in part for reason, part in zip(reasons, listed.split("; "), strict=True))
        assert warned(folder, **options) == ""


def test_a_warning_of_settings(tmp_path: Path) -> None:
    config: dict[str, Any] = {"truncate_dim": 3, "prompts": {"a": "of "}, "default_prompt_name": "a"}
    message = warned(build(tmp_path / "model", **config))
    assert "it keeps int 3 columns; it puts a prompt before texts. " in message


@pytest.mark.parametrize("normalize", [True, False])
def test_no_warning_for_a_folder_of_model2vec(normalize: bool, tmp_path: Path) -> None:
    """Its modules do what its config says. The limit and unknown tokens are model2vec's own matter."""
    StaticModel.from_pretrained(TinyModel(config={"normalize": normalize}).build(tmp_path)).save_pretrained(
        tmp_path / "saved"
    )
    assert warned(tmp_path / "saved") == ""
    replaced(tmp_path / "saved", "config.json", {"normalize": not normalize})
    assert warned(tmp_path / "saved", normalize=normalize) == ""
    assert ("only when asked" in warned(tmp_path / "saved")) != normalize
