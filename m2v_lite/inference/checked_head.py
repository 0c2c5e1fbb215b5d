"""Builds a head from its settings and tensors, and checks that the layers fit the table and each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import described
from m2v_lite.errors import InvalidModelError, ModelNotFoundError
from m2v_lite.files.heads import HEAD, SETTINGS, head_file, head_tensors
from m2v_lite.inference.mlp import Activation, Layer, MLPHead

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.files.model_parts import ModelParts


def head_of(parts: ModelParts) -> MLPHead | None:
    """Return the head of a loaded model, or None if the model has no head.

    Raises:
        ModelNotFoundError: the config describes a head, but its file is missing.
        InvalidModelError: the settings, tensors and table do not fit together, or a number is not finite.
    """
    tensors, settings = head_tensors(parts), parts.config.get(SETTINGS)
    if not tensors and not isinstance(settings, Mapping):
        return None
    place, columns = parts.files.folder if parts.files else "vectors", parts.dim
    if parts.files and head_file(parts.files) is None:
        raise ModelNotFoundError(
            f"{place}: {HEAD} is missing, but {SETTINGS} in the config describes it; copy it here, or load "
            "the model without its head, with StaticModel"
        )
    # Without settings, model2vec takes a head that does nothing.
    settings = {} if settings is None else settings
    if not isinstance(settings, Mapping):
        raise _unfit(place, f"{SETTINGS} in the config is {described(settings)}, not an object")
    number, classes = settings.get("n_layers", 0), settings.get("classes")
    if type(number) is not int or number < 0:
        raise _unfit(place, f"n_layers is {described(number)}, not a number of layers")
    try:
        activation = Activation(settings.get("activation", Activation.IDENTITY.value))
    except ValueError:
        known = ", ".join(known.value for known in Activation)
        raise _unfit(place, f"the activation is {settings['activation']!r:.60}, not one of {known}") from None
    layers = []
    for index in range(number):
        layer = _layer(place, tensors, index, columns)
        layers.append(layer)
        columns = len(layer.bias)
    if classes is not None and (
        not isinstance(classes, list)
        or not all(isinstance(label, (str, int, float)) for label in classes)
        or len({type(label) for label in classes}) > 1
    ):
        raise _unfit(place, f"the classes are {described(classes)}, not a list of labels of one type")
    if classes is not None and activation is not Activation.IDENTITY and len(classes) != columns:
        raise _unfit(place, f"there are {len(classes)} classes, but the last layer has {columns} outputs")
    return MLPHead(layers, activation, None if classes is None else np.asarray(classes))


def _layer(place: object, tensors: Mapping[str, NDArray[Any]], index: int, columns: int) -> Layer:
    names = f"head.{index}.weight", f"head.{index}.bias"
    for name in names:
        if name not in tensors:
            raise _unfit(place, f"{HEAD} has no tensor {name}")
    # The same memory; a memmap is slower to multiply.
    weight, bias = (np.asarray(tensors[name]) for name in names)
    if weight.dtype.kind != "f" or bias.dtype.kind != "f":
        raise _unfit(place, f"{names[0]} and {names[1]} are {weight.dtype} and {bias.dtype}, not floats")
    if weight.ndim != 2 or weight.shape[1] != columns or bias.shape != weight.shape[:1]:
        raise _unfit(
            place,
            f"{names[0]} has shape {weight.shape} and {names[1]} has shape {bias.shape}, which does not fit "
            f"{columns} inputs",
        )
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise _unfit(place, f"{names[0]} or {names[1]} holds numbers that are not finite")
    return Layer(weight, bias)


def _unfit(place: object, fact: str) -> InvalidModelError:
    return InvalidModelError(f"{place}: not a valid head: {fact}; train or fetch it again")
