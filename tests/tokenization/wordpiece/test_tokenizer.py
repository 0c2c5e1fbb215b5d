"""The WordPiece path against the `tokenizers` library: every character, and what characters do together."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import random
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray
from sample_texts import SAMPLE_TEXTS, random_texts
from tiny_models import added_token, bundled_definition, wordpiece, wordpiece_with_added_tokens
from tokenizers import Tokenizer, models
from tokenizers.normalizers import NFD, BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from unigram_models import reason_to_leave

from m2v_lite.tokenization.added_entries import UNUSUAL_TOKENS, WRONG_IDS
from m2v_lite.tokenization.characters import TABLES, character_tables
from m2v_lite.tokenization.definition import TokenizerText
from m2v_lite.tokenization.flat_ids import of_each_text
from m2v_lite.tokenization.kinds import own_tokenizer
from m2v_lite.tokenization.wordpiece.tokenizer import WordPieceTokenizer

EXHAUSTIVE = bool(os.environ.get("M2V_LITE_EXHAUSTIVE"))
CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
LARGE_BATCH = 5000
CHARACTERS_AT_ONCE = 1000
SURROUNDINGS = 3
MARKS = [character for character in CHARACTERS if unicodedata.combining(character)]
BETWEEN = ["", "a", "\u0301", "\u0323", "\u034f", "\u0344", "\u0f73", "\u0bcd", "é", "\x00", "日", " "]
OPTIONS = ["clean_text", "handle_chinese_chars", "strip_accents", "lowercase"]


def tokenizer_of(definition: dict[str, Any], **options: Any) -> WordPieceTokenizer:
    text = json.dumps(definition)
    tokenizer = own_tokenizer(text.encode(), TokenizerText(text), "text", **options)
    assert isinstance(tokenizer, WordPieceTokenizer)
    return tokenizer


def pair(definition: dict[str, Any]) -> tuple[WordPieceTokenizer, Tokenizer]:
    """Return our tokenizer and the library's, which keeps unknown tokens."""
    text = json.dumps(definition)
    library = Tokenizer.from_str(text)
    library.no_truncation()
    library.no_padding()
    ours = tokenizer_of(definition)
    ours.unk_token_id = None
    return ours, library


@pytest.fixture(scope="module")
def bundled_pair() -> tuple[WordPieceTokenizer, Tokenizer]:
    return pair(bundled_definition())


@cache
def unknown_to_the_library() -> frozenset[str]:
    """The letters that got a lower case in a later version of Unicode than the installed library knows.

    The tables are of the library's newest version, and so of Unicode 17; older versions of the library fold
    some letters less.
    """
    fold = BertNormalizer(False, False, False, True).normalize_str
    return frozenset(letter for letter in CHARACTERS if fold(letter) != character_tables().lower.of(letter))


def test_the_newest_library_folds_all_letters() -> None:
    fold = BertNormalizer(False, False, False, True).normalize_str
    assert all(fold(letter) == letter for letter in unknown_to_the_library())
    version = tuple(map(int, tokenizers.__version__.split(".")[:2]))
    assert len(unknown_to_the_library()) <= (0 if version >= (0, 23) else 60)


def assert_same_ids(ours: WordPieceTokenizer, library: Tokenizer, texts: list[str], step: int = 1) -> None:
    """Assert the same ids, in batches and one by one.

    Args:
        step: only each `step`-th text is tokenized alone.
    """
    texts = [text for text in texts if unknown_to_the_library().isdisjoint(text)]
    for start in range(0, len(texts), LARGE_BATCH):
        part = texts[start : start + LARGE_BATCH]
        expected = [encoding.ids for encoding in library.encode_batch_fast(part, add_special_tokens=False)]
        assert_ids(ours, part, expected)
        for text, ids in zip(part[::step], expected[::step], strict=True):
            assert ours.token_ids_of_one(text, None).tolist() == ids, text.encode("unicode_escape")


def assert_ids(ours: WordPieceTokenizer, texts: list[str], expected: list[list[int]]) -> None:
    """Assert the ids of one batch, and name the first text that is wrong."""
    ids, bounds = ours.token_ids(texts, None)
    lengths = list(map(len, expected))
    if np.diff(bounds).tolist() != lengths or ids.tolist() != list(itertools.chain.from_iterable(expected)):
        assert len(bounds) == len(texts) + 1
        for text, found, right in zip(texts, of_each_text(ids, bounds), expected, strict=True):
            assert found.tolist() == right, (text, text.encode("unicode_escape"))
        raise AssertionError(f"{len(ids)} ids in bounds up to {bounds[-1]}")


@cache
def letters_tokenizer() -> tuple[dict[str, int], Tokenizer]:
    """A vocabulary in which nearly every character is a piece, so that none hides behind the unknown token.

    Except under `make test-exhaustive`, these are the characters tried and what the library makes of them:
    where ours made another character, it would give the unknown token, and the library does not.
    """
    known = [character for character in tried_characters() if not character.isspace() and character != "\0"]
    tokens = dict.fromkeys(["[UNK]", *known, *(f"##{character}" for character in known)])
    vocabulary = {token: index for index, token in enumerate(tokens)}
    library = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    library.pre_tokenizer = BertPreTokenizer()
    library.add_special_tokens(["[UNK]"])
    return vocabulary, library


def letters_pair(**options: Any) -> tuple[WordPieceTokenizer, Tokenizer]:
    """Return tokenizers of that vocabulary; the library's is shared, and has the options of the last call."""
    vocabulary, library = letters_tokenizer()
    definition = wordpiece()
    definition["normalizer"].update(options)
    definition["model"]["vocab"] = vocabulary
    definition["added_tokens"] = [added_token("[UNK]", 0)]
    library.normalizer = BertNormalizer(**{name: definition["normalizer"][name] for name in OPTIONS})
    ours = tokenizer_of(definition)
    ours.unk_token_id = None
    return ours, library


def surroundings(characters: list[str]) -> Iterator[str]:
    """Each character alone, between letters, doubled, and after and before marks: `SURROUNDINGS` texts each."""
    for character in characters:
        yield character
        yield f"a{character}b {character * 2} a\u0301{character}"
        yield f"{character}\u0301a A{character}\u0323\u0301Z"


def interesting_characters() -> list[str]:
    """All characters whose classes are near an edge, and some of the others."""
    edges = set(range(0x300))
    tables = json.loads(Path(TABLES).read_bytes())
    for name in ("stripped", "lower"):
        keys, _, several = tables.pop(name)
        edges |= set(map(ord, [*keys, *several]))
    for firsts, lasts, *_ in tables.values():
        edges |= {ord(edge) + near for edge in firsts + lasts for near in (-1, 0, 1)}
    edges |= set(range(0, sys.maxunicode + 1, 400))
    return [
        chr(code) for code in sorted(edges) if 0 <= code <= sys.maxunicode and not 0xD800 <= code <= 0xDFFF
    ]


def moved_characters() -> list[str]:
    return [character for character in CHARACTERS if character in character_tables().moved]


@cache
def tried_characters() -> list[str]:
    if EXHAUSTIVE:
        return CHARACTERS
    tried = {*interesting_characters(), *MARKS, *BETWEEN, *moved_characters(), *"abAZ"}
    for options in itertools.product([True, False], repeat=len(OPTIONS)):
        tried |= set(BertNormalizer(*options).normalize_str(" ".join(sorted(tried))))
    return sorted(tried)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"strip_accents": False},
        {"lowercase": False},
        {"lowercase": False, "strip_accents": True},
        {"clean_text": False},
        {"handle_chinese_chars": False},
        dict.fromkeys(OPTIONS, False),
    ],
    ids=lambda options: ",".join(f"{key}={value}" for key, value in options.items()) or "defaults",
)
def test_every_character_in_every_surrounding(options: dict[str, Any]) -> None:
    """Every code point under `make test-exhaustive`; else those at the edges of classes, and a sample."""
    ours, library = letters_pair(**options)
    characters = CHARACTERS if EXHAUSTIVE else interesting_characters()
    for start in range(0, len(characters), CHARACTERS_AT_ONCE):
        texts = list(surroundings(characters[start : start + CHARACTERS_AT_ONCE]))
        assert_same_ids(ours, library, texts, step=49)


@pytest.mark.parametrize("flags", list(itertools.product([True, False], repeat=4)))
def test_every_option_on_random_texts(flags: tuple[bool, ...]) -> None:
    definition = wordpiece()
    definition["normalizer"].update(dict(zip(OPTIONS, flags, strict=True)))
    assert_same_ids(*pair(definition), SAMPLE_TEXTS + random_texts(1000, seed=5))


def test_every_pair_of_ascii_characters(bundled_pair: tuple[WordPieceTokenizer, Tokenizer]) -> None:
    characters = [chr(code) for code in range(128)]
    texts = [
        "a".join(pair) + first + second for first in characters for second in characters for pair in ["xy"]
    ]
    texts += [first + second for first in characters for second in characters]
    assert_same_ids(*bundled_pair, texts, step=10)


def test_canonical_order() -> None:
    """Marks that are moved and not stripped, in every order, with every kind of character between them."""
    ours, library = letters_pair()
    moved = moved_characters()
    assert len(moved) > 50
    generator = random.Random(0)
    some = moved if EXHAUSTIVE else generator.sample(moved, 15)
    texts = [f"a{one}{middle}{other}b" for one in some for other in some for middle in BETWEEN]
    texts += [
        "".join(generator.choices([*moved, *MARKS, "a"], k=8)) for _ in range(100_000 if EXHAUSTIVE else 5000)
    ]
    assert_same_ids(ours, library, texts, step=10)


def test_the_tables_order_all_marks() -> None:
    """Combining classes are right for every pair of neighbours in canonical order."""
    order = NFD().normalize_str
    tables = character_tables()
    marks = [c for c in CHARACTERS if tables.combining.value(c) is not None and order(c) == c]
    generator = random.Random(1)
    for one, other in ((generator.choice(marks), generator.choice(marks)) for _ in range(10_000)):
        swapped = order(one + other) != one + other
        first, second = (tables.combining.value(mark) for mark in (one, other))
        assert first is not None
        assert second is not None
        assert swapped == (first > second), (one.encode("unicode_escape"), other.encode("unicode_escape"))


@pytest.mark.parametrize("seed", range(60, 64))
def test_random_texts(seed: int, bundled_pair: tuple[WordPieceTokenizer, Tokenizer]) -> None:
    number = 50_000 if EXHAUSTIVE else 5000
    assert_same_ids(*bundled_pair, SAMPLE_TEXTS + random_texts(number, seed), step=50)


@given(st.lists(st.text(max_size=60), max_size=10))
@settings(max_examples=2000 if EXHAUSTIVE else 300, deadline=None)
def test_texts_that_hypothesis_makes(
    bundled_pair: tuple[WordPieceTokenizer, Tokenizer], texts: list[str]
) -> None:
    assert_same_ids(*bundled_pair, texts or [""])


# White space and control characters, word and other characters, and pieces of tokens.
TANGLE = st.lists(
    st.sampled_from(
        [
            *"aA1_ \t\n\x00\x0b\x1c\x85\u00a0\u200b\u0301é日ς-[]<>|k",
            "[MASK]",
            "[UNK]",
            "new york",
            "<l>",
            "<r>",
            "Sat",
            "ÉTÉ",
        ]
    ),
    max_size=25,
).map("".join)


@given(
    st.lists(TANGLE, min_size=1, max_size=4), st.tuples(*[st.booleans()] * 3), st.booleans(), st.booleans()
)
@settings(max_examples=3000 if EXHAUSTIVE else 500, deadline=None)
def test_added_tokens(texts: list[str], flags: tuple[bool, ...], normalized: bool, clean: bool) -> None:
    definition = wordpiece_with_added_tokens()
    definition["normalizer"]["clean_text"] = clean
    single_word, lstrip, rstrip = flags
    for token in definition["added_tokens"]:
        token.update(single_word=single_word, lstrip=lstrip, rstrip=rstrip)
        if token["content"] not in ("[UNK]", "[MASK]"):
            token["normalized"] = normalized
    assert_same_ids(*pair(definition), texts)


def test_added_tokens_on_many_texts() -> None:
    definition = wordpiece_with_added_tokens()
    assert_same_ids(*pair(definition), SAMPLE_TEXTS + random_texts(5000, seed=7), step=50)


def test_a_longer_added_token_goes_first() -> None:
    definition = wordpiece()
    first = len(definition["model"]["vocab"])
    for index, content in enumerate(["ab", "abc", "bc", "bcd", "cd"]):
        definition["added_tokens"].append(added_token(content, first + index, special=False))
    texts = ["".join(letters) for length in range(6) for letters in itertools.product("abcd", repeat=length)]
    assert_same_ids(*pair(definition), texts)


@pytest.mark.parametrize("prefix", ["##", "", "@@", "x"])
@pytest.mark.parametrize("longest", [0, 1, 5, 100, 1000])
def test_prefixes_and_limits(prefix: str, longest: int) -> None:
    definition = wordpiece()
    vocabulary = definition["model"]["vocab"]
    tokens = [prefix + token[2:] if token.startswith("##") else token for token in vocabulary]
    definition["model"]["vocab"] = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    definition["model"].update(continuing_subword_prefix=prefix, max_input_chars_per_word=longest)
    assert_same_ids(*pair(definition), SAMPLE_TEXTS + random_texts(500, seed=8))


def test_truncation_and_unknown_tokens(bundled_pair: tuple[WordPieceTokenizer, Tokenizer]) -> None:
    """The first ids of all, unknown ones included, then without the unknown ones."""
    ours, library = bundled_pair
    unknown = library.token_to_id("[UNK]")
    texts = SAMPLE_TEXTS + random_texts(300, seed=9)
    expected = [encoding.ids for encoding in library.encode_batch(texts, add_special_tokens=False)]
    try:
        ours.unk_token_id = unknown
        for limit in (1, 2, 3, 8, 512, None):
            lists = [[token for token in ids[:limit] if token != unknown] for ids in expected]
            assert [ids.tolist() for ids in of_each_text(*ours.token_ids(texts, limit))] == lists
            assert [ours.token_ids_of_one(text, limit).tolist() for text in texts] == lists
    finally:
        ours.unk_token_id = None


def test_a_small_memo_changes_nothing() -> None:
    """Not even for single texts, which alone have a memo."""
    definition = bundled_definition()
    small = tokenizer_of(definition, memo_bytes=2000)
    large = tokenizer_of(definition)
    texts = SAMPLE_TEXTS + random_texts(500, seed=10)
    for _ in range(3):
        for text in texts:
            expected = large.token_ids_of_one(text, 512)
            np.testing.assert_array_equal(small.token_ids_of_one(text, 512), expected)
    for ours, right in zip(small.token_ids(texts, 512), large.token_ids(texts, 512), strict=True):
        np.testing.assert_array_equal(ours, right)


FIRST = len(wordpiece()["model"]["vocab"])


def spoiled(**changes: Any) -> dict[str, Any]:
    definition = wordpiece()
    for path, value in changes.items():
        *parents, name = path.split("__")
        entry = definition
        for parent in parents:
            entry = entry[parent]
        entry[name] = value
    return definition


NORMALIZER_OPTION = "an option of its normalizer is missing or unusual"
MODEL_OPTION = "an option of its WordPiece model is missing or unusual"
UNUSUAL_VOCABULARY = "its vocabulary is unusual"


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        (spoiled(normalizer=None), "its normalizer is none, not BertNormalizer"),
        (spoiled(normalizer={"type": "Lowercase"}), "its normalizer is Lowercase, not BertNormalizer"),
        (spoiled(normalizer__strip_accents="yes"), NORMALIZER_OPTION),
        (spoiled(normalizer__lowercase=None), NORMALIZER_OPTION),
        (spoiled(pre_tokenizer=None), "its pre-tokenizer is none, not BertPreTokenizer"),
        (spoiled(pre_tokenizer={"type": "Whitespace"}), "its pre-tokenizer is Whitespace, not BertPreTokenizer"),
        (spoiled(model__type="WordLevel"), "its model is WordLevel"),
        ({}, "its model is none"),
        (spoiled(version="9"), "the version of its tokenizer.json is not 1.0"),
        (spoiled(model__unk_token="[NOPE]"), "its unknown token is not in the vocabulary"),
        (spoiled(model__unk_token=None), MODEL_OPTION),
        (spoiled(model__unk_token=["x"]), MODEL_OPTION),
        (spoiled(model__continuing_subword_prefix=None), MODEL_OPTION),
        (spoiled(model__max_input_chars_per_word=None), MODEL_OPTION),
        (spoiled(model__max_input_chars_per_word=-1), MODEL_OPTION),
        (spoiled(model__vocab=[]), UNUSUAL_VOCABULARY),
        (spoiled(model__vocab={}), UNUSUAL_VOCABULARY),
        (spoiled(model__vocab={"[UNK]": 0, "\udfff": 1}), UNUSUAL_VOCABULARY),
        (spoiled(model__vocab={"[UNK]": 0.0}), UNUSUAL_VOCABULARY),
        (spoiled(model__vocab={"[UNK]": True}), UNUSUAL_VOCABULARY),
        (spoiled(model__vocab={"[UNK]": 0, "##a": 1 << 31}), UNUSUAL_VOCABULARY),
        (spoiled(model__vocab={"[UNK]": 0, "a\0": 1}), "its vocabulary is unusual (a token holds a NUL)"),
        (spoiled(added_tokens=None), UNUSUAL_TOKENS),
        (spoiled(added_tokens=["x"]), UNUSUAL_TOKENS),
        (spoiled(added_tokens=[None]), UNUSUAL_TOKENS),
        (spoiled(added_tokens=[{**added_token("[PAD]", 0), "content": 5}]), UNUSUAL_TOKENS),
        (spoiled(added_tokens=[{**added_token("[PAD]", 0), "id": False}]), UNUSUAL_TOKENS),
        (spoiled(added_tokens=[{**added_token("[PAD]", 0), "lstrip": "no"}]), UNUSUAL_TOKENS),
        (spoiled(added_tokens=[{"id": 0, "content": "[PAD]"}]), UNUSUAL_TOKENS),
        (spoiled(added_tokens=[added_token(" x", FIRST)]), UNUSUAL_TOKENS),
        (spoiled(added_tokens=[added_token("\ud800", FIRST)]), UNUSUAL_TOKENS),
        (spoiled(added_tokens=[added_token("\u200b", FIRST, normalized=True)]), UNUSUAL_TOKENS),
        (spoiled(added_tokens=[added_token("\xad \xad", FIRST, normalized=True)]), UNUSUAL_TOKENS),
        (spoiled(added_tokens=[added_token("Hi", FIRST, normalized=True), added_token("hi", FIRST + 1, normalized=True)]), UNUSUAL_TOKENS),
        (spoiled(added_tokens=[added_token("hi", FIRST), added_token("hi", FIRST + 1)]), UNUSUAL_TOKENS),
        (spoiled(added_tokens=[added_token(f"token{n}", FIRST + n) for n in range(101)]), UNUSUAL_TOKENS),
        (spoiled(added_tokens=[added_token("[PAD]", 3)]), WRONG_IDS),
        (spoiled(added_tokens=[added_token("new", 10_000)]), WRONG_IDS),
        (spoiled(model__vocab={"[UNK]": 0, "a": 5}, added_tokens=[added_token("hi", 2)]), WRONG_IDS),
        (spoiled(model__vocab={"[UNK]": 0, "a": 0}, added_tokens=[added_token("hi", 2)]), WRONG_IDS),
    ],
)  # fmt: skip
def test_what_is_left_to_the_library(definition: dict[str, Any], reason: str) -> None:
    assert reason_to_leave(definition) == reason


def test_golden_texts(models_folder: Path, bundled_pair: tuple[WordPieceTokenizer, Tokenizer]) -> None:
    texts = json.loads((models_folder.parent / "golden" / "texts.json").read_text(encoding="utf-8"))
    assert_same_ids(*bundled_pair, texts)


def test_ids_do_not_depend_on_the_batch(
    bundled_pair: tuple[WordPieceTokenizer, Tokenizer], tiny: Callable[[str], Path]
) -> None:
    ours, _ = bundled_pair
    texts = random_texts(200, seed=11) + SAMPLE_TEXTS
    generator = random.Random(2)
    alone = {text: ours.token_ids([text], None)[0].tolist() for text in texts}
    for _ in range(50):
        some = generator.sample(texts, generator.randint(1, 60))
        lists = [ids.tolist() for ids in of_each_text(*ours.token_ids(some, None))]
        assert lists == [alone[text] for text in some]


@pytest.mark.parametrize("clean", [True, False])
def test_only_odd_texts_of_a_batch_are_done_one_by_one(clean: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with an added token, a NUL, or a character that canonical ordering moves."""
    definition = bundled_definition()
    definition["normalizer"]["clean_text"] = clean
    ours, library = pair(definition)
    texts = [
        "Привет, мир!", "“quoted” – text… naïve café", "Ελληνικά ΣΑΣ ς", "日本語", "a\u0301b \u00ad\u200b",
        "tab\there\u3000wide", "\x07bell\x1f", "", "한국어 텍스트", "ﬁne ǅ İstanbul K", "\uffff\ufffe",
        "emoji 👍", "𝔸", "\U0002f800", "\u302a", "plain ASCII", "\x01 separated\x01\x01",
    ]  # fmt: skip
    odd = ["nul\0 ", "\u302a\u302e", "the [MASK]", "한 \u302e", "\0", "\U0001d15e"]
    assert_same_ids(ours, library, [*texts, *odd, *texts, *odd])
    alone: list[str] = []
    token_ids_of_one = ours._single.token_ids

    def noted(text: str, max_length: int | None, drop_unknown: bool) -> NDArray[np.intp]:
        alone.append(text)
        return token_ids_of_one(text, max_length, drop_unknown)

    monkeypatch.setattr(ours._single, "token_ids", noted)
    ours.token_ids(texts, None)
    assert not alone
    ours.token_ids([*texts, *odd, *texts], None)
    assert sorted(alone) == sorted(odd)


@pytest.mark.parametrize("number", [1, 7, 8, 9, 15, 16, 17, 24, 25, 40])
def test_words_of_every_length_in_a_batch(
    bundled_pair: tuple[WordPieceTokenizer, Tokenizer], number: int
) -> None:
    """Words are found by chunks of 8 bytes; words that differ beyond a chunk must not be confused."""
    ours, library = bundled_pair
    stems = ["a" * number, "é" * number, "я" * number, "한" * number, "가나" * number, "😀" * number]
    texts = [f"{stem} {stem}b {stem}c {stem}б {stem}b" for stem in stems]
    for _ in range(2):
        assert_same_ids(ours, library, texts)


@pytest.mark.parametrize("memo_bytes", [2000, 1 << 16, 1 << 20])
def test_a_memo_that_many_threads_fill_at_once(memo_bytes: int) -> None:
    definition = bundled_definition()
    generator = random.Random(3)
    texts = [" ".join("".join(generator.choices("qxzjkv", k=30)) for _ in range(200)) for _ in range(8)]
    alone = tokenizer_of(definition)
    expected = [alone.token_ids_of_one(text, None) for text in texts]
    shared = tokenizer_of(definition, memo_bytes=memo_bytes)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(shared.token_ids_of_one, texts * 3, [None] * 24))
    finally:
        sys.setswitchinterval(before)
    for result, right in zip(results, expected * 3, strict=True):
        np.testing.assert_array_equal(result, right)


def test_a_large_text_does_not_stay_in_memory() -> None:
    definition = bundled_definition()
    ours = tokenizer_of(definition, memo_bytes=1 << 16)
    ours.token_ids_of_one(" ".join(f"word{number}" for number in range(5000)), None)
    assert ours._single._memo.is_full()
    ours.token_ids_of_one("cat", None)
    assert not ours._single._memo.is_full()


def test_pickled_after_use(bundled_pair: tuple[WordPieceTokenizer, Tokenizer]) -> None:
    ours, _ = bundled_pair
    texts = [*SAMPLE_TEXTS, "é“”"]
    expected = ours.token_ids(texts, None)
    again = pickle.loads(pickle.dumps(ours))
    for result, right in zip(again.token_ids(texts, None), expected, strict=True):
        np.testing.assert_array_equal(result, right)


SCRIPTS = [
    "abcdefghijklmnopqrstuvwxyz", "ABCxyz", "éèüöàçßñ", "абвгдежзийклмн", "αβγδεζηθικς", "אבגדהוזח", "مرحبابالع",
    "नमस्तेदुनिया", "สวัสดีชาวโลก", "한국어텍스트각", "日本語中文字", "ひらがなカタカナ", "აბგდევზ", "😀👍🏽𝔸𐐀",
]  # fmt: skip


def made_word(generator: random.Random, lengths: range) -> str:
    return "".join(generator.choices(generator.choice(SCRIPTS), k=generator.choice(lengths)))


@pytest.mark.parametrize("seed", range(4))
def test_long_words(seed: int, bundled_pair: tuple[WordPieceTokenizer, Tokenizer]) -> None:
    """Words of more than 16 characters, of more than 100, which are unknown, and of nearly so many."""
    generator = random.Random(seed)
    lengths = [range(17, 30), range(17, 40), range(98, 103), range(101, 130)]
    texts = [
        " ".join(made_word(generator, generator.choice(lengths)) for _ in range(generator.randint(1, 3)))
        for _ in range(50_000 if EXHAUSTIVE else 5000)
    ]
    assert_same_ids(*bundled_pair, texts, step=50)


def of_tokens(
    tokens: Sequence[str], prefix: str = "##", lowercase: bool = True, clean: bool = True
) -> tuple[WordPieceTokenizer, Tokenizer]:
    """Return tokenizers with a vocabulary."""
    definition = wordpiece()
    vocabulary = dict.fromkeys(["[UNK]", *tokens])
    definition["model"].update(vocab={token: index for index, token in enumerate(vocabulary)})
    definition["model"].update(continuing_subword_prefix=prefix)
    definition["normalizer"].update(lowercase=lowercase, clean_text=clean)
    definition["added_tokens"] = [added_token("[UNK]", 0)]
    return pair(definition)


@pytest.mark.parametrize("prefix", ["##", "", "▁", "a", "é", "ab▁", "日本", "▁" * 9, "😀"])
@pytest.mark.parametrize("lowercase", [True, False])
def test_words_that_begin_with_the_prefix(prefix: str, lowercase: bool) -> None:
    """A token that continues a word may also begin one that has the prefix in its text."""
    generator = random.Random(len(prefix))
    stems = ["x", "y", "xy", "é", "yyyyyyyy", "xyxyxyxyx", "z" * 17, *prefix]
    tokens = [*stems[:4], *(prefix + stem for stem in stems), prefix * 2, prefix + prefix + "x"]
    ours, library = of_tokens([token for token in tokens if token], prefix, lowercase)
    parts = [prefix, prefix[:-1], prefix[1:], *stems, " ", "!", "q"]
    texts = [prefix + stem + end for stem in stems for end in ["", "x", prefix, f" {prefix}", f"{prefix}x"]]
    texts += ["".join(generator.choices(parts, k=generator.randint(1, 12))) for _ in range(2000)]
    assert_same_ids(ours, library, texts, step=5)


@pytest.mark.parametrize("clean", [True, False])
def test_odd_tokens(clean: bool) -> None:
    """Tokens that hold spaces, control and astral characters, and long ones."""
    tokens = [
        "a b", " ", " a", "a ", "\t", "\x01", "a\x01", "##\x01", "##\x01b", "\x1c", "##\x85",
        "😀", "##😀", "😀😀", "##😀😀😀", "\U0010ffff", "a\U0010ffff", "𝔸" * 12, "##" + "𝔸" * 12, "##\n", "\u200b", "##\u200b",
        "b" * 40, "##" + "b" * 40, "bé" * 20, "##" + "日本" * 10, "я" * 40, "a", "b", "##a", "##b", "##я", "я", "日", "!", "##!", "!!",
    ]  # fmt: skip
    ours, library = of_tokens(tokens, clean=clean, lowercase=False)
    generator = random.Random(0)
    parts = [*(token.replace("##", "") for token in tokens), " ", "a", "b", "##"]
    texts = ["".join(generator.choices(parts, k=generator.randint(1, 6))) for _ in range(4000)]
    assert_same_ids(ours, library, [*tokens, *parts, *texts], step=10)


@cache
def many_tokens() -> list[str]:
    """Return as many tokens as bert-base-multilingual has, in as many scripts."""
    generator = random.Random(0)
    tokens = dict.fromkeys([*"".join(SCRIPTS), *(f"##{letter}" for letter in "".join(SCRIPTS))])
    while len(tokens) < 120_000:
        word = made_word(generator, range(1, 12))
        tokens[word if generator.random() < 0.6 else f"##{word}"] = None
    return list(tokens)


@pytest.mark.parametrize("lowercase", [True, False])
def test_a_large_vocabulary_in_many_scripts(lowercase: bool) -> None:
    ours, library = of_tokens(many_tokens(), lowercase=lowercase)
    generator = random.Random(1)
    tokens = generator.sample(many_tokens(), 20_000)
    words = [token.removeprefix("##") for token in tokens]
    texts = [" ".join(words[start : start + 10]) for start in range(0, len(words), 10)]
    texts += [
        " ".join("".join(generator.choices(words, k=generator.randint(1, 3))) for _ in range(5))
        for _ in range(100_000 if EXHAUSTIVE else 2000)
    ]
    assert_same_ids(ours, library, [*texts, *SAMPLE_TEXTS], step=50)


@pytest.mark.parametrize("clean", [True, False])
def test_texts_with_nul(clean: bool) -> None:
    definition = wordpiece()
    definition["normalizer"]["clean_text"] = clean
    texts = ["\0", "a\0b", "\0\0", "cat\0 sat", "\0[MASK]\0", "日\0本", "\0é", " \0 ", "the cat", "été", ""]
    ours, library = pair(definition)
    assert_same_ids(ours, library, texts)
    for some in itertools.permutations(texts, 2):
        assert_same_ids(ours, library, [*some], step=10)


@pytest.mark.parametrize("clean", [True, False])
def test_batches_of_one_kind(clean: bool) -> None:
    """A batch without texts, or with odd texts alone, leaves nothing for the other routes."""
    definition = wordpiece()
    definition["normalizer"]["clean_text"] = clean
    ours, library = pair(definition)
    ids, bounds = ours.token_ids([], None)
    assert ids.tolist() == []
    assert bounds.tolist() == [0]
    for text in ["[MASK]", "\0", "\u302e", "é", "a", "", " ", "\u00ad", "\x01"]:
        for number in (1, 2):
            assert_same_ids(ours, library, [text] * number)


@pytest.mark.parametrize(
    "tokens", [["a"], ["##a"], ["abcdefghi"], ["##abcdefghi", "abc"], ["日本語日本語日本語"]]
)
def test_tiny_vocabularies(tokens: list[str]) -> None:
    """Any kind of token may be missing: short or long ones, at the start of words or within."""
    texts = ["a", "aa", "abcdefghi", "abcdefghij", "abcabcdefghi", "abcdefghijklmnopqrstuvwxyz", "é日", ""]
    definition = wordpiece()
    for unknown in ("[UNK]", "unknown words"):
        vocabulary = {token: index for index, token in enumerate([unknown, *tokens])}
        definition["model"].update(vocab=vocabulary, unk_token=unknown)
        definition["added_tokens"] = []
        assert_same_ids(*pair(definition), texts)
