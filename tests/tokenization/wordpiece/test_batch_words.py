"""The words of a batch, in arrays, against dividing text by text."""

from __future__ import annotations

import itertools
import os
import random
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sample_texts import SAMPLE_TEXTS, random_texts

from m2v_lite.tokenization.batch_routes import joined_texts
from m2v_lite.tokenization.character_entries import END
from m2v_lite.tokenization.characters import character_tables
from m2v_lite.tokenization.vocabulary import PADDING
from m2v_lite.tokenization.wordpiece.batch_words import BatchSplitter, Words, WordsOfCodes
from m2v_lite.tokenization.wordpiece.normalizer import MOVED, WordSplitter

EXHAUSTIVE = bool(os.environ.get("M2V_LITE_EXHAUSTIVE"))
SPLITTERS = [WordSplitter(*flags) for flags in itertools.product([True, False], repeat=4)]
CLEANING = [splitter for splitter in SPLITTERS if splitter.clean_text]
DENSE = sys.maxunicode + 1 if EXHAUSTIVE else 0x30000
SPARSE = 101
CHARACTERS_AT_ONCE = 8000

# Become several characters, or a mark, or nothing, or depend on their neighbours.
ODD_CHARACTERS = [
    *"한국각가힣\uac01\u1100\u11a8", *"ﬁﬃ①ǅİıßẞŉΐΰéÉàÅÅΩ", *"\u0340\u0344\u0345\u0958\u09dc\u0f77\u2adc\ufb1d\ufb2a\ufb4e",
    *"\U0001d15e\U0001d160\U0001d1bb\U000110ab\U0002f800\U0002fa1d\U00010400\U0001e921\U00016e40", *"😀𝔸日語豈\uf900",
    *"\xad\u200b\u200d\u2060\ufeff\ufffd\x01\x7f\x85\u0378\ue000\U000e0001\U0010ffff", *"\u0301\u0323\u034f\u05bf\u20dd",
    *" \t\n\r\x0b\x0c\x1c\x1f\xa0\u1680\u2003\u2028\u2029\u202f\u3000", *"aAzZ019_-.,!$+<=>^`|~«»“”…‰„、。！",
]  # fmt: skip
LEFT_OUT = ["\u302e", "a\u302f\u302eb", "\U0001d165"]


def name(splitter: WordSplitter) -> str:
    flags = [flag for flag, is_set in vars(splitter).items() if is_set is True]
    return ",".join(flags) or "none"


def plain_words(splitter: WordSplitter, text: str) -> list[str]:
    return [word for word in splitter.words(text).split(" ") if word]


def is_left_out(splitter: WordSplitter, text: str) -> bool:
    return any(splitter.word(character) == MOVED for character in text)


def assert_words(words: Words | WordsOfCodes, expected: Sequence[Sequence[str]]) -> None:
    """Assert the words of each text, and that their arrays fit together."""
    flat = [word for text in expected for word in (*text, END)]
    found = words.texts()
    if found != flat:
        place = next((at for at, pair in enumerate(zip(found, flat, strict=False)) if len({*pair}) > 1), 0)
        near = slice(max(0, place - 5), place + 5)
        raise AssertionError((found[near], flat[near]))
    if isinstance(words, WordsOfCodes):
        assert words.lengths.tolist() == [*map(len, flat)]
        words = words.in_utf8()
    assert words.characters.tolist() == [*map(len, flat)]
    assert len(words.units) >= PADDING
    assert not words.units[len(words.units) - PADDING :].any()


def assert_any_characters(splitter: WordSplitter, batch: BatchSplitter, texts: Sequence[str]) -> None:
    words, left_out = batch.any_characters(joined_texts(texts), len(texts))
    right = [place for place, text in enumerate(texts) if is_left_out(splitter, text)]
    assert left_out.tolist() == right
    odd = {*right}
    assert_words(
        words, [[] if place in odd else plain_words(splitter, text) for place, text in enumerate(texts)]
    )


def assert_ascii(splitter: WordSplitter, batch: BatchSplitter, texts: Sequence[str]) -> None:
    assert_words(batch.ascii(joined_texts(texts)), [plain_words(splitter, text) for text in texts])


@pytest.mark.parametrize("splitter", SPLITTERS, ids=name)
def test_every_character(splitter: WordSplitter) -> None:
    """Alone, between letters, and twice. A text holds many characters, or one that texts are left out for."""
    codes = [*range(1, DENSE), *range(DENSE, sys.maxunicode + 1, SPARSE)]
    characters = [chr(code) for code in codes if not 0xD800 <= code <= 0xDFFF]
    moved = character_tables().moved if splitter.strip_accents else ""
    batch = BatchSplitter(splitter)
    for start in range(0, len(characters), CHARACTERS_AT_ONCE):
        part = characters[start : start + CHARACTERS_AT_ONCE]
        cases = [f"{character} a{character}b{character}" for character in part if character not in moved]
        texts = [" ".join(cases[first : first + 50]) for first in range(0, len(cases), 50)]
        odd = [f"a {character}b" for character in part if character in moved]
        words, left_out = batch.any_characters(joined_texts([*odd, *texts]), len(odd) + len(texts))
        assert left_out.tolist() == [*range(len(odd))]
        assert_words(words, [*([[]] * len(odd)), *(plain_words(splitter, text) for text in texts)])


@pytest.mark.parametrize("splitter", CLEANING, ids=name)
def test_every_pair_of_ascii_characters(splitter: WordSplitter) -> None:
    characters = [chr(code) for code in range(1, 128)]
    texts = [f"{one}{other}" for one in characters for other in characters]
    texts += [f"a{text}B{text}" for text in texts]
    batch = BatchSplitter(splitter)
    assert_ascii(splitter, batch, texts)
    assert_any_characters(splitter, batch, texts)
    assert_ascii(splitter, batch, ["".join(texts), *characters, ""])


@pytest.mark.parametrize("splitter", SPLITTERS, ids=name)
def test_pairs_of_odd_characters(splitter: WordSplitter) -> None:
    """What becomes several characters, or none, at the edges of words and of texts, and next to its like."""
    batch = BatchSplitter(splitter)
    pairs = [one + other for one in ODD_CHARACTERS for other in ODD_CHARACTERS]
    assert_any_characters(splitter, batch, pairs)
    assert_any_characters(splitter, batch, [f"a{pair}b" for pair in pairs])
    generator = random.Random(0)
    texts = [
        "".join(generator.choices([*ODD_CHARACTERS, "a", "b", " "], k=generator.randint(0, 12)))
        for _ in range(20_000 if EXHAUSTIVE else 1000)
    ]
    assert_any_characters(splitter, batch, texts)


@pytest.mark.parametrize("splitter", SPLITTERS, ids=name)
def test_random_texts(splitter: WordSplitter) -> None:
    texts = [
        text.replace(END, "") for text in SAMPLE_TEXTS + random_texts(20_000 if EXHAUSTIVE else 400, seed=21)
    ]
    assert_any_characters(splitter, BatchSplitter(splitter), texts)
    if splitter.clean_text:
        assert_ascii(splitter, BatchSplitter(splitter), list(filter(str.isascii, texts)))


NO_NUL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=END), max_size=30)
ASCII = st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=30)


@given(st.lists(NO_NUL, max_size=8), st.sampled_from(SPLITTERS))
@settings(max_examples=2000 if EXHAUSTIVE else 200, deadline=None)
def test_any_texts(texts: list[str], splitter: WordSplitter) -> None:
    assert_any_characters(splitter, BatchSplitter(splitter), texts)


@given(st.lists(ASCII, max_size=8), st.sampled_from(CLEANING))
@settings(max_examples=2000 if EXHAUSTIVE else 200, deadline=None)
def test_any_ascii_texts(texts: list[str], splitter: WordSplitter) -> None:
    assert_ascii(splitter, BatchSplitter(splitter), texts)


@pytest.mark.parametrize(
    "texts",
    [
        ["\u00ad"],
        ["a\u00adb", "a\u200b", "\u200bb", "a\u00ad b", "\u00ad\u00ad"],
        ["a\x01b\x7fc", "\x01", "\x01a", "a\x01"],
        ["e\u0301te\u0301", "\u0301", "\u0301a", "a\u0301\u0301"],
        ["a", "", "", "b", ""],
        ["", ""],
        [""],
        [],
    ],
)
@pytest.mark.parametrize("splitter", SPLITTERS, ids=name)
def test_nothing_is_left_of_a_character(splitter: WordSplitter, texts: list[str]) -> None:
    batch = BatchSplitter(splitter)
    assert_any_characters(splitter, batch, texts)
    if splitter.clean_text and all(map(str.isascii, texts)):
        assert_ascii(splitter, batch, texts)


@pytest.mark.parametrize("splitter", SPLITTERS, ids=name)
def test_texts_that_are_left_out(splitter: WordSplitter) -> None:
    batch = BatchSplitter(splitter)
    others = ["한국 e\u0301", "abc", "", "\u00ad", "日本!"]
    for odd in LEFT_OUT:
        for texts in (
            [odd],
            [odd, odd],
            [*others, odd, *others],
            [odd, *others],
            [*others, odd],
            [f"한{odd} İﬁ! 日\u00ad", *others, f"{odd}", "", f"a b {odd} c"],
            [text for other in others for text in (other, odd, "")],
        ):
            assert_any_characters(splitter, batch, texts)
            left_out = batch.any_characters(joined_texts(texts), len(texts))[1]
            assert len(left_out) > 0 or not splitter.strip_accents


def test_characters_are_remembered_rightly() -> None:
    """What is worked out when a character first occurs is the same later, in any order."""
    splitter = WordSplitter()
    batch = BatchSplitter(splitter)
    generator = random.Random(1)
    for _ in range(200):
        texts = ["".join(generator.choices([*ODD_CHARACTERS, *LEFT_OUT], k=5)) for _ in range(5)]
        assert_any_characters(splitter, batch, texts)
        assert_any_characters(splitter, BatchSplitter(splitter), texts)


@pytest.mark.parametrize("splitter", CLEANING[:2], ids=name)
def test_ascii_and_any_characters_agree(splitter: WordSplitter) -> None:
    texts = [text for text in SAMPLE_TEXTS if text.isascii() and END not in text]
    batch = BatchSplitter(splitter)
    words, left_out = batch.any_characters(joined_texts(texts), len(texts))
    assert not len(left_out)
    others = batch.ascii(joined_texts(texts))
    assert words.texts() == others.texts()
    np.testing.assert_array_equal(words.lengths, others.characters)
