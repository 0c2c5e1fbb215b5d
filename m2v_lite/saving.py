"""A model -> a folder that model2vec, sentence-transformers and m2v_lite load."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from m2v_lite.atomic_write import atomic_writes
from m2v_lite.safetensors import write_safetensors

if TYPE_CHECKING:
    from m2v_lite.model import StaticModel


def save_model(model: StaticModel, folder: str, model_name: str | None, tokenizer: str) -> None:
    """Write a model's files; see `StaticModel.save_pretrained`.

    Args:
        model: what to save.
        folder: where, made if need be.
        model_name: the name in the model card; by default the folder's.
        tokenizer: the text of its tokenizer.json.
    """
    tensors = {"embeddings": model.embedding}
    if model.weights is not None:
        tensors["weights"] = model.weights
    config = {**model.config, "embedding_dtype": model.embedding_dtype}
    config.pop("vocabulary_quantization", None)
    if model.token_mapping is not None:
        tensors["mapping"] = model.token_mapping
        config["vocabulary_quantization"] = len(model.embedding)
    texts = {
        "tokenizer.json": tokenizer,
        "README.md": _model_card(model, model_name or os.path.basename(os.path.realpath(folder))),
        "modules.json": json.dumps(_modules(model.normalize), indent=4),
        "config.json": json.dumps(config, indent=4),
    }
    os.makedirs(folder, exist_ok=True)
    # The config goes last: without it a new folder is no model.
    names = ["model.safetensors", *texts]
    with atomic_writes([os.path.join(folder, name) for name in names]) as (table, *others):
        bfloat16 = ("embeddings",) if model.embedding_dtype == "bfloat16" else ()
        write_safetensors(table, tensors, bfloat16=bfloat16)
        for file, text in zip(others, texts.values(), strict=True):
            file.write(text.encode())


def _model_card(model: StaticModel, model_name: str) -> str:
    """Return a short model card, with what is known of the model in its front matter."""
    entries = {"base_model": model.base_model_name, "language": model.language, "license": model.license}
    front = "".join(f"{key}: {json.dumps(entry)}\n" for key, entry in entries.items() if entry)
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
