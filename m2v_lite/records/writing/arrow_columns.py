"""Converts the values of a column to a pyarrow array whose type all batches share."""

from __future__ import annotations

from typing import Any

MOST_SHOWN = 200  # characters of a type, or of what pyarrow says


class MisfitError(Exception):
    """The values do not make a column of the type; the message says why."""


def as_column(values: Any, wanted: Any = None) -> Any:
    """Return the values of a column as an array.

    Args:
        values: a list of Python's values, None for null, or an array of pyarrow.
        wanted: the type of the array; None for the one that the values have. That is without dictionaries,
            which are written out, and where all is null, it is string.

    Raises:
        MisfitError: the values have no common type, or cannot be of the wanted one without a change.

    Examples:
        >>> import pytest
        >>> pa = pytest.importorskip("pyarrow")
        >>> as_column([1, None]).type, as_column([None, None]).type
        (DataType(int64), DataType(string))
        >>> as_column([1, 2], pa.float64()).to_pylist()
        [1.0, 2.0]
        >>> as_column([1.0, 2.0], pa.int64())
        Traceback (most recent call last):
        m2v_lite.records.writing.arrow_columns.MisfitError: they are double, but were int64 before
    """
    import pyarrow as pa

    try:
        array = values if isinstance(values, pa.Array) else pa.array(values)
        if wanted is None:
            wanted = _plain(array.type)
        elif not _fits(array.type, wanted):
            raise MisfitError(f"they are {_shown(array.type)}, but were {_shown(wanted)} before")
        if array.type == wanted:
            return array
        return array.cast(wanted) if array is values else pa.array(values, wanted)
    except (pa.ArrowException, OverflowError, UnicodeError, RecursionError) as error:
        raise MisfitError(str(error)[:MOST_SHOWN]) from error


def _plain(kind: Any) -> Any:
    """Return a type without dictionaries, and with string in place of null."""
    import pyarrow as pa

    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    if pa.types.is_map(kind):
        key, item = kind.key_field, kind.item_field
        return pa.map_(key.with_type(_plain(key.type)), item.with_type(_plain(item.type)), kind.keys_sorted)
    if _is_list(kind):
        field = kind.value_field.with_type(_plain(kind.value_type))
        if pa.types.is_fixed_size_list(kind):
            return pa.list_(field, kind.list_size)
        return pa.large_list(field) if pa.types.is_large_list(kind) else pa.list_(field)
    return kind


def _fits(found: Any, wanted: Any) -> bool:
    """Return whether values of one type may become values of another, a plain one.

    Whether each value can is seen when it is done: an integer may be too large.
    """
    import pyarrow as pa

    types = pa.types
    if found == wanted or types.is_null(found):
        return True
    if types.is_dictionary(found):
        return _fits(found.value_type, wanted)
    if types.is_integer(found):
        return bool(types.is_integer(wanted) or types.is_floating(wanted))
    if types.is_floating(found):
        return bool(types.is_floating(wanted) and found.bit_width <= wanted.bit_width)
    if types.is_struct(found) and types.is_struct(wanted):
        fields = {field.name: field.type for field in wanted}
        return all(field.name in fields and _fits(field.type, fields[field.name]) for field in found)
    if _is_list(found) and _is_list(wanted):
        return _fits(found.value_type, wanted.value_type)
    return any(is_kind(found) and is_kind(wanted) for is_kind in (_is_text, _is_binary))


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_binary(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))


def _shown(kind: Any) -> str:
    """Return a type for a message. That of nested values can be long."""
    text = str(kind)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
