"""Reads the bytes of files and pipes as they arrive, and decompresses them."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO

from m2v_lite.errors import InputValueError
from m2v_lite.records.decompression import Decompressor
from m2v_lite.records.file_formats import compression_of, may_begin_magic

# What is read at once, unless less has arrived.
BLOCK_BYTES = 1 << 18
COMPRESSED_BYTES = 1 << 16

# Waits until a descriptor can be read.
Wait = Callable[[int], object]


class ArrivingBytes:
    """A descriptor that gives what has arrived, and counts it.

    Args:
        descriptor: of a file, a pipe or a terminal; it stays open.
        wait: called before bytes are read, to wait until there are some. It may raise; then nothing is lost.

    Attributes:
        position: how many bytes have been read.
        descriptor: the descriptor.
        is_file: whether it is a file, whose bytes are all there.
    """

    def __init__(self, descriptor: int, wait: Wait | None = None) -> None:
        self.descriptor = descriptor
        self.position = 0
        self._wait = wait
        self.is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._read = partial(os.read, descriptor)
        if sys.platform == "win32" and os.isatty(descriptor):
            # This gives what is typed in UTF-8, and `os.read` gives it in the console's own encoding.
            self._read = open(descriptor, "rb", buffering=0, closefd=False).read  # noqa: SIM115

    def is_ready(self) -> bool:
        """Return whether bytes, or the end, can be read without waiting."""
        if self.is_file:
            return True
        if sys.platform == "win32":
            return False  # cannot be told there; so whatever has come is taken to be all for now
        return bool(select.select([self.descriptor], [], [], 0)[0])

    def read(self, size: int) -> bytes:
        """Return at most so many bytes; b"" at the end. Wait if there are none."""
        if self._wait is not None:
            self._wait(self.descriptor)
        part = self._read(size)
        self.position += len(part)
        return part


class ByteStream:
    """The bytes of one input, decompressed, as they arrive.

    Args:
        raw: the bytes as they are.
        name: the name of the input, for errors.

    Attributes:
        compression: "" or the name of the format that the bytes are compressed with.
        raw: the bytes as they are.
        name: the name of the input.

    Raises:
        InputValueError: the compressed bytes are damaged.
        MissingPackageError: the package that decompresses them is missing.
    """

    def __init__(self, raw: ArrivingBytes, name: str) -> None:
        self.raw, self.name = raw, name
        self._failure: BaseException | None = None
        self._decompressor: Decompressor | None = None
        head = raw.read(BLOCK_BYTES)
        self._has_ended = not head  # a terminal would be asked for more
        while head and may_begin_magic(head) and (more := raw.read(BLOCK_BYTES)):
            head += more
        self.compression = compression_of(head)
        self._put_back = b"" if self.compression else head
        if self.compression:
            self._decompressor = Decompressor(self.compression, name)
            self._decompressor.feed(head)

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes as they arrive, and b"" before waiting for more."""
        while True:
            if not self.is_ready():
                yield b""
            if not (piece := self.read()):
                return
            yield piece

    def is_ready(self) -> bool:
        """Return whether more, or the end, can be had without waiting. This reads what has arrived."""
        return self._get_next(may_wait=False)

    def read(self) -> bytes:
        """Return what has arrived, about `BLOCK_BYTES` of it at most; b"" at the end.

        It waits only for the first byte. What came before an error is returned first.
        """
        block = b""
        while len(block) < BLOCK_BYTES and self._get_next(may_wait=not block):
            if self._put_back:
                block, self._put_back = block + self._put_back if block else self._put_back, b""
            elif self._failure is None or block:
                break
            else:
                failure, self._failure = self._failure, None
                raise failure
        return block

    def peek(self) -> bytes:
        """Return what `read` will return first, without taking it: enough to tell what begins so."""
        head = self._put_back or self.read()
        while head and may_begin_magic(head) and (more := self.read()):
            head += more
        self._put_back = head
        return head

    @contextmanager
    def seekable(self) -> Iterator[IO[bytes]]:
        """Yield all bytes as a file that can be read in any order; nothing may have been read before.

        A file that is not compressed is given as it is, and anything else is copied to a temporary file.
        """
        raw = self.raw
        if raw.is_file and not self.compression and os.lseek(raw.descriptor, 0, os.SEEK_CUR) == raw.position:
            with open(raw.descriptor, "rb", closefd=False) as file:
                file.seek(0)
                yield file
                raw.position = os.fstat(raw.descriptor).st_size
            return
        from tempfile import TemporaryFile  # takes time to import

        with TemporaryFile() as copy:
            while block := self.read():
                copy.write(block)
            copy.seek(0)
            yield copy

    def _get_next(self, may_wait: bool) -> bool:
        """Get the bytes that come next, or else the end or a failure. Return whether one of them is there."""
        try:
            while not (self._put_back or self._has_ended or self._failure is not None):
                if self._decompressor is not None and (part := self._decompressor.part(BLOCK_BYTES)):
                    self._put_back = part
                elif may_wait or self.raw.is_ready():
                    self._take(self.raw.read(BLOCK_BYTES if self._decompressor is None else COMPRESSED_BYTES))
                else:
                    return False
        except BaseException as error:  # in its place, when it is read
            self._failure = error
        return True

    def _take(self, data: bytes) -> None:
        """Take the bytes that were read; b"" at the end."""
        if self._decompressor is None:
            self._put_back, self._has_ended = data, not data
        elif data:
            self._decompressor.feed(data)
        elif self._decompressor.is_complete:
            self._has_ended = True
        else:
            raise InputValueError(
                f"{self.name}: damaged {self.compression} data (the data ends too soon, after byte "
                f"{self.raw.position}); get the file again"
            )
