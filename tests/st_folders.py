"""Folders as sentence-transformers writes them, and their vectors by plain formulas in float64."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tiny_models import TinyModel, random_table

from m2v_lite.files.safetensors import write_safetensors

TORCH = "torch.nn.modules."
FORMULAS: dict[str, Any] = {
    "linear.Identity": lambda x: x,
    "activation.Tanh": math.tanh,
    "activation.ReLU": lambda x: max(x, 0.0),
    "activation.Sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "activation.SiLU": lambda x: x / (1 + math.exp(-x)),
    "activation.GELU": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
}


def dense(inputs: int, outputs: int, activation: str = "activation.Tanh", **settings: Any) -> dict[str, Any]:
    """Describe a Dense module; `tensors_of_dense` makes its numbers."""
    sizes = {"in_features": inputs, "out_features": outputs}
    return {"bias": True, "activation_function": TORCH + activation, **sizes, **settings}


def tensors_of_dense(settings: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    shape = (settings["out_features"], settings["in_features"])
    tensors = {"linear.weight": random_table(*shape, "float32", seed=shape[0]) / 4}
    if settings["bias"]:
        tensors["linear.bias"] = random_table(1, shape[0], "float32", seed=9)[0]
    if settings.get("use_residual") and shape[0] != shape[1]:
        tensors["residual.weight"] = random_table(*shape, "float32", seed=3) / 4
    return tensors


def build(
    folder: Path,
    modules: Sequence[Mapping[str, Any] | None] = (),
    recipe: TinyModel | None = None,
    **config: Any,
) -> Path:
    """Write a folder with a table and modules: the settings of a Dense, or None for a Normalize."""
    (recipe or TinyModel(layout=1, config=config)).build(folder)
    kinds = ["StaticEmbedding", *("Normalize" if module is None else "Dense" for module in modules)]
    entries = [
        {
            "idx": place,
            "name": str(place),
            "path": f"{place}_{kind}" if place else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for place, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(entries))
    for entry, module in zip(entries[1:], modules, strict=True):
        if module is not None:
            place = folder / str(entry["path"])
            place.mkdir()
            (place / "config.json").write_text(json.dumps(module))
            with (place / "model.safetensors").open("wb") as file:
                write_safetensors(file, tensors_of_dense(module))
    return folder


def expected_vectors(
    texts: Sequence[str], recipe: TinyModel, modules: Sequence[Mapping[str, Any] | None], limit: int | None
) -> NDArray[np.float64]:
    """Return the vectors (texts, columns) by the formulas, one number after the other."""
    from tokenizers import Tokenizer  # where numpy is alone, the other functions are of use

    tokenizer = Tokenizer.from_str(json.dumps({**recipe.definition, "truncation": None, "padding": None}))
    table = recipe.tensors()["embedding.weight"].astype(np.float64)
    vectors = []
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids[:limit]
        vector = table[ids].mean(0) if ids else np.zeros(table.shape[1])
        for module in modules:
            vector = _unit(vector) if module is None else _dense(vector, module)
        vectors.append(vector)
    return np.array(vectors)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / max(math.sqrt(sum(vector * vector)), 1e-12)


def _dense(vector: NDArray[np.float64], settings: Mapping[str, Any]) -> NDArray[np.float64]:
    tensors = tensors_of_dense(settings)
    numbers = tensors["linear.weight"] @ vector + tensors.get("linear.bias", 0)
    formula = FORMULAS[settings["activation_function"].removeprefix(TORCH)]
    result = np.array([formula(number) for number in numbers])
    if settings.get("use_residual"):
        residual = tensors.get("residual.weight")
        result += vector if residual is None else residual @ vector
    return result
