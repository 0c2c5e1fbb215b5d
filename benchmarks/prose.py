"""Real prose that every Python installation has: the topics of `help()`, and the library's docstrings."""

from __future__ import annotations

import ast
import re
import sysconfig
from collections.abc import Iterable
from functools import cache
from itertools import count
from pathlib import Path
from pydoc_data.topics import topics


def sentences() -> list[str]:
    """Return the different sentences of the topics, of 30 to 300 characters, in order."""
    text = " ".join(" ".join(topics[name].split()) for name in sorted(topics))
    found = re.split(r"(?<=[.!?:]) (?=[A-Z])", text)
    return list(dict.fromkeys(sentence for sentence in found if 30 <= len(sentence) <= 300))


@cache
def all_words() -> list[str]:
    """Return the words of all topics and of the docstrings of the standard library, in order."""
    parts = [topics[name] for name in sorted(topics)]
    library = Path(sysconfig.get_path("stdlib"))
    for path in [*sorted(library.glob("*.py")), *sorted(library.glob("*/*.py"))]:
        if not {"test", "tests", "site-packages", "idlelib"} & set(path.relative_to(library).parts):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                    parts.append(ast.get_docstring(node) or "")
    return " ".join(parts).split()


def texts_of(characters: int, number: int) -> list[str]:
    """Return `number` different texts of about `characters` characters, each of words in a row.

    Example:
        >>> [len(text) >= 80 for text in texts_of(80, 2)]
        [True, True]
    """
    # Begin again with somewhat longer texts, so that they differ.
    return _different(number, count(characters, 7))


def overlapping_texts(number: int) -> list[str]:
    """Return `number` different texts of some 75 to 110 characters, of words in a row.

    There are not so many words that many texts could have their own: the same words are cut again and again,
    into longer texts each time.

    Example:
        >>> len(set(overlapping_texts(100)))
        100
    """
    return _different(number, range(75, 105))


def _different(number: int, lengths: Iterable[int]) -> list[str]:
    """Cut all words into texts of about each length in turn, until there are so many different ones."""
    words = all_words()
    texts: dict[str, None] = {}
    for characters in lengths:
        start = length = 0
        for position, word in enumerate(words):
            length += len(word) + 1
            if length > characters:
                texts[" ".join(words[start : position + 1])] = None
                start, length = position + 1, 0
                if len(texts) == number:
                    return list(texts)
    raise ValueError(f"there are not {number} texts, only {len(texts)}")
