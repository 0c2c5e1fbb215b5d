"""The entries of characters: how many are remembered, and that forgetting some changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from m2v_lite.tokenization import character_entries
from m2v_lite.tokenization.character_entries import FIRST_PLANE, SPACE, WORD, CharacterEntries, entry


class Doubled(CharacterEntries):
    """Doubles each character."""

    def __init__(self) -> None:
        super().__init__()
        self.plane = np.zeros(FIRST_PLANE, np.uint32)

    @property
    def _plane(self) -> NDArray[np.uint32]:
        return self.plane

    def _becomes(self, character: str) -> list[int] | None:
        return [entry(WORD, ord(character)), entry(SPACE, ord(character))]


@pytest.mark.parametrize("at_once", [1, 7, 100])
@pytest.mark.parametrize("first", [0x4E00, 0x20000, 0xFFE0])
def test_few_characters_are_remembered(first: int, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text of a million different characters would otherwise leave a hundred megabytes behind."""
    monkeypatch.setattr(character_entries, "CHARACTERS_KEPT", 10)
    entries = Doubled()
    for start in [*range(first, first + 100, at_once)] * 2:
        codes = range(start, start + at_once)
        found, left_out = entries.normalized("".join(map(chr, [*codes, 0])), 1)
        expected = [entry(kind, code) for code in [*codes, 0] for kind in (WORD, SPACE)]
        assert found.tolist() == expected
        assert not len(left_out)
        assert len(entries._higher) <= 10
        assert len(entries._parts) <= 10
