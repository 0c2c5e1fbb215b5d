"""The content of a tokenizer.json against `json`: the same content, and errors where `json` has errors."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tiny_models import bundled_definition, wordpiece

from m2v_lite.tokenization import tokenizer_json
from m2v_lite.tokenization.decimals import decimal
from m2v_lite.tokenization.tokenizer_json import MOST_BACKSLASHES, MOST_ESCAPED, parse
from m2v_lite.tokenization.vocabulary import (
    PADDING,
    ScoredVocabulary,
    Vocabulary,
    scored_vocabulary_of,
    vocabulary_of,
)

COMPACT = {"ensure_ascii": False, "separators": (",", ":")}
PRETTY = {"ensure_ascii": False, "indent": 2}
WRITERS: list[dict[str, Any]] = [
    {},
    COMPACT,
    PRETTY,
    {"indent": 0},
    {"indent": 20, "ensure_ascii": False},
    {"indent": "\t", "separators": (" ,\r\n", "\t: ")},
    {"sort_keys": True},
]
TOKEN = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.text('"\\\\{}:, \t\n\x00é😀')
)
IDS = st.one_of(st.integers(0, 200), st.integers(0, (1 << 31) - 1))


def pieces_of(scored: ScoredVocabulary) -> list[list[Any]]:
    """Return the pieces and their scores."""
    vocabulary, scores = scored.vocabulary, scored.scores
    assert vocabulary.ids.tolist() == [*range(len(scores))]
    return [[*pair] for pair in zip(tokens_in(vocabulary), scores.tolist(), strict=True)]


def tokens_of(vocabulary: Vocabulary) -> dict[str, int]:
    """Return a vocabulary as a dictionary."""
    return dict(zip(tokens_in(vocabulary), vocabulary.ids.tolist(), strict=True))


def tokens_in(vocabulary: Vocabulary) -> list[str]:
    """Return the tokens, and check that the arrays fit together."""
    units, starts, lengths, ids = vocabulary.units, vocabulary.starts, vocabulary.lengths, vocabulary.ids
    assert len(starts) == len(lengths) == len(ids)
    assert (starts[1:] >= starts[:-1] + lengths[:-1]).all()
    assert starts[-1] + lengths[-1] + PADDING <= len(units)
    tokens = [
        units[start : start + length].tobytes().decode()
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
    ]
    assert vocabulary.characters().tolist() == [*map(len, tokens)]
    return tokens


def assert_as_json(content: bytes) -> bool:
    """Assert that the content is what `json` makes of it, and return whether the vocabulary is in arrays."""
    try:
        expected = json.loads(content.decode(), parse_float=decimal)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            parse(content)
        return False
    found = parse(content)
    model = found.get("model") if isinstance(found, dict) else None
    model = model if isinstance(model, dict) else {}
    vocabulary = model.get("vocab")
    if isinstance(vocabulary, Vocabulary):
        model["vocab"] = tokens_of(vocabulary)
    if isinstance(vocabulary, ScoredVocabulary):
        model["vocab"] = pieces_of(vocabulary)
    assert repr(found) == repr(expected) or found == expected
    return isinstance(vocabulary, (Vocabulary, ScoredVocabulary))


@pytest.fixture
def _without_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing but the bytes give the vocabulary."""

    def refuse(ids: object) -> Vocabulary:
        raise AssertionError("the vocabulary came from json")

    monkeypatch.setattr(tokenizer_json, "vocabulary_of", refuse)
    monkeypatch.setattr(tokenizer_json, "scored_vocabulary_of", refuse)


@pytest.mark.usefixtures("_without_json")
@pytest.mark.parametrize("writer", WRITERS, ids=str)
@pytest.mark.parametrize("make", [wordpiece, bundled_definition])
def test_what_writers_of_json_leave(make: Callable[[], dict[str, Any]], writer: dict[str, Any]) -> None:
    definition = make()
    if writer.get("ensure_ascii", True) and make is bundled_definition:
        tokens = [token for token in definition["model"]["vocab"] if token.isascii()]
        definition["model"]["vocab"] = {token: place for place, token in enumerate(tokens)}
    assert assert_as_json(json.dumps(definition, **writer).encode())


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(TOKEN, IDS, max_size=30), st.sampled_from(WRITERS))
def test_any_vocabulary(tokens: dict[str, int], writer: dict[str, Any]) -> None:
    definition = {"a": "}", "model": {"x": [1], "vocab": tokens, "y": {"vocab": {"z": 1}}}, "b": {"c": '"'}}
    is_in_arrays = assert_as_json(json.dumps(definition, **writer).encode())
    assert is_in_arrays == bool(tokens)


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(WRITERS), st.integers(0, 1 << 30), st.integers(0, 2), st.binary(max_size=3))
def test_any_change(writer: dict[str, Any], place: int, removed: int, put: bytes) -> None:
    tokens = {"[UNK]": 0, 'a"b': 12, "c\\": 345, "é日😀": 6789, "##\t": 10, "": 11, "}": 123456, "{": 7}
    content = json.dumps({"model": {"vocab": tokens}, "end": 1}, **writer).encode()
    place %= len(content)
    assert_as_json(content[:place] + put + content[place + removed :])


def test_every_change_of_a_byte() -> None:
    """Each byte of a small file becomes each of the bytes that mean something in JSON, or goes."""
    for writer in (COMPACT, PRETTY):
        tokens = {"[UNK]": 0, "a": 1, '"': 20, "\\": 3, "é": 45, "##z": 6}
        content = json.dumps({"model": {"vocab": tokens}}, **writer).encode()
        for place in range(len(content)):
            for put in (*(bytes([byte]) for byte in b'"\\{}[]:,0159-+.eEtu \t\n\x00\x7f\x80\xc3\xff'), b""):
                assert_as_json(content[:place] + put + content[place + 1 :])


@pytest.mark.parametrize(
    "vocabulary",
    [
        '{"a": 1, "b": 02}', '{"a": 00, "b": 2}', '{"a": 1, "b": -2}', '{"a": -1, "b": 2}', '{"a": 1.0, "b": 2}',
        '{"a": 1e0, "b": 2}', '{"a": 1, "b": 2,}', '{,"a": 1, "b": 2}', '{"a": 1,, "b": 2}', '{"a": 1 "b": 2}',
        '{"a" 1, "b": 2}', '{"a":: 1, "b": 2}', '{"a": 1, "b": "2"}', '{"a": null, "b": 2}', '{"a": {"b": 2}}',
        '{"a": [2]}', '{"a": 123456789, "b": 2}', '{"a": 1, "b": 123456789}', '{"a": 99999999999999999999, "b": 1}',
        '{"a": 1, "b":  2, "c": 3}', '{"a": 1,"b": 2, "c": 3}', '{"a": 1, "a": 2, "b": 3}', '{"a": 1, "b": 2',
        '{"a\\u0062": 1, "\\ud83d\\ude00": 2}', '{"a": 1, "\\ud83d": 2}', '{"a": 1, "\\x": 2}', '{"a": 1, "\\": 2}',
        '{"a": 1, "b\n": 2}', '{"a": 1, "b\t": 2}', '{}', '{ }', '{"a": 1}', '{ "a" : 1 }', '{"a": }', '{"a"}', '{1: 2}',
        '{"a": 1}, "vocab": {"b": 2}', '{"a": 1}, "other": {"vocab": {"b": 2}}', '{"a": 1 2, "b": 3}', '[]', '7',
    ],
)  # fmt: skip
def test_odd_vocabularies(vocabulary: str) -> None:
    for template in (
        '{"model": {"vocab": %s}}',
        '{"a": {"vocab": {"x": 1}}, "model": {"vocab":%s}, "b": "}"}',
    ):
        assert_as_json((template % vocabulary).encode())


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}", b"[]", b"7", b'"vocab"', b'"vocab": {', b'{"vocab": {"a": 1}}', b'{"model": 5, "vocab": {"a": 1}}',
        b'{"model": {"vocab": {"a": 1}, "vocab": 5}}', b'{"model": {"vocab": {"": "the vocabulary"}}}',
        b'{"model": {"\\"vocab": {"a": 1}}}', b'\xef\xbb\xbf{"model": {"vocab": {"a": 1}}}', b'{"x": "\xff"}',
        b'{"model": {"vocab": {"a\xff": 1}}}', b'{"x": "\xff", "model": {"vocab": {"a": 1}}}',
        b'{"x": "\"vocab\": {", "model": {"vocab": {"a": 1}}}', b'{"model": {"vocab": {"vocab": 1, "a": 2}}}',
        b'{"added": ["vocab"], "model": {"vocab": {"a": 1, "b": 2}}}',
    ],
)  # fmt: skip
def test_odd_files(content: bytes) -> None:
    assert_as_json(content)


def test_many_escapes() -> None:
    for number in (MOST_ESCAPED, MOST_ESCAPED + 1):
        tokens = {f"é{place}": place for place in range(number)}
        assert assert_as_json(json.dumps({"model": {"vocab": tokens}}).encode())


def test_many_backslashes() -> None:
    for number in (MOST_BACKSLASHES // 2, MOST_BACKSLASHES):
        tokens = {"a": 0, "\\" * number: 1, 'b"': 2}
        assert assert_as_json(json.dumps({"model": {"vocab": tokens}}).encode())


def test_too_deep() -> None:
    with pytest.raises(RecursionError):
        parse(b"[" * 200_000)


@pytest.mark.parametrize(
    "ids", [{}, {"a": 1.0}, {"a": True}, {"a": -1}, {"a": 1 << 31}, {"a": None}, {"a": "1"}]
)
def test_what_is_no_vocabulary(ids: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^the ids are not ints from 0 to 2\*\*31 - 1$"):
        vocabulary_of(ids)


def test_a_lone_surrogate_is_no_token() -> None:
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        vocabulary_of({"\ud800": 1})


@pytest.mark.usefixtures("_without_json")
@pytest.mark.parametrize("digits", range(1, 9))
def test_every_digit_of_an_id_counts(digits: int) -> None:
    ids = {10**place * digit for place in range(digits) for digit in range(1, 10)} | {10**digits - 1}
    vocabulary = {f"t{token_id}": token_id for token_id in sorted(ids)}
    content = json.dumps({"model": {"type": "WordPiece", "vocab": vocabulary}}).encode()
    assert assert_as_json(content)


def test_ids_in_any_order() -> None:
    order = random.Random(0).sample(range(1000), 1000)
    vocabulary = vocabulary_of({f"token {token_id}": token_id for token_id in order})
    assert vocabulary.is_dense()
    assert not vocabulary_of({"a": 0, "b": 2}).is_dense()
    assert not vocabulary_of({"a": 0, "b": 0}).is_dense()


SCORE = st.one_of(
    st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.floats(-20, 0)
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(TOKEN, SCORE), max_size=30), st.sampled_from(WRITERS))
def test_any_pieces(pieces: list[tuple[str, float]], writer: dict[str, Any]) -> None:
    definition = {
        "a": "]",
        "model": {"x": [[1]], "vocab": pieces, "y": {"vocab": [["z", 1]]}},
        "b": {"c": '"'},
    }
    assert assert_as_json(json.dumps(definition, **writer).encode()) == bool(pieces)


@pytest.mark.usefixtures("_without_json")
@pytest.mark.parametrize("writer", WRITERS, ids=str)
def test_pieces_that_writers_of_json_leave(writer: dict[str, Any]) -> None:
    pieces = [["<unk>", 0.0], ["the", -1.5], ["]", -3], ["[", -1e-7], ['"', -15.275492379532281], ["\\", 2]]
    assert assert_as_json(json.dumps({"model": {"vocab": pieces}}, **writer).encode())


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(WRITERS), st.integers(0, 1 << 30), st.integers(0, 2), st.binary(max_size=3))
def test_any_change_of_pieces(writer: dict[str, Any], place: int, removed: int, put: bytes) -> None:
    pieces = [["<unk>", 0.0], ['a"b', -12.5], ["c\\", -3], ["é日", -6.789012345678901], ["]", -1e-7], ["", 1]]
    content = json.dumps({"model": {"vocab": pieces}, "end": 1}, **writer).encode()
    place %= len(content)
    assert_as_json(content[:place] + put + content[place + removed :])


def test_every_change_of_a_byte_of_pieces() -> None:
    for writer in (COMPACT, PRETTY):
        pieces = [["<unk>", 0.0], ["a", -1.25], ['"', 20], ["]", -0.5]]
        content = json.dumps({"model": {"vocab": pieces}}, **writer).encode()
        for place in range(len(content)):
            for put in (
                *(bytes([byte]) for byte in b'"\\{}[]:,0159-+.eEtuN \t\n\x0b\x00\x7f\x80\xc3\xff'),
                b"",
            ):
                assert_as_json(content[:place] + put + content[place + 1 :])


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([], "there are no pieces"),
        ([["a"]], "['a'] is not a piece and its score"),
        ([["a", "1"]], "the score of 'a' is not a number"),
        ([["a", None]], "the score of 'a' is not a number"),
        ([["a", True]], "the score of 'a' is not a number"),
        ([["a", float("nan")]], "the score of 'a' is not a number"),
        ([[1, 2]], "[1, 2] is not a piece and its score"),
        ([5], "5 is not a piece and its score"),
        (["ab"], "'ab' is not a piece and its score"),
    ],
)
def test_what_are_no_pieces(pieces: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        scored_vocabulary_of(pieces)
