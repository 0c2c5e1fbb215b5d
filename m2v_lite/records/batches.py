"""Defines a batch: up to a few thousand texts, with all other data of their records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple, Protocol

from m2v_lite.records.places import Places

# The column with the texts, where nobody has named another.
USUAL_COLUMN = "text"


class Rows(Protocol):
    """What came with the texts of a batch, in the form of its file."""

    def part(self, start: int, stop: int) -> Rows:
        """Return the rows from one to before another."""
        ...

    def names(self) -> Sequence[Sequence[str]]:
        """Return the names of the columns: of each row, or of all rows at once."""
        ...

    def json_objects(self) -> Sequence[str]:
        """Return each row as a JSON object on one line."""
        ...

    def columns(self) -> dict[str, Any]:
        """Return the values of each column; a list, or an array of pyarrow."""
        ...

    def content(self) -> bytes:
        """Return bytes that are others if the rows are others, however they are divided into batches."""
        ...


class TextRows:
    """Texts that came alone.

    Examples:
        >>> TextRows(["tea", "œ"]).json_objects()
        ['{"text": "tea"}', '{"text": "\\\\u0153"}']
    """

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts

    def part(self, start: int, stop: int) -> TextRows:
        return TextRows(self._texts[start:stop])

    def names(self) -> Sequence[Sequence[str]]:
        return [[USUAL_COLUMN]]

    def json_objects(self) -> Sequence[str]:
        return [f'{{"text": {encoded}}}' for encoded in map(encode_basestring_ascii, self._texts)]

    def columns(self) -> dict[str, Any]:
        return {USUAL_COLUMN: self._texts}

    def content(self) -> bytes:
        return as_bytes(self._texts)


class RecordBatch(NamedTuple):
    """Some records, which lie one after the other in one file.

    Attributes:
        texts: the text of each record.
        rows: all that each record holds.
        places: where each was read.
    """

    texts: list[str]
    rows: Rows
    places: Places

    def part(self, start: int, stop: int) -> RecordBatch:
        """Return the records from one to before another."""
        places = self.places._replace(numbers=self.places.numbers[start:stop])
        return RecordBatch(self.texts[start:stop], self.rows.part(start, stop), places)


def nothing_yet(path: str) -> RecordBatch:
    """Return a batch of none, which stands where the next record of a file has not arrived."""
    return RecordBatch([], TextRows([]), Places(path, "", ()))


def text_batches(texts: Sequence[str], size: int) -> Iterator[RecordBatch]:
    """Yield batches of texts that were given one by one, as on a command line.

    Examples:
        >>> [(batch.texts, batch.places.described(0)) for batch in text_batches(["a", "b", "c"], 2)]
        [(['a', 'b'], 'text 1'), (['c'], 'text 3')]
    """
    for start in range(0, len(texts), size):
        part = list(texts[start : start + size])
        yield RecordBatch(part, TextRows(part), Places("", "text", range(start + 1, start + len(part) + 1)))


def as_bytes(texts: Sequence[str]) -> bytes:
    """Return texts as bytes, each with an end of its own, which no text holds.

    Examples:
        >>> as_bytes(["a", "b"]), as_bytes(["a\\0b"])
        (b'a\\x00b\\x00', b'a\\x01\\x02b\\x00')
    """
    joined = "\0".join(texts)
    if "\1" in joined or joined.count("\0") > len(texts) - 1:
        joined = "\0".join(text.replace("\1", "\1\1").replace("\0", "\1\2") for text in texts)
    return (joined + "\0" if texts else "").encode("utf-8", "surrogatepass")
