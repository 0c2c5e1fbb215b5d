"""A model folder or a packed model -> the parts of a model, checked."""

from __future__ import annotations

import os

from m2v_lite.embedding.dtypes import EMBEDDING_DTYPES, MAPPING_DTYPES, WEIGHTS_DTYPES, check_array
from m2v_lite.embedding.table import EmbeddingTable, check_rows
from m2v_lite.errors import InputValueError, InvalidModelError, ModelNotFoundError
from m2v_lite.files.layouts import ModelFiles
from m2v_lite.files.parts import ModelParts
from m2v_lite.files.safetensors import SafetensorsFile
from m2v_lite.tokenization.memory import DEFAULT_MEMO_BYTES

# The native name, and the one that sentence-transformers writes.
TABLE_NAMES = ("embeddings", "embedding.weight")


def read_model(
    place: str,
    subfolder: str | None = None,
    quantize_to: str | None = None,
    dimensionality: int | None = None,
    memo_bytes: int = DEFAULT_MEMO_BYTES,
) -> ModelParts:
    """Read the model in a folder or in a packed file. Its table is mapped, unless `quantize_to` copies it.

    Args:
        place: the folder or the file.
        subfolder: the folder of the model inside `place`.
        quantize_to: the dtype to convert the table to, or None to leave it as it is.
        dimensionality: how many leading columns to use, or None for all.
        memo_bytes: about how much memory the tokenizer may use to remember words.

    Raises:
        ModelNotFoundError: there is no model.
        InvalidModelError: a file is broken or not supported, or they do not fit together.
        MissingPackageError: its tokenizer needs a package that is not installed.
        InputTypeError, InputValueError: an option is impossible for this model.
    """
    if not os.path.isfile(place):
        folder = os.path.join(place, subfolder) if subfolder else place
        return _read_folder(folder, quantize_to, dimensionality, memo_bytes)
    if subfolder:
        raise InputValueError(f"{place}: this is a file, which has no subfolder; leave `subfolder` out")
    return _read_packed(place, quantize_to, dimensionality, memo_bytes)


def _read_folder(
    folder: str, quantize_to: str | None, dimensionality: int | None, memo_bytes: int
) -> ModelParts:
    from m2v_lite.files.config import read_config
    from m2v_lite.files.layouts import find_model_files
    from m2v_lite.files.model_card import read_model_card
    from m2v_lite.tokenization.kinds import read_tokenizer

    files = find_model_files(folder)
    config = read_config(files.config)
    table = table_in(SafetensorsFile(files.table), files.tensor)
    tokenizer = read_tokenizer(files.tokenizer, memo_bytes)
    card = read_model_card(files.model_card)
    table = _reduced(table, quantize_to, dimensionality)
    return ModelParts(table, tokenizer, config, card, files, (quantize_to, dimensionality, memo_bytes))


def _read_packed(
    path: str, quantize_to: str | None, dimensionality: int | None, memo_bytes: int
) -> ModelParts:
    from m2v_lite.files import packed_format
    from m2v_lite.files.config import check_config

    hint = "give a packed model, or the folder of a model, which holds its table, tokenizer and config"
    try:
        file = SafetensorsFile(path)
    except InvalidModelError as error:
        raise InvalidModelError(f"{error}; or {hint}") from error
    if not packed_format.is_packed(file):
        raise ModelNotFoundError(f"{path}: this file is no packed model; {hint}")
    packed_format.check_version(file)
    config = packed_format.setting(file, "config")
    check_config(path, config)
    table = table_in(file)
    tokenizer = packed_format.read_packed_tokenizer(file, memo_bytes)
    card = packed_format.setting(file, "card")
    files = ModelFiles("packed", path, path, path, "embeddings", path)
    table = _reduced(table, quantize_to, dimensionality)
    return ModelParts(table, tokenizer, config, card, files, (quantize_to, dimensionality, memo_bytes))


def table_in(file: SafetensorsFile, tensor: str = TABLE_NAMES[0]) -> EmbeddingTable:
    """Return the embedding table in a safetensors file, with its weights and mapping if it has them.

    Args:
        file: the file.
        tensor: what the table should be called; other usual names are tried after it.

    Raises:
        InvalidModelError: the file holds no embedding table, or one of a kind that is not supported.
    """
    path = file.path
    name = next((name for name in (tensor, *TABLE_NAMES) if name in file.tensors), None)
    if name is None:
        found = ", ".join(name[:60] for name in sorted(file.tensors)[:5]) or "none"
        more = f" and {len(file.tensors) - 5} more" if len(file.tensors) > 5 else ""
        raise InvalidModelError(
            f"{path}: not a static model: no tensor {' or '.join(map(repr, TABLE_NAMES))}; tensors "
            f"found: {found}{more}. An ordinary sentence transformer has to be distilled into a static "
            "model first (model2vec.distill does this)"
        )
    for key, dtypes in ((name, EMBEDDING_DTYPES), ("weights", WEIGHTS_DTYPES), ("mapping", MAPPING_DTYPES)):
        if key in file.tensors:
            info = file.tensors[key]
            check_array(f"{path}: tensor {key!r}", info.dtype, info.shape, dtypes)
    embedding = file.view(name)
    weights, mapping = (file.view(key) if key in file.tensors else None for key in ("weights", "mapping"))
    check_rows(path, embedding, mapping)
    return EmbeddingTable(embedding, weights, mapping)


def _reduced(table: EmbeddingTable, quantize_to: str | None, dimensionality: int | None) -> EmbeddingTable:
    if quantize_to is None and dimensionality is None:
        return table
    from m2v_lite.embedding.quantization import reduced

    return reduced(table, quantize_to, dimensionality)
