"""Models that need the `tokenizers` library."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from m2v_lite import MissingPackageError, StaticModel


def test_without_the_library(tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingPackageError, match="install it with: pip install tokenizers"):
        StaticModel.from_pretrained(tiny("bpe"))
    assert StaticModel.from_pretrained(tiny("wordpiece-float32")).encode("the cat").any()
