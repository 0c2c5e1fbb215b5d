"""Libraries that take a model2vec model take ours: each does its work with both, and comes to the same.

The work is done three times: with model2vec, with what docs/other-libraries.md says to hand over, and in a
process where m2v_lite is in model2vec's place.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from time_limit import LONGEST

from m2v_lite import StaticModel

# What these libraries say of themselves when they are imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning"),
    pytest.mark.filterwarnings("ignore:.langchain-community. is being sunset:DeprecationWarning"),
]

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "other-libraries.md").read_text(encoding="utf-8")
(REPLACEMENT,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

SENTENCES: list[str] = runpy.run_path(str(ROOT / "examples" / "nearest.py"))["SENTENCES"]
QUERY = "growing vegetables in the garden"
LOFT = "Insulate the loft before you buy a bigger boiler."
GARLIC = "Plant garlic in autumn and harvest it in July."
TOMATOES = "Tomatoes want sun, water and something to climb."


def duplicates(model: Any) -> Any:
    """Have semhash find the sentences that say the same as one before."""
    from semhash import SemHash

    texts = [*SENTENCES, "Before you buy a larger boiler, insulate the loft.", "In July harvest the garlic."]
    found = SemHash.from_records(texts, model=model).self_deduplicate(threshold=0.8)
    return [[item.record, item.duplicate_of, item.score] for item in found.filtered]


def neighbours(model: Any) -> Any:
    """Have vicinity find the sentences nearest to a query."""
    from vicinity import Vicinity

    index = Vicinity.from_vectors_and_items(model.encode(SENTENCES), SENTENCES)
    return [[text, float(distance)] for text, distance in index.query(model.encode(QUERY), k=2)[0]]


def indexed(embeddings: Any) -> Any:
    """Have txtai index the sentences and search them."""
    embeddings.index(SENTENCES)
    return [[hit["text"], hit["score"]] for hit in embeddings.search(QUERY, 2)]


def chunks(embeddings: Any) -> Any:
    """Have chonkie divide a text where its subject changes."""
    from chonkie import SemanticChunker

    chunker = SemanticChunker(embedding_model=embeddings, threshold=0.5, similarity_window=1)
    return [[chunk.text, chunk.token_count] for chunk in chunker.chunk(" ".join(SENTENCES))]


def retrieved(embeddings: Any) -> Any:
    """Have LangChain store the sentences and search them."""
    from langchain_core.vectorstores import InMemoryVectorStore

    store = InMemoryVectorStore.from_texts(SENTENCES, embeddings)
    return [[hit.page_content, score] for hit, score in store.similarity_search_with_score(QUERY, k=2)]


def keywords(embedder: Any) -> Any:
    """Have KeyBERT find what three sentences are about."""
    from keybert import KeyBERT

    text = " ".join(SENTENCES[8:11])
    return [list(pair) for pair in KeyBERT(embedder).extract_keywords(text, keyphrase_ngram_range=(1, 2))]


def topics(embedder: Any) -> Any:
    """Have BERTopic find the topic of each sentence, and those nearest to a query."""
    from bertopic import BERTopic
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    # Instead of UMAP and HDBSCAN, which are for more texts.
    steps = {"umap_model": PCA(10, random_state=0), "hdbscan_model": KMeans(9, random_state=0, n_init=10)}
    topics = BERTopic(embedding_model=embedder, **steps)
    of_sentences, _ = topics.fit_transform(SENTENCES)
    nearest, similarities = topics.find_topics(QUERY, top_n=2)
    return [[int(topic) for topic in of_sentences], nearest, [float(number) for number in similarities]]


def results_as_usual(folder: str) -> dict[str, Any]:
    """Have all libraries do their work with what they import as model2vec, as their documentation says."""
    from bertopic.backend import Model2VecBackend as BERTopicBackend
    from chonkie import Model2VecEmbeddings
    from keybert.backend import Model2VecBackend as KeyBERTBackend
    from langchain_community.embeddings import Model2vecEmbeddings
    from model2vec import StaticModel
    from txtai import Embeddings

    model = StaticModel.from_pretrained(folder)
    return {
        "semhash": duplicates(model),
        "vicinity": neighbours(model),
        "txtai": indexed(Embeddings(path=folder, content=True)),
        "chonkie": chunks(Model2VecEmbeddings(model)),
        "LangChain": retrieved(Model2vecEmbeddings(folder)),
        "KeyBERT": keywords(KeyBERTBackend(model)),
        "BERTopic": topics(BERTopicBackend(model)),
    }


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


@pytest.fixture(scope="module")
def folder(model: StaticModel, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder of the model, which model2vec can load."""
    folder = tmp_path_factory.mktemp("model")
    model.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def expected(folder: str) -> dict[str, Any]:
    """What the libraries come to with model2vec itself."""
    import model2vec

    assert model2vec.StaticModel is not StaticModel
    return results_as_usual(folder)


def test_the_results_mean_something(expected: dict[str, Any]) -> None:
    assert [pair[1] for pair in expected["semhash"]] == [LOFT, GARLIC]
    for library in ("vicinity", "txtai", "LangChain"):
        assert [text for text, _ in expected[library]] == [GARLIC, TOMATOES]
    of_music = [sentence for sentence in SENTENCES if re.search("cello|choir|piano", sentence)]
    assert len(of_music) == 3
    assert " ".join(of_music) in [text.strip() for text, _ in expected["chonkie"]]
    assert expected["KeyBERT"][0][0] == "plant garlic"
    topics, nearest, _ = expected["BERTopic"]
    topic_of = dict(zip(SENTENCES, topics, strict=True))
    (music,) = {topic_of[sentence] for sentence in of_music}
    assert topics.count(music) == 3
    assert topic_of[GARLIC] == topic_of[TOMATOES] == nearest[0]


def test_semhash(model: StaticModel, expected: dict[str, Any]) -> None:
    assert duplicates(model) == expected["semhash"]


def test_vicinity(model: StaticModel, expected: dict[str, Any]) -> None:
    assert neighbours(model) == expected["vicinity"]


def test_txtai(expected: dict[str, Any], tmp_path: Path) -> None:
    from txtai import Embeddings

    embeddings = Embeddings(method="m2v_lite.integrations.txtai.M2VLiteVectors", content=True)
    assert indexed(embeddings) == expected["txtai"]
    embeddings.save(str(tmp_path / "index"))
    embeddings.close()
    again = Embeddings()
    again.load(str(tmp_path / "index"))
    assert [[hit["text"], hit["score"]] for hit in again.search(QUERY, 2)] == expected["txtai"]
    again.close()


def test_chonkie(model: StaticModel, expected: dict[str, Any]) -> None:
    from m2v_lite.integrations.chonkie import M2VLiteEmbeddings

    assert chunks(M2VLiteEmbeddings(model)) == expected["chonkie"]


def test_langchain(model: StaticModel, expected: dict[str, Any]) -> None:
    from m2v_lite.integrations.langchain import M2VLiteEmbeddings

    assert retrieved(M2VLiteEmbeddings(model)) == expected["LangChain"]


def test_keybert(model: StaticModel, expected: dict[str, Any]) -> None:
    from m2v_lite.integrations.keybert import M2VLiteBackend

    assert keywords(M2VLiteBackend(model)) == expected["KeyBERT"]


def test_bertopic(model: StaticModel, expected: dict[str, Any]) -> None:
    from m2v_lite.integrations.bertopic import M2VLiteBackend

    assert topics(M2VLiteBackend(model)) == expected["BERTopic"]


def test_what_the_table_says(model: StaticModel) -> None:
    from bertopic import BERTopic
    from chonkie import SemanticChunker
    from keybert import KeyBERT
    from semhash import SemHash
    from txtai import Embeddings
    from vicinity import Vicinity

    modules = {"chonkie": "M2VLiteEmbeddings", "keybert": "M2VLiteBackend", "bertopic": "M2VLiteBackend"}
    modules["langchain"] = "M2VLiteEmbeddings"
    kinds = {
        kind.__name__: kind for kind in (BERTopic, SemanticChunker, KeyBERT, SemHash, Embeddings, Vicinity)
    }
    programs = re.findall(r"^\| \[(\w+)\]\([^)]+\) \| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert [name for name, _ in programs] == [
        "semhash", "vicinity", "txtai", "LangChain", "chonkie", "KeyBERT", "BERTopic"
    ]  # fmt: skip
    for name, program in programs:
        names = {**kinds, "model": model, "texts": SENTENCES}
        module = name.lower()
        if module in modules:
            ours = importlib.import_module(f"m2v_lite.integrations.{module}")
            names[modules[module]] = getattr(ours, modules[module])
        assert type(eval(program, names)) in (*kinds.values(), names.get(modules.get(module, "")))


DO_THE_WORK = """
import importlib
import json
import os
import sys
from test_libraries import results_as_usual
results = results_as_usual(sys.argv[1])
from model2vec import StaticModel
assert StaticModel is m2v_lite.StaticModel
modules = [sys.modules[name] for name in sys.modules if name.startswith("model2vec")]
assert not [module for module in modules if "model2vec/" in str(getattr(module, "__file__", ""))]
print("\\n" + json.dumps(results))
"""


def test_in_the_place_of_model2vec(folder: str, expected: dict[str, Any]) -> None:
    command = [sys.executable, "-c", REPLACEMENT + DO_THE_WORK, folder]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == json.loads(json.dumps(expected))
