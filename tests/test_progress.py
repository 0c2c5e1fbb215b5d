"""The progress bar on request."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from m2v_lite import StaticModel, progress
from m2v_lite.progress import print_error, printable


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


HOSTILE = "a\x1b]0;owned\x07\x9b31m\u202e\u2028\n\r\x00\x7f\udc1bz"


def test_nothing_printable_commands_a_terminal() -> None:
    assert printable(HOSTILE) == (r"a\x1b]0;owned\x07\x9b31m\u202e\u2028\n\r\x00\x7f\udc1bz")
    for text in ("", "plain", "日本\u3000語", "e\u0301", "😀", "\\n"):
        assert printable(text) == text


def test_errors_go_to_standard_error_or_nowhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print_error(HOSTILE)
    assert capsys.readouterr().err == f"{printable(HOSTILE)}\n"
    monkeypatch.setattr(sys, "stderr", None)
    print_error("lost")
    assert capsys.readouterr().out == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_work_on_files_is_shown_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "DELAY", 0)

    def shown(screen: io.StringIO, size: int | None, wanted: bool | None = None, quiet: bool = False) -> str:
        monkeypatch.setattr(sys, "stderr", screen)
        with progress.progress_of_files(size, wanted, quiet) as bar:
            if bar is not None:
                for texts in (10, 30):
                    bar.show(100 * texts, texts)
        return screen.getvalue()

    assert "3.00k/3.00k" in shown(Terminal(), 3000)
    assert "30 texts" in shown(Terminal(), 3000)
    assert "30 texts" in shown(Terminal(), None)
    assert shown(Terminal(), 3000, quiet=True) == ""
    assert shown(io.StringIO(), 3000) == ""
    assert "3.00k" in shown(io.StringIO(), 3000, wanted=True)
    monkeypatch.setattr(progress, "DELAY", 60)
    assert shown(Terminal(), 3000) == ""


def test_without_tqdm_only_who_asks_for_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress.progress_of_files(1, None, False) as bar:
        assert bar is None
    with (
        pytest.warns(UserWarning, match="pip install tqdm"),
        progress.progress_of_files(1, True, False) as bar,
    ):
        assert bar is None
