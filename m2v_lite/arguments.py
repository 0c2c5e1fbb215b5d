"""A caller's arguments -> checked values."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Collection
from typing import Any, Final

import numpy as np

from m2v_lite.errors import InputTypeError, InputValueError

PathLike = str | os.PathLike[str]


class Unset:
    """The type of `UNSET`, the default of arguments where None has its own meaning.

    Examples:
        >>> from m2v_lite import StaticModel
        >>> model = StaticModel.from_pretrained(max_length=UNSET)  # the same as without the argument
        >>> model.max_length
        512
    """

    def __repr__(self) -> str:
        return "<unset>"


UNSET: Final = Unset()
"""A marker for an argument that was not given, where None has its own meaning.

For example, `max_length=None` means no limit. Without `max_length`, the model's own setting applies.
"""


def natural_number(name: str, value: Any) -> int:
    """Return `value` as an int of at least 1.

    Raises:
        InputTypeError: `value` is not a whole number. True and False do not count as numbers.
        InputValueError: `value` is less than 1, or larger than the length of any list.
    """
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise InputTypeError(f"{name} is {described(value)}; give a whole number of at least 1") from None
    if not 1 <= number <= sys.maxsize:
        raise InputValueError(f"{name} is {number!s:.30}; give a whole number of at least 1")
    return number


def is_unset(value: object) -> bool:
    """Return whether a value is `UNSET`, or model2vec's marker for the same purpose."""
    return isinstance(value, Unset) or type(value).__name__ == "_UnsetType"


def token_limit(max_length: Any) -> int | None:
    """Return `max_length` as a number of tokens, or None for no limit; see `natural_number`."""
    return None if max_length is None else natural_number("max_length", max_length)


def limit_or(default: int | None, max_length: Any) -> int | None:
    """Return `max_length` as `token_limit` does, or the default if it is unset."""
    return default if is_unset(max_length) else token_limit(max_length)


def leading_columns(name: str, value: Any, most: int) -> int:
    """Return `value` as a number of leading columns, at most `most`; see `natural_number`."""
    columns = natural_number(name, value)
    if columns > most:
        raise InputValueError(f"{name} is {columns}, but the model has {most} columns; give at most {most}")
    return columns


def switch(name: str, value: Any) -> bool:
    """Return `value` as a bool.

    Raises:
        InputTypeError: `value` is not a bool. Python would count a text such as "no" as true.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise InputTypeError(f"{name} is {described(value)}; give True or False")
    return bool(value)


def one_of(name: str, value: Any, choices: Collection[str]) -> str:
    """Return `value` if it is one of the choices.

    Raises:
        InputValueError: it is not.
    """
    if value not in choices:
        raise InputValueError(f"{name} is {described(value)}; give one of {', '.join(choices)}")
    return str(value)


def checked_path(name: str, value: Any) -> str:
    """Return a path as text.

    Raises:
        InputTypeError: `value` is not a `str` or a `pathlib.Path`.
    """
    path = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(path, str):
        raise InputTypeError(f"{name} is {described(value)}; give a str or a pathlib.Path")
    return path


def described(value: object) -> str:
    """Return the type and the beginning of a value, for an error message."""
    return "None" if value is None else f"{type(value).__name__} {value!r:.60}"


def check_unicode(text: str, place: str) -> None:
    """Check that a text contains no lone surrogate; see `texts.check_encodable`."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputValueError(
            f"{place}: holds the lone surrogate U+{ord(text[error.start]):04X} at character {error.start}, "
            'which is not valid Unicode; replace it with text.encode("utf-8", "replace").decode()'
        ) from None
