"""The charsmap and the clusters of characters against the library's Precompiled."""

from __future__ import annotations

import base64
import os
import random

import numpy as np
import pytest
from charsmap_of_keys import charsmap_of_keys
from tokenizers.normalizers import Precompiled
from unigram_models import CHARSMAP

from m2v_lite.tokenization.characters import character_tables
from m2v_lite.tokenization.unigram.charsmap import NOWHERE, Charsmap, arrays_of_charsmap
from m2v_lite.tokenization.unigram.normalizer import Normalizer

EXHAUSTIVE = bool(os.environ.get("M2V_LITE_EXHAUSTIVE"))
CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
ENCODED = CHARSMAP["precompiled_charsmap"]
BEFORE = ["", "a", "e", "\n", "\u0301", "\u0600", "क", "क\u094d", "क\u094d\u0308", "ﬁ", "©", "и"]
AFTER = ["", "\u0301", "\u0958\u0301", "a\u0301", "\u094d\u0958\u0301"]


def with_spaces(text: str) -> str:
    """Return a text with spaces for all white space."""
    spaces = character_tables().space
    return "".join(" " if character in spaces else character for character in text)


def differing(normalizer: Normalizer, library: Precompiled, texts: list[str]) -> list[str]:
    return [text for text in texts if normalizer.normalize(text) != with_spaces(library.normalize_str(text))]


@pytest.fixture(scope="module")
def library() -> Precompiled:
    return Precompiled(base64.b64decode(ENCODED))


@pytest.fixture(scope="module")
def normalizer() -> Normalizer:
    return Normalizer(Charsmap(*arrays_of_charsmap(ENCODED)), "", False)


@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("before", BEFORE)
def test_every_character(normalizer: Normalizer, library: Precompiled, before: str, after: str) -> None:
    characters = CHARACTERS if EXHAUSTIVE else [*CHARACTERS[:0x1100:3], *CHARACTERS[0x1100::211]]
    assert not differing(normalizer, library, [before + character + after for character in characters])


def test_any_keys() -> None:
    generator = random.Random(0)
    letters = [
        "a",
        "b",
        "é",
        "か",
        "😀",
        "\u0301",
        "\u0323",
        "\u3099",
        "\u200d",
        " ",
        "\u0600",
        "क",
        "\u094d",
        "\u0958",
    ]
    for _ in range(400 if EXHAUSTIVE else 60):
        keys = ["".join(generator.choices(letters, k=generator.randint(1, 3))) for _ in range(12)]
        content = charsmap_of_keys({key: generator.choice(["", "x", "yz", " w"]) for key in keys})
        encoded = base64.b64encode(content).decode()
        ours = Normalizer(Charsmap(*arrays_of_charsmap(encoded)), "", False)
        texts = ["".join(generator.choices(letters, k=generator.randint(1, 8))) for _ in range(200)]
        assert not differing(ours, Precompiled(content), texts)


def test_many_characters_at_once(normalizer: Normalizer) -> None:
    charsmap, codes = normalizer.charsmap, np.array([*map(ord, CHARACTERS)])
    _, places = charsmap.walk(codes, charsmap.root(len(codes)))
    for character, place in zip(CHARACTERS, places.tolist(), strict=True):
        value = charsmap.value_of(character.encode())
        assert value == (None if place == NOWHERE else charsmap.value_at(place))


@pytest.mark.parametrize("content", [b"", b"\1", b"\0\0\0\0", b"\4\0\0\0", b"\5\0\0\0" + bytes(9)])
def test_what_is_no_charsmap(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^a charsmap is cut short$"):
        arrays_of_charsmap(base64.b64encode(content).decode())


def test_texts_of_a_charsmap_that_are_not_utf8() -> None:
    with pytest.raises(UnicodeDecodeError, match="can't decode byte 0xff in position 0"):
        arrays_of_charsmap(base64.b64encode(b"\4\0\0\0abcd\xff").decode())


@pytest.mark.parametrize("encoded", ["A", "AAAA A"])
def test_what_is_not_base64(encoded: str) -> None:
    with pytest.raises(ValueError, match=r"^a charsmap is not base64 \("):
        arrays_of_charsmap(encoded)


def test_what_is_not_even_ascii() -> None:
    with pytest.raises(ValueError, match="should contain only ASCII characters"):
        arrays_of_charsmap("§")


def test_a_damaged_charsmap_finds_nothing_beyond_its_end() -> None:
    """And whether one character is looked up or many are, it gives the same."""
    generator = random.Random(0)
    units, texts = arrays_of_charsmap(ENCODED)
    for _ in range(300):
        damaged = units.copy()
        for place in generator.sample(range(len(units)), 20):
            damaged[place] = generator.getrandbits(32)
        charsmap = Charsmap(damaged, texts)
        codes = np.arange(1, 3000)
        _, found = charsmap.walk(codes, charsmap.root(len(codes)))
        for code, place in zip(codes[::7].tolist(), found[::7].tolist(), strict=True):
            expected = None if place == NOWHERE else charsmap.value_at(place)
            assert charsmap.value_of(chr(code).encode()) == expected
