"""spaCy: vectors of documents, spans and tokens, in pipelines that other processes load."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from pages_and_processes import check_missing, run_command, run_page, run_python
from spacy.language import Language
from spacy.tokens import Doc

import m2v_lite.integrations.spacy as adapter
from m2v_lite import InputTypeError, InputValueError, ModelNotFoundError, StaticModel

TEXTS = ["The kettle is on.", "Water is boiling.", "The train was late.", "湯が沸いた", "naïve café", "", "x"]

# What a process does that finds a pipeline.
LOAD = """
import json, sys, warnings
warnings.simplefilter("error")
import spacy
if sys.argv[2] == "imported":
    import m2v_lite.integrations.spacy
nlp = spacy.load(sys.argv[1])
one, other = nlp.pipe(["The kettle is on.", "Water is boiling."])
print(json.dumps([one.vector.tolist(), one.similarity(other)]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder that differs from the bundled model."""
    StaticModel.from_pretrained(dimensionality=64).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def model() -> StaticModel:
    return StaticModel.from_pretrained()


@pytest.fixture
def nlp() -> Language:
    return pipeline()


def pipeline(**config: Any) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("m2v_lite", config=config)
    return nlp


def cosine(one: Any, other: Any) -> float:
    one, other = one.astype(np.float64), other.astype(np.float64)
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def check_loaded(printed: str, model: StaticModel) -> None:
    vector, similarity = json.loads(printed)
    known = model.encode(TEXTS[:2])
    np.testing.assert_array_equal(np.array(vector, np.float32), known[0])
    assert similarity == pytest.approx(cosine(*known), abs=1e-12)


@pytest.mark.parametrize("batch_size", [1, 3, 1000])
def test_documents(batch_size: int, nlp: Language, model: StaticModel) -> None:
    known = model.encode(TEXTS)
    docs = list(nlp.pipe(TEXTS, batch_size=batch_size))
    np.testing.assert_array_equal([doc.vector for doc in docs], known)
    np.testing.assert_array_equal([nlp(text).vector for text in TEXTS], known)
    assert [doc.text for doc in docs] == TEXTS
    assert [doc.has_vector for doc in docs] == [bool(vector.any()) for vector in known]
    np.testing.assert_allclose([doc.vector_norm for doc in docs], np.linalg.norm(known, axis=1), rtol=1e-6)
    assert docs[0].similarity(docs[1]) == pytest.approx(cosine(known[0], known[1]), abs=1e-12)


def test_batches(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are encoded together."""
    component: Any = nlp.get_pipe("m2v_lite")
    sizes = []

    class Spy:
        def encode(self, texts: Any) -> Any:
            sizes.append(len(texts))
            return StaticModel.from_pretrained().encode(texts)

    component.model = Spy()
    docs = list(nlp.pipe(["text"] * 250, batch_size=100))
    assert [doc.vector.shape for doc in docs] == [(256,)] * 250
    assert sizes == [100, 100, 50]  # and none for `vector`, which is known


def test_spans_and_tokens(nlp: Language, model: StaticModel) -> None:
    doc = nlp("The kettle is on. The train was late.")
    span, token = doc[5:10], doc[1]
    for part in (span, token):
        known = model.encode(part.text)
        np.testing.assert_array_equal(part.vector, known)
        assert part.has_vector
        assert part.vector_norm == pytest.approx(1, abs=1e-6)
        assert np.ndim(part.vector_norm) == 0
        assert part.similarity(doc) == pytest.approx(cosine(known, doc.vector), abs=1e-12)
        assert part.similarity(part) == pytest.approx(1, abs=1e-12)
    assert token.similarity(span) == pytest.approx(span.similarity(token), abs=1e-12)
    assert doc.similarity(nlp.vocab["kettle"]) == pytest.approx(doc.similarity(token), abs=1e-12)


def test_documents_made_of_others_have_vectors_of_their_own(nlp: Language, model: StaticModel) -> None:
    doc, other = nlp("The kettle is on. The train was late."), nlp("Water is boiling.")
    parts = [doc[5:10].as_doc(), doc[5:10].as_doc(copy_user_data=True), doc.copy(), copy.deepcopy(doc)]
    parts += [Doc.from_docs([doc, other])]
    for part in parts[:4]:
        np.testing.assert_array_equal(part.vector, model.encode(part.text))
    assert parts[0].text == "The train was late."
    # spaCy gives this document no hooks. The component does.
    np.testing.assert_array_equal(nlp.get_pipe("m2v_lite")(parts[4]).vector, model.encode(parts[4].text))


def test_nothing_that_the_model_knows(nlp: Language) -> None:
    for text in ("", " "):
        doc = nlp(text)
        assert not doc.has_vector
        assert not doc.vector.any()
        assert doc.vector.shape == (256,)
        assert doc.vector_norm == 0
        assert doc.similarity(nlp("kettle")) == nlp("kettle").similarity(doc) == 0.0


def test_vectors_of_another_model(nlp: Language) -> None:
    other = pipeline(options={"dimensionality": 64})("kettle")
    with pytest.raises(InputValueError, match="m2v_lite: cannot compare vectors of 256 and 64 columns"):
        nlp("kettle").similarity(other)
    with pytest.raises(InputValueError, match="256 and 0 columns"):
        nlp("kettle").similarity(spacy.blank("en")("kettle"))


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_vectors_are_float32(dtype: str) -> None:
    doc = pipeline(options={"quantize_to": dtype})("The kettle is on.")
    known = StaticModel.from_pretrained(quantize_to=dtype).encode(doc.text).astype(np.float32)
    for vector in (doc.vector, doc[0:5].vector):
        assert vector.dtype == np.float32
        np.testing.assert_array_equal(vector, known)


def test_two_components(folder: Path) -> None:
    """The last one counts."""
    nlp = pipeline()
    nlp.add_pipe("m2v_lite", name="small", config={"model_name": str(folder)})
    assert nlp("kettle").vector.shape == nlp("kettle")[0].vector.shape == (64,)


def test_another_process_loads_the_pipeline(folder: Path, tmp_path: Path) -> None:
    pipeline(model_name=str(folder), options={"dimensionality": 32}).to_disk(tmp_path / "nlp")
    size = sum(file.stat().st_size for file in (tmp_path / "nlp").rglob("*") if file.is_file())
    assert size < 500_000  # the tokenizer of spaCy, and nothing of the model
    printed = run_python(LOAD, tmp_path / "nlp", "imported", folder=tmp_path)
    check_loaded(printed, StaticModel.from_pretrained(folder, dimensionality=32))


def test_the_entry_point(tmp_path: Path, model: StaticModel) -> None:
    """With it, nothing needs to import the module."""
    pipeline().to_disk(tmp_path / "nlp")
    info = tmp_path / "site" / "spacy_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: spacy-plugin\nVersion: 1.0\n")
    entry = "[spacy_factories]\nm2v_lite = m2v_lite.integrations.spacy:make_m2v_lite\n"
    (info / "entry_points.txt").write_text(entry)
    printed = run_python(LOAD, tmp_path / "nlp", "", folder=tmp_path, path=[tmp_path / "site"])
    check_loaded(printed, model)


def test_bytes_and_pickles_of_pipelines(nlp: Language, model: StaticModel) -> None:
    text = "The kettle is on."
    again = pipeline().from_bytes(nlp.to_bytes())
    np.testing.assert_array_equal(again(text).vector, model.encode(text))
    component = pickle.dumps(nlp.get_pipe("m2v_lite"))
    assert len(component) < 5000
    np.testing.assert_array_equal(pickle.loads(component)(nlp.make_doc(text)).vector, model.encode(text))


def test_a_pickled_document(nlp: Language, model: StaticModel) -> None:
    doc = pickle.loads(pickle.dumps(nlp("The kettle is on.")))
    np.testing.assert_array_equal(doc.vector, model.encode(doc.text))
    np.testing.assert_array_equal(doc[1].vector, model.encode("kettle"))
    assert doc.similarity(nlp("kettle")) == nlp(doc.text).similarity(nlp("kettle"))


def test_a_batch_that_fails(nlp: Language) -> None:
    """The pipeline's error handler decides what becomes of it."""
    texts = ["one", "two", "three"]
    component: Any = nlp.get_pipe("m2v_lite")
    encode = component.model.encode

    class Fails:
        def encode(self, texts: Any) -> Any:
            if "two" in texts:
                raise InputValueError("two")
            return encode(texts)

    component.model = Fails()
    with pytest.raises(InputValueError, match="two"):
        list(nlp.pipe(texts))
    failed = []
    nlp.set_error_handler(lambda name, proc, docs, error: failed.append((name, [doc.text for doc in docs])))
    assert [doc.text for doc in nlp.pipe(texts, batch_size=1)] == ["one", "three"]
    assert failed == [("m2v_lite", ["two"])]


def test_threads(nlp: Language, model: StaticModel) -> None:
    texts = [f"{text} {number}" for number, text in enumerate(TEXTS * 30)]
    with ThreadPoolExecutor(8) as pool:
        vectors = list(pool.map(lambda text: nlp.get_pipe("m2v_lite")(nlp.make_doc(text)).vector, texts))
    np.testing.assert_array_equal(vectors, model.encode(texts))


def test_wrong_configs(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        pipeline(model_name=str(tmp_path / "nothing"))
    with pytest.raises(InputValueError, match="HF_TOKEN"):
        pipeline(options={"token": "hf_secret"})
    with pytest.raises(InputTypeError, match="dimensionality"):
        pipeline(options={"dimensionality": "64"})
    with pytest.raises(TypeError, match="dimension"):
        pipeline(options={"dimension": 64})
    with pytest.raises(ValueError, match="model_name"):
        pipeline(model_name=[3])
    with pytest.raises(ValueError, match="mode"):
        pipeline(mode=3)


def test_a_component_of_a_loaded_model(folder: Path) -> None:
    """It works outside of a pipeline's config."""
    component = adapter.M2VLite(StaticModel.from_pretrained(folder))
    assert component(spacy.blank("de")("Kessel")).vector.shape == (64,)


def test_processes_of_spacy(tmp_path: Path, model: StaticModel) -> None:
    """What the page says: spaCy drops the vectors, and the component can add them afterwards."""
    program = f"""
import spacy
import m2v_lite.integrations.spacy
if __name__ == "__main__":
    nlp = spacy.blank("en")
    component = nlp.add_pipe("m2v_lite")
    docs = list(nlp.pipe({TEXTS[:3]!r}, n_process=2))
    assert not any(doc.has_vector for doc in docs)
    print([doc.vector.tolist() for doc in component.pipe(docs)])
"""
    (tmp_path / "program.py").write_text(program)
    done = run_command(sys.executable, tmp_path / "program.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.array(json.loads(done.stdout), np.float32), model.encode(TEXTS[:3]))


def test_without_spacy(tmp_path: Path) -> None:
    check_missing("spacy", "spacy", "spacy", tmp_path)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page("spacy", tmp_path, monkeypatch)
    assert [doc.text for doc in names["nearest"]] == ["Water is boiling.", "The kettle is on."]
    np.testing.assert_array_equal(
        names["again"]("kettle").vector, StaticModel.from_pretrained().encode("kettle")
    )
