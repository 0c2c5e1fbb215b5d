"""A model -> a packed model, and back to a folder; see `packed` for the format."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.atomic_write import atomic_write
from m2v_lite.bert import figures_of, is_bert
from m2v_lite.errors import InvalidModelError
from m2v_lite.hub_cache import commit_of
from m2v_lite.packed import (
    MODEL_CARD,
    PREFIX,
    TOKENIZER,
    VERSION,
    VOCABULARY,
    broken,
    check_version,
    is_packed,
    packed_text,
    setting,
)
from m2v_lite.safetensors import SafetensorsFile, write_safetensors
from m2v_lite.saving import bfloat16_tensors, card_of, config_of, new_model_card, save_model, tensors_of
from m2v_lite.vocabulary import vocabulary_arrays

if TYPE_CHECKING:
    from m2v_lite.model import StaticModel


def pack(model: StaticModel, path: str, tokenizer: str, source: str | None) -> None:
    """Write a packed model; see `StaticModel.save_packed`.

    Args:
        model: what to pack.
        path: the file to write.
        tokenizer: the text of its tokenizer.json.
        source: where the model comes from.
    """
    metadata = {
        "version": VERSION,
        "config": json.dumps(config_of(model)),
        "card": json.dumps(card_of(model)),
        "source": source or source_of(model) or "",
    }
    tensors = {
        **tensors_of(model),
        TOKENIZER: _deflated(tokenizer),
        MODEL_CARD: _deflated(_model_card_of(model) or new_model_card(model, "A packed model")),
    }
    definition = json.loads(tokenizer)
    if is_bert(definition):
        vocabulary = definition["model"].pop("vocab")
        tokens = sorted(vocabulary, key=vocabulary.__getitem__)
        if [vocabulary[token] for token in tokens] == list(range(len(tokens))):
            tensors.update(zip(VOCABULARY, vocabulary_arrays(tokens), strict=True))
            metadata["tokenizer"] = json.dumps(definition)
            figures = figures_of(vocabulary, definition["added_tokens"])
            metadata["figures"] = json.dumps(figures._asdict())
    metadata = {PREFIX + name: text for name, text in metadata.items()}
    metadata[f"{PREFIX}checksums"] = json.dumps(_checksums(tensors, metadata))
    with atomic_write(path) as file:
        write_safetensors(file, tensors, metadata, bfloat16_tensors(model))


def unpack(path: str, folder: str) -> None:
    """Write the folder that was packed, with its own tokenizer.json and README.md.

    Args:
        path: a packed model.
        folder: where to write, made if need be.

    Raises:
        InvalidModelError: the file is broken, or no packed model.
        OSError: the folder cannot be written.
    """
    from m2v_lite.model import StaticModel

    file = open_packed(path)
    model = StaticModel.from_pretrained(path)
    save_model(model, folder, packed_text(file, TOKENIZER), packed_text(file, MODEL_CARD))


def open_packed(path: str) -> SafetensorsFile:
    """Open a packed model.

    Raises:
        InvalidModelError: the file is broken, no packed model, or of another version of the format.
    """
    file = SafetensorsFile(path) if os.path.isfile(path) else None
    if file is None or not is_packed(file):
        raise InvalidModelError(f"{path}: this is no packed model; m2v-lite pack makes one")
    check_version(file)
    return file


def verify(path: str) -> int:
    """Check all checksums of a packed model, and return how many there are.

    Raises:
        InvalidModelError: one does not agree, or the file is no packed model.
    """
    file = open_packed(path)
    stated = setting(file, "checksums")
    metadata = {name: text for name, text in file.metadata.items() if name != f"{PREFIX}checksums"}
    found = _checksums({name: file.view(name) for name in file.tensors}, metadata)
    if stated != found:
        wrong = [name for name in {**found, **stated} if stated.get(name) != found.get(name)]
        raise broken(path, f"the checksum of {', '.join(wrong)} is not that which it was packed with")
    return len(found)


def _model_card_of(model: StaticModel) -> str | None:
    """Return the model card that a model was loaded with, if there is one."""
    files = model.files
    if files is None:
        return None
    if files.layout == "packed":
        return packed_text(SafetensorsFile(files.folder), MODEL_CARD)
    try:
        with open(files.model_card, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        return None


def source_of(model: StaticModel) -> str | None:
    """Return where a packed model comes from."""
    if model.files is None or model.files.layout != "packed":
        return None
    return SafetensorsFile(model.files.folder).metadata.get(f"{PREFIX}source")


def hub_source(name: str, folder: str) -> str:
    """Name a model and, if its folder is in the hub's cache, the revision that it is of.

    Example:
        >>> hub_source("owner/model", "/cache/snapshots/1234567890123456789012345678901234567890")
        'owner/model at revision 1234567890123456789012345678901234567890'
        >>> hub_source("models/small", "/home/me/models/small")
        'small'
    """
    commit = commit_of(folder)
    return f"{name} at revision {commit}" if commit else os.path.basename(folder)


def _deflated(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(zlib.compress(text.encode(), 9), np.uint8)


def _checksums(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the SHA-256 of each tensor's bytes, and of the metadata."""
    sums = {name: _checksum(array) for name, array in sorted(tensors.items())}
    described = json.dumps(dict(sorted(metadata.items()))).encode()
    return {**sums, "metadata": hashlib.sha256(described).hexdigest()}


def _checksum(array: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    rows = max(1, (1 << 20) // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        block = array[start : start + rows]
        digest.update(np.ascontiguousarray(block, block.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
