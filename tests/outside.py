"""Fixtures: what lies outside the repository, named by environment variables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """The folder of real models that M2V_LITE_MODELS names."""
    return _outside("M2V_LITE_MODELS", "a folder of model folders")


@pytest.fixture(scope="session")
def peers_python() -> Path:
    """The Python of the environment with model2vec that M2V_LITE_PEERS names; see `make peers`."""
    return _outside("M2V_LITE_PEERS", "the Python of an environment with model2vec 0.10.0")


@pytest.fixture(scope="session")
def multilingual_model() -> Path:
    """The folder of a real multilingual model that M2V_LITE_MULTILINGUAL names; see `make multilingual`."""
    return _outside("M2V_LITE_MULTILINGUAL", "the folder of a multilingual model")


@pytest.fixture(scope="session")
def texts_folder() -> Path:
    """The environment with translation catalogs that M2V_LITE_TEXTS names; see `make texts`."""
    return _outside("M2V_LITE_TEXTS", "the environment with translation catalogs")


def names_of_real_models() -> list[str]:
    """Return the names of the folders there, to make a test of each; one name if the folder is not given."""
    folder = os.environ.get("M2V_LITE_MODELS")
    return sorted(path.name for path in Path(folder).iterdir() if path.is_dir()) if folder else ["none given"]


def _outside(variable: str, what: str) -> Path:
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set: {what}")
    path = Path(os.environ[variable]).absolute()
    assert path.exists(), f"{variable} names {path}, which is not there"
    return path
