"""The lines of a file -> records with one text each, as a stream."""

from __future__ import annotations

import codecs
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import BinaryIO

from m2v_lite.arguments import check_unicode
from m2v_lite.errors import InputValueError


@dataclass(frozen=True)
class Record:
    """A text and what came with it.

    Attributes:
        text: the text to encode.
        json: the JSON object that holds the text, on one line.
        fields: the names of the object's fields.
        place: where the text was read, for error messages.
    """

    text: str
    json: str
    fields: Collection[str]
    place: str


def text_records(texts: Iterable[str], places: Iterable[str]) -> Iterator[Record]:
    """Make a record of each text.

    Raises:
        InputValueError: a text is not valid Unicode.
    """
    for text, place in zip(texts, places, strict=False):
        check_unicode(text, place)
        yield Record(text, json.dumps({"text": text}), ("text",), place)


def line_records(file: BinaryIO, place: str) -> Iterator[Record]:
    """Make a record of each line, without its line end. An empty line is an empty text.

    Args:
        file: UTF-8, with or without a byte order mark.
        place: the name of the file, for error messages.

    Raises:
        InputValueError: a line is not UTF-8.
    """
    places = (f"{place}, line {number}" for number in count(1))
    return text_records((line for _, line in _lines(file, place)), places)


def json_records(file: BinaryIO, place: str, field: str) -> Iterator[Record]:
    """Make a record of each JSON line, an object whose `field` is a text. Skip blank lines.

    Raises:
        InputValueError: a line is not such an object.
    """
    for line_place, line in _lines(file, place):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputValueError(f"{line_place}: not JSON ({error}); fix this line") from error
        if not isinstance(fields, dict):
            raise InputValueError(
                f"{line_place}: not a JSON object; with --field, each line must hold one object (JSON Lines)"
            )
        if not isinstance(fields.get(field), str):
            found = ", ".join(key for key, value in fields.items() if isinstance(value, str))
            raise InputValueError(
                f"{line_place}: field {field!r} is missing or not a text; fields with texts: "
                f"{found or 'none'}"
            )
        check_unicode(fields[field], line_place)
        yield Record(fields[field], line.strip(), fields, line_place)


def _lines(file: BinaryIO, place: str) -> Iterator[tuple[str, str]]:
    """Yield the place and the content of each line."""
    for number, line in enumerate(file, start=1):
        if number == 1 and line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise InputValueError(f"{place}: this is UTF-16; convert it first: iconv -f UTF-16 -t UTF-8")
        line_place = f"{place}, line {number}"
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputValueError(
                f"{line_place}: not UTF-8 at byte {error.start} of the line; convert the file first, for "
                "example from Latin-1 with: iconv -f LATIN1 -t UTF-8"
            ) from error
        yield line_place, text.removesuffix("\n").removesuffix("\r")
