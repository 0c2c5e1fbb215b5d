"""What a program shows while it works: an optional progress bar, drawn by tqdm, or one line."""

from __future__ import annotations

import os
import sys
import unicodedata
import warnings
from contextlib import nullcontext
from typing import Any

# The only characters beside those of the categories C* that may end a line.
LINE_ENDS = "\u2028\u2029"


def progress_bar(texts: int | None, wanted: bool) -> Any:
    """Return a context manager that gives a tqdm bar, or None if there is no bar.

    Args:
        texts: the number of texts, or None if it is not known.
        wanted: whether to show a bar. If tqdm is not installed, a warning says how to install it, and the
            work goes on without a bar.
    """
    if not wanted:
        return nullcontext()
    try:
        from tqdm.auto import tqdm
    except ImportError:
        warnings.warn(
            "no progress bar: the package tqdm is not installed; install it with: pip install tqdm",
            stacklevel=4,  # the caller of `StaticModel.encode`
        )
        return nullcontext()
    return tqdm(total=texts, unit=" texts")


def note(text: str) -> None:
    """Print a line to standard error, unless `HF_HUB_DISABLE_PROGRESS_BARS` is set."""
    if os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS", "").upper() not in ("1", "ON", "YES", "TRUE"):
        print_error(f"m2v_lite: {text}")


def print_error(text: str) -> None:
    """Print a line to standard error, if it is open, safe for a terminal."""
    if sys.stderr is not None:
        print(printable(text), file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Return a text that a terminal shows and never obeys: control characters become escapes.

    Names of files, model cards and the answers of servers come from outside, and may hold commands for a
    terminal (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html), or characters that turn the direction
    of a line.

    Example:
        >>> print(printable("potion\x1b]0;title\x07 日本"))
        potion\\x1b]0;title\\x07 日本
    """
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character)[0] == "C" or character in LINE_ENDS
        else character
        for character in text
    )
