"""Numbers of a `tokenizer.json` against the `tokenizers` library, which rounds twice."""

from __future__ import annotations

import json
import random
import re

import numpy as np
import pytest
from tokenizers import Tokenizer

from m2v_lite.tokenization import decimals as module
from m2v_lite.tokenization.decimals import decimal, decimals

ODD = [
    "0",
    "-0",
    "0.0",
    "-0.0",
    "1e5",
    "1E-5",
    "1e-320",
    "-1.5e-400",
    "0e999",
    "12345678901234567890123.5",
    "1e308",
    "-17e307",
    "1e-308",
    "1e-309",
]
NO_NUMBERS = [
    "",
    "-",
    "1.",
    "01",
    "-01",
    ".5",
    "1.5.5",
    "1e",
    "+1",
    "1 ",
    "--1",
    "0x1",
    "nan",
    "1-1",
]


def random_number(generator: random.Random) -> str:
    kind, value = generator.randrange(5), generator.random()
    if kind == 0:
        return repr(-20 * value)
    if kind == 1:
        return f"{-20 * value:.{generator.randint(1, 25)}f}"
    if kind == 2:
        return str(generator.randint(-(10 ** generator.randint(1, 25)), 10 ** generator.randint(1, 25)))
    if kind == 3:
        return f"{(value - 0.5) * 10 ** generator.randint(-30, 30):.{generator.randint(1, 20)}e}"
    return generator.choice(ODD)


def at_once(texts: list[str]) -> list[float]:
    encoded = [text.encode() for text in texts]
    lengths = np.array([*map(len, encoded)])
    units = np.frombuffer(b"".join(encoded) + bytes(8), np.uint8)
    values: list[float] = decimals(units, np.cumsum(lengths) - lengths, lengths).tolist()
    return values


def test_numbers_are_those_of_the_library() -> None:
    generator = random.Random(0)
    texts = [random_number(generator) for _ in range(10_000)] + ODD
    vocab = ",".join(f'["{place}",{text}]' for place, text in enumerate(texts))
    definition = f'{{"version":"1.0","model":{{"type":"Unigram","unk_id":0,"vocab":[{vocab}]}}}}'
    expected = [value for _, value in json.loads(Tokenizer.from_str(definition).to_str())["model"]["vocab"]]
    assert [*map(decimal, texts)] == expected
    assert at_once(texts) == expected
    assert [*map(float, texts)] != expected  # the control: the nearest floats are others


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *((text, "is not a JSON number") for text in NO_NUMBERS),
        ("1e400", "is too large"),
        ("9e308", "is too large"),
        ("1e309", "is too large"),
    ],
)
def test_what_is_no_number(text: str, message: str) -> None:
    message = f"^{re.escape(repr(text))} {message}$"
    with pytest.raises(ValueError, match=message):
        decimal(text)
    with pytest.raises(ValueError, match=message):
        at_once(["-1.5", text, "2"])


def test_only_odd_numbers_are_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large vocabulary has hundreds of thousands of plain ones."""
    alone: list[str] = []

    def noted(text: str) -> float:
        alone.append(text)
        return decimal(text)

    monkeypatch.setattr(module, "decimal", noted)
    plain = ["0", "-0.5", "7", "-12.25", "123456789.0123456789", "9999999999999999999"]
    odd = ["1e5", "12345678901234567890", "-0.12345678901234567890"]
    assert at_once([*plain, *odd]) == [*map(decimal, [*plain, *odd])]
    assert alone == odd
