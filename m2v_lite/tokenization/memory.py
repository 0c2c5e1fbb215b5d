"""What a tokenizer remembers of the words or chunks it has seen: how much, and in which memo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

# The most that one entry takes: a str of at most REMEMBERED_CHARACTERS, its ids, and its places in
# dictionaries that may just have grown.
ENTRY_BYTES = 288
REMEMBERED_CHARACTERS = 30

# The default for everything that one tokenizer remembers: small enough for a board with 512 MB.
DEFAULT_MEMO_BYTES = 8 << 20


class BoundedMemo:
    """What a tokenizer remembers, up to a limit. A copy or a pickle of a memo is empty.

    Args:
        arguments: what an empty memo of this class is made with. A pickle holds these.

    Example:
        >>> from m2v_lite.tokenization.chunks import ChunkMemo
        >>> memo = ChunkMemo(1 << 20)
        >>> memo.with_room() is memo
        True
    """

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments

    def is_full(self) -> bool:
        """Return whether the memo takes all the memory that it may take."""
        return False

    def with_room(self) -> Self:
        """Return this memo, or an empty one if this is full."""
        # Replace a full memo rather than clear it: another thread may still be reading it.
        return type(self)(*self._arguments) if self.is_full() else self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments
