"""A model -> a packed model, and back to a folder. For the format, see `packed_format`."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.errors import InvalidModelError, ModelNotFoundError
from m2v_lite.files.atomic_write import atomic_write
from m2v_lite.files.model_card import card_of, new_model_card
from m2v_lite.files.packed_format import (
    MODEL_CARD,
    PIECES,
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
from m2v_lite.files.reading import read_model
from m2v_lite.files.safetensors import SafetensorsFile, write_safetensors
from m2v_lite.files.saving import bfloat16_tensors, config_of, save_model, tensors_of
from m2v_lite.tokenization.definition import TokenizerText
from m2v_lite.tokenization.kinds import own_tokenizer
from m2v_lite.tokenization.unigram.tokenizer import DTYPES as UNIGRAM_DTYPES, UnigramTokenizer
from m2v_lite.tokenization.wordpiece.mapped_tables import arrays_of
from m2v_lite.tokenization.wordpiece.tokenizer import WordPieceTokenizer

if TYPE_CHECKING:
    from m2v_lite.files.model_parts import ModelParts


def pack(parts: ModelParts, path: str, source: str | None) -> None:
    """Write a packed model; see `StaticModel.save_packed`.

    Args:
        parts: the model to pack.
        path: the file to write.
        source: the model's origin, for example its name on the hub; or None to keep a packed model's own.
    """
    tokenizer = parts.tokenizer_definition()
    metadata = {
        "version": VERSION,
        "config": json.dumps(config_of(parts)),
        "card": json.dumps(card_of(parts)),
        "source": source or source_of(parts) or "",
    }
    tensors = {
        **tensors_of(parts),
        TOKENIZER: _deflated(tokenizer),
        MODEL_CARD: _deflated(_model_card_of(parts) or new_model_card(parts, "A packed model")),
    }
    own, _ = own_tokenizer(tokenizer.encode(), TokenizerText(tokenizer), "tokenizer.json")
    if own is not None:
        metadata["tokenizer"] = json.dumps(own.settings)
        metadata["figures"] = json.dumps(own.figures)
    if isinstance(own, WordPieceTokenizer):
        arrays, described = arrays_of(own.tables)
        tensors.update({VOCABULARY + name: array for name, array in arrays.items()})
        metadata["tables"] = json.dumps({"tables": described})
    elif isinstance(own, UnigramTokenizer):
        tensors.update({PIECES + name: own.arrays[name] for name in UNIGRAM_DTYPES})
    metadata = {PREFIX + name: text for name, text in metadata.items()}
    metadata[f"{PREFIX}checksums"] = json.dumps(_checksums(tensors, metadata))
    with atomic_write(path) as file:
        write_safetensors(file, tensors, metadata, bfloat16_tensors(parts))


def unpack(path: str, folder: str) -> None:
    """Write a packed model as a folder, with the original tokenizer.json and README.md.

    Args:
        path: the packed model.
        folder: the folder to write to; made if it is missing.

    Raises:
        InvalidModelError: the file is broken, or is not a packed model.
        OSError: the folder cannot be written.
    """
    file = open_packed(path)
    save_model(read_model(path), folder, model_card=packed_text(file, MODEL_CARD))


def open_packed(path: str) -> SafetensorsFile:
    """Open a packed model.

    Raises:
        ModelNotFoundError: there is no such file.
        InvalidModelError: the file is broken, is not a packed model, or has another version of the format.
    """
    if not os.path.exists(path):
        raise ModelNotFoundError(f"{path}: no such file; check the path")
    file = SafetensorsFile(path) if os.path.isfile(path) else None
    if file is None or not is_packed(file):
        raise InvalidModelError(f"{path}: not a packed model; make one with: m2v-lite pack")
    check_version(file)
    return file


def verify(path: str) -> int:
    """Check all checksums of a packed model, and return their number.

    Raises:
        InvalidModelError: a checksum is wrong, or the file is not a packed model.
    """
    file = open_packed(path)
    stated = setting(file, "checksums")
    metadata = {name: text for name, text in file.metadata.items() if name != f"{PREFIX}checksums"}
    found = _checksums({name: file.view(name) for name in file.tensors}, metadata)
    if stated != found:
        wrong = [name for name in {**found, **stated} if stated.get(name) != found.get(name)]
        raise broken(path, f"the checksum of {', '.join(wrong)} has changed since it was packed")
    return len(found)


def _model_card_of(parts: ModelParts) -> str | None:
    """Return the text of the model card beside a loaded model or inside it, or None."""
    files = parts.files
    if files is None:
        return None
    if files.layout == "packed":
        return packed_text(SafetensorsFile(files.folder), MODEL_CARD)
    try:
        with open(files.model_card, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        return None


def source_of(parts: ModelParts) -> str | None:
    """Return the origin that a packed model states, or None."""
    if parts.files is None or parts.files.layout != "packed":
        return None
    return SafetensorsFile(parts.files.folder).metadata.get(f"{PREFIX}source")


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
