"""A table for `str.translate` that computes each character on first use."""

from __future__ import annotations

from collections.abc import Callable

# How many characters a translation may remember before it starts afresh.
CHARACTERS_KEPT = 1 << 14


class Translation(dict[int, str]):
    """Calls `translated` once for each character.

    Examples:
        >>> "abc".translate(Translation(lambda character: character * 2))
        'aabbcc'
    """

    def __init__(self, translated: Callable[[str], str]) -> None:
        self._translated = translated

    def __missing__(self, code: int) -> str:
        if len(self) >= CHARACTERS_KEPT:
            self.clear()
        self[code] = value = self._translated(chr(code))
        return value
