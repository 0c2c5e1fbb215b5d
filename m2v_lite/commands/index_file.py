"""Defines the option that selects the index file, and the default path of an index."""

from __future__ import annotations

import argparse
import os
import sys


def index_choice() -> argparse.ArgumentParser:
    """Return the option that selects the file of an index."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--index",
        metavar="FILE",
        default=default_index(),
        help="the index file (default: index.db in the folder m2v-lite of your data folder, %(default)s)",
    )
    return options


def default_index() -> str:
    """Return where an index is by default: in the user's data folder.

    That is XDG_DATA_HOME or ~/.local/share (https://specifications.freedesktop.org/basedir-spec/latest/),
    and LOCALAPPDATA on Windows.
    """
    if sys.platform == "win32":
        folder = os.environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local")
    else:
        folder = os.environ.get("XDG_DATA_HOME") or ""
        if not os.path.isabs(folder):  # the specification says to ignore it
            folder = os.path.expanduser("~/.local/share")
    return os.path.join(folder, "m2v-lite", "index.db")


def made_folder(path: str) -> str:
    """Return the path of an index. If it is the default one, make its folder."""
    if path == default_index():
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    return path


def shown_path(path: str) -> str:
    """Return a path relative to the current folder, if it is in it."""
    from m2v_lite.search.path_patterns import seen_from  # other commands start sooner without it

    return seen_from(path, os.getcwd())
