"""Reads JSON Lines files and JSON arrays. Each object is a record."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from m2v_lite.records.batches import USUAL_COLUMN, RecordBatch, as_bytes
from m2v_lite.records.byte_streams import ByteStream
from m2v_lite.records.gathering import NOTHING_YET, Limits, Record, batches_of
from m2v_lite.records.json_items import array_items
from m2v_lite.records.places import place_of
from m2v_lite.records.policies import SURROGATES, Policy
from m2v_lite.records.text_blocks import TextBlock

WHITESPACE = " \t\r\n"
SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
DECODER = json.JSONDecoder()
# How many names of fields an error lists.
MOST_NAMES = 20

# The JSON of an object on one line, and the object.
JsonRow = tuple[str, dict[str, Any]]


class JsonRows:
    """JSON objects."""

    def __init__(self, rows: list[JsonRow]) -> None:
        self._rows = rows

    def part(self, start: int, stop: int) -> JsonRows:
        return JsonRows(self._rows[start:stop])

    def names(self) -> Sequence[Sequence[str]]:
        return [list(fields) for _, fields in self._rows]

    def json_objects(self) -> Sequence[str]:
        return [line for line, _ in self._rows]

    def columns(self) -> dict[str, Any]:
        names = dict.fromkeys(name for _, fields in self._rows for name in fields)
        return {name: [fields.get(name) for _, fields in self._rows] for name in names}

    def content(self) -> bytes:
        return as_bytes([line for line, _ in self._rows])


def json_line_batches(
    blocks: Iterator[TextBlock], path: str, field: str | None, policy: Policy, limits: Limits
) -> Iterator[RecordBatch]:
    """Yield a record for each line, which is a JSON object. Blank lines are left out.

    Args:
        blocks: the lines of the file, as they arrive.
        path: the name of the file.
        field: the field with the text, such as "text" or "message.text"; None for "text".
        policy: what to do about bad bytes, broken lines and objects without the field.
        limits: when a batch is full.

    Raises:
        InputValueError: a line is not a JSON object, its field is not a text, or the policy says so.
    """
    name = USUAL_COLUMN if field is None else field

    def records() -> Iterator[Record | None]:
        for block in blocks:
            for number, line in zip(block.lines, block.split(), strict=True):
                here = partial(block.place, number)
                readable = line if block.is_clean else policy.readable(line, here, block.encoding)
                row = None if readable is None else _parsed(readable.strip(WHITESPACE), name, here, policy)
                text = None if row is None else text_of(row[1], name, policy, here)
                if text is not None:
                    yield text, row, number, block
            if not block.lines:
                yield NOTHING_YET

    yield from batches_of(records(), JsonRows, path, "line", limits, _size)


def json_array_batches(
    stream: ByteStream, field: str | None, policy: Policy, limits: Limits
) -> Iterator[RecordBatch]:
    """Yield a record for each object of a JSON array, which is read as a stream.

    Args:
        stream: the file.
        field, policy, limits: as for `json_line_batches`.

    Raises:
        InputValueError: the file is not such an array, a field is not a text, or the policy says so.
    """
    name = USUAL_COLUMN if field is None else field

    def records() -> Iterator[Record | None]:
        number = 0
        for item in array_items(stream):
            if item is None:
                yield NOTHING_YET
                continue
            number += 1
            here = partial(place_of, stream.name, "item", number)
            line = policy.readable(item[0], here, "utf-8")
            if line is None:
                continue
            if line == item[0]:
                row = _readable(item, name, here, policy)
            else:
                row = _parsed(line, name, here, policy)
            text = None if row is None else text_of(row[1], name, policy, here)
            if text is not None:
                yield text, row, number, None

    yield from batches_of(records(), JsonRows, stream.name, "item", limits, _size)


def text_of(fields: Any, name: str, policy: Policy, here: Callable[[], str]) -> str | None:
    """Return the text of a JSON object; None to leave the object out.

    Raises:
        InputValueError: it is not an object, the field is not a text, or the policy says so.

    Examples:
        >>> text_of({"a": {"b": "tea"}}, "a.b", Policy(), lambda: "line 1")
        'tea'
    """
    if not isinstance(fields, dict):
        policy.broken(
            here,
            'not a JSON object; each line, or each item of the array, must be one, such as {"text": "..."}',
        )
        return None
    value = _looked_up(fields, name)
    if isinstance(value, str):
        return value
    if value is not None:
        policy.broken(
            here,
            f"field {name!r} is {json.dumps(value)[:40]}, not a text; {_names(fields)}; or give "
            "--errors skip",
        )
        return None
    return policy.text(None, lambda: f"{here()}: field {name!r} is missing or null; {_names(fields)}")


def _parsed(line: str, name: str, here: Callable[[], str], policy: Policy) -> JsonRow | None:
    """Return a line and its value; None for a blank line, or to leave it out."""
    if not line:
        return None
    try:
        value, end = DECODER.raw_decode(line)
        if end < len(line):
            raise json.JSONDecodeError("Extra data", line, end)
    except (ValueError, RecursionError) as error:
        what = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else error
        policy.broken(here, f"not JSON ({what}); fix this line, or give --errors skip")
        return None
    return _readable((line, value), name, here, policy)


def _readable(row: JsonRow, name: str, here: Callable[[], str], policy: Policy) -> JsonRow | None:
    """Return a row whose text has no lone surrogates, which JSON can escape; None to leave it out.

    Other fields stay as they are.
    """
    line, fields = row
    if SURROGATE_ESCAPE.search(line) is None or not isinstance(fields, dict):
        return row
    text = _looked_up(fields, name)
    if not isinstance(text, str) or SURROGATES.search(text) is None:
        return row
    readable = policy.readable(json.dumps(fields, ensure_ascii=False), here, None)
    return None if readable is None else (readable, json.loads(readable))


def _size(row: JsonRow) -> int:
    return len(row[0])


def _looked_up(fields: dict[str, Any], name: str) -> Any:
    """Return a field, or the field of a field: "a.b" is the field "b" of "a", unless one is named "a.b"."""
    if name in fields:
        return fields[name]
    first, _, rest = name.partition(".")
    inner = fields.get(first) if rest else None
    return _looked_up(inner, rest) if isinstance(inner, dict) else None


def _names(fields: dict[str, Any]) -> str:
    found = ", ".join(islice(_of_texts(fields), MOST_NAMES))
    return f"give --column with the name of a field; fields with texts: {found or 'none'}"


def _of_texts(fields: dict[str, Any]) -> Iterator[str]:
    """Yield the names of fields that hold texts, and then of those in other fields."""
    objects = deque([("", fields)])
    while objects:
        prefix, fields = objects.popleft()
        for key, value in fields.items():
            if isinstance(value, str):
                yield prefix + key
            elif isinstance(value, dict):
                objects.append((f"{prefix}{key}.", value))
