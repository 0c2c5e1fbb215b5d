"""Real prose that every installation of Python has: the topics of `help()` and the library's docstrings."""

from __future__ import annotations

import ast
import re
import sysconfig
from collections import deque
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from pydoc_data.topics import topics


def sentences() -> list[str]:
    """Return the different sentences of the topics, of 30 to 300 characters, in order."""
    text = " ".join(" ".join(topics[name].split()) for name in sorted(topics))
    found = re.split(r"(?<=[.!?:]) (?=[A-Z])", text)
    return list(dict.fromkeys(sentence for sentence in found if 30 <= len(sentence) <= 300))


def all_words() -> Iterator[str]:
    """Give the words of all topics and of the docstrings of the standard library, in order."""
    for name in sorted(topics):
        yield from topics[name].split()
    library = Path(sysconfig.get_path("stdlib"))
    for path in [*sorted(library.glob("*.py")), *sorted(library.glob("*/*.py"))]:
        if not {"test", "tests", "site-packages", "idlelib"} & set(path.relative_to(library).parts):
            yield from _words_of_docstrings(path)


@cache
def _words_of_docstrings(path: Path) -> list[str]:
    docstrings = []
    nodes: deque[ast.AST] = deque([ast.parse(path.read_bytes())])
    while nodes:
        node = nodes.popleft()
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            docstrings.append(ast.get_docstring(node, clean=False) or "")
        # Unlike ast.walk, leave out expressions: they hold no docstrings, and most nodes are expressions.
        for _, children in ast.iter_fields(node):
            if isinstance(children, list):
                nodes.extend(
                    child
                    for child in children
                    if isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case))
                )
    return " ".join(docstrings).split()


def texts_of(characters: int, number: int, *, only_ascii: bool = False) -> list[str]:
    """Return `number` different texts of about `characters` characters. Each is a run of successive words.

    Args:
        characters: about how long each text is.
        number: how many texts to return.
        only_ascii: whether to leave out the few texts that are not ASCII.

    Example:
        >>> [len(text) >= 80 for text in texts_of(80, 2)]
        [True, True]
    """
    # After the last word, start again with longer texts: these differ from the first texts.
    return _different(number, count(characters, 7), only_ascii)


def overlapping_texts(number: int) -> list[str]:
    """Return `number` different texts of some 75 to 110 characters. Each is a run of successive words.

    There are too few words for that many texts, so each pass cuts the same words into longer texts.

    Example:
        >>> len(set(overlapping_texts(100)))
        100
    """
    return _different(number, range(75, 105))


def _different(number: int, lengths: Iterable[int], only_ascii: bool = False) -> list[str]:
    """Cut all words into texts of each length in turn, until there are `number` different texts."""
    texts: dict[str, None] = {}
    for characters in lengths:
        words, length = [], 0
        for word in all_words():
            words.append(word)
            length += len(word) + 1
            if length > characters:
                text = " ".join(words)
                if text.isascii() or not only_ascii:
                    texts[text] = None
                words, length = [], 0
                if len(texts) == number:
                    return list(texts)
    raise ValueError(f"there are only {len(texts)} texts, not {number}")
