"""Haystack with our embedders: pipelines that another process loads from YAML, documents, tokens, errors."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from haystack import Document, Pipeline
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.utils import Secret
from pages_and_processes import check_missing, run_page
from time_limit import LONGEST

import m2v_lite.integrations.haystack
from m2v_lite import StaticModel
from m2v_lite.errors import InputTypeError, InputValueError, ModelNotFoundError
from m2v_lite.integrations.haystack import M2VLiteDocumentEmbedder, M2VLiteTextEmbedder

PAGE = (Path(__file__).parent.parent / "docs" / "libraries" / "haystack.md").read_text(encoding="utf-8")
TEXTS = ["The kettle is on.", "Water is boiling.", "", "The train was late.", "Größe ☃", "the kettle " * 700]
SECRET = "hf_not_for_others"
EMBEDDERS = [M2VLiteTextEmbedder, M2VLiteDocumentEmbedder]
# From version 3 on, Haystack must be told.
MODULE = "m2v_lite.integrations.haystack"
ALLOWED: dict[str, Any] = (
    {"allowed_modules": [MODULE]} if "allowed_modules" in inspect.signature(Pipeline.loads).parameters else {}
)
OFFLINE = {**os.environ, "HAYSTACK_TELEMETRY_ENABLED": "False", "HAYSTACK_DESERIALIZATION_ALLOWLIST": MODULE}


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


@pytest.fixture(autouse=True)
def _without_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_API_TOKEN", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HAYSTACK_TELEMETRY_ENABLED", "False")


def embedded(embedder: Any, documents: list[Document]) -> list[Any]:
    return [document.embedding for document in embedder.run(documents)["documents"]]


def test_vectors_are_those_of_encode(model: StaticModel) -> None:
    text_embedder, document_embedder = M2VLiteTextEmbedder(), M2VLiteDocumentEmbedder()
    text_embedder.warm_up()
    expected = model.encode(TEXTS).tolist()
    assert [text_embedder.run(text)["embedding"] for text in TEXTS] == expected
    vectors = embedded(document_embedder, [Document(content=text) for text in TEXTS])
    assert vectors == expected
    assert {type(number) for vector in vectors for number in vector} == {float}
    assert document_embedder.run([]) == {"documents": []}
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(M2VLiteTextEmbedder().run, TEXTS * 20)
    assert [one["embedding"] for one in found] == expected * 20


def test_documents_are_copied_and_keep_all_else() -> None:
    given = Document(content="tea", meta={"title": "Drinks"}, score=0.5)
    (made,) = M2VLiteDocumentEmbedder().run([given])["documents"]
    assert given.embedding is None
    assert (made.id, made.content, made.meta, made.score) == (given.id, "tea", {"title": "Drinks"}, 0.5)


def test_what_stands_around_a_text(model: StaticModel) -> None:
    vector = M2VLiteTextEmbedder(prefix="look for: ", suffix=" now").run("tea")["embedding"]
    assert vector == model.encode("look for: tea now").tolist()
    embedder = M2VLiteDocumentEmbedder(
        prefix="about: ", suffix=" .", meta_fields_to_embed=["title", "year"], embedding_separator=" | "
    )
    documents = [
        Document(content="It is on.", meta={"year": 0, "title": "Kettle", "other": "x"}),
        Document(content="It was late.", meta={"title": None}),
        Document(content=None, meta={"title": "Empty"}),
    ]
    texts = ["about: Kettle | 0 | It is on. .", "about: It was late. .", "about: Empty |  ."]
    assert embedded(embedder, documents) == model.encode(texts).tolist()


def test_the_separator_reaches_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    encode = StaticModel.encode

    def noted(self: StaticModel, texts: Any, **options: Any) -> Any:
        seen.append((texts, options.get("show_progress_bar", False)))
        return encode(self, texts, **{**options, "show_progress_bar": False})

    monkeypatch.setattr(StaticModel, "encode", noted)
    document = Document(content="b", meta={"title": "a"})
    M2VLiteDocumentEmbedder(meta_fields_to_embed=["title"], progress_bar=True).run([document])
    M2VLiteDocumentEmbedder(meta_fields_to_embed=["title"], embedding_separator="").run([document])
    assert seen == [(["a\nb"], True), (["ab"], False)]


def test_every_kind_of_model(model: StaticModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "folder")
    model.save_packed(tmp_path / "packed.safetensors")
    documents = [Document(content=text) for text in TEXTS]
    for source in (tmp_path / "folder", str(tmp_path / "packed.safetensors")):
        assert embedded(M2VLiteDocumentEmbedder(source), documents) == model.encode(TEXTS).tolist()
    options = {"dimensionality": 64, "max_length": 2, "normalize": False}
    short = StaticModel.from_pretrained(**options).encode(TEXTS).tolist()  # type: ignore[arg-type]
    assert embedded(M2VLiteDocumentEmbedder(model_kwargs=options), documents) == short
    assert M2VLiteTextEmbedder(model_kwargs=options).run(TEXTS[0])["embedding"] == short[0]


def indexing(source: Any) -> tuple[Pipeline, InMemoryDocumentStore]:
    store = InMemoryDocumentStore(index="kettles")
    pipeline = Pipeline()
    pipeline.add_component("splitter", DocumentSplitter(split_by="word", split_length=300))
    embedder = M2VLiteDocumentEmbedder(
        source, prefix="p: ", meta_fields_to_embed=["title"], model_kwargs={"dimensionality": 64}
    )
    pipeline.add_component("embedder", embedder)
    pipeline.add_component("writer", DocumentWriter(store))
    pipeline.connect("splitter.documents", "embedder.documents")
    pipeline.connect("embedder.documents", "writer.documents")
    return pipeline, store


def searching(source: Any, store: InMemoryDocumentStore) -> Pipeline:
    pipeline = Pipeline()
    pipeline.add_component("embedder", M2VLiteTextEmbedder(source, model_kwargs={"dimensionality": 64}))
    pipeline.add_component("retriever", InMemoryEmbeddingRetriever(store, top_k=2))
    pipeline.connect("embedder.embedding", "retriever.query_embedding")
    return pipeline


RUN = """
import json, sys
from haystack import Document, Pipeline
from pathlib import Path
index, search = (Pipeline.loads(Path(name).read_text()) for name in ("index.yaml", "search.yaml"))
texts = json.loads(sys.argv[1])
documents = [Document(content=text, meta={"title": "A"}) for text in texts]
index.run({"splitter": {"documents": documents}})
written = index.get_component("writer").document_store.filter_documents()
found = search.run({"embedder": {"text": "boiling water"}})["retriever"]["documents"]
stored = [[one.content, one.embedding] for one in written]
print(json.dumps([stored, [[one.content, one.score] for one in found]]))
"""


def test_pipelines_from_yaml_in_another_process(model: StaticModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "folder")
    small = StaticModel.from_pretrained(dimensionality=64)
    texts = [text for text in TEXTS[:4] if text]
    expected = small.encode([f"p: A\n{text}" for text in texts]).tolist()
    query = small.encode("boiling water").tolist()

    index, store = indexing(str(tmp_path / "folder"))
    search = searching(str(tmp_path / "folder"), store)
    (tmp_path / "index.yaml").write_text(index.dumps())
    (tmp_path / "search.yaml").write_text(search.dumps())
    loaded = Pipeline.loads(search.dumps(), **ALLOWED)
    assert loaded.get_component("embedder").to_dict() == search.get_component("embedder").to_dict()
    assert loaded.dumps() == search.dumps()
    assert loaded.run({"embedder": {"text": "x"}})["retriever"] == {"documents": []}

    index.run({"splitter": {"documents": [Document(content=text, meta={"title": "A"}) for text in texts]}})
    written = {document.content: document.embedding for document in store.filter_documents()}
    assert written == dict(zip(texts, expected, strict=True))
    hits = search.run({"embedder": {"text": "boiling water"}})["retriever"]["documents"]
    scores = {text: sum(map(float.__mul__, query, vector)) for text, vector in written.items()}
    assert [hit.content for hit in hits] == sorted(texts, key=lambda text: -scores[text])[:2]

    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(texts)],
        cwd=tmp_path, env=OFFLINE, capture_output=True, text=True, check=False, timeout=LONGEST,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    elsewhere, found = json.loads(done.stdout.splitlines()[-1])
    assert dict(elsewhere) == written
    assert found == [[hit.content, pytest.approx(hit.score, abs=1e-9)] for hit in hits]


def test_a_pipeline_that_is_awaited(model: StaticModel) -> None:
    try:
        from haystack import AsyncPipeline as Awaited
    except ImportError:
        Awaited = Pipeline
    if not hasattr(Awaited, "run_async"):
        pytest.skip("this version has no asynchronous pipelines")
    pipeline = Awaited()
    pipeline.add_component("embedder", M2VLiteTextEmbedder())
    found = asyncio.run(pipeline.run_async({"embedder": {"text": "tea"}}))
    assert found["embedder"]["embedding"] == model.encode("tea").tolist()


@pytest.mark.parametrize("kind", EMBEDDERS)
def test_dicts(kind: Any, tmp_path: Path) -> None:
    saved = kind().to_dict()
    assert saved["type"] == f"{MODULE}.{kind.__name__}"
    assert set(saved["init_parameters"]) == set(inspect.signature(kind.__init__).parameters) - {"self"}
    assert saved["init_parameters"]["model"] is None
    assert json.loads(json.dumps(saved)) == saved
    changed: dict[str, Any] = {
        "model": str(tmp_path),
        "prefix": "p",
        "suffix": "s",
        "model_kwargs": {"dimensionality": 8},
    }
    if kind is M2VLiteDocumentEmbedder:
        changed |= {"progress_bar": True, "meta_fields_to_embed": ["a"], "embedding_separator": "|"}
    saved = kind(**changed, token=Secret.from_env_var("MY_TOKEN")).to_dict()
    parameters = saved["init_parameters"]
    assert parameters == {**changed, "token": {"type": "env_var", "env_vars": ["MY_TOKEN"], "strict": True}}
    before = json.dumps(saved)
    for _ in range(2):  # the dict can be used again
        assert kind.from_dict(saved).to_dict() == saved
    assert json.dumps(saved) == before
    assert kind.from_dict({"type": saved["type"], "init_parameters": {}}).to_dict() == kind().to_dict()
    assert kind(token=None).to_dict()["init_parameters"]["token"] is None
    assert kind.from_dict(kind(token=None).to_dict()).token is None


@pytest.mark.parametrize("kind", EMBEDDERS)
def test_tokens(kind: Any, monkeypatch: pytest.MonkeyPatch, model: StaticModel) -> None:
    tokens = []

    def load(source: Any, *, token: Any) -> StaticModel:
        tokens.append(token)
        return model

    monkeypatch.setattr(m2v_lite.integrations.haystack, "model_of", load)
    given = [Secret.from_token(SECRET), None]
    for token in given:
        kind(token=token).warm_up()
    kind().warm_up()
    monkeypatch.setenv("HF_API_TOKEN", "another")
    embedder = kind()
    embedder.warm_up()
    embedder.warm_up()  # loads nothing again
    assert tokens == [SECRET, None, None, "another"]
    assert "another" not in str(embedder.to_dict())
    with pytest.raises(ValueError, match="token-based secret"):
        kind(token=given[0]).to_dict()
    with pytest.raises(InputTypeError, match="give a Secret") as caught:
        kind(token=SECRET)
    assert SECRET not in str(caught.value)
    with pytest.raises(InputValueError, match="give it as token="):
        kind(model_kwargs={"token": SECRET})


def test_sockets() -> None:
    pipeline = Pipeline()
    pipeline.add_component("text", M2VLiteTextEmbedder())
    pipeline.add_component("documents", M2VLiteDocumentEmbedder())
    assert {name: set(sockets) for name, sockets in pipeline.inputs().items()} == {
        "text": {"text"}, "documents": {"documents"}
    }  # fmt: skip
    assert {name: set(sockets) for name, sockets in pipeline.outputs().items()} == {
        "text": {"embedding"}, "documents": {"documents"}
    }  # fmt: skip
    assert pipeline.outputs()["text"]["embedding"]["type"] == list[float]
    assert pipeline.inputs()["documents"]["documents"]["type"] == list[Document]


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    wrong: Any
    for wrong in (None, 5, ["a text"], b"a text", Document(content="a text")):
        with pytest.raises(InputTypeError, match="list of Documents to M2VLiteDocumentEmbedder"):
            M2VLiteTextEmbedder().run(wrong)
    document = Document(content="a")
    for wrong in (None, "a text", ["a text"], [document, "a text"], document, (document,)):
        with pytest.raises(InputTypeError, match="pass texts to M2VLiteTextEmbedder"):
            M2VLiteDocumentEmbedder().run(wrong)
    with pytest.raises(InputTypeError, match="give a list of names"):
        M2VLiteDocumentEmbedder(meta_fields_to_embed="title")  # type: ignore[arg-type]
    for kind in EMBEDDERS:
        absent = kind(tmp_path / "not there")  # nothing is loaded yet
        for _ in range(2):
            with pytest.raises(ModelNotFoundError, match="not there"):
                absent.warm_up()
        with pytest.raises(InputTypeError, match="model is int 5"):
            kind(5)
        with pytest.raises(TypeError, match="dimensions"):
            kind(model_kwargs={"dimensions": 64}).warm_up()


def test_without_haystack(tmp_path: Path) -> None:
    check_missing("haystack", "haystack", "haystack", tmp_path)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page("haystack", tmp_path, monkeypatch)
    assert [document.content for document in names["found"]] == ["Water is boiling.", "The kettle is on."]
    if ALLOWED:
        (loading,) = re.findall(r"`(Pipeline\.loads\(.*?\))`", PAGE)
        again = eval(loading, {**names, "text": names["search"].dumps()})
        assert isinstance(again.get_component("embedder"), M2VLiteTextEmbedder)


def test_a_real_model(models_folder: Path) -> None:
    folder = models_folder / "potion-base-2M"
    expected = StaticModel.from_pretrained(folder).encode(TEXTS).tolist()
    assert embedded(M2VLiteDocumentEmbedder(folder), [Document(content=text) for text in TEXTS]) == expected
