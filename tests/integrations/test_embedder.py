"""`Embedder` on plain Python and pyarrow; on pandas, polars and real engines, see `integrations`."""

from __future__ import annotations

import inspect
import math
import os
import pickle
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies
from sample_texts import SAMPLE_TEXTS
from time_limit import LONGEST
from tiny_models import TinyModel, wordpiece

from m2v_lite import (
    DownloadError,
    Embedder,
    InputTypeError,
    InputValueError,
    InvalidModelError,
    M2VLiteError,
    ModelNotFoundError,
    StaticModel,
)
from m2v_lite.integrations import embedder as module
from m2v_lite.integrations.bad_rows import ERRORS, NULL
from m2v_lite.records.policies import replaced

TEXTS = ["the kettle", "", "日本 rain", "the kettle"]
COMMITS = "1" * 40, "2" * 40


@pytest.fixture(scope="session")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small model."""
    return TinyModel(wordpiece()).build(tmp_path / "small")


@pytest.fixture
def other_folder(tmp_path: Path) -> Path:
    """Another one, with the same vocabulary."""
    return TinyModel(wordpiece(), dtype="float16").build(tmp_path / "other")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Forget the models of this process, as another process has none."""

    def forget() -> None:
        monkeypatch.setattr(module, "_models", {})

    return forget


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The models that are loaded from now on."""
    found: list[Any] = []
    load = StaticModel.from_pretrained

    def loaded(path: Any, **options: Any) -> StaticModel:
        found.append(path)
        return load(path, **options)

    monkeypatch.setattr(StaticModel, "from_pretrained", loaded)
    return found


def copied(embedder: Embedder) -> Embedder:
    copy: Embedder = pickle.loads(pickle.dumps(embedder))
    return copy


# Batches of plain Python


def test_a_dict(model: StaticModel) -> None:
    batch = {"text": TEXTS, "id": [1, 2, 3, 4]}
    answer = Embedder()(batch)
    assert list(answer) == ["text", "id", "embedding"]
    assert answer["text"] is TEXTS
    np.testing.assert_array_equal(answer["embedding"], model.encode(TEXTS))
    assert list(batch) == ["text", "id"]


@pytest.mark.parametrize("make", [list, tuple, np.array, lambda texts: np.array(texts, object)])
def test_texts_of_plain_python(make: Callable[[list[str]], Any], model: StaticModel) -> None:
    expected = model.encode(TEXTS)
    np.testing.assert_array_equal(Embedder()(make(TEXTS)), expected)
    answer = Embedder(column="t", output="v")({"t": make(TEXTS)})
    np.testing.assert_array_equal(answer["v"], expected)


@pytest.mark.parametrize("empty", [[], (), np.array([], object)])
def test_no_texts(empty: Any) -> None:
    assert Embedder()(empty).shape == Embedder()({"text": empty})["embedding"].shape == (0, 256)


def test_rows_that_are_skipped_take_all_columns_with_them() -> None:
    batch = {"text": ["a", None, "c"], "id": np.array([1, 2, 3]), "tags": (["x"], [], ["z"])}
    answer = Embedder(null="skip")(batch)
    assert answer["text"] == ["a", "c"]
    assert answer["id"].tolist() == [1, 3]
    assert answer["tags"] == [["x"], ["z"]]
    assert answer["embedding"].shape == (2, 256)


def test_batches_that_come_one_by_one() -> None:
    seen = []

    def batches() -> Iterator[dict[str, list[str]]]:
        for text in TEXTS:
            seen.append(text)
            yield {"text": [text]}

    answers = Embedder().map_batches(batches())
    assert seen == []
    assert next(answers)["text"] == TEXTS[:1]
    assert seen == TEXTS[:1]
    assert [answer["text"] for answer in answers] == [[text] for text in TEXTS[1:]]


@pytest.mark.parametrize("batches", [{"text": TEXTS}, np.array(TEXTS), "a text"])
def test_a_batch_in_the_place_of_batches(batches: Any) -> None:
    with pytest.raises(InputTypeError, match="expected a"):
        list(Embedder().map_batches(batches))


@pytest.mark.parametrize("options", [{"null": "skip"}, {"errors": "skip"}])
@pytest.mark.parametrize("column", [["a", None], [], np.array(["a"])])
def test_a_column_alone_keeps_its_rows(options: dict[str, Any], column: Any) -> None:
    with pytest.raises(InputValueError, match="a single column must keep all of its rows; give"):
        Embedder(**options)(column)


# Batches of pyarrow

pa = pytest.importorskip("pyarrow")


def arrow_batches(texts: list[Any]) -> dict[str, Any]:
    array = pa.array(texts, pa.string())
    chunks = pa.chunked_array([array[:1], array[1:]])
    numbers = pa.array(range(len(texts)))
    return {
        "Table": pa.table({"id": numbers, "text": array}),
        "Table of chunks": pa.table({"id": numbers, "text": chunks}),
        "Table, large strings": pa.table({"id": numbers, "text": array.cast(pa.large_string())}),
        "Table, dictionary": pa.table({"id": numbers, "text": array.dictionary_encode()}),
        "slice of a Table": pa.table({"id": [0, *range(len(texts))], "text": ["before", *texts]})[1:],
        "RecordBatch": pa.table({"id": numbers, "text": array}).to_batches()[0],
        "slice of a RecordBatch": pa.table({"id": numbers, "text": array}).to_batches()[0][0:],
        "Array": array,
        "ChunkedArray": chunks,
    }


ARROW = list(arrow_batches(TEXTS))


def vectors_in(answer: Any) -> Any:
    """Return the vectors of an answer, as one array of pyarrow that has been checked."""
    column = answer.column("embedding") if hasattr(answer, "schema") else answer
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    column.validate(full=True)
    return column


@pytest.mark.parametrize("name", ARROW)
@pytest.mark.parametrize("fixed_size", [True, False])
def test_arrow(name: str, fixed_size: bool, model: StaticModel) -> None:
    batch = arrow_batches(TEXTS)[name]
    answer = Embedder(fixed_size=fixed_size)(batch)
    vectors = vectors_in(answer)
    assert vectors.type == (pa.list_(pa.float32(), 256) if fixed_size else pa.list_(pa.float32()))
    np.testing.assert_array_equal(vectors.flatten().to_numpy().reshape(-1, 256), model.encode(TEXTS))
    if hasattr(batch, "schema"):
        assert type(answer) is type(batch)
        assert answer.schema.names == ["id", "text", "embedding"]
        assert answer.select(["id", "text"]).equals(batch)


@pytest.mark.parametrize("name", ARROW)
@pytest.mark.parametrize("fixed_size", [True, False])
@pytest.mark.parametrize("null", ["empty", "skip", "null"])
def test_nulls_of_arrow(name: str, fixed_size: bool, null: str, model: StaticModel) -> None:
    texts = ["one", None, "three", None, *["more"] * 7, None]
    batch = arrow_batches(texts)[name]
    if null == "skip" and not hasattr(batch, "schema"):
        return  # a column alone keeps its rows
    answer = Embedder(null=null, fixed_size=fixed_size)(batch)
    expected: list[Any] = [model.encode(text or "").tolist() for text in texts]
    if null == "skip":
        expected = [vector for vector, text in zip(expected, texts, strict=True) if text is not None]
    elif null == "null":
        expected = [None if text is None else vector for vector, text in zip(expected, texts, strict=True)]
    assert vectors_in(answer).to_pylist() == expected
    if hasattr(answer, "schema"):
        kept = [place for place, text in enumerate(texts) if null != "skip" or text is not None]
        assert answer.column("id").to_pylist() == kept


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"precision": "int8"}, pa.list_(pa.int8(), 256)),
        ({"precision": "ubinary"}, pa.list_(pa.uint8(), 32)),
        ({"truncate_dim": 64}, pa.list_(pa.float32(), 64)),
        ({"quantize_to": "float16"}, pa.list_(pa.float16(), 256)),
        ({"quantize_to": "float64"}, pa.list_(pa.float64(), 256)),
    ],
)
def test_types_of_arrow(options: dict[str, Any], kind: Any) -> None:
    embedder = Embedder(**options)
    for texts in (TEXTS, []):
        assert embedder(pa.array(texts, pa.string())).type == kind
    assert (embedder.dim, pa.from_numpy_dtype(embedder.dtype)) == (kind.list_size, kind.value_type)


def test_arrow_shares_the_memory_of_the_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    encode = StaticModel.encode

    def remembered(*arguments: Any, **options: Any) -> Any:
        made.append(encode(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(StaticModel, "encode", remembered)
    for options in ({}, {"precision": "int8"}, {"fixed_size": False}):
        column = Embedder(**options)(pa.table({"text": TEXTS}))["embedding"]
        assert np.shares_memory(column.chunk(0).flatten().to_numpy(), made[-1])


def test_what_the_schema_says_of_itself_is_kept() -> None:
    schema = pa.schema([pa.field("text", pa.string(), metadata={"of": "a field"})], metadata={"of": "all"})
    answer = Embedder()(pa.table({"text": TEXTS}, schema=schema))
    assert answer.schema.metadata == {b"of": b"all"}
    assert answer.schema.field("text").metadata == {b"of": b"a field"}


def test_lists_that_would_be_too_long_for_arrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2v_lite.integrations.frames.MOST_NUMBERS", 3 * 256)
    embedder = Embedder(fixed_size=False)
    assert len(embedder(pa.array(["a"] * 3))) == 3
    with pytest.raises(
        InputValueError, match=r"the batch has 4 texts, .* 256 columns .* for 3 at most; give"
    ):
        embedder(pa.array(["a"] * 4))


def test_a_dict_of_arrow() -> None:
    batch = {"text": pa.array(["a", None, "c"]), "id": pa.array([1, 2, 3])}
    answer = Embedder(null="skip")(batch)
    assert answer["id"].to_pylist() == [1, 3]
    assert answer["embedding"].shape == (2, 256)


# Bad rows

NOT_UTF8 = [b"caf\xe9", None, b"fine", b"\xff\xfe and \xff"]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_arrow_that_is_not_utf8(kind: Any, model: StaticModel) -> None:
    binary = pa.array(NOT_UTF8, pa.large_binary() if kind == pa.large_string() else pa.binary())
    texts = pa.Array.from_buffers(kind, len(binary), binary.buffers())
    for batch in (texts, texts.dictionary_encode(), pa.chunked_array([texts[:1], texts[1:]])):
        assert len(Embedder(null="skip", errors="skip")(pa.table({"text": batch}))) == 1
        nulls = Embedder(null="null", errors="null")(batch)
        assert nulls.is_null().to_pylist() == [True, True, False, True]
        answer = Embedder(null="empty", errors="replace")(batch)
        expected = model.encode(["caf\ufffd", "", "fine", "\ufffd and \ufffd"])
        np.testing.assert_array_equal(answer.flatten().to_numpy().reshape(-1, 256), expected)
        with pytest.raises(InputValueError, match=r"row 0 of the column: .* at character 3; giv"):
            Embedder(null="empty")(batch)


VALUES = strategies.lists(
    strategies.one_of(
        strategies.sampled_from(["one", "", "日本", "\ud800", "a\udcff\udce9b", None, math.nan, 5, b"bytes"]),
        strategies.text(max_size=3),
    ),
    max_size=12,
)


def expected_of(value: Any, null: str, errors: str) -> Any:
    """Return the text of a value, "skip", "null" or an error."""
    if value is None or value != value:
        return "" if null == "empty" else InputTypeError if null == "error" else {"row": null}
    if not isinstance(value, str):
        return {"row": errors} if errors in ("skip", "null") else InputTypeError
    try:
        value.encode()
        return value
    except UnicodeEncodeError:
        if errors == "strict":
            return InputValueError
        return replaced(value) if errors == "replace" else {"row": errors}


@pytest.mark.parametrize("null", NULL)
@pytest.mark.parametrize("errors", ERRORS)
@given(values=VALUES)
def test_policies(null: str, errors: str, values: list[Any]) -> None:
    embedder = Embedder(null=null, errors=errors)
    expected = [expected_of(value, null, errors) for value in values]
    batch = {"text": list(values), "place": list(range(len(values)))}
    failure = next((item for item in expected if isinstance(item, type)), None)
    if failure is not None:
        with pytest.raises(failure, match=rf"row {expected.index(failure)} of the batch, column 'text': "):
            embedder(batch)
    else:
        answer = embedder(batch)
        kept = [place for place, item in enumerate(expected) if item != {"row": "skip"}]
        assert answer["place"] == kept
        texts = [expected[place] for place in kept]
        assert [vector is None for vector in answer["embedding"]] == [
            text == {"row": "null"} for text in texts
        ]
        vectors = StaticModel.from_pretrained().encode([text for text in texts if isinstance(text, str)])
        given_vectors = [vector for vector in answer["embedding"] if vector is not None]
        np.testing.assert_array_equal(np.array(given_vectors).reshape(-1, 256), vectors)
    assert repr(batch["text"]) == repr(values)


def test_bad_rows_far_down() -> None:
    """Texts are looked at in parts."""
    texts = ["fine"] * 10_000
    texts[9_000] = "\ud800"
    with pytest.raises(InputValueError, match="row 9000 of the column"):
        Embedder()(texts)


def test_a_surrogate_pair_in_two_texts_is_no_character() -> None:
    with pytest.raises(InputValueError, match="row 0 of the column"):
        Embedder()(["\ud83d", "\ude00"])


# Options


def test_options_are_those_of_the_model() -> None:
    names = set(inspect.signature(StaticModel.from_pretrained).parameters)
    assert {*module.OF_LOADING} == names - {"path", "normalize", "max_length", "vocabulary_quantization"}
    assert {"normalize", "max_length", "truncate_dim", "precision", "batch_size", "prompt"} < {
        *module.OF_ENCODING
    }


@pytest.mark.parametrize(
    ("loading", "encoding"),
    [
        ({}, {"normalize": True}),
        ({}, {"max_length": 3}),
        ({}, {"truncate_dim": 17}),
        ({}, {"precision": "int8"}),
        ({}, {"batch_size": 2}),
        ({}, {"prompt": "query: "}),
        ({}, {"normalize_embeddings": True}),
        ({"dimensionality": 32}, {}),
        ({"quantize_to": "float64"}, {}),
        ({"memo_bytes": 1, "preload": True}, {"normalize": False}),
    ],
)
def test_options(loading: dict[str, Any], encoding: dict[str, Any]) -> None:
    texts = [text for text in SAMPLE_TEXTS if text.isprintable()]
    expected = StaticModel.from_pretrained(**loading).encode(texts, **encoding)
    embedder = Embedder(**loading, **encoding)
    for same in (embedder, copied(embedder)):
        answer = same(texts)
        assert answer.dtype == expected.dtype
        np.testing.assert_array_equal(answer, expected)
        assert (same.dim, same.dtype) == (expected.shape[1], expected.dtype)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"colum": "x"}, InputTypeError, "Embedder has no option 'colum'; did you mean 'column'?"),
        ({"qqq": 1}, InputTypeError, "Embedder has no option 'qqq'; see help"),
        ({"workers": 2}, InputTypeError, "Embedder has no option 'workers'; "),
        ({"out": None}, InputTypeError, "Embedder has no option 'out'; "),
        ({"null": "ignore"}, InputValueError, "null is str 'ignore'; give one of error, empty, skip, null"),
        ({"errors": None}, InputValueError, "errors is None; give one of strict, replace, skip, null"),
        ({"column": 5}, InputTypeError, "column is int 5; give the name of a column"),
        ({"output": None}, InputTypeError, "output is None; give the name of a column"),
        ({"output": "text"}, InputValueError, "output and column are both 'text'; give another output="),
        ({"fixed_size": "no"}, InputTypeError, "fixed_size is str 'no'; give True or False"),
        ({"truncate_dim": 257}, InputValueError, "truncate_dim is 257, but the model has 256 columns"),
        ({"precision": "int4"}, InputValueError, "precision is "),
        ({"model": 5}, InputTypeError, "model is int 5; give a str or a pathlib.Path"),
        ({"model": "no/such/model"}, ModelNotFoundError, "no such folder"),
        ({"model": ""}, ModelNotFoundError, "no such folder"),
    ],
)
def test_impossible_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        Embedder(**options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        ("a text", InputTypeError, "expected a batch, got str 'a text'; give a list of texts (for datasets"),
        (None, InputTypeError, "expected a batch, got None; give"),
        (b"x", InputTypeError, "expected a batch, got bytes b'x'"),
        ({"x"}, InputTypeError, "expected a batch, got set"),
        (
            (text for text in "ab"),
            InputTypeError,
            "; for an iterator of batches, use embedder.map_batches",
        ),
        (
            pa.table({"a": [1]}).to_reader(),
            InputTypeError,
            "; for an iterator of batches, use embedder.map_batches",
        ),
        (np.zeros((2, 2)), InputTypeError, "expected a batch, got ndarray"),
        (np.array("text"), InputTypeError, "expected a batch, got ndarray"),
        (pa.schema([]), InputTypeError, "expected a batch, got Schema"),
        ({}, InputValueError, "the batch has no column named 'text'; give column=, one of: none"),
        ({"a": [], "b": []}, InputValueError, "no column named 'text'; give column=, one of: a, b"),
        ({"text": 5}, InputTypeError, "column 'text' of the batch is int 5; give one value for each row"),
        (
            {"text": "one"},
            InputTypeError,
            "column 'text' of the batch is str 'one'; give one value for each row",
        ),
        (
            {"text": ["a"], "id": 3},
            InputTypeError,
            "column 'id' of the batch is int 3; give one value for each",
        ),
        ({"text": ["a"], "id": [1, 2]}, InputValueError, "columns of different lengths: text 1, id 2; give"),
        ({"text": [], "embedding": []}, InputValueError, "already has a column 'embedding'; give another"),
        (pa.table({"a": [1]}), InputValueError, "the batch has no column named 'text'"),
        (pa.table([["a"], ["b"]], ["text", "text"]), InputValueError, "has 2 columns named 'text'"),
        (
            pa.table({"text": [1]}),
            InputTypeError,
            "row 0 of the batch, column 'text': int 1 is not a str; decode or cast the column, or give",
        ),
        (
            pa.table({"text": ["a", None]}),
            InputTypeError,
            "row 1 of the batch, column 'text': the text is missing (None); gi",
        ),
        (pa.array([None]), InputTypeError, "row 0 of the column: the text is missing"),
    ],
)
def test_impossible_batches(batch: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        Embedder()(batch)
    assert message in str(caught.value)


# Other processes


def test_a_pickle_is_small_and_loads_nothing(loads: list[Any], elsewhere: Callable[[], None]) -> None:
    embedder = Embedder(column="title", normalize=True, precision="int8")
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(embedder, protocol)
        assert len(data) < 500
    embedder(["a text"])
    assert data == pickle.dumps(embedder, protocol)
    elsewhere()
    loads.clear()
    again = pickle.loads(data)
    assert (
        repr(again)
        == repr(embedder)
        == "<Embedder of the bundled model: column 'title' -> 'embedding', 256 x int8>"
    )
    assert loads == []
    np.testing.assert_array_equal(again(TEXTS), embedder(TEXTS))
    assert loads == [None]


def test_a_process_loads_a_model_once(folder: Path, loads: list[Any], elsewhere: Callable[[], None]) -> None:
    data = [pickle.dumps(Embedder(folder, column=name)) for name in "abc"]
    elsewhere()
    loads.clear()
    for number in range(9):
        assert pickle.loads(data[number % 3])(["a kettle"]).shape == (
            1,
            StaticModel.from_pretrained(folder).dim,
        )
    assert len(loads) == 1 + 9  # and those of this test itself


def test_the_process_that_made_it_loads_it_once(folder: Path, loads: list[Any]) -> None:
    embedder = Embedder(folder)
    copied(embedder)(TEXTS)
    embedder(TEXTS)
    assert len(loads) == 1


def test_threads_load_a_model_once(
    loads: list[Any], elsewhere: Callable[[], None], model: StaticModel
) -> None:
    data = pickle.dumps(Embedder())
    elsewhere()
    loads.clear()
    ready, answers = threading.Barrier(8), []

    def work() -> None:
        ready.wait(LONGEST)
        answers.append(pickle.loads(data)(TEXTS))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST)
    assert len(answers) == 8
    for answer in answers:
        np.testing.assert_array_equal(answer, model.encode(TEXTS))
    assert len(loads) == 1


def test_other_options_load_another_model(loads: list[Any]) -> None:
    assert Embedder(dimensionality=8)(["a"]).shape == (1, 8)
    assert Embedder(dimensionality=9)(["a"]).shape == (1, 9)
    assert len(loads) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_process_that_is_forked_while_a_model_loads(elsewhere: Callable[[], None]) -> None:
    embedder = Embedder()
    elsewhere()
    with module._lock:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if embedder(["a"]).shape == (1, 256) else 1
            finally:
                os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_path_means_the_same_everywhere(
    folder: Path, tmp_path: Path, elsewhere: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    embedder = Embedder("small")
    assert embedder.model == str(folder)
    expected = embedder(TEXTS)
    elsewhere()
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(copied(embedder)(TEXTS), expected)


def test_a_machine_that_lacks_the_model(folder: Path, elsewhere: Callable[[], None]) -> None:
    embedder = copied(Embedder(folder))
    shutil.rmtree(folder)
    elsewhere()
    with pytest.raises(ModelNotFoundError) as caught:
        embedder(TEXTS)
    message = str(caught.value)
    assert message.startswith(f"on the machine {socket.gethostname()}: {str(folder)!r}: no such folder")
    assert "Each machine needs the model that the embedder was made with" in message
    assert str(pickle.loads(pickle.dumps(caught.value))) == message


def test_a_machine_with_another_model(
    folder: Path, other_folder: Path, elsewhere: Callable[[], None]
) -> None:
    embedder = copied(Embedder(folder))
    shutil.rmtree(folder)
    other_folder.rename(folder)
    elsewhere()
    with pytest.raises(
        InvalidModelError, match=r"on the machine .*small: not the model that .*; put the same"
    ):
        embedder(TEXTS)


def test_a_model_that_is_packed(folder: Path, elsewhere: Callable[[], None]) -> None:
    packed = folder.parent / "packed.safetensors"
    StaticModel.from_pretrained(folder).save_packed(packed)
    embedder = Embedder(packed)
    elsewhere()
    np.testing.assert_array_equal(copied(embedder)(TEXTS), StaticModel.from_pretrained(folder).encode(TEXTS))


# A name on the hub


def put_into_cache(cache: Path, commit: str, model: Path, inner: str = "") -> None:
    """Put a model into the hub's cache, as the newest commit of the branch main."""
    entry = cache / "models--owner--name"
    shutil.copytree(model, entry / "snapshots" / commit / inner, dirs_exist_ok=True)
    (entry / "refs").mkdir(exist_ok=True)
    (entry / "refs" / "main").write_text(commit)


@pytest.mark.parametrize("inner", ["", "small/model"])
def test_a_name_is_pinned_to_its_commit(
    inner: str, folder: Path, other_folder: Path, tmp_path: Path, elsewhere: Callable[[], None]
) -> None:
    cache = tmp_path / "cache"
    options: dict[str, Any] = {"cache_dir": str(cache), "local_files_only": True, "subfolder": inner or None}
    put_into_cache(cache, COMMITS[0], folder, inner)
    embedder = Embedder("owner/name", **options)
    expected = embedder(TEXTS)
    put_into_cache(cache, COMMITS[1], other_folder, inner)
    assert Embedder("owner/name", **options)(TEXTS).tolist() != expected.tolist()
    elsewhere()
    np.testing.assert_array_equal(copied(embedder)(TEXTS), expected)
    shutil.rmtree(cache / "models--owner--name" / "snapshots" / COMMITS[0])
    elsewhere()
    with pytest.raises(DownloadError) as caught:
        copied(embedder)(TEXTS)
    message = str(caught.value)
    assert message.startswith(f"on the machine {socket.gethostname()}: owner/name at revision {COMMITS[0]}")
    assert f"m2v-lite download owner/name --revision {COMMITS[0]}" in message


def test_a_cache_means_the_same_everywhere(
    folder: Path, tmp_path: Path, elsewhere: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_into_cache(tmp_path / "cache", COMMITS[0], folder)
    monkeypatch.chdir(tmp_path)
    embedder = Embedder("owner/name", cache_dir="cache", local_files_only=True)
    expected = embedder(TEXTS)
    elsewhere()
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(copied(embedder)(TEXTS), expected)


def test_what_was_downloaded_by_force_is_not_again(loads: list[Any]) -> None:
    embedder = Embedder(force_download=True)
    assert b"force_download" not in pickle.dumps(embedder)
    assert embedder(["a"]).shape == (1, 256)


def test_errors_of_all_kinds_keep_their_class(
    folder: Path, elsewhere: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = Embedder(folder)
    elsewhere()
    for kind in M2VLiteError.__subclasses__():

        def fails(*arguments: Any, kind: Any = kind, **options: Any) -> None:
            raise kind("a fact; a remedy")

        monkeypatch.setattr(StaticModel, "from_pretrained", fails)
        with pytest.raises(kind, match=r"on the machine .*: a fact; a remedy\. Each machine needs"):
            embedder(TEXTS)


PLAIN_PROGRAM = """
import sys
from m2v_lite import Embedder
assert "m2v_lite.integrations.embedder" in sys.modules
Embedder()({"text": ["a"]})
print(*sorted(name.partition(".")[0] for name in sys.modules))
"""


def test_no_library_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLAIN_PROGRAM], capture_output=True, text=True, check=True, timeout=LONGEST
    )
    loaded = set(done.stdout.split())
    assert "numpy" in loaded
    assert not loaded & {
        "pyarrow", "pandas", "polars", "ray", "daft", "pyspark", "dask", "datasets", "duckdb",
        "tokenizers", "huggingface_hub",
    }  # fmt: skip
