"""Real chunks of prose to search in, and queries whose answers are known: the docstrings of Python packages.

A docstring is cut between paragraphs into chunks of some 100 to 600 characters. There are two kinds of
queries, each with one chunk as its answer:

- *some words*: every third word or so of a chunk, in order. Search by words finds these most easily.
- *first sentence*: what a docstring begins with. Its chunk is the rest, and does not hold the sentence.
"""

from __future__ import annotations

import random
import re
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator
from inspect import cleandoc
from pathlib import Path
from pydoc_data.topics import topics
from typing import NamedTuple

SHORTEST, LONGEST = 100, 600  # characters of a chunk
KINDS = ("some words", "first sentence")
QUOTED = re.compile(r'(?ms)(?P<margin>^[ \t]*[rR]?)?"""(?P<text>.*?)"""')
NOT_PROSE = {"test", "tests", "testing", "idlelib", "site-packages", "__pycache__"}


class KnownItem(NamedTuple):
    """A query, the chunk that it was made from, and how."""

    query: str
    chunk: int
    kind: str


def chunks_and_queries(
    folders: Iterable[Path], chunks: int, queries: int
) -> tuple[list[str], list[KnownItem]]:
    """Return different chunks in a random but fixed order, and queries, half of each kind.

    The chunks that queries are about come first, so that fewer chunks can have the same queries.

    Args:
        folders: where Python packages are, besides the standard library.
        chunks: how many chunks to return.
        queries: how many queries to return.

    Raises:
        SystemExit: there are too few docstrings.
    """
    docstrings = list(dict.fromkeys(_all_docstrings(folders)))
    first_sentences = Counter(_parts_of(docstring)[0] for docstring in docstrings)
    chooser = random.Random(0)
    chooser.shuffle(docstrings)
    asked: dict[str, str] = {}
    found: dict[str, None] = {}
    for docstring in docstrings:
        first, rest = _parts_of(docstring)
        pieces = chunks_of(rest)
        is_question = 4 <= len(first.split()) <= 30 and first_sentences[first] == 1 and first not in rest
        if len(asked) < queries // 2 and is_question and len(pieces) == 1 and len(rest) <= LONGEST:
            asked[pieces[0]] = first
        else:
            found.update(dict.fromkeys(chunks_of(docstring)))
    others = [chunk for chunk in found if chunk not in asked]
    chooser.shuffle(others)
    texts = [*asked, *others][:chunks]
    if len(asked) < queries // 2 or len(texts) < chunks:
        raise SystemExit(f"there are only {len(texts):,} chunks in these packages, not {chunks:,}")
    items = [KnownItem(first, number, KINDS[1]) for number, first in enumerate(asked.values())]
    for number in range(len(items), queries):
        words = texts[number].split()
        places = sorted(chooser.sample(range(len(words)), (len(words) + 2) // 3))
        items.append(KnownItem(" ".join(words[place] for place in places), number, KINDS[0]))
    chooser.shuffle(items)
    return texts, items


def chunks_of(text: str) -> list[str]:
    """Cut a text between paragraphs, or between words where one is too long; leave out what is too short.

    Example:
        >>> [len(chunk) for chunk in chunks_of("word " * 50 + "\\n\\n" + "word " * 100)]
        [249, 499]
    """
    chunks: list[str] = []
    current = ""
    for paragraph in re.split(r"\n\s*\n", text):
        if ">>>" in paragraph:  # code
            continue
        for piece in re.findall(rf"(?s)\S.{{0,{LONGEST - 2}}}\S(?!\S)", paragraph):
            if current and len(current) + len(piece) + 2 > LONGEST:
                chunks.append(current)
                current = ""
            current = f"{current}\n\n{piece}" if current else piece
    chunks.append(current)
    return [chunk for chunk in chunks if len(chunk) >= SHORTEST]


def _parts_of(docstring: str) -> tuple[str, str]:
    """Return the first paragraph in one line, and the rest."""
    first, _, rest = docstring.partition("\n\n")
    return " ".join(first.split()), rest.strip()


def _all_docstrings(folders: Iterable[Path]) -> Iterator[str]:
    yield from (topics[name].strip() for name in sorted(topics))
    library = Path(sysconfig.get_path("stdlib"))
    for folder in (library, *folders):
        for path in sorted(folder.rglob("*.py")):
            if not NOT_PROSE & set(path.relative_to(folder).parts):
                yield from _docstrings_of(path)


def _docstrings_of(path: Path) -> Iterator[str]:
    """Give the texts in triple quotes at the beginning of a line, which is faster than to parse the code."""
    for quoted in QUOTED.finditer(path.read_text(encoding="utf-8", errors="ignore")):
        if quoted["margin"] is not None:
            yield cleandoc(quoted["text"]).strip()
