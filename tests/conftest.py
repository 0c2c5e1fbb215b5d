"""Fixtures: tiny models, the bundled model, and what lies outside the repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub_server import Hub, HubServer
from hypothesis import HealthCheck, settings
from tiny_models import TINY_MODELS

from m2v_lite import StaticModel

# Under emulation all takes long.
settings.register_profile("emulated", deadline=None, suppress_health_check=[HealthCheck.too_slow])
HUB_SERVER = pytest.StashKey[HubServer]()


def pytest_configure(config: pytest.Config) -> None:
    """Name a hub of our own before huggingface_hub is imported, so that no test asks any other."""
    server = config.stash[HUB_SERVER] = HubServer()
    for name in [name for name in os.environ if name.startswith(("HF_", "HUGGING"))]:
        del os.environ[name]
    os.environ.update(HF_ENDPOINT=server.hub.url, HF_HOME="/no/home/of/the/hub")


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[HUB_SERVER].server_close()


@pytest.fixture(scope="session")
def hub_server(pytestconfig: pytest.Config) -> Iterator[Hub]:
    """The hub that `HF_ENDPOINT` names, answering."""
    with pytestconfig.stash[HUB_SERVER].answering() as hub:
        yield hub


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
