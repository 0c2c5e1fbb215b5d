"""Chroma: collections on disk that another process opens and searches without being given the function."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import pytest
from pages_and_processes import check_missing, run_page, run_python

from m2v_lite import InputTypeError, InputValueError, ModelNotFoundError, StaticModel
from m2v_lite.integrations.chroma import M2VLiteEmbeddingFunction

TEXTS = ["The kettle is on.", "Water is boiling.", "The train was late.", "湯が沸いた", "naïve café"]
IDS = [str(number) for number in range(len(TEXTS))]
QUERY = "a pot of tea"

# What a process does that finds the database. Its last argument says whether it has imported our module.
REOPEN = """
import json, sys
import chromadb
if sys.argv[2] == "imported":
    import m2v_lite.integrations.chroma
notes = chromadb.PersistentClient(sys.argv[1]).get_collection("notes")
notes.add(ids=["late"], documents=["We drank tea."])
parts = ["documents", "distances", "embeddings"]
hits = notes.query(query_texts=["a pot of tea"], n_results=6, include=parts)
documents, distances, vectors = [hits[part][0] for part in parts]
print(json.dumps([documents, distances, [list(map(float, vector)) for vector in vectors]]))
"""


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANONYMIZED_TELEMETRY", "False")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder that differs from the bundled model."""
    StaticModel.from_pretrained(dimensionality=64).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def filled(path: Path, function: Any, **options: Any) -> Any:
    notes = chromadb.PersistentClient(str(path)).create_collection(
        "notes", embedding_function=function, **options
    )
    notes.add(ids=IDS, documents=TEXTS)
    return notes


@pytest.mark.parametrize("options", [{}, {"dimensionality": 32}])
def test_another_process_opens_the_collection(options: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    """It works in another directory, and its function is one that nobody passed."""
    filled(tmp_path / "db", M2VLiteEmbeddingFunction(folder, **options))
    printed = run_python(REOPEN, tmp_path / "db", "imported", folder=tmp_path / "model")
    documents, distances, vectors = json.loads(printed)
    model = StaticModel.from_pretrained(folder, **options)
    texts = [*TEXTS, "We drank tea."]
    scores = dict(zip(texts, model.encode(texts) @ model.encode(QUERY), strict=True))
    assert documents == sorted(texts, key=lambda text: -scores[text])
    np.testing.assert_allclose(distances, [1 - scores[text] for text in documents], atol=1e-5)
    # Chroma scales vectors itself where distances are of cosines.
    np.testing.assert_allclose(vectors, model.encode(documents), atol=1e-6)


def test_a_process_that_has_not_imported_the_module(tmp_path: Path) -> None:
    """Chroma then knows no such function, and says so only when texts come."""
    filled(tmp_path / "db", M2VLiteEmbeddingFunction())
    with pytest.raises(AssertionError, match="m2v_lite"):
        run_python(REOPEN, tmp_path / "db", "not imported", folder=tmp_path)


def test_a_relative_path(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert M2VLiteEmbeddingFunction("model").get_config()["model_name"] == str(folder)
    assert M2VLiteEmbeddingFunction(Path("model")).model_name == str(folder)


def test_what_the_collection_stores(folder: Path, tmp_path: Path) -> None:
    function = M2VLiteEmbeddingFunction(folder, dimensionality=32, cache_dir=tmp_path, max_length=None)
    config = function.get_config()
    options = {"dimensionality": 32, "cache_dir": str(tmp_path), "max_length": None}
    assert json.loads(json.dumps(config)) == {"model_name": str(folder), "options": options}
    again = M2VLiteEmbeddingFunction.build_from_config(config)
    assert again.get_config() == config
    assert again.model.max_length is None
    config["options"].clear()
    assert function.options == options
    stored = filled(tmp_path / "db", function).configuration_json["embedding_function"]
    assert stored == {"type": "known", "name": "m2v_lite", "config": function.get_config()}


def test_spaces(tmp_path: Path) -> None:
    assert filled(tmp_path / "db", M2VLiteEmbeddingFunction()).configuration["hnsw"]["space"] == "cosine"
    for space in M2VLiteEmbeddingFunction().supported_spaces():
        configuration = {"hnsw": {"space": space}}
        notes = filled(tmp_path / space, M2VLiteEmbeddingFunction(), configuration=configuration)
        assert notes.configuration["hnsw"]["space"] == space
        assert notes.query(query_texts=[QUERY], n_results=1)["ids"] == [["1"]]


def test_vectors_are_those_of_encode(folder: Path) -> None:
    for dtype in ("float16", "float32", "float64", "int8"):
        function = M2VLiteEmbeddingFunction(folder, quantize_to=dtype, normalize=False)
        known = StaticModel.from_pretrained(folder, quantize_to=dtype, normalize=False).encode(TEXTS)
        for vectors in (function(TEXTS), function.embed_query(TEXTS)):
            assert {vector.dtype for vector in vectors} == {np.dtype(np.float32)}
            np.testing.assert_array_equal(np.array(vectors), known.astype(np.float32))


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ("one text", InputTypeError, "pass it in a list"),
        ([b"bytes"], InputTypeError, "bytes"),
        (["one", None], InputTypeError, "None"),
        (["\ud800"], InputValueError, "surrogate"),
        ([], ValueError, "non-empty"),
    ],
)
def test_wrong_texts(texts: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        M2VLiteEmbeddingFunction()(texts)


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        M2VLiteEmbeddingFunction(tmp_path / "nothing")
    with pytest.raises(InputTypeError, match="model_name is StaticModel"):
        M2VLiteEmbeddingFunction(StaticModel.from_pretrained())  # type: ignore[arg-type]
    with pytest.raises(InputValueError, match="HF_TOKEN"):
        M2VLiteEmbeddingFunction(token="hf_secret")
    with pytest.raises(InputTypeError, match="dimensionality is list"):
        M2VLiteEmbeddingFunction(dimensionality=[1])
    with pytest.raises(TypeError, match="dimension"):
        M2VLiteEmbeddingFunction(dimension=1)


@pytest.mark.parametrize(
    "config",
    [
        None,
        {},
        {"model_name": None},
        {"model_name": 1, "options": {}},
        {"model_name": None, "options": []},
        {"model_name": None, "options": {}, "more": 1},
    ],
)
def test_wrong_configs(config: Any) -> None:
    with pytest.raises(InputTypeError, match="the config is"):
        M2VLiteEmbeddingFunction.build_from_config(config)


def test_the_model_may_move_but_not_change(folder: Path, tmp_path: Path) -> None:
    notes = filled(tmp_path / "db", M2VLiteEmbeddingFunction(folder, dimensionality=32))
    moved = folder.rename(tmp_path / "moved")
    # The function of the collection is loaded already, so it still works.
    function = M2VLiteEmbeddingFunction(moved, dimensionality=32)
    old = {"model_name": str(folder), "options": {"dimensionality": 32}}
    function.validate_config_update(old, function.get_config())
    assert notes.query(query_texts=[QUERY], n_results=1)["ids"] == [["1"]]
    for options in ({}, {"dimensionality": 16}, {"dimensionality": 32, "normalize": False}):
        with pytest.raises(InputValueError, match="vectors of this collection"):
            function.validate_config_update(old, {"model_name": str(moved), "options": options})
    unlimited = {"model_name": str(moved), "options": {"max_length": None}}
    with pytest.raises(InputValueError, match="max_length='unset', not None"):
        function.validate_config_update({"model_name": str(moved), "options": {}}, unlimited)


def test_a_function_given_for_a_model_that_moved(folder: Path, tmp_path: Path) -> None:
    filled(tmp_path / "db", M2VLiteEmbeddingFunction(folder))
    moved = folder.rename(tmp_path / "moved")
    client = chromadb.PersistentClient(str(tmp_path / "db"))
    with pytest.raises(ValueError, match="no such folder"):
        client.get_collection("notes").query(query_texts=[QUERY])
    notes = client.get_collection("notes", embedding_function=M2VLiteEmbeddingFunction(moved))
    assert notes.query(query_texts=[QUERY], n_results=1)["ids"] == [["1"]]


def test_without_chroma(tmp_path: Path) -> None:
    check_missing("chromadb", "chroma", "chroma", tmp_path)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page("chroma", tmp_path, monkeypatch)
    assert names["hits"]["documents"] == [["Water is boiling.", "The kettle is on."]]
