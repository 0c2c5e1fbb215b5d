"""m2v_lite in model2vec's place: what can be imported, and what says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest
from time_limit import LONGEST

INSTALL = "import m2v_lite; m2v_lite.install_as_model2vec()\n"


def run(program: str, status: int = 0) -> str:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


IMPORTS = [
    "from model2vec import StaticModel as it; import m2v_lite; assert it is m2v_lite.StaticModel",
    "import model2vec; assert model2vec.__version__ == '0.10.0' and model2vec.model.StaticModel",
    "import model2vec.inference.model as it; assert it.StaticModelPipeline",
    "from model2vec.inference import StaticModelPipeline as it; import m2v_lite.inference as ours; "
    "assert it is ours.StaticModelPipeline",
    "from model2vec.inference.mlp import Activation, Layer, MLPHead",
    "from model2vec.version import __version_triple__ as it; assert it == (0, 10, 0)",
    "from model2vec.types import _UNSET; from model2vec import StaticModel; "
    "StaticModel.from_pretrained(None).encode('cat', max_length=_UNSET)",
    "import m2v_lite; m2v_lite.install_as_model2vec()",
]


@pytest.mark.parametrize("program", IMPORTS)
def test_what_is_there(program: str) -> None:
    run(INSTALL + program)


@pytest.mark.parametrize("name", ["model2vec.distill", "model2vec.train", "model2vec.train.classifier"])
def test_what_is_not_there(name: str) -> None:
    told = run(f"{INSTALL}import {name}", status=1)
    assert (
        f"MissingPackageError: {'.'.join(name.split('.')[:2])}: m2v_lite, which stands in for model2vec here"
        in told
    )
    parent, _, child = name.rpartition(".")
    program = f"try:\n    from {parent} import {child}\nexcept ImportError as error:\n    print(error)"
    assert "pip install 'model2vec[distill,train]'" in run(INSTALL + program)


def test_after_the_real_one() -> None:
    program = "import sys, types; sys.modules['model2vec'] = types.ModuleType('model2vec')\n" + INSTALL
    assert "M2VLiteError: model2vec itself is already imported, from None; call install" in run(
        program, status=1
    )
