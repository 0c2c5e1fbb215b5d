"""m2v_lite in model2vec's place where model2vec itself is installed: m2v_lite's classes, or an error."""

from __future__ import annotations

import importlib.util
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pages import COMMANDS
from time_limit import LONGEST

from m2v_lite import StaticModel
from m2v_lite.inference import StaticModelPipeline

INSTALL = "import m2v_lite; m2v_lite.install_as_model2vec()\n"


def run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=LONGEST)


def test_model2vec_is_installed() -> None:
    """Else the other tests would say nothing."""
    assert importlib.util.find_spec("model2vec.distill")


def test_programs_get_the_classes_of_m2v_lite() -> None:
    done = run(
        f"{INSTALL}from model2vec import StaticModel\n"
        "from model2vec.inference import StaticModelPipeline\n"
        "import m2v_lite.inference\n"
        "assert StaticModel is m2v_lite.StaticModel\n"
        "assert StaticModelPipeline is m2v_lite.inference.StaticModelPipeline\n"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["model2vec.distill", "model2vec.train"])
def test_the_rest_of_model2vec_is_not_mixed_in(name: str) -> None:
    """It would bring model2vec's own classes."""
    done = run(
        f"{INSTALL}import sys\n"
        f"try:\n    import {name}\n"
        "except ImportError as error:\n    print(isinstance(error, m2v_lite.M2VLiteError), error)\n"
        "assert 'torch' not in sys.modules\n"
    )
    assert done.stdout.startswith(f"True {name}: m2v_lite, which stands in for model2vec here"), done.stderr


@pytest.mark.parametrize("program", ["import model2vec", "from model2vec import StaticModel"])
def test_too_late(program: str) -> None:
    done = run(
        f"{program}\nimport m2v_lite\n"
        "try:\n    m2v_lite.install_as_model2vec()\n"
        "except m2v_lite.M2VLiteError as error:\n    print(error)\n"
        "import model2vec\nprint(model2vec.StaticModel.__module__)"
    )
    told, module = done.stdout.splitlines()
    assert told.startswith("model2vec itself is already imported, from ")
    assert told.endswith("call install_as_model2vec() before anything imports it")
    assert module == "model2vec.model"


def test_the_command_of_the_page_converts_an_older_head(tmp_path: Path) -> None:
    """The older head is a pipeline of scikit-learn, which gives the answers, too."""
    skops = pytest.importorskip("skops.io")
    pipelines = pytest.importorskip("sklearn.pipeline")
    networks = pytest.importorskip("sklearn.neural_network")
    (command,) = (found.command for found in COMMANDS if "convert_legacy_pipeline" in found.command)
    topics = {"Bread and soup.": "food", "It will rain.": "weather", "The train was late.": "traffic"}
    texts, labels = list(topics), list(topics.values())
    model = StaticModel.from_pretrained()
    network = networks.MLPClassifier(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0)
    head = pipelines.make_pipeline(network).fit(model.encode(texts), labels)
    model.save_pretrained(tmp_path / "OLD")
    skops.dump(head, tmp_path / "OLD" / "pipeline.skops")
    program, *arguments = shlex.split(command)
    assert program == "python"
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=LONGEST
    )
    assert done.returncode == 0, done.stderr
    converted = StaticModelPipeline.from_pretrained(tmp_path / "NEW")
    expected = head.predict_proba(model.encode(texts))
    np.testing.assert_allclose(converted.predict_proba(texts), expected, rtol=0, atol=1e-5)
