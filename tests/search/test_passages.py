"""The passage that is shown of a chunk is one of its paragraphs, the one that fits."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from m2v_lite import StaticModel
from m2v_lite.search.passages import best_passage, passages_of

LINES = st.lists(
    st.sampled_from(["", " ", "# Tea", "Tea", "===", "Pour the water.", "    code", "Then wait."])
)


@given(LINES)
def test_paragraphs_have_all_lines_that_are_not_blank_once(lines: list[str]) -> None:
    passages = passages_of(lines)
    shown: list[int] = []
    for start, part in passages:
        assert lines[start : start + len(part)] == part
        assert part[0].strip()
        assert part[-1].strip()
        shown += range(start, start + len(part))
    assert shown == sorted(set(shown))
    assert {place for place, line in enumerate(lines) if line.strip()} <= set(shown)


TEXT = """\
# Bicycle

Chain replaced at 4,100 km. The cassette was still good.

Tyres: 3.5 bar in front and 4 behind, E42-7.

The rear brake squealed after the rain.

Größe 58, Sattel 東京 tower."""


@pytest.mark.parametrize(
    ("query", "start"),
    [
        ("the brake makes a noise", 6),
        ("what is the pressure of the wheels", 4),
        ("E42", 4),
        ("groesse GRÖSSE grosse", 8),
        ("東京", 8),
        ("the cassette", 0),
        ("", 0),
        ("?!", 0),
    ],
)
def test_the_paragraph_that_fits(query: str, start: int, bundled: StaticModel) -> None:
    passage = best_passage(bundled, query, TEXT)
    if query in ("", "?!"):
        assert passage in passages_of(TEXT.split("\n"))
    else:
        assert passage.start == start


@pytest.mark.parametrize("text", ["", "one\ntwo", "# Tea\n\nHot.", "\n\n", "\nfirst\n\n"])
def test_a_single_paragraph_is_all_of_the_text(text: str, bundled: StaticModel) -> None:
    assert "\n".join(best_passage(bundled, "tea", text).lines) == text
