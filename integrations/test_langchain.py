"""LangChain with `M2VLiteEmbeddings`: LangChain's own tests, a vector store, pickles, errors."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.runnables import RunnableLambda
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests
from pages_and_processes import check_missing, run_page
from pydantic import SecretStr
from time_limit import LONGEST

import m2v_lite.integrations.langchain
from m2v_lite import StaticModel
from m2v_lite.errors import InputTypeError, InputValueError, ModelNotFoundError
from m2v_lite.integrations.langchain import M2VLiteEmbeddings

TEXTS = ["The kettle is on.", "Water is boiling.", "", "The train was late.", "Größe ☃", "the kettle " * 700]
SECRET = "hf_not_for_others"


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


@pytest.fixture
def anyio_backend() -> str:
    """What runs the asynchronous tests of LangChain."""
    return "asyncio"


@pytest.mark.anyio
class TestUnits(EmbeddingsUnitTests):  # type: ignore[misc]
    """LangChain's tests of how an object is made."""

    @property
    def embeddings_class(self) -> type[Embeddings]:
        return M2VLiteEmbeddings


@pytest.mark.anyio
class TestIntegration(EmbeddingsIntegrationTests):  # type: ignore[misc]
    """LangChain's tests of vectors."""

    @property
    def embeddings_class(self) -> type[Embeddings]:
        return M2VLiteEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"dimensionality": 32}


def test_vectors_are_those_of_encode(model: StaticModel) -> None:
    embeddings = M2VLiteEmbeddings()
    vectors = embeddings.embed_documents(TEXTS)
    assert vectors == model.encode(TEXTS).tolist()
    assert {type(number) for vector in vectors for number in vector} == {float}
    for text in TEXTS:
        assert embeddings.embed_query(text) == model.encode(text).tolist()
    assert embeddings.embed_documents(iter(TEXTS)) == vectors
    assert embeddings.embed_documents([]) == []


def test_asynchronous_methods_in_many_tasks(model: StaticModel) -> None:
    embeddings = M2VLiteEmbeddings()

    async def work() -> list[Any]:
        return await asyncio.gather(
            *[embeddings.aembed_query(text) for text in TEXTS * 20], embeddings.aembed_documents(TEXTS)
        )

    *single, together = asyncio.run(work())
    assert single == model.encode(TEXTS).tolist() * 20
    assert together == model.encode(TEXTS).tolist()
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(embeddings.embed_query, TEXTS * 20)) == single


def test_every_kind_of_model(model: StaticModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "folder")
    model.save_packed(tmp_path / "packed.safetensors")
    expected = model.encode(TEXTS).tolist()
    for source in (tmp_path / "folder", str(tmp_path / "packed.safetensors"), model):
        assert M2VLiteEmbeddings(source).embed_documents(TEXTS) == expected
    short = StaticModel.from_pretrained(dimensionality=64, max_length=2, normalize=False)
    embeddings = M2VLiteEmbeddings(dimensionality=64, max_length=2, normalize=False)
    assert embeddings.embed_documents(TEXTS) == short.encode(TEXTS).tolist()


def test_prompts_of_a_config(model: StaticModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["prompts"] = {"query": "look for: ", "document": "title: "}
    (tmp_path / "config.json").write_text(json.dumps(config))
    embeddings = M2VLiteEmbeddings(tmp_path)
    assert embeddings.embed_query("tea") == model.encode("look for: tea").tolist()
    assert embeddings.embed_documents(["tea"]) == model.encode(["title: tea"]).tolist()


def test_a_vector_store(model: StaticModel, tmp_path: Path) -> None:
    documents = [Document(text, metadata={"number": number}) for number, text in enumerate(TEXTS)]
    store = InMemoryVectorStore.from_documents(documents, M2VLiteEmbeddings())
    found = store.similarity_search_with_score("a pot of tea", k=3)
    scores = np.nan_to_num(model.encode(TEXTS) @ model.encode("a pot of tea"))
    assert [hit.metadata["number"] for hit, _ in found] == np.argsort(-scores)[:3].tolist()
    assert [score for _, score in found] == pytest.approx(np.sort(scores)[::-1][:3].tolist(), abs=1e-6)
    store.dump(str(tmp_path / "store.json"))
    again = InMemoryVectorStore.load(str(tmp_path / "store.json"), M2VLiteEmbeddings())
    chain = RunnableLambda(str.lower) | again.as_retriever(search_kwargs={"k": 1})
    assert [hit.page_content for hit in chain.invoke("THE TRAIN")] == ["The train was late."]
    (hit,) = asyncio.run(chain.ainvoke("THE TRAIN"))
    assert hit.page_content == "The train was late."


LOAD = """
import pickle, sys
embeddings = pickle.load(sys.stdin.buffer)
print(embeddings.model, embeddings.options, embeddings.embed_query("boiling water"))
"""


def test_a_pickle_in_another_process(model: StaticModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    embeddings = M2VLiteEmbeddings(str(tmp_path), token=SecretStr(SECRET), dimensionality=8)
    pickled = pickle.dumps(embeddings)
    assert len(pickled) < 500
    assert SECRET.encode() not in pickled
    done = subprocess.run([sys.executable, "-c", LOAD], input=pickled, capture_output=True, timeout=LONGEST)
    assert done.returncode == 0, done.stderr.decode()
    vector = StaticModel.from_pretrained(dimensionality=8).encode("boiling water").tolist()
    assert done.stdout.decode().strip() == f"{tmp_path} {{'dimensionality': 8}} {vector}"
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelNotFoundError):
        pickle.loads(pickled)


def test_a_pickle_with_a_loaded_model(model: StaticModel, tmp_path: Path) -> None:
    again = pickle.loads(pickle.dumps(M2VLiteEmbeddings(model)))
    assert again.embed_documents(TEXTS) == model.encode(TEXTS).tolist()
    assert len(pickle.dumps(M2VLiteEmbeddings(model))) < 2000
    of_arrays = StaticModel(np.ones((model.tokenizer.get_vocab_size(), 4), np.float32), model.tokenizer)
    embeddings = M2VLiteEmbeddings(of_arrays)
    assert embeddings.embed_query("tea") == of_arrays.encode("tea").tolist()
    for copier in (pickle.dumps, copy.deepcopy):
        with pytest.raises(InputValueError, match="save it with save_pretrained"):
            copier(embeddings)


def test_no_token_is_shown(model: StaticModel) -> None:
    embeddings = M2VLiteEmbeddings(token=SECRET)
    assert SECRET not in repr(embeddings) + repr(vars(embeddings)) + str(embeddings.options)


def test_the_token_arrives(monkeypatch: pytest.MonkeyPatch, model: StaticModel) -> None:
    tokens = []

    def load(source: Any, *, token: Any) -> StaticModel:
        tokens.append(token)
        return model

    monkeypatch.setattr(m2v_lite.integrations.langchain, "model_of", load)
    for token in (SecretStr(SECRET), SECRET, False, None):
        M2VLiteEmbeddings(token=token)
    assert tokens == [SECRET, SECRET, False, None]


def test_errors_say_what_to_do(model: StaticModel, tmp_path: Path) -> None:
    embeddings = M2VLiteEmbeddings()
    with pytest.raises(InputTypeError, match="pass it in a list, or to embed_query"):
        embeddings.embed_documents("a text")
    wrong: Any
    for wrong in (None, 5, ["a", None], ["a", ["b"]], {"a": 1}, b"a"):
        with pytest.raises(InputTypeError):
            embeddings.embed_documents(wrong)
    for wrong in (None, 5, ["a text"], b"a text", Document("a text")):
        with pytest.raises(InputTypeError, match="expected a text, got"):
            embeddings.embed_query(wrong)
    with pytest.raises(InputValueError, match="surrogate"):
        embeddings.embed_query("\ud800")
    with pytest.raises(ModelNotFoundError, match="not there"):
        M2VLiteEmbeddings(tmp_path / "not there")
    with pytest.raises(InputTypeError, match="model is int 5"):
        M2VLiteEmbeddings(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="dimensions"):
        M2VLiteEmbeddings(dimensions=64)
    with pytest.raises(InputValueError, match="already loaded, so dimensionality, token would come too late"):
        M2VLiteEmbeddings(model, token=SECRET, dimensionality=64)


@pytest.mark.parametrize("absent", ["langchain_core", "pydantic"])
def test_without_langchain(absent: str, tmp_path: Path) -> None:
    check_missing(absent, "langchain", "langchain", tmp_path)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page("langchain", tmp_path, monkeypatch)
    assert [hit.page_content for hit in names["found"]] == ["Water is boiling.", "The kettle is on."]


def test_a_real_model(models_folder: Path) -> None:
    folder = models_folder / "potion-base-2M"
    expected = StaticModel.from_pretrained(folder).encode(TEXTS).tolist()
    assert M2VLiteEmbeddings(os.fspath(folder)).embed_documents(TEXTS) == expected
