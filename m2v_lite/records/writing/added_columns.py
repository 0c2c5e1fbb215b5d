"""Names the columns that an output file has in addition to those of its input."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain

from m2v_lite.errors import InputValueError
from m2v_lite.records.batches import RecordBatch

EMBEDDING = "embedding"
# Where a record was read.
PATH, LINE = "path", "line"


class NameTakenError(InputValueError):
    """A record has a field of the name of a column that is added.

    Attributes:
        index: the index of the record in its batch.
    """

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index


def check_names(batch: RecordBatch, added: Collection[str]) -> None:
    """Check that no record has a field of the name of a column that is added.

    Args:
        batch: the records.
        added: the names of the columns that are added.

    Raises:
        NameTakenError: a record has such a field.

    Examples:
        >>> from m2v_lite.records.batches import text_batches
        >>> check_names(next(text_batches(["tea"], 1)), ["embedding"])
    """
    names = batch.rows.names()
    taken = set(added)
    if taken.isdisjoint(chain.from_iterable(names)):
        return
    index, name = next((index, name) for index, row in enumerate(names) for name in row if name in taken)
    remedy = "write to a .npy file" if name == EMBEDDING else "give --no-source"
    raise NameTakenError(
        f"{batch.places.described(index)}: the record already has a field {name!r}; rename that field, or "
        f"{remedy}",
        index,
    )
