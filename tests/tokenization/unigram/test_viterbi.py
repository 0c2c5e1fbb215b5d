"""The best pieces of words against the library's Unigram model: ties, unknown characters, bytes."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from m2v_lite.tokenization.unigram.double_array_builder import double_array
from m2v_lite.tokenization.unigram.viterbi import Viterbi

EXHAUSTIVE = bool(os.environ.get("M2V_LITE_EXHAUSTIVE"))
SCORES: dict[str, Callable[[random.Random], float]] = {
    "equal": lambda generator: -float(generator.randint(1, 4)),
    "any": lambda generator: -10 * generator.random(),
    "rounded": lambda generator: float(np.float32(-10 * generator.random())),
    "above zero": lambda generator: 5 - 10 * generator.random(),
}


def small_model(generator: random.Random, kind: str) -> tuple[list[str], list[float], int, bool]:
    """Return pieces, their scores, the id of the unknown token, and whether it falls back to bytes."""
    letters = "abcd▁é日😀"[: generator.randint(2, 8)]
    number = generator.randint(3, 60)
    pieces = [*{"".join(generator.choices(letters, k=generator.randint(1, 5))): 0 for _ in range(number)}]
    if generator.random() < 0.3:
        pieces += generator.choices(pieces, k=3)
    if generator.random() < 0.5:
        pieces.insert(generator.randrange(len(pieces)), "")
    has_bytes = generator.random() < 0.3
    if has_bytes:
        pieces += [f"<0x{byte:02X}>" for byte in range(256)]
    return pieces, [SCORES[kind](generator) for _ in pieces], generator.randrange(len(pieces)), has_bytes


@pytest.mark.parametrize("kind", SCORES)
def test_pieces_are_those_of_the_library(kind: str) -> None:
    generator = random.Random(0)
    for _ in range(200 if EXHAUSTIVE else 15):
        pieces, scores, unknown, has_bytes = small_model(generator, kind)
        library = Tokenizer(models.Unigram([*zip(pieces, scores, strict=True)], unknown, has_bytes))
        words = ["".join(generator.choices("abcd▁é日😀xy語", k=generator.randint(1, 14))) for _ in range(200)]
        expected = [encoding.ids for encoding in library.encode_batch(words, add_special_tokens=False)]
        found = double_array(pieces)
        bytes_of = [found.find(f"<0x{byte:02X}>") or 0 for byte in range(256)] if has_bytes else None
        viterbi = Viterbi(found, np.array(scores), min(scores), unknown, bytes_of)
        singles = [viterbi.of_one(word) for word in words]
        assert [ids for ids, _ in singles] == expected
        characters = np.array([*map(ord, "".join(words))])
        ids, bounds, is_close = viterbi.of_many(characters, np.cumsum([0, *map(len, words)]))
        assert [ids[start:end].tolist() for start, end in pairwise(bounds)] == expected
        assert [close for _, close in singles] == is_close.tolist()


def test_what_lies_before_a_word_can_decide_only_between_close_divisions() -> None:
    """Sums of a whole text are rounded otherwise than those of its words."""
    generator = random.Random(1)
    differing = 0
    for _ in range(300):
        letters = "ab"
        pieces = [
            "<unk>",
            "▁",
            *{"".join(generator.choices(letters, k=generator.randint(1, 3))) for _ in range(9)},
        ]
        scores = [generator.choice([-1 / 3, -2 / 3, -0.1, -0.2, -0.3]) for _ in pieces]
        viterbi = Viterbi(double_array(pieces), np.array(scores), min(scores), 0)
        words = ["▁" + "".join(generator.choices(letters, k=8)) for _ in range(20)]
        apart = [viterbi.of_one(word) for word in words]
        together = viterbi.of_one("".join(words))[0]
        if together != [token_id for ids, _ in apart for token_id in ids]:
            differing += 1
            assert any(close for _, close in apart)
    assert differing  # the control: this does happen


def test_no_words() -> None:
    viterbi = Viterbi(double_array(["a"]), np.array([-1.0]), -1.0, 0)
    ids, bounds, is_close = viterbi.of_many(np.zeros(0, np.intp), np.zeros(1, np.intp))
    assert [array.tolist() for array in (ids, bounds, is_close)] == [[], [0], []]
    assert viterbi.of_one("") == ([], False)
