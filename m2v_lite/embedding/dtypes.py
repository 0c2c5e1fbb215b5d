"""Lists the supported dtypes of a model's arrays, and the dtype of the vectors for each one.

numpy has no bfloat16. So m2v_lite reads every uint16 table as bfloat16 codes, and does not support tables of
uint16 numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.errors import InvalidModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FLOAT16, FLOAT32 = np.dtype(np.float16), np.dtype(np.float32)
INT8 = np.dtype(np.int8)

# The safetensors name of each dtype that numpy can hold, and numpy's name.
NUMPY_DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "I16": "<i2", "U16": "<u2", "F16": "<f2", "BF16": "<u2",
    "I32": "<i4", "U32": "<u4", "F32": "<f4", "F64": "<f8", "I64": "<i8", "U64": "<u8",
}  # fmt: skip
NAMES_OF_NUMPY = {np.dtype(numpy_name): name for name, numpy_name in NUMPY_DTYPES.items() if name != "BF16"}


# The dtypes that each array of a model may have, by their safetensors names.
EMBEDDING_DTYPES = ("F64", "F32", "F16", "BF16", "I8")
WEIGHTS_DTYPES = ("F64", "F32", "F16")
MAPPING_DTYPES = ("I64", "I32", "U64", "U32", "I16", "U16", "I8", "U8")


def check_array(place: str, dtype: str, shape: tuple[int, ...], dtypes: tuple[str, ...]) -> None:
    """Check the dtype and the shape of an array. The embedding table has two dimensions, other arrays one.

    Args:
        place: where the array is, for the error message.
        dtype: the array's dtype, by its safetensors name.
        shape: the array's shape.
        dtypes: the dtypes that the array may have; one of the three constants above.

    Raises:
        InvalidModelError: the dtype or the number of dimensions is wrong, or the table has no columns.
    """
    dimensions = 2 if dtypes is EMBEDDING_DTYPES else 1
    if dtype not in dtypes:
        raise InvalidModelError(
            f"{place} has dtype {dtype}; m2v_lite reads {', '.join(dtypes)}. Convert it with numpy and, "
            "for a file, the safetensors package"
        )
    if len(shape) != dimensions:
        raise InvalidModelError(
            f"{place} has shape {list(shape)}, but it must have {dimensions} "
            f"dimension{'s' * (dimensions > 1)}; "
            "give the arrays of a static model"
        )
    if dimensions == 2 and shape[1] == 0:
        raise InvalidModelError(f"{place} has no columns; give a table with at least 1 column")


def is_bfloat16(table_dtype: np.dtype[Any]) -> bool:
    """Return whether a table of this dtype holds bfloat16 codes: whether it is uint16, in any byte order."""
    return table_dtype.kind == "u" and table_dtype.itemsize == 2


def bfloat16_names(arrays: Mapping[str, NDArray[Any]]) -> list[str]:
    """Return the names of the arrays, tables or layers, that hold bfloat16 codes."""
    return [name for name, array in arrays.items() if is_bfloat16(array.dtype)]


def dtype_name(table_dtype: np.dtype[Any]) -> str:
    """Return the name of a table's dtype.

    Examples:
        >>> dtype_name(np.dtype(np.int8)), dtype_name(np.dtype(np.uint16))
        ('int8', 'bfloat16')
    """
    return "bfloat16" if is_bfloat16(table_dtype) else table_dtype.name


def widened(rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows that numpy can calculate with: bfloat16 codes become float32, other rows do not change.

    A bfloat16 is the upper half of a float32 (https://en.wikipedia.org/wiki/Bfloat16_floating-point_format).

    Examples:
        >>> widened(np.array([0x3F80, 0xC000], dtype=np.uint16))
        array([ 1., -2.], dtype=float32)
    """
    return np.left_shift(rows, 16, dtype=np.uint32).view(np.float32) if is_bfloat16(rows.dtype) else rows


def row_dtype(table_dtype: np.dtype[Any], weights_dtype: np.dtype[Any] | None = None) -> np.dtype[Any]:
    """Return the dtype of rows after widening and weighting."""
    dtype = FLOAT32 if is_bfloat16(table_dtype) else table_dtype.newbyteorder("=")
    return dtype if weights_dtype is None else np.result_type(dtype, weights_dtype)


def sum_dtype(of_rows: np.dtype[Any], longest: int) -> np.dtype[Any]:
    """Return the dtype for sums of rows.

    It is the dtype that `numpy.mean` uses: float32 for float16, and the rows' own dtype for other floats. For
    int8, it is the narrowest integer dtype that cannot overflow.

    Args:
        of_rows: the dtype of the rows.
        longest: the largest number of rows in one sum.
    """
    if of_rows == FLOAT16:
        return FLOAT32
    if of_rows == INT8:
        return np.min_scalar_type(-128 * max(2, longest))
    return of_rows


def vector_dtype(table_dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of pooled vectors: float32 for int8 and bfloat16, otherwise the table's own."""
    return FLOAT32 if table_dtype == INT8 else row_dtype(table_dtype)
