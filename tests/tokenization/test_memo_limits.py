"""What tokenizers remember of single texts has a bound, and so has each entry."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from tiny_models import bundled_definition

from m2v_lite import StaticModel
from m2v_lite.tokenization import character_translation
from m2v_lite.tokenization.character_translation import Translation
from m2v_lite.tokenization.chunks import ChunkMemo
from m2v_lite.tokenization.definition import TokenizerText
from m2v_lite.tokenization.kinds import own_tokenizer
from m2v_lite.tokenization.memo_limits import (
    DEFAULT_MEMO_BYTES,
    ENTRY_BYTES,
    REMEMBERED_CHARACTERS,
    BoundedMemo,
)
from m2v_lite.tokenization.word_memo import WordMemo
from m2v_lite.tokenization.wordpiece.tokenizer import WordPieceTokenizer


@pytest.mark.parametrize(
    "make", [lambda: WordMemo(lambda word: [1], {}, 1 << 20), lambda: ChunkMemo(1 << 20)]
)
def test_long_texts_are_not_remembered(make: Callable[[], BoundedMemo[Any]]) -> None:
    """The limit counts entries, so none may be long."""
    memo = make()
    first = len(memo)
    memo.remember("x" * REMEMBERED_CHARACTERS, b"")
    assert len(memo) == first + 1
    memo.remember("x" * (REMEMBERED_CHARACTERS + 1), b"")
    memo.remember("x" * 1_000_000, b"")
    assert len(memo) == first + 1


def test_long_words_of_texts_are_not_remembered() -> None:
    text = json.dumps(bundled_definition())
    tokenizer = own_tokenizer(text.encode(), TokenizerText(text), "here")
    assert isinstance(tokenizer, WordPieceTokenizer)
    generator = random.Random(1)
    words = ["".join(generator.choices("abcdefgh", k=60)) for _ in range(50)]
    ids = tokenizer.token_ids_of_one(" ".join(words), None).tolist()
    assert ids == [token_id for word in words for token_id in tokenizer.token_ids_of_one(word, None).tolist()]
    assert not any(len(word) > REMEMBERED_CHARACTERS for word in tokenizer._single._memo)


def test_a_full_memo_is_replaced_by_one_with_its_first_entries() -> None:
    memo = WordMemo(lambda word: [len(word)], {"<x>": 7}, 3 * ENTRY_BYTES)
    memo.joined(["a", "b"])
    assert memo.with_room() is memo
    memo.joined(["c"])
    again = memo.with_room()
    assert again is not memo
    assert [*again] == ["<x>"]
    assert again.joined(["<x>", "dd"]) == memo.joined(["<x>", "dd"])


def test_few_characters_of_a_translation_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(character_translation, "CHARACTERS_KEPT", 10)
    table = Translation(str.swapcase)
    text = "".join(map(chr, range(97, 1000)))
    for _ in range(2):
        assert text.translate(table) == "".join(map(str.swapcase, text))
        assert len(table) <= 10


def test_the_default_is_the_documented_one() -> None:
    assert "The default of 8 MB" in str(StaticModel.from_pretrained.__doc__)
    assert DEFAULT_MEMO_BYTES == 8 << 20
