"""Loads the models that the options of a command select, and describes a model in one line."""

from __future__ import annotations

import argparse

from m2v_lite.commands.options import NO_LIMIT
from m2v_lite.embedding.modules import ignore_scale
from m2v_lite.errors import InputValueError
from m2v_lite.files.layouts import ModelFiles
from m2v_lite.model import StaticModel


def load_to_encode(options: argparse.Namespace) -> StaticModel:
    """Load the model that the options of `model_choice` select."""
    model = StaticModel.from_pretrained(
        options.model,
        revision=options.revision,
        subfolder=options.subfolder,
        normalize=options.normalize,
        dimensionality=options.dimensionality,
    )
    set_max_length(model, options)
    return model


def set_max_length(model: StaticModel, options: argparse.Namespace) -> None:
    """Give the model the limit of tokens that the options ask for, if they do."""
    if options.max_length is not None:
        model.max_length = None if options.max_length == NO_LIMIT else options.max_length


def load_named(name: str | None, options: argparse.Namespace) -> StaticModel:
    """Load a model to describe it or to write it."""
    return StaticModel.from_pretrained(name, revision=options.revision, subfolder=options.subfolder)


def reduced(model: StaticModel, options: argparse.Namespace) -> StaticModel:
    """Return the model with the dtype and the columns that the options ask for."""
    is_safe = ignore_scale(model.modules or (), otherwise=model.normalize)
    if options.dtype == "int8" != model.embedding_dtype and not is_safe:
        raise InputValueError(
            f"{options.model}: int8 loses the scale of the table, so it suits only models that scale vectors "
            "to length 1, and this model does not; give float16"
        )
    if options.dtype is not None or options.dimensionality is not None:
        model = StaticModel.from_pretrained(
            files_of(model).folder, quantize_to=options.dtype, dimensionality=options.dimensionality
        )
    return model


def files_of(model: StaticModel) -> ModelFiles:
    """Return the files of a loaded model."""
    assert model.files is not None  # every loaded model has files
    return model.files


def described(model: StaticModel) -> str:
    """Return the size and the dtype of a model's table."""
    return f"{len(model.embedding):,} x {model.embedding.shape[1]} {model.embedding_dtype}"
