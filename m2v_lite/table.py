"""Token ids -> rows of the embedding table: mapping, weights and dtypes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.errors import InvalidModelError
from m2v_lite.pooling import gather
from m2v_lite.safetensors import SafetensorsFile

# The native name first, then the one that sentence-transformers writes.
TABLE_NAMES = ("embeddings", "embedding.weight")
TABLE_DTYPES = ("F64", "F32", "F16", "BF16", "I8")
WEIGHTS_DTYPES = ("F64", "F32")
MAPPING_DTYPES = ("I64", "I32")


@dataclass(frozen=True)
class EmbeddingTable:
    """The arrays of a model. Mapped ones stay mapped: no method copies more than the rows asked for.

    Attributes:
        embedding: (rows, dim); float64, float32, float16, int8, or uint16, which holds bfloat16 codes.
        weights: (tokens,) float64 or float32, a factor for each token id; or None.
        mapping: (tokens,) int64 or int32, the row of each token id; or None, where id and row are one.
    """

    embedding: NDArray[Any]
    weights: NDArray[Any] | None = None
    mapping: NDArray[Any] | None = None

    @property
    def is_bfloat16(self) -> bool:
        return self.embedding.dtype == np.uint16

    @property
    def vector_dtype(self) -> np.dtype[Any]:
        """The dtype of pooled vectors: the table's own, float32 for int8 and bfloat16."""
        if self.is_bfloat16 or self.embedding.dtype == np.int8:
            return np.dtype(np.float32)
        return self.embedding.dtype.newbyteorder("=")

    @property
    def dtype_name(self) -> str:
        return "bfloat16" if self.is_bfloat16 else self.embedding.dtype.name

    def rows(self, token_ids: NDArray[np.intp]) -> NDArray[Any]:
        """Return the weighted rows of `token_ids`, (tokens, dim)."""
        row_ids, weights = self.row_ids(token_ids), self.token_weights(token_ids)
        return gather(np.asarray(self.embedding), row_ids, weights)

    def row_ids(self, token_ids: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the index of each token's row."""
        if self.mapping is None:
            return token_ids
        return np.asarray(self.mapping)[token_ids].astype(np.intp, copy=False)

    def token_weights(self, token_ids: NDArray[np.intp]) -> NDArray[Any] | None:
        """Return each token's weight, or None if the model has no weights."""
        return None if self.weights is None else np.asarray(self.weights)[token_ids]

    def check_vocabulary(self, place: object, tokens: int, highest_id: int) -> None:
        """Check that every id of the vocabulary has a row, so that no later access needs a test.

        Args:
            place: what to name in an error.
            tokens: the number of different tokens.
            highest_id: the highest token id.

        Raises:
            InvalidModelError: some id lacks a row, weight or mapping entry; or the table has another
                number of rows than there are tokens, and no mapping says which row is whose.
        """
        remedy = "the table and the tokenizer are not of one model; fetch both again, together"
        per_token = {"mapping": self.mapping, "weights": self.weights}
        if self.mapping is None:
            rows = len(self.embedding)
            if rows != tokens:
                raise InvalidModelError(
                    f"{place}: the table has {rows} rows and the vocabulary {tokens} tokens; {remedy}"
                )
            per_token["embedding table"] = self.embedding
        for name, array in per_token.items():
            if array is not None and highest_id >= len(array):
                raise InvalidModelError(
                    f"{place}: token id {highest_id} is past the end of the {name}, which has "
                    f"{len(array)} entries; {remedy}"
                )


def load_table(path: Path) -> EmbeddingTable:
    """Map the embedding table in a safetensors file, with its weights and mapping if it has them.

    Raises:
        ModelNotFoundError: there is no such file.
        InvalidModelError: the file is broken, holds no embedding table, or one of a kind that is not
            supported.
    """
    file = SafetensorsFile(path)
    name = next((name for name in TABLE_NAMES if name in file.tensors), None)
    if name is None:
        found = ", ".join(sorted(file.tensors)[:5]) or "none"
        more = f" and {len(file.tensors) - 5} more" if len(file.tensors) > 5 else ""
        raise InvalidModelError(
            f"{path}: not a static model: no tensor {' or '.join(map(repr, TABLE_NAMES))}; tensors "
            f"found: {found}{more}. An ordinary sentence transformer has to be distilled into a static "
            "model first (model2vec.distill does this)"
        )
    embedding = _view(file, name, TABLE_DTYPES, dimensions=2)
    if embedding.shape[1] == 0:
        raise InvalidModelError(f"{path}: tensor {name!r} has no columns; fetch the file again")
    weights = mapping = None
    if "weights" in file.tensors:
        weights = _view(file, "weights", WEIGHTS_DTYPES, dimensions=1)
    if "mapping" in file.tensors:
        mapping = _view(file, "mapping", MAPPING_DTYPES, dimensions=1)
    check_mapping(path, mapping, len(embedding))
    return EmbeddingTable(embedding, weights, mapping)


def check_mapping(place: object, mapping: NDArray[Any] | None, rows: int) -> None:
    """Check that each entry of `mapping` is the index of a row.

    Raises:
        InvalidModelError: an entry is negative or past the end.
    """
    if mapping is None or not len(mapping):
        return
    low, high = int(mapping.min()), int(mapping.max())
    if low < 0 or high >= rows:
        raise InvalidModelError(
            f"{place}: the mapping holds row {low if low < 0 else high}, but the table has rows 0 to "
            f"{rows - 1}; fetch the file again"
        )


def _view(file: SafetensorsFile, name: str, dtypes: tuple[str, ...], dimensions: int) -> NDArray[Any]:
    info = file.tensors[name]
    if info.dtype not in dtypes:
        raise InvalidModelError(
            f"{file.path}: tensor {name!r} has dtype {info.dtype}; m2v_lite reads "
            f"{', '.join(dtypes)}. Convert it once, for example with model2vec"
        )
    if len(info.shape) != dimensions:
        raise InvalidModelError(
            f"{file.path}: tensor {name!r} has shape {list(info.shape)}, of {len(info.shape)} "
            f"dimensions instead of {dimensions}; this is not the table of a static model"
        )
    return file.view(name)
