"""A progress bar on request, by tqdm."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import Any


def progress_bar(texts: int | None, wanted: bool) -> Any:
    """Return a context that gives a tqdm bar, or None if none is wanted or tqdm is not installed.

    Args:
        texts: how many texts there are, or None if that is not known.
        wanted: whether there should be a bar. If tqdm is missing, a warning says how to get it, and the work
            goes on.
    """
    if not wanted:
        return nullcontext()
    try:
        from tqdm.auto import tqdm
    except ImportError:
        warnings.warn(
            "there is no progress bar, because the package tqdm is not installed; install it with: "
            "pip install tqdm",
            stacklevel=4,  # the caller of `StaticModel.encode`
        )
        return nullcontext()
    return tqdm(total=texts, unit=" texts")
