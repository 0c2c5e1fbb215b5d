"""The double array finds all pieces that begin at each character, and no others."""

from __future__ import annotations

import pickle
import random

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from m2v_lite.tokenization.unigram.double_array import NO_LINK, DoubleArray
from m2v_lite.tokenization.unigram.double_array_builder import double_array, double_array_of
from m2v_lite.tokenization.vocabulary import scored_vocabulary_of

MANY_LETTERS = "".join(map(chr, range(0x430, 0x430 + 40)))  # many nodes have many children
TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("aab"), max_size=6)


def found_in(pieces: DoubleArray, text: str) -> set[tuple[int, int, int]]:
    codes = pieces.codes_of(np.array([*map(ord, text)], np.intp))
    matches = pieces.matches(codes, np.full(len(text), len(text)))
    return {*zip(*(array.tolist() for array in matches), strict=True)}


def in_full(pieces: list[str], text: str) -> set[tuple[int, int, int]]:
    """Return the same, by looking at every part of the text."""
    ids = {piece: token_id for token_id, piece in enumerate(pieces) if piece}
    parts = [(start, end) for start in range(len(text)) for end in range(start + 1, len(text) + 1)]
    return {(start, end - start, ids[text[start:end]]) for start, end in parts if text[start:end] in ids}


def check(pieces: list[str], texts: list[str]) -> DoubleArray:
    made = double_array(pieces)
    last = {piece: token_id for token_id, piece in enumerate(pieces)}
    for piece, token_id in last.items():
        assert made.find(piece) == (token_id if piece else None)
    for text in texts:
        assert found_in(made, text) == in_full(pieces, text)
        assert made.find(text) == last.get(text or "no piece")
    return made


@settings(deadline=None)
@given(pieces=st.lists(TEXTS, min_size=1, max_size=40), texts=st.lists(TEXTS, max_size=5))
def test_any_pieces(pieces: list[str], texts: list[str]) -> None:
    check(pieces, [*texts, "".join(pieces)[:50]])


@pytest.mark.parametrize(
    ("letters", "number"),
    [("ab", 2000), ("abcdefghijklmnop", 5000), ("\u4e00", 3000), (MANY_LETTERS, 9000)],
    ids=["two", "sixteen", "thousands", "forty"],
)
def test_many_pieces(letters: str, number: int) -> None:
    generator = random.Random(0)
    if len(letters) == 1:  # nodes with thousands of children
        letters = "".join(chr(ord(letters) + place) for place in range(3000))
    pieces = ["".join(generator.choices(letters, k=generator.randint(1, 12))) for _ in range(number)]
    texts = ["".join(generator.choices(letters, k=30)) for _ in range(50)]
    made = check([*letters, *pieces], texts)
    nodes = np.count_nonzero(made.links > NO_LINK + (1 << 32) - 1) + 1
    assert len(made.links) < 2 * nodes + 3 * len(letters) + 1000


def test_a_piece_does_not_go_beyond_the_end_of_its_text() -> None:
    pieces = double_array(["ab", "b", "bc"])
    matches = pieces.matches(pieces.codes_of(np.array([97, 98, 99])), np.array([1, 3, 3]))
    assert [array.tolist() for array in matches] == [[1, 1], [1, 2], [1, 2]]


def test_a_pickle_and_nothing_at_all() -> None:
    assert pickle.loads(pickle.dumps(double_array(["a", "ab"]))).find("ab") == 1
    empty = double_array([""])
    assert empty.find("") is None
    assert found_in(empty, "ab") == set()
    assert found_in(empty, "") == set()


def test_too_many_characters() -> None:
    characters = [chr(code) for code in range(0x20000, 0x20000 + 40_000)]
    characters += [chr(code) for code in range(0x30000, 0x30000 + 40_000)]
    with pytest.raises(ValueError, match="80000 different characters"):
        double_array_of(scored_vocabulary_of([[character, 0] for character in characters]).vocabulary)
