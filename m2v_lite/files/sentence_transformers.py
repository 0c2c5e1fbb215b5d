"""Reads a sentence-transformers folder as model parts that give the same vectors, and writes one."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from m2v_lite.arguments import described, leading_columns
from m2v_lite.embedding.dtypes import FLOAT32, INT8, bfloat16_names
from m2v_lite.embedding.freed_memory import give_back_freed_memory
from m2v_lite.embedding.modules import (
    Dense,
    LeadingColumns,
    Normalize,
    columns_behind,
    single_at_least,
)
from m2v_lite.embedding.table import EmbeddingTable
from m2v_lite.errors import InputValueError, InvalidModelError, ModelNotFoundError
from m2v_lite.files.atomic_write import atomic_writes, new_folders
from m2v_lite.files.config import holds_prompt, read_config
from m2v_lite.files.dense_layers import check_files, read_modules, settings_of, tensors_of_dense
from m2v_lite.files.layouts import LAYOUTS, MODEL_CARD, MODULES, ModelFiles
from m2v_lite.files.model_parts import ModelParts
from m2v_lite.files.modules_json import (
    ARRAYS,
    LINEAR,
    SCALES,
    SETTINGS,
    TABLE,
    TOKENIZER,
    files_of,
    read_entries,
    text_of,
)
from m2v_lite.files.reading import read_tokenizer_file, table_in
from m2v_lite.files.safetensors import SafetensorsFile, write_safetensors
from m2v_lite.tokenization.definition import map_content
from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES
from m2v_lite.tokenization.tokenizer_json import parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from mmap import mmap

    from numpy.typing import NDArray

LAYOUT = "sentence-transformers"
CONFIG = LAYOUTS[1].config
TENSOR = LAYOUTS[1].tensor
BEFORE_TRUNCATION = re.compile(r'\s*\{\s*"version"\s*:\s*"[^"\\]*"\s*,\s*"truncation"\s*:\s*')
# The settings that are model2vec's alone.
OF_MODEL2VEC = ("normalize", "max_length", "embedding_dtype", "vocabulary_quantization")


def read_sentence_transformer(
    folder: str, truncate_dim: int | None = None, memo_bytes: int = DEFAULT_MEMO_BYTES
) -> ModelParts:
    """Read a folder of sentence-transformers. The table is mapped.

    Args:
        folder: the folder.
        truncate_dim: how many leading columns to keep, or None for as many as the config says.
        memo_bytes: as for `read_model`.

    Raises:
        ModelNotFoundError: there is no such folder, or a file is missing.
        InvalidModelError: a file is broken, or something in it is not supported.
        MissingPackageError: the tokenizer needs a package that is not installed.
        InputTypeError: `truncate_dim` is not a whole number.
        InputValueError: `truncate_dim` is less than 1, or more than the model has columns.
    """
    if not os.path.isdir(folder):
        raise ModelNotFoundError(f"{folder}: no such folder; check the path")
    entries = read_entries(folder)
    if entries[0].kind != TABLE:
        raise InvalidModelError(
            f"{os.path.join(folder, MODULES)}: the first module is {entries[0].kind!r:.60}, not {TABLE}, so "
            "this is not a static model; distil it into one with model2vec"
        )
    files = _files(folder, entries[0].path)
    table = _read_table(files.table)
    config = read_config(files.config) if files.config else {}
    modules = read_modules(folder, entries[1:], table.embedding.shape[1])
    columns = columns_behind(modules, table.embedding.shape[1])
    kept = _kept(files, config, truncate_dim, columns)
    if kept is not None and modules:
        modules.append(LeadingColumns(kept))
    elif kept is not None:
        table = EmbeddingTable(table.embedding[:, :kept], table.weights, table.mapping)
    limit = token_limit_in(map_content(files.tokenizer), files.tokenizer)
    settings = {**config, "normalize": False, "max_length": limit}
    tokenizer = read_tokenizer_file(files.tokenizer, memo_bytes)
    give_back_freed_memory()  # as for any folder
    tokens = tokenizer.vocabulary_size
    if table.mapping is None and len(table.embedding) > tokens > tokenizer.highest_id:  # more than are used
        table = EmbeddingTable(table.embedding[:tokens], table.weights)
    again = partial(read_sentence_transformer, folder, truncate_dim, memo_bytes)
    parts = ModelParts(table, tokenizer, settings, None, files, again)
    read = [os.path.join(folder, name) for name in files_of(entries, with_table=False)]
    parts.follow_sentence_transformers(modules, _default_prompt(files.config, config), read)
    return parts


def _files(folder: str, path: str) -> ModelFiles:
    table, tokenizer = (os.path.join(folder, path, name) for name in (ARRAYS, TOKENIZER))
    check_files(TABLE, table, tokenizer)
    config = os.path.join(folder, CONFIG)
    return ModelFiles(LAYOUT, folder, config if os.path.isfile(config) else "", table, TENSOR, tokenizer)


def _read_table(place: str) -> EmbeddingTable:
    """Read the table as sentence-transformers does: weights and a mapping in files of model2vec alone."""
    file = SafetensorsFile(place)
    table = table_in(file, TENSOR)
    if TENSOR in file.tensors:
        return EmbeddingTable(table.embedding)
    weights = table.weights
    if weights is not None and table.vector_dtype.itemsize <= FLOAT32.itemsize:
        weights = weights.astype(FLOAT32, copy=False)  # there, rows are multiplied in float32
    return EmbeddingTable(table.embedding, weights, table.mapping)


def _kept(files: ModelFiles, config: dict[str, Any], asked: int | None, columns: int) -> int | None:
    """Return how many columns to keep, or None for all."""
    if asked is not None:
        kept: Any = leading_columns("truncate_dim", asked, columns)
    else:
        kept = config.get("truncate_dim")
        if kept is not None and (type(kept) is not int or kept < 1):
            raise InvalidModelError(
                f"{files.config}: truncate_dim is {described(kept)}; set it to a number of columns, or null"
            )
    return None if kept is None or kept >= columns else kept


def _default_prompt(place: str, config: dict[str, Any]) -> str | None:
    name = config.get("default_prompt_name")
    if name is None:
        return None
    if not holds_prompt(config, name):
        raise InvalidModelError(
            f"{place}: default_prompt_name is {described(name)}, but prompts has no such name; set it to one "
            "of them, or to null"
        )
    prompt = config["prompts"][name]
    if not isinstance(prompt, (str, type(None))):
        raise InvalidModelError(
            f"{place}: the prompt {name!r:.60} is {described(prompt)}; set it to a text, or null"
        )
    return str(name)


def token_limit_in(content: bytes | mmap, place: object) -> int | None:
    """Return after how many tokens a `tokenizer.json` cuts texts, or None.

    Raises:
        InvalidModelError: it cuts them in another way, or cannot be read.
    """
    try:
        truncation = _truncation(content)
        if truncation is None:
            return None
        limit, direction = truncation["max_length"], truncation.get("direction", "Right")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InvalidModelError(
            f"{place}: truncation cannot be read ({error!r:.100}); fetch it again"
        ) from error
    if type(limit) is not int or not 1 <= limit <= sys.maxsize or direction != "Right":
        raise InvalidModelError(
            f"{place}: it cuts texts to {described(limit)} tokens, from the side {described(direction)}; "
            "only a number of at least 1 and 'Right' are supported"
        )
    return limit


def _truncation(content: bytes | mmap) -> Any:
    """Return the entry of this name. `tokenizers` writes it second, so that the rest need not be read."""
    beginning = content[:4096].decode(errors="replace")
    found = BEFORE_TRUNCATION.match(beginning)
    if found:
        with suppress(ValueError):
            value, _ = json.JSONDecoder().raw_decode(beginning, found.end())
            return value
    return parse(content).get("truncation")


def save_sentence_transformer(parts: ModelParts, folder: str, model_card: str) -> None:
    """Write a model as a folder that sentence-transformers opens, with the same vectors.

    Args:
        parts: a model that `read_sentence_transformer` has read.
        folder: the folder to write to; made if it is missing.
        model_card: the text of the README.md.

    Raises:
        InputValueError: `folder` holds a model of model2vec, or sentence-transformers has no such model.
    """
    modules = list(parts.modules or ())
    kept: int | None = None
    last = modules[-1] if modules else None
    if isinstance(last, LeadingColumns):
        modules.pop()
        kept = last.most
        if parts.normalize:
            raise InputValueError(
                "normalize is set for a model that keeps only leading columns, and sentence-transformers has "
                "no such models; set normalize to False, and give it to encode instead"
            )
    if parts.normalize:
        modules.append(Normalize())
    if os.path.lexists(os.path.join(folder, LAYOUTS[0].config)):
        raise InputValueError(
            f"{folder}: this folder holds a config.json, so it would be taken for a model2vec model; name "
            "a new folder"
        )
    writers: dict[str, Callable[[BinaryIO], object]] = {ARRAYS: partial(_write_table, parts)}
    for place, module in enumerate(modules, 1):
        if isinstance(module, Dense):
            name = f"{place}_{LINEAR}"
            writers[f"{name}/{ARRAYS}"] = partial(_write_arrays, tensors_of_dense(module))
            writers[f"{name}/{SETTINGS}"] = partial(_write_text, json.dumps(settings_of(module), indent=4))
    texts = {
        TOKENIZER: _tokenizer(parts),
        MODEL_CARD: model_card,
        MODULES: text_of(LINEAR if isinstance(module, Dense) else SCALES for module in modules),
        CONFIG: json.dumps(_config_of(parts, kept), indent=4),
    }
    writers.update({name: partial(_write_text, text) for name, text in texts.items()})
    targets = [os.path.join(folder, name) for name in writers]
    with new_folders(dict.fromkeys(map(os.path.dirname, targets))), atomic_writes(targets) as opened:
        for file, write in zip(opened, writers.values(), strict=True):
            write(file)


def _write_table(parts: ModelParts, file: BinaryIO) -> None:
    """Write the row of each token, in a dtype that sentence-transformers can calculate with."""
    is_plain = parts.weights is None and parts.token_mapping is None
    rows = parts.embedding if is_plain else parts.rows_of_tokens()
    layers = [module for module in parts.modules or () if isinstance(module, Dense)]
    if rows.dtype == INT8 or any(layer.weight.dtype != rows.dtype for layer in layers):
        rows = single_at_least(rows)
    _write_arrays({TENSOR: rows}, file)


def _write_arrays(tensors: dict[str, NDArray[Any]], file: BinaryIO) -> None:
    write_safetensors(file, tensors, bfloat16=bfloat16_names(tensors))


def _write_text(text: str, file: BinaryIO) -> None:
    file.write(text.encode())


def _tokenizer(parts: ModelParts) -> str:
    """Return the text of the tokenizer.json, which says where texts are cut."""
    text = parts.tokenizer_definition()
    if token_limit_in(text.encode(), TOKENIZER) == parts.max_length:
        return text
    changed: str = parts.tokenizer.to_str()
    return changed


def _config_of(parts: ModelParts, kept: int | None) -> dict[str, Any]:
    config = {name: value for name, value in parts.config.items() if name not in OF_MODEL2VEC}
    defaults: dict[str, Any] = {
        "model_type": "SentenceTransformer",
        "prompts": {},
    }
    stated = {"truncate_dim": kept, "default_prompt_name": parts.default_prompt_name}
    return {**defaults, **config, **stated}
