"""Fixtures: tiny models, the bundled model, and what lies outside the repository."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hub_server import Hub, HubServer
from hypothesis import HealthCheck, settings
from outside import (
    models_folder as models_folder,
    multilingual_model as multilingual_model,
    peers_python as peers_python,
    texts_folder as texts_folder,
)
from tiny_models import TINY_MODELS

from m2v_lite import StaticModel

# No deadline: a busy machine says nothing of the code.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")
# Under emulation all takes long.
settings.register_profile("emulated", deadline=None, suppress_health_check=[HealthCheck.too_slow])
HUB_SERVER, ASSETS = pytest.StashKey[HubServer](), pytest.StashKey[TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Name a hub of our own before huggingface_hub is imported, so that no test asks any other.

    And let an interrupt be one, which a shell has the programs ignore that it starts in the background.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    server = config.stash[HUB_SERVER] = HubServer()
    for name in [name for name in os.environ if name.startswith(("HF_", "HUGGING"))]:
        del os.environ[name]
    config.stash[ASSETS] = assets = TemporaryDirectory()
    # The home is missing. What makes it by mistake makes it in a folder that goes away.
    home = f"{assets.name}/no/home/of/the/hub"
    os.environ.update(HF_ENDPOINT=server.hub.url, HF_HOME=home, HF_ASSETS_CACHE=assets.name)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[HUB_SERVER].server_close()
    config.stash[ASSETS].cleanup()


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
