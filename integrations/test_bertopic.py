"""BERTopic with `M2VLiteBackend`."""

from __future__ import annotations

import json
import runpy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages_and_processes import check_missing, run_page, run_python
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from m2v_lite import StaticModel
from m2v_lite.errors import InputTypeError, ModelNotFoundError

with warnings.catch_warnings():  # what UMAP says when it is imported
    warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
    from bertopic import BERTopic

    from m2v_lite.integrations.bertopic import M2VLiteBackend

EXAMPLE = Path(__file__).parent.parent / "examples" / "nearest.py"
SENTENCES: list[str] = runpy.run_path(str(EXAMPLE))["SENTENCES"]
QUERY = "growing vegetables in the garden"


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


def steps() -> dict[str, Any]:
    """Give the steps for few texts."""
    return {"umap_model": PCA(10, random_state=0), "hdbscan_model": KMeans(9, random_state=0, n_init=10)}


@pytest.fixture(scope="module")
def fitted(model: StaticModel) -> BERTopic:
    topics = BERTopic(embedding_model=M2VLiteBackend(model), **steps())
    topics.fit(SENTENCES)
    return topics


def found_by(topics: BERTopic) -> list[Any]:
    numbers, similarities = topics.find_topics(QUERY, top_n=2)
    return [[int(number) for number in numbers], [float(similarity) for similarity in similarities]]


def test_the_vectors(model: StaticModel) -> None:
    texts = [*SENTENCES, ""]
    backend, expected = M2VLiteBackend(), model.encode(texts)
    for embed in (backend.embed, backend.embed_documents, backend.embed_words):
        np.testing.assert_array_equal(embed(texts), expected)
        np.testing.assert_array_equal(embed(np.array(texts)), expected)
        np.testing.assert_array_equal(embed(texts, verbose=True), expected)
    assert backend.embed([]).shape == (0, model.dim)


def test_options_and_a_loaded_model(model: StaticModel) -> None:
    assert M2VLiteBackend(model).embedding_model is model
    assert M2VLiteBackend(dimensionality=32).embed(SENTENCES).shape == (len(SENTENCES), 32)
    assert M2VLiteBackend(quantize_to="float16").embed(SENTENCES).dtype == np.float32


def test_bertopic_uses_this_backend_and_no_other(model: StaticModel, fitted: BERTopic) -> None:
    assert type(fitted.embedding_model) is M2VLiteBackend
    given = BERTopic(embedding_model=M2VLiteBackend(model), **steps())
    given.fit(SENTENCES, model.encode(SENTENCES))
    assert given.topics_ == fitted.topics_
    assert found_by(given) == found_by(fitted)
    again, _ = fitted.transform(SENTENCES)
    assert list(again) == fitted.topics_


FIND_AGAIN = """
import json, sys
from bertopic import BERTopic
from test_bertopic import found_by
print(json.dumps(found_by(BERTopic.load(sys.argv[1]))))
"""


def test_a_pickled_topic_model_opens_in_another_process(fitted: BERTopic, tmp_path: Path) -> None:
    path = tmp_path / "topics.pkl"
    fitted.save(str(path), serialization="pickle", save_embedding_model=True)
    assert path.stat().st_size < 1_000_000  # the model alone has 8 MB
    output = run_python(FIND_AGAIN, path, folder=tmp_path)
    assert json.loads(output.splitlines()[-1]) == found_by(fitted)


def test_a_saved_folder_opens_with_a_backend(fitted: BERTopic, tmp_path: Path) -> None:
    folder = str(tmp_path / "topics")
    fitted.save(folder, serialization="safetensors", save_embedding_model=False)
    again = BERTopic.load(folder, embedding_model=M2VLiteBackend())
    numbers, similarities = found_by(again)
    assert [numbers, similarities] == [found_by(fitted)[0], pytest.approx(found_by(fitted)[1])]


def test_errors(tmp_path: Path) -> None:
    backend = M2VLiteBackend()
    with pytest.raises(InputTypeError, match="pass it in a list"):
        backend.embed("one text")
    with pytest.raises(InputTypeError, match="text 1 is None"):
        backend.embed_documents(["one", None])
    with pytest.raises(ModelNotFoundError):
        M2VLiteBackend(tmp_path / "nothing")
    with pytest.raises(InputTypeError):
        M2VLiteBackend(7)  # type: ignore[arg-type]


def test_without_bertopic(tmp_path: Path) -> None:
    check_missing("bertopic", "bertopic", "bertopic", tmp_path)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page("bertopic", tmp_path, monkeypatch)
    of_texts = names["of_texts"]
    assert [of_texts.count(topic) for topic in of_texts] == [3] * 6
    assert names["nearest"][0] == of_texts[0] != of_texts[-1]
