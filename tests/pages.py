"""The README and the pages, and what their fenced blocks hold: programs, commands and what they print."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import page_tables
from page_tables import rows_in, tables_in

ROOT = Path(__file__).parent.parent
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in page_tables.PAGES}
# The pictures for pages of each scheme, and how GitHub is told for which one a picture is.
SCHEMES = {"light": "gh-light-mode-only", "dark": "gh-dark-mode-only"}
# What the programs and commands of a page run in.
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


class Block(NamedTuple):
    """A fenced block of a page, and the block of text right below it, or None."""

    page: str
    language: str
    text: str
    output: str | None


class Command(NamedTuple):
    """A command of a page's block for the shell: the line as it stands, and without the remark at its end.

    The output is that of the last command of a block, if there is a block of text right below it.
    """

    page: str
    line: str
    command: str
    output: str | None


def blocks() -> Iterator[Block]:
    fence = re.compile(r"^```(\w*)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
    for page, text in PAGES.items():
        for match in fence.finditer(text):
            yield Block(page, match[1], match[2], match[3])


def commands(block: Block) -> list[Command]:
    r"""Return the commands of a block for the shell. A line that ends in a backslash goes on in the next.

    >>> block = Block("docs/a.md", "sh", 'm2v-lite encode \\\n    "# 1"  # one text\n\npip install .\n', None)
    >>> [command.command for command in commands(block)]
    ['m2v-lite encode "# 1"', 'pip install .']
    """
    lines = re.sub(r"\\\n *", "", block.text).splitlines()
    found = [Command(block.page, line, re.sub(r"\s+# [^\"']*$", "", line), None) for line in lines if line]
    return [*found[:-1], found[-1]._replace(output=block.output)]


BLOCKS = list(blocks())
PROGRAMS = [block for block in BLOCKS if block.language == "python"]
SESSIONS = [block for block in BLOCKS if block.language == "text" and block.text.startswith("$ ")]
COMMANDS = [command for block in BLOCKS if block.language == "sh" for command in commands(block)]


def name_of(block: Block) -> str:
    return f"{block.page}: {block.text.splitlines()[0]}"


def table_below(page: str, line: str) -> list[list[str]]:
    """Return the first table below a line of a page that begins so."""
    _, found, below = PAGES[page].partition(f"\n{line}")
    assert found, f"{page} has no line that begins with {line!r}"
    return rows_in(tables_in(below)[0])


def labels_of(picture: str, folder: Path) -> str:
    """Return the labels of a committed picture, which has the same ones in both schemes, a line each."""
    light, dark = (
        "\n".join(re.findall(r">([^<>\n]+)</text>", (folder / f"{picture}-{scheme}.svg").read_text("utf-8")))
        for scheme in SCHEMES
    )
    assert light == dark
    return light
