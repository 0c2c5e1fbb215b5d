"""The memo of words or chunks that a tokenizer has seen, and the limit of its size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

Entry = TypeVar("Entry")

# The most bytes that one entry takes: a str of at most REMEMBERED_CHARACTERS, its ids, and its places in
# dictionaries that may just have grown.
ENTRY_BYTES = 288
REMEMBERED_CHARACTERS = 30

# The default limit for all memos of one tokenizer: small enough for a board with 512 MB.
DEFAULT_MEMO_BYTES = 8 << 20


class BoundedMemo(dict[str, Entry]):
    """The base of memos that have a limit. A copy or a pickle of a memo has only its first entries.

    Args:
        first: the first entries.
        memory: about how many bytes the memo may take before it `is_full`.
        arguments: the arguments that make a new memo of this class. A pickle holds them.

    Examples:
        >>> from m2v_lite.tokenization.chunks import ChunkMemo
        >>> memo = ChunkMemo(1 << 20)
        >>> memo.with_room() is memo
        True
    """

    def __init__(self, first: Mapping[str, Entry], memory: int, arguments: tuple[Any, ...]) -> None:
        super().__init__(first)
        self._most = len(first) + memory // ENTRY_BYTES
        self._arguments = arguments

    def is_full(self) -> bool:
        """Return whether the memo takes all the memory that it may take."""
        return len(self) >= self._most

    def remember(self, text: str, entry: Entry) -> None:
        """Keep the entry of a word or a chunk, unless the text is long."""
        if len(text) <= REMEMBERED_CHARACTERS:
            self[text] = entry

    def with_room(self) -> Self:
        """Return this memo, or a new memo if this memo is full."""
        # Replace a full memo rather than clear it: another thread may still be reading it.
        return type(self)(*self._arguments) if self.is_full() else self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments
