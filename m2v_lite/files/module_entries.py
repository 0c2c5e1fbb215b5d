"""The modules of sentence-transformers in a packed model: an entry of its metadata and tensors, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from m2v_lite.embedding.modules import Dense, LeadingColumns, Module, Normalize
from m2v_lite.files.modules_json import LINEAR, SCALES, dense_of, settings_of, tensors_of_dense
from m2v_lite.files.packed_format import MODULES, broken, setting

if TYPE_CHECKING:
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


def add_modules(parts: ModelParts, file: SafetensorsFile) -> None:
    """Give a model, read from a packed file that has modules, what the entry says.

    Raises:
        InvalidModelError: the entry or a tensor is broken, or not supported.
    """
    entry = setting(file, MODULES)
    listed, prompt = entry.get("modules"), entry.get("default_prompt_name")
    prompts = parts.config.get("prompts")
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise broken(file.path, f"its metadata {MODULES} holds no list of modules")
    if prompt is not None and not (
        isinstance(prompts, dict) and isinstance(prompt, str) and prompt in prompts
    ):
        raise broken(file.path, f"its metadata {MODULES} names a prompt that its config does not hold")
    modules: list[Module] = []
    columns = parts.embedding.shape[1]
    for place, item in enumerate(listed):
        kind, most = item.get("type"), item.get("columns")
        if kind == LINEAR:
            modules.append(dense_of(f"{file.path}: module {place}", item, file, _prefix(place), columns))
        elif kind == SCALES:
            modules.append(Normalize())
        elif kind == CUT and type(most) is int and 1 <= most <= columns:
            modules.append(LeadingColumns(most))
        else:
            raise broken(file.path, f"module {place} is {item!s:.100}, which is none")
        columns = modules[-1].columns(columns)
    parts.follow_sentence_transformers(modules, prompt)


def _prefix(place: int) -> str:
    return f"{MODULES}.{place}."
