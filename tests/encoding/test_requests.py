"""The options of `encode` beside those of model2vec, on every way through: one text, a few, many, workers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_texts import SAMPLE_TEXTS

from m2v_lite import InputTypeError, InputValueError, StaticModel
from m2v_lite.embedding.precision import PRECISIONS, at_precision

MANY = SAMPLE_TEXTS * 3
MODELS = ["wordpiece-float32", "wordpiece-int8", "unigram-nested", "unigram-int8-shared-weights"]


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, tiny: Callable[[str], Path]) -> StaticModel:
    return StaticModel.from_pretrained(tiny(request.param), normalize=True)


def ways(model: StaticModel, **options: Any) -> list[np.ndarray]:
    """Return the vectors of texts, made in every way."""
    made = [
        model.encode(MANY, **options),
        np.stack([model.encode(text, **options) for text in MANY]),
        np.concatenate([model.encode(MANY[at : at + 7], **options) for at in range(0, len(MANY), 7)]),
        np.stack(list(model.encode_stream(iter(MANY), **options))),
    ]
    assert {each.dtype for each in made} == {made[0].dtype}
    return made


@pytest.mark.parametrize("precision", PRECISIONS)
def test_precision(model: StaticModel, precision: str) -> None:
    expected = at_precision(model.encode(MANY), precision)
    for vectors in ways(model, precision=precision):
        np.testing.assert_array_equal(vectors, expected)


@pytest.mark.parametrize("unit", [False, True])
def test_truncate_dim(model: StaticModel, unit: bool, tmp_path: Path) -> None:
    """The bits are those of a model that was loaded with so many columns."""
    assert model.files is not None
    for columns in (1, 3, model.dim - 1, model.dim):
        narrow = StaticModel.from_pretrained(model.files.folder, dimensionality=columns, normalize=unit)
        expected = narrow.encode(MANY)
        assert expected.shape[1] == columns
        for vectors in ways(model, truncate_dim=columns, normalize=unit):
            np.testing.assert_array_equal(vectors, expected)
    leading, whole = model.encode(MANY, truncate_dim=3, normalize=False), model.encode(MANY, normalize=False)
    np.testing.assert_array_equal(leading, whole[:, :3])


def test_both_at_once(model: StaticModel) -> None:
    expected = np.packbits(model.encode(MANY)[:, :10] > 0, axis=1)
    for vectors in ways(model, truncate_dim=10, precision="ubinary"):
        np.testing.assert_array_equal(vectors, expected)


@pytest.mark.parametrize("options", [{}, {"truncate_dim": 5}, {"precision": "int8"}, {"precision": "binary"}])
def test_out(model: StaticModel, options: dict[str, Any], tmp_path: Path) -> None:
    expected = model.encode(MANY, **options)
    mapped = np.lib.format.open_memmap(tmp_path / "vectors.npy", "w+", expected.dtype, expected.shape)
    every_second = np.zeros((2 * len(MANY), expected.shape[1]), expected.dtype)[::2]
    fortran = np.zeros(expected.shape, expected.dtype, order="F")
    for out in (np.full(expected.shape, 7, expected.dtype), mapped, every_second, fortran):
        result = model.encode(MANY, out=out, **options)
        assert result is out
        np.testing.assert_array_equal(out, expected)
    mapped.flush()
    np.testing.assert_array_equal(np.load(tmp_path / "vectors.npy"), expected)
    one = np.zeros(expected.shape[1], expected.dtype)
    assert model.encode(MANY[0], out=one, **options) is one
    np.testing.assert_array_equal(one, expected[0])
    nothing = np.zeros((0, expected.shape[1]), expected.dtype)
    assert model.encode([], out=nothing, **options) is nothing


def test_what_cannot_be_written_to(bundled: StaticModel) -> None:
    texts = ["one", "two"]
    wanted = r"give a numpy array of shape \(2, 256\) and dtype float32"
    frozen = np.zeros((2, 256), np.float32)
    frozen.flags.writeable = False
    wrong: list[tuple[Any, type[Exception], str]] = [
        (np.zeros((3, 256), np.float32), InputValueError, r"out has shape \(3, 256\) and dtype float32; "),
        (np.zeros(256, np.float32), InputValueError, r"out has shape \(256,\) and dtype float32; "),
        (np.zeros((2, 256)), InputValueError, r"out has shape \(2, 256\) and dtype float64; "),
        (np.zeros((2, 256), ">f4"), InputValueError, r"out has shape \(2, 256\) and dtype >f4; "),
        ([[0.0] * 256] * 2, InputTypeError, r"out is list \[\[0.0.*; "),
        (frozen, InputValueError, "out is read-only; "),
    ]
    for out, error, message in wrong:
        with pytest.raises(error, match=message + wanted):
            bundled.encode(texts, out=out)
    with pytest.raises(InputValueError, match=r"shape \(2, 256\) .*; give a numpy array of shape \(256,\)"):
        bundled.encode("one", out=np.zeros((2, 256), np.float32))
    with pytest.raises(InputValueError, match=r"give a numpy array of shape \(2, 32\) and dtype uint8"):
        bundled.encode(texts, precision="ubinary", out=np.zeros((2, 256), np.float32))


@pytest.mark.parametrize("value", [0, -1])
def test_columns_out_of_range(bundled: StaticModel, value: int) -> None:
    with pytest.raises(InputValueError, match=f"truncate_dim is {value}; give a whole number of at least 1"):
        bundled.encode("cat", truncate_dim=value)
    with pytest.raises(
        InputValueError, match="truncate_dim is 257, but the model has 256 columns; give at mo"
    ):
        bundled.encode(["cat"], truncate_dim=257)
    with pytest.raises(InputTypeError, match=r"truncate_dim is float 8.0; give a whole number"):
        bundled.encode(["cat"], truncate_dim=8.0)  # type: ignore[arg-type]


def test_codes_of_vectors_that_are_not_scaled(bundled: StaticModel) -> None:
    for texts in ("cat", ["cat"], []):
        with pytest.raises(
            InputValueError, match="'int8', which needs vectors of length 1; give normalize=T"
        ):
            bundled.encode(texts, precision="int8", normalize=False)


def test_missing_texts(bundled: StaticModel) -> None:
    class NAType:
        """As in pandas."""

    texts: list[Any] = ["cat", None, float("nan"), NAType(), np.float64("nan"), "sat"]
    expected = bundled.encode(["cat", "", "", "", "", "sat"])
    np.testing.assert_array_equal(bundled.encode(texts, null="empty"), expected)
    np.testing.assert_array_equal(bundled.encode(np.array(texts, object), null="empty"), expected)
    np.testing.assert_array_equal(list(bundled.encode_stream(texts, null="empty")), expected)
    for place in range(1, 5):
        with pytest.raises(
            InputTypeError, match=r"text 1 is .*, not a str; pass '' for a missing text, as encode"
        ):
            bundled.encode(["cat", texts[place]])
    with pytest.raises(InputTypeError, match="text 1 is int 3"):
        bundled.encode(["cat", 3], null="empty")  # type: ignore[list-item]
    for given in (["cat"], "cat"):
        with pytest.raises(InputValueError, match="null is str 'skip'; give one of error, empty"):
            bundled.encode(given, null="skip")


class Column:
    """Gives its texts as a column of pyarrow does: as objects of its own, unless a list is asked for."""

    def __init__(self, texts: list[Any]) -> None:
        self._texts = texts

    def __iter__(self) -> Any:
        return iter([object()] * len(self._texts))

    def to_pylist(self) -> list[Any]:
        return self._texts


def test_columns_of_tables(bundled: StaticModel) -> None:
    np.testing.assert_array_equal(bundled.encode(Column(["cat", "sat"])), bundled.encode(["cat", "sat"]))
    with pytest.raises(InputTypeError, match="text 1 is None"):
        bundled.encode(Column(["cat", None]))

    class Table(Column):
        column_names = ("a",)

    with pytest.raises(
        InputTypeError, match=r"expected a text or a list of texts, got Table .*pass one of its"
    ):
        bundled.encode(Table(["cat"]))


FINE = [
    {"convert_to_numpy": True, "convert_to_tensor": False, "device": "cpu"},
    {"convert_to_numpy": None, "convert_to_tensor": None, "output_value": None, "device": None},
    {"output_value": "sentence_embedding", "pool": None, "chunk_size": 8, "task": None},
    {"prompt": None, "prompt_name": None, "normalize_embeddings": None},
]


@pytest.mark.parametrize("options", FINE)
def test_what_sentence_transformers_takes(bundled: StaticModel, options: dict[str, Any]) -> None:
    for texts in ("cat", ["cat"]):
        np.testing.assert_array_equal(bundled.encode(texts, **options), bundled.encode(texts))


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"convert_to_tensor": True}, InputValueError, "convert_to_tensor is bool True; m2v_lite returns numpy"),
    ({"convert_to_numpy": False}, InputValueError, "convert_to_numpy is bool False; m2v_lite returns numpy"),
    (
        {"output_value": "token_embeddings"},
        InputValueError,
        "output_value is .*; for token vectors, use encode_as_sequence",
    ),
    ({"pool": {}}, InputValueError, r"pool is dict {}; to use a pool, make one with model.pool\(workers=N\)"),
    ({"prompt": 3}, InputTypeError, "the prompt is int 3; give a str"),
    ({"prompt_name": "query"}, InputValueError, r"prompt_name is 'query', but the prompts in the config are"),
    ({"normalize_embeddings": "no"}, InputTypeError, "normalize_embeddings is str 'no'; give True or False"),
    ({"normalise": False}, InputTypeError, "encode has no option 'normalise'; did you mean 'normalize'"),
    ({"batchsize": 2}, InputTypeError, "encode has no option 'batchsize'; did you mean 'batch_size'"),
    ({"worker": 2}, InputTypeError, "encode has no option 'worker'; did you mean 'workers'"),
    (
        {"truncate_dims": 2},
        InputTypeError,
        "encode has no option 'truncate_dims'; did you mean 'truncate_dim'",
    ),
    (
        {"xyzzy": 2},
        InputTypeError,
        r"encode has no option 'xyzzy'; see help\(StaticModel.encode\) for its options",
    ),
]


@pytest.mark.parametrize(("options", "error", "message"), WRONG)
def test_what_is_refused(
    bundled: StaticModel, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    for texts in ("cat", ["cat"], []):
        with pytest.raises(error, match=message):
            bundled.encode(texts, **options)
    if "worker" in options:  # a stream has no workers
        return
    of_stream = message.replace("encode has", "encode_stream has").replace(r"encode\)", r"encode_stream\)")
    with pytest.raises(error, match=of_stream):
        bundled.encode_stream(["cat"], **options)
    with bundled.pool(workers=2) as pool, pytest.raises(error, match=message):
        pool.encode(["cat"], **{"max_length": None, **options})


def test_prompts(bundled: StaticModel) -> None:
    bundled.config["prompts"] = {"query": "find: "}
    try:
        expected = bundled.encode(["find: tea", "find: "])
        asked: list[dict[str, Any]] = [{"prompt": "find: "}, {"prompt_name": "query"}]
        for options in asked:
            np.testing.assert_array_equal(bundled.encode(["tea", ""], **options), expected)
            np.testing.assert_array_equal(bundled.encode("tea", **options), expected[0])
            np.testing.assert_array_equal(list(bundled.encode_stream(["tea", ""], **options)), expected)
    finally:
        del bundled.config["prompts"]


def test_which_setting_of_scaling_wins(bundled: StaticModel) -> None:
    plain = bundled.encode("tea", normalize=False)
    np.testing.assert_array_equal(bundled.encode("tea", normalize=False, normalize_embeddings=True), plain)
    bundled.normalize = False
    try:
        scaled = bundled.encode("tea", normalize_embeddings=True)
        np.testing.assert_array_equal(scaled, bundled.encode("tea", normalize=True))
        np.testing.assert_array_equal(bundled.encode("tea", normalize_embeddings=False), plain)
    finally:
        bundled.normalize = True


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@pytest.mark.parametrize("options", [{"truncate_dim": 5}, {"precision": "uint8"}, {"prompt": "a "}])
def test_workers(model: StaticModel, options: dict[str, Any]) -> None:
    expected = model.encode(MANY, **options)
    with model.pool(workers=2) as pool:
        np.testing.assert_array_equal(pool.encode(MANY, **options), expected)
        out = np.zeros(expected.shape, expected.dtype)
        assert pool.encode(MANY, out=out, **options) is out
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(pool.encode(MANY[1], **options), expected[1])
