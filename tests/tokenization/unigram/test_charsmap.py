"""Walks through a charsmap, many characters at once, find what a look-up of one text finds."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from charsmap_of_keys import charsmap_of_keys
from unigram_models import CHARSMAP, KEYS, divided, reason_to_leave

from m2v_lite.tokenization.unigram.charsmap import NOWHERE, Charsmap, arrays_of_charsmap

# The first and the last characters of each number of bytes.
BOUNDARIES = "\x01\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"


def charsmap_of(values: dict[str, str]) -> Charsmap:
    return Charsmap(*arrays_of_charsmap(base64.b64encode(charsmap_of_keys(values)).decode()))


@pytest.mark.parametrize("character", BOUNDARIES)
def test_characters_of_every_number_of_bytes(character: str) -> None:
    charsmap = charsmap_of({character: "x", f"{character}y": "never", f"y{character}": "z"})
    every = np.array([*map(ord, BOUNDARIES)], np.int64)
    nodes, values = charsmap.walk(every, charsmap.root(len(every)))
    found = [charsmap.value_at(value) if value != NOWHERE else None for value in values.tolist()]
    assert found == ["x" if other == character else None for other in BOUNDARIES]
    assert found == [charsmap.value_of(other.encode()) for other in BOUNDARIES]
    # A key goes on behind it, and it ends another key.
    behind, _ = charsmap.walk(np.full(len(every), ord("y")), nodes)
    assert (behind != NOWHERE).tolist() == [other == character for other in BOUNDARIES]
    after_y, none = charsmap.walk(np.full(len(every), ord("y")), charsmap.root(len(every)))
    assert (none == NOWHERE).all()
    _, values = charsmap.walk(every, after_y)
    found = [charsmap.value_at(value) if value != NOWHERE else None for value in values.tolist()]
    assert found == ["z" if other == character else None for other in BOUNDARIES]


@pytest.mark.parametrize("character", "\u1100\u11ff\ua960\ua97c\uac00\ud7a3\ud7b0\ud7fb\u00a9\u00ae")
def test_clusters_without_marks_are_left_to_the_library(character: str) -> None:
    """Hangul, and pictures: a charsmap that replaces one of these, alone or with a mark behind it."""
    for key in (character, f"{character}\u0301"):
        assert reason_to_leave(with_keys({key: "x"}))


@pytest.mark.parametrize("character", "\u10ff\u1200\ua95f\ua97d\uabff\ud7fc\u00a8\u00aa\u3042")
def test_characters_beside_these_are_not(character: str) -> None:
    assert reason_to_leave(with_keys({character: "x"})) == ""


def with_keys(keys: dict[str, str]) -> dict[str, Any]:
    """A tokenizer whose charsmap has more keys."""
    encoded = base64.b64encode(charsmap_of_keys({**KEYS, **keys})).decode()
    text = json.dumps(divided()).replace(CHARSMAP["precompiled_charsmap"], encoded)
    definition: dict[str, Any] = json.loads(text)
    return definition


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\r"])
@pytest.mark.parametrize(
    ("value", "is_white"),
    [(" ", True), ("  ", True), ("x", False), (" x", False), ("x ", False), ("", False)],
)
def test_white_space_must_stay_white(space: str, value: str, is_white: bool) -> None:
    """Otherwise words are not those between white space."""
    assert (reason_to_leave(with_keys({space: value})) == "") is is_white
