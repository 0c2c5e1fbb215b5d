"""Token ids -> rows of the embedding table: mapping, weights and dtypes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from m2v_lite.errors import InvalidModelError
from m2v_lite.pooling import gather
from m2v_lite.safetensors import NAMES_OF_NUMPY, SafetensorsFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The native name, and the one that sentence-transformers writes.
TABLE_NAMES = ("embeddings", "embedding.weight")


class Kind(NamedTuple):
    """What an array of a model may be: names of dtypes as in safetensors, and a number of dimensions."""

    dtypes: tuple[str, ...]
    dimensions: int


EMBEDDING = Kind(("F64", "F32", "F16", "BF16", "I8"), 2)
WEIGHTS = Kind(("F64", "F32", "F16"), 1)
MAPPING = Kind(("I64", "I32", "U64", "U32", "I16", "U16", "I8", "U8"), 1)


class EmbeddingTable(NamedTuple):
    """The arrays of a model. Mapped ones stay mapped: no method copies more than the rows asked for.

    Attributes:
        embedding: (rows, dim); float64, float32, float16, int8, or uint16, which holds bfloat16 codes.
        weights: (tokens,) float64, float32 or float16, a factor for each token id; or None.
        mapping: (tokens,) of any integer dtype, the row of each token id; or None, where id and row are one.
    """

    embedding: NDArray[Any]
    weights: NDArray[Any] | None = None
    mapping: NDArray[Any] | None = None

    @property
    def is_bfloat16(self) -> bool:
        return self.embedding.dtype.kind == "u"

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
        remedy = "table and tokenizer are not of one model; put those of one model together"
        if not tokens:
            raise InvalidModelError(f"{place}: the tokenizer has no tokens; {remedy}")
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
            _check_kind(f"{path}: tensor {key!r}", info.dtype, info.shape, kind)
    embedding = file.view(name)
    weights, mapping = (file.view(key) if key in file.tensors else None for key in ("weights", "mapping"))
    _check_rows(path, embedding, mapping)
    return EmbeddingTable(embedding, weights, mapping)


def table_of_arrays(
    embedding: NDArray[Any], weights: NDArray[Any] | None, mapping: NDArray[Any] | None
) -> EmbeddingTable:
    """Use arrays that a caller has; a uint16 table holds bfloat16 codes.

    Raises:
        InvalidModelError: an array is of a kind that is not supported.
    """
    arrays = (("vectors", embedding, EMBEDDING), ("weights", weights, WEIGHTS))
    for name, array, kind in (*arrays, ("token_mapping", mapping, MAPPING)):
        if array is not None:
            dtype = NAMES_OF_NUMPY.get(array.dtype.newbyteorder("<"), str(array.dtype))
            _check_kind(name, "BF16" if (dtype, kind) == ("U16", EMBEDDING) else dtype, array.shape, kind)
    _check_rows("token_mapping", embedding, mapping)
    return EmbeddingTable(embedding, weights, mapping)


def _check_kind(place: str, dtype: str, shape: tuple[int, ...], kind: Kind) -> None:
    if dtype not in kind.dtypes:
        raise InvalidModelError(
            f"{place} has dtype {dtype}; m2v_lite reads {', '.join(kind.dtypes)}. Convert it once, with "
            "numpy and the safetensors package"
        )
    if len(shape) != kind.dimensions:
        raise InvalidModelError(
            f"{place} has shape {list(shape)}, of {len(shape)} dimensions instead of {kind.dimensions}; "
            "this is not the table of a static model"
        )
    if kind is EMBEDDING and shape[1] == 0:
        raise InvalidModelError(f"{place} has no columns; fetch the file again")


def _check_rows(place: object, embedding: NDArray[Any], mapping: NDArray[Any] | None) -> None:
    """Check that each entry of `mapping` is the index of a row."""
    if mapping is None or not len(mapping):
        return
    low, high = int(mapping.min()), int(mapping.max())
    if low < 0 or high >= len(embedding):
        raise InvalidModelError(
            f"{place}: the mapping holds row {low if low < 0 else high}, but the table has rows 0 to "
            f"{len(embedding) - 1}; fetch the file again"
        )
