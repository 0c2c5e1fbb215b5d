"""Maps safetensors files as checked, read-only views, and writes arrays to safetensors files.

A file has three parts (https://github.com/huggingface/safetensors#format). The first 8 bytes are the length
of the header, little-endian. The header is JSON with the dtype, shape and byte range of each tensor. The data
follow the header. Opening a file reads no data, because each tensor is a view of one `np.memmap`. The header
is checked first, so that no later access can go beyond the file.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from m2v_lite.arguments import PathLike
from m2v_lite.disk import NotRegularError, open_regular
from m2v_lite.embedding.dtypes import NAMES_OF_NUMPY, NUMPY_DTYPES
from m2v_lite.errors import InvalidModelError, ModelNotFoundError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The limit of the format's reference implementation.
MAX_HEADER_BYTES = 100_000_000
MAX_DIMENSIONS = 32  # numpy 1's limit
# The most commas and opening brackets in a header: enough for ten thousand tensors. Without a bound, a header
# within the limit could take gigabytes once it is parsed.
MOST_MARKS = 200_000

# The bits of each dtype, from the lowest rank to the highest. The reference implementation writes tensors of
# the highest rank first.
DTYPE_BITS = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8,
    "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip
RANK = {name: rank for rank, name in enumerate(DTYPE_BITS)}


class OtherKindError(InvalidModelError):
    """The file begins as no safetensors file does."""


class TensorInfo(NamedTuple):
    """What the header says about one tensor; `start` and `end` count bytes from the start of the data."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class SafetensorsFile:
    """A checked and mapped safetensors file.

    Examples:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
        >>> with path.open("wb") as file:
        ...     write_safetensors(file, {"embeddings": np.eye(2, 3, dtype=np.float32)})
        >>> file = SafetensorsFile(path)
        >>> file.tensors["embeddings"]
        TensorInfo(dtype='F32', shape=(2, 3), start=0, end=24)
        >>> file.view("embeddings")
        memmap([[1., 0., 0.],
                [0., 1., 0.]], dtype=float32)

    Raises:
        ModelNotFoundError: there is no such file.
        InvalidModelError: the file cannot be read, or is not a valid safetensors file.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = path = os.fspath(path)
        try:
            with open_regular(path) as file:
                size = os.fstat(file.fileno()).st_size
                header_bytes, header = _read_header(path, file, size)
                self._bytes = np.memmap(file, dtype=np.uint8, mode="r", offset=0, shape=(size,))
        except FileNotFoundError as error:
            raise ModelNotFoundError(f"{path}: no such file; check the path") from error
        except NotRegularError:
            raise
        except (OSError, OverflowError) as error:
            raise InvalidModelError(
                f"{path}: cannot be read or mapped ({error}); check its permissions. On a "
                "32-bit system, also check that it is smaller than 2 GB"
            ) from error
        self._data_start = 8 + header_bytes
        self.metadata = _metadata(path, header)
        self.tensors = {name: _tensor_info(path, name, entry) for name, entry in header.items()}
        _check_ranges(path, self.tensors, size - self._data_start)

    def view(self, name: str) -> NDArray[Any]:
        """Return tensor `name` as a read-only `np.memmap`; a BF16 tensor as its uint16 codes.

        Raises:
            InvalidModelError: numpy cannot hold the tensor's dtype.
        """
        info = self.tensors[name]
        if info.dtype not in NUMPY_DTYPES:
            raise InvalidModelError(
                f"{self.path}: tensor {name!r} has dtype {info.dtype}, which numpy cannot hold; "
                "convert it to F32 or F16 with the library that wrote it"
            )
        part = self._bytes[self._data_start + info.start : self._data_start + info.end]
        return part.view(NUMPY_DTYPES[info.dtype]).reshape(info.shape)


def read_header(path: PathLike) -> tuple[dict[str, str], list[str]]:
    """Return what a file's header states: its metadata, and the names of its tensors.

    What follows the header is not looked at, so the file may be cut short.

    Raises:
        InvalidModelError: the file does not begin with such a header.
        OSError: the file cannot be read.
    """
    with open_regular(path) as file:
        _, header = _read_header(path, file, os.fstat(file.fileno()).st_size)
    return _metadata(path, header), list(header)


def write_safetensors(
    file: BinaryIO,
    tensors: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str] | None = None,
    bfloat16: Collection[str] = (),
) -> None:
    """Write `tensors` to an open file, with the same bytes as the safetensors package.

    Args:
        file: a binary file, for example from `atomic_write`.
        tensors: arrays by name, in any byte order and memory layout.
        metadata: texts by name.
        bfloat16: the names of the uint16 arrays that hold bfloat16 codes.

    Raises:
        InvalidModelError: the format cannot hold an array's dtype.
    """
    names = {
        name: "BF16" if name in bfloat16 else _dtype_name(name, array) for name, array in tensors.items()
    }
    order = sorted(tensors, key=lambda name: (-RANK[names[name]], name))
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    start = 0
    for name in order:
        end = start + tensors[name].nbytes
        shape = list(tensors[name].shape)
        header[name] = {"dtype": names[name], "shape": shape, "data_offsets": [start, end]}
        start = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # pad, so that the data begin at a multiple of 8
    file.write(struct.pack("<Q", len(text)) + text)
    for name in order:
        for block in _row_blocks(tensors[name]):
            file.write(np.ascontiguousarray(block, NUMPY_DTYPES[names[name]]).data)


def _dtype_name(name: str, array: NDArray[Any]) -> str:
    try:
        return NAMES_OF_NUMPY[array.dtype.newbyteorder("<")]
    except KeyError:
        raise InvalidModelError(
            f"tensor {name!r} has dtype {array.dtype}, which the safetensors format cannot hold; "
            f"convert it to one of {', '.join(str(dtype) for dtype in NAMES_OF_NUMPY)}"
        ) from None


def _row_blocks(array: NDArray[Any]) -> list[NDArray[Any]]:
    """Split an array into blocks of rows, so that a strided array is never copied whole."""
    if array.ndim == 0 or array.size == 0:
        return [array]
    rows = max(1, (1 << 20) // max(1, array.nbytes // len(array)))
    return [array[start : start + rows] for start in range(0, len(array), rows)]


def _broken(path: PathLike, fact: str) -> InvalidModelError:
    return InvalidModelError(
        f"{path}: not a valid safetensors file: {fact:.500}. Fetch or write the file again"
    )


def _read_header(path: PathLike, file: BinaryIO, size: int) -> tuple[int, dict[str, Any]]:
    """Return the header's length in bytes and its content."""
    if size == 0:
        raise _broken(path, "it is empty")
    prefix = file.read(8)
    if len(prefix) < 8:
        raise _broken(path, f"it has only {size} bytes, but the header's length alone takes 8")
    (length,) = struct.unpack("<Q", prefix)
    if 8 + length > size and file.read(1) != b"{":
        raise OtherKindError(
            f"{path}: not a safetensors file; it looks like another kind of file. Fetch or write it again"
        )
    if length > MAX_HEADER_BYTES:
        raise _broken(path, f"its header claims {length} bytes; the format allows {MAX_HEADER_BYTES}")
    if 8 + length > size:
        raise _broken(path, f"its header claims {length} bytes, but the file ends after {size - 8}")
    file.seek(8)
    text = file.read(length)
    if sum(map(text.count, (b",", b"[", b"{"))) > MOST_MARKS:
        raise _broken(path, "its header describes more tensors than any static model has")
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_object_without_duplicates)
        if b"\\u" in text:  # perhaps a lone surrogate, which no text that is written may hold
            json.dumps(header, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        what = "is nested too deeply" if isinstance(error, RecursionError) else f"is broken: {error}"
        raise _broken(path, f"its header {what}") from error
    if not isinstance(header, dict):
        raise _broken(path, "its header is not a JSON object")
    return length, header


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name, value in pairs:
        if name in content:
            raise ValueError(f"the key {name!r:.60} occurs twice")
        content[name] = value
    return content


def _metadata(path: PathLike, header: dict[str, Any]) -> dict[str, str]:
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _broken(path, "its __metadata__ is not a JSON object of strings")
    return metadata


def _natural_numbers(value: Any, most: int) -> bool:
    """Return whether `value` is a list of at most `most` integers from 0 to 2**63 - 1."""
    return (
        isinstance(value, list)
        and len(value) <= most
        and all(type(item) is int and 0 <= item < 1 << 63 for item in value)
    )


def _tensor_info(path: PathLike, name: str, entry: Any) -> TensorInfo:
    """Check one entry of the header on its own."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _broken(path, f"tensor {name!r} is not described by dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BITS:
        raise _broken(path, f"tensor {name!r} has the unknown dtype {dtype!r}")
    if not _natural_numbers(shape, MAX_DIMENSIONS):
        raise _broken(path, f"tensor {name!r} has shape {shape!r:.100}, not a list of sizes")
    if not _natural_numbers(offsets, 2) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise _broken(
            path, f"tensor {name!r} has data_offsets {offsets!r:.100}, not two numbers in ascending order"
        )
    start, end = offsets
    # Python's integers do not overflow. numpy's do, even if one of the sizes is 0.
    if math.prod(filter(None, shape)) * DTYPE_BITS[dtype] >= 1 << 63:
        raise _broken(path, f"tensor {name!r} has shape {shape}, which is too large for any memory")
    if math.prod(shape) * DTYPE_BITS[dtype] != 8 * (end - start):
        raise _broken(
            path,
            f"tensor {name!r} has data_offsets that span {end - start} bytes, which does not match "
            f"shape {shape} and dtype {dtype}",
        )
    return TensorInfo(dtype, tuple(shape), start, end)


def _check_ranges(path: PathLike, tensors: Mapping[str, TensorInfo], data_bytes: int) -> None:
    """Check that the tensors cover the data exactly: no overlap, no gap, nothing past the end."""
    position = 0
    for name, info in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        if info.end > data_bytes:
            raise _broken(
                path,
                f"tensor {name!r} ends at byte {info.end} of the data, but the file holds only {data_bytes}",
            )
        if info.start < position:
            raise _broken(path, f"tensor {name!r} overlaps the previous tensor at byte {info.start}")
        if info.start > position:
            raise _broken(path, f"bytes {position} to {info.start} of the data belong to no tensor")
        position = info.end
    if position != data_bytes:
        raise _broken(path, f"{data_bytes - position} bytes follow the last tensor")
