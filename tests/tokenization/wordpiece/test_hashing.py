"""Tables of keys against dictionaries, and dividing all words at once against dividing one by one."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from m2v_lite.tokenization.flat_ids import of_each_text
from m2v_lite.tokenization.vocabulary import DictVocabulary, MappedVocabulary, vocabulary_arrays
from m2v_lite.tokenization.wordpiece import hashing
from m2v_lite.tokenization.wordpiece.hashing import (
    KEY_CHARACTERS,
    MISSING,
    Keys,
    KeyTable,
    one_of_each,
    word_keys,
)
from m2v_lite.tokenization.wordpiece.longest_match import BulkWordPiece
from m2v_lite.tokenization.wordpiece.normalizer import WordSplitter
from m2v_lite.tokenization.wordpiece.pieces import WordPiece
from m2v_lite.tokenization.wordpiece.word_spans import END_CHARACTER, AsciiDivider, Spans, WideDivider

WORDS = st.lists(st.text("abc", min_size=1, max_size=20), min_size=1, max_size=60)


def spans_of(words: list[str], wide: bool = False) -> Spans:
    """Return where words lie that hold no white space or marks."""
    text = [" ".join(words)]
    spans = WideDivider(WordSplitter()).divide(text)[0] if wide else AsciiDivider(WordSplitter()).divide(text)
    return spans.select(slice(0, len(words)))


def as_tuples(keys: Keys) -> list[tuple[int, ...]]:
    return list(zip(*keys.tolist(), strict=True))


@given(WORDS, st.booleans())
def test_keys_are_the_words(words: list[str], wide: bool) -> None:
    spans = spans_of(words, wide)
    assert spans.words() == words
    keys = word_keys(spans)
    for word, key in zip(words, as_tuples(keys), strict=True):
        encoded = word.encode("utf-16-le" if wide else "ascii") if len(word) <= KEY_CHARACTERS else b""
        assert np.array(key, "<u8").tobytes() == encoded.ljust(8 * len(key), b"\0")


def test_wide_words_are_told_from_narrow_ones() -> None:
    spans, odd = WideDivider(WordSplitter()).divide(["Über die Brücke – я", "日本 go", ""])
    assert not odd
    assert spans.words() == [
        "uber",
        "die",
        "brucke",
        "–",
        "я",
        END_CHARACTER,
        "日",
        "本",
        "go",
        END_CHARACTER,
        END_CHARACTER,
    ]
    assert spans.is_wide.tolist() == [word > "\x7f" for word in spans.words()]
    assert spans.select(~spans.is_wide).narrow().words() == [word for word in spans.words() if word < "\x7f"]


@settings(deadline=None)
@given(st.lists(st.tuples(WORDS, st.integers(0, 5)), max_size=6))
def test_a_table_remembers_what_a_dictionary_does(parts: list[tuple[list[str], int]]) -> None:
    table = KeyTable(columns=2)
    known: dict[tuple[int, ...], int] = {}
    for words, offset in parts:
        keys = word_keys(spans_of(words))
        for key, code in zip(as_tuples(keys), table.find(keys).tolist(), strict=True):
            assert code == known.get(key, MISSING) or code == MISSING  # at most left out
        # The code of a key must not depend on when it comes.
        codes = np.array([hash(key) >> 8 for key in as_tuples(keys)], np.int64)
        table.resize(max(table.slots_for(len(words)), hashing.FIRST_SLOTS << offset))
        table.insert(keys, codes)
        known.update({key: code for key, code in zip(as_tuples(keys), codes.tolist(), strict=True) if key[0]})
    if known:
        keys = np.array(list(known), np.uint64).T
        found = table.find(keys)
        assert np.count_nonzero(found == MISSING) <= len(known) // 20
        right = np.array(list(known.values()))
        np.testing.assert_array_equal(found[found != MISSING], right[found != MISSING])


@pytest.mark.parametrize("number", [100, 20_000])
def test_few_keys_find_no_place(number: int) -> None:
    generator = np.random.default_rng(number)
    keys = generator.integers(1, 1 << 62, (2, number), np.uint64)
    table = KeyTable(columns=2)
    for part in np.array_split(np.arange(number), 7):
        table.resize(table.slots_for(len(part)))
        table.insert(keys[:, part], part)
    found = table.find(keys)
    is_found = found != MISSING
    assert is_found.mean() > 0.9
    np.testing.assert_array_equal(found[is_found], np.flatnonzero(is_found))
    others = generator.integers(1, 1 << 62, (2, number), np.uint64)
    assert (table.find(others) == MISSING).all()
    assert 3 * number <= table.nbytes // 24


def test_keys_that_all_want_one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash that is no use costs time, and gives nothing wrong."""
    monkeypatch.setattr(hashing, "MULTIPLIERS", np.zeros(4, np.uint64))
    table = KeyTable(columns=2)
    keys = np.array([range(1, 100), range(99)], np.uint64)
    table.insert(keys, np.arange(99))
    found = table.find(keys)
    assert 0 < np.count_nonzero(found != MISSING) <= hashing.PROBES
    assert set(found.tolist()) <= {MISSING, *range(99)}
    np.testing.assert_array_equal(found[found != MISSING], np.flatnonzero(found != MISSING))
    chosen, place_of = one_of_each(keys)
    np.testing.assert_array_equal(keys[:, chosen[place_of]], keys)
    complete = KeyTable(columns=2, probes=hashing.ALL_PROBES)
    complete.insert(keys, np.arange(99))
    np.testing.assert_array_equal(complete.find(keys), np.arange(99))
    assert (complete.find(keys + np.uint64(200)) == MISSING).all()


@given(WORDS, st.booleans())
def test_one_of_each(words: list[str], wide: bool) -> None:
    keys = word_keys(spans_of(words, wide))
    chosen, place_of = one_of_each(keys)
    np.testing.assert_array_equal(keys[:, chosen[place_of]], keys)
    for index, word in enumerate(words):  # words that are too long share a key, and must not be mixed up
        if len(word) > KEY_CHARACTERS:
            assert chosen[place_of[index]] == index


def naive_pieces(tokens: dict[str, int], prefix: str, word: str) -> list[int]:
    ids: list[int] = []
    start = 0
    while start < len(word):
        before = prefix if start else ""
        ends = (end for end in range(len(word), start, -1) if before + word[start:end] in tokens)
        end = next(ends, None)
        if end is None:
            return [tokens["[UNK]"]]
        ids.append(tokens[before + word[start:end]])
        start = end
    return ids


@settings(deadline=None)
@given(
    st.dictionaries(st.text("ab#cé", min_size=1, max_size=18), st.integers(1, 99), max_size=40),
    WORDS,
    st.sampled_from(["##", "", "a", "####################"]),
)
def test_all_words_at_once_are_divided_as_one_by_one(
    tokens: dict[str, int], words: list[str], prefix: str
) -> None:
    words = [word[:KEY_CHARACTERS] for word in words]
    tokens = {**tokens, "[UNK]": 0}
    expected = [naive_pieces(tokens, prefix, word) for word in words]
    one_by_one = WordPiece(DictVocabulary(tokens), "[UNK]", prefix)
    assert [one_by_one.pieces(word) for word in words] == expected
    mapped = WordPiece(MappedVocabulary(*vocabulary_arrays([*tokens])), "[UNK]", prefix)
    by_place = {token: place for place, token in enumerate(tokens)}
    assert [mapped.pieces(word) for word in words] == [naive_pieces(by_place, prefix, word) for word in words]
    flat = BulkWordPiece(DictVocabulary(tokens), prefix, unknown=0).pieces(spans_of(words))
    assert [ids.tolist() for ids in of_each_text(*flat)] == expected
    in_arrays = MappedVocabulary(*vocabulary_arrays([*tokens]))
    flat = BulkWordPiece(in_arrays, prefix, by_place["[UNK]"]).pieces(spans_of(words))
    assert [ids.tolist() for ids in of_each_text(*flat)] == [mapped.pieces(word) for word in words]


def test_more_words_than_are_divided_at_once() -> None:
    generator = random.Random(5)
    tokens = {
        "".join(generator.choices("abcde", k=length)): length for length in range(1, 12) for _ in range(40)
    }
    tokens |= {f"##{token}": 100 + token_id for token, token_id in tokens.items()} | {"[UNK]": 0}
    words = [
        "".join(generator.choices("abcdef", [5, 5, 5, 5, 5, 1], k=generator.randint(1, 16)))
        for _ in range(5000)
    ]
    model = WordPiece(DictVocabulary(tokens), "[UNK]")
    first = model.pieces_of_many(spans_of(words[:200]))
    assert first is None  # too few for tables
    while (flat := model.pieces_of_many(spans_of(words))) is None:
        pass
    assert [ids.tolist() for ids in of_each_text(*flat)] == [model.pieces(word) for word in words]
