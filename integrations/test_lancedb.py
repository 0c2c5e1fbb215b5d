"""LanceDB: a table whose rows and queries are texts, and which another process opens."""

from __future__ import annotations

import json
import pickle
import time
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
import pydantic
import pytest
from lancedb.embeddings import EmbeddingFunctionConfig, get_registry
from lancedb.pydantic import LanceModel, Vector
from pages_and_processes import check_missing, run_page, run_python

from m2v_lite import InputTypeError, InputValueError, ModelNotFoundError, StaticModel
from m2v_lite.integrations.lancedb import M2VLiteEmbeddings

TEXTS = ["The kettle is on.", "Water is boiling.", "The train was late.", "湯が沸いた", "naïve café"]
QUERY = "a pot of tea"

# What a process does that finds the database.
REOPEN = """
import json, sys
import lancedb
import m2v_lite.integrations.lancedb
notes = lancedb.connect(sys.argv[1]).open_table("notes")
notes.add([{"text": "We drank tea."}])
hits = notes.search("a pot of tea").metric("cosine").limit(6).to_list()
print(json.dumps([[hit["text"], hit["_distance"], list(hit["vector"])] for hit in hits]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder that differs from the bundled model."""
    StaticModel.from_pretrained(dimensionality=64).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def annotated(function: Any) -> Any:
    """Return the schema."""
    fields: dict[str, Any] = {
        "text": (str, function.SourceField()),
        "vector": (Vector(function.ndims()), function.VectorField()),
    }
    return pydantic.create_model("Note", __base__=LanceModel, **fields)


def filled(path: Path, function: Any) -> Any:
    notes = lancedb.connect(path).create_table("notes", schema=annotated(function))
    notes.add([{"text": text} for text in TEXTS])
    return notes


@pytest.mark.parametrize("options", [{}, {"dimensionality": 32}])
def test_another_process_opens_the_table(options: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    filled(tmp_path / "db", get_registry().get("m2v-lite").create(name=str(folder), **options))
    printed = run_python(REOPEN, tmp_path / "db", folder=tmp_path / "model")
    model = StaticModel.from_pretrained(folder, **options)
    texts = [*TEXTS, "We drank tea."]
    scores = dict(zip(texts, model.encode(texts) @ model.encode(QUERY), strict=True))
    hits = json.loads(printed)
    assert [text for text, _, _ in hits] == sorted(texts, key=lambda text: -scores[text])
    for text, distance, vector in hits:
        assert distance == pytest.approx(1 - scores[text], abs=1e-5)
        np.testing.assert_array_equal(np.array(vector, np.float32), model.encode(text))


def test_a_process_that_has_not_imported_the_module(tmp_path: Path) -> None:
    filled(tmp_path / "db", M2VLiteEmbeddings.create())
    program = REOPEN.replace("import m2v_lite.integrations.lancedb", "")
    with pytest.raises(AssertionError, match="KeyError: 'm2v-lite'"):
        run_python(program, tmp_path / "db", folder=tmp_path)


def test_a_relative_path(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("model", Path("model")):
        function = M2VLiteEmbeddings.create(name=name)
        assert function.safe_model_dump() == {"name": str(folder)}
        filled(tmp_path / f"db of {type(name).__name__}", function)


def test_what_the_table_stores(tmp_path: Path) -> None:
    notes = filled(tmp_path / "db", M2VLiteEmbeddings.create(max_length=None, normalize=True))
    (stored,) = json.loads(notes.schema.metadata[b"embedding_functions"])
    assert stored == {
        "name": "m2v-lite",
        "model": {"max_length": None, "normalize": True, "name": None},
        "source_column": "text",
        "vector_column": "vector",
    }
    config: EmbeddingFunctionConfig = notes.embedding_functions["vector"]
    assert config.function.max_length is None


def test_not_given_is_not_none() -> None:
    """For `max_length`, None means no limit."""
    text = "kettle " * 512 + "train " * 512
    model = StaticModel.from_pretrained()
    whole = model.encode(text, max_length=None)
    assert not np.array_equal(whole, model.encode(text))
    for options, known in (({}, model.encode(text)), ({"max_length": None}, whole)):
        (vector,) = M2VLiteEmbeddings.create(**options).compute_source_embeddings(text)
        np.testing.assert_array_equal(vector, known)


@pytest.mark.parametrize(
    "texts", [TEXTS, np.array(TEXTS), pa.array(TEXTS), pa.chunked_array([TEXTS[:2], TEXTS[2:]]), tuple(TEXTS)]
)
def test_vectors_are_those_of_encode(texts: Any) -> None:
    function = M2VLiteEmbeddings.create()
    known = StaticModel.from_pretrained().encode(TEXTS)
    np.testing.assert_array_equal(function.compute_source_embeddings(texts), known)
    np.testing.assert_array_equal(function.compute_query_embeddings(TEXTS[0]), known[:1])


def test_nothing() -> None:
    assert M2VLiteEmbeddings.create().compute_source_embeddings([]) == []


def test_missing_texts(tmp_path: Path) -> None:
    """Such rows have no vector."""
    first, missing, last = M2VLiteEmbeddings.create().compute_source_embeddings(["one", None, "two"])
    assert missing is None
    np.testing.assert_array_equal([first, last], StaticModel.from_pretrained().encode(["one", "two"]))
    function = M2VLiteEmbeddings.create()
    schema = pa.schema([("text", pa.string()), ("vector", pa.list_(pa.float32(), 256))])
    config = EmbeddingFunctionConfig(source_column="text", vector_column="vector", function=function)
    notes = lancedb.connect(tmp_path).create_table("notes", schema=schema, embedding_functions=[config])
    notes.add([{"text": "one"}, {"text": None}], on_bad_vectors="null")
    assert notes.to_arrow()["vector"].is_null().to_pylist() == [False, True]


@pytest.mark.parametrize(
    ("texts", "error"), [([b"bytes"], InputTypeError), ([1], InputTypeError), (["\ud800"], InputValueError)]
)
def test_wrong_texts(texts: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        M2VLiteEmbeddings.create().compute_source_embeddings(texts)


def test_a_text_that_fails_fails_at_once() -> None:
    """LanceDB would else try seven times, for two minutes."""
    function = M2VLiteEmbeddings.create()
    start = time.monotonic()
    with pytest.raises(Exception, match=r"retries \(0\).*text 0 is bytes"):
        function.compute_source_embeddings_with_retry([b"bytes"])
    with pytest.raises(Exception, match=r"retries \(0\).*lone surrogate"):
        function.compute_query_embeddings_with_retry("\ud800")
    assert time.monotonic() - start < 1


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        M2VLiteEmbeddings.create(name=str(tmp_path / "nothing"))
    with pytest.raises(pydantic.ValidationError, match="dimension"):
        M2VLiteEmbeddings.create(dimension=32)
    with pytest.raises(pydantic.ValidationError, match="name"):
        M2VLiteEmbeddings.create(name=StaticModel.from_pretrained())


def test_a_token_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Sensitive key 'token'"):
        M2VLiteEmbeddings.create(token="hf_secret")
    get_registry().set_var("hub_token", "hf_secret")
    function = M2VLiteEmbeddings.create(token="$var:hub_token")
    assert function.token == "hf_secret"
    assert "hf_secret" not in repr(function)
    notes = filled(tmp_path / "db", function)
    assert b"hf_secret" not in notes.schema.metadata[b"embedding_functions"]
    assert b"$var:hub_token" in notes.schema.metadata[b"embedding_functions"]


def test_a_name_that_is_a_variable(folder: Path) -> None:
    get_registry().set_var("place", str(folder))
    function = M2VLiteEmbeddings.create(name="$var:place")
    assert function.ndims() == 64
    assert function.safe_model_dump() == {"name": "$var:place"}


def test_a_pickle() -> None:
    function = M2VLiteEmbeddings.create(dimensionality=32)
    pickled = pickle.dumps(function)
    assert len(pickled) < 5000
    again = pickle.loads(pickled)
    np.testing.assert_array_equal(again.compute_source_embeddings(TEXTS), function.generate_embeddings(TEXTS))
    assert again.safe_model_dump() == {"dimensionality": 32, "name": None}


def test_without_lancedb(tmp_path: Path) -> None:
    check_missing("lancedb", "lancedb", "lancedb", tmp_path)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page("lancedb", tmp_path, monkeypatch)
    assert [hit["text"] for hit in names["hits"]] == ["Water is boiling.", "The kettle is on."]
