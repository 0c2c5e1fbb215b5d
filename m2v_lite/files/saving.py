"""A model -> a folder that model2vec, sentence-transformers and m2v_lite load."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

from m2v_lite.arguments import check_unicode
from m2v_lite.errors import InputValueError
from m2v_lite.files.atomic_write import atomic_writes, is_temporary
from m2v_lite.files.layouts import MODEL_CARD
from m2v_lite.files.model_card import new_model_card
from m2v_lite.files.safetensors import write_safetensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.files.layouts import ModelFiles
    from m2v_lite.files.parts import ModelParts


def save_model(
    parts: ModelParts,
    path: str,
    subfolder: str | None = None,
    model_name: str | None = None,
    model_card: str | None = None,
) -> None:
    """Write a model's files; see `StaticModel.save_pretrained`.

    Args:
        parts: what to save.
        path: the folder, made if need be.
        subfolder: a folder inside `path` to write to instead.
        model_name: the name in a new model card; by default the folder's.
        model_card: the text of the README.md, or None to write a new one.
    """
    folder = os.path.join(path, subfolder or "")
    if model_name is not None:
        check_unicode(model_name, "model_name")
    if model_card is None:
        model_card = new_model_card(parts, model_name or os.path.basename(os.path.realpath(folder)))
    tensors = tensors_of(parts)
    texts = {
        "tokenizer.json": parts.tokenizer_definition(),
        MODEL_CARD: model_card,
        "modules.json": json.dumps(_modules(parts.normalize), indent=4),
        "config.json": json.dumps(config_of(parts), indent=4),
    }
    os.makedirs(folder, exist_ok=True)
    # The config goes last: without it a new folder is not a model.
    names = ["model.safetensors", *texts]
    with atomic_writes([os.path.join(folder, name) for name in names]) as (table, *others):
        write_safetensors(table, tensors, bfloat16=bfloat16_tensors(parts))
        for file, text in zip(others, texts.values(), strict=True):
            file.write(text.encode())


def copy_model(files: ModelFiles, folder: str) -> None:
    """Copy a model's files as they are to a folder of its own.

    Args:
        files: where they are now.
        folder: where to, made if need be; what it holds already can only be the same model's files.

    Raises:
        InputValueError: the folder holds something else.
        OSError: the folder cannot be written.
    """
    sources = [files.table, files.tokenizer]
    if os.path.isfile(files.model_card):
        sources.append(files.model_card)
    elif os.path.isfile(os.path.join(folder, MODEL_CARD)):
        sources.append(os.devnull)  # in place of the card of what was there before
    sources.append(files.config)  # goes last: without it a new folder is no model
    # The config may lie above the folder; next to the others it is found as well.
    names = [
        MODEL_CARD
        if path == os.devnull
        else os.path.relpath(path, files.folder).removeprefix(os.path.join("..", ""))
        for path in sources
    ]
    if os.path.isfile(folder):
        raise InputValueError(f"{folder}: this is a file; name a folder, or use --pack for one file")
    there = set(os.listdir(folder)) if os.path.isdir(folder) else set()
    others = {name for name in there - {name.split(os.sep)[0] for name in names} if not is_temporary(name)}
    if others:
        raise InputValueError(
            f"{folder}: this folder holds other files ({min(others)!r} for one), which might be taken for "
            "parts of the model; name a new folder"
        )
    targets = [os.path.join(folder, name) for name in names]
    for target in targets:
        os.makedirs(os.path.dirname(target), exist_ok=True)
    with atomic_writes(targets) as copies:
        for source, copy in zip(sources, copies, strict=True):
            with open(source, "rb") as file:
                shutil.copyfileobj(file, copy)


def tensors_of(parts: ModelParts) -> dict[str, NDArray[Any]]:
    """Return a model's arrays by the names that they have in its file."""
    arrays = {"embeddings": parts.embedding, "weights": parts.weights, "mapping": parts.token_mapping}
    return {name: array for name, array in arrays.items() if array is not None}


def bfloat16_tensors(parts: ModelParts) -> tuple[str, ...]:
    """Return the names of those arrays that hold bfloat16 codes."""
    return ("embeddings",) if parts.embedding_dtype == "bfloat16" else ()


def config_of(parts: ModelParts) -> dict[str, Any]:
    """Return a model's settings, as model2vec keeps them."""
    config = {**parts.config, "embedding_dtype": parts.embedding_dtype}
    config.pop("vocabulary_quantization", None)
    if parts.token_mapping is not None:
        config["vocabulary_quantization"] = len(parts.embedding)
    return config


def _modules(normalize: bool) -> list[dict[str, Any]]:
    """Return the modules.json by which sentence-transformers loads the model."""
    modules = [(".", "StaticEmbedding"), ("1_Normalize", "Normalize")][: 2 if normalize else 1]
    return [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (path, kind) in enumerate(modules)
    ]
