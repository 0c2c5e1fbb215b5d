"""Saves a model to a folder that model2vec, sentence-transformers and m2v_lite can load."""

from __future__ import annotations

import json
import os
import posixpath
import re
import shutil
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from m2v_lite.arguments import check_unicode
from m2v_lite.disk import open_regular
from m2v_lite.errors import InputValueError, InvalidModelError
from m2v_lite.files.atomic_write import atomic_writes, is_temporary, new_folders
from m2v_lite.files.heads import HEAD, has_layers, head_file, head_tensors
from m2v_lite.files.layouts import LAYOUTS, MODEL_CARD, MODULES, NESTED_FOLDER
from m2v_lite.files.modules_json import (
    ARRAYS,
    LINEAR,
    SCALES,
    SETTINGS,
    TOKENIZER,
    files_beside,
    text_of,
)
from m2v_lite.files.safetensors import read_header, write_safetensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.files.layouts import ModelFiles
    from m2v_lite.files.model_parts import ModelParts

# All that is written into a model's folder.
_FOLDER = re.compile(rf"{NESTED_FOLDER}|[1-9][0-9]*_{LINEAR}")
_FILES_ON_TOP = {ARRAYS, TOKENIZER, HEAD, MODEL_CARD, MODULES, *(layout.config for layout in LAYOUTS)}
_FILES_IN_FOLDERS = {ARRAYS, TOKENIZER, SETTINGS}


def save_model(
    parts: ModelParts,
    path: str,
    subfolder: str | None = None,
    model_name: str | None = None,
    model_card: str | None = None,
    head: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Write a model's files; see `StaticModel.save_pretrained`.

    Args:
        parts: the model to save.
        path: the folder to write to; made if it is missing.
        subfolder: a folder inside `path` to write to instead.
        model_name: the name in a new model card; by default the folder's name.
        model_card: the text of the README.md, or None to write a new one.
        head: the tensors of the head that classifies, or None for the one of the model's files, if any.
    """
    parts.check_assigned()
    folder = os.path.join(path, subfolder or "")
    if model_name is not None:
        check_unicode(model_name, "model_name")
    if not model_card:
        model_card = new_model_card(parts, model_name or os.path.basename(os.path.realpath(folder)))
    if parts.modules is not None:
        from m2v_lite.files.sentence_transformers import save_sentence_transformer

        save_sentence_transformer(parts, folder, model_card)
        return
    tensors = tensors_of(parts)
    head = head_tensors(parts) if head is None else head
    texts = {
        "tokenizer.json": parts.tokenizer_definition(),
        MODEL_CARD: model_card,
        MODULES: text_of([SCALES] if parts.normalize else []),  # for sentence-transformers
        "config.json": json.dumps(config_of(parts), indent=4),
    }
    # Write the config last: until it is there, a new folder does not count as a model.
    has_head = bool(head) or not has_layers(parts.config)
    names = ["model.safetensors", *([HEAD] if has_head else []), *texts]
    targets = [os.path.join(folder, name) for name in names]
    with new_folders([folder]), atomic_writes(targets) as files:
        write_safetensors(files[0], tensors, bfloat16=bfloat16_tensors(parts))
        if has_head:
            write_safetensors(files[1], head)
        for file, text in zip(files[-len(texts) :], texts.values(), strict=True):
            file.write(text.encode())


def copy_model(files: ModelFiles, folder: str, force: bool = False) -> None:
    """Copy a model's files unchanged to a folder that holds nothing else.

    Args:
        files: the files to copy.
        folder: the folder to write to; made if it is missing. Files of the same names are replaced.
        force: whether the folder may hold other files, if none has the name of a model's file.

    Raises:
        InputValueError: `folder` is a file, or holds other files.
        OSError: the folder cannot be written.
    """
    sources = [files.table, files.tokenizer]
    if os.path.isfile(files.model_card):
        sources.append(files.model_card)
    elif os.path.isfile(os.path.join(folder, MODEL_CARD)):
        sources.append(os.devnull)  # empties the model card of an earlier copy
    head = head_file(files)
    if head is not None:
        sources.append(head)
    beside = [os.path.join(files.folder, name) for name in files_beside(files.folder)]
    sources += [path for path in beside if path != files.config]
    sources.append(files.config)  # last, as in `save_model`
    # The config may lie in the parent folder. Copy it next to the other files, where loading finds it, too.
    names = [
        MODEL_CARD
        if path == os.devnull
        else os.path.relpath(path, files.folder).removeprefix(os.path.join("..", ""))
        for path in sources
    ]
    if os.path.isfile(folder):
        raise InputValueError(f"{folder}: this is a file; name a folder, or use --pack for one file")
    present = set(os.listdir(folder)) if os.path.isdir(folder) else set()
    foreign = {name for name in present - {name.split(os.sep)[0] for name in names} if not is_temporary(name)}
    if force:
        foreign = {name for name in foreign if name in _FILES_ON_TOP or _FOLDER.fullmatch(name)}
    if foreign:
        raise InputValueError(
            f"{folder}: this folder holds other files, for example {min(foreign)!r}, which could be mistaken "
            "for parts of the model; name a new folder"
        )
    targets = [os.path.join(folder, name) for name in names]
    with new_folders(map(os.path.dirname, targets)), atomic_writes(targets) as copies:
        for source, copy in zip(sources, copies, strict=True):
            if source != os.devnull:
                with open_regular(source) as file:
                    shutil.copyfileobj(file, copy)


def foreign_entries(folder: str) -> list[str]:
    """Return what a folder holds besides a model as it is saved or copied, sorted; folders end in a slash.

    Each writer renames the table first. So without a table, a file of any name is from elsewhere. Temporary
    files do not count.

    Raises:
        OSError: the folder cannot be read.
    """
    entries = dict(_entries(folder))
    places = {os.path.join(folder, layout.table) for layout in LAYOUTS}
    has_table = any(_is_table(place) for place in places)
    return sorted(path for path, is_known in entries.items() if not (is_known and has_table))


def _entries(folder: str, inside: str = "") -> Iterator[tuple[str, bool]]:
    """Yield each path in a folder, and whether it is that of a model's file."""
    known = _FILES_IN_FOLDERS if inside else _FILES_ON_TOP
    with os.scandir(os.path.join(folder, inside)) as entries:
        for entry in entries:
            path = posixpath.join(inside, entry.name)
            if entry.is_dir():
                if not inside and _FOLDER.fullmatch(entry.name):
                    yield from _entries(folder, entry.name)
                else:
                    yield f"{path}/", False
            elif not (is_temporary(entry.name) and entry.is_file(follow_symlinks=False)):
                yield path, entry.name in known


def _is_table(path: str) -> bool:
    try:
        _, tensors = read_header(path)
    except (OSError, InvalidModelError):
        return False
    return any(layout.tensor in tensors for layout in LAYOUTS)


def card_of(parts: ModelParts) -> dict[str, Any]:
    """Return the model card entries that are known for a model."""
    return {"base_model": parts.base_model_name, "language": parts.language, "license": parts.license}


def new_model_card(parts: ModelParts, model_name: str) -> str:
    """Return a short model card. Its front matter holds the known entries."""
    front = "".join(f"{key}: {json.dumps(entry)}\n" for key, entry in card_of(parts).items() if entry)
    library = "model2vec" if parts.modules is None else "sentence-transformers"
    return (
        f"---\n{front}library_name: {library}\n---\n\n# {model_name}\n\n"
        f"A static-embedding model of {parts.dim} dimensions in {parts.embedding_dtype}, for {library} "
        "and m2v_lite.\n"
    )


def tensors_of(parts: ModelParts) -> dict[str, NDArray[Any]]:
    """Return a model's arrays by their names in its file."""
    arrays = {"embeddings": parts.embedding, "weights": parts.weights, "mapping": parts.token_mapping}
    return {name: array for name, array in arrays.items() if array is not None}


def bfloat16_tensors(parts: ModelParts) -> tuple[str, ...]:
    """Return the names of the arrays that hold bfloat16 codes."""
    return ("embeddings",) if parts.embedding_dtype == "bfloat16" else ()


def config_of(parts: ModelParts) -> dict[str, Any]:
    """Return a model's settings with the entries that model2vec stores."""
    config = {**parts.config, "embedding_dtype": parts.embedding_dtype}
    config.pop("vocabulary_quantization", None)
    if parts.token_mapping is not None:
        config["vocabulary_quantization"] = len(parts.embedding)
    return config
