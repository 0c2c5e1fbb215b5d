"""Writes a packed file with checksums, and checks the checksums of a packed file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.errors import InvalidModelError, ModelNotFoundError
from m2v_lite.files.atomic_write import atomic_write
from m2v_lite.files.packed_format import (
    MODULES,
    PIECES,
    PREFIX,
    VERSION,
    VERSION_WITH_MODULES,
    VOCABULARY,
    broken,
    check_version,
    is_packed,
    setting,
)
from m2v_lite.files.safetensors import SafetensorsFile, write_safetensors
from m2v_lite.tokenization.unigram.tokenizer import DTYPES as UNIGRAM_DTYPES, UnigramTokenizer
from m2v_lite.tokenization.wordpiece.mapped_tables import arrays_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.tokenization.wordpiece.tokenizer import WordPieceTokenizer


def tokenizer_entries(
    tokenizer: WordPieceTokenizer | UnigramTokenizer,
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the tensors and the metadata that hold a tokenizer in arrays."""
    metadata = {"tokenizer": json.dumps(tokenizer.settings), "figures": json.dumps(tokenizer.figures)}
    if isinstance(tokenizer, UnigramTokenizer):
        return {PIECES + name: tokenizer.arrays[name] for name in UNIGRAM_DTYPES}, metadata
    arrays, described = arrays_of(tokenizer.tables)
    metadata["tables"] = json.dumps({"tables": described})
    return {VOCABULARY + name: array for name, array in arrays.items()}, metadata


def write_packed(
    path: str,
    tensors: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str],
    bfloat16: Collection[str] = (),
) -> None:
    """Write a packed file: tensors and metadata, with the version of the format and the checksums.

    Args:
        path: the file to write.
        tensors, bfloat16: as for `write_safetensors`.
        metadata: texts by name, without the prefix.
    """
    version = VERSION_WITH_MODULES if MODULES in metadata else VERSION
    entries = {PREFIX + name: text for name, text in {"version": version, **metadata}.items()}
    entries[f"{PREFIX}checksums"] = json.dumps(_checksums(tensors, entries))
    with atomic_write(path) as file:
        write_safetensors(file, tensors, entries, bfloat16)


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
