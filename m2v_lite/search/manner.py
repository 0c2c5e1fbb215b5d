"""Defines how the files of an index are read: format, error handling and splitting into chunks."""

from __future__ import annotations

from typing import NamedTuple

from m2v_lite.arguments import described, natural_number
from m2v_lite.errors import InputValueError
from m2v_lite.records.file_formats import FORMATS
from m2v_lite.records.policies import ERRORS, ON_MISSING
from m2v_lite.records.reading import Reading
from m2v_lite.records.text_blocks import check_encoding


class Manner(NamedTuple):
    """How files are read.

    Attributes:
        reading: their format, column, header, delimiter and encoding.
        rule: how they are divided into chunks; None chooses by the suffix.
        errors, on_missing: what to do about wrong bytes and missing texts; see `Policy`.
    """

    reading: Reading
    rule: str | int | None = None
    errors: str = "strict"
    on_missing: str = "error"

    @property
    def unusual(self) -> str:
        """What is not as usual, besides the rule. Files that were read in another manner are read again."""
        usual = {**Reading()._asdict(), "errors": "strict", "on_missing": "error"}
        here = {**self.reading._asdict(), "errors": self.errors, "on_missing": self.on_missing}
        return " ".join(f"{name}={here[name]!r}" for name in usual if here[name] != usual[name])


def checked_manner(reading: Reading, rule: str | int | None, errors: str, on_missing: str) -> Manner:
    """Return a manner, if it is one.

    Raises:
        InputTypeError: the number of lines of a chunk has a wrong type.
        InputValueError: a part of it has an impossible value.
    """
    for name, value, known in (
        ("format", reading.format, (None, *FORMATS)),
        ("errors", errors, ERRORS),
        ("on_missing", on_missing, ON_MISSING),
    ):
        if value not in known:
            raise InputValueError(
                f"{name} is {described(value)}; give one of {', '.join(filter(None, known))}"
            )
    delimiter = reading.delimiter
    if delimiter is not None and (
        not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '\r\n"'
    ):
        raise InputValueError(f"delimiter is {described(delimiter)}; give one character such as ';'")
    if reading.encoding is not None and (wrong := check_encoding(reading.encoding)):
        raise InputValueError(f"encoding: {wrong}")
    if isinstance(rule, str) and rule not in ("lines", "paragraphs"):
        raise InputValueError(
            f"chunk is {described(rule)}; give 'lines', 'paragraphs' or how many lines a chunk has"
        )
    if rule is not None and not isinstance(rule, str):
        rule = natural_number("chunk", rule)
    return Manner(reading, rule, errors, on_missing)
