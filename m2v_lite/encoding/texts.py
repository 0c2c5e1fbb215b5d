"""Converts what a caller passes as texts into a checked list of texts."""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Mapping, Sequence, Set
from typing import Any

import numpy as np

from m2v_lite.arguments import check_unicode, described
from m2v_lite.errors import InputTypeError, InputValueError

NULL_POLICIES = ("error", "empty")
# How many texts are checked at once: few enough that they, joined, stay in the cache.
CHECKED_AT_ONCE = 256


def as_texts(
    sentences: str | Iterable[str], null: str = "error", first: int = 0
) -> tuple[Sequence[str], bool]:
    """Return the texts in `sentences`, and whether `sentences` is a single text.

    Args:
        sentences: a text; or a list, tuple, generator, numpy array, column of pyarrow, pandas or polars, or
            other iterable of texts. Any iterable except a list or a tuple is read into a list first.
        null: "error", or "empty" to take a missing text (None, NaN, pandas.NA) for an empty one.
        first: the index of the first text among the caller's, for errors.

    Raises:
        InputTypeError: `sentences` is not a text or an iterable of texts, or an item is not a `str`.
        InputValueError: `null` is neither.

    Examples:
        >>> as_texts("one")
        (['one'], True)
        >>> as_texts(word for word in ("one", "two"))
        (['one', 'two'], False)
        >>> as_texts(["one", None], null="empty")
        (['one', ''], False)
    """
    if null not in NULL_POLICIES:
        raise InputValueError(f"null is {described(null)}; give one of {', '.join(NULL_POLICIES)}")
    if isinstance(sentences, str):
        return [sentences], True
    if isinstance(sentences, np.ndarray) and sentences.ndim < 2:
        sentences = sentences.tolist()
        return ([sentences], True) if isinstance(sentences, str) else as_texts(sentences, null, first)
    texts = _listed(sentences)
    if not set(map(type, texts)) <= {str}:
        if null == "empty":
            texts = ["" if is_missing(text) else text for text in texts]
        for index, text in enumerate(texts, first):
            if is_missing(text):
                raise InputTypeError(
                    f"text {index} is {described(text)}, not a str; pass '' for a missing text, as "
                    "encode(..., null='empty') does"
                )
            if not isinstance(text, str):
                raise InputTypeError(f"text {index} is {described(text)}, not a str; {_remedy(text)}")
    return texts, False


def is_missing(value: object) -> bool:
    """Return whether a value stands for a missing text: None, NaN or pandas.NA.

    Examples:
        >>> is_missing(None), is_missing(float("nan")), is_missing("")
        (True, True, False)
    """
    return value is None or (isinstance(value, float) and value != value) or type(value).__name__ == "NAType"


def one_by_one(sentences: object) -> Iterable[object]:
    """Return an iterable that gives several texts one after the other, which are not checked.

    Raises:
        InputTypeError: it does not, or is a single text, whose items are its characters.
    """
    items = None if isinstance(sentences, str) else _items(sentences)
    if items is None:
        raise InputTypeError(
            f"expected an iterable of texts, got {described(sentences)}; {_remedy(sentences)}"
        )
    if hasattr(items, "to_pylist"):
        return (item.as_py() for item in items)  # see `_listed`
    return items


def _listed(sentences: object) -> Sequence[str]:
    """Return the items of an iterable of texts."""
    if isinstance(sentences, (list, tuple)):
        return sentences
    items = _items(sentences)
    if items is None:
        raise InputTypeError(
            f"expected a text or a list of texts, got {described(sentences)}; {_remedy(sentences)}"
        )
    # An array of pyarrow is iterable, but gives objects of its own.
    to_list = getattr(items, "to_pylist", None)
    return list(items) if to_list is None else to_list()


def _items(sentences: object) -> Iterable[Any] | None:
    """Return `sentences` if it gives items in a known order, else None.

    Data frames, tables, arrays of rows, mappings and sets are iterable, but do not.
    """
    if isinstance(sentences, (bytes, bytearray, Mapping, Set)) and not isinstance(sentences, KeysView):
        return None
    is_flat = getattr(sentences, "ndim", 1) == 1 and not _has_columns(sentences)
    return sentences if is_flat and isinstance(sentences, Iterable) else None


def _has_columns(sentences: object) -> bool:
    """Return whether something is a table of pyarrow, pandas or polars."""
    return hasattr(sentences, "column_names") or hasattr(sentences, "columns")


def check_encodable(texts: Sequence[str], first: int) -> None:
    """Check that no text holds a lone surrogate, which is not a character and has no UTF-8 form.

    Args:
        texts: the texts of one batch.
        first: the index of the batch's first text among the caller's texts.

    Raises:
        InputValueError: a text holds a lone surrogate.
    """
    for start in range(0, len(texts), CHECKED_AT_ONCE):
        some = texts[start : start + CHECKED_AT_ONCE]
        try:
            "".join(some).encode()
        except UnicodeEncodeError:
            for index, text in enumerate(some, first + start):
                check_unicode(text, f"text {index}")


def _remedy(value: object) -> str:
    if isinstance(value, str):
        return "pass a list of texts"
    if isinstance(value, (bytes, bytearray)):
        return "decode it first, for example with .decode('utf-8')"
    if isinstance(value, (list, tuple)):
        return "pass one flat list of texts"
    if _has_columns(value):
        return "pass one of its columns"
    if isinstance(value, (Mapping, Set)) or getattr(value, "ndim", 1) > 1:
        return "pass a list of its texts, in the order you want the vectors"
    return "pass texts only, and '' for a missing text"
