"""Reads and checks the parts of a model from a folder or a packed model."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from m2v_lite.embedding.dtypes import EMBEDDING_DTYPES, MAPPING_DTYPES, WEIGHTS_DTYPES, check_array
from m2v_lite.embedding.table import EmbeddingTable, check_rows
from m2v_lite.errors import InputValueError, InvalidModelError, ModelNotFoundError
from m2v_lite.files.layouts import ModelFiles
from m2v_lite.files.model_parts import ModelParts
from m2v_lite.files.safetensors import OtherKindError, SafetensorsFile
from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES

if TYPE_CHECKING:
    from m2v_lite.tokenization.protocols import TextTokenizer

# The table's name in model2vec's files, and its name in those of sentence-transformers.
TABLE_NAMES = ("embeddings", "embedding.weight")
# The size in bytes from which a tokenizer.json counts as large: what is made of it is kept.
LARGE = 1 << 18


def read_model(
    place: str,
    subfolder: str | None = None,
    quantize_to: str | None = None,
    dimensionality: int | None = None,
    memo_bytes: int = DEFAULT_MEMO_BYTES,
) -> ModelParts:
    """Read the model in a folder or a packed file. Its table is mapped, unless `quantize_to` copies it.

    Args:
        place: the folder or the file.
        subfolder: the folder of the model inside `place`.
        quantize_to: the dtype to convert the table to, or None to keep its own.
        dimensionality: the number of leading columns to use, or None for all.
        memo_bytes: roughly how many bytes the tokenizer may use to remember words.

    Raises:
        ModelNotFoundError: there is no model at `place`.
        InvalidModelError: a file is broken or not supported, or the files do not fit together.
        MissingPackageError: the tokenizer needs a package that is not installed.
        InputTypeError: an option has a wrong type.
        InputValueError: an option has a value that is impossible for this model.
    """
    if not os.path.isfile(place):
        folder = os.path.join(place, subfolder) if subfolder else place
        return _read_folder(folder, quantize_to, dimensionality, memo_bytes)
    if subfolder:
        raise InputValueError(f"{place}: this is a file, so it has no subfolder; leave out `subfolder`")
    return _read_packed(place, quantize_to, dimensionality, memo_bytes)


def _read_folder(
    folder: str, quantize_to: str | None, dimensionality: int | None, memo_bytes: int
) -> ModelParts:
    from m2v_lite.embedding.freed_memory import give_back_freed_memory
    from m2v_lite.files.config import read_config
    from m2v_lite.files.layouts import find_model_files

    files = find_model_files(folder, needs_config=False)
    config = read_config(files.config) if files.config else {}
    table = table_in(SafetensorsFile(files.table), files.tensor)
    tokenizer = read_tokenizer_file(files.tokenizer, memo_bytes)
    give_back_freed_memory()  # to read a tokenizer takes several times the memory of the tokenizer
    table = _reduced(table, quantize_to, dimensionality)
    again = partial(read_model, folder, None, quantize_to, dimensionality, memo_bytes)
    return ModelParts(table, tokenizer, config, None, files, again)


def read_tokenizer_file(path: str, memo_bytes: int) -> TextTokenizer:
    """Read a tokenizer.json, or what is kept of a large one."""
    if os.path.getsize(path) >= LARGE:
        from m2v_lite.files.kept_tokenizers import read_kept_tokenizer

        return read_kept_tokenizer(path, memo_bytes)
    from m2v_lite.tokenization.kinds import read_tokenizer

    return read_tokenizer(path, memo_bytes)


def _read_packed(
    path: str, quantize_to: str | None, dimensionality: int | None, memo_bytes: int
) -> ModelParts:
    from m2v_lite.files import packed_format
    from m2v_lite.files.config import check_config

    try:
        file = SafetensorsFile(path)
    except OtherKindError as error:
        raise InvalidModelError(f"{path}: not a model; give a model folder or a packed model") from error
    except InvalidModelError as error:
        raise InvalidModelError(
            f"{error}; or give a packed model or a model folder (table, tokenizer and config)"
        ) from error
    if not packed_format.is_packed(file):
        raise ModelNotFoundError(
            f"{path}: not a packed model; if this is the table of a model folder, give the folder"
        )
    packed_format.check_version(file)
    config = packed_format.setting(file, "config")
    check_config(path, config)
    table = table_in(file)
    tokenizer = packed_format.read_packed_tokenizer(file, memo_bytes)
    card = packed_format.setting(file, "card")
    files = ModelFiles("packed", path, path, path, "embeddings", path)
    followed = None
    if packed_format.PREFIX + packed_format.MODULES in file.metadata:
        from m2v_lite.files.module_entries import check_reduction, read_modules_entry

        followed = read_modules_entry(file, config, table.embedding.shape[1])
        check_reduction(path, followed[0], table.dtype_name, quantize_to, dimensionality)
    table = _reduced(table, quantize_to, dimensionality)
    again = partial(read_model, path, None, quantize_to, dimensionality, memo_bytes)
    parts = ModelParts(table, tokenizer, config, card, files, again)
    if followed is not None:
        parts.follow_sentence_transformers(*followed)
    return parts


def table_in(file: SafetensorsFile, tensor: str = TABLE_NAMES[0]) -> EmbeddingTable:
    """Return the embedding table in a safetensors file, with the weights and the mapping if they are there.

    Args:
        file: the file.
        tensor: the expected name of the table. The other usual names are tried next.

    Raises:
        InvalidModelError: the file holds no embedding table, or the dtype or shape of an array is not
            supported.
    """
    path = file.path
    name = next((name for name in (tensor, *TABLE_NAMES) if name in file.tensors), None)
    if name is None:
        found = ", ".join(name[:60] for name in sorted(file.tensors)[:5]) or "none"
        more = f" and {len(file.tensors) - 5} more" if len(file.tensors) > 5 else ""
        raise InvalidModelError(
            f"{path}: not a static model: no tensor {' or '.join(map(repr, TABLE_NAMES))}; tensors "
            f"found: {found}{more}. If this is an ordinary sentence transformer, distil it into a static "
            "model first, with model2vec.distill"
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
