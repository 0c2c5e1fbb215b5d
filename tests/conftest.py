"""Fixtures: tiny models, the bundled model, and what lies outside the repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from outside import models_folder as models_folder, peers_python as peers_python
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
