"""Finds the rows of the embedding table for token ids, with its mapping, weights and dtypes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.embedding.dtypes import (
    EMBEDDING_DTYPES,
    MAPPING_DTYPES,
    NAMES_OF_NUMPY,
    WEIGHTS_DTYPES,
    check_array,
    dtype_name,
    is_bfloat16,
    vector_dtype,
)
from m2v_lite.embedding.pooling import gather
from m2v_lite.errors import InputTypeError, InvalidModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class EmbeddingTable:
    """The arrays of a model. Mapped arrays stay mapped: no method copies more than the requested rows.

    A plain class, because defining a NamedTuple would slow start-up.

    Attributes:
        embedding: (rows, dim); float64, float32, float16, int8, or uint16 for bfloat16 codes.
        weights: (tokens,) float64, float32 or float16: a factor for each token id; or None.
        mapping: (tokens,) any integer dtype: the row of each token id; or None if id and row are equal.
    """

    def __init__(
        self,
        embedding: NDArray[Any],
        weights: NDArray[Any] | None = None,
        mapping: NDArray[Any] | None = None,
    ) -> None:
        self.embedding, self.weights, self.mapping = embedding, weights, mapping

    @property
    def dtype_name(self) -> str:
        """The name of the embedding's dtype."""
        return dtype_name(self.embedding.dtype)

    @property
    def vector_dtype(self) -> np.dtype[Any]:
        """The dtype of pooled vectors."""
        return vector_dtype(self.embedding.dtype)

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
        """Check that every token id has a row, so that later code need not check.

        Args:
            place: where the model is, for the error message.
            tokens: the number of different tokens.
            highest_id: the highest token id.

        Raises:
            InvalidModelError: a token id has no row, weight or mapping entry. Or there is no mapping, and the
                number of rows differs from the number of tokens.
        """
        remedy = "use a table and a tokenizer from the same model"
        if not tokens:
            raise InvalidModelError(f"{place}: the tokenizer has no tokens; {remedy}")
        per_token = {"mapping": self.mapping, "weights": self.weights}
        if self.mapping is None:
            rows = len(self.embedding)
            if rows != tokens:
                raise InvalidModelError(
                    f"{place}: the table has {rows} rows, but the vocabulary has {tokens} tokens; {remedy}"
                )
            per_token["embedding table"] = self.embedding
        for name, array in per_token.items():
            if array is not None and highest_id >= len(array):
                raise InvalidModelError(
                    f"{place}: token id {highest_id} is past the end of the {name}, which has "
                    f"{len(array)} entries; {remedy}"
                )


def table_of_arrays(
    embedding: NDArray[Any], weights: NDArray[Any] | None, mapping: NDArray[Any] | None
) -> EmbeddingTable:
    """Return a table made of a caller's arrays. A uint16 table holds bfloat16 codes.

    Raises:
        InputTypeError: an argument is not an array.
        InvalidModelError: the dtype or shape of an array is not supported, or `mapping` names a missing row.
    """
    _check("vectors", embedding, EMBEDDING_DTYPES)
    if weights is not None:
        _check("weights", weights, WEIGHTS_DTYPES)
    if mapping is not None:
        _check("token_mapping", mapping, MAPPING_DTYPES)
    check_rows("token_mapping", embedding, mapping)
    return EmbeddingTable(embedding, weights, mapping)


def with_array(table: EmbeddingTable, name: str, array: NDArray[Any] | None) -> EmbeddingTable:
    """Return a table with one of its arrays replaced; whether it fits the others is not checked.

    Args:
        table: the table.
        name: "embedding", "weights" or "mapping".
        array: the new array; None for no weights or no mapping.

    Raises:
        InputTypeError: `array` is not an array.
        InvalidModelError: its dtype or shape is not supported.
    """
    shown, dtypes = {
        "embedding": ("embedding", EMBEDDING_DTYPES),
        "weights": ("weights", WEIGHTS_DTYPES),
        "mapping": ("token_mapping", MAPPING_DTYPES),
    }[name]
    if array is not None or name == "embedding":
        _check(shown, array, dtypes)
    replaced = EmbeddingTable(table.embedding, table.weights, table.mapping)
    setattr(replaced, name, array)
    return replaced


def _check(name: str, array: object, dtypes: tuple[str, ...]) -> None:
    """Check the type, the dtype and the shape of a caller's array."""
    if not isinstance(array, np.ndarray):
        raise InputTypeError(f"{name} is of type {type(array).__name__}; give a numpy array")
    dtype = NAMES_OF_NUMPY.get(array.dtype.newbyteorder("<"), str(array.dtype))
    holds_codes = dtypes is EMBEDDING_DTYPES and is_bfloat16(array.dtype)
    check_array(name, "BF16" if holds_codes else dtype, array.shape, dtypes)


def check_rows(place: object, embedding: NDArray[Any], mapping: NDArray[Any] | None) -> None:
    """Check that each entry of `mapping` is the index of a row."""
    if mapping is None or not len(mapping):
        return
    low, high = int(mapping.min()), int(mapping.max())
    if low < 0 or high >= len(embedding):
        raise InvalidModelError(
            f"{place}: the mapping refers to row {low if low < 0 else high}, but the table has rows 0 "
            f"to {len(embedding) - 1}; fetch the file again, or give the mapping of this table"
        )
