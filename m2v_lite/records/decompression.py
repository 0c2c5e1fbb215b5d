"""Decompresses bytes, a limited amount at a time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from m2v_lite.errors import InputValueError, MissingPackageError

# How much zstandard decompresses at once. It has no limit of its own, and a byte may stand for 32 KiB.
ZSTANDARD_BYTES = 1 << 10


class Decompressor:
    """Decompresses members that follow one another, as gzip, bzip2, xz and zstd write them.

    Bytes of zero after a member are taken for padding. Anything else that is no member is damage, which the
    modules of Python would pass over.

    Args:
        compression: the name of the format, as `file_formats.compression_of` tells it.
        name: the name of the input, for errors.

    Raises:
        MissingPackageError: the package for it is missing.

    Examples:
        >>> import gzip
        >>> decompressor = Decompressor("gzip", "a.gz")
        >>> decompressor.feed(gzip.compress(b"green ") + gzip.compress(b"tea"))
        >>> decompressor.part(100), decompressor.part(100), decompressor.part(100)
        (b'green ', b'tea', b'')
    """

    def __init__(self, compression: str, name: str) -> None:
        self._compression, self._name = compression, name
        self._new = _members(compression, name)
        self._member: Any = None
        self._rest = b""

    @property
    def is_complete(self) -> bool:
        """Whether the bytes so far are whole members."""
        return self._member is None and not self._rest

    def feed(self, data: bytes) -> None:
        """Take further bytes."""
        self._rest = self._rest + data if self._rest else data

    def part(self, size: int) -> bytes:
        """Return at most so many bytes; b"" if more must be fed first.

        Raises:
            InputValueError: the data are damaged.
        """
        while True:
            if self._member is None:
                self._rest = self._rest.lstrip(b"\0")
                if not self._rest:
                    return b""
                self._member = self._new()
            try:
                part: bytes = self._member.decompress(self._rest, size)
            except MemoryError:
                raise
            except Exception as error:  # those of the four have no common class
                raise InputValueError(
                    f"{self._name}: damaged {self._compression} data ({error}); get the file again"
                ) from error
            self._rest = getattr(self._member, "unconsumed_tail", b"")
            if self._member.eof:
                self._rest, self._member = self._member.unused_data, None
            if part or not self._rest:
                return part


class _ZstandardMember:
    """What `compression.zstd` has from Python 3.14 on, with the package zstandard."""

    def __init__(self) -> None:
        import zstandard

        self._decompress = zstandard.ZstdDecompressor().decompressobj()
        self.unconsumed_tail = self.unused_data = b""
        self.eof = False

    def decompress(self, data: bytes, size: int) -> bytes:
        part: bytes = self._decompress.decompress(data[:ZSTANDARD_BYTES])
        rest = data[ZSTANDARD_BYTES:]
        self.eof = self._decompress.eof
        if self.eof:
            self.unused_data = self._decompress.unused_data + rest
        else:
            self.unconsumed_tail = rest
        return part


def _members(compression: str, name: str) -> Callable[[], Any]:
    """Return what makes an object that decompresses one member."""
    if compression == "gzip":
        import zlib

        return lambda: zlib.decompressobj(16 + zlib.MAX_WBITS)
    if compression == "bzip2":
        import bz2

        return bz2.BZ2Decompressor
    if compression == "xz":
        import lzma

        return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ)
    try:
        if sys.version_info >= (3, 14):
            from compression.zstd import ZstdDecompressor

            return ZstdDecompressor
        import zstandard  # noqa: F401
    except ImportError:
        raise MissingPackageError(
            f"{name}: zstd needs the package zstandard; install it with: pip install 'm2v-lite[files]'"
        ) from None
    return _ZstandardMember
