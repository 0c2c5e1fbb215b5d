"""Packs a model into one file, and unpacks it into a folder. `packed_format` describes the format."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from m2v_lite.disk import MOST_BYTES, open_regular
from m2v_lite.embedding.dtypes import bfloat16_names
from m2v_lite.files.heads import head_tensors
from m2v_lite.files.packed_file import open_packed, tokenizer_entries, write_packed
from m2v_lite.files.packed_format import (
    MODEL_CARD,
    MODULES,
    PREFIX,
    TOKENIZER,
    deflated,
    packed_text,
    too_large,
)
from m2v_lite.files.reading import read_model
from m2v_lite.files.safetensors import SafetensorsFile
from m2v_lite.files.saving import (
    bfloat16_tensors,
    card_of,
    config_of,
    new_model_card,
    save_model,
    tensors_of,
)
from m2v_lite.tokenization.definition import TokenizerText
from m2v_lite.tokenization.kinds import Left, own_tokenizer
from m2v_lite.tokenization.tokenizers_library import library_tokenizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.files.model_parts import ModelParts


def pack(
    parts: ModelParts, path: str, source: str | None, head: Mapping[str, NDArray[Any]] | None = None
) -> None:
    """Write a packed model; see `StaticModel.save_packed`.

    Args:
        parts: the model to pack.
        path: the file to write.
        source: the model's origin, for example its name on the hub; or None to keep a packed model's own.
        head: the tensors of the head that classifies, or None for the one of the model's files, if any.

    Raises:
        InvalidModelError: the text of the tokenizer has changed or is damaged.
        OSError: the file cannot be written.
    """
    parts.check_assigned()
    tokenizer = parts.tokenizer_definition()
    metadata = {
        "config": json.dumps(config_of(parts)),
        "card": json.dumps(card_of(parts)),
        "source": source or source_of(parts) or "",
    }
    tensors = {
        **tensors_of(parts),
        **(head_tensors(parts) if head is None else head),
        TOKENIZER: deflated(TOKENIZER, tokenizer),
        MODEL_CARD: deflated(MODEL_CARD, _model_card_of(parts) or new_model_card(parts, "A packed model")),
    }
    codes = [*bfloat16_tensors(parts)]
    if parts.modules is not None:
        from m2v_lite.files.module_entries import modules_entry

        arrays, metadata[MODULES] = modules_entry(parts)
        tensors.update(arrays)
        codes += bfloat16_names(arrays)
    own = own_tokenizer(tokenizer.encode(), TokenizerText(tokenizer), TOKENIZER)
    if isinstance(own, Left):
        library_tokenizer(tokenizer, TOKENIZER)  # else nothing could load it
    else:
        arrays, described = tokenizer_entries(own)
        tensors.update(arrays)
        metadata.update(described)
    write_packed(path, tensors, metadata, codes)


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


def _model_card_of(parts: ModelParts) -> str | None:
    """Return the text of the model card beside a loaded model or inside it, or None."""
    files = parts.files
    if files is None:
        return None
    if files.layout == "packed":
        return packed_text(SafetensorsFile(files.folder), MODEL_CARD)
    try:
        with open_regular(files.model_card) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MOST_BYTES[MODEL_CARD]:
                raise too_large(MODEL_CARD, size)
            return file.read(size).decode()
    except (OSError, UnicodeDecodeError):
        return None


def source_of(parts: ModelParts) -> str | None:
    """Return the origin that a packed model states, or None."""
    if parts.files is None or parts.files.layout != "packed":
        return None
    return SafetensorsFile(parts.files.folder).metadata.get(f"{PREFIX}source")
