"""What a tokenizer remembers of the words or chunks it has seen: how much, and in which memo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class BoundedMemo(Protocol):
        """A memo that knows its own limit."""

        def is_full(self) -> bool:
            """Return whether the memo takes all the memory that it may take."""
            ...


# The most that one entry takes: a str of at most REMEMBERED_CHARACTERS, its ids, and its places in
# dictionaries that may just have grown.
ENTRY_BYTES = 288
REMEMBERED_CHARACTERS = 30

# The default for everything that one tokenizer remembers: small enough for a board with 512 MB.
DEFAULT_MEMO_BYTES = 8 << 20


Memo = TypeVar("Memo", bound="BoundedMemo")


class Memory(Generic[Memo]):
    """Holds a memo and replaces it once it is full. A copy or a pickle starts with an empty memo.

    Safe under threads, as far as the memo itself is.

    Args:
        new_memo: makes an empty memo. It must be possible to pickle this function.

    Example:
        >>> from functools import partial
        >>> from m2v_lite.tokenization.chunks import ChunkMemo
        >>> memory = Memory(partial(ChunkMemo, 1 << 20))
        >>> memory.memo() is memory.memo()
        True
    """

    def __init__(self, new_memo: Callable[[], Memo]) -> None:
        self._new_memo = new_memo
        self._memo = new_memo()

    def memo(self) -> Memo:
        """Return a memo with room for more."""
        memo = self._memo
        if memo.is_full():
            # Replace a full memo rather than clear it: another thread may still be reading it.
            memo = self._memo = self._new_memo()
        return memo

    def __reduce__(self) -> tuple[Any, ...]:
        return Memory, (self._new_memo,)
