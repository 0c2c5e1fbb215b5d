"""Reads the items of a JSON array one by one, as they arrive."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from m2v_lite.errors import InputValueError
from m2v_lite.records.byte_streams import ByteStream
from m2v_lite.records.places import place_of
from m2v_lite.records.text_blocks import encoding_of, text_pieces

WHITESPACE = re.compile(r"[ \t\r\n]*")
LINE_BREAKS = re.compile(r"[ \t]*[\r\n]+[ \t]*")
DECODER = json.JSONDecoder()
# An error so near to the end may come from the end: the longest of what cannot be cut is "\uD83D\uDE00".
NEAR_THE_END = 16
PERHAPS_CUT = re.compile(r"[-+.0-9eE]+")
# What comes next in an array.
START, FIRST_ITEM, ITEM, COMMA, END = "a JSON array", "an item or ]", "an item", "a comma or ]", "the end"
AFTER = {(START, "["): FIRST_ITEM, (FIRST_ITEM, "]"): END, (COMMA, ","): ITEM, (COMMA, "]"): END}


def array_items(stream: ByteStream) -> Iterator[tuple[str, Any] | None]:
    """Yield each item of an array: its JSON on one line, as it is in the file, and its value.

    No more is kept in memory than an item and what arrives at once. Where more must be waited for, None is
    yielded first. Bytes that are not UTF-8 are kept; see `text_blocks`.

    Raises:
        InputValueError: the file is no JSON array.
    """
    encoding, mark_length = encoding_of(stream, None)
    pieces = text_pieces(stream, encoding, mark_length)
    text, at, number = "", 0, 0
    expected, is_waiting, has_ended = START, False, False

    def failure(what: str) -> InputValueError:
        place = place_of(stream.name, "item", number + 1) if number or expected == ITEM else stream.name
        return InputValueError(f"{place}: not a JSON array ({what}); fix the file")

    while True:
        at = _after_whitespace(text, at)
        if at < len(text):
            mark = text[at]
            if expected in (FIRST_ITEM, ITEM) and not (mark == "]" and expected == FIRST_ITEM):
                try:
                    found = _item(text, at, has_ended)
                except (ValueError, RecursionError) as error:
                    raise failure(str(getattr(error, "msg", error))) from error
                if found is not None:
                    value, end = found
                    number += 1
                    item = text[at:end]
                    yield (LINE_BREAKS.sub("", item) if "\n" in item or "\r" in item else item), value
                    at, expected = end, COMMA
                    continue
            else:
                expected = _next(expected, mark)
                if not expected:
                    raise failure(f"unexpected {mark!r}")
                at += 1
                continue
        if has_ended:
            if expected != END:
                raise failure(f"it ends where {expected} should be")
            return
        if is_waiting:
            yield None
        is_waiting = False
        text, at = text[at:], 0
        more, size = [text], 0
        # A long item is tried again only when there is twice as much of it, or no more has arrived.
        for piece in pieces:
            if not piece:
                is_waiting = True
                break
            more.append(piece)
            size += len(piece)
            if size >= len(text):
                break
        else:
            has_ended = True
        text = "".join(more)


def _after_whitespace(text: str, at: int) -> int:
    found = WHITESPACE.match(text, at)
    return found.end() if found else at


def _next(expected: str, mark: str) -> str:
    """Return what comes after a mark of the array; "" if the mark is wrong there."""
    return AFTER.get((expected, mark), "")


def _item(text: str, at: int, is_all: bool) -> tuple[Any, int] | None:
    """Return the value that begins at an index, and the index after it; None if it is not complete.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it has too many levels.
    """
    if not is_all and PERHAPS_CUT.fullmatch(text, at):
        return None  # more digits may come
    try:
        value, end = DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        may_be_cut = error.pos >= len(text) - NEAR_THE_END or error.msg.startswith("Unterminated string")
        if is_all or not may_be_cut:
            raise
        return None
    return value, end
