"""Real prose that every Python installation has: the topics of `help()`, and the library's docstrings."""

from __future__ import annotations

import ast
import re
import sysconfig
from functools import cache
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
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                parts.append(ast.get_docstring(node) or "")
    return " ".join(parts).split()


def texts_of(characters: int, number: int) -> list[str]:
    """Return `number` texts of about `characters` characters, all of different words in a row.

    Example:
        >>> [len(text) >= 80 for text in texts_of(80, 2)]
        [True, True]
    """
    words = all_words()
    texts: list[str] = []
    position, shift = 0, 1
    while len(texts) < number:
        start, length = position, 0
        while length <= characters and position < len(words):
            length += len(words[position]) + 1
            position += 1
        if length > characters:
            texts.append(" ".join(words[start:position]))
        else:  # begin again elsewhere, so that no text comes twice
            position, shift = shift, shift + 1
    return texts
