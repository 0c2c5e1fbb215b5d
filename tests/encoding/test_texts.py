"""What callers pass: every kind of texts and options that is taken, and every kind that is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sample_texts import SAMPLE_TEXTS

from m2v_lite import InputTypeError, InputValueError, M2VLiteError, StaticModel
from m2v_lite.encoding.strategies import FEW_CHARACTERS, FEW_TEXTS
from m2v_lite.encoding.texts import as_texts

WORDS = ["the cat", "", "sat"]


@pytest.mark.parametrize(
    "given_texts",
    [
        WORDS,
        tuple(WORDS),
        (word for word in WORDS),
        np.array(WORDS),
        np.array(WORDS, object),
        dict.fromkeys(WORDS).keys(),
        [np.str_(word) for word in WORDS],
    ],
    ids=["list", "tuple", "generator", "array", "object array", "keys", "numpy texts"],
)
def test_any_iterable_of_texts(given_texts: Iterable[str], bundled: StaticModel) -> None:
    np.testing.assert_array_equal(bundled.encode(given_texts), bundled.encode(WORDS))


@pytest.mark.parametrize("name", ["wordpiece-float32", "wordpiece-int8", "unigram-nested", "bpe-unknown"])
@settings(max_examples=30)
@given(texts=st.lists(st.text(max_size=60) | st.sampled_from(SAMPLE_TEXTS), max_size=40))
def test_few_texts_are_encoded_as_many(name: str, tiny: Callable[[str], Path], texts: list[str]) -> None:
    model = StaticModel.from_pretrained(tiny(name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("m2v_lite.encoding.strategies.FEW_TEXTS", -1)
        as_a_batch = model.encode(texts)
    few = model.encode(texts)
    assert few.dtype == as_a_batch.dtype
    np.testing.assert_array_equal(few, as_a_batch)


def test_which_texts_are_few(bundled: StaticModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled._encoder, "encode_one", None)  # calling it would fail
    for few in (["the cat"] * FEW_TEXTS, ["x" * FEW_CHARACTERS]):
        with pytest.raises(TypeError, match="'NoneType' object is not callable"):
            bundled.encode(few)
        bundled.encode([*few, "y"])


@pytest.mark.parametrize("text", ["the cat", np.str_("the cat"), np.array("the cat")])
def test_a_single_text(text: Any, bundled: StaticModel) -> None:
    vector = bundled.encode(text)
    assert vector.shape == (256,)
    np.testing.assert_array_equal(vector, bundled.encode(["the cat"])[0])
    assert bundled.encode_as_sequence(text).shape == (2, 256)


@pytest.mark.parametrize("nothing", [[], (), np.array([], str), iter(())])
def test_no_texts(nothing: Any, bundled: StaticModel) -> None:
    vectors = bundled.encode(nothing)
    assert vectors.shape == (0, 256)
    assert vectors.dtype == np.float32


def test_no_texts_as_ids_and_rows(bundled: StaticModel) -> None:
    assert bundled.tokenize([]) == []
    assert bundled.encode_as_sequence([]) == []


class Frame:
    """Iterable over its columns' names, as a data frame is."""

    ndim = 2

    def __iter__(self) -> Iterator[str]:
        return iter(["column"])

    def __repr__(self) -> str:
        return "Frame"


REFUSED: dict[str, tuple[Any, str]] = {
    "None": (None, "expected a text or a list of texts, got None"),
    "bytes": (b"cat", r"got bytes b'cat'; decode it first"),
    "number": (3, "got int 3"),
    "set": ({"cat", "sat"}, "pass a list of its texts"),
    "mapping": ({"text": "cat"}, "pass a list of its texts"),
    "bytes in a list": (["cat", b"sat"], "text 1 is bytes b'sat', not a str; decode it first"),
    "None in a list": (
        ["cat", "sat", None],
        "text 2 is None, not a str; pass '' for a missing text, as encode",
    ),
    "number in a tuple": (("cat", 3.5), "text 1 is float 3.5"),
    "nested list": ([["cat", "sat"]], "text 0 is list .*; pass one flat list"),
    "pair": ([("cat", "sat")], "text 0 is tuple"),
    "two-dimensional array": (np.array([["cat", "sat"]]), "expected a text or a list of texts, got ndarray"),
    "like a data frame": (Frame(), "got Frame .*pass a list of its texts"),
    "array of numbers": (np.arange(3), "text 0 is int 0"),
    "generator of numbers": ((number for number in (1, 2)), "text 0 is int 1"),
    "not a number": (
        ["cat", float("nan")],
        "text 1 is float nan, not a str; .*, as encode.*null='empty'. does",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("method", ["encode", "encode_as_sequence", "tokenize"])
def test_what_is_not_text(case: str, method: str, bundled: StaticModel) -> None:
    texts, message = REFUSED[case]
    if case == "generator of numbers":
        texts = (number for number in (1, 2))
    with pytest.raises(InputTypeError, match=message) as caught:
        getattr(bundled, method)(texts)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, M2VLiteError)


@pytest.mark.parametrize("method", ["encode", "encode_as_sequence", "tokenize"])
def test_a_lone_surrogate(method: str, bundled: StaticModel) -> None:
    texts = ["fine"] * 1500 + ["a\ud83dz"]
    with pytest.raises(InputValueError, match=r"text 1500: holds the lone surrogate U\+D83D at character 1"):
        getattr(bundled, method)(texts)


@pytest.mark.parametrize("value", [0, -1, np.int64(0)])
@pytest.mark.parametrize("option", ["max_length", "batch_size"])
def test_options_out_of_range(option: str, value: Any, bundled: StaticModel) -> None:
    with pytest.raises(InputValueError, match=f"{option} is {value}; give a whole number of at least 1"):
        bundled.encode(["cat"], **{option: value})


@pytest.mark.parametrize("value", [True, False, np.True_, 1.5, "8", [8]])
@pytest.mark.parametrize("option", ["max_length", "batch_size"])
def test_options_of_a_wrong_type(option: str, value: Any, bundled: StaticModel) -> None:
    with pytest.raises(InputTypeError, match=f"{option} is .*; give a whole number of at least 1"):
        bundled.encode(["cat"], **{option: value})


def test_numpy_integers_are_numbers(bundled: StaticModel) -> None:
    text = "the cat sat on the mat"
    two: Any = np.int32(2)
    np.testing.assert_array_equal(bundled.encode(text, max_length=two), bundled.encode(text, max_length=2))


def test_a_list_is_not_copied() -> None:
    texts = ["a", "b"]
    assert as_texts(texts)[0] is texts
