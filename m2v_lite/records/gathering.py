"""Collects records into batches. A batch is done when it is full or no more data has arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from m2v_lite.records.batches import RecordBatch, Rows, nothing_yet
from m2v_lite.records.places import Places
from m2v_lite.records.text_blocks import TextBlock

# One record: its text, all that it holds, its number in the file, and the block that it begins in if lines
# are counted; see `Places`. A plain tuple, for there may be millions.
Record = tuple[str, Any, int, TextBlock | None]

# Stands among records where the next one has not arrived.
NOTHING_YET = None


class Limits(NamedTuple):
    """When a batch is full.

    Attributes:
        texts, characters: with so many texts, or so many characters.
        first_is_full: whether the first batch of a file waits until it is full or the file ends, so that what
            is in it does not depend on how fast the file arrives.
    """

    texts: int
    characters: int
    first_is_full: bool = False


def batches_of(
    records: Iterator[Record | None],
    as_rows: Callable[[list[Any]], Rows],
    path: str,
    unit: str,
    limits: Limits,
    size: Callable[[Any], int],
) -> Iterator[RecordBatch]:
    """Yield batches of records.

    Before an error or an interrupt goes on to the caller, what came before it is yielded. Before waiting for
    more, a batch of none is yielded.

    Args:
        records: the records, and `NOTHING_YET` where the next has not arrived.
        as_rows: makes rows of a list of what the records hold.
        path: the name of the file.
        unit: what the numbers of the records count.
        limits: when a batch is full.
        size: returns about how many characters a record holds; its text may be a small part of them.
    """
    pending: list[Record] = []
    characters = 0
    has_arrived, may_wait = True, limits.first_is_full
    failure: BaseException | None = None
    while failure is None:
        try:
            for record in records:
                if record is not NOTHING_YET:
                    pending.append(record)
                    characters += size(record[1])
                    if len(pending) < limits.texts and characters < limits.characters:
                        continue
                elif may_wait:
                    continue
                has_arrived = record is not NOTHING_YET
                break
            else:
                failure = StopIteration()
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            failure = error
        if pending:
            batch = _batch(pending, as_rows, path, unit)
            pending, characters, may_wait = [], 0, False
            yield batch
        if not has_arrived:
            has_arrived = True
            yield nothing_yet(path)
    if not isinstance(failure, StopIteration):
        raise failure


def _batch(records: list[Record], as_rows: Callable[[list[Any]], Rows], path: str, unit: str) -> RecordBatch:
    texts, rows, numbers, of_records = map(list, zip(*records, strict=True))
    blocks: list[TextBlock] = []
    for block in of_records:
        if block is not None and (not blocks or block is not blocks[-1]):
            blocks.append(block)
    return RecordBatch(texts, as_rows(rows), Places(path, unit, numbers, tuple(blocks)))
