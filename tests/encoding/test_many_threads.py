"""One model, many threads."""

from __future__ import annotations

import json
import random
import sys
import sysconfig
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sample_texts import SAMPLE_TEXTS, random_texts
from tiny_models import bundled_definition

from m2v_lite import StaticModel
from m2v_lite.tokenization import character_translation
from m2v_lite.tokenization.definition import TokenizerText
from m2v_lite.tokenization.kinds import tokenizer_of_content

if TYPE_CHECKING:
    from m2v_lite.tokenization.flat_ids import FlatIds
    from m2v_lite.tokenization.protocols import TextTokenizer

THREADS = 8


@pytest.fixture
def _switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def test_eight_threads_with_different_limits(bundled: StaticModel) -> None:
    texts = SAMPLE_TEXTS + random_texts(300, seed=4)
    limits = [1, 2, 3, 5, 8, 64, 512, None]
    expected = [bundled.encode(texts, max_length=limit) for limit in limits]
    ids = bundled.tokenize(texts)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            encoded = list(pool.map(lambda limit: bundled.encode(texts, max_length=limit), limits))
            for ours, alone in zip(encoded, expected, strict=True):
                np.testing.assert_array_equal(ours, alone)
        assert all(lists == ids for lists in pool.map(bundled.tokenize, [texts] * 8))


def test_texts_one_by_one_in_threads(bundled: StaticModel) -> None:
    expected = bundled.encode(SAMPLE_TEXTS)
    with ThreadPoolExecutor(8) as pool:
        vectors = list(pool.map(bundled.encode, SAMPLE_TEXTS * 8))
    for index, vector in enumerate(vectors):
        np.testing.assert_array_equal(vector, expected[index % len(expected)])


def test_this_python_has_no_global_lock_if_it_is_built_so() -> None:
    """An extension module that is not ready for it would switch the lock on again."""
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("needs a free-threaded Python")
    assert not sys._is_gil_enabled()  # type: ignore[attr-defined]


def hard_batches(generator: random.Random) -> list[list[str]]:
    """Return batches that share some words, and have others of their own, in many scripts."""
    alphabets = [
        "qxzjkv",
        "etaoin",
        "абвгдежз",
        "αβγδεζης",
        "éèüöàçß“”",
        "日本語字中文",
        "한국어글",
        "\u0301\u0323ae\u302a",
        "ae\u302e\U0001d165",
        "😀👍𝔸𐐀\U0002f800",
        "ﬁİŉǅ①\u0344",
    ]

    def word(letters: str) -> str:
        return "".join(generator.choices(letters, k=generator.randint(1, 12)))

    shared = [word(generator.choice(alphabets)) for _ in range(150)]
    batches = []
    for number in range(11):
        letters = alphabets[number % len(alphabets)]
        words = [*generator.choices(shared, k=100), *(word(letters) for _ in range(100)), "[MASK]", "it's"]
        generator.shuffle(words)
        batches.append([" ".join(words[start : start + 20]) for start in range(0, len(words), 20)])
    return batches


@pytest.mark.usefixtures("_switching_often")
@pytest.mark.parametrize("memo_bytes", [2000, 60_000, 8 << 20])
def test_all_that_a_tokenizer_remembers_is_made_and_replaced_by_threads(
    memo_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that begin at the same moment with a fresh tokenizer, which makes its tables when they ask.

    What single texts leave behind is too much for the memo and for the table of characters.
    """
    monkeypatch.setattr(character_translation, "CHARACTERS_KEPT", 40)
    text = json.dumps(bundled_definition())
    batches = hard_batches(random.Random(7))
    alone = tokenizer_of_content(text.encode(), TokenizerText(text), "text")
    expected = [[ids.tolist() for ids in alone.token_ids(batch, None)] for batch in batches]
    one_by_one = [[alone.token_ids_of_one(text, None).tolist() for text in batch] for batch in batches]
    for first in range(2):
        shared = tokenizer_of_content(text.encode(), TokenizerText(text), "text", memo_bytes)
        together = Barrier(THREADS)

        def work(seed: int, tokenizer: TextTokenizer = shared, barrier: Barrier = together) -> None:
            order = random.Random(seed).sample(range(len(batches)), len(batches))
            barrier.wait(60)
            for number in order:
                flat: FlatIds = tokenizer.token_ids(batches[number], None)
                assert [ids.tolist() for ids in flat] == expected[number]
                found = [tokenizer.token_ids_of_one(text, None).tolist() for text in batches[number][:5]]
                assert found == one_by_one[number][:5]

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(first * THREADS, (first + 1) * THREADS)))
