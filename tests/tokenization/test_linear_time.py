"""Tokenization takes time in proportion to the text, whatever the text is made of.

A text and one eight times as long are tokenized in turns, and the least times are compared, without those of
the system, since fresh memory costs more than old. Work that grows with the square of the length takes
sixty-four times as long.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from resource import RUSAGE_SELF, getrusage
from typing import Any

import pytest
from tiny_models import TINY_MODELS
from unigram_models import divided, joined

from m2v_lite.tokenization.definition import TokenizerText
from m2v_lite.tokenization.kinds import tokenizer_of_content

CHARACTERS = 100_000 if os.environ.get("M2V_LITE_EXHAUSTIVE") else 30_000
TIMES = 8
# Linear is eight times, and quadratic is sixty-four times.
MOST = 20
# Shorter times say nothing.
SECONDS = 0.1


def different_words(number: int) -> str:
    generator = random.Random(0)
    syllables = [consonant + vowel for consonant in "bcdfghklmnprstvwz" for vowel in "aeiou"]
    return " ".join("".join(generator.choices(syllables, k=4)) for _ in range(number // 9))


def repeated(text: str) -> Callable[[int], str]:
    return lambda number: text * (number // len(text))


SHAPES: dict[str, Callable[[int], str]] = {
    "one word": repeated("a"),
    "blanks": repeated(" "),
    "line ends": repeated("a\n"),
    "[PAD]": repeated("[PAD]"),
    "<pad>": repeated("<pad> "),
    "[UNK] and words": repeated("[UNK] kettlewise "),
    "tokens that strip on the left": repeated(" <l>"),
    "tokens that strip on the right": repeated("<r> "),
    "tokens with a space": repeated("new york "),
    "marks": repeated("\u0301"),
    "marks in two orders": repeated("\u0323\u0301"),
    "one letter and marks": lambda number: "e" + "\u0301" * number,
    "prefixes": repeated("##"),
    "pieces": repeated("##a "),
    "CJK": repeated("日本語"),
    "different words": different_words,
    "Hebrew": repeated("שלום "),
    "Arabic": repeated("مرحبا"),
    "jamo": repeated("\u1100\u1161\u11a8"),
    "leading jamo": repeated("\u1100"),
    "Hangul": repeated("한글"),
    "NUL": repeated("\0"),
    "emoji": repeated("👩🏽\u200d🚀"),
    "joiners": repeated("\u200d"),
    "flags": repeated("🇩🇪"),
    "bars": repeated("▁"),
    "dots": repeated("."),
    "characters that expand": repeated("\ufdfa"),
    "characters that join the next": repeated("\u0600"),
}
TOKENIZERS: dict[str, dict[str, Any]] = {
    "WordPiece": TINY_MODELS["wordpiece-added-tokens"].definition,
    "divided": divided(),
    "joined": joined(),
    "joined, first": joined("first"),
    "chunks": TINY_MODELS["bpe-words"].definition,
}


def seconds(definition: dict[str, Any], text: str, as_list: bool) -> float:
    content = json.dumps(definition)
    tokenizer = tokenizer_of_content(content.encode(), TokenizerText(content), "text")
    tokenizer.token_ids(["the cat"], None)
    start = getrusage(RUSAGE_SELF).ru_utime
    if as_list:
        tokenizer.token_ids([text, *["the cat"] * 40], None)
    else:
        tokenizer.token_ids_of_one(text, None)
    return getrusage(RUSAGE_SELF).ru_utime - start


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", TOKENIZERS)
def test_time_in_proportion(name: str, shape: str) -> None:
    short, long = (SHAPES[shape](number) for number in (CHARACTERS, TIMES * CHARACTERS))
    for as_list in (False, True):
        once, more = float("inf"), float("inf")
        for _ in range(8):  # a machine that is busy only adds to the times
            once = min(once, seconds(TOKENIZERS[name], short, as_list))
            more = min(more, seconds(TOKENIZERS[name], long, as_list))
            if more < SECONDS or more < MOST * once:
                break
        assert more < SECONDS or more < MOST * once, (once, more, as_list)
