"""A model -> a folder that model2vec, sentence-transformers and m2v_lite load."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from m2v_lite.atomic_write import atomic_writes
from m2v_lite.safetensors import write_safetensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.model import StaticModel


def save_model(model: StaticModel, folder: str, tokenizer: str, model_card: str) -> None:
    """Write a model's files; see `StaticModel.save_pretrained`.

    Args:
        model: what to save.
        folder: where, made if need be.
        tokenizer: the text of its tokenizer.json.
        model_card: the text of its README.md.
    """
    tensors = tensors_of(model)
    texts = {
        "tokenizer.json": tokenizer,
        "README.md": model_card,
        "modules.json": json.dumps(_modules(model.normalize), indent=4),
        "config.json": json.dumps(config_of(model), indent=4),
    }
    os.makedirs(folder, exist_ok=True)
    # The config goes last: without it a new folder is no model.
    names = ["model.safetensors", *texts]
    with atomic_writes([os.path.join(folder, name) for name in names]) as (table, *others):
        write_safetensors(table, tensors, bfloat16=bfloat16_tensors(model))
        for file, text in zip(others, texts.values(), strict=True):
            file.write(text.encode())


def tensors_of(model: StaticModel) -> dict[str, NDArray[Any]]:
    """Return a model's arrays by the names that they have in its file."""
    arrays = {"embeddings": model.embedding, "weights": model.weights, "mapping": model.token_mapping}
    return {name: array for name, array in arrays.items() if array is not None}


def bfloat16_tensors(model: StaticModel) -> tuple[str, ...]:
    """Return the names of those arrays that hold bfloat16 codes."""
    return ("embeddings",) if model.embedding_dtype == "bfloat16" else ()


def config_of(model: StaticModel) -> dict[str, Any]:
    """Return a model's settings, as model2vec keeps them."""
    config = {**model.config, "embedding_dtype": model.embedding_dtype}
    config.pop("vocabulary_quantization", None)
    if model.token_mapping is not None:
        config["vocabulary_quantization"] = len(model.embedding)
    return config


def card_of(model: StaticModel) -> dict[str, Any]:
    """Return what is known of a model that its card says."""
    return {"base_model": model.base_model_name, "language": model.language, "license": model.license}


def new_model_card(model: StaticModel, model_name: str) -> str:
    """Return a short model card, with what is known of the model in its front matter."""
    front = "".join(f"{key}: {json.dumps(entry)}\n" for key, entry in card_of(model).items() if entry)
    return (
        f"---\n{front}library_name: model2vec\n---\n\n# {model_name}\n\n"
        f"A static-embedding model of {model.dim} dimensions in {model.embedding_dtype}, for model2vec "
        "and m2v_lite.\n"
    )


def _modules(normalize: bool) -> list[dict[str, Any]]:
    """Return the modules.json by which sentence-transformers loads the model."""
    modules = [(".", "StaticEmbedding"), ("1_Normalize", "Normalize")][: 2 if normalize else 1]
    return [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (path, kind) in enumerate(modules)
    ]
