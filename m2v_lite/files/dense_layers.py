"""Reads and writes the sentence-transformers modules after the table, and checks them.

The format is that of sentence-transformers 6.2 (https://github.com/huggingface/sentence-transformers,
`base/modules/dense.py`). Older releases use the same format. The folder of a Dense module has the settings in
config.json and the arrays in model.safetensors.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import described
from m2v_lite.embedding.modules import ACTIVATIONS, Dense, Module, Normalize
from m2v_lite.errors import InvalidModelError, ModelNotFoundError
from m2v_lite.files.layouts import MODULES, check_fetched
from m2v_lite.files.modules_json import ARRAYS, LINEAR, SCALES, SETTINGS, TABLE, Entry, broken, read_json
from m2v_lite.files.safetensors import SafetensorsFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

INPUT = "sentence_embedding"
DTYPES = ("F64", "F32", "F16", "BF16")
# How the names of activations begin. Those of sentence-transformers are classes of PyTorch.
TORCH = "torch.nn.modules."
PLACES = {"Identity": "linear"}


def read_modules(folder: str, entries: Sequence[Entry], columns: int) -> list[Module]:
    """Read the modules behind the table.

    Args:
        folder: the folder of the model.
        entries: the list, without the first, which is the table.
        columns: the columns of the table.

    Raises:
        InvalidModelError: a module cannot be read or is not supported, or does not fit the one before it.
    """
    modules: list[Module] = []
    for kind, path in entries:
        place = os.path.join(folder, path)
        if kind == SCALES:
            modules.append(Normalize())
        elif kind == LINEAR:
            modules.append(_read_dense(place, columns))
        else:
            raise InvalidModelError(
                f"{os.path.join(folder, MODULES)}: the module {kind!r:.60} is not supported after a "
                f"{TABLE}, only {SCALES} and {LINEAR}; use sentence-transformers for this model"
            )
        columns = modules[-1].columns(columns)
    return modules


def check_files(kind: str, *files: str) -> None:
    """Check that the files of a module are there.

    Raises:
        ModelNotFoundError: one is missing.
        InvalidModelError: one is a pointer of git-lfs, or cannot be read.
    """
    for file in files:
        if not os.path.isfile(file):
            raise ModelNotFoundError(
                f"{file}: this file of the module {kind} is missing; copy it here. If there is a "
                "pytorch_model.bin instead, save the model again with sentence-transformers"
            )
    check_fetched(*files)


def _read_dense(place: str, columns: int) -> Dense:
    settings = os.path.join(place, SETTINGS)
    arrays = os.path.join(place, ARRAYS)
    check_files(LINEAR, settings, arrays)
    found = read_json(settings)
    if not isinstance(found, dict):
        raise broken(settings, "it is not a JSON object")
    return dense_of(place, found, SafetensorsFile(arrays), "", columns)


def dense_of(
    place: object, settings: Mapping[str, Any], file: SafetensorsFile, prefix: str, columns: int
) -> Dense:
    """Return the Dense module that settings and tensors describe, checked.

    Args:
        place: where the settings are, for errors.
        settings: its config.json.
        file: holds `linear.weight`, and perhaps `linear.bias` and `residual.weight`.
        prefix: what stands before these names.
        columns: the columns of the vectors that it takes.

    Raises:
        InvalidModelError: something is missing, not supported, or does not fit.
    """
    for key in ("module_input_name", "module_output_name"):
        if settings.get(key) not in (None, INPUT):
            raise broken(place, f"{key} is {described(settings[key])}, and only {INPUT!r} is supported")
    path = settings.get("activation_function", f"{TORCH}activation.Tanh")
    name = path.rpartition(".")[2] if isinstance(path, str) and path.startswith("torch.") else ""
    if name not in ACTIVATIONS:
        raise InvalidModelError(
            f"{place}: the activation {path!r:.80} is not supported, only {', '.join(ACTIVATIONS)} of "
            "PyTorch; use sentence-transformers for this model"
        )
    outputs, inputs = (settings.get(key) for key in ("out_features", "in_features"))
    if type(outputs) is not int or outputs < 1 or inputs != columns:
        raise broken(
            place,
            f"it makes {described(outputs)} columns of {described(inputs)}, but the vectors have {columns}",
        )
    arrays = partial(_array, file, prefix)
    weight = arrays("linear.weight", (outputs, columns))
    bias = arrays("linear.bias", (outputs,)) if settings.get("bias", True) else None
    residual: NDArray[Any] | str | None = None
    if settings.get("use_residual"):
        residual = "same" if outputs == columns else arrays("residual.weight", (outputs, columns))
    return Dense(weight, bias, name, residual)


def _array(file: SafetensorsFile, prefix: str, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a tensor, which must be there, have this shape, and hold floats."""
    info = file.tensors.get(prefix + name)
    if info is None:
        raise broken(file.path, f"there is no tensor {prefix + name!r}")
    if tuple(info.shape) != shape or info.dtype not in DTYPES:
        raise broken(
            file.path,
            f"the tensor {prefix + name!r} is {info.dtype} of shape {list(info.shape)}, not one of "
            f"{', '.join(DTYPES)} of shape {list(shape)}",
        )
    return np.asarray(file.view(prefix + name))


def settings_of(dense: Dense) -> dict[str, Any]:
    """Return the config.json of a Dense module."""
    outputs, inputs = dense.weight.shape
    place = PLACES.get(dense.activation, "activation")
    settings = {
        "in_features": inputs,
        "out_features": outputs,
        "bias": dense.bias is not None,
        "activation_function": f"{TORCH}{place}.{dense.activation}",
    }
    return settings if dense.residual is None else {**settings, "use_residual": True}


def tensors_of_dense(dense: Dense) -> dict[str, NDArray[Any]]:
    """Return the arrays of a Dense module by their names in its file."""
    tensors = {"linear.weight": dense.weight}
    if dense.bias is not None:
        tensors["linear.bias"] = dense.bias
    if dense.residual is not None and not isinstance(dense.residual, str):
        tensors["residual.weight"] = dense.residual
    return tensors
