"""The table of the first 65,536 characters: how replacements follow each other."""

from __future__ import annotations

import numpy as np

from m2v_lite.tokenization.character_entries import FIRST_PLANE
from m2v_lite.tokenization.characters import Replacements
from m2v_lite.tokenization.wordpiece.character_classes import replace_first


def test_a_character_becomes_what_its_replacement_becomes() -> None:
    folded, is_open = np.arange(FIRST_PLANE, dtype=np.uint16), np.zeros(FIRST_PLANE, bool)
    replace_first(folded, is_open, Replacements("by", "c😀", {"a": "xy", "😀": "z"}))
    replace_first(folded, is_open, Replacements("def😀", "abyc", {}))
    assert {chr(code) for code in np.flatnonzero(is_open)} == {"a", "d", "y", "f"}
    assert "".join(map(chr, folded[[*map(ord, "bce")]])) == "ccc"
    assert len(np.flatnonzero(folded != np.arange(FIRST_PLANE))) == len("bdef")
