"""m2v_lite in model2vec's place where model2vec itself is installed: m2v_lite's classes, or an error."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
from time_limit import LONGEST

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
    assert done.stdout.startswith(f"True {name}: m2v_lite, which is in model2vec's place here"), done.stderr


@pytest.mark.parametrize("program", ["import model2vec", "from model2vec import StaticModel"])
def test_too_late(program: str) -> None:
    done = run(
        f"{program}\nimport m2v_lite\n"
        "try:\n    m2v_lite.install_as_model2vec()\n"
        "except m2v_lite.M2VLiteError as error:\n    print(error)\n"
        "import model2vec\nprint(model2vec.StaticModel.__module__)"
    )
    told, module = done.stdout.splitlines()
    assert told.startswith("model2vec itself is imported already, from ")
    assert told.endswith("call install_as_model2vec() before anything imports it")
    assert module == "model2vec.model"
