"""Reduces an embedding table to a smaller dtype and fewer columns, exactly as model2vec does.

For a float dtype, the table is cast. int8 codes are `rint(float16(x) / scale)`. The scale is the largest
magnitude in the table, divided by 127 (https://github.com/MinishLab/model2vec, `quantization.py`). The scale
is not stored. Pooled int8 vectors therefore have the right direction but the wrong length, so normalize them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.arguments import leading_columns
from m2v_lite.embedding.pooling import gather
from m2v_lite.embedding.table import EmbeddingTable
from m2v_lite.errors import InputValueError

DTYPES = ("float16", "float32", "float64", "int8")
BLOCK_ROWS = 1024


def reduced(table: EmbeddingTable, quantize_to: Any, dimensionality: int | None) -> EmbeddingTable:
    """Return a table in another dtype, or with only its leading columns.

    Args:
        table: the table. Its weights and mapping do not change.
        quantize_to: the name of a dtype, as for `quantize`; or None to leave the table mapped.
        dimensionality: the number of leading columns to keep; or None for all.

    Raises:
        InputTypeError: `dimensionality` is not a whole number.
        InputValueError: `quantize` does not know the dtype, or the table has fewer columns.
    """
    columns = None
    if dimensionality is not None:
        columns = leading_columns("dimensionality", dimensionality, table.embedding.shape[1])
    if quantize_to is None:
        embedding = table.embedding[:, :columns]
    else:
        # A caller may pass model2vec's DType, an enum whose values are these names.
        embedding = quantize(table.embedding, getattr(quantize_to, "value", quantize_to), columns)
    return EmbeddingTable(embedding, table.weights, table.mapping)


def quantize(table: NDArray[Any], dtype_name: str, columns: int | None = None) -> NDArray[Any]:
    """Return a copy of a table in another dtype. If it has that dtype already, return a view of its columns.

    Args:
        table: (rows, dim); float64, float32, float16, int8, or uint16 for bfloat16 codes.
        dtype_name: "float16", "float32", "float64" or "int8".
        columns: the number of leading columns to keep; all by default. The scale of int8 codes still comes
            from the whole table, as in model2vec.

    Returns:
        (rows, columns). A copy is in private memory.

    Raises:
        InputValueError: `dtype_name` is not in the list above.

    Examples:
        >>> quantize(np.array([[0.5, -1.0], [0.25, 0.0]], dtype=np.float32), "int8")
        array([[  64, -127],
               [  32,    0]], dtype=int8)
    """
    if dtype_name not in DTYPES:
        raise InputValueError(f"quantize_to is {dtype_name!r}; give one of {', '.join(DTYPES)}")
    dtype = np.dtype(dtype_name)
    if table.dtype == dtype:
        return table[:, :columns]
    blocks = [slice(first, first + BLOCK_ROWS) for first in range(0, len(table), BLOCK_ROWS)]
    quantized = np.empty(table[:, :columns].shape, dtype)
    if dtype == np.int8:
        largest = np.max([np.abs(_float_rows(table, block)).max() for block in blocks])
        scale = np.divide(largest or 127, 127, dtype=largest.dtype)  # an all-zero table may have any scale
        for block in blocks:
            quantized[block] = _int8_codes(_float_rows(table, block)[:, :columns], scale)
    else:
        for block in blocks:
            quantized[block] = _float_rows(table, block)[:, :columns]
    return quantized


def _float_rows(table: NDArray[Any], rows: slice) -> NDArray[Any]:
    """Return some rows, with bfloat16 codes widened."""
    return gather(table, np.arange(*rows.indices(len(table))))


def _int8_codes(rows: NDArray[Any], scale: np.floating[Any]) -> NDArray[np.int8]:
    half = rows.astype(np.float16)
    # Divide in the dtype of the scale, as numpy 2 does in model2vec. numpy 1 would divide in float16.
    np.divide(half, scale, out=half, dtype=scale.dtype, casting="same_kind")
    return np.clip(np.rint(half), -127, 127).astype(np.int8)
