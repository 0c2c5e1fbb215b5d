"""txtai's indexes with `M2VLiteVectors`, made and opened again."""

from __future__ import annotations

import gc
import json
import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages_and_processes import check_missing, run_page, run_python
from txtai import Embeddings

from m2v_lite import StaticModel
from m2v_lite.errors import InputTypeError, ModelNotFoundError

METHOD = "m2v_lite.integrations.txtai.M2VLiteVectors"
EXAMPLE = Path(__file__).parent.parent / "examples" / "nearest.py"
SENTENCES: list[str] = runpy.run_path(str(EXAMPLE))["SENTENCES"]
QUERY = "growing vegetables in the garden"

Hits = list[list[Any]]


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


@contextmanager
def opened(saved: Path | str | None = None, **settings: Any) -> Iterator[Any]:
    """Give an index, opened from a file if there is one, and close it afterwards."""
    embeddings = Embeddings(**settings)
    if saved is not None:
        embeddings.load(str(saved))
    try:
        yield embeddings
    finally:
        embeddings.close()


def hits_of(embeddings: Any, query: str = QUERY, number: int = 3) -> Hits:
    return [[hit["text"], hit["score"]] for hit in embeddings.search(query, number)]


def test_the_vectors(model: StaticModel) -> None:
    texts, expected = SENTENCES, model.encode(SENTENCES)
    with opened(method=METHOD) as embeddings:
        np.testing.assert_array_equal(embeddings.model.encode(texts, "data"), expected)
        np.testing.assert_array_equal(embeddings.model.encode(texts, "query"), expected)
        np.testing.assert_allclose(embeddings.batchtransform(texts), expected, atol=1e-6)
        assert embeddings.model.encode([]).shape == (0, model.dim)


def test_what_it_finds(model: StaticModel) -> None:
    with opened(method=METHOD, content=True) as embeddings:
        embeddings.index(SENTENCES)
        found = hits_of(embeddings)
    similarities = model.encode(SENTENCES) @ model.encode(QUERY)
    nearest = np.argsort(-similarities)[:3]
    assert [text for text, _ in found] == [SENTENCES[row] for row in nearest]
    assert [score for _, score in found] == pytest.approx(similarities[nearest].tolist(), abs=1e-6)


SEARCH_AGAIN = """
import json, sys
from test_txtai import hits_of, opened
found = []
for path in sys.argv[1:]:
    with opened(path) as embeddings:
        found.append(hits_of(embeddings))
print(json.dumps(found))
"""


def test_saved_indexes_open_in_another_process(model: StaticModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "folder")
    model.save_packed(tmp_path / "packed.safetensors")
    settings: dict[str, Any] = {"method": METHOD, "content": True}
    made = {
        "bundled": settings,
        "folder": {**settings, "path": str(tmp_path / "folder"), "encodeargs": {"max_length": 5}},
        "packed": {
            **settings,
            "path": str(tmp_path / "packed.safetensors"),
            "vectors": {"dimensionality": 64},
        },
    }
    paths, expected = [], []
    for name, settings in made.items():
        path = tmp_path / f"index-{name}"
        with opened(**settings) as embeddings:
            embeddings.index(SENTENCES)
            expected.append(hits_of(embeddings))
            embeddings.save(str(path))
        (config,) = (file for file in path.iterdir() if file.name.startswith("config"))
        assert config.stat().st_size < 2000
        paths.append(str(path))
    assert len({json.dumps(hits) for hits in expected}) == 3
    assert json.loads(run_python(SEARCH_AGAIN, *paths, folder=tmp_path).splitlines()[-1]) == expected


# txtai leaves the folder where it unpacks an archive to Python's garbage collection.
@pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")
def test_an_archive_and_more_texts(tmp_path: Path) -> None:
    path = tmp_path / "index.tar.gz"
    with opened(method=METHOD, content=True) as embeddings:
        embeddings.index(SENTENCES)
        embeddings.save(str(path))
    with opened(path) as embeddings:
        embeddings.upsert([("more", "Vegetables in my garden", None)])
        assert hits_of(embeddings)[0][0] == "Vegetables in my garden"
        assert embeddings.count() == len(SENTENCES) + 1
    del embeddings
    gc.collect()


def test_options(model: StaticModel) -> None:
    with opened(method=METHOD, vectors={"dimensionality": 64}, encodeargs={"max_length": 2}) as embeddings:
        expected = model.encode(SENTENCES, truncate_dim=64, max_length=2)
        np.testing.assert_array_equal(embeddings.model.encode(SENTENCES), expected)
    with opened(method=METHOD, vectors={"quantize_to": "float16"}) as embeddings:
        assert embeddings.model.encode(SENTENCES).dtype == np.float32
    instructions = {"query": "search: ", "data": "store: "}
    with opened(method=METHOD, instructions=instructions) as embeddings:
        (vector,) = embeddings.batchtransform(["one"], "data")
        np.testing.assert_allclose(vector, model.encode("store: one"), atol=1e-6)


def test_hybrid_and_subindexes() -> None:
    with opened(method=METHOD, content=True, hybrid=True) as embeddings:
        embeddings.index(SENTENCES)
        assert embeddings.isdense()
        assert hits_of(embeddings)
    indexes = {"dense": {"method": METHOD}}
    with opened(content=True, defaults=False, indexes=indexes) as embeddings:
        embeddings.index(SENTENCES)
        assert embeddings.search("select text from txtai where similar('garlic', 'dense')", 1)


def test_quantized_vectors() -> None:
    with opened(method=METHOD, content=True, quantize=1, backend="numpy") as embeddings:
        embeddings.index(SENTENCES)
        assert hits_of(embeddings, SENTENCES[3])[0][0] == SENTENCES[3]


def test_a_text_without_tokens_has_zeros() -> None:
    with opened(method=METHOD, content=True) as embeddings:
        embeddings.index([*SENTENCES, "\u200b"])
        assert not embeddings.transform("\u200b").any()
        assert np.isfinite([score for _, score in hits_of(embeddings, number=len(SENTENCES) + 1)]).all()


def cause_of(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(ImportError, match="M2VLiteVectors") as raised:
        Embeddings(method=METHOD, path=str(tmp_path / "nothing"))
    assert isinstance(cause_of(raised.value), ModelNotFoundError)
    with pytest.raises(ImportError, match="M2VLiteVectors") as raised:
        Embeddings(method=METHOD, path=7)
    assert isinstance(cause_of(raised.value), InputTypeError)
    with opened(method=METHOD) as embeddings:
        with pytest.raises(InputTypeError, match="text 1 is int 7"):
            embeddings.model.encode(["one", 7])
        with pytest.raises(InputTypeError, match="pass it in a list"):
            embeddings.model.encode("one")


def test_without_txtai(tmp_path: Path) -> None:
    check_missing("txtai", "txtai", "txtai", tmp_path)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page("txtai", tmp_path, monkeypatch)
    assert [hit["text"] for hit in names["hits"]] == ["Water is boiling.", "The kettle is on."]
    names["again"].close()
