"""The embedding function in the form of pymilvus', without pymilvus; with it, see integrations/."""

from __future__ import annotations

import copy
import inspect
import json
import os
import pickle
import re
import subprocess
import sys
from abc import ABC
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from milvus_documents import DIM, DOCUMENTS, QUERIES, assert_as_printed
from sample_texts import SAMPLE_TEXTS
from time_limit import LONGEST
from tiny_models import TINY_MODELS, TinyModel, random_table

import m2v_lite
from m2v_lite import (
    InputTypeError,
    InputValueError,
    InvalidModelError,
    M2VLiteError,
    Model2VecEmbeddingFunction,
    ModelNotFoundError,
    StaticModel,
)
from m2v_lite.encoding.encoder import Encoder
from m2v_lite.files.safetensors import write_safetensors

METHODS = ["encode_documents", "encode_queries", "__call__"]


@pytest.fixture(scope="module")
def function() -> Model2VecEmbeddingFunction:
    return Model2VecEmbeddingFunction(None)


class Subclass(Model2VecEmbeddingFunction):
    def _encode(self, texts: Iterable[str]) -> Any:
        return super()._encode([text.upper() for text in texts])


def test_the_examples_of_the_documents(models_folder: Path) -> None:
    function = Model2VecEmbeddingFunction(models_folder / "potion-base-8M")
    documents, queries = function.encode_documents(DOCUMENTS), function.encode_queries(QUERIES)
    assert_as_printed(documents, queries)
    assert_as_printed(function(DOCUMENTS), function(QUERIES))
    singly = [function._encode_document(text) for text in DOCUMENTS]
    assert_as_printed(singly, [function._encode_query(text) for text in QUERIES])
    assert function.dim == DIM


PROGRAM = """
import json
from pymilvus.model.dense import Model2VecEmbeddingFunction
from milvus_documents import DOCUMENTS, QUERIES
function = Model2VecEmbeddingFunction(model_source="minishlab/potion-base-8M")
documents, queries = function.encode_documents(DOCUMENTS), function.encode_queries(QUERIES)
print(json.dumps([[vector.tolist() for vector in vectors] for vectors in (documents, queries)]))
"""


def test_one_line_is_changed(models_folder: Path, tmp_path: Path) -> None:
    """The change on the page about Milvus makes a program for pymilvus one that does without."""
    page = (Path(__file__).parents[2] / "docs" / "milvus.md").read_text(encoding="utf-8")
    ((old, new),) = re.findall(r"^-(.*pymilvus.*)\n\+(.*)$", page, re.MULTILINE)
    assert PROGRAM.count(old) == 1
    (tmp_path / "minishlab").mkdir()
    (tmp_path / "minishlab" / "potion-base-8M").symlink_to(models_folder / "potion-base-8M")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM.replace(old, new)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, check=True, timeout=LONGEST
    )
    documents, queries = (
        [np.array(numbers, np.float32) for numbers in part] for part in json.loads(done.stdout)
    )
    assert_as_printed(documents, queries)


def test_the_signature() -> None:
    signature = inspect.signature(Model2VecEmbeddingFunction)
    source, options = signature.parameters.values()
    assert (source.name, source.default) == ("model_source", "minishlab/potion-base-8M")
    assert options.kind is inspect.Parameter.VAR_KEYWORD
    names = {
        method: [*inspect.signature(getattr(Model2VecEmbeddingFunction, method)).parameters][1:]
        for method in [*METHODS, "_encode_document", "_encode_query"]
    }
    assert names == {
        "encode_documents": ["documents"],
        "encode_queries": ["queries"],
        "__call__": ["texts"],
        "_encode_document": ["document"],
        "_encode_query": ["query"],
    }


def assert_right(function: Model2VecEmbeddingFunction) -> None:
    """Assert that lists of all lengths, and single texts, have the vectors of the model."""
    for texts in ([], SAMPLE_TEXTS[:1], SAMPLE_TEXTS[:2], SAMPLE_TEXTS):
        expected = function.model.encode(texts).astype(np.float32)
        for method in METHODS:
            vectors = getattr(function, method)(texts)
            assert type(vectors) is list
            assert len(vectors) == len(texts)
            for vector, row in zip(vectors, expected, strict=True):
                assert type(vector) is np.ndarray
                assert (vector.dtype.name, vector.shape) == ("float32", (function.dim,))
                np.testing.assert_array_equal(vector, row)
    one = function.model.encode(SAMPLE_TEXTS[1]).astype(np.float32)
    for vector in (function._encode_query(SAMPLE_TEXTS[1]), function._encode_document(SAMPLE_TEXTS[1])):
        assert (vector.dtype.name, vector.shape) == ("float32", (function.dim,))
        np.testing.assert_array_equal(vector, one)


@pytest.mark.parametrize("name", TINY_MODELS)
def test_every_kind_of_model(name: str, tiny: Callable[[str], Path]) -> None:
    function = Model2VecEmbeddingFunction(tiny(name))
    assert_right(function)
    assert function.dim == TINY_MODELS[name].dim


def test_bfloat16(tmp_path: Path) -> None:
    folder = TinyModel().build(tmp_path)
    numbers = random_table(len(TinyModel().tensors()["embeddings"]), 24, "float32")
    with (folder / "model.safetensors").open("wb") as file:
        codes = (numbers.view(np.uint32) >> 16).astype(np.uint16)
        write_safetensors(file, {"embeddings": codes}, bfloat16=("embeddings",))
    function = Model2VecEmbeddingFunction(folder)
    assert function.model.embedding_dtype == "bfloat16"
    assert_right(function)


def test_every_source_of_a_model(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    folder, packed = tiny("wordpiece-float32"), tmp_path / "packed.safetensors"
    StaticModel.from_pretrained(folder).save_packed(packed)
    expected = Model2VecEmbeddingFunction(folder)(SAMPLE_TEXTS)
    for source in (str(folder), packed, str(packed)):
        function = Model2VecEmbeddingFunction(source)
        assert function.model_source is source
        np.testing.assert_array_equal(function(SAMPLE_TEXTS), expected)
        np.testing.assert_array_equal(Model2VecEmbeddingFunction(model_source=source)(SAMPLE_TEXTS), expected)


def test_the_bundled_model(function: Model2VecEmbeddingFunction, bundled: StaticModel) -> None:
    assert function.model_source is None
    np.testing.assert_array_equal(function(DOCUMENTS), bundled.encode(DOCUMENTS))
    assert function.dim == DIM


def test_a_name_on_the_hub(tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def fetch(name: str, **options: Any) -> str:
        asked.append((name, options))
        return str(tiny("wordpiece-float32"))

    monkeypatch.setattr("m2v_lite.hub.fetching.fetch_model", fetch)
    assert Model2VecEmbeddingFunction().model_source == "minishlab/potion-base-8M"
    Model2VecEmbeddingFunction("owner/name", token="secret", revision="v1", local_files_only=True)
    assert [name for name, _ in asked] == ["minishlab/potion-base-8M", "owner/name"]
    expected = {"token": "secret", "revision": "v1", "local_files_only": True}
    assert {name: asked[1][1][name] for name in expected} == expected


def test_options_reach_the_model_in_a_folder(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tiny("wordpiece-float32")
    function = Model2VecEmbeddingFunction(folder, normalize=False, dimensionality=5, max_length=2)
    assert (function.dim, function.model.normalize, function.model.max_length) == (5, False, 2)
    assert_right(function)
    assert Model2VecEmbeddingFunction(folder, quantize_to="float16").model.embedding_dtype == "float16"
    assert_right(Model2VecEmbeddingFunction(folder, quantize_to="float64"))
    TINY_MODELS["wordpiece-1-column"].build(tmp_path / "inside")
    assert Model2VecEmbeddingFunction(tmp_path, subfolder="inside").dim == 1
    assert Model2VecEmbeddingFunction(None, dimensionality=7).dim == 7
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        Model2VecEmbeddingFunction(folder, nonsense=1)


@pytest.mark.parametrize("source", [3, b"potion", ["potion"], 1.5, {}])
def test_a_source_of_a_wrong_type(source: Any) -> None:
    with pytest.raises(InputTypeError, match=r"model_source is .*; give a str or a pathlib\.Path"):
        Model2VecEmbeddingFunction(source)


def test_a_source_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(
        ModelNotFoundError, match="not a complete model folder; missing for the nearest layout"
    ):
        Model2VecEmbeddingFunction(tmp_path)
    for source in (tmp_path / "nowhere", f"{tmp_path}/nowhere", ""):
        with pytest.raises(ModelNotFoundError, match=f"^'{source}': no such folder"):
            Model2VecEmbeddingFunction(source)
    (tmp_path / "file").write_bytes(b"no model")
    with pytest.raises(InvalidModelError, match="file: not a model; give a model folder or a packed model"):
        Model2VecEmbeddingFunction(tmp_path / "file")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("text", ["a text", "", np.str_("a text"), np.array("a text")])
def test_a_text_by_itself(method: str, text: Any, function: Model2VecEmbeddingFunction) -> None:
    with pytest.raises(InputTypeError, match=r"got the text .*; pass it in a list") as caught:
        getattr(function, method)(text)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, M2VLiteError)


@pytest.mark.parametrize("method", METHODS)
def test_no_texts(method: str, function: Model2VecEmbeddingFunction) -> None:
    nothing: Any
    for nothing in ([], (), iter([]), np.array([], str)):
        assert getattr(function, method)(nothing) == []


@pytest.mark.parametrize("number", [1, 3])
def test_any_iterable_of_texts(number: int, function: Model2VecEmbeddingFunction) -> None:
    texts = DOCUMENTS[:number]
    expected = function(texts)
    for given in (
        tuple(texts),
        iter(texts),
        (text for text in texts),
        np.array(texts),
        np.array(texts, object),
    ):
        np.testing.assert_array_equal(function(given), expected)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (None, "got None; pass texts only"),
        (3, "got int 3; pass texts only"),
        (b"text", "got bytes b'text'; decode it first"),
        ({"text"}, "got set {'text'}; pass a list of its texts"),
        ({"text": 1}, "got dict {'text': 1}; pass a list of its texts"),
        ([None], "^text 0 is None, not a str"),
        ([["text"]], r"^text 0 is list \['text'\], not a str; pass one flat list of texts"),
        (["text", 5], "^text 1 is int 5, not a str"),
    ],
)
def test_what_is_not_text(
    method: str, texts: Any, message: str, function: Model2VecEmbeddingFunction
) -> None:
    with pytest.raises(InputTypeError, match=message):
        getattr(function, method)(texts)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, "None"),
        (3, "int 3"),
        (b"text", "bytes b'text'"),
        (["text"], "list"),
        (np.array(["text"]), "ndarray"),
    ],
)
def test_what_is_not_a_single_text(text: Any, kind: str, function: Model2VecEmbeddingFunction) -> None:
    for method in (function._encode_document, function._encode_query):
        with pytest.raises(InputTypeError, match=f"^text 0 is {kind}.*, not a str"):
            method(text)


def test_a_lone_surrogate(function: Model2VecEmbeddingFunction) -> None:
    for texts in (["\ud83d"], ["fine", "\ud83d"]):
        with pytest.raises(InputValueError, match=f"text {len(texts) - 1}: holds the lone surrogate"):
            function(texts)


def test_vectors_may_be_changed(function: Model2VecEmbeddingFunction) -> None:
    for texts in (DOCUMENTS[:1], DOCUMENTS):
        expected = [vector.copy() for vector in function(texts)]
        for vector in function(texts):
            vector[:] = 0
        np.testing.assert_array_equal(function(texts), expected)


def test_the_length_of_a_vector_needs_no_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError

    for name, method in ((StaticModel, "encode"), (Encoder, "encode_one"), (Encoder, "tokenized")):
        monkeypatch.setattr(name, method, fail)
    assert Model2VecEmbeddingFunction(None).dim == DIM


def test_threads(function: Model2VecEmbeddingFunction) -> None:
    expected = [function(SAMPLE_TEXTS), function(SAMPLE_TEXTS[:1])]
    with ThreadPoolExecutor(8) as pool:
        for number, vectors in enumerate(pool.map(function, [SAMPLE_TEXTS, SAMPLE_TEXTS[:1]] * 20)):
            np.testing.assert_array_equal(vectors, expected[number % 2])


@pytest.fixture(params=["without pymilvus", "with its base"])
def base(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type:
    """A stand-in for pymilvus' base, which this program imports while an embedding function exists; or `object`."""
    monkeypatch.delitem(sys.modules, "pymilvus.model.base", raising=False)
    if request.param == "without pymilvus":
        return object
    return give_base(monkeypatch)


def give_base(monkeypatch: pytest.MonkeyPatch) -> type:
    module: Any = ModuleType("pymilvus.model.base")
    module.BaseEmbeddingFunction = type("BaseEmbeddingFunction", (), {"__call__": None})
    monkeypatch.setitem(sys.modules, "pymilvus.model.base", module)
    return module.BaseEmbeddingFunction  # type: ignore[no-any-return]


def test_it_is_an_instance_of_the_base(
    function: Model2VecEmbeddingFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus.model.base", ModuleType("half imported"))
    assert function.__class__ is Model2VecEmbeddingFunction
    base = give_base(monkeypatch)
    another_base = type("BaseEmbeddingFunction", (), {})
    for each in (function, Model2VecEmbeddingFunction(None), Subclass(None)):
        assert isinstance(each, base)
        assert isinstance(each, (base, int))
        assert isinstance(each, Model2VecEmbeddingFunction)
        assert not isinstance(each, another_base)
        assert each.__class__ is each.__class__
        assert each.__class__.__name__ == type(each).__name__
    assert isinstance(Subclass(None), Subclass)
    assert not isinstance(function, Subclass)
    assert isinstance(each.__class__(None), base)
    monkeypatch.delitem(sys.modules, "pymilvus.model.base")
    assert not isinstance(function, base)
    assert function.__class__ is Model2VecEmbeddingFunction


def test_a_subclass_that_has_the_base_already(monkeypatch: pytest.MonkeyPatch) -> None:
    base = give_base(monkeypatch)
    both: Any = type("Both", (Model2VecEmbeddingFunction, base), {})
    function = both(None)
    assert isinstance(function, base)
    assert function.__class__ is both


def test_an_abstract_subclass(base: type) -> None:
    class Abstract(ABC):  # noqa: B024
        pass

    class Concrete(Model2VecEmbeddingFunction, Abstract):
        pass

    Abstract.register(Model2VecEmbeddingFunction)
    for function in (Concrete(None), Model2VecEmbeddingFunction(None)):
        assert isinstance(function, Abstract)
        assert isinstance(function, base)


@pytest.mark.parametrize("cls", [Model2VecEmbeddingFunction, Subclass])
def test_copies_and_pickles(cls: type[Model2VecEmbeddingFunction], base: type) -> None:
    function: Any = cls(None, dimensionality=9)
    function.note = ["mine"]
    expected = function(DOCUMENTS)
    pickles = [pickle.dumps(function, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    assert max(map(len, pickles)) < 5000  # a path, not a table
    again: Any
    for again in (copy.copy(function), copy.deepcopy(function), *map(pickle.loads, pickles)):
        assert type(again) is cls
        assert isinstance(again, base)
        assert (again.model_source, again.dim, vars(again)["note"]) == (None, 9, ["mine"])
        np.testing.assert_array_equal(again(DOCUMENTS), expected)
    assert copy.deepcopy(function).model.embedding is function.model.embedding
    assert copy.deepcopy(function).note is not function.note


def test_a_subclass_that_pickles_itself(base: type) -> None:
    again = pickle.loads(pickle.dumps(WithState(None)))
    assert type(again) is WithState
    assert again.restored


class WithState(Model2VecEmbeddingFunction):
    restored = False

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= {**state, "restored": True}


def test_a_subclass(tiny: Callable[[str], Path]) -> None:
    """What it does to texts is done to all of them, as in pymilvus."""
    function = Subclass(tiny("wordpiece-float32"))
    expected = Model2VecEmbeddingFunction(tiny("wordpiece-float32"))._encode_query("THE CAT")
    for vector in (function._encode_query("the cat"), *function.encode_documents(["the cat"])):
        np.testing.assert_array_equal(vector, expected)


def test_the_representation(function: Model2VecEmbeddingFunction, tmp_path: Path) -> None:
    assert repr(function) == f"<Model2VecEmbeddingFunction of {function.model!r}>"
    assert repr(Subclass(None)).startswith("<Subclass of <StaticModel of 29528 x 256 int8")


def test_the_package_has_no_other_names() -> None:
    assert m2v_lite.Model2VecEmbeddingFunction is Model2VecEmbeddingFunction
    with pytest.raises(AttributeError, match="module 'm2v_lite' has no attribute 'nothing'"):
        m2v_lite.nothing  # noqa: B018
