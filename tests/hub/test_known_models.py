"""The figures of the models that the help recommends, as far as they can be seen here."""

from __future__ import annotations

from pathlib import Path

from m2v_lite import StaticModel
from m2v_lite.hub.known_models import KNOWN_MODELS, known_rows
from m2v_lite.loading import BUNDLED_MODEL


def test_the_figures_of_the_bundled_model(bundled: StaticModel) -> None:
    figures = KNOWN_MODELS[0]
    assert figures.name == "(bundled)"
    assert figures.dimensions == bundled.dim
    assert figures.thousand_tokens == round(len(bundled.tokens) / 1000, 1)
    assert figures.megabytes == round(Path(BUNDLED_MODEL).stat().st_size / 1e6)
    assert figures.licence.lower() == bundled.license


def test_models_of_one_size_have_the_same_figures() -> None:
    """The size of a float32 table and its tokenizer is the download."""
    for model in KNOWN_MODELS:
        if model.name.startswith("minishlab/potion-") and "code" not in model.name:
            assert model.dimensions is not None
            assert model.thousand_tokens is not None
            assert model.megabytes is not None
            table = model.thousand_tokens * model.dimensions * 4 / 1000
            assert table < model.megabytes < 1.1 * table + 2
    assert len(known_rows()) == len(KNOWN_MODELS)
