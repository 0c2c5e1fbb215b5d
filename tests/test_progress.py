"""The progress bar on request."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from m2v_lite import StaticModel


def test_a_bar_is_shown(bundled: StaticModel, capsys: pytest.CaptureFixture[str]) -> None:
    bundled.encode(["the cat"] * 3000, show_progress_bar=True)
    assert "3000/3000" in capsys.readouterr().err
    bundled.encode_as_sequence(["the cat"] * 7, show_progress_bar=True)
    assert "7/7" in capsys.readouterr().err


def test_no_bar_by_default(bundled: StaticModel, capsys: pytest.CaptureFixture[str]) -> None:
    bundled.encode(["the cat"] * 3000)
    assert capsys.readouterr().err == ""


def test_without_tqdm_a_warning_says_how_to_get_it(
    bundled: StaticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.warns(UserWarning, match="pip install tqdm"):
        vectors = bundled.encode(["the cat"], show_progress_bar=True)
    np.testing.assert_array_equal(vectors, bundled.encode(["the cat"]))
