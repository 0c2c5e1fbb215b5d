"""Gives the reason why a tokenizer is left to the `tokenizers` library."""

from __future__ import annotations


class LeftToLibrary(Exception):  # nothing is wrong
    """Says that the tokenizers in arrays might not give the ids that the library gives, and why.

    Examples:
        >>> require(True, "")
        >>> require(False, "its model is BPE")
        Traceback (most recent call last):
            ...
        m2v_lite.tokenization.left_to_library.LeftToLibrary: its model is BPE
    """


def require(condition: object, reason: str) -> None:
    """Leave a tokenizer to the library, unless a condition is true.

    Raises:
        LeftToLibrary: it is not.
    """
    if not condition:
        raise LeftToLibrary(reason)


def shown(entry: object) -> str:
    """Return an entry of a `tokenizer.json`, short enough for a reason.

    Examples:
        >>> shown({"type": "NFKC"}), shown(None)
        ('NFKC', 'none')
    """
    if isinstance(entry, dict):
        entry = entry.get("type")
    return "none" if entry is None else f"{entry:.40}" if isinstance(entry, str) else f"{entry!r:.40}"
