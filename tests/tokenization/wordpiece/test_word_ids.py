"""The ids of all words at once, against dividing them one by one."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray
from plain_wordpiece import plain_pieces, tables_of, words_in_arrays

from m2v_lite.tokenization.flat_ids import bounds_at, of_each_text
from m2v_lite.tokenization.vocabulary import windows
from m2v_lite.tokenization.wordpiece import character_tokens, word_ids
from m2v_lite.tokenization.wordpiece.batch_words import Words, WordsOfCodes
from m2v_lite.tokenization.wordpiece.character_ids import CharacterIds
from m2v_lite.tokenization.wordpiece.character_tokens import CharacterTokens
from m2v_lite.tokenization.wordpiece.pieces import WordPiece
from m2v_lite.tokenization.wordpiece.token_tables import MASKS
from m2v_lite.tokenization.wordpiece.word_ids import WORDS_AT_ONCE, ids_of_words, one_of_each

EXHAUSTIVE = bool(os.environ.get("M2V_LITE_EXHAUSTIVE"))
WORD = st.one_of(
    st.text("ab", min_size=1, max_size=20),
    st.text("aé日😀", min_size=1, max_size=30),
    st.text("abc", min_size=1),
)
TEXTS = st.lists(st.lists(WORD, max_size=12), min_size=1, max_size=6)
TOKENS = st.dictionaries(st.text("ab#cé日", min_size=1, max_size=18), st.integers(1, 99), max_size=40)


def assert_ids(
    tokens: dict[str, int], texts: Sequence[Sequence[str]], prefix: str = "##", limit: int = 100
) -> None:
    """Assert the ids of texts, each a list of words."""
    tokens = {**tokens, "[UNK]": 0}
    model = WordPiece(tables_of(tokens, prefix), tokens["[UNK]"], limit)
    words = words_in_arrays(texts)
    ids, stops = ids_of_words(model, words)
    flat = ids, bounds_at(stops, words.are_ends())
    known = {word: model.pieces(word) for text in texts for word in text}
    expected = [[token_id for word in text for token_id in known[word]] for text in texts]
    assert [own.tolist() for own in of_each_text(*flat)] == expected
    assert len(stops) == len(words.starts)
    if texts:
        flat = ids_by_characters(model, words)
        assert [own.tolist() for own in of_each_text(*flat)] == expected


def ids_by_characters(model: WordPiece, words: Words) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the ids of all texts, character by character where that is possible."""
    codes = np.array([*map(ord, "".join(words.texts()))], np.uint32)
    by_characters = CharacterIds(CharacterTokens(model.tables), WordsOfCodes(codes, words.characters), model)
    return by_characters.completed(*ids_of_words(model, by_characters.left.in_utf8()))


def random_tokens(generator: random.Random, letters: str = "abcde", most: int = 12) -> dict[str, int]:
    texts = ["".join(generator.choices(letters, k=length)) for length in range(1, most) for _ in range(40)]
    pieces = [f"##{text}" for text in generator.sample(texts, len(texts) // 2)]
    return {token: 1 + place for place, token in enumerate(dict.fromkeys([*texts, *pieces, *letters]))}


def random_words(generator: random.Random, number: int, lengths: range, letters: str = "abcde") -> list[str]:
    """Return words of some letters, and one in some twenty of another letter."""
    letters += "f"
    weights = [20 / len(letters)] * (len(letters) - 1) + [0.05]
    return ["".join(generator.choices(letters, weights, k=generator.choice(lengths))) for _ in range(number)]


@settings(deadline=None)
@given(TOKENS, TEXTS, st.sampled_from(["##", "", "a", "é", "#" * 20]), st.sampled_from([100, 20, 5, 1, 0]))
def test_any_words(tokens: dict[str, int], texts: list[list[str]], prefix: str, limit: int) -> None:
    assert_ids(tokens, texts, prefix, limit)


@settings(deadline=None)
@given(TOKENS, st.lists(WORD, max_size=20), st.sampled_from(["##", "", "a", "#" * 20]))
def test_words_one_by_one(tokens: dict[str, int], words: list[str], prefix: str) -> None:
    """What the other tests compare with."""
    tokens = {**tokens, "[UNK]": 0}
    model = WordPiece(tables_of(tokens, prefix), tokens["[UNK]"])
    assert [model.pieces(word) for word in words] == [
        plain_pieces(tokens, prefix, word, 0) if len(word) <= 100 else [0] for word in words
    ]


@pytest.mark.parametrize("letters", ["abcde", "aéяcd", "日本語ab", "😀𝔸ab"])
@pytest.mark.parametrize("limit", [1, 5, 8, 16, 17, 100, 1000])
def test_limits_count_characters(letters: str, limit: int) -> None:
    generator = random.Random(limit)
    tokens = random_tokens(generator, letters)
    lengths = range(max(1, limit - 2), limit + 3)
    texts = [random_words(generator, 40, lengths, letters) for _ in range(20)]
    texts += [[letter * length for letter in letters for length in lengths]]
    texts += [[next(iter(tokens))], ["[UNK]"], [token for token in tokens if "#" not in token]]
    assert_ids(tokens, texts, limit=limit)


@pytest.mark.parametrize(
    "lengths", [range(1, 17), range(8, 20), range(17, 40), range(90, 120), range(300, 400)]
)
def test_long_words(lengths: range) -> None:
    generator = random.Random(lengths.start)
    tokens = random_tokens(generator, most=30)
    words = random_words(generator, 300, lengths)
    words += [word[:-1] + letter for word in words[:50] for letter in "ab"]  # differ in the last letter alone
    words += [letter + word[1:] for word in words[:50] for letter in "ab"]
    words += [word[:length] for word in words[:20] for length in (7, 8, 9, 15, 16, 17, 24) if word[:length]]
    assert_ids(tokens, [words, words[::-1], generator.choices(words, k=500)], limit=120)


@pytest.mark.parametrize("number", [WORDS_AT_ONCE - 1, WORDS_AT_ONCE, WORDS_AT_ONCE + 1, 10_000])
def test_more_words_than_are_divided_at_once(number: int) -> None:
    generator = random.Random(number)
    tokens = random_tokens(generator)
    words: dict[str, None] = {}
    while len(words) < number:
        word = random_words(generator, 1, range(8, 20))[0]
        if word not in tokens:
            words[word] = None
    order = [*words]
    assert_ids(tokens, [order[: number // 2], [], order[number // 2 :], order[:100]])


def test_many_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = random.Random(4)
    tokens = random_tokens(generator)
    texts = [random_words(generator, 30, range(1, 30)) for _ in range(20)]
    for at_once in (1, 2, 7, 100):
        monkeypatch.setattr(word_ids, "WORDS_AT_ONCE", at_once)
        for few in (0, 5, 1000):
            monkeypatch.setattr(word_ids, "FEW_WORDS", few)
            assert_ids(tokens, texts)


def test_words_that_occur_many_times() -> None:
    generator = random.Random(5)
    tokens = random_tokens(generator)
    words = [*random_words(generator, 20, range(1, 25)), "f", "f" * 20, "a", "[UNK]"]
    assert_ids(tokens, [generator.choices(words, k=generator.choice([0, 1, 5, 400])) for _ in range(60)])
    assert_ids(tokens, [["f" * length] * 3000 for length in (1, 9, 17, 101)])


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [[]],
        [[]] * 5,
        [["a"]],
        [["b"]],
        [["ab"]],
        [["f"]],
        [[], ["ab"], []],
        [["ab"], [], [], ["f"], ["a", "ab"]],
        [["f"] * 3, ["f"], []],
        [["a" * 101], [], ["a" * 100]],
    ],
)
@pytest.mark.parametrize("limit", [0, 1, 100])
def test_few_words(texts: list[list[str]], limit: int) -> None:
    assert_ids({"a": 4, "##b": 5, "##a": 6}, texts, limit=limit)
    assert_ids({"a": 4}, texts, limit=limit)


def assert_one_of_each(words: list[str]) -> int:
    """Assert that words stand for equal words, and return how many are chosen."""
    in_arrays = words_in_arrays([words])
    window = windows(in_arrays.units)
    starts, lengths = in_arrays.starts[:-1], in_arrays.lengths[:-1]
    chunks = window[starts] & MASKS.take(lengths, mode="clip")
    distinct, word_of = one_of_each(window, chunks, starts, lengths)
    assert [words[distinct[place]] for place in word_of.tolist()] == words
    assert len(np.unique(distinct)) == len(distinct) <= len(words)
    np.testing.assert_array_equal(word_of[distinct], np.arange(len(distinct)))
    return len(distinct)


NEAR = ["a" * length + end for length in range(20) for end in ("", "b", "é", "日") if length or end]


@given(st.lists(st.one_of(WORD, st.sampled_from(NEAR)), max_size=50))
def test_one_of_each(words: list[str]) -> None:
    assert assert_one_of_each(words) >= len(set(words))


def test_most_words_are_chosen_once() -> None:
    generator = random.Random(6)
    words = [word for word in random_words(generator, 3000, range(1, 12)) if len(word) <= 16]
    chosen = assert_one_of_each(generator.choices(words, k=20_000))
    assert len(set(words)) * 0.9 <= chosen <= 1.5 * len(set(words))
    assert assert_one_of_each(["abcdefghijklmnop"] * 500) == 1


@pytest.mark.parametrize("factors", [[0, 0], [0, 1], [1, 0]])
def test_words_whose_hashes_clash(factors: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_ids, "FACTORS", np.array(factors, np.uint64))
    generator = random.Random(7)
    words = [*NEAR, *random_words(generator, 500, range(1, 40))]
    order = generator.choices(words, k=2000)
    assert_one_of_each(order)
    assert_ids(random_tokens(generator), [order[:100], [], order[100:]])


@pytest.mark.parametrize("seed", range(200 if EXHAUSTIVE else 4))
def test_random_words(seed: int) -> None:
    generator = random.Random(seed)
    letters = generator.choice(["abc", "abcdefgh", "aé日😀", "яюэ"])
    tokens = random_tokens(generator, letters, generator.choice([3, 12, 40]))
    texts = [
        random_words(
            generator, generator.choice([0, 1, 30, 200]), range(1, generator.choice([4, 20, 110])), letters
        )
        for _ in range(40)
    ]
    assert_ids(tokens, texts, limit=generator.choice([10, 50, 100]))


@settings(deadline=None)
@given(
    st.dictionaries(st.text("яюэ日語#1", min_size=1, max_size=9), st.integers(1, 99), max_size=40),
    st.lists(st.lists(st.text("яюэ日語#1a😀", min_size=1, max_size=20), max_size=12), min_size=1, max_size=6),
    st.sampled_from(["##", "", "я", "#" * 20]),
    st.sampled_from([100, 5, 0]),
    st.booleans(),
)
def test_words_beyond_ascii(
    tokens: dict[str, int], texts: list[list[str]], prefix: str, limit: int, are_few: bool
) -> None:
    """Longer tokens overlap, stand at both ends of a word, or are missed by a character; few or too many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(character_tokens, "FEW", 1000 if are_few else -1)
        assert_ids(tokens, texts, prefix, limit)


def test_characters_that_are_tokens_only_together() -> None:
    tokens = {"я": 1, "##юэ": 2, "юя": 3}
    assert_ids(tokens, [["яюэ", "яюэюэ", "юяюэ", "яю", "юэ", "яюэю", "э"], ["яюэ"] * 300])


def test_overlapping_tokens() -> None:
    tokens = {
        "я": 1,
        "##ю": 2,
        "##юэ": 3,
        "##эя": 4,
        "##я": 5,
        "##яюэ": 6,
        "##э": 7,
        "юэ": 8,
        "##эяюэяюэяюэ": 9,
    }
    words = ["яюэ", "яюэя", "яюэяюэ", "юэяю", "юэ", "юэюэ", "эя", "яэяюэяюэяюэ", "яэяюэяюэяю", "я", "яююэ"]
    assert_ids(tokens, [words, [], words[::-1], words * 300])


@pytest.mark.parametrize("factor", [0, 1, 1 << 16])
def test_pairs_that_clash(factor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pair that seems to begin a longer token is looked at, and has none."""
    monkeypatch.setattr(character_tokens, "PAIR_FACTOR", np.uint32(factor))
    generator = random.Random(8)
    letters = "яюэ日語가"
    tokens = random_tokens(generator, letters)
    assert_ids(tokens, [random_words(generator, 200, range(1, 30), letters) for _ in range(5)])


def test_every_character_of_the_first_plane() -> None:
    """As a token at the beginning of a word or behind it, and in longer tokens, or missing."""
    characters = [chr(code) for code in range(1, 0x10000) if not 0xD800 <= code <= 0xDFFF]
    tokens = {f"{'##' * (place % 2)}{character}": place for place, character in enumerate(characters[::3], 1)}
    tokens |= {
        f"{one}{other}": place for place, (one, other) in enumerate(itertools.pairwise(characters[::700]))
    }
    words = [f"{one}{other}" for one, other in itertools.pairwise(characters)]
    assert_ids(tokens, [characters, words, characters[::-1]])
