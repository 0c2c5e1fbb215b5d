"""`modules.json` of a folder of sentence-transformers -> the modules behind the table, and back.

The format is that of sentence-transformers 6.2 (https://github.com/huggingface/sentence-transformers,
`base/model.py` and `base/modules/dense.py`), which older releases share: a list of modules, each with its
class and its folder. The folder of a Dense holds its settings in config.json and its arrays in
model.safetensors.
"""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from m2v_lite.arguments import described
from m2v_lite.disk import MOST_BYTES, NotRegularError, read_regular
from m2v_lite.embedding.modules import ACTIVATIONS, Dense, LeadingColumns, Module, Normalize
from m2v_lite.errors import InvalidModelError, ModelNotFoundError
from m2v_lite.files.layouts import LAYOUTS, MODULES, check_fetched
from m2v_lite.files.safetensors import SafetensorsFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETTINGS, ARRAYS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
TABLE, SCALES, LINEAR = "StaticEmbedding", "Normalize", "Dense"
NO_LIST = (
    f"there is no {MODULES}, so this is no model of sentence-transformers; load it with "
    "StaticModel.from_pretrained"
)
INPUT = "sentence_embedding"
DTYPES = ("F64", "F32", "F16", "BF16")
# How the names of activations begin. Those of sentence-transformers are classes of PyTorch.
TORCH = "torch.nn.modules."
PLACES = {"Identity": "linear"}


class Entry(NamedTuple):
    """A module of the list: its class, without what stands before it, and its folder."""

    kind: str
    path: str


def read_entries(folder: str) -> list[Entry]:
    """Read the list of modules of a folder.

    Raises:
        ModelNotFoundError: there is no list.
        InvalidModelError: it cannot be read, or names a module of another library.
    """
    place = os.path.join(folder, MODULES)
    if not os.path.exists(place):
        raise ModelNotFoundError(f"{folder}: {NO_LIST}")
    check_fetched(place)
    found = _json(place)
    if not isinstance(found, list) or not found:
        raise _broken(place, "it is not a list of modules")
    return [_entry(place, item) for item in found]


def _entry(place: str, item: Any) -> Entry:
    kind, path = (item.get(key) if isinstance(item, dict) else None for key in ("type", "path"))
    if not isinstance(kind, str) or not isinstance(path, str):
        raise _broken(place, f"{described(item)} names no type and no path")
    path = posixpath.normpath(path or ".")
    if posixpath.isabs(path) or path.split("/")[0] == ".." or "\\" in path:
        raise _broken(place, f"the path {path!r:.60} leads out of the folder")
    package, _, name = kind.rpartition(".")
    if package.partition(".")[0] != "sentence_transformers":
        raise InvalidModelError(
            f"{place}: the module {kind!r:.100} is not one of sentence-transformers, and m2v_lite cannot run "
            "it; use sentence-transformers for this model"
        )
    return Entry(name, "" if path == "." else path)


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
                f"{os.path.join(folder, MODULES)}: the module {kind!r:.60} is not supported behind a "
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
    found = _json(settings)
    if not isinstance(found, dict):
        raise _broken(settings, "it is not a JSON object")
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
            raise _broken(place, f"{key} is {described(settings[key])}, and only {INPUT!r} is supported")
    path = settings.get("activation_function", f"{TORCH}activation.Tanh")
    name = path.rpartition(".")[2] if isinstance(path, str) and path.startswith("torch.") else ""
    if name not in ACTIVATIONS:
        raise InvalidModelError(
            f"{place}: the activation {path!r:.80} is not supported, only {', '.join(ACTIVATIONS)} of "
            "PyTorch; use sentence-transformers for this model"
        )
    outputs, inputs = (settings.get(key) for key in ("out_features", "in_features"))
    if type(outputs) is not int or outputs < 1 or inputs != columns:
        raise _broken(
            place,
            f"it makes {described(outputs)} columns of {described(inputs)}, and the vectors have {columns}",
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
        raise _broken(file.path, f"there is no tensor {prefix + name!r}")
    if tuple(info.shape) != shape or info.dtype not in DTYPES:
        raise _broken(
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


def kinds_in(folder: str) -> list[str]:
    """Return the classes in a folder's list of modules; none if there is no list, or an odd one."""
    try:
        return [entry.kind for entry in read_entries(folder)]
    except (InvalidModelError, ModelNotFoundError):
        return []


def files_of_modules(folder: str, with_table: bool = True) -> list[str]:
    """Return the files of a folder's modules, with forward slashes.

    Args:
        folder: the folder.
        with_table: whether to name those of the table as well.

    Raises:
        ModelNotFoundError, InvalidModelError: as `read_entries` does.
    """
    names = {LINEAR: (SETTINGS, ARRAYS), **({TABLE: (TOKENIZER, ARRAYS)} if with_table else {})}
    return [posixpath.join(path, name) for kind, path in read_entries(folder) for name in names.get(kind, ())]


def files_beside(folder: str) -> list[str]:
    """Return the files in a folder that only sentence-transformers needs, with forward slashes."""
    try:
        names = [LAYOUTS[1].config, MODULES, *files_of_modules(folder, with_table=False)]
    except (InvalidModelError, ModelNotFoundError):
        return []
    return [name for name in names if os.path.isfile(os.path.join(folder, name))]


def kept_columns(modules: Sequence[Module]) -> int | None:
    """Return after how many columns the vectors are cut at the end, or None."""
    return modules[-1].most if modules and isinstance(modules[-1], LeadingColumns) else None


def _json(place: str) -> Any:
    try:
        return json.loads(read_regular(place, MOST_BYTES["config.json"]).decode())
    except NotRegularError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(place, f"it cannot be read as JSON ({error})") from error


def _broken(place: object, fact: str) -> InvalidModelError:
    return InvalidModelError(f"{place}: {fact}; fetch or save the model again")
