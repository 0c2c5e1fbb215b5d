"""Shows the progress of a program: an optional progress bar from tqdm, or one line."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

# The only characters beside those of the categories C* that may end a line.
LINE_ENDS = "\u2028\u2029"
WITHOUT_TQDM = "no progress bar: the package tqdm is not installed; install it with: pip install tqdm"
# After how many seconds a bar appears that nobody has asked for.
DELAY = 2.0


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
        warnings.warn(WITHOUT_TQDM, stacklevel=4)  # at the caller of `StaticModel.encode`
        return nullcontext()
    return tqdm(total=texts, unit=" texts")


class FilesBar:
    """A bar that shows how many bytes of the input are read, or how many texts if its size is not known."""

    def __init__(self, bar: Any, has_size: bool) -> None:
        self._bar, self._has_size = bar, has_size

    def show(self, position: int, texts: int) -> None:
        """Show how far the work is."""
        if self._has_size:
            self._bar.set_postfix_str(f"{texts:,} texts", refresh=False)
        self._bar.update((position if self._has_size else texts) - self._bar.n)


@contextmanager
def progress_of_files(size: int | None, wanted: bool | None, quiet: bool) -> Iterator[FilesBar | None]:
    """Show how far work on files is, from the third second on.

    Args:
        size: the size of the files in bytes, if it is known.
        wanted: whether to show it from the first moment on, also where standard error is not a terminal. A
            warning says if tqdm is missing. None to show it on a terminal, if tqdm is installed.
        quiet: whether to show nothing.
    """
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    if quiet or not (wanted or is_terminal):
        yield None
        return
    try:
        from tqdm import tqdm
    except ImportError:
        if wanted:
            warnings.warn(WITHOUT_TQDM, stacklevel=2)
        yield None
        return

    class Bar(tqdm):  # type: ignore[misc,unused-ignore]
        monitor_interval = 0  # else it starts a thread, and processes may be forked

    delay = 0.0 if wanted else DELAY
    if size is None:
        bar = Bar(unit=" texts", delay=delay)
    else:
        bar = Bar(total=size, unit="B", unit_scale=True, unit_divisor=1000, delay=delay)
    with bar:
        yield FilesBar(bar, size is not None)


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

    Examples:
        >>> print(printable("potion\x1b]0;title\x07 日本"))
        potion\\x1b]0;title\\x07 日本
    """
    if text.isprintable():
        return text
    import unicodedata  # a compiled module, which most lines do without

    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character)[0] == "C" or character in LINE_ENDS
        else character
        for character in text
    )
