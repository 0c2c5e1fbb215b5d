"""Fixtures: tiny models, the bundled model, and what lies outside the repository."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_models import TINY_MODELS

from m2v_lite import StaticModel


@pytest.fixture(scope="session")
def bundled() -> StaticModel:
    return StaticModel.from_pretrained()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives the folder of a tiny model by its name. The folders are not to change."""
    root = tmp_path_factory.mktemp("tiny")

    def folder(name: str) -> Path:
        if not (root / name).exists():
            TINY_MODELS[name].build(root / name)
        return root / name

    return folder


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """The folder of real models that M2V_LITE_MODELS names."""
    return _outside("M2V_LITE_MODELS", "a folder of model folders")


@pytest.fixture(scope="session")
def peers_python() -> Path:
    """The Python of the environment with model2vec that M2V_LITE_PEERS names; see `make peers`."""
    return _outside("M2V_LITE_PEERS", "the Python of an environment with model2vec 0.10.0")


def _outside(variable: str, what: str) -> Path:
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set: {what}")
    path = Path(os.environ[variable]).absolute()
    assert path.exists(), f"{variable} names {path}, which is not there"
    return path
