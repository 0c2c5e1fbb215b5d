"""Reads Parquet and Arrow files with pyarrow. Each row of a table is a record."""

from __future__ import annotations

import base64
import datetime
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from math import isfinite
from typing import IO, Any

from m2v_lite.encoding.batches import fitting
from m2v_lite.errors import InputValueError, MissingPackageError
from m2v_lite.records.batches import USUAL_COLUMN, RecordBatch, as_bytes
from m2v_lite.records.byte_streams import ByteStream
from m2v_lite.records.gathering import Limits
from m2v_lite.records.places import Places, place_of
from m2v_lite.records.policies import Policy


class ArrowRows:
    """Rows of a table of pyarrow.

    Args:
        table: a `pyarrow.RecordBatch`.
        texts: the text of each row.
    """

    def __init__(self, table: Any, texts: list[str]) -> None:
        self._table, self._texts = table, texts

    def part(self, start: int, stop: int) -> ArrowRows:
        return ArrowRows(self._table.slice(start, stop - start), self._texts[start:stop])

    def names(self) -> Sequence[Sequence[str]]:
        return [self._table.schema.names]

    def json_objects(self) -> Sequence[str]:
        return list(map(_json_of, self._table.to_pylist()))

    def columns(self) -> dict[str, Any]:
        return dict(zip(self._table.schema.names, self._table.columns, strict=True))

    def content(self) -> bytes:
        return as_bytes(_row_texts(self._table, self._texts))


def arrow_batches(
    stream: ByteStream, format: str, column: str | None, policy: Policy, limits: Limits
) -> Iterator[RecordBatch]:
    """Yield the rows of a Parquet file, an Arrow file (Feather) or an Arrow stream.

    Args:
        stream: the file. Unless it is an uncompressed file, it is copied to a temporary file first.
        format: "parquet" or "arrow".
        column: the column with the texts, such as "text" or "message.text"; None for the only column of
            texts, or the one named "text".
        policy: what to do about rows without a text.
        limits: when a batch is full.

    Raises:
        InputValueError: the file is damaged, has no such column, or the policy says so.
        MissingPackageError: pyarrow is missing.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingPackageError(
            f"{stream.name}: {format} files need the package pyarrow; install it with: "
            "pip install 'm2v-lite[files]'"
        ) from None
    is_arrow_file = stream.peek().startswith(b"ARROW1")
    with ExitStack() as files:
        file = files.enter_context(stream.seekable())
        with _damage_told(stream.name, format):
            schema, tables = _opened(file, format, is_arrow_file, limits.texts, files)
        path = _path_of(schema, column, stream.name)
        first = 1
        while True:
            with _damage_told(stream.name, format):
                table = next(tables, None)
            if table is None:
                return
            for start in range(0, len(table), limits.texts):
                part = table.slice(start, limits.texts)
                yield from _batches(part, path, first + start, stream.name, policy, limits)
            first += len(table)


def _opened(
    file: IO[bytes], format: str, is_arrow_file: bool, size: int, files: ExitStack
) -> tuple[Any, Iterator[Any]]:
    """Return the schema of a file and its record batches."""
    import pyarrow as pa

    if format == "parquet":
        import pyarrow.parquet

        parquet = files.enter_context(pyarrow.parquet.ParquetFile(file))
        return parquet.schema_arrow, parquet.iter_batches(batch_size=size)
    if is_arrow_file:
        reader = files.enter_context(pa.ipc.open_file(file))
        return reader.schema, (reader.get_batch(number) for number in range(reader.num_record_batches))
    reader = files.enter_context(pa.ipc.open_stream(file))
    return reader.schema, iter(reader)


@contextmanager
def _damage_told(name: str, format: str) -> Iterator[None]:
    """Turn the errors of pyarrow into errors of this library, but not those of the system."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        what = str(error).partition("\n")[0]
        raise InputValueError(f"{name}: damaged {format} data ({what}); get the file again") from error


def _path_of(schema: Any, column: str | None, name: str) -> list[str]:
    """Return the name of the column with the texts, and those of the fields in it.

    Raises:
        InputValueError: there is none, or it does not hold texts.
    """
    of_texts = [field.name for field in schema if _holds_texts(field.type)]
    remedy = f"give --column; columns of texts: {', '.join(of_texts) or 'none'}"
    if column is None:
        if len(of_texts) == 1:
            return of_texts
        if USUAL_COLUMN not in of_texts:
            raise InputValueError(f"{name}: which column holds the texts? {remedy}")
        column = USUAL_COLUMN
    path: list[str] = [column] if column in schema.names else column.split(".")
    kind: Any = schema
    for part in path:
        children = [field for field in kind if field.name == part] if _has_children(kind) else []
        if not children:
            raise InputValueError(f"{name}: no column is named {column!r}; {remedy}")
        if len(children) > 1:
            raise InputValueError(f"{name}: two columns are named {part!r}; {remedy}")
        kind = children[0].type
    if not _holds_texts(kind):
        raise InputValueError(f"{name}: column {column!r} holds {kind}, not texts; {remedy}")
    return path


def _has_children(kind: Any) -> bool:
    import pyarrow as pa

    return isinstance(kind, pa.Schema) or pa.types.is_struct(kind)


def _holds_texts(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    is_view = getattr(pa.types, "is_string_view", lambda kind: False)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or is_view(kind))


def _row_texts(table: Any, texts: list[str]) -> list[str]:
    """Return a text for each row that is another one if anything in the row is another.

    Columns that pyarrow can turn into texts cost little; what is nested or binary is turned by Python.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = zlib.crc32(
        str([(field.name, str(field.type)) for field in table.schema]).encode("utf-8", "replace")
    )
    columns = [pa.array(texts, pa.large_string()), pa.array([str(kinds)] * len(texts), pa.large_string())]
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        try:
            if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
                raise pa.ArrowInvalid("may not be UTF-8")
            column = column.cast(pa.large_string())
        except pa.ArrowException:
            column = pa.array(
                [None if value is None else repr(value) for value in column.to_pylist()], pa.large_string()
            )
        # So that no value holds what is between two of them, or stands for null.
        columns.append(pc.replace_substring(column, "\x1f", "\x1f1"))
    return list(
        pc.binary_join_element_wise(
            *columns, pa.scalar("\x1f2", pa.large_string()), null_handling="replace", null_replacement="\x1f3"
        ).to_pylist()
    )


def _batches(
    table: Any, path: Sequence[str], first: int, name: str, policy: Policy, limits: Limits
) -> Iterator[RecordBatch]:
    """Yield the records of some rows.

    Args:
        table: the rows.
        path: the column with the texts, and the fields in it.
        first: the number of the first row in the file.
    """
    values = table.column(table.schema.get_field_index(path[0]))
    for part in path[1:]:
        values = _field(values, part)
    try:
        texts = values.to_pylist()
    except UnicodeDecodeError as error:
        raise InputValueError(
            f"{name}, rows {first} to {first + len(table) - 1}: a text is not UTF-8 ({error}); fix the file"
        ) from error
    numbers: Sequence[int] = range(first, first + len(texts))
    failure = None
    if values.null_count:
        kept = []
        for index, text in enumerate(texts):
            try:
                texts[index] = policy.text(text, partial(_null_at, name, first + index))
            except InputValueError as error:
                failure = error
                break
            if texts[index] is not None:
                kept.append(index)
        table, texts = table.take(_indices(kept)), [texts[index] for index in kept]
        numbers = [first + index for index in kept]
    start = 0
    while start < len(texts):
        stop = start + fitting(texts, start, limits.texts, limits.characters)
        rows = ArrowRows(table.slice(start, stop - start), texts[start:stop])
        yield RecordBatch(texts[start:stop], rows, Places(name, "row", numbers[start:stop]))
        start = stop
    if failure is not None:
        raise failure


def _null_at(name: str, number: int) -> str:
    return f"{place_of(name, 'row', number)}: the text is null"


def _indices(numbers: list[int]) -> Any:
    import pyarrow as pa

    return pa.array(numbers, pa.int64())


def _field(values: Any, name: str) -> Any:
    import pyarrow.compute

    return pyarrow.compute.struct_field(values, name)


def _json_of(row: dict[str, Any]) -> str:
    """Return a row as JSON, which has no name for NaN and infinity: they become null."""
    try:
        return json.dumps(row, default=_as_json, allow_nan=False)
    except ValueError:
        return json.dumps(_without_nan(row), default=_as_json)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {name: _without_nan(inner) for name, inner in value.items()}
    return [_without_nan(inner) for inner in value] if isinstance(value, list) else value


def _as_json(value: Any) -> Any:
    """Return a value that JSON has no form of in another form: bytes as base64, dates as ISO 8601."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value)
