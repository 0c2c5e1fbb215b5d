"""Values of a column -> texts, and what to do with rows whose value is missing or not a valid text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from m2v_lite.arguments import described
from m2v_lite.encoding.texts import is_missing
from m2v_lite.errors import InputTypeError, InputValueError
from m2v_lite.records.policies import SURROGATES, replaced

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What may be said of missing texts, and of what is no valid text.
NULL = ("error", "empty", "skip", "null")
ERRORS = ("strict", "replace", "skip", "null")
STRICT = ("error", "strict")
# So many texts are looked at together.
STEP = 4096


class Sorted(NamedTuple):
    """The rows of a batch.

    Attributes:
        texts: (rows that stay,) the text of each; "" if it gets no vector.
        rows: which rows stay; None means all.
        nulls: (rows that stay,) which of these get no vector; None if all get one.
    """

    texts: list[str]
    rows: NDArray[np.intp] | None
    nulls: NDArray[np.bool_] | None


def sort_rows(values: list[Any], null: str, errors: str, where: str = "the column") -> Sorted:
    """Return the texts among the values of a column, by policy.

    Args:
        values: the values. The function may change this list.
        null: what to do about a missing text: "error", treat it as an "empty" text, "skip" the row, or put
            "null" in place of its vector.
        errors: what to do about a value that is not a text or not valid Unicode: be "strict" and raise an
            error, "replace" bad parts with U+FFFD, "skip" the row, or put "null" in place of its vector.
        where: what the rows are of, for errors.

    Raises:
        InputTypeError: a text is missing, or a value is not a text, and the policy is to raise an error.
        InputValueError: a text is not valid Unicode, and the policy is to raise an error.

    Examples:
        >>> sort_rows(["one", None, "three"], "skip", "strict")
        Sorted(texts=['one', 'three'], rows=array([0, 2]), nulls=None)
        >>> sort_rows(["one", None], "null", "strict")
        Sorted(texts=['one', ''], rows=None, nulls=array([False,  True]))
    """
    if set(map(type, values)) <= {str} and _are_valid(values):
        return Sorted(values, None, None)
    skipped, nulls = np.zeros((2, len(values)), np.bool_)
    for row, value in enumerate(values):
        if isinstance(value, str) and (value.isascii() or not SURROGATES.search(value)):
            continue
        policy = null if is_missing(value) else errors
        if policy in STRICT or (policy == "replace" and not isinstance(value, str)):
            raise _error(value, f"row {row} of {where}")
        values[row] = replaced(value) if policy == "replace" else ""
        skipped[row], nulls[row] = policy == "skip", policy == "null"
    rows = None
    if skipped.any():
        rows = np.flatnonzero(~skipped)
        values, nulls = [values[row] for row in rows], nulls[rows]
    return Sorted(values, rows, nulls if nulls.any() else None)


def _are_valid(texts: Sequence[str]) -> bool:
    """Return whether no text contains a lone surrogate."""
    try:
        for start in range(0, len(texts), STEP):
            "".join(texts[start : start + STEP]).encode()
    except UnicodeEncodeError:
        return False
    return True


def _error(value: Any, place: str) -> InputTypeError | InputValueError:
    if is_missing(value):
        return InputTypeError(
            f"{place}: the text is missing ({described(value)}); give null='empty' to treat it as an empty "
            "text, 'skip' to leave the row out, or 'null' to leave it without a vector"
        )
    remedy = "'skip' to leave such rows out, or 'null' to leave them without a vector"
    if not isinstance(value, str):
        return InputTypeError(
            f"{place}: {described(value)} is not a str; decode or cast the column, or give errors={remedy}"
        )
    found = SURROGATES.search(value)
    assert found is not None  # else it would be a valid text
    return InputValueError(
        f"{place}: the text is not valid Unicode at character {found.start()}; give errors='replace' to put "
        f"U+FFFD there, {remedy}"
    )
