"""Reads and writes the sentence-transformers modules of a packed model: metadata and tensors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from m2v_lite.embedding.modules import Dense, LeadingColumns, Module, Normalize, ignore_scale
from m2v_lite.errors import InputValueError
from m2v_lite.files.config import holds_prompt
from m2v_lite.files.dense_layers import dense_of, settings_of, tensors_of_dense
from m2v_lite.files.modules_json import LINEAR, SCALES
from m2v_lite.files.packed_format import MODULES, broken, setting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from m2v_lite.files.model_parts import ModelParts
    from m2v_lite.files.safetensors import SafetensorsFile

CUT = "truncate_dim"


def modules_entry(parts: ModelParts) -> tuple[dict[str, NDArray[Any]], str]:
    """Return the tensors and the text of the entry for a model with modules."""
    tensors: dict[str, NDArray[Any]] = {}
    described: list[dict[str, Any]] = []
    for place, module in enumerate(parts.modules or ()):
        if isinstance(module, Dense):
            described.append({"type": LINEAR, **settings_of(module)})
            tensors.update({_prefix(place) + name: array for name, array in tensors_of_dense(module).items()})
        elif isinstance(module, LeadingColumns):
            described.append({"type": CUT, "columns": module.most})
        else:
            described.append({"type": SCALES})
    entry = {"modules": described, "default_prompt_name": parts.default_prompt_name}
    return tensors, json.dumps(entry)


def read_modules_entry(
    file: SafetensorsFile, config: Mapping[str, Any], columns: int
) -> tuple[list[Module], str | None]:
    """Return the modules in a packed file that has the entry, and the name of the default prompt.

    Args:
        file: the packed file.
        config: its config, which holds the prompts.
        columns: the columns of its table.

    Raises:
        InvalidModelError: the entry or a tensor is broken, or not supported.
    """
    entry = setting(file, MODULES)
    listed, prompt = entry.get("modules"), entry.get("default_prompt_name")
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise broken(file.path, f"its metadata {MODULES} holds no list of modules")
    if prompt is not None and not holds_prompt(config, prompt):
        raise broken(file.path, f"its metadata {MODULES} names a prompt that its config does not have")
    modules: list[Module] = []
    for place, item in enumerate(listed):
        kind, most = item.get("type"), item.get("columns")
        if kind == LINEAR:
            modules.append(dense_of(f"{file.path}: module {place}", item, file, _prefix(place), columns))
        elif kind == SCALES:
            modules.append(Normalize())
        elif kind == CUT and type(most) is int and 1 <= most <= columns:
            modules.append(LeadingColumns(most))
        else:
            raise broken(file.path, f"module {place} is {item!s:.100}, which is not a known module")
        columns = modules[-1].columns(columns)
    return modules, prompt


def check_reduction(
    place: str, modules: Sequence[Module], dtype: str, quantize_to: str | None, dimensionality: int | None
) -> None:
    """Check that the table in front of modules may be made smaller.

    Args:
        place: the packed file, for errors.
        modules: the modules.
        dtype: the name of the table's dtype.
        quantize_to, dimensionality: as for `read_model`.

    Raises:
        InputValueError: the modules need all columns, or the scale of the rows, which int8 loses.
    """
    if dimensionality is not None and modules:
        raise InputValueError(
            f"{place}: dimensionality is {dimensionality}, but the modules of this model need all columns; "
            "give truncate_dim to encode"
        )
    if quantize_to == "int8" != dtype and not ignore_scale(modules, otherwise=True):
        raise InputValueError(
            f"{place}: int8 loses the scale of the table, but a Dense module of this model needs it; give "
            "float16"
        )


def _prefix(place: int) -> str:
    return f"{MODULES}.{place}."
