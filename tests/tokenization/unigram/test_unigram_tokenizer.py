"""The Unigram path against the `tokenizers` library: shapes, options, and all that a text may hold."""

from __future__ import annotations

import copy
import json
import os
import pickle
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from make_unigram_tokenizer import larger
from sample_texts import SAMPLE_TEXTS
from tiny_models import added_token
from tokenizers import Tokenizer
from unigram_models import (
    ADDED,
    CHARSMAP,
    STRIP,
    WORDS,
    divided,
    expected_ids,
    joined,
    metaspace,
    model,
    reason_to_leave,
    replace,
    sequence,
    tokenizer_of,
    with_bytes,
)

from m2v_lite.tokenization.added_entries import WRONG_IDS
from m2v_lite.tokenization.flat_ids import of_each_text
from m2v_lite.tokenization.unigram.tokenizer import UnigramTokenizer

# What a missing entry becomes.
GONE = object()
EXHAUSTIVE = bool(os.environ.get("M2V_LITE_EXHAUSTIVE"))
WITH_TOKENS = [
    *ADDED,
    added_token("<l>", 10_000, special=False, lstrip=True),
    added_token("<r>", 10_001, special=False, rstrip=True),
    added_token("Sat", 10_002, special=False, single_word=True),
    added_token("été cat", 10_003, special=False, normalized=True),
    added_token("ﬁx", 10_004, special=False, normalized=True, single_word=True),
]


def numbered(definition: dict[str, Any], added: list[dict[str, Any]]) -> dict[str, Any]:
    """Give added tokens the ids that come after the pieces, as the library does."""
    number = len(definition["model"]["vocab"])
    tokens = [
        {**token, "id": token["id"] - 10_000 + number if token["id"] >= 10_000 else token["id"]}
        for token in added
    ]
    return {**definition, "added_tokens": tokens}


def without_spaces(tokens: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the token with a space, which is left to the library where spaces are not joined."""
    left = [token for token in tokens if " " not in token["content"]]
    return [
        {**token, "id": 10_000 + place - len(ADDED)} if token["id"] >= 10_000 else token
        for place, token in enumerate(left)
    ]


def stripped(definition: dict[str, Any]) -> dict[str, Any]:
    """Join and strip spaces before words are divided."""
    normalizer = sequence("normalizers", CHARSMAP, replace(r"\s+", " ", "Regex"), STRIP)
    return {**definition, "normalizer": normalizer}


TOKENIZERS: dict[str, dict[str, Any]] = {
    "divided": divided(),
    "divided-never": divided("never"),
    "divided-first": divided("first"),
    "divided-bytes": with_bytes(divided()),
    "divided-tokens": numbered(divided(), without_spaces(WITH_TOKENS)),
    "divided-first-tokens": numbered(divided("first"), without_spaces(WITH_TOKENS)),
    "divided-stripped-first-tokens": numbered(stripped(divided("first")), without_spaces(WITH_TOKENS)),
    "divided-stripped-tokens": numbered(stripped(divided()), without_spaces(WITH_TOKENS)),
    "divided-stripped-never-tokens": numbered(stripped(divided("never")), without_spaces(WITH_TOKENS)),
    "divided-unknown-full-stop": divided(unk_id=[piece for piece, _ in model()["vocab"]].index(".")),
    "joined": joined(),
    "joined-never": joined("never"),
    "joined-first": joined("first"),
    "joined-split": joined(split=True),
    "joined-split-never": joined("never", split=True),
    "joined-split-first": joined("first", split=True),
    "joined-first-bytes": with_bytes(joined("first")),
    "joined-bytes": with_bytes(joined()),
    "joined-tokens": numbered(joined(), WITH_TOKENS),
    "joined-first-tokens": numbered(joined("first"), WITH_TOKENS),
    "joined-split-first-tokens": numbered(joined("first", split=True), WITH_TOKENS),
    "joined-never-tokens": numbered(joined("never"), WITH_TOKENS),
    "joined-split-tokens": numbered(joined(split=True), WITH_TOKENS),
    "joined-equal-scores": joined(
        vocab=[[piece, -5.123456789012345] for piece, _ in joined()["model"]["vocab"]]
    ),
}
PARTS = [
    *WORDS, *"abcxyz .,!-<>[]▁", "  ", "\t", "\n", "\r\n", "\u00a0", "\u0085", "\x1c", "\x00", "\x01", "\ufeff",
    "\u0301", "\u0308", "\u0323", "\u0344", "\u200d", "\ufe0f", "\u0600", "\u064e", "ا", "e", "и\u0306", "a\u0308",
    "ﬁ", "½", "①", "！", "¨", "日", "語", "क", "\u094d", "\u0958", "한", "ᄀ", "ᅡ", "😀", "👩🏽", "\U000e0100",
    "\ufdfa", "㏂", "´", "\u00b8", "…", "。", "o\u0308", "u\u0308", "i\u0308", "s\u0323", "t\u0323", "z\u0308",
    "<pad>", "<unk>", "<l>", "<r>", "Sat", "été cat", "ﬁx", "fix", "...", "[UNK]", "..", "Ａ", "©", "\u2065",
]  # fmt: skip


def random_texts(number: int, seed: int) -> list[str]:
    generator = random.Random(seed)
    return ["".join(generator.choices(PARTS, k=generator.randint(0, 20))) for _ in range(number)]


def check(definition: dict[str, Any], texts: list[str], ours: UnigramTokenizer | None = None) -> None:
    """Compare the ids of a batch, and of single texts."""
    ours = ours or tokenizer_of(definition)
    assert ours is not None
    expected = expected_ids(definition, texts)
    found = [ids.tolist() for ids in of_each_text(*ours.token_ids(texts, None))]
    wrong = [
        (text, right, ids) for text, right, ids in zip(texts, expected, found, strict=True) if right != ids
    ]
    assert not wrong, wrong[0]
    for text, right in zip(texts, expected, strict=True):
        assert ours.token_ids_of_one(text, None).tolist() == right, text


@pytest.mark.parametrize("name", TOKENIZERS)
def test_ids_are_those_of_the_library(name: str) -> None:
    check(TOKENIZERS[name], [*SAMPLE_TEXTS, *random_texts(20_000 if EXHAUSTIVE else 1000, seed=1)])


@pytest.mark.parametrize("name", TOKENIZERS)
def test_batches_without_ordinary_texts(name: str) -> None:
    for texts in ([], [""], ["<unk>"], ["<unk>the", "<unk>", ""]):
        check(TOKENIZERS[name], texts)


@pytest.mark.parametrize("name", ["divided", "joined", "joined-tokens"])
@settings(max_examples=1000 if EXHAUSTIVE else 50, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=5))
def test_any_texts(name: str, texts: list[str]) -> None:
    check(TOKENIZERS[name], texts)


@pytest.mark.parametrize("name", ["divided", "joined"])
def test_every_character(name: str) -> None:
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    characters = characters if EXHAUSTIVE else [*characters[:0x3100], *characters[0x3100::97]]
    definition, ours = TOKENIZERS[name], tokenizer_of(TOKENIZERS[name])
    assert ours is not None
    for before, after in [
        ("", ""),
        ("a", "b"),
        ("e", "\u0301"),
        ("", "e\u0301"),
        ("\u0301", "a"),
        (" ", " "),
    ]:
        for start in range(0, len(characters), 20_000):
            texts = [f"{before}{character}{after}" for character in characters[start : start + 20_000]]
            found = [ids.tolist() for ids in of_each_text(*ours.token_ids(texts, None))]
            assert found == expected_ids(definition, texts)


@pytest.mark.parametrize("name", ["divided", "joined"])
@pytest.mark.parametrize("limit", [0, 1, 3])
def test_unknown_tokens_count_towards_the_limit(name: str, limit: int) -> None:
    definition, ours = TOKENIZERS[name], tokenizer_of(TOKENIZERS[name])
    assert ours is not None
    texts = random_texts(200, seed=2)
    library = Tokenizer.from_str(json.dumps(definition))
    unknown = definition["model"]["unk_id"]
    expected = [
        [token_id for token_id in encoding.ids[:limit] if token_id != unknown]
        for encoding in library.encode_batch(texts, add_special_tokens=False)
    ]
    assert [ids.tolist() for ids in of_each_text(*ours.token_ids(texts, limit))] == expected
    assert [ours.token_ids_of_one(text, limit).tolist() for text in texts] == expected


@pytest.mark.parametrize("name", ["divided", "joined", "joined-bytes", "divided-tokens", "joined-tokens"])
def test_figures_are_those_of_the_library(name: str) -> None:
    ours, library = tokenizer_of(TOKENIZERS[name]), Tokenizer.from_str(json.dumps(TOKENIZERS[name]))
    assert ours is not None
    vocabulary = library.get_vocab(with_added_tokens=True)
    assert ours.vocabulary_size == len(vocabulary)
    assert ours.highest_id == max(vocabulary.values())
    assert ours.median_token_length == int(np.median([*map(len, vocabulary)]))
    assert ours.tokens == tuple(sorted(vocabulary, key=vocabulary.__getitem__))


def test_pieces_that_occur_twice_or_are_empty() -> None:
    vocab = [*model()["vocab"], ["a", -0.5], ["", -0.1], ["▁cat", -9.0]]
    for definition in (divided(vocab=vocab), joined(vocab=vocab)):
        check(definition, random_texts(300, seed=3))
        ours, library = tokenizer_of(definition), Tokenizer.from_str(json.dumps(definition))
        assert ours is not None
        assert ours.vocabulary_size == len(library.get_vocab())
        assert ours.highest_id == max(library.get_vocab().values())


@pytest.mark.parametrize("name", ["divided", "joined"])
def test_long_words_take_linear_time(name: str) -> None:
    ours = tokenizer_of(TOKENIZERS[name])
    assert ours is not None

    def seconds(number: int) -> float:
        texts = ["abcat" * number, "x" * number]
        start = time.process_time()
        ours.token_ids(texts, None)
        return time.process_time() - start

    seconds(10)
    check(TOKENIZERS[name], ["abcat" * 2000, "cat " * 3000, "." * 3000, "abcat" * 2000])
    assert min(seconds(20_000) for _ in range(3)) < 40 * min(seconds(2000) for _ in range(3))


@pytest.mark.parametrize("name", ["divided", "joined-tokens"])
def test_threads_and_pickles(name: str) -> None:
    definition = TOKENIZERS[name]
    texts = random_texts(400, seed=4)
    expected = expected_ids(definition, texts)
    ours = tokenizer_of(definition, memo_bytes=20_000)
    assert ours is not None

    def ids_of(place: int) -> list[list[int]]:
        own = texts[place:] + texts[:place]
        if place % 2:
            found = [ours.token_ids_of_one(text, None).tolist() for text in own]
        else:
            found = [ids.tolist() for ids in of_each_text(*ours.token_ids(own, None))]
        return found[len(own) - place :] + found[: len(own) - place]

    with ThreadPoolExecutor(8) as pool:
        assert all(found == expected for found in pool.map(ids_of, range(0, 160, 5)))
    check(definition, texts, pickle.loads(pickle.dumps(ours)))


def test_the_memo_keeps_its_limit() -> None:
    ours = tokenizer_of(divided(), memo_bytes=50_000)
    assert ours is not None
    for number in range(2000):
        ours.token_ids_of_one(f"w{number} x{number}", None)
        assert len(ours._single._memo) <= 50_000 // 288 + 2


NOT_DIVIDED = "it neither splits at white space nor collapses it to one space, by Replace and Strip"
NO_WORD_ENDS = "its pieces do not tell where words end"
# Definitions that are left to the library, and why.
NOT_SUPPORTED: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "no unknown token": (lambda: divided(unk_id=None), "it has no unknown piece"),
    "another normalizer": (lambda: {**divided(), "normalizer": {"type": "NFKC"}}, "its first normalizer is NFKC, not Precompiled"),
    "a normalizer before the charsmap": (lambda: {
        **divided(), "normalizer": sequence("normalizers", {"type": "Lowercase"}, CHARSMAP)
    }, "its first normalizer is Lowercase, not Precompiled"),
    "a normalizer behind it": (lambda: {
        **divided(), "normalizer": sequence("normalizers", CHARSMAP, {"type": "Lowercase"})
    }, "its normalizer Lowercase does more than add or remove spaces"),
    "spaces are not joined": (lambda: {
        **joined(), "normalizer": sequence("normalizers", CHARSMAP, replace(" {2,}", " ", "Regex"), STRIP)
    }, NOT_DIVIDED),
    "not stripped": (lambda: {
        **joined(), "normalizer": sequence("normalizers", CHARSMAP, replace(r"\s+", " ", "Regex"))
    }, NOT_DIVIDED),
    "marks get spaces last": (lambda: {
        **joined(),
        "normalizer": sequence("normalizers", CHARSMAP, replace(r"\s+", " ", "Regex"), STRIP, replace("!", " ! ")),
    }, NOT_DIVIDED),
    "another bar": (lambda: {**joined(), "pre_tokenizer": {**metaspace(), "replacement": "_"}}, "its pre-tokenizer is Metaspace, not Metaspace with the bar ▁, alone or after WhitespaceSplit"),
    "another pre-tokenizer": (lambda: {**divided(), "pre_tokenizer": {"type": "Whitespace"}}, "its pre-tokenizer is Whitespace, not Metaspace with the bar ▁, alone or after WhitespaceSplit"),
    "a bar is no piece": (lambda: joined(vocab=[pair for pair in model()["vocab"] if pair[0] != "▁"]), NO_WORD_ENDS),
    "a bar is unknown": (lambda: joined(unk_id=2), NO_WORD_ENDS),
    "a piece that ends with a bar": (lambda: joined(vocab=[*model()["vocab"], ["cat▁", -1.0]]), NO_WORD_ENDS),
    "bytes are missing": (lambda: divided(byte_fallback=True), "its byte_fallback lacks the piece of a byte"),
    "a token with a wrong id": (lambda: divided(added=[added_token("<new>", 9999)]), WRONG_IDS),
    "another version": (lambda: {**divided(), "version": "2.0"}, "the version of its tokenizer.json is not 1.0"),
    "a piece without a score": (lambda: divided(vocab=[*model()["vocab"], ["x"]]), "its pieces and scores are unusual"),
    "no charsmap": (lambda: {
        **divided(), "normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}
    }, "an entry of its tokenizer.json is missing or unusual"),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_SUPPORTED)
def test_what_is_left_to_the_library(case: str) -> None:
    make, reason = NOT_SUPPORTED[case]
    assert reason_to_leave(make()) == reason


@pytest.mark.parametrize("make", [divided, joined])
def test_what_is_not_left_to_the_library(make: Callable[[], dict[str, Any]]) -> None:
    assert reason_to_leave(make()) == ""


def places(entry: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each entry of a definition, pieces aside."""
    if path and path[-1] != "vocab":
        yield path
    if path[-1:] != ("vocab",):
        for key in entry if isinstance(entry, dict) else range(len(entry) if isinstance(entry, list) else 0):
            yield from places(entry[key], (*path, key))


@pytest.mark.parametrize("make", [divided, joined])
def test_odd_definitions_are_left_to_the_library(make: Callable[[], dict[str, Any]]) -> None:
    """Whatever is missing or odd where ids come from, the ids are right, or are the library's to give."""
    for path in places(make()):
        for odd in (GONE, None, [], {}, "x", 5, True, [5], [None]):
            definition = copy.deepcopy(make())
            inner = definition
            for key in path[:-1]:
                inner = inner[key]
            if odd is GONE:
                del inner[path[-1]]
            else:
                inner[path[-1]] = odd
            ours = tokenizer_of(definition)
            if ours is not None and path[0] in ("added_tokens", "normalizer", "pre_tokenizer", "model"):
                check(definition, SAMPLE_TEXTS[:20], ours)


def test_a_real_model(multilingual_model: Path) -> None:
    definition = json.loads((multilingual_model / "tokenizer.json").read_bytes())
    definition["padding"] = None
    check(definition, [*SAMPLE_TEXTS, *random_texts(20_000 if EXHAUSTIVE else 2000, seed=5)])
    large = larger(definition, len(definition["model"]["vocab"]) + 1000, joined=True)
    check(large, [*SAMPLE_TEXTS, *random_texts(20_000 if EXHAUSTIVE else 2000, seed=6)])
