"""Reads plain text files. Each line is a record."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from m2v_lite.encoding.batches import fitting
from m2v_lite.records.batches import RecordBatch, TextRows, nothing_yet
from m2v_lite.records.gathering import Limits, Record, batches_of
from m2v_lite.records.places import Places
from m2v_lite.records.policies import Policy
from m2v_lite.records.text_blocks import TextBlock


def line_batches(blocks: Iterator[TextBlock], policy: Policy, limits: Limits) -> Iterator[RecordBatch]:
    """Yield a record for each line, without its end. An empty line is an empty text.

    Before waiting for more, a batch of none is yielded.

    Args:
        blocks: the lines, as they arrive.
        policy: what to do about bad bytes.
        limits: when a batch is full.

    Raises:
        InputValueError: a line has bad bytes, and the policy is strict.
    """
    for block in blocks:
        if not block.lines:
            yield nothing_yet(block.path)
        if not block.is_clean:
            yield from batches_of(_readable(block, policy), TextRows, block.path, "line", limits, len)
            continue
        texts = block.split()
        start = 0
        while start < len(texts):
            stop = start + fitting(texts, start, limits.texts, limits.characters)
            part = texts[start:stop]
            places = Places(block.path, "line", block.lines[start:stop], (block,))
            yield RecordBatch(part, TextRows(part), places)
            start = stop


def _readable(block: TextBlock, policy: Policy) -> Iterator[Record]:
    for number, line in zip(block.lines, block.split(), strict=True):
        text = policy.readable(line, partial(block.place, number), block.encoding)
        if text is not None:
            yield text, text, number, block
