"""Writes records and vectors to a Parquet or Arrow file, by way of a growing partial file.

Neither format can be continued in the middle. So the rows first go to an Arrow stream, which is a sequence
of complete messages (https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format). At the end,
the stream is converted to the file. The bytes of the file do not depend on how the rows were batched.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from m2v_lite.errors import InputValueError, MissingPackageError
from m2v_lite.records.batches import USUAL_COLUMN, RecordBatch
from m2v_lite.records.places import Places
from m2v_lite.records.writing.added_columns import EMBEDDING, LINE, PATH, check_names
from m2v_lite.records.writing.arrow_columns import MisfitError, as_column

# A row group, or a record batch of an Arrow file, has so many rows, or fewer that are about so many bytes.
ROWS = 16_384
BYTES = 1 << 26
# Rows are measured so many at a time.
STEP = 256


class ArrowWriter:
    """Makes a Parquet or Arrow file with the columns of the input and a column of vectors.

    The columns and their types are those of the first batch. What does not fit them later is an error, so no
    value is changed or left out.

    Args:
        format: "parquet", or "arrow" for an Arrow file (Feather, version 2), which is not compressed.
        dim: the number of columns of a vector.
        dtype: the dtype of the vectors: float16, float32, float64, int8 or uint8.
        with_source: whether the columns "path" and "line" tell where each record was read.

    Raises:
        MissingPackageError: pyarrow is missing.
    """

    def __init__(self, format: str, dim: int, dtype: np.dtype[Any], with_source: bool) -> None:
        try:
            import pyarrow as pa
        except ImportError:
            raise MissingPackageError(
                f"{format} files need the package pyarrow; install it with: pip install 'm2v-lite[files]'"
            ) from None
        self._format, self._dim = format, dim
        self._source = [pa.field(PATH, pa.string()), pa.field(LINE, pa.int64())] if with_source else []
        self._embedding = pa.field(EMBEDDING, pa.list_(pa.from_numpy_dtype(dtype), dim))
        self._schema: Any = None

    def parts(self, batch: RecordBatch, vectors: NDArray[Any]) -> list[Any]:
        """Return what to append to the partial file: objects with the bytes of whole messages.

        Args:
            batch: the records.
            vectors: (records, dim), the vector of each.

        Raises:
            InputValueError: the file cannot have these columns, or their values do not fit the first batch.
        """
        import pyarrow as pa

        if not batch.texts:
            return []
        self._check_names(batch)
        arrays = self._source_columns(batch.places)
        arrays.update(self._input_columns(batch))
        flat = np.ascontiguousarray(vectors).reshape(-1)
        arrays[EMBEDDING] = pa.FixedSizeListArray.from_arrays(pa.array(flat), self._dim)
        if self._schema is not None:
            return [_message(arrays, self._schema)]
        schema = pa.schema([pa.field(name, array.type) for name, array in arrays.items()])
        self._check_format(schema, arrays, batch)
        self._schema = schema
        return [schema.serialize(), _message(arrays, schema)]

    def resume(self, file: BinaryIO) -> None:
        """Go on with a partial file: take the columns that it has. One without bytes is a new file.

        Args:
            file: whole messages. It stays open, at the place where it was.

        Raises:
            InputValueError: the file is damaged, or its vectors are others.
        """
        place = file.tell()
        reader = _opened(file)
        file.seek(place)
        if reader is None:
            return
        schema = reader.schema
        if schema.names[-1:] != [EMBEDDING] or schema.field(-1).type != self._embedding.type:
            raise InputValueError(
                f"{_name(file)}: its vectors are not {self._embedding.type}; start again without --resume"
            )
        self._schema = schema

    def convert(self, partial: BinaryIO, final: BinaryIO) -> None:
        """Write the rows of the partial file in the final format.

        At most `BYTES` of rows and a batch are in memory, and copies of them: some 5 times `BYTES`.

        Args:
            partial: whole messages, read from the beginning. Without bytes, there are no rows.
            final: an empty file. Both files stay open.

        Raises:
            InputValueError: the partial file is damaged.
            OSError: the disk is full.
        """
        import pyarrow as pa

        reader = _opened(partial)
        schema = self._empty_schema() if reader is None else reader.schema
        with self._file_writer(final, schema) as writer:
            if reader is None:
                return
            for group in _groups(_steps(_read(reader, partial))):
                writer.write_table(pa.Table.from_batches([group]), len(group))

    def _check_names(self, batch: RecordBatch) -> None:
        check_names(batch, [field.name for field in (*self._source, self._embedding)])
        names = batch.rows.names()[0]
        if len(set(names)) < len(names):
            double = next(name for name in names if list(names).count(name) > 1)
            raise InputValueError(f"{batch.places.path}: two columns are named {double!r}; rename one")

    def _source_columns(self, places: Places) -> dict[str, Any]:
        import pyarrow as pa

        if not self._source:
            return {}
        numbers = np.asarray(places.numbers, np.int64)
        # A name of a file can be any bytes, and a text of Arrow cannot.
        path = places.path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return {PATH: pa.repeat(path, len(numbers)), LINE: pa.array(numbers)}

    def _input_columns(self, batch: RecordBatch) -> dict[str, Any]:
        """Return the columns of a batch as arrays, in the order and of the types of the file.

        Raises:
            InputValueError: they do not fit.
        """
        import pyarrow as pa

        found = batch.rows.columns()
        kinds: dict[str, Any] = dict.fromkeys(found)
        if self._schema is not None:
            kinds = {field.name: field.type for field in list(self._schema)[len(self._source) : -1]}
            for name in found:
                if name not in kinds:
                    raise _misfit(batch, f"column {name!r} is new; the first records have {', '.join(kinds)}")
        arrays = {}
        for name, kind in kinds.items():
            if name not in found:
                arrays[name] = pa.nulls(len(batch.texts), kind)
                continue
            try:
                arrays[name] = as_column(found[name], kind)
            except MisfitError as error:
                raise _misfit(batch, f"the values of column {name!r} do not fit: {error}") from error
        return arrays

    def _check_format(self, schema: Any, arrays: dict[str, Any], batch: RecordBatch) -> None:
        """Check on one row that the format can hold the columns, which is better known now than at the end.

        Raises:
            InputValueError: it cannot.
        """
        import pyarrow as pa

        row = {name: array.slice(0, 1) for name, array in arrays.items()}
        try:
            partial = BytesIO(b"".join([schema.serialize(), _message(row, schema)]))
            self.convert(partial, BytesIO())
        except (pa.ArrowException, InputValueError, OSError) as error:
            raise _misfit(batch, f"{self._format} cannot hold these columns ({error})") from error

    def _empty_schema(self) -> Any:
        """Return the columns of a file without rows, whose input may have had others."""
        import pyarrow as pa

        return self._schema or pa.schema(
            [*self._source, pa.field(USUAL_COLUMN, pa.string()), self._embedding]
        )

    def _file_writer(self, final: BinaryIO, schema: Any) -> Any:
        import pyarrow as pa

        if self._format != "parquet":
            return pa.ipc.new_file(final, schema)
        import pyarrow.parquet

        of_vectors, others = _paths(schema)
        # To look for what is equal in vectors takes longer than all else, and finds little. But Parquet has
        # no numbers of one byte: it writes four, unless the different ones are counted.
        is_of_bytes = schema.field(EMBEDDING).type.value_type.bit_width == 8
        return pyarrow.parquet.ParquetWriter(
            final,
            schema,
            compression=dict.fromkeys(others, "snappy"),
            use_dictionary=[*others, *of_vectors] if is_of_bytes else others,
            write_statistics=others,
        )


def _paths(schema: Any) -> tuple[list[str], list[str]]:
    """Return the paths of the columns in a Parquet file: those of the vectors, and the others."""
    import pyarrow.parquet

    nothing = BytesIO()
    pyarrow.parquet.write_metadata(schema, nothing)
    columns = pyarrow.parquet.read_metadata(nothing).schema
    paths = [columns.column(index).path for index in range(len(columns))]
    of_vectors = [path for path in paths if path.partition(".")[0] == EMBEDDING]
    return of_vectors, [path for path in paths if path not in of_vectors]


def _message(arrays: dict[str, Any], schema: Any) -> Any:
    """Return some rows as a message of an Arrow stream."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays(list(arrays.values()), schema=schema).serialize()


def _misfit(batch: RecordBatch, fact: str) -> InputValueError:
    return InputValueError(f"{_place(batch.places)}: {fact}; write .jsonl, which keeps fields as they are")


def _place(places: Places) -> str:
    """Return the place of a batch."""
    first, last = places.numbers[0], places.numbers[-1]
    records = f"{places.unit} {first}" if first == last else f"{places.unit}s {first} to {last}"
    return f"{places.path}, {records}" if places.path else records


def _opened(partial: BinaryIO) -> Any:
    """Return a reader of the messages of a partial file; None if there are none."""
    import pyarrow as pa

    partial.seek(0)
    if not partial.read(1):
        return None
    partial.seek(0)
    try:
        return pa.ipc.open_stream(partial)
    except pa.ArrowInvalid as error:
        raise _damaged(partial, error) from error


def _read(reader: Any, partial: BinaryIO) -> Iterator[Any]:
    """Yield the batches of a partial file."""
    import pyarrow as pa

    try:
        yield from reader
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise  # the disk could not be read
        raise _damaged(partial, error) from error


def _damaged(partial: BinaryIO, error: Exception) -> InputValueError:
    return InputValueError(f"{_name(partial)}: damaged ({error}); start again without --resume")


def _name(file: BinaryIO) -> str:
    return str(getattr(file, "name", "the partial file"))


def _steps(batches: Iterator[Any]) -> Iterator[Any]:
    """Yield the rows of batches again, `STEP` at a time."""
    pending: list[Any] = []
    rows = 0
    for batch in batches:
        start = 0
        while start < len(batch):
            part = batch.slice(start, STEP - rows)
            pending.append(part)
            rows, start = rows + len(part), start + len(part)
            if rows == STEP:
                yield _joined(pending)
                pending, rows = [], 0
    if pending:
        yield _joined(pending)


def _groups(steps: Iterator[Any]) -> Iterator[Any]:
    """Yield the rows of batches again, up to `ROWS` or `BYTES` at a time."""
    import pyarrow as pa

    pending: list[Any] = []
    rows = size = 0
    for batch in steps:
        pending.append(batch)
        rows += len(batch)
        size += pa.ipc.get_record_batch_size(batch)
        if rows >= ROWS or size >= BYTES:
            yield _joined(pending)
            pending, rows, size = [], 0, 0
    if pending:
        yield _joined(pending)


def _joined(batches: list[Any]) -> Any:
    """Copy batches into one, whose bytes depend on the values alone.

    One alone is copied, too: the bytes between its last value and the end of a word may be those of other
    values, of which it was a slice, and they would be written.
    """
    import pyarrow as pa

    columns = zip(*(batch.columns for batch in batches), strict=True)
    return pa.RecordBatch.from_arrays([*map(pa.concat_arrays, columns)], schema=batches[0].schema)
