"""Checks the texts, ids and metadata that a caller adds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from m2v_lite.arguments import check_unicode, described
from m2v_lite.errors import InputTypeError, InputValueError
from m2v_lite.search.contents import Entry

# Integers beyond are not taken as ids, so that there are always larger ones.
MOST_IDS = 1 << 62


def entries_of(
    texts: Iterable[str],
    ids: Iterable[int | str] | None,
    metadata: Iterable[Mapping[str, Any] | None] | None,
) -> Iterator[Entry]:
    """Yield the texts with their ids and metadata, checked.

    Raises:
        InputTypeError: a text, an id or a mapping is of another type.
        InputValueError: there are not as many ids or mappings as texts, a text is not valid Unicode, or a
            mapping cannot be JSON.
    """
    nothing = object()
    names, mappings = (None if some is None else iter(some) for some in (ids, metadata))
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputTypeError(f"text {number} is {described(text)}, not a str")
        check_unicode(text, f"text {number}")
        name = None if names is None else next(names, nothing)
        mapping = None if mappings is None else next(mappings, nothing)
        if name is nothing or mapping is nothing:
            kind = "ids" if name is nothing else "mappings of metadata"
            raise InputValueError(f"there are fewer {kind} than texts; give one for each text")
        yield Entry(text, None if names is None else checked_id(name), metadata=_as_json(mapping, number))
    for kind, left in (("ids", names), ("mappings of metadata", mappings)):
        if left is not None and next(left, nothing) is not nothing:
            raise InputValueError(f"there are more {kind} than texts; give one for each text")


def checked_id(name: object) -> int | str:
    """Return an id, if it is one.

    Raises:
        InputTypeError: it is neither an integer nor a text.
        InputValueError: it is too large, or not valid Unicode.
    """
    if isinstance(name, str):
        check_unicode(name, "an id")
        return name
    if isinstance(name, bool) or not isinstance(name, (int, np.integer)):
        raise InputTypeError(f"an id is {described(name)}; give integers or texts")
    if abs(int(name)) >= MOST_IDS:
        raise InputValueError(f"the id {name} is too large; give integers of less than 2^62, or texts")
    return int(name)


def _as_json(mapping: object, number: int) -> str | None:
    if mapping is None:
        return None
    if not isinstance(mapping, Mapping):
        raise InputTypeError(f"metadata of text {number} is {described(mapping)}; give a mapping or None")
    try:
        text = json.dumps(dict(mapping), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputValueError(
            f"metadata of text {number} cannot be written as JSON ({error}); give simpler values"
        ) from error
    check_unicode(text, f"metadata of text {number}")
    return text
