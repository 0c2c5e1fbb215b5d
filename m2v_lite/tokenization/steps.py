"""Lists the steps of a normalizer, pre-tokenizer or post-processor in a `tokenizer.json`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def kind_of(entry: Any) -> str | None:
    """Return the type of an entry; None if it has none that is a str.

    `tokenizers` also takes an entry without one, and goes by its other keys.
    """
    kind = entry.get("type") if isinstance(entry, dict) else None
    return kind if isinstance(kind, str) else None


def steps_of(entry: Any, members: str) -> Iterator[Any]:
    """Yield the steps of an entry. A Sequence yields the steps of its members, odd ones included.

    Examples:
        >>> lower, strip = {"type": "Lowercase"}, {"type": "StripAccents"}
        >>> entry = {"type": "Sequence", "normalizers": [lower, {"type": "Sequence", "normalizers": [strip]}]}
        >>> list(steps_of(entry, "normalizers")) == [lower, strip]
        True
    """
    if kind_of(entry) == "Sequence":
        for member in entry[members]:
            yield from [None] if member is None else steps_of(member, members)
    elif entry is not None:
        yield entry
