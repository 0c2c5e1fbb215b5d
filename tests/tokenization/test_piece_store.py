"""The store of pieces: words of none, one and several pieces, in any order."""

from __future__ import annotations

import numpy as np
import pytest

from m2v_lite.tokenization.piece_store import END_CODE, FIRST_PIECES, PieceStore


@pytest.mark.parametrize("words", [[[]], [[], [0]], [[0], []], [[0, 0], [], [7], [0]], [[], [], [5, 6]]])
def test_a_word_without_pieces_is_not_the_end_of_a_text(words: list[list[int]]) -> None:
    store = PieceStore()
    ids = np.array([token_id for word in words for token_id in word], np.intp)
    codes = store.add(ids, np.cumsum([0, *map(len, words)])).tolist()
    assert END_CODE not in codes
    assert store.token_ids(codes) == ids.tolist()
    for code, word in zip(codes, words, strict=True):
        assert store.token_ids([code]) == word
    found, bounds = store.expand(np.array([*codes, END_CODE, END_CODE, *codes[::-1], END_CODE], np.int64))
    backwards = [token_id for word in words[::-1] for token_id in word]
    assert found.tolist() == [*ids.tolist(), *backwards]
    assert bounds.tolist() == [0, len(ids), len(ids), 2 * len(ids)]


def test_a_store_that_grows_keeps_its_words() -> None:
    store = PieceStore()
    words = [[*range(number, 2 * number)] for number in range(2, 60)]
    codes = [store.add(np.array(word), np.array([0, len(word)])).item() for word in words]
    assert sum(map(len, words)) > 2 * FIRST_PIECES
    for code, word in zip(codes, words, strict=True):
        assert store.token_ids([code]) == word
