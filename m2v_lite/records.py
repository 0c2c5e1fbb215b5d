"""Lines of a file -> records with a text each, as a stream that never holds more than a batch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from m2v_lite.errors import InputValueError
from m2v_lite.texts import BATCH_CHARACTERS

BATCH_RECORDS = 1024


@dataclass(frozen=True)
class Record:
    """A text and what came with it: the fields of its JSON line, or the text alone."""

    text: str
    fields: dict[str, Any]


def text_records(texts: Iterable[str]) -> Iterator[Record]:
    """Make a record of each text."""
    return (Record(text, {"text": text}) for text in texts)


def line_records(file: BinaryIO, place: str) -> Iterator[Record]:
    """Make a record of each line, without its line end. An empty line is an empty text.

    Args:
        file: UTF-8, with or without a byte order mark.
        place: what to name in an error.

    Raises:
        InputValueError: a line is not UTF-8.
    """
    return text_records(line for _, line in _numbered_lines(file, place))


def json_records(file: BinaryIO, place: str, field: str) -> Iterator[Record]:
    """Make a record of each JSON line, an object whose `field` is a text. Blank lines are passed over.

    Raises:
        InputValueError: a line is not such an object.
    """
    for number, line in _numbered_lines(file, place):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputValueError(f"{place}, line {number}: not JSON ({error}); mend this line") from error
        if not isinstance(fields, dict):
            raise InputValueError(f"{place}, line {number}: not a JSON object; mend this line")
        if not isinstance(fields.get(field), str):
            found = ", ".join(key for key, value in fields.items() if isinstance(value, str))
            raise InputValueError(
                f"{place}, line {number}: field {field!r} is not there or not a text; fields with "
                f"texts: {found or 'none'}"
            )
        yield Record(fields[field], fields)


def record_batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Gather records into batches of a bounded number and about a bounded number of characters."""
    batch: list[Record] = []
    characters = 0
    for record in records:
        batch.append(record)
        characters += len(record.text)
        if len(batch) == BATCH_RECORDS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _numbered_lines(file: BinaryIO, place: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(file, start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputValueError(
                f"{place}, line {number}: not UTF-8 at byte {error.start} of the line; convert the file "
                "first, for example with: iconv -f LATIN1 -t UTF-8"
            ) from error
        yield number, text.removesuffix("\n").removesuffix("\r")
