"""The safetensors format: pinned bytes, the reference implementation as oracle, and hostile files."""

from __future__ import annotations

import json
import re
import struct
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from m2v_lite import InvalidModelError, ModelNotFoundError
from m2v_lite.embedding.dtypes import NUMPY_DTYPES
from m2v_lite.files.safetensors import (
    MAX_HEADER_BYTES,
    SafetensorsFile,
    TensorInfo,
    write_safetensors,
)

ENTRY = b'{"embeddings":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}       '
ONE_ROW = struct.pack("<Q", len(ENTRY)) + ENTRY + struct.pack("<2f", 1.5, -2.0)


def file_of(header: Any, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def written(tensors: dict[str, NDArray[Any]], metadata: dict[str, str] | None = None) -> bytes:
    file = BytesIO()
    write_safetensors(file, tensors, metadata)
    return file.getvalue()


def test_reads_pinned_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(ONE_ROW)
    file = SafetensorsFile(tmp_path / "a")
    assert file.tensors == {"embeddings": TensorInfo("F32", (1, 2), 0, 8)}
    view = file.view("embeddings")
    assert view.tolist() == [[1.5, -2.0]]
    assert isinstance(view, np.memmap)
    assert not view.flags.writeable


def test_writes_pinned_bytes() -> None:
    assert written({"embeddings": np.array([[1.5, -2.0]], np.float32)}) == ONE_ROW


def test_data_need_not_be_aligned(tmp_path: Path) -> None:
    header = b'{"x":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}} '
    header += b" " * (3 - len(header) % 8 if len(header) % 8 < 3 else 11 - len(header) % 8)
    (tmp_path / "a").write_bytes(file_of(header, struct.pack("<2d", 1.5, -2.0)))
    assert SafetensorsFile(tmp_path / "a").view("x").tolist() == [1.5, -2.0]


DTYPES = ["bool", "u1", "i1", "i2", "u2", "f2", "i4", "u4", "f4", "f8", "i8", "u8"]
TENSORS = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name != "__metadata__"),
    st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 4), max_size=3)),
    max_size=5,
)


def arrays_of(recipe: dict[str, tuple[str, list[int]]]) -> dict[str, NDArray[Any]]:
    return {
        name: np.arange(np.prod(shape)).astype(dtype).reshape(shape)
        for name, (dtype, shape) in recipe.items()
    }


@given(TENSORS, st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=1))
@settings(max_examples=200, deadline=None)
def test_writes_the_bytes_of_the_reference(
    recipe: dict[str, tuple[str, list[int]]], metadata: dict[str, str]
) -> None:
    tensors = arrays_of(recipe)
    assert written(tensors, metadata) == safetensors.numpy.save(tensors, metadata or None)


@given(TENSORS)
@settings(max_examples=100, deadline=None)
def test_reads_what_the_reference_writes(recipe: dict[str, tuple[str, list[int]]]) -> None:
    import tempfile

    tensors = arrays_of(recipe)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(safetensors.numpy.save(tensors))
        file = SafetensorsFile(path)
        assert set(file.tensors) == set(tensors)
        for name, tensor in tensors.items():
            view = file.view(name)
            assert view.dtype == tensor.dtype
            np.testing.assert_array_equal(view, tensor)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=">f4").reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        np.arange(12, dtype=np.float32).reshape(2, 6)[:, ::2],
        np.float32(3.5).reshape(()),
    ],
    ids=["big-endian", "fortran", "strided", "scalar"],
)
def test_writes_arrays_of_any_layout(array: NDArray[Any], tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(written({"x": array}))
    view = SafetensorsFile(tmp_path / "a").view("x")
    assert view.dtype == np.dtype("<f4")
    np.testing.assert_array_equal(view, array)


def test_a_large_strided_array_is_written_in_blocks(tmp_path: Path) -> None:
    array = np.arange(3_000_000, dtype=np.float32).reshape(-1, 300)[:, :200]
    (tmp_path / "a").write_bytes(written({"x": array}))
    np.testing.assert_array_equal(SafetensorsFile(tmp_path / "a").view("x"), array)


def test_a_dtype_without_a_place_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="complex64"):
        written({"x": np.zeros(2, np.complex64)})


def test_a_dtype_without_a_counterpart_is_refused_when_viewed(tmp_path: Path) -> None:
    header = {"x": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}
    (tmp_path / "a").write_bytes(file_of(header, b"xx"))
    with pytest.raises(InvalidModelError, match="F8_E4M3, which numpy cannot hold; convert"):
        SafetensorsFile(tmp_path / "a").view("x")


def tensor(shape: Any = (2,), offsets: Any = (0, 8), dtype: Any = "F32") -> dict[str, Any]:
    return {"x": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def two(first: list[int], second: list[int]) -> dict[str, Any]:
    entry = {"dtype": "F32", "shape": [2]}
    return {"x": {**entry, "data_offsets": first}, "y": {**entry, "data_offsets": second}}


# Newer versions of Python refuse to read so long a number.
OF_5000_DIGITS = "header is broken" if hasattr(sys, "set_int_max_str_digits") else "'x' is not described"
BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "seven bytes": (b"1234567", "only 7 bytes"),
    "truncated header": (ONE_ROW[:40], "file ends after 32"),
    "truncated data": (ONE_ROW[:-1], "ends at byte 8 of the data, but the file holds only 7"),
    "another kind of file": (b"PK\x03\x04" + b"\x00" * 100, "not a safetensors file; it looks like another"),
    "git-lfs pointer": (b"version https://git-lfs.github.com/spec/v1\n" * 3, "looks like another kind of file"),
    "header over the limit": (file_of(b"{}", length=MAX_HEADER_BYTES + 1), "allows 100000000"),
    "header past the end": (file_of(b"{}", length=100), "claims 100 bytes, but the file ends after 2"),
    "header of no length": (file_of(b""), "its header is broken: Expecting value"),
    "header is an array": (file_of(b"[]"), "not a JSON object"),
    "header is no JSON": (file_of(b"{nope}"), "its header is broken: Expecting property name"),
    "header is no UTF-8": (file_of(b'{"\xff":1}'), "its header is broken: 'utf-8' codec can't decode byte 0xff"),
    "header goes on after the object": (file_of(b"{}{}"), "its header is broken: Extra data"),
    "duplicate tensors": (file_of(b'{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{}}'), "the key 'x' occurs twice"),
    "duplicate keys": (file_of(b'{"x":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}}'), "the key 'dtype' occurs twice"),
    "forty thousand keys, the last one twice": (
        file_of(b"{" + b",".join(b'"%d":0' % (n % 40_000) for n in range(40_001)) + b"}"), "the key '0' occurs twice"
    ),
    "nested absurdly": (file_of(b'{"x":' + b"[" * 150_000 + b"]" * 150_000 + b"}"), "header is nested too deeply"),
    "a million objects": (file_of(b'{"x":[' + b"{}," * 1_000_000 + b"{}]}"), "describes more tensors than any"),
    "a million numbers": (file_of(b'{"x":[' + b"0," * 1_000_000 + b"0]}"), "describes more tensors than any"),
    "a million arrays": (file_of(b'{"x":[' + b"[]" * 1_000_000 + b"]}"), "describes more tensors than any"),
    "metadata of numbers": (file_of({"__metadata__": {"a": 1}}), "its __metadata__ is not a JSON object of strings"),
    "metadata is a list": (file_of({"__metadata__": []}), "its __metadata__ is not a JSON object of strings"),
    "entry is a number": (file_of({"x": 3}), "'x' is not described by dtype, shape"),
    "entry lacks the shape": (file_of({"x": {"dtype": "F32", "data_offsets": [0, 0]}}), "'x' is not described by dtype, shape"),
    "metadata of a text and a number": (file_of({"__metadata__": {"a": "b", "c": 1}}), "its __metadata__ is not a JSON object of strings"),
    "unknown dtype": (file_of(tensor(dtype="F33"), b"8 bytes."), "unknown dtype 'F33'"),
    "dtype is a list": (file_of(tensor(dtype=["F32"]), b"8 bytes."), r"unknown dtype \['F32'\]"),
    "negative size": (file_of(tensor(shape=[-2]), b"8 bytes."), "not a list of sizes"),
    "fractional size": (file_of(tensor(shape=[2.0]), b"8 bytes."), "not a list of sizes"),
    "true as a size": (file_of(tensor(shape=[2, True]), b"8 bytes."), "not a list of sizes"),
    "shape is a number": (file_of(tensor(shape=2), b"8 bytes."), "not a list of sizes"),
    "size of 64 bits": (file_of(tensor(shape=[2**63]), b"8 bytes."), "not a list of sizes"),
    "offset of 64 bits": (file_of(tensor(offsets=[0, 2**63]), b"8 bytes."), "not two numbers in ascending order"),
    "size of 4000 digits": (file_of(tensor(shape=[10**4000]), b"8 bytes."), "not a list of sizes"),
    "size of 5000 digits": (file_of(b'{"x":{"shape":[' + b"9" * 5000 + b"]}}"), OF_5000_DIGITS),
    "forty dimensions": (file_of(tensor(shape=[1] * 40), b"8 bytes."), "not a list of sizes"),
    "overflowing product": (file_of(tensor(shape=[2**62, 2**62, 2**62]), b"8 bytes."), "too large for any"),
    "product that wraps to fit": (file_of(tensor(shape=[2**61 + 2]), b"8 bytes."), "too large for any"),
    "overflow beside a 0": (file_of(tensor(shape=[0, 2**62], offsets=[0, 0])), "is too large for any"),
    "a name of a million characters": (file_of({"x" * 10**6: {}}), "safetensors file: tensor 'xxxxxx"),
    "a dtype of a million characters": (file_of(tensor(dtype="F" * 10**6), b"8 bytes."), "unknown dtype 'FFFFF"),
    "a lone surrogate in a name": (file_of(b'{"x\\ud800":{}}'), "its header is broken: .*surrogates not allowed"),
    "a lone surrogate in the metadata": (file_of(b'{"__metadata__":{"a":"\\udfff"}}'), "surrogates not allowed"),
    "shape larger than the range": (file_of(tensor(shape=[3]), b"8 bytes."), "not match shape"),
    "shape smaller than the range": (file_of(tensor(shape=[1]), b"8 bytes."), "not match shape"),
    "negative offset": (file_of(tensor(offsets=[-8, 0]), b"8 bytes."), "not two numbers in ascending order"),
    "offsets in the wrong order": (file_of(tensor(offsets=[8, 0]), b"8 bytes."), "not two numbers in ascending order"),
    "three offsets": (file_of(tensor(offsets=[0, 4, 8]), b"8 bytes."), "not two numbers in ascending order"),
    "no offsets": (file_of(tensor(offsets=None), b"8 bytes."), "not two numbers in ascending order"),
    "offsets past the end": (file_of(tensor(offsets=[8, 16]), b"8 bytes."), "ends at byte 16"),
    "overlap": (file_of(two([0, 8], [4, 12]), b"12 bytes...."), "'y' overlaps the previous tensor at byte 4"),
    "the same range twice": (file_of(two([0, 8], [0, 8]), b"8 bytes."), "'y' overlaps the previous tensor at byte 0"),
    "a hole": (file_of(two([0, 8], [12, 20]), b"20 bytes............"), "belong to no tensor"),
    "a hole at the start": (file_of(tensor(offsets=[4, 12]), b"12 bytes...."), "belong to no tensor"),
    "bytes after the data": (file_of(tensor(), b"8 bytes.more"), "4 bytes follow"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_broken_file(case: str, tmp_path: Path) -> None:
    content, message = BROKEN[case]
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InvalidModelError, match=message) as caught:
        SafetensorsFile(path)
    assert str(path) in str(caught.value)
    assert re.search("Fetch or write (the file|it) again", str(caught.value))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "case", [case for case in BROKEN if case not in ("duplicate keys", "overflow beside a 0")]
)
def test_the_reference_refuses_it_too(case: str) -> None:
    with pytest.raises(safetensors.SafetensorError):
        safetensors.numpy.load(BROKEN[case][0])


TWO_TENSORS = safetensors.numpy.save(
    {"weights": np.array([0.5, -7.0]), "a": np.arange(6, dtype=np.int16).reshape(3, 2)}, {"by": "x"}
)
MEANT_IN_JSON = b'"\\{}[]:,0159-+.eEtuN \t\n\x00\x7f\x80\xc3\xff'


def assert_refused_or_as_the_reference(content: bytes, path: Path) -> bool:
    """Assert that whatever of a file is accepted is what the reference reads; return whether it is accepted."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    try:
        file = SafetensorsFile(path)
    except InvalidModelError:
        return False
    expected: dict[str, Any] = dict(safetensors.deserialize(content))  # type: ignore[no-untyped-call]
    assert {name: (info.dtype, list(info.shape)) for name, info in file.tensors.items()} == {
        name: (entry["dtype"], entry["shape"]) for name, entry in expected.items()
    }
    for name, info in file.tensors.items():
        if info.dtype in NUMPY_DTYPES:
            assert file.view(name).shape == info.shape
            assert file.view(name).tobytes() == bytes(expected[name]["data"])
        else:
            with pytest.raises(InvalidModelError, match=f"has dtype {info.dtype}, which numpy cannot hold"):
                file.view(name)
    return True


@pytest.mark.parametrize("sound", [ONE_ROW, TWO_TENSORS], ids=["one tensor", "two tensors"])
def test_a_changed_byte_never_does_more_than_fail(sound: bytes, tmp_path: Path) -> None:
    """Each byte becomes each of those that mean something in JSON, or goes."""
    header, accepted = 8 + int.from_bytes(sound[:8], "little"), 0
    assert assert_refused_or_as_the_reference(sound, tmp_path / "sound")
    for place in range(len(sound)):
        for put in (*(bytes([byte]) for byte in MEANT_IN_JSON), b""):
            changed = sound[:place] + put + sound[place + 1 :]
            is_accepted = assert_refused_or_as_the_reference(changed, tmp_path / "a")
            assert is_accepted or place < header or not put  # no format could tell that a number has changed
            accepted += is_accepted and place < header
    assert accepted > len(MEANT_IN_JSON)  # such as names


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_changed_bytes_never_do_more_than_fail(data: st.DataObject) -> None:
    import tempfile

    content = bytearray(data.draw(st.sampled_from([ONE_ROW, TWO_TENSORS])))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(1, len(content))) :]
    with tempfile.TemporaryDirectory() as folder:
        assert_refused_or_as_the_reference(bytes(content), Path(folder) / "a")


def test_a_folder_or_nothing_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no such file"):
        SafetensorsFile(tmp_path / "missing")
    with pytest.raises(InvalidModelError, match="this is a folder, not a file"):
        SafetensorsFile(tmp_path)


def test_an_empty_tensor_where_another_begins(tmp_path: Path) -> None:
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    (tmp_path / "a").write_bytes(file_of({"x": entry, "y": empty}, b"8 bytes."))
    assert SafetensorsFile(tmp_path / "a").view("y").shape == (0,)


# Of https://github.com/huggingface/safetensors/blob/main/safetensors/src/tensor.rs: eight elements take so many bytes.
BYTES_OF_EIGHT = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip


@pytest.mark.parametrize("dtype", BYTES_OF_EIGHT)
def test_the_size_of_every_dtype(dtype: str, tmp_path: Path) -> None:
    size = BYTES_OF_EIGHT[dtype]
    (tmp_path / "a").write_bytes(file_of(tensor([8], [0, size], dtype), bytes(size)))
    assert SafetensorsFile(tmp_path / "a").tensors["x"] == TensorInfo(dtype, (8,), 0, size)
    for wrong in (size - 1, size + 1):
        (tmp_path / "a").write_bytes(file_of(tensor([8], [0, wrong], dtype), bytes(wrong)))
        with pytest.raises(InvalidModelError, match="does not match shape"):
            SafetensorsFile(tmp_path / "a")
