"""Parses the bytes of a `tokenizer.json`, with the vocabulary in arrays.

Most of such a file is the vocabulary: an object of tokens and their ids, or for Unigram an array of pieces
and their scores. `json` would create a str and a number for each. This module finds them in the bytes, all at
once. Anything that does not look like the output of a JSON writer goes to `json`. The content is the same.
"""

from __future__ import annotations

import codecs
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from m2v_lite.tokenization.vocabulary import (
    BLOCK,
    PADDING,
    PADDING_BYTES,
    ScoredVocabulary,
    Vocabulary,
    scored_vocabulary_of,
    vocabulary_of,
    windows,
)

if TYPE_CHECKING:
    from mmap import mmap

    from numpy.typing import NDArray

    from m2v_lite.tokenization.vocabulary import Places

QUOTE, BACKSLASH, SPACE = b'"\\ '
# What opens a vocabulary, and what closes it.
CLOSING = {ord("{"): ord("}"), ord("["): ord("]")}
WHITE_SPACE = b" \t\n\r"
NAME = b'"vocab"'
# What follows a piece and the last piece of a Unigram model: a comma, the score, and brackets.
SCORE = rb"([ \t\n\r]*,[ \t\n\r]*)(-?[0-9][-+.eE0-9]*)([ \t\n\r]*\][ \t\n\r]*"
BEHIND_PIECE, BEHIND_LAST_PIECE = re.compile(SCORE + rb",[ \t\n\r]*\[[ \t\n\r]*)"), re.compile(SCORE + rb")")
# How much white space may follow a name.
MOST_WHITE_SPACE = 100
# A number of more digits is left to `json`.
MOST_DIGITS = 8
# More tokens with escapes than this, or more backslashes, are left to `json`.
MOST_ESCAPED = 1000
MOST_BACKSLASHES = 8 * MOST_ESCAPED
# How many tokens are worked on at once.
TOKENS_AT_ONCE = 1 << 12
# Stands for the vocabulary while `json` parses the rest.
PLACEHOLDER = {"": "the vocabulary"}


def parse(content: bytes | mmap) -> Any:
    """Return the content of a `tokenizer.json`.

    Its `["model"]["vocab"]` is a `Vocabulary`, if it is an object of Unicode tokens and their ids, or a
    `ScoredVocabulary`, if it is an array of Unicode pieces and their scores.

    Raises:
        ValueError: the content is not JSON.
        RecursionError: it is nested too deeply.

    Examples:
        >>> content = parse(b'{"model": {"vocab": {"[UNK]": 0, "cat": 1}}}')
        >>> content["model"]["vocab"].ids.tolist()
        [0, 1]
        >>> parse(b'{"model": {"vocab": [["<unk>", 0], ["cat", -1.5]]}}')["model"]["vocab"].scores.tolist()
        [0.0, -1.5]
    """
    start = _inside_behind(NAME, content)
    plain = None
    if start is not None:
        plain = _plain_vocabulary(np.frombuffer(content, np.uint8)[start:], content[start - 1])
    if start is not None and plain is not None:
        vocabulary, length = plain
        rest = content[: start - 1], json.dumps(PLACEHOLDER).encode(), content[start + length + 1 :]
        parsed = json.loads(b"".join(rest).decode(), parse_float=_decimal)
        # It was the vocabulary if it is where a vocabulary belongs.
        model = _model_of(parsed)
        if model.get("vocab") == PLACEHOLDER:
            model["vocab"] = vocabulary
            return parsed
    parsed = json.loads(content[:].decode(), parse_float=_decimal)
    model = _model_of(parsed)
    with suppress(ValueError):  # what is odd is left as it is
        if isinstance(model.get("vocab"), dict):
            model["vocab"] = vocabulary_of(model["vocab"])
        elif isinstance(model.get("vocab"), list):
            model["vocab"] = scored_vocabulary_of(model["vocab"])
    return parsed


def _decimal(text: str) -> float:
    from m2v_lite.tokenization.decimals import decimal  # seldom needed

    return decimal(text)


def _model_of(parsed: Any) -> dict[str, Any]:
    model = parsed.get("model") if isinstance(parsed, dict) else None
    return model if isinstance(model, dict) else {}


def _inside_behind(name: bytes, content: bytes | mmap) -> int | None:
    """Return where the inside of the first object or array begins that follows a name; None if none does."""
    place = content.find(name)
    while place >= 0:
        place += len(name)
        following = content[place : place + MOST_WHITE_SPACE]
        opening = following.lstrip(WHITE_SPACE)[1:].lstrip(WHITE_SPACE)[:1]
        if following.lstrip(WHITE_SPACE)[:1] == b":" and opening in (b"{", b"["):
            return content.find(opening, place) + 1
        place = content.find(name, place)
    return None


def _plain_vocabulary(
    content: NDArray[np.uint8], opening: int
) -> tuple[Vocabulary | ScoredVocabulary, int] | None:
    """Return the tokens of an object or an array, and how many bytes it has inside; None if it is not plain.

    Args:
        content: the bytes behind its opening brace or bracket.
        opening: which of the two that is.

    Raises:
        ValueError: it is not UTF-8.
    """
    is_scored = opening == ord("[")
    marks = _marks(content, opening)
    if marks is None or not len(marks.quotes):
        return None
    before = content[: marks.quotes[0]].tobytes()
    if before.strip(WHITE_SPACE) != (b"[" if is_scored else b""):
        return None
    units = np.append(content[: marks.end], PADDING_BYTES)
    starts, ends = marks.quotes[::2] + np.int32(1), marks.quotes[1::2].copy()
    scores, ids, controls = None, None, 0
    if is_scored:
        scores, controls = _scores(units, starts, ends)
        ids = None if scores is None else np.arange(len(scores), dtype=np.int32)
    else:
        ids, controls = _numbers(units, starts, ends)
    if ids is None:
        return None
    if marks.controls != controls + _controls(before):
        return None  # `json` refuses control characters in tokens
    vocabulary = Vocabulary(units, starts, ends - starts, ids)
    escaped = np.flatnonzero(np.bincount(np.searchsorted(ends, marks.backslashes.astype(np.int32))))
    if not _unescape(vocabulary, escaped):
        return None
    return vocabulary if scores is None else ScoredVocabulary(vocabulary, scores), marks.end


class _Marks(NamedTuple):
    """What stands in an object or an array, as far as its end.

    Attributes:
        end: where its closing brace or bracket stands.
        quotes: where texts begin and end.
        backslashes: where backslashes stand.
        controls: how many control characters it holds.
    """

    end: int
    quotes: Places
    backslashes: Places
    controls: int


def _marks(content: NDArray[np.uint8], opening: int) -> _Marks | None:
    """Return what stands in an object or array; None if it does not end, or has many backslashes.

    A block at a time, because fresh memory costs more than the work.

    Args:
        content: the bytes behind the opening brace or bracket.
        opening: which of the two that is.

    Raises:
        ValueError: the object or array is not UTF-8.
    """
    decode = codecs.getincrementaldecoder("utf-8")().decode
    all_quotes, all_backslashes, controls, is_outside, depth = [], np.zeros(0, np.intp), 0, True, 1
    for start in range(0, len(content), BLOCK):
        block = content[start : start + BLOCK]
        backslashes = np.flatnonzero(block == BACKSLASH)
        all_backslashes = np.append(all_backslashes, backslashes + start)
        if len(all_backslashes) > MOST_BACKSLASHES:
            return None  # each block looks at all of them
        is_quote = block == QUOTE
        escaped = _escaped(all_backslashes) - start
        is_quote[escaped[(escaped >= 0) & (escaped < len(block))]] = False
        quotes = np.flatnonzero(is_quote)
        # It ends where as many close as have opened, those inside tokens aside.
        steps = (block == opening).view(np.int8) - (block == CLOSING[opening]).view(np.int8)
        brackets = np.flatnonzero(steps)
        brackets = brackets[(np.searchsorted(quotes, brackets) % 2 == 0) == is_outside]
        depths = depth + np.cumsum(steps.take(brackets), dtype=np.intp)
        depth = int(depths[-1]) if len(depths) else depth
        ends = brackets[depths == 0]
        if len(ends):
            block, quotes = block[: ends[0]], quotes[: np.searchsorted(quotes, ends[0])]
        decode(block.tobytes(), final=bool(len(ends)))
        controls += int(np.count_nonzero(block < SPACE))
        all_quotes.append((quotes + start).astype(np.int32))
        if len(ends):
            end = start + int(ends[0])
            own = all_backslashes[: np.searchsorted(all_backslashes, end)]
            return _Marks(end, np.concatenate(all_quotes), own, controls)
        is_outside ^= len(quotes) % 2 == 1
    return None


def _escaped(backslashes: Places) -> Places:
    """Return the places behind an odd number of backslashes."""
    is_first = np.diff(backslashes, prepend=-2) != 1
    firsts, lasts = backslashes[is_first], backslashes[np.append(is_first[1:], True)[: len(is_first)]]
    places: Places = lasts[(lasts - firsts) % 2 == 0] + 1
    return places


def _numbers(units: NDArray[np.uint8], starts: Places, ends: Places) -> tuple[NDArray[np.int32] | None, int]:
    """Return the id behind each token, and how many control characters stand around the ids.

    Ids are None if they do not all look the same, digits aside.

    Args:
        units: the bytes of the object, and padding.
        starts, ends: (tokens,) where each token begins and ends.
    """
    last = _around_number(units[ends[-1] + 1 : -PADDING].tobytes(), b"")
    if last is None or len(last[1]) > MOST_DIGITS or (len(last[1]) > 1 and last[1][:1] == b"0"):
        return None, 0
    ids = np.full(len(starts), int(last[1]), np.int32)
    controls = _controls(b"".join(last))
    if len(starts) == 1:
        return ids, controls
    first = _around_number(units[ends[0] + 1 : starts[1] - 1].tobytes(), b",")
    if first is None:
        return None, 0
    before, after = first[0], first[2] + b'"'
    for place in range(0, len(starts) - 1, TOKENS_AT_ONCE):
        some = slice(place, min(place + TOKENS_AT_ONCE, len(starts) - 1))
        numbers = _numbers_between(units, ends[some] + 1, starts[1:][some], before, after)
        if numbers is None:
            return None, 0
        ids[some] = numbers
    return ids, controls + (len(ids) - 1) * _controls(before + after)


def _scores(units: NDArray[np.uint8], starts: Places, ends: Places) -> tuple[NDArray[np.float64] | None, int]:
    """Return the score behind each piece, and how many control characters stand around the scores.

    Scores are None if they do not all look the same, the scores aside.

    Args:
        units: the bytes of the array, and padding.
        starts, ends: (pieces,) where each piece begins and ends.
    """
    last = BEHIND_LAST_PIECE.fullmatch(units[ends[-1] + 1 : -PADDING].tobytes())
    if last is None:
        return None, 0
    places, stops = ends + np.int32(1 + len(last[1])), np.append(starts[1:], len(units) - PADDING)
    stops[-1] -= len(last[3])
    controls = _controls(last[1] + last[3])
    if len(starts) > 1:
        between = units[ends[0] + 1 : starts[1] - 1].tobytes()
        first = BEHIND_PIECE.fullmatch(between)
        if first is None or first[1] != last[1]:
            return None, 0
        after = first[3] + b'"'
        stops[:-1] -= len(after)
        if (stops <= places).any():
            return None, 0
        if not (_stands_at(first[1], units, ends[:-1] + 1) and _stands_at(after, units, stops[:-1])):
            return None, 0
        controls += (len(starts) - 1) * _controls(first[1] + after)
    from m2v_lite.tokenization.decimals import decimals  # models of the BERT kind do without

    try:
        return decimals(units, places, stops - places), controls
    except ValueError:
        return None, 0


def _around_number(text: bytes, end: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Divide what follows a token: a colon, its number, and a comma or nothing. None if it is not that."""
    number = text.strip(WHITE_SPACE + b":,")
    if not number.isdigit():
        return None
    before, _, after = text.partition(number)
    is_plain = before.strip(WHITE_SPACE) == b":" and after.strip(WHITE_SPACE) == end
    return (before, number, after) if is_plain else None


def _numbers_between(
    units: NDArray[np.uint8], starts: Places, ends: Places, before: bytes, after: bytes
) -> NDArray[np.uint64] | None:
    """Return numbers; None if one is not as JSON has it, or has other bytes around it.

    Args:
        units: the bytes of the object, and padding.
        starts, ends: (numbers,) the places between which a number stands.
        before, after: what stands between these places and the number.
    """
    places = starts + len(before)
    digits = ends - len(after) - places
    if digits.min() < 1 or digits.max() > MOST_DIGITS:
        return None
    if not (_stands_at(before, units, starts) and _stands_at(after, units, places + digits)):
        return None
    # The digits of a number, the last one in the highest byte (https://kholdstare.github.io/technical/2020/05/
    # 26/faster-integer-parsing.html).
    shift = ((MOST_DIGITS - digits) * 8).astype(np.uint64)
    numbers = windows(units)[places] << shift
    numbers ^= np.uint64(0x3030303030303030) << shift
    not_digits = (numbers + np.uint64(0x7676767676767676) | numbers) & np.uint64(0x8080808080808080)
    starts_with_zero = units.take(places) == ord("0")
    if not_digits.any() or (starts_with_zero & (digits > 1)).any():
        return None
    numbers = (numbers * np.uint64(10) + (numbers >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    numbers = (numbers * np.uint64(100) + (numbers >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    return (numbers * np.uint64(10000) + (numbers >> np.uint64(32))) & np.uint64(0xFFFFFFFF)


def _stands_at(text: bytes, units: NDArray[np.uint8], places: Places) -> bool:
    """Return whether a text stands at all places."""
    window = windows(units)
    for start in range(0, len(text), 8):
        part = text[start : start + 8]
        mask = np.uint64((1 << 8 * len(part)) - 1)
        if ((window[places + start] & mask) != np.uint64(int.from_bytes(part, "little"))).any():
            return False
    return True


def _controls(text: bytes) -> int:
    return sum(byte < SPACE for byte in text)


def _unescape(vocabulary: Vocabulary, escaped: Places) -> bool:
    """Replace the escapes of some tokens in place, where they get shorter; return whether that worked."""
    if len(escaped) > MOST_ESCAPED:
        return False
    units, starts, lengths = vocabulary.units, vocabulary.starts, vocabulary.lengths
    for token in escaped.tolist():
        start, length = int(starts[token]), int(lengths[token])
        try:
            unescaped = json.loads(b'"' + units[start : start + length].tobytes() + b'"').encode()
        except ValueError:
            return False  # not an escape, or half of a surrogate pair
        units[start : start + len(unescaped)] = np.frombuffer(unescaped, np.uint8)
        lengths[token] = len(unescaped)
    return True
