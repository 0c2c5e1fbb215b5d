"""Real prose that every Python installation has: the topics of `help()`, cut into texts of a wanted size."""

from __future__ import annotations

import re
from pydoc_data.topics import topics


def sentences() -> list[str]:
    """Return the different sentences of the topics, of 30 to 300 characters, in order."""
    text = " ".join(" ".join(topics[name].split()) for name in sorted(topics))
    found = re.split(r"(?<=[.!?:]) (?=[A-Z])", text)
    return list(dict.fromkeys(sentence for sentence in found if 30 <= len(sentence) <= 300))


def texts_of(characters: int, number: int) -> list[str]:
    """Return `number` texts of about `characters` characters, all of different words in a row.

    Example:
        >>> [len(text) >= 80 for text in texts_of(80, 2)]
        [True, True]
    """
    words = " ".join(topics[name] for name in sorted(topics)).split()
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
