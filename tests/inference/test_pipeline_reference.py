"""Labels and probabilities are those of model2vec 0.10.0, for random heads of every kind."""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import GOLDEN
from sample_texts import SAMPLE_TEXTS, random_texts
from time_limit import LONGEST

from m2v_lite.files.packing import unpack
from m2v_lite.inference import StaticModelPipeline

PROGRAM = GOLDEN / "make_heads.py"
TEXTS = [text for text in SAMPLE_TEXTS + random_texts(300, seed=5) if "\ud800" not in text]
MODELS = ["wordpiece-float32", "wordpiece-int8", "unigram-int8-shared-weights"]


def names_of_heads() -> list[str]:
    for node in ast.parse(PROGRAM.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "HEADS" and node.value:
            return list(ast.literal_eval(node.value))
    raise AssertionError("no HEADS")


@pytest.fixture(scope="module", params=MODELS)
def answered(
    request: pytest.FixtureRequest,
    peers_python: Path,
    tiny: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    out = tmp_path_factory.mktemp("heads")
    (out / "texts.json").write_text(json.dumps(TEXTS))
    command = [str(peers_python), str(PROGRAM), str(tiny(request.param)), str(out / "texts.json"), str(out)]
    subprocess.run(command, check=True, timeout=LONGEST)
    version = [str(peers_python), "-c", "import numpy; print(numpy.__version__)"]
    asked = subprocess.run(version, check=True, timeout=LONGEST, capture_output=True, text=True)
    (out / "numpy.txt").write_text(asked.stdout, encoding="utf-8")
    return out


def listed(labels: Any) -> list[Any]:
    return [np.asarray(label).tolist() for label in labels]


@pytest.mark.parametrize("form", ["folder", "packed", "saved", "unpacked"])
@pytest.mark.parametrize("name", names_of_heads())
def test_the_same_answers(name: str, form: str, answered: Path, tmp_path: Path) -> None:
    place = answered / name
    pipeline = StaticModelPipeline.from_pretrained(place)
    if form == "saved":
        pipeline.save_pretrained(tmp_path / "saved")
        pipeline = StaticModelPipeline.from_pretrained(tmp_path / "saved")
    elif form != "folder":
        pipeline.model.save_packed(tmp_path / "packed.safetensors")
        pipeline = StaticModelPipeline.from_pretrained(tmp_path / "packed.safetensors")
        if form == "unpacked":
            unpack(str(tmp_path / "packed.safetensors"), str(tmp_path / "unpacked"))
            pipeline = StaticModelPipeline.from_pretrained(tmp_path / "unpacked")
    answers = json.loads((answered / f"{name}.json").read_text(encoding="utf-8"))
    numbers = np.load(answered / f"{name}.npy")
    assert listed(pipeline.predict(TEXTS)) == answers["predict"]
    assert np.asarray(pipeline.predict(TEXTS[4])).tolist() == answers["one"]
    if "report" in answers:
        found = pipeline.predict_proba(TEXTS)
        assert listed(pipeline.predict(TEXTS, threshold=0.9)) == answers["strict"]
        assert pipeline.evaluate(TEXTS, answers["truth"]) == answers["report"]
    else:
        found = pipeline.predict(TEXTS)
    assert found.dtype == numbers.dtype
    # Another numpy rounds the exponential of a float64 differently.
    same_numpy = (answered / "numpy.txt").read_text(encoding="utf-8").strip() == np.__version__
    np.testing.assert_allclose(found, numbers, rtol=0 if same_numpy else 1e-15, atol=0)
