"""What a program shows while it works: an optional progress bar, drawn by tqdm, or one line."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import nullcontext
from typing import Any


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
    is_quiet = os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS", "").upper() in ("1", "ON", "YES", "TRUE")
    if sys.stderr is not None and not is_quiet:
        print(f"m2v_lite: {text}", file=sys.stderr, flush=True)
