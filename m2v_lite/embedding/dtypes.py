"""The dtypes of a model's arrays: which ones are read, and what each becomes on the way to a vector.

numpy has no bfloat16. A bfloat16 table is a uint16 array of its codes, and no other uint16 table is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.errors import InvalidModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOAT16, FLOAT32 = np.dtype(np.float16), np.dtype(np.float32)
INT8 = np.dtype(np.int8)

# The names that the safetensors format gives to dtypes that numpy can hold.
NUMPY_DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "I16": "<i2", "U16": "<u2", "F16": "<f2", "BF16": "<u2",
    "I32": "<i4", "U32": "<u4", "F32": "<f4", "F64": "<f8", "I64": "<i8", "U64": "<u8",
}  # fmt: skip
NAMES_OF_NUMPY = {np.dtype(numpy_name): name for name, numpy_name in NUMPY_DTYPES.items() if name != "BF16"}


# What the arrays of a model may be, by the names of the safetensors format.
EMBEDDING_DTYPES = ("F64", "F32", "F16", "BF16", "I8")
WEIGHTS_DTYPES = ("F64", "F32", "F16")
MAPPING_DTYPES = ("I64", "I32", "U64", "U32", "I16", "U16", "I8", "U8")


def check_array(place: str, dtype: str, shape: tuple[int, ...], dtypes: tuple[str, ...]) -> None:
    """Check the dtype and the shape of an array of a model: two dimensions for the embedding, else one.

    Args:
        place: what to name in an error.
        dtype: the name of its dtype, as in safetensors.
        shape: its shape.
        dtypes: the dtypes that it may have; one of the three constants above.

    Raises:
        InvalidModelError: it has another dtype or shape.
    """
    dimensions = 2 if dtypes is EMBEDDING_DTYPES else 1
    if dtype not in dtypes:
        raise InvalidModelError(
            f"{place} has dtype {dtype}; m2v_lite reads {', '.join(dtypes)}. Convert it once, with "
            "numpy and the safetensors package"
        )
    if len(shape) != dimensions:
        raise InvalidModelError(
            f"{place} has shape {list(shape)}, of {len(shape)} dimensions instead of {dimensions}; "
            "this is not the table of a static model"
        )
    if dimensions == 2 and shape[1] == 0:
        raise InvalidModelError(f"{place} has no columns; fetch the file again")


def is_bfloat16(table_dtype: np.dtype[Any]) -> bool:
    """Return whether a table of this dtype holds bfloat16 codes: it is uint16, in any byte order."""
    return table_dtype.kind == "u" and table_dtype.itemsize == 2


def dtype_name(table_dtype: np.dtype[Any]) -> str:
    """Return the name of a table's dtype.

    Example:
        >>> dtype_name(np.dtype(np.int8)), dtype_name(np.dtype(np.uint16))
        ('int8', 'bfloat16')
    """
    return "bfloat16" if is_bfloat16(table_dtype) else table_dtype.name


def widened(rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows that numpy can calculate with: bfloat16 codes as float32, all others as they are.

    A bfloat16 is the upper half of a float32 (https://en.wikipedia.org/wiki/Bfloat16_floating-point_format).

    Example:
        >>> widened(np.array([0x3F80, 0xC000], dtype=np.uint16))
        array([ 1., -2.], dtype=float32)
    """
    return np.left_shift(rows, 16, dtype=np.uint32).view(np.float32) if is_bfloat16(rows.dtype) else rows


def row_dtype(table_dtype: np.dtype[Any], weights_dtype: np.dtype[Any] | None = None) -> np.dtype[Any]:
    """Return the dtype of rows once they are widened and weighted."""
    dtype = FLOAT32 if is_bfloat16(table_dtype) else table_dtype.newbyteorder("=")
    return dtype if weights_dtype is None else np.result_type(dtype, weights_dtype)


def sum_dtype(of_rows: np.dtype[Any], longest: int) -> np.dtype[Any]:
    """Return the dtype of sums: numpy's own for a mean; for int8 the narrowest that cannot overflow.

    Args:
        of_rows: the dtype of the rows.
        longest: the most rows that are added.
    """
    if of_rows == FLOAT16:
        return FLOAT32
    if of_rows == INT8:
        return np.min_scalar_type(-128 * max(2, longest))
    return of_rows


def vector_dtype(table_dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of pooled vectors: the table's own, but float32 for int8 and bfloat16."""
    return FLOAT32 if table_dtype == INT8 else row_dtype(table_dtype)
