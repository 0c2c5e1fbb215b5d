"""Tokenization takes time in proportion to the text, whatever the text is made of.

A long text is tokenized, and a text of a sixteenth of its length sixteen times. If the time is in proportion,
that takes as long, but for the memory, which a long text needs afresh. Work that grows with the square of the
length takes sixteen times as long.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from tiny_models import TINY_MODELS
from unigram_models import divided, joined

from m2v_lite.tokenization.definition import TokenizerText
from m2v_lite.tokenization.kinds import tokenizer_of_content

EXHAUSTIVE = bool(os.environ.get("M2V_LITE_EXHAUSTIVE"))
CHARACTERS, TIMES = 20_000, 16
# Fresh memory makes it up to 2.4; words that were put together one by one, 4.2 and more.
MOST = 3.3
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
    start = time.process_time()
    if as_list:
        tokenizer.token_ids([text, *["the cat"] * 40], None)
    else:
        tokenizer.token_ids_of_one(text, None)
    return time.process_time() - start


@pytest.mark.parametrize("shape", SHAPES if EXHAUSTIVE else ["dots", "[UNK] and words", "different words"])
@pytest.mark.parametrize("name", TOKENIZERS)
def test_time_in_proportion(name: str, shape: str) -> None:
    short, long = (SHAPES[shape](number) for number in (CHARACTERS, TIMES * CHARACTERS))
    for as_list in (False, True):
        ratios = []
        for _ in range(8):  # a machine that is busy may spoil some
            more = seconds(TOKENIZERS[name], long, as_list)
            ratios.append(more / sum(seconds(TOKENIZERS[name], short, as_list) for _ in range(TIMES)))
            if more < SECONDS or ratios[-1] < MOST:
                break
        else:
            raise AssertionError((ratios, as_list))
