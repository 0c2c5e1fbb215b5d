"""Reads CSV and TSV files (RFC 4180). Each row is a record, and the first row names the columns."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from io import StringIO
from itertools import chain
from typing import Any, NamedTuple

from m2v_lite.errors import InputValueError
from m2v_lite.records.batches import USUAL_COLUMN, RecordBatch, as_bytes, nothing_yet
from m2v_lite.records.gathering import NOTHING_YET, Limits, Record, batches_of
from m2v_lite.records.policies import Policy, replaced
from m2v_lite.records.text_blocks import TextBlock

# Python's own limit for a field is 131,072 characters.
MOST_CHARACTERS = (1 << 31) - 1


class Dialect(NamedTuple):
    """How a file of columns is written.

    Attributes:
        delimiter: what is between two fields.
        has_header: whether the first row names the columns. Else their names are their numbers, from 1 up.
    """

    delimiter: str = ","
    has_header: bool = True


class CsvRows:
    """Rows of a table of texts. A row may have fewer fields than there are columns."""

    def __init__(self, header: Sequence[str], cells: list[list[str]]) -> None:
        self._header, self._cells = header, cells

    def part(self, start: int, stop: int) -> CsvRows:
        return CsvRows(self._header, self._cells[start:stop])

    def names(self) -> Sequence[Sequence[str]]:
        return [self._header]

    def json_objects(self) -> Sequence[str]:
        return [json.dumps(dict(zip(self._header, row, strict=False))) for row in self._cells]

    def columns(self) -> dict[str, Any]:
        return {
            name: [row[index] if index < len(row) else None for row in self._cells]
            for index, name in enumerate(self._header)
        }

    def content(self) -> bytes:
        columns = zlib.crc32(as_bytes(self._header))
        return as_bytes([part for row in self._cells for part in (f"{columns} {len(row)}", *row)])


def csv_batches(
    blocks: Iterator[TextBlock],
    path: str,
    column: str | None,
    dialect: Dialect,
    policy: Policy,
    limits: Limits,
) -> Iterator[RecordBatch]:
    """Yield a record for each row. Blank lines are left out.

    Args:
        blocks: the lines of the file, as they arrive.
        path: the name of the file.
        column: the column with the texts; None for the only one, or the one named "text".
        dialect: how the file is written.
        policy: what to do about bad bytes and rows without the column.
        limits: when a batch is full.

    Raises:
        InputValueError: the file has no such column, a row has more fields than the header, or the policy
            says so.
    """
    csv.field_size_limit(MOST_CHARACTERS)
    rows = _rows(blocks, dialect.delimiter, policy)
    for first in rows:
        if first is not NOTHING_YET:
            break
        yield nothing_yet(path)
    else:
        return
    cells, number, block, _ = first
    header = cells if dialect.has_header else [str(number + 1) for number in range(len(cells))]
    header = [_strict_name(name, block.place(number), block.encoding) for name in header]
    index = _index_of(column, header, block.place(number))
    names = _distinct(header)

    def records() -> Iterator[Record | None]:
        for row in rows if dialect.has_header else chain([first], rows):
            if row is NOTHING_YET:
                yield NOTHING_YET
                continue
            cells, number, block, is_clean = row
            if len(cells) > len(header):
                policy.broken(
                    partial(block.place, number),
                    f"{len(cells)} fields, but the first row has {len(header)}; quote fields that hold "
                    f"{dialect.delimiter!r}, give --delimiter, or give --errors skip",
                )
                continue
            if not is_clean:
                if (
                    policy.readable(
                        dialect.delimiter.join(cells), partial(block.place, number), block.encoding
                    )
                    is None
                ):
                    continue
                cells = [replaced(cell) for cell in cells]
            text = cells[index] if index < len(cells) else _missing(block, number, header[index], policy)
            if text is not None:
                yield text, cells, number, block

    yield from batches_of(records(), lambda cells: CsvRows(names, cells), path, "line", limits, _size)


# The fields of a row, the line and the block that it begins in, and whether it has no bad bytes.
_Row = tuple[list[str], int, TextBlock, bool]


def _rows(blocks: Iterator[TextBlock], delimiter: str, policy: Policy) -> Iterator[_Row | None]:
    """Yield the rows that are not blank, and `NOTHING_YET` before waiting."""
    begun: list[TextBlock] = []
    lines: list[str] = []  # of a row that is not complete
    number = 1
    tried = 0
    for block in blocks:
        if block.lines:
            begun.append(block)
            lines += _with_ends(block.text)
        # A long row is tried again only when there is twice as much of it, or no more has arrived.
        if len(lines) >= 2 * tried if block.lines else len(lines) > tried:
            lines, number = yield from _complete_rows(lines, number, begun, delimiter, policy)
            tried = len(lines)
            begun = [block for block in begun if lines and number < block.lines.stop]
        if not block.lines:
            yield NOTHING_YET
    if lines:
        lines, number = yield from _complete_rows(lines, number, begun, delimiter, policy)
    # Nothing closes the quote in the first line, so nothing closes one that a later line leaves open.
    for line in lines:
        while number >= begun[0].lines.stop:
            del begun[0]
        left, number = yield from _complete_rows([line], number, begun[:1], delimiter, policy)
        if left:
            policy.broken(
                partial(begun[0].place, number),
                "a field has an opening quote but no closing quote; fix this row, or skip it "
                "with --errors skip",
            )
            number += line.endswith("\n")


def _complete_rows(
    lines: list[str], number: int, blocks: list[TextBlock], delimiter: str, policy: Policy
) -> Generator[_Row, None, tuple[list[str], int]]:
    """Yield the complete rows of some lines. Return the lines of the last one, if it is not complete.

    Args:
        lines: the lines, with their ends.
        number: the number of the first one; that of the first one left is returned.
        blocks: where the lines come from.
        delimiter: what is between two fields.
        policy: what to do about rows that cannot be read.
    """
    has_ended = False

    def until_the_end() -> Iterator[str]:
        nonlocal has_ended
        yield from lines
        has_ended = True

    is_clean = all(block.is_clean for block in blocks)
    # For csv, a carriage return alone ends a line, too.
    are_lines = len(lines) == blocks[-1].lines.stop - number
    block = blocks[0]
    reader = csv.reader(until_the_end(), delimiter=delimiter)
    at = 0
    while True:
        cells: list[str] = []
        try:
            cells = next(reader)
        except StopIteration:
            return [], number
        except csv.Error as error:
            place = partial(_block_of(blocks, number).place, number)
            policy.broken(place, f"{error}; fix this row, or give --errors skip")
        else:
            if has_ended:  # csv has asked for a further line of this row
                return lines[at:], number
        if number >= block.lines.stop:
            block = _block_of(blocks, number)
        if cells:
            yield cells, number, block, is_clean
        end = reader.line_num
        number += end - at if are_lines else sum(line.endswith("\n") for line in lines[at:end])
        at = end


def _with_ends(text: str) -> list[str]:
    """Return lines with their ends, in the sense of `csv`."""
    if "\r" in text:
        return StringIO(text, newline="").readlines()
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


def _block_of(blocks: Sequence[TextBlock], number: int) -> TextBlock:
    return next(block for block in blocks if number in block.lines)


def _size(cells: list[str]) -> int:
    return sum(map(len, cells))


def _missing(block: TextBlock, number: int, name: str, policy: Policy) -> str | None:
    return policy.text(None, lambda: f"{block.place(number)}: no field in column {name!r}")


def _distinct(header: list[str]) -> list[str]:
    """Return names of columns in which none is twice.

    Examples:
        >>> _distinct(["a", "b", "a", "a_2", ""])
        ['a', 'b', 'a_3', 'a_2', '']
    """
    names: dict[str, None] = {}
    for name in header:
        number, other = 1, name
        while other in names or (number > 1 and other in header):
            number += 1
            other = f"{name}_{number}"
        names[other] = None
    return list(names)


def _strict_name(name: str, place: str, encoding: str) -> str:
    """Return the name of a column, which must be readable whatever the policy."""
    return Policy().readable(name, lambda: place, encoding) or ""


def _index_of(column: str | None, header: Sequence[str], place: str) -> int:
    """Return where the column with the texts is."""
    other = next((mark for mark in ";\t|" if len(header) == 1 and mark in header[0]), None)
    if column is None and len(header) == 1 and other is None:
        return 0
    wanted = USUAL_COLUMN if column is None else column
    if header.count(wanted) == 1:
        return header.index(wanted)
    wrong = (
        f"two columns are named {wanted!r};"
        if wanted in header
        else f"no column is named {wanted!r};"
        if column is not None
        else "which column holds the texts?"
    )
    remedy = f"give --delimiter {other!r}" if other else f"give --column; there are: {', '.join(header)}"
    raise InputValueError(f"{place}: {wrong} {remedy}")
