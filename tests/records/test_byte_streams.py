"""Bytes arrive decompressed, as soon as they are there."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from arriving import LATER, Pieces, opened, stream_of

from m2v_lite.errors import InputValueError, MissingPackageError
from m2v_lite.records.byte_streams import ArrivingBytes, ByteStream


def zstd(data: bytes) -> bytes:
    zstandard = pytest.importorskip("zstandard")
    return bytes(zstandard.ZstdCompressor().compress(data))


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
}


def read_all(stream: ByteStream) -> bytes:
    return b"".join(iter(stream.read, b""))


@pytest.mark.parametrize("kind", COMPRESSORS)
@pytest.mark.parametrize("size", [1, 3, 1000, 1 << 20])
def test_members_after_one_another_are_one_text(kind: str, size: int) -> None:
    compress = COMPRESSORS[kind]
    parts = [random.Random(1).randbytes(3000), b"", b"a" * 700_000, b"end"]
    data = b"".join(map(compress, parts)) + bytes(8)
    stream = stream_of(*(data[start : start + size] for start in range(0, len(data), size)))
    assert stream.compression == kind
    assert read_all(stream) == b"".join(parts)


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_any_end_that_comes_too_soon_is_told(kind: str) -> None:
    data = COMPRESSORS[kind](b"one\n") + COMPRESSORS[kind](random.Random(2).randbytes(200))
    whole = len(COMPRESSORS[kind](b"one\n"))
    for end in range(12, len(data)):
        stream = stream_of(data[:end])
        if end == whole:
            assert read_all(stream) == b"one\n"
            continue
        with pytest.raises(InputValueError, match=rf"^a: damaged {kind} data \(.*\); get the file again$"):
            read_all(stream)


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_what_is_no_member_is_damage(kind: str) -> None:
    data = COMPRESSORS[kind](b"one\n")
    stream = stream_of(data + b"no such thing, in any format")
    assert stream.read() == b"one\n"
    with pytest.raises(InputValueError, match=f"damaged {kind} data"):
        read_all(stream)


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_a_changed_byte_is_told_also_in_a_later_member(kind: str) -> None:
    first, later = COMPRESSORS[kind](b"one\n"), bytearray(COMPRESSORS[kind](b"two, three, four\n" * 9))
    later[len(later) // 2] ^= 0xFF
    with pytest.raises(InputValueError, match=f"damaged {kind} data"):
        read_all(stream_of(first + later))


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_what_grows_much_is_decompressed_in_parts(kind: str) -> None:
    stream = stream_of(COMPRESSORS[kind](bytes(1 << 26)))
    sizes = [len(block) for block in iter(stream.read, b"")]
    assert sum(sizes) == 1 << 26
    assert max(sizes) <= 1 << 25


def test_without_zstandard_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    with pytest.raises(
        MissingPackageError, match=r"^a: zstd needs the package zstandard; install it with: pip"
    ):
        stream_of(b"\x28\xb5\x2f\xfd....")


def test_what_has_arrived_is_returned_before_more_is_waited_for() -> None:
    stream = stream_of(b"one\ntw", LATER, b"o\n")
    assert stream.read() == b"one\ntw"
    assert not stream.is_ready()
    assert stream.read() == b"o\n"


def test_what_has_arrived_compressed_is_returned_before_more_is_waited_for() -> None:
    stream = stream_of(gzip.compress(b"one\n")[:-3], LATER, gzip.compress(b"one\n")[-3:])
    assert stream.read() == b"one\n"
    assert not stream.is_ready()
    assert stream.read() == b""


def test_what_came_before_an_error_is_returned_first() -> None:
    stream = stream_of(b"one\n", b"two\n", OSError(5, "broken"), b"three\n")
    assert stream.read() == b"one\ntwo\n"
    assert stream.is_ready()
    with pytest.raises(OSError, match="broken"):
        stream.read()


def test_to_look_takes_nothing_and_sees_enough() -> None:
    mark = gzip.compress(b"\xef") + gzip.compress(b"\xbb\xbfone\n")
    stream = stream_of(*(mark[at : at + 1] for at in range(len(mark))))
    assert stream.peek().startswith(b"\xef\xbb\xbf")
    assert read_all(stream) == b"\xef\xbb\xbfone\n"


def test_the_end_of_a_terminal_is_asked_for_once() -> None:
    ends = 0

    class Terminal(ArrivingBytes):
        def __init__(self) -> None:
            self.is_file = False

        def is_ready(self) -> bool:
            return True

        def read(self, size: int) -> bytes:
            nonlocal ends
            ends += 1
            return b""

    stream = ByteStream(Terminal(), "a")
    assert (stream.peek(), stream.read(), stream.read(), ends) == (b"", b"", b"", 1)


def test_a_pipe_is_waited_for_and_counted() -> None:
    reader, writer = os.pipe()
    waited: list[int] = []
    try:
        raw = ArrivingBytes(reader, waited.append)
        assert not raw.is_ready()
        os.write(writer, b"one\n")
        assert raw.is_ready()
        stream = ByteStream(raw, "a")
        assert (stream.read(), raw.position) == (b"one\n", 4)
        assert not stream.is_ready()
        os.close(writer)
        assert stream.is_ready()
        assert stream.read() == b""
        assert set(waited) == {reader}
    finally:
        os.close(reader)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_file_may_be_read_in_any_order(tmp_path: Path, compress: type[bytes]) -> None:
    data = random.Random(3).randbytes(600_000)
    (tmp_path / "a").write_bytes(compress(data))
    with opened(tmp_path / "a") as stream:
        stream.peek()
        with stream.seekable() as file:
            assert file.read() == data
            file.seek(1000)
            assert file.read(10) == data[1000:1010]
        assert stream.raw.position == (tmp_path / "a").stat().st_size
        assert os.fstat(stream.raw.descriptor)


def test_a_pipe_and_the_rest_of_a_file_are_copied(tmp_path: Path) -> None:
    with stream_of(b"PAR1", LATER, b"more").seekable() as file:
        assert file.read() == b"PAR1more"
    (tmp_path / "a").write_bytes(b"first\nrest")
    descriptor = os.open(tmp_path / "a", os.O_RDONLY)
    try:
        os.read(descriptor, 6)
        with ByteStream(ArrivingBytes(descriptor), "a").seekable() as file:
            assert file.read() == b"rest"
    finally:
        os.close(descriptor)


def test_compressed_bytes_that_stand_for_nothing_yet_are_not_waited_on() -> None:
    one = gzip.compress(b"one\n")
    raw = Pieces([one, one[:5], LATER, one[5:]])
    stream = ByteStream(raw, "a")
    assert stream.read() == b"one\n"
    assert raw.pieces[0] is LATER
    assert not stream.is_ready()
    assert list(stream.pieces()) == [b"", b"one\n"]


def test_what_can_be_had_without_waiting_is_not_kept_back() -> None:
    """Pieces that stand for nothing are read, and told of as a wait only where one is needed."""
    one = gzip.compress(b"one\n")
    stream = stream_of(one, one[:5], one[5:9], LATER, one[9:], LATER, OSError(5, "broken"))
    pieces = stream.pieces()
    assert [next(pieces) for _ in range(4)] == [b"one\n", b"", b"one\n", b""]
    with pytest.raises(OSError, match="broken"):
        next(pieces)
