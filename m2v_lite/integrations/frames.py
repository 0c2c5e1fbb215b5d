"""Batches of pyarrow, pandas, polars and plain Python: their texts, and columns of vectors for them.

Each of these libraries is imported only for its own batches. By then, the program has already loaded it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import described
from m2v_lite.errors import InputTypeError, InputValueError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.intp]
    Nulls = NDArray[np.bool_] | None

ACCEPTED = (
    "a Table, RecordBatch or array of pyarrow, a DataFrame or Series of pandas or polars, a dict of lists or "
    "arrays, or a list of texts"
)
# In Arrow, the numbers in lists that may have any size are counted in int32.
MOST_NUMBERS = (1 << 31) - 1


class Library(ABC):
    """The operations on the batches of one library. They return new objects and never change a batch."""

    @abstractmethod
    def names(self, data: Any) -> Sequence[Any] | None:
        """Return the names of a table's columns, or None if this is a single column."""

    @abstractmethod
    def column(self, table: Any, name: str) -> Any:
        """Return a column of a table."""

    @abstractmethod
    def texts(self, column: Any) -> list[Any]:
        """Return the values of a column: texts, and None, NaN or pandas.NA for a missing one.

        A text that is not UTF-8 has lone surrogates in place of bytes, as `surrogateescape` decodes it.
        """

    @abstractmethod
    def at(self, data: Any, rows: Rows) -> Any:
        """Return some rows of a table or a column."""

    @abstractmethod
    def of_vectors(self, vectors: NDArray[Any], nulls: Nulls, data: Any) -> Any:
        """Return a column of vectors, which shares their memory where the library allows it.

        Args:
            vectors: (rows, dim).
            nulls: (rows,) which rows have no vector; None if all have one.
            data: the table or column that the texts were in.
        """

    @abstractmethod
    def extended(self, table: Any, name: str, column: Any) -> Any:
        """Return a table with a new column."""


class Arrow(Library):
    """A `Table`, `RecordBatch`, `Array` or `ChunkedArray` of pyarrow.

    Args:
        fixed_size: whether vectors become fixed-size lists.
    """

    def __init__(self, fixed_size: bool) -> None:
        self._fixed_size = fixed_size

    def names(self, data: Any) -> Sequence[Any] | None:
        schema = getattr(data, "schema", None)
        return None if schema is None else list(schema.names)

    def column(self, table: Any, name: str) -> Any:
        return table.column(name)

    def texts(self, column: Any) -> list[Any]:
        try:
            return list(column.to_pylist())
        except UnicodeDecodeError:
            import pyarrow as pa

            values = column.cast(pa.large_binary()).to_pylist()
            return [None if value is None else value.decode("utf-8", "surrogateescape") for value in values]

    def at(self, data: Any, rows: Rows) -> Any:
        import pyarrow as pa

        return data.take(pa.array(rows))

    def of_vectors(self, vectors: NDArray[Any], nulls: Nulls, data: Any) -> Any:
        import pyarrow as pa

        texts, dim = vectors.shape
        numbers = pa.array(vectors.reshape(-1))
        present = None if nulls is None else pa.py_buffer(np.packbits(~nulls, bitorder="little"))
        if self._fixed_size:
            kind = pa.list_(numbers.type, dim)
            return pa.FixedSizeListArray.from_buffers(kind, texts, [present], children=[numbers])
        if vectors.size > MOST_NUMBERS:
            raise InputValueError(
                f"the batch has {texts:,} texts, but vectors of {dim} columns fit into lists of Arrow for "
                f"{MOST_NUMBERS // dim:,} at most; give smaller batches, or leave fixed_size at True"
            )
        ends = pa.py_buffer(np.arange(texts + 1, dtype=np.int32) * np.int32(dim))
        return pa.ListArray.from_buffers(pa.list_(numbers.type), texts, [present, ends], children=[numbers])

    def extended(self, table: Any, name: str, column: Any) -> Any:
        import pyarrow as pa

        schema = table.schema.append(pa.field(name, column.type))
        return type(table).from_arrays([*table.columns, column], schema=schema)


class Pandas(Library):
    """A `DataFrame` or `Series` of pandas. A vector is a numpy array in a column of objects."""

    def names(self, data: Any) -> Sequence[Any] | None:
        return list(data.columns) if data.ndim == 2 else None

    def column(self, table: Any, name: str) -> Any:
        return table[name]

    def texts(self, column: Any) -> list[Any]:
        import pandas as pd

        if isinstance(column.array, pd.arrays.ArrowExtensionArray):
            # pandas and numpy raise an error for texts in Arrow that are not UTF-8.
            return Arrow(fixed_size=True).texts(column.array.__arrow_array__())
        return list(column.to_numpy(object))

    def at(self, data: Any, rows: Rows) -> Any:
        return data.iloc[rows]

    def of_vectors(self, vectors: NDArray[Any], nulls: Nulls, data: Any) -> Any:
        import pandas as pd

        cells = np.fromiter(with_none(vectors, nulls), object, len(vectors))
        return pd.Series(cells, data.index, name=None if data.ndim == 2 else data.name)

    def extended(self, table: Any, name: str, column: Any) -> Any:
        extended = table.copy(deep=False)
        extended[name] = column
        return extended


class Polars(Library):
    """A `DataFrame` or `Series` of polars. Vectors have the dtype `Array`."""

    def names(self, data: Any) -> Sequence[Any] | None:
        return list(data.columns) if hasattr(data, "columns") else None

    def column(self, table: Any, name: str) -> Any:
        return table.get_column(name)

    def texts(self, column: Any) -> list[Any]:
        return list(column.to_list())

    def at(self, data: Any, rows: Rows) -> Any:
        return data[rows]

    def of_vectors(self, vectors: NDArray[Any], nulls: Nulls, data: Any) -> Any:
        import polars as pl

        name = getattr(data, "name", "")
        if len(vectors):
            column = pl.Series(name, vectors)
        else:  # of which early versions cannot make an Array
            number = pl.Series(vectors.reshape(-1)).dtype
            column = pl.Series(name, [], pl.Array(number, vectors.shape[1]))
        if nulls is None:
            return column
        return pl.select(pl.when(pl.Series(~nulls)).then(column).alias(column.name)).to_series()

    def extended(self, table: Any, name: str, column: Any) -> Any:
        return table.with_columns(column.alias(name))


class Plain(Library):
    """A dict of columns, or a list, tuple or numpy array. Vectors are an array; with None, a list."""

    def names(self, data: Any) -> Sequence[Any] | None:
        return list(data) if isinstance(data, Mapping) else None

    def column(self, table: Any, name: str) -> Any:
        for other, column in table.items():
            if isinstance(column, str) or not hasattr(column, "__len__"):
                raise InputTypeError(
                    f"column {other!r} of the batch is {described(column)}; give one value for each row"
                )
        lengths = {other: len(column) for other, column in table.items()}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{other} {length}" for other, length in lengths.items())
            raise InputValueError(
                f"the batch has columns of different lengths: {shown:.200}; give one value for each row"
            )
        return table[name]

    def texts(self, column: Any) -> list[Any]:
        if isinstance(column, (list, tuple, np.ndarray)):
            return column.tolist() if isinstance(column, np.ndarray) else list(column)
        return library_of(column).texts(column)

    def at(self, data: Any, rows: Rows) -> Any:
        if isinstance(data, Mapping):
            return {name: self.at(column, rows) for name, column in data.items()}
        if isinstance(data, np.ndarray):
            return data[rows]
        if isinstance(data, (list, tuple)):
            return [data[row] for row in rows]
        return library_of(data).at(data, rows)

    def of_vectors(self, vectors: NDArray[Any], nulls: Nulls, data: Any) -> Any:
        return vectors if nulls is None else list(with_none(vectors, nulls))

    def extended(self, table: Any, name: str, column: Any) -> Any:
        return {**table, name: column}


def library_of(data: Any, fixed_size: bool = True) -> Library:
    """Return the operations for a batch of any library.

    Args:
        data: a batch or a single column.
        fixed_size: whether vectors in Arrow become fixed-size lists.

    Raises:
        InputTypeError: it is neither.

    Examples:
        >>> batch = {"text": ["one", None], "year": [2001, 2002]}
        >>> plain = library_of(batch)
        >>> plain.names(batch), plain.texts(batch["text"])
        (['text', 'year'], ['one', None])
        >>> plain.at(batch, np.array([1]))
        {'text': [None], 'year': [2002]}
    """
    libraries = {base.__module__.partition(".")[0] for base in type(data).__mro__}
    if "pyarrow" in libraries:
        import pyarrow as pa

        if isinstance(data, (pa.Table, pa.RecordBatch, pa.Array, pa.ChunkedArray)):
            return Arrow(fixed_size)
    elif "pandas" in libraries:
        import pandas as pd

        if isinstance(data, (pd.DataFrame, pd.Series)):
            return Pandas()
    elif "polars" in libraries:
        import polars as pl

        if isinstance(data, (pl.DataFrame, pl.Series)):
            return Polars()
    elif isinstance(data, (Mapping, list, tuple)) or (isinstance(data, np.ndarray) and data.ndim == 1):
        return Plain()
    raise InputTypeError(f"expected a batch, got {described(data)}; {_remedy(data)}")


def is_batch(data: Any) -> bool:
    """Return whether something is a batch or a single column.

    Examples:
        >>> is_batch({"text": []}), is_batch(iter([{"text": []}]))
        (True, False)
    """
    try:
        library_of(data)
    except InputTypeError:
        return False
    return True


def _remedy(data: Any) -> str:
    if isinstance(data, str):
        return "give a list of texts (for datasets, map(..., batched=True))"
    if hasattr(data, "map_batches"):
        return "use its own map_batches(embedder, ...)"
    if isinstance(data, Iterator) or hasattr(data, "read_next_batch"):
        return "for an iterator of batches, use embedder.map_batches"
    return f"give {ACCEPTED}"


def with_none(vectors: NDArray[Any], nulls: Nulls) -> Iterable[NDArray[Any] | None]:
    """Return the rows of an array, with None in place of some."""
    if nulls is None:
        return vectors
    return (None if is_null else vector for vector, is_null in zip(vectors, nulls, strict=True))
