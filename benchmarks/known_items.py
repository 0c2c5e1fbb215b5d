"""Pages -> queries whose right answers are known, and the pages without what the queries were made of.

The rules are told in `search_quality.py`. What is taken out of a page leaves as many lines, so that the
numbers of lines stay.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

Pages = Mapping[str, Sequence[str]]

# Of a sentence.
FEWEST_WORDS, MOST_WORDS = 6, 40
# Of a description.
FEWEST_DESCRIBING = 3
# A section or an entry has so many characters besides what is taken out, or there is nothing left to find.
LEFT = 200
# Stands where a title was: so the line is still a heading, but tells nothing.
NO_TITLE = "…"

SENTENCE = re.compile(r".+?[.!?:](?=\s+[A-Z(]|\s*$)", re.DOTALL)
TITLE_LINE = re.compile(r"([=\-~^\"'`#*+:.<>_])\1{2,}$")
DEFINITION = re.compile(
    r"( *)\.\. (?:c:)?(?:function|macro|type|class|exception|method|classmethod|staticmethod|coroutinemethod"
    r"|abstractmethod|coroutinefunction|decorator|decoratormethod|attribute|data):: *(.+)"
)
PROSE = re.compile(r"[\w`\"'(]|\*\*?\w|:\w+:`")
MODULE = re.compile(r"\.\. (?:current)?module:: *(\S+)")
OPTION = re.compile(r" {4,}(?:-\w(?: \S+)?, )?(--[a-z][a-z0-9-]+)")
ERROR = re.compile(r" {4,}(E[A-Z0-9]{2,})\s")


class Item(NamedTuple):
    """A query, and what should be found.

    Attributes:
        query: the query.
        page: the name of the page.
        lines: the numbers of the lines, from 1 up: a chunk that has one of them is right.
        taken: the numbers of the lines that are replaced, and what stands there then.
    """

    query: str
    page: str
    lines: Collection[int]
    taken: Mapping[int, str] = {}


# What can be asked of one place, such as a section, by the kind of query. Only one of them is asked.
Place = Mapping[str, Item]


def chosen(places: Iterable[Place], kinds: Sequence[str], most: int) -> dict[str, list[Item]]:
    """Return the items of each kind: of each place one, of the kinds in turn, and at most so many of a kind.

    Queries that more than one place has are left out. Too many are taken in a fixed stride.
    """
    places = list(places)
    often = Counter((kind, item.query.lower()) for place in places for kind, item in place.items())
    found: dict[str, list[Item]] = {kind: [] for kind in kinds}
    for number, place in enumerate(places):
        kind = kinds[number % len(kinds)]
        if kind in place and often[kind, place[kind].query.lower()] == 1:
            found[kind].append(place[kind])
    return {
        kind: [items[number * len(items) // most] for number in range(most)] if len(items) > most else items
        for kind, items in found.items()
    }


def without_taken(pages: Pages, items: Iterable[Item]) -> dict[str, list[str]]:
    """Return the pages without what was taken out of them."""
    left = {name: list(lines) for name, lines in pages.items()}
    for item in items:
        for number, line in item.taken.items():
            left[item.page][number - 1] = line
    return left


def python_sections(pages: Pages) -> Iterator[Place]:
    """Yield what can be asked of each section of Python's documentation: its title, or with its module."""
    for name, lines in pages.items():
        module = next((found[1] for line in lines if (found := MODULE.match(line))), None)
        titles = [number for number in range(len(lines) - 1) if _is_title(lines, number)]
        for place, number in enumerate(titles):
            stop = titles[place + 1] if place + 1 < len(titles) else len(lines)
            title = plain(lines[number])
            if len(title.split()) < 2 or len("".join(lines[number + 2 : stop])) < LEFT:
                continue
            right, taken = range(number + 1, stop + 1), {number + 1: NO_TITLE}
            items = {"title": Item(title, name, right, taken)}
            if module and place:
                items["module and title"] = Item(f"{module} {title}", name, right, taken)
            yield items


def python_entries(pages: Pages, docstring: Callable[[str], str | None]) -> Iterator[Place]:
    """Yield what can be asked of each entry for a function, class and the like.

    Args:
        pages: the pages of Python's documentation.
        docstring: gives the first line of a docstring for a name.
    """
    for name, lines in pages.items():
        module = ""
        outer: list[tuple[int, str]] = []
        for number, line in enumerate(lines):
            if found := MODULE.match(line):
                module = found[1]
            found = DEFINITION.match(line)
            if not found:
                continue
            indent = len(found[1])
            outer = [(wider, of) for wider, of in outer if wider < indent]
            own = _name_of(found[2])
            whole = own
            if outer and ".. c:" not in line and not own.startswith(f"{outer[-1][1]}."):
                whole = f"{outer[-1][1]}.{own}"
            outer.append((indent, whole))
            if module and ".. c:" not in line and not whole.startswith(f"{module}."):
                whole = f"{module}.{whole}"
            items = {"name": Item(whole, name, [number + 1])}
            stop = _end_of_entry(lines, number, indent)
            # More signatures and options stand before the first blank line.
            blank = next((later for later in range(number, stop) if not lines[later].strip()), stop)
            if found_sentence := _first_sentence(lines, blank, stop):
                sentence, taken = found_sentence
                items["first sentence"] = Item(plain(sentence), name, range(number + 1, stop + 1), taken)
            described = docstring(whole) if name.startswith("library/") else None
            if (
                described
                and FEWEST_WORDS <= len(described.split()) <= MOST_WORDS
                and not _says(map(plain, lines[number:stop]), described)
            ):
                items["docstring"] = Item(described, name, range(number + 1, stop + 1))
            yield items


def manual_page_names(pages: Pages) -> Iterator[Place]:
    """Yield what can be asked of each manual page as a whole."""
    for name, lines in pages.items():
        whole_page = range(1, len(lines) + 1)
        items = {}
        start, stop = _section(lines, "NAME")
        described = re.split(r"\s(?:-+|\u2013|\u2014|\u2212)\s", _joined(lines[start:stop]), maxsplit=1)
        if len(described) == 2 and len(described[1].split()) >= FEWEST_DESCRIBING:
            words = described[1].split()
            taken = dict.fromkeys(range(start + 1, stop + 1), "")
            items["description"] = Item(described[1], name, whole_page, taken)
            asked = f"{name.rpartition('.')[0]} {' '.join(words[:FEWEST_DESCRIBING])}"
            items["name and three words"] = Item(asked, name, whole_page, taken)
        if found := _first_sentence(lines, *_section(lines, "DESCRIPTION")):
            items["first sentence"] = Item(_joined(found[0].split("\n")), name, whole_page, found[1])
        yield items


def manual_page_entries(pages: Pages, descriptions: Iterable[tuple[str, str, str]] = ()) -> Iterator[Place]:
    """Yield what can be asked of each option and error number that begins a paragraph of a manual page.

    Args:
        pages: the manual pages.
        descriptions: a command, an option of it and what that does, in other words.
    """
    described = {(command, option): text for command, option, text in descriptions}
    for name, lines in pages.items():
        found: dict[str, list[int]] = {}
        for number, line in enumerate(lines[1:], 1):
            begins = not lines[number - 1].startswith(" ")
            if begins and (match := OPTION.match(line) or ERROR.match(line)):
                found.setdefault(match[1], []).append(number + 1)
        command = name.rpartition(".")[0]
        for asked, numbers in found.items():
            items = {"option or error": Item(f"{command} {asked}", name, numbers)}
            text = described.get((command, asked), "")
            if len(text.split()) >= FEWEST_DESCRIBING and not _says(lines, text):
                items["option in other words"] = Item(f"{command} {text}", name, numbers)
            yield items


def plain(text: str) -> str:
    """Return reStructuredText without its markup, in one line.

    Example:
        >>> plain(":mod:`os.path` --- *Common* ``path`` `names <target>`_")
        'os.path Common path names'
    """
    text = re.sub(r"(?::[\w:+-]+:)?`+[~!]?([^`<]+?)(?:\s*<[^`>]*>)?`+_{0,2}", r"\1", text)
    text = re.sub(r"(?<!\w)(\*\*?)(\S(?:[^*]*\S)?)\1(?!\w)", r"\2", text)
    return " ".join(text.replace(" --- ", " ").replace("\\", "").split())


def _says(lines: Iterable[str], text: str) -> bool:
    """Return whether lines say just the same as a text, but for spaces, case and the full stop."""
    return " ".join(text.lower().rstrip(".").split()) in _joined(lines).lower()


def _is_title(lines: Sequence[str], number: int) -> bool:
    """Return whether a line is a title: one without indentation, over a line of one sign that is as long."""
    title, under = lines[number].rstrip(), lines[number + 1].rstrip()
    return bool(
        title
        and not title[0].isspace()
        and not title.startswith("..")
        and TITLE_LINE.match(under)
        and not TITLE_LINE.match(title)
        and len(under) >= len(title)
    )


def _name_of(signature: str) -> str:
    """Return the name in a signature.

    Example:
        >>> _name_of("join(path, *paths)"), _name_of("int PyList_Size(PyObject *list)")
        ('join', 'PyList_Size')
    """
    return signature.split("(")[0].rstrip().split(" ")[-1].lstrip("*")


def _end_of_entry(lines: Sequence[str], number: int, indent: int) -> int:
    """Return where the text of an entry ends: before a line that is not indented more, or another entry."""
    for later in range(number + 1, len(lines)):
        line = lines[later]
        # A signature may have more lines, as far to the right as the first.
        if line.strip() and (len(line) - len(line.lstrip()) <= indent or DEFINITION.match(line)):
            return later
    return len(lines)


def _section(lines: Sequence[str], title: str) -> tuple[int, int]:
    """Return the first line of a section of a manual page after its title, and its end."""
    if title not in lines:
        return 0, 0
    start = lines.index(title) + 1
    stop = start
    while stop < len(lines) and (not lines[stop] or lines[stop][0].isspace()):
        stop += 1
    return start, stop


def _first_sentence(lines: Sequence[str], start: int, stop: int) -> tuple[str, dict[int, str]] | None:
    """Return the first sentence between two lines, and what stands there without it.

    It is None where no paragraph of prose comes first, where the sentence is too short or too long, and where
    little else is left.
    """
    while start < stop and not lines[start].strip():
        start += 1
    end = start
    while end < stop and lines[end].strip():
        end += 1
    paragraph = "\n".join(line.strip() for line in lines[start:end])
    sentence = SENTENCE.match(paragraph)
    if not sentence or not PROSE.match(paragraph):
        return None
    whole = sentence[0]
    rest = paragraph[len(whole) :].split("\n")[0].strip()
    last = start + whole.count("\n")
    if not FEWEST_WORDS <= len(whole.split()) <= MOST_WORDS:
        return None
    if len(rest) + len("".join(line.strip() for line in lines[last + 1 : stop])) < LEFT:
        return None
    indentation = lines[last][: len(lines[last]) - len(lines[last].lstrip())]
    taken = dict.fromkeys(range(start + 1, last + 1), "")
    return whole, {**taken, last + 1: f"{indentation}{rest}" if rest else ""}


def _joined(text: Iterable[str]) -> str:
    """Return lines of a manual page as one; a hyphen at the end of a line divides a word."""
    return " ".join(re.sub("\u2010\\n\\s*", "", "\n".join(text)).split())
