"""What others say of the same: Python's docstrings, and fish's descriptions of the options of commands."""

from __future__ import annotations

import inspect
import pydoc
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

COMMAND = re.compile(r"\s*complete .*?-c (\S+) ")
GIT = re.compile(r"-n '?__fish_git_using_command ([\w -]+?)(?:'| -)")
OPTION = re.compile(r" -l ([a-z][a-z0-9-]+) ")
DESCRIPTION = re.compile(r" -d (?:'([^'\\]+)'|\"([^\"\\$]+)\")")


def docstring(name: str) -> str | None:
    """Return the first line of the docstring of a function or class, or None if it is no whole sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some modules are deprecated
            found = pydoc.locate(name)
    except Exception:  # some modules are of other systems, or need what is not installed
        return None
    text = found.__doc__ if inspect.isroutine(found) or inspect.isclass(found) else None
    line = text.strip().split("\n")[0].strip() if isinstance(text, str) else ""
    return line if line.endswith(".") else None


def fish_descriptions(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield each long option that fish describes: the command, the option and the description.

    A subcommand of git is a command, as it has a manual page of its own.

    Args:
        folder: where the package `fish-common` is unpacked.
    """
    for path in sorted(folder.glob("usr/share/fish/completions/*.fish")):
        for line in path.read_text(encoding="utf-8").splitlines():
            command, option, described = COMMAND.match(line), OPTION.search(line), DESCRIPTION.search(line)
            git = GIT.search(line)
            if not (command and option and described):
                continue
            names = [command[1]]
            if names == ["git"]:
                names = [f"git-{name}" for name in git[1].split()] if git else []
            for name in names:
                yield name, f"--{option[1]}", described[1] or described[2]
