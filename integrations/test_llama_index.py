"""LlamaIndex with `M2VLiteEmbedding`: an index that another process opens, batches, callbacks, errors."""

from __future__ import annotations

import asyncio
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
from llama_index.core import Settings, StorageContext, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload, LlamaDebugHandler
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import Document, TextNode
from llama_index.core.storage.kvstore import SimpleKVStore
from pages_and_processes import check_missing, run_page
from time_limit import LONGEST

import m2v_lite.integrations.llama_index
from m2v_lite import StaticModel
from m2v_lite.errors import InputTypeError, InputValueError, ModelNotFoundError
from m2v_lite.integrations.llama_index import M2VLiteEmbedding

TEXTS = ["The kettle is on.", "Water is boiling.", "The train was late.", "Größe ☃", "the kettle " * 700]
QUERY = "a pot of tea"
SECRET = "hf_not_for_others"


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


def test_vectors_are_those_of_encode(model: StaticModel) -> None:
    embedding = M2VLiteEmbedding()
    assert isinstance(embedding, BaseEmbedding)
    texts = [*TEXTS, ""]
    vectors = embedding.get_text_embedding_batch(texts)
    assert vectors == model.encode(texts).tolist()
    assert {type(number) for vector in vectors for number in vector} == {float}
    for text in texts:
        expected = model.encode(text).tolist()
        assert embedding.get_text_embedding(text) == embedding.get_query_embedding(text) == expected
    assert embedding.get_text_embedding_batch([]) == []
    mean = embedding.get_agg_embedding_from_queries(TEXTS)
    assert mean == pytest.approx(model.encode(TEXTS).mean(axis=0).tolist(), abs=1e-6)


def test_asynchronous_methods(model: StaticModel) -> None:
    embedding = M2VLiteEmbedding(embed_batch_size=2)

    async def work() -> list[Any]:
        assert await embedding.aget_text_embedding_batch([]) == []
        single = [embedding.aget_text_embedding(text) for text in TEXTS]
        queries = [embedding.aget_query_embedding(text) for text in TEXTS]
        return await asyncio.gather(*single, *queries, embedding.aget_text_embedding_batch(TEXTS * 10))

    *single, together = asyncio.run(work())
    assert single == model.encode(TEXTS).tolist() * 2
    assert together == model.encode(TEXTS).tolist() * 10
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(embedding.get_text_embedding, TEXTS * 20)) == single[: len(TEXTS)] * 20


def test_batches_and_callbacks_are_those_of_llama_index(
    monkeypatch: pytest.MonkeyPatch, model: StaticModel
) -> None:
    sizes: list[int] = []
    encode = StaticModel.encode_document

    def counted(self: StaticModel, texts: list[str], **options: Any) -> Any:
        sizes.append(len(texts))
        return encode(self, texts, **options)

    monkeypatch.setattr(StaticModel, "encode_document", counted)
    debug = LlamaDebugHandler(print_trace_on_end=False)
    embedding = M2VLiteEmbedding(embed_batch_size=2, callback_manager=CallbackManager([debug]))
    vectors = embedding.get_text_embedding_batch(TEXTS)
    assert asyncio.run(embedding.aget_text_embedding_batch(TEXTS)) == vectors == model.encode(TEXTS).tolist()
    assert sorted(sizes) == [1, 1, 2, 2, 2, 2]  # one call of the model for each batch
    events = debug.get_event_pairs(CBEventType.EMBEDDING)
    assert len(events) == 6
    seen = [text for _, end in events[:3] for text in end.payload[EventPayload.CHUNKS]]
    assert seen == TEXTS
    assert SECRET not in str(events)
    sizes.clear()
    M2VLiteEmbedding().get_text_embedding_batch(["a text"] * 1000)
    assert sizes == [512, 488]


def test_a_cache_of_llama_index(model: StaticModel) -> None:
    try:
        embedding = M2VLiteEmbedding(embeddings_cache=SimpleKVStore())
    except ValueError as error:  # older versions have none
        pytest.skip(str(error))
    for _ in range(2):
        assert embedding.get_text_embedding_batch(TEXTS) == model.encode(TEXTS).tolist()
    assert len(embedding.embeddings_cache.get_all("embeddings")) == len(TEXTS)


def test_every_kind_of_model(model: StaticModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "folder")
    model.save_packed(tmp_path / "packed.safetensors")
    for source in (tmp_path / "folder", str(tmp_path / "packed.safetensors")):
        embedding = M2VLiteEmbedding(source)
        assert embedding.model_name == str(source)
        assert embedding.get_text_embedding_batch(TEXTS) == model.encode(TEXTS).tolist()
    assert M2VLiteEmbedding(model_name=str(source)).get_query_embedding("a") == model.encode("a").tolist()
    options = {"dimensionality": 64, "max_length": 2, "normalize": False}
    short = StaticModel.from_pretrained(**options)  # type: ignore[arg-type]
    vectors = M2VLiteEmbedding(model_kwargs=options).get_text_embedding_batch(TEXTS)
    assert vectors == short.encode(TEXTS).tolist()


def test_prompts_of_a_config(model: StaticModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["prompts"] = {"query": "look for: ", "document": "title: "}
    (tmp_path / "config.json").write_text(json.dumps(config))
    embedding = M2VLiteEmbedding(tmp_path)
    document = model.encode("title: tea").tolist()
    assert embedding.get_query_embedding("tea") == model.encode("look for: tea").tolist()
    assert embedding.get_text_embedding("tea") == document
    assert embedding.get_text_embedding_batch(["tea"]) == [document]
    assert asyncio.run(embedding.aget_query_embedding("tea")) == model.encode("look for: tea").tolist()


REOPEN = """
import json, sys
from llama_index.core import StorageContext, load_index_from_storage
from m2v_lite.integrations.llama_index import M2VLiteEmbedding
embedding = M2VLiteEmbedding.from_dict(json.load(open("embedding.json")))
index = load_index_from_storage(StorageContext.from_defaults(persist_dir="index"), embed_model=embedding)
hits = index.as_retriever(similarity_top_k=3).retrieve(sys.argv[1])
print(json.dumps([[hit.text, hit.score] for hit in hits]))
"""


def test_an_index_that_another_process_opens(model: StaticModel, tmp_path: Path) -> None:
    embedding = M2VLiteEmbedding(model_kwargs={"dimensionality": 128})
    nodes = [TextNode(text=text) for text in TEXTS]
    index = VectorStoreIndex(nodes, embed_model=embedding)
    hits = index.as_retriever(similarity_top_k=3).retrieve(QUERY)
    found = [[hit.text, hit.score] for hit in hits]
    small = StaticModel.from_pretrained(dimensionality=128)
    scores = small.encode(TEXTS) @ small.encode(QUERY)
    best = np.argsort(-scores)[:3]
    assert [text for text, _ in found] == [TEXTS[number] for number in best]
    assert [score for _, score in found] == pytest.approx(scores[best].tolist(), abs=1e-6)
    awaited = asyncio.run(index.as_retriever(similarity_top_k=3).aretrieve(QUERY))
    assert [[hit.text, hit.score] for hit in awaited] == found

    index.storage_context.persist(str(tmp_path / "index"))
    (tmp_path / "embedding.json").write_text(embedding.to_json())
    done = subprocess.run(
        [sys.executable, "-c", REOPEN, QUERY],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=LONGEST,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == found


def test_in_a_pipeline_and_as_the_setting_for_all(
    model: StaticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedding = M2VLiteEmbedding()
    pipeline = IngestionPipeline(
        transformations=[SentenceSplitter(chunk_size=50, chunk_overlap=0), embedding]
    )
    documents = [Document(text=" ".join(TEXTS[:3]), metadata={"page": 1})]
    for _ in range(2):  # the second time from the pipeline's cache
        (node,) = pipeline.run(documents=documents)
        assert node.embedding == model.encode(node.get_content(metadata_mode="embed")).tolist()
    monkeypatch.setattr(Settings, "_embed_model", None)
    Settings.embed_model = embedding
    index = VectorStoreIndex.from_documents(documents, storage_context=StorageContext.from_defaults())
    assert len(index.as_retriever().retrieve(QUERY)) == 1


def test_dicts_hold_the_name_and_no_token(model: StaticModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    embedding = M2VLiteEmbedding(
        str(tmp_path), token=SECRET, model_kwargs={"dimensionality": 8}, embed_batch_size=7
    )
    saved = embedding.to_dict()
    assert saved["class_name"] == M2VLiteEmbedding.class_name() == "M2VLiteEmbedding"
    assert (saved["model_name"], saved["model_kwargs"]) == (str(tmp_path), {"dimensionality": 8})
    shown = [saved, embedding.to_json(), embedding, repr(embedding), embedding.__dict__]
    assert not any(SECRET in str(one) for one in shown)
    for again in (M2VLiteEmbedding.from_dict(saved), M2VLiteEmbedding.from_json(embedding.to_json())):
        assert again.embed_batch_size == 7
        assert again.token is None
        assert again.get_query_embedding(QUERY) == embedding.get_query_embedding(QUERY)
    assert M2VLiteEmbedding.from_dict(saved, token=SECRET).token.get_secret_value() == SECRET
    bundled = M2VLiteEmbedding().to_dict()
    assert M2VLiteEmbedding.from_dict(bundled).model_name is None


def test_the_token_arrives(monkeypatch: pytest.MonkeyPatch, model: StaticModel) -> None:
    tokens = []

    def load(source: Any, *, token: Any) -> StaticModel:
        tokens.append(token)
        return model

    monkeypatch.setattr(m2v_lite.integrations.llama_index, "model_of", load)
    M2VLiteEmbedding(token=SECRET)
    M2VLiteEmbedding()
    assert tokens == [SECRET, None]


LOAD = """
import pickle, sys
embedding = pickle.load(sys.stdin.buffer)
print(embedding.model_name, embedding.embed_batch_size, embedding.get_query_embedding("boiling water"))
"""


def test_a_pickle_in_another_process(model: StaticModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    embedding = M2VLiteEmbedding(tmp_path, token=SECRET, embed_batch_size=7)
    pickled = pickle.dumps(embedding)
    assert len(pickled) < 1500
    assert SECRET.encode() not in pickled
    done = subprocess.run([sys.executable, "-c", LOAD], input=pickled, capture_output=True, timeout=LONGEST)
    assert done.returncode == 0, done.stderr.decode()
    vector = model.encode("boiling water").tolist()
    assert done.stdout.decode().strip() == f"{tmp_path} 7 {vector}"
    copied = embedding.model_copy(deep=True)
    assert copied.get_query_embedding(QUERY) == embedding.get_query_embedding(QUERY)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelNotFoundError):
        pickle.loads(pickled)


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    embedding = M2VLiteEmbedding()
    wrong: Any
    for wrong in (None, 5, ["a text"], b"a text"):
        with pytest.raises(InputTypeError, match="expected a text, got"):
            embedding.get_text_embedding(wrong)
        with pytest.raises(InputTypeError, match="expected a text, got"):
            embedding.get_query_embedding(wrong)
        with pytest.raises(InputTypeError, match="text 1 is"):
            embedding.get_text_embedding_batch(["a", wrong])
    with pytest.raises(InputTypeError, match="text 1 is"):
        asyncio.run(embedding.aget_text_embedding_batch(["a", None]))
    with pytest.raises(ModelNotFoundError, match="not there"):
        M2VLiteEmbedding(tmp_path / "not there")
    with pytest.raises(InputTypeError, match="model_name is int 5"):
        M2VLiteEmbedding(5)  # type: ignore[arg-type]
    with pytest.raises(InputValueError, match="give it as token="):
        M2VLiteEmbedding(model_kwargs={"token": SECRET})
    with pytest.raises(TypeError, match="dimensions"):
        M2VLiteEmbedding(model_kwargs={"dimensions": 64})
    with pytest.raises(ValueError, match="dimensionality"):
        M2VLiteEmbedding(dimensionality=64)
    with pytest.raises(ValueError, match="embed_batch_size"):
        M2VLiteEmbedding(embed_batch_size=0)


def test_without_llama_index(tmp_path: Path) -> None:
    check_missing("llama_index", "llama_index", "llama-index", tmp_path)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page("llama-index", tmp_path, monkeypatch)
    assert [hit.text for hit in names["found"]] == ["Water is boiling.", "The kettle is on."]
    assert Path("index").is_dir()


def test_a_real_model(models_folder: Path) -> None:
    folder = models_folder / "potion-base-2M"
    expected = StaticModel.from_pretrained(folder).encode(TEXTS).tolist()
    assert M2VLiteEmbedding(os.fspath(folder)).get_text_embedding_batch(TEXTS) == expected
