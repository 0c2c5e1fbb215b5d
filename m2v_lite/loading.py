"""A model folder, or a packed model -> the parts of a model, checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from m2v_lite.errors import InputValueError, InvalidModelError, ModelNotFoundError
from m2v_lite.layout import ModelFiles
from m2v_lite.safetensors import SafetensorsFile
from m2v_lite.table import EmbeddingTable, table_in

if TYPE_CHECKING:
    from m2v_lite.protocols import TextTokenizer


class ModelParts(NamedTuple):
    """What a model is made of.

    Attributes:
        files: where it was found.
        table: its arrays, mapped.
        tokenizer: its tokenizer.
        config: its settings.
        card: what its model card says.
    """

    files: ModelFiles
    table: EmbeddingTable
    tokenizer: TextTokenizer
    config: dict[str, Any]
    card: Mapping[str, Any]


def load_model(place: str, subfolder: str | None, memo_bytes: int) -> ModelParts:
    """Load the model in a folder, or in a packed file.

    Raises:
        ModelNotFoundError: there is none.
        InvalidModelError: a file is broken or not supported.
        MissingPackageError: its tokenizer needs a package that is not installed.
    """
    if not os.path.isfile(place):
        return _load_folder(os.path.join(place, subfolder) if subfolder else place, memo_bytes)
    if subfolder:
        raise InputValueError(f"{place}: this is a file, which has no subfolder; leave `subfolder` out")
    return _load_packed(place, memo_bytes)


def _load_folder(folder: str, memo_bytes: int) -> ModelParts:
    from m2v_lite.config import read_config, read_model_card
    from m2v_lite.layout import find_model_files
    from m2v_lite.tokenization import read_tokenizer

    files = find_model_files(folder)
    config = read_config(files.config)
    table = table_in(SafetensorsFile(files.table), files.tensor)
    return ModelParts(
        files, table, read_tokenizer(files.tokenizer, memo_bytes), config, read_model_card(files.model_card)
    )


def _load_packed(path: str, memo_bytes: int) -> ModelParts:
    from m2v_lite import packed
    from m2v_lite.config import check_config

    hint = "give a packed model, or the folder of a model, which holds its table, tokenizer and config"
    try:
        file = SafetensorsFile(path)
    except InvalidModelError as error:
        raise InvalidModelError(f"{error}; or {hint}") from error
    if not packed.is_packed(file):
        raise ModelNotFoundError(f"{path}: this file is no packed model; {hint}")
    packed.check_version(file)
    config = packed.setting(file, "config")
    check_config(path, config)
    return ModelParts(
        ModelFiles("packed", path, path, path, "embeddings", path),
        table_in(file),
        packed.read_packed_tokenizer(file, memo_bytes),
        config,
        packed.setting(file, "card"),
    )
