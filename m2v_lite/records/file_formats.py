"""Detects the format and compression of a file from its name and first bytes, or that it is not text."""

from __future__ import annotations

import codecs
import os

from m2v_lite.errors import InputValueError

# The name that stands for standard input or output.
STANDARD_STREAM = "-"
FORMATS = ("text", "csv", "tsv", "json", "jsonl", "parquet", "arrow")
SUFFIXES = {
    ".txt": "text", ".text": "text", ".md": "text", ".rst": "text", ".log": "text",
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv",
    ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
    ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow", ".arrows": "arrow",
}  # fmt: skip
COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
# So much of each that no text begins so: a name may begin with BZh, and a word with PAR1. bzip2 has a level
# from 1 to 9, and then a block or, if it is empty, the end; Parquet has a structure of Thrift.
BZIP2 = [b"BZh%d" % level + rest for level in range(1, 10) for rest in (b"1AY&SY", b"\x17rE8P\x90")]
COMPRESSIONS = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    **dict.fromkeys(BZIP2, "bzip2"),
}
COLUMNAR = {b"PAR1\x15": "parquet", b"ARROW1\0\0": "arrow", b"\xff\xff\xff\xff": "arrow"}
# What people give by mistake (https://en.wikipedia.org/wiki/List_of_file_signatures).
OTHERS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF-": "a PDF document",
    b"\x7fELF": "an executable",
    b"MZ": "an executable",
    b"\xcf\xfa\xed\xfe": "an executable",
    b"\xca\xfe\xba\xbe": "an executable",
    b"PK\x03\x04": "a ZIP archive, such as a .docx or .xlsx file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"SQLite format 3\0": "an SQLite database",
    b"\x93NUMPY": "an array of numpy",
    b"RIFF": "an image, audio or video file",
    b"OggS": "an audio or video file",
    b"ID3": "an audio file",
    b"\xd0\xcf\x11\xe0": "an old Office document",
}
# UTF-16-LE begins like UTF-32-LE, so it comes after it.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
KNOWN_MAGIC = (*COMPRESSIONS, *COLUMNAR, *(mark for mark, _ in MARKS))
LONGEST_MAGIC = max(map(len, KNOWN_MAGIC))
LOOKED_AT = 8192
FEW = 16  # one byte of zero among so many may be text


class NotTextError(InputValueError):
    """A file holds something else than text."""


def format_by_name(path: str) -> str | None:
    """Return the format that the suffix of a file stands for, or None.

    Examples:
        >>> format_by_name("a/notes.CSV.gz"), format_by_name("notes")
        ('csv', None)
    """
    stem, suffix = os.path.splitext(path.lower())
    if suffix in COMPRESSED_SUFFIXES:
        suffix = os.path.splitext(stem)[1]
    return SUFFIXES.get(suffix)


def columnar_format(head: bytes) -> str | None:
    """Return "parquet" or "arrow" if a file that begins so has that format."""
    return next((name for magic, name in COLUMNAR.items() if head.startswith(magic)), None)


def compression_of(head: bytes) -> str:
    """Return the name of the compression of a file that begins so, or "".

    Examples:
        >>> import gzip
        >>> compression_of(gzip.compress(b"")), compression_of(b"text")
        ('gzip', '')
    """
    return next((name for magic, name in COMPRESSIONS.items() if head.startswith(magic)), "")


def may_begin_magic(head: bytes) -> bool:
    """Return whether more bytes are needed to tell what begins so."""
    return len(head) < LONGEST_MAGIC and any(
        magic.startswith(head) and magic != head for magic in KNOWN_MAGIC
    )


def marked_encoding(head: bytes) -> tuple[str | None, int]:
    """Return the encoding that a byte order mark stands for, or None, and the length of the mark.

    Examples:
        >>> marked_encoding("é".encode("utf-8-sig")), marked_encoding(b"e")
        (('utf-8', 3), (None, 0))
    """
    return next(((name, len(mark)) for mark, name in MARKS if head.startswith(mark)), (None, 0))


def check_text(head: bytes, name: str, encoding: str) -> None:
    """Check that what begins so may be text.

    Raises:
        NotTextError: it is something else, which is named.

    Examples:
        >>> check_text(b"\\x89PNG\\r\\n", "a.csv", "utf-8")
        Traceback (most recent call last):
        m2v_lite.records.file_formats.NotTextError: a.csv: this is a PNG image, not text
    """
    start = head[:LOOKED_AT]
    zeros = start.count(b"\0")
    for magic, what in OTHERS.items():
        # A text may begin with letters such as MZ.
        if head.startswith(magic) and (zeros or not magic.isalnum()):
            raise NotTextError(f"{name}: this is {what}, not text")
    if not zeros or encoding.startswith(("utf-16", "utf-32")):
        return
    # A log may hold some where a machine lost its power.
    if zeros * FEW > len(start) or (encoding == "utf-8" and not _is_utf8(start)):
        raise NotTextError(
            f"{name}: this is not text, because it holds null bytes; if it is UTF-16, give --encoding utf-16"
        )


def _is_utf8(start: bytes) -> bool:
    """Return whether bytes are UTF-8, perhaps cut in the middle of a character."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return True
