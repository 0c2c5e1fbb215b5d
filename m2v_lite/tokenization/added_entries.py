"""Checks whether this package finds the added tokens of a `tokenizer.json` as `tokenizers` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from m2v_lite.tokenization.added_tokens import TOKEN_FLAGS

MOST_ADDED = 100  # added tokens are looked for one by one
# Why a tokenizer is left to the library.
UNUSUAL_TOKENS = f"its added tokens are unusual, or more than {MOST_ADDED}"
WRONG_IDS = "its added tokens have other ids than the library gives them"


def can_be_found(entries: Any, normalize: Callable[[str], str]) -> bool:
    """Return whether added tokens are plain enough to be found as `tokenizers` finds them.

    Args:
        entries: the added tokens.
        normalize: the tokenizer's normalizer.
    """
    if not isinstance(entries, list) or len(entries) > MOST_ADDED:
        return False
    if not all(isinstance(entry, dict) and _is_sound(entry) for entry in entries):
        return False
    contents = [entry["content"] for entry in entries]
    looked_for = [
        normalize(entry["content"]) if entry["normalized"] else entry["content"] for entry in entries
    ]
    if len(set(contents)) < len(contents) or len(set(looked_for)) < len(looked_for):
        return False
    return all(content and content == content.strip() for content in looked_for)


def have_right_ids(
    entries: Sequence[Mapping[str, Any]], ids: Mapping[str, int | None], next_id: int | None
) -> bool:
    """Return whether added tokens have the ids that the library gives them.

    Whatever the file says, a token gets the id of its content in the vocabulary, or else the next free id.

    Args:
        entries: the added tokens.
        ids: the ids of their contents in the vocabulary.
        next_id: the next free id; None if the ids of the vocabulary have gaps.
    """
    new = [entry["id"] for entry in entries if ids[entry["content"]] is None]
    if new and (next_id is None or new != list(range(next_id, next_id + len(new)))):
        return False
    return all(ids[entry["content"]] in (None, entry["id"]) for entry in entries)


def _is_sound(entry: dict[str, Any]) -> bool:
    content = entry.get("content")
    flags = (*TOKEN_FLAGS, "special")
    return (
        type(entry.get("id")) is int
        and all(type(entry.get(flag)) is bool for flag in flags)
        and isinstance(content, str)
        and is_unicode(content)
    )


def is_unicode(text: str) -> bool:
    """Return whether a text holds no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
