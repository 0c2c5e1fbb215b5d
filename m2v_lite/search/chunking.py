"""Splits the lines of a text into chunks that are short enough for one vector and know their lines.

Readers can predict the rules. Blank lines separate paragraphs. A heading begins a new chunk. So does a
paragraph that would make the chunk longer than `MOST_CHARACTERS`, or that follows many blank lines. A
paragraph that is too long by itself is cut between lines, and a line that is too long by itself is cut
between words. To keep the context of a cut, the next part begins with about the last `OVERLAP` characters of
the part before, in complete lines or words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

# The mean of more words than some 200 tells little of each.
MOST_CHARACTERS = 1200
OVERLAP = 120
# More blank lines than so many always divide.
MOST_BLANK = 4

# Headings of Markdown; and the lines under those of Markdown and reStructuredText.
HEADING = re.compile(r" {0,3}#{1,6}(?:\s|$)")
UNDERLINE = re.compile(r"([=\-~^\"'`#*+:.<>_])\1{2,}\s*$")


class Chunk(NamedTuple):
    """A part of a text.

    Attributes:
        first_line, last_line: the numbers of its first and its last line, from 1 up.
        text: its lines.
    """

    first_line: int
    last_line: int
    text: str


# A line and its number.
Line = tuple[int, str]


def line_chunks(lines: Iterable[Line]) -> Iterator[Chunk]:
    """Yield a chunk for each line that is not blank, as suits logs. A long line is cut between words.

    Args:
        lines: the number of each line and the line, without its end.

    Examples:
        >>> list(line_chunks([(1, "tea"), (2, ""), (3, "cake")]))
        [Chunk(first_line=1, last_line=1, text='tea'), Chunk(first_line=3, last_line=3, text='cake')]
    """
    for number, line in lines:
        for part in _pieces(line):
            yield Chunk(number, number, part)


def fixed_chunks(lines: Iterable[Line], size: int) -> Iterator[Chunk]:
    """Yield a chunk for every so many lines, less where they are longer than `MOST_CHARACTERS`.

    Up to an eighth of the lines of a chunk begins the next one, too.

    Args:
        lines: as for `line_chunks`.
        size: how many lines a chunk has.

    Examples:
        >>> lines = enumerate(["one", "two", "three", "four"], 1)
        >>> [(chunk.first_line, chunk.text) for chunk in fixed_chunks(lines, 3)]
        [(1, 'one\\ntwo\\nthree'), (4, 'four')]
    """
    pending: list[Line] = []
    is_new = False
    for line in lines:
        pending.append(line)
        is_new = True
        if len(pending) == size:
            yield from _parts(pending)
            pending, is_new = pending[size - size // 8 :], False
    if is_new:
        yield from _parts(pending)


def paragraph_chunks(lines: Iterable[Line], has_headings: bool = True) -> Iterator[Chunk]:
    """Yield chunks of whole paragraphs, as many as fit into each.

    Args:
        lines: as for `line_chunks`.
        has_headings: whether a heading begins a new chunk. In source code, what looks like one is a comment.

    Examples:
        >>> text = "# Tea\\n\\nGreen tea.\\n\\nBlack tea.\\n\\n# Cake\\n\\nWith plums."
        >>> for chunk in paragraph_chunks(enumerate(text.split("\\n"), 1)):
        ...     print(chunk.first_line, chunk.last_line, repr(chunk.text))
        1 5 '# Tea\\n\\nGreen tea.\\n\\nBlack tea.'
        7 9 '# Cake\\n\\nWith plums.'
    """
    pending: list[Line] = []
    for part, goes_on in _paragraphs(lines, has_headings):
        if pending and not goes_on:
            blank = [(number, "") for number in range(pending[-1][0] + 1, part[0][0])]
            if (
                len(blank) > MOST_BLANK
                or (has_headings and _begins_section([line for _, line in part[:3]]))
                or _size([*pending, *blank, *part]) > MOST_CHARACTERS
            ):
                yield from _parts(pending)
                pending = []
            else:
                pending += blank
        pending += part
        while _size(pending) > MOST_CHARACTERS:
            chunks, pending = _first_part(pending)
            yield from chunks
    yield from _parts(pending)


def _paragraphs(lines: Iterable[Line], has_headings: bool) -> Iterator[tuple[list[Line], bool]]:
    """Yield the lines between blank ones, a long paragraph in parts, and whether each goes on the one before.

    A heading of Markdown ends a paragraph, too.
    """
    pending: list[Line] = []
    size, goes_on = 0, False
    for number, line in lines:
        line = line.rstrip()
        ends = not line or (has_headings and HEADING.match(line))
        if ends or size > MOST_CHARACTERS:
            if pending:
                yield pending, goes_on
            pending, size, goes_on = [], 0, not ends
        if line:
            pending.append((number, line))
            size += len(line) + 1
    if pending:
        yield pending, goes_on


def is_heading(lines: Sequence[str]) -> bool:
    """Return whether lines are a heading and nothing else.

    Examples:
        >>> is_heading(["# Tea"]), is_heading(["Tea", "==="]), is_heading(["# Tea", "Hot."])
        (True, True, False)
    """
    if len(lines) == 1:
        return bool(HEADING.match(lines[0]))
    return len(lines) <= 3 and _begins_section(lines) and bool(UNDERLINE.match(lines[-1]))


def _begins_section(lines: Sequence[str]) -> bool:
    """Return whether lines begin with a heading: one of Markdown, or a title over or between lines."""
    return bool(HEADING.match(lines[0])) or any(
        UNDERLINE.match(under) and not UNDERLINE.match(title) and len(under) + 1 >= len(title)
        for title, under in pairwise(lines[:3])
    )


def _size(lines: list[Line]) -> int:
    """Return how many characters lines are, with what ends each but the last."""
    return sum(len(line) + 1 for _, line in lines) - 1


def _parts(lines: list[Line]) -> Iterator[Chunk]:
    """Yield lines as chunks of at most `MOST_CHARACTERS`."""
    while _size(lines) > MOST_CHARACTERS:
        chunks, lines = _first_part(lines)
        yield from chunks
    while lines and not lines[0][1]:
        lines = lines[1:]
    while lines and not lines[-1][1]:
        lines = lines[:-1]
    if lines:
        yield Chunk(lines[0][0], lines[-1][0], "\n".join(line for _, line in lines))


def _first_part(lines: list[Line]) -> tuple[list[Chunk], list[Line]]:
    """Cut a chunk off lines that are too many for one. Return it and what is left, with an overlap.

    If the first line alone is too long, its chunks are returned, and the other lines.
    """
    number, first = lines[0]
    if len(first) > MOST_CHARACTERS:
        return [Chunk(number, number, part) for part in _pieces(first)], lines[1:]
    stop, size = 1, len(first)
    while size + 1 + len(lines[stop][1]) <= MOST_CHARACTERS:
        size += 1 + len(lines[stop][1])
        stop += 1
    begin, room = stop, min(OVERLAP, MOST_CHARACTERS - len(lines[stop][1]))
    while begin > 1 and len(lines[begin - 1][1]) < room:
        begin -= 1
        room -= len(lines[begin][1]) + 1
    return list(_parts(lines[:stop])), lines[begin:]


def _pieces(line: str) -> Iterator[str]:
    """Yield a long line in parts that begin and end between words where they can."""
    start = 0
    while len(line) - start > MOST_CHARACTERS:
        stop = line.rfind(" ", start + MOST_CHARACTERS // 2, start + MOST_CHARACTERS)
        stop = start + MOST_CHARACTERS if stop < 0 else stop
        yield line[start:stop].strip()
        word = line.find(" ", stop - OVERLAP, stop)
        start = stop - OVERLAP if word < 0 else word + 1
    if line[start:].strip():
        yield line[start:].strip()
