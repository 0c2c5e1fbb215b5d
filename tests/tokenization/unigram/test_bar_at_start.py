"""Metaspace with "first": a bar only before words that stem from the first character of a text."""

from __future__ import annotations

import base64
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from charsmap_of_keys import charsmap_of_keys
from hypothesis import given, settings, strategies as st
from make_unigram_tokenizer import larger
from sample_texts import SAMPLE_TEXTS
from test_unigram_tokenizer import PARTS, TOKENIZERS, check, numbered, random_texts
from tiny_models import added_token
from unigram_models import ADDED, CHARSMAP, KEYS, divided, joined, replace, sequence, tokenizer_of

from m2v_lite.tokenization.unigram.charsmap import Charsmap, arrays_of_charsmap
from m2v_lite.tokenization.unigram.normalizer import Normalizer

EXHAUSTIVE = bool(os.environ.get("M2V_LITE_EXHAUSTIVE"))
FIRST = [name for name in TOKENIZERS if "first" in name]
SPACES = [
    " ",
    "  ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\x0b",
    "\x1c",
    "\u0085",
    "\u00a0",
    "\u1680",
    "\u2028",
    "\u3000",
    "▁",
]
REMOVED = ["\u200b", "\x01", "\x7f", "\u00ad", "\ufe0f", "s\u0323"]
OTHERS = [
    "\ufeff",
    "\x00",
    "\u0301",
    "\u0308",
    "\u0600",
    "\u0600\u0301",
    ",",
    "<",
    ".",
    "ﬁ",
    "½",
    "…",
    "。",
    "Ａ",
    "！",
]
EXPANDED = [
    "\ufdfa",
    "㏂",
    "´",
    "\u00b8",
    "¨",
    "\u0344",
    "o\u0308",
    "u\u0308",
    "i\u0308",
    "t\u0323",
    "z\u0308",
]
TOKENS = ["<pad>", "<unk>", "<l>", "<r>", "Sat", "été cat", "ﬁx", "fix", "cat", "f"]
STARTS = ["", *SPACES, *REMOVED, *OTHERS, *EXPANDED, *TOKENS, "e\u0301", "the", "日", "😀"]
CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]


def spaced_without_strip() -> dict[str, Any]:
    marks = [replace(mark, f" {mark} ") for mark in ".,!-<>"]
    definition = divided("first", [added_token("<unk>", 1)])
    return {**definition, "normalizer": sequence("normalizers", CHARSMAP, *marks)}


def flagged(**flags: bool) -> list[dict[str, Any]]:
    """Return tokens with these flags; some of them are what one character becomes, or a part of that."""
    contents = ("<l>", "cat", "a", "b", "f")
    return [*ADDED, *(added_token(text, 10_000 + at, **flags) for at, text in enumerate(contents))]


def with_keys(definition: dict[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    """Return a tokenizer with another charsmap."""
    encoded = base64.b64encode(charsmap_of_keys(keys)).decode()
    text = json.dumps(definition).replace(CHARSMAP["precompiled_charsmap"], encoded)
    changed: dict[str, Any] = json.loads(text)
    return changed


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0), ("to be", 1), (" to", 0), ("\u3000to", 0), (", to", 1), (" ,", 0), ("\r\nto", 0),
        ("\u200bto", 1), ("\u200b to", 0), ("\u200b\u00ad½", 3), ("\u200b", 0), ("s\u0323to", 1),
        ("½", 3), ("½a", 3), ("½\u200b", 2), ("½s\u0323", 2), ("½\u200b\u200b", 2), ("a\u200b", 1),
        ("\ufdfa", 6), ("\ufdfa\u200b", 5), ("´", 1), ("´\u200b", 0), ("´a", 1), ("\u00b8", 2), ("\u00b8\x01", 2),
        ("e\u0301", 1), ("o\u0308", 1), ("i\u0308", 1), ("u\u0308", 0), ("t\u0323a", 0), ("a\u0301", 1),
        ("\u0301a", 1), ("\u0600a", 1), ("\x00a", 1), ("Ａ\u0301", 1), ("½\u0301", 1),
    ],
)  # fmt: skip
def test_how_many_characters_stem_from_the_first(text: str, number: int) -> None:
    normalizer = Normalizer(Charsmap(*arrays_of_charsmap(CHARSMAP["precompiled_charsmap"])), ",", True)
    assert normalizer.visible_at_start(text) == number


@pytest.mark.parametrize("name", FIRST)
def test_all_starts(name: str) -> None:
    rests = ["", "\u200ba", " a", "\u0308\u200bcat<l>a"]
    check(
        TOKENIZERS[name], [first + second + rest for first in STARTS for second in STARTS for rest in rests]
    )


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("flag", ["special", "lstrip", "rstrip", "single_word"])
@pytest.mark.parametrize("make", [divided, joined])
def test_added_tokens(make: Any, flag: str, normalized: bool) -> None:
    added = flagged(normalized=normalized, **{flag: True})
    pieces = [piece for piece, _ in make()["model"]["vocab"]]
    definition = numbered(make("first"), added)
    for token in definition["added_tokens"]:
        if token["content"] in pieces:
            token["id"] = pieces.index(token["content"])
    new = [token for token in definition["added_tokens"] if token["content"] not in pieces]
    for place, token in enumerate(new):
        token["id"] = len(pieces) + place
    rests = ["", "a", " a", " <l> cat", "cat<l>", "\u200b", "b"]
    check(definition, [*(first + rest for first in STARTS for rest in rests), *random_texts(500, seed=7)])


def test_marks_with_spaces_and_no_strip() -> None:
    texts = [first + rest for first in STARTS for rest in ("", "a", " a", ", a", "\u200b")]
    check(spaced_without_strip(), [*texts, *SAMPLE_TEXTS, *random_texts(500, seed=8)])


@pytest.mark.parametrize("name", ["divided-first", "joined-first"])
@pytest.mark.parametrize("after", ["", "the a", " a", "\u0301", "\u200b"])
def test_every_character_at_the_start(name: str, after: str) -> None:
    characters = CHARACTERS if EXHAUSTIVE else [*CHARACTERS[:0x3100], *CHARACTERS[0x3100::97]]
    check(TOKENIZERS[name], [character + after for character in characters])


@pytest.mark.parametrize("name", FIRST)
@settings(max_examples=1000 if EXHAUSTIVE else 25, deadline=None)
@given(
    texts=st.lists(
        st.tuples(
            st.lists(st.sampled_from(STARTS), max_size=3),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
        ),
        max_size=5,
    )
)
def test_any_texts(name: str, texts: list[tuple[list[str], str]]) -> None:
    check(TOKENIZERS[name], ["".join([*starts, rest]) for starts, rest in texts])


@pytest.mark.parametrize("name", FIRST)
def test_any_charsmaps(name: str) -> None:
    generator = random.Random(name)
    old = ["\u200b", "ß", "q", "½", "´", "\ufdfa", "😀", "ﬁ", "中", "e", "\u0301"]
    old += [letter + mark for letter in old[:6] for mark in ("\u0301", "\u0308", "\u0323")]
    new = [
        "",
        "",
        " ",
        "a",
        "ab",
        "a b",
        " a",
        "a b c",
        "cat sat",
        ", a",
        "  ",
        "\u0301",
        " \u0301",
        "é",
        "fix",
    ]
    for _ in range(200 if EXHAUSTIVE else 10):
        keys = {**KEYS, **{generator.choice(old): generator.choice(new) for _ in range(12)}}
        definition = with_keys(TOKENIZERS[name], keys)
        if tokenizer_of(definition) is not None:
            texts = [
                "".join(generator.choices([*old, *PARTS], k=generator.randint(1, 7))) for _ in range(400)
            ]
            check(definition, texts)


@pytest.mark.parametrize("name", ["divided-first", "joined-first"])
def test_ordinary_texts_are_done_in_arrays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = tokenizer_of(TOKENIZERS[name])
    assert ours is not None
    done: list[str] = []

    def all_ids(text: str) -> list[int]:
        done.append(text)
        return []

    monkeypatch.setattr(ours._single, "all_ids", all_ids)
    ours.token_ids(["the cat", " sat", "\n\u3000", "", ", a", "Ａ", "日本 \ufdfa", "a\u200b", "😀"], None)
    assert done == []
    odd = ["\u200bthe", "\ufdfa", "´", "\u0600a", "e\u0301"]
    ours.token_ids(odd, None)
    assert done == odd


@pytest.mark.parametrize("is_joined", [False, True])
def test_a_real_model(multilingual_model: Path, is_joined: bool) -> None:
    definition = json.loads((multilingual_model / "tokenizer.json").read_bytes())
    definition["padding"] = None
    if is_joined:
        definition = larger(definition, 0, joined=True)
    step = definition["pre_tokenizer"] if is_joined else definition["pre_tokenizer"]["pretokenizers"][-1]
    step["prepend_scheme"] = "first"
    texts = [*SAMPLE_TEXTS, *random_texts(20_000 if EXHAUSTIVE else 1000, seed=9)]
    characters = CHARACTERS if EXHAUSTIVE else [*CHARACTERS[:0x3400], *CHARACTERS[0xF900:0x10000]]
    check(definition, [*texts, *(f"{character}a b" for character in characters)])
