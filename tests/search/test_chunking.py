"""Chunks cover the text, are short, tell their lines, and begin where a reader expects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from m2v_lite.search.chunking import (
    MOST_CHARACTERS,
    Chunk,
    fixed_chunks,
    line_chunks,
    paragraph_chunks,
)

WORDS = st.lists(
    st.sampled_from(["tea", "kettle", "", "#", "# Head", "====", "x" * 700, "word " * 400, "   "])
)
RULES: dict[str, Callable[..., Iterator[Chunk]]] = {
    "lines": line_chunks,
    "paragraphs": paragraph_chunks,
    "code": partial(paragraph_chunks, has_headings=False),
    "1": partial(fixed_chunks, size=1),
    "9": partial(fixed_chunks, size=9),
}


def chunks_of(rule: str, text: str) -> list[Chunk]:
    return list(RULES[rule](enumerate(text.split("\n"), 1)))


@pytest.mark.parametrize("rule", RULES)
@given(lines=WORDS)
def test_chunks_are_short_and_cover_all_words(rule: str, lines: list[str]) -> None:
    found = list(RULES[rule](enumerate(lines, 1)))
    assert all(0 < len(chunk.text) <= MOST_CHARACTERS for chunk in found)
    numbers = [number for number, line in enumerate(lines, 1) if line.strip()]
    covered = {number for chunk in found for number in range(chunk.first_line, chunk.last_line + 1)}
    assert covered >= set(numbers)
    for chunk in found:
        whole = "\n".join(lines[chunk.first_line - 1 : chunk.last_line])
        assert all(word in whole for word in chunk.text.split())
        assert chunk.text == chunk.text.strip("\n")
    for before, after in pairwise(found):
        assert before.first_line <= after.first_line
        if rule in ("paragraphs", "code"):
            assert before != after or len(lines[after.first_line - 1]) > MOST_CHARACTERS
    for number in numbers:
        words = lines[number - 1].split()
        in_chunks = [chunk.text.split() for chunk in found if chunk.first_line <= number <= chunk.last_line]
        assert sum(map(len, in_chunks)) >= len(words)


def test_paragraphs_are_packed_and_headings_begin_chunks() -> None:
    text = "intro\n\n# One\n\na\nb\n\nc\n# Two\nd\n\nThree\n=====\ne\n\n-----\nFour\n-----\n\nf"
    assert [chunk.text for chunk in chunks_of("paragraphs", text)] == [
        "intro",
        "# One\n\na\nb\n\nc",
        "# Two\nd",
        "Three\n=====\ne",
        "-----\nFour\n-----\n\nf",
    ]


def test_comments_are_no_headings_in_code() -> None:
    code = "import os\n\n# A comment\nx = 1\n# Another\n\ny = 2"
    assert [chunk[:2] for chunk in chunks_of("code", code)] == [(1, 7)]


def test_what_does_not_fit_begins_the_next_chunk_with_an_overlap() -> None:
    lines = [f"line {number:03} of a long paragraph without an end" for number in range(100)]
    found = chunks_of("paragraphs", "\n".join(lines))
    for before, after in pairwise(found):
        assert after.first_line == before.last_line - 1, "two lines are an overlap of up to 120 characters"
    short = ["a" * 500, "", "b" * 500, "", "c" * 500]
    assert [chunk[:2] for chunk in chunks_of("paragraphs", "\n".join(short))] == [(1, 3), (5, 5)]


def test_a_long_line_is_cut_between_words() -> None:
    words = [f"word{number}" for number in range(600)]
    found = chunks_of("paragraphs", " ".join(words))
    assert {chunk[:2] for chunk in found} == {(1, 1)}
    assert set(" ".join(chunk.text for chunk in found).split()) == set(words)
    assert max(len(chunk.text) for chunk in chunks_of("paragraphs", "x" * 5000)) == MOST_CHARACTERS


def test_so_many_lines_with_an_eighth_twice() -> None:
    text = "\n".join(f"{number}" for number in range(1, 41))
    found = list(fixed_chunks(enumerate(text.split("\n"), 1), 16))
    assert [chunk[:2] for chunk in found] == [(1, 16), (15, 30), (29, 40)]
    exact = list(fixed_chunks(enumerate(["a"] * 16, 1), 16))
    assert [chunk[:2] for chunk in exact] == [(1, 16)]


def test_chunks_come_as_the_lines_do() -> None:
    def endless() -> Iterator[tuple[int, str]]:
        number = 0
        while True:
            number += 1
            yield number, "a line of an endless text"

    for rule in RULES:
        found = RULES[rule](endless())
        assert next(found).first_line == 1
