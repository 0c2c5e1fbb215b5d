"""Decodes bytes as they arrive, and splits the text into blocks of complete lines.

A byte that is invalid in the encoding is kept as a lone surrogate, U+DC00 plus the value of the byte, much as
in Python's `surrogateescape` (PEP 383). Each further byte of the same error is U+DD00 plus its value, so that
one character can replace all of them. The code that takes lines from a block decides what to do with them;
see `policies`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from m2v_lite.records.byte_streams import ByteStream
from m2v_lite.records.file_formats import check_text, marked_encoding
from m2v_lite.records.places import place_of

KEEP_BYTES = "m2v_lite.keep_bytes"
KEPT_BYTE = re.compile("[\udc00-\uddff]")
# Encodings that begin with a mark, and what they are when there is none.
WITHOUT_MARK = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


class TextBlock(NamedTuple):
    """Some whole lines of a file, one after the other; none where the next have not arrived.

    Attributes:
        text: the lines, each with its end; the last of the file may lack one.
        lines: their numbers, from 1 up.
        offset: how many bytes are before them, after decompression.
        encoding: the encoding of the file, in Python's spelling.
        path: the name of the file.
        is_clean: whether no byte is outside the encoding.
    """

    text: str
    lines: range
    offset: int
    encoding: str
    path: str
    is_clean: bool

    def split(self) -> list[str]:
        """Return the lines without their ends."""
        lines = self.text.split("\n")
        if not lines[-1]:
            lines.pop()
        if "\r" in self.text:
            lines = [line.removesuffix("\r") for line in lines]
        return lines

    def place(self, number: int) -> str:
        """Return the place of a line: its number, and how many bytes are before it."""
        start = 0
        for _ in range(number - self.lines.start):
            start = self.text.index("\n", start) + 1
        offset = self.offset + _size(self.text[:start], self.encoding)
        return f"{place_of(self.path, 'line', number)} (byte {offset})"


def text_blocks(stream: ByteStream, encoding: str | None, sniff: bool = True) -> Iterator[TextBlock]:
    """Yield the lines of a stream, as many at a time as have arrived, and a block of none before waiting.

    A byte order mark tells the encoding, and is left out. A line ends with a line feed, perhaps with a
    carriage return before it. Part of a line is kept until the rest has come.

    Args:
        stream: the bytes.
        encoding: the encoding if there is no byte order mark; None for UTF-8.
        sniff: whether to refuse what does not look like text.

    Raises:
        InputValueError: it is not text.
    """
    encoding, mark_length = encoding_of(stream, encoding, sniff)
    decode = _utf8_lines if encoding == "utf-8" else _other_lines
    first, offset = 1, mark_length
    for text, is_clean, size in decode(stream, encoding, mark_length):
        lines = range(first, first + text.count("\n") + bool(text and text[-1] != "\n"))
        yield TextBlock(text, lines, offset, encoding, stream.name, is_clean)
        first, offset = lines.stop, offset + size


def encoding_of(stream: ByteStream, encoding: str | None, sniff: bool = True) -> tuple[str, int]:
    """Return the encoding of a stream that has not been read yet, and the length of its byte order mark.

    Args:
        stream, encoding, sniff: as for `text_blocks`.

    Raises:
        InputValueError: it is not text.
    """
    head = stream.peek()
    marked, mark_length = marked_encoding(head)
    encoding = codecs.lookup(marked or encoding or "utf-8").name
    encoding = WITHOUT_MARK.get(encoding, encoding)
    if sniff:
        check_text(head, stream.name, encoding)
    return encoding, mark_length


def text_pieces(stream: ByteStream, encoding: str, skip: int) -> Iterator[str]:
    """Yield the text of a stream as it arrives, wherever it is cut, and "" before waiting for more.

    Args:
        stream: the bytes.
        encoding: their encoding.
        skip: how many bytes to leave out first.
    """
    decoder = codecs.getincrementaldecoder(encoding)(KEEP_BYTES)
    for block in stream.pieces():
        text = decoder.decode(block[skip:])
        skip = max(0, skip - len(block))
        if text or not block:
            yield text
    if text := decoder.decode(b"", final=True):
        yield text


def _utf8_lines(stream: ByteStream, encoding: str, skip: int) -> Iterator[tuple[str, bool, int]]:
    """Yield whole lines, whether all their bytes are UTF-8, and how many bytes they are.

    Before waiting for more, none are yielded.
    """
    pieces: list[bytes] = []  # of a line whose end has not come
    for block in stream.pieces():
        if not block:
            yield "", True, 0
        block, skip = block[skip:], max(0, skip - len(block))
        end = block.rfind(b"\n") + 1
        if end:
            pieces.append(block[:end])
            yield _decoded(b"".join(pieces))
            pieces = []
        if end < len(block):
            pieces.append(block[end:])
    if pieces:
        yield _decoded(b"".join(pieces))


def _decoded(lines: bytes) -> tuple[str, bool, int]:
    try:
        return lines.decode(), True, len(lines)
    except UnicodeDecodeError:
        return lines.decode("utf-8", KEEP_BYTES), False, len(lines)


def _other_lines(stream: ByteStream, encoding: str, skip: int) -> Iterator[tuple[str, bool, int]]:
    """Yield whole lines as `_utf8_lines` does. Line feeds are looked for in the decoded text."""
    pieces: list[str] = []
    for piece in text_pieces(stream, encoding, skip):
        if not piece:
            yield "", True, 0
        end = piece.rfind("\n") + 1
        if end:
            pieces.append(piece[:end])
            yield _measured("".join(pieces), encoding)
            pieces = []
        if end < len(piece):
            pieces.append(piece[end:])
    if pieces:
        yield _measured("".join(pieces), encoding)


def _measured(text: str, encoding: str) -> tuple[str, bool, int]:
    try:
        text.encode()
    except UnicodeEncodeError:  # it holds surrogates
        return text, False, _size(text, encoding)
    return text, True, _size(text, encoding)


def _size(text: str, encoding: str) -> int:
    """Return how many bytes a text is in its file."""
    without, kept = KEPT_BYTE.subn("", text)
    return len(without.encode(encoding, "replace")) + kept


def check_encoding(name: str) -> str | None:
    """Return what is wrong with the name of an encoding, or None.

    Examples:
        >>> check_encoding("latin-1"), check_encoding("utf-9")
        (None, "there is no encoding 'utf-9'; give one such as utf-8, utf-16, latin-1, cp1252 or shift_jis")
    """
    try:
        is_text = codecs.lookup(name)._is_text_encoding
        codecs.getincrementaldecoder(name)(KEEP_BYTES).decode(b"\n" if is_text else b"")
    except (LookupError, ValueError, TypeError, AssertionError):
        is_text = False  # there are some that know no way to go on after an error
    if not is_text:
        return (
            f"there is no encoding {name!r:.40}; give one such as utf-8, utf-16, latin-1, cp1252 or shift_jis"
        )
    return None


def _keep_bytes(error: UnicodeError) -> tuple[str, int]:
    """Keep the bytes that cannot be decoded."""
    assert isinstance(error, UnicodeDecodeError)
    first, *further = error.object[error.start : error.end]
    return chr(0xDC00 + first) + "".join(chr(0xDD00 + byte) for byte in further), error.end


codecs.register_error(KEEP_BYTES, _keep_bytes)
