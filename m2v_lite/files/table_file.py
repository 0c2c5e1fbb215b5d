"""A safetensors file -> the embedding table in it, with its weights and mapping, mapped and checked."""

from __future__ import annotations

from m2v_lite.embedding.dtypes import EMBEDDING, MAPPING, WEIGHTS, check_kind
from m2v_lite.embedding.table import EmbeddingTable, check_rows
from m2v_lite.errors import InvalidModelError
from m2v_lite.files.safetensors import SafetensorsFile

# The native name, and the one that sentence-transformers writes.
TABLE_NAMES = ("embeddings", "embedding.weight")


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
    for key, kind in ((name, EMBEDDING), ("weights", WEIGHTS), ("mapping", MAPPING)):
        if key in file.tensors:
            info = file.tensors[key]
            check_kind(f"{path}: tensor {key!r}", info.dtype, info.shape, kind)
    embedding = file.view(name)
    weights, mapping = (file.view(key) if key in file.tensors else None for key in ("weights", "mapping"))
    check_rows(path, embedding, mapping)
    return EmbeddingTable(embedding, weights, mapping)
