"""Reads the head of a classifier model from its own file or from a packed model.

model2vec 0.10 writes the weights `head.N.weight` (outputs, inputs) and `head.N.bias` (outputs,) of each layer
to `head.safetensors`, and `n_layers`, `activation` and `classes` to `head_config` in the config.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from m2v_lite.errors import InvalidModelError
from m2v_lite.files.layouts import check_fetched
from m2v_lite.files.safetensors import SafetensorsFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.files.layouts import ModelFiles
    from m2v_lite.files.model_parts import ModelParts

HEAD = "head.safetensors"
# What model2vec wrote before 0.10: a pipeline of scikit-learn.
LEGACY_HEAD = "pipeline.skops"
SETTINGS = "head_config"
_TENSOR = re.compile(r"head\.\d+\.(weight|bias)")


def head_file(files: ModelFiles) -> str | None:
    """Return the path of the file that holds a model's head, or None if it has none."""
    if files.layout == "packed":
        return files.folder
    path = os.path.join(files.folder, HEAD)
    return path if os.path.lexists(path) else None


def head_tensors(parts: ModelParts) -> dict[str, NDArray[Any]]:
    """Return the tensors of a model's head by their names, mapped; none if it has no head.

    Raises:
        InvalidModelError: the file is broken, or the head is for more columns than the model was loaded with.
    """
    path = head_file(parts.files) if parts.files else None
    if path is None:
        return {}
    check_fetched(path)
    file = SafetensorsFile(path)
    tensors = {name: file.view(name) for name in sorted(file.tensors) if _TENSOR.fullmatch(name)}
    first = tensors.get("head.0.weight")
    if first is not None and first.ndim == 2 and first.shape[1] != parts.dim:
        raise InvalidModelError(
            f"{path}: the head takes vectors of {first.shape[1]} columns, but the model has {parts.dim}; "
            "load the model with all its columns, or fetch both files of one model"
        )
    return tensors


def has_layers(config: Mapping[str, Any]) -> bool:
    """Return whether a config describes a head with layers, or no head at all.

    model2vec saves a head without layers as a file without tensors, and needs it to load the pipeline.

    Examples:
        >>> has_layers({"head_config": {"n_layers": 0}}), has_layers({"head_config": {"n_layers": 2}})
        (False, True)
    """
    settings = config.get(SETTINGS)
    return not isinstance(settings, Mapping) or settings.get("n_layers", 0) != 0


def legacy_head(place: str, name: str) -> InvalidModelError:
    """Return an error that says how to convert a head in the old format.

    The weights are copied, as model2vec 0.10.0 hands transposed arrays to safetensors, whose version 0.8.0
    writes their numbers in the wrong order, without an error
    (https://github.com/safetensors/safetensors/issues/825).

    Args:
        place: where the model is.
        name: the folder or the name on the hub to convert.
    """
    return InvalidModelError(
        f"{place}: this head is in {LEGACY_HEAD}, which model2vec wrote before 0.10. Convert it once, where "
        "model2vec, scikit-learn and skops are installed: "
        'python -c "from model2vec.inference import convert_legacy_pipeline as convert; '
        f"new = convert({name!r}); "
        "[setattr(layer, 'weight', layer.weight.copy()) for layer in new.head.layers]; "
        "new.save_pretrained('NEW_FOLDER')\""
    )
