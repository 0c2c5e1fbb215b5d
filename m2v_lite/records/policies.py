"""Decides what to do with invalid records, and counts them."""

from __future__ import annotations

import re
from collections.abc import Callable

from m2v_lite.errors import InputValueError

ERRORS = ("strict", "replace", "skip")
ON_MISSING = ("error", "empty", "skip")

SURROGATES = re.compile("[\ud800-\udfff]")
# Bytes that are not in the file's encoding are kept as such; see `text_blocks`. All those of one error are
# replaced by one character, as decoders do.
KEPT_BYTES_OR_SURROGATE = re.compile("[\udc00-\udcff][\udd00-\uddff]*|[\ud800-\udfff]")
SHOWN_BEFORE = 20


class Policy:
    """Decides on bad bytes and on missing texts, and counts them.

    Args:
        errors: "strict" raises an error for bytes that are not in the encoding, "replace" puts U+FFFD in
            their place, and "skip" leaves the record out, also one that is broken otherwise.
        on_missing: "error" raises an error for a text that is null or absent, "empty" takes it for an empty
            text, and "skip" leaves the record out.

    Attributes:
        replaced, left_out, emptied, missing: how many records had bad bytes replaced, were left out for what
            is wrong with them, got an empty text, or were left out because they have no text.

    Examples:
        >>> policy = Policy("replace", "skip")
        >>> policy.readable("caf\\udce9", lambda: "line 1", "UTF-8") == "caf\\ufffd"
        True
        >>> policy.text(None, lambda: "line 2") is None
        True
        >>> policy.summary()
        '1 record with bad bytes replaced, 1 record skipped because the text is missing'
    """

    def __init__(self, errors: str = "strict", on_missing: str = "error") -> None:
        self._errors, self._on_missing = errors, on_missing
        self.replaced = self.left_out = self.emptied = self.missing = 0

    def readable(self, text: str, place: Callable[[], str], encoding: str | None) -> str | None:
        """Return a text without lone surrogates; None to leave its record out.

        Args:
            text: the text.
            place: tells where it is.
            encoding: the encoding whose bad bytes the surrogates stand for; None if they stand for no bytes.

        Raises:
            InputValueError: the text has some, and the policy is strict.
        """
        if text.isascii() or (found := SURROGATES.search(text)) is None:
            return text
        if self._errors == "strict":
            raise InputValueError(f"{place()}: {_described(text, found.start(), encoding)}")
        if self._errors == "skip":
            self.left_out += 1
            return None
        self.replaced += 1
        return replaced(text)

    def text(self, text: str | None, place: Callable[[], str]) -> str | None:
        """Return a text that may be missing; None to leave its record out.

        Raises:
            InputValueError: it is missing, and the policy is "error".
        """
        if text is not None:
            return text
        if self._on_missing == "error":
            raise InputValueError(f"{place()}; to go on, give --on-missing empty or skip")
        if self._on_missing == "skip":
            self.missing += 1
            return None
        self.emptied += 1
        return ""

    def broken(self, place: Callable[[], str], what: str) -> None:
        """Leave out a record that cannot be read.

        Args:
            place: tells where it is.
            what: what is wrong with it, and what to do about it.

        Raises:
            InputValueError: the policy is not to leave such records out.
        """
        if self._errors != "skip":
            raise InputValueError(f"{place()}: {what}")
        self.left_out += 1

    def summary(self) -> str:
        """Return what was done, for a person; "" if there was nothing to do."""
        counts = [
            (self.replaced, "with bad bytes replaced"),
            (self.left_out, "skipped as unreadable"),
            (self.emptied, "with a missing text read as empty"),
            (self.missing, "skipped because the text is missing"),
        ]
        return ", ".join(
            f"{number:,} record{'s' * (number != 1)} {what}" for number, what in counts if number
        )


def replaced(text: str) -> str:
    """Return a text with U+FFFD in the place of lone surrogates.

    Examples:
        >>> replaced("caf\\udce9") == "caf\\ufffd"
        True
    """
    return KEPT_BYTES_OR_SURROGATE.sub("\ufffd", text)


def _described(text: str, at: int, encoding: str | None) -> str:
    number = ord(text[at])
    before = text[max(0, at - SHOWN_BEFORE) : at]
    if encoding is not None and 0xDC00 <= number <= 0xDCFF:
        return (
            f"not {encoding.upper()}: the byte 0x{number & 0xFF:02X} after {before!r}; give --encoding if it "
            "has another encoding, or give --errors replace or skip"
        )
    return (
        f"holds the lone surrogate U+{number:04X} after {before!r}, which is not valid Unicode; fix it, or "
        "give --errors replace or skip"
    )
