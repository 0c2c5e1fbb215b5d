"""Does the work of `m2v-lite encode`: reads, encodes and writes batches until the end or a signal."""

from __future__ import annotations

import argparse
import os
import struct
import sys
from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from m2v_lite.commands.inputs import opened_input, policy_of, told
from m2v_lite.commands.loaded import load_to_encode
from m2v_lite.commands.options import AUTO
from m2v_lite.commands.output_suffixes import suffix_of
from m2v_lite.commands.outputs import StandardOutput, job_of, json_writer, writer_of
from m2v_lite.commands.printing import counted
from m2v_lite.commands.replacing import check_vectors
from m2v_lite.commands.stopping import StopRequests
from m2v_lite.encoding.batch_streams import encode_batches
from m2v_lite.progress import print_error, progress_of_files
from m2v_lite.records.batches import RecordBatch, as_bytes
from m2v_lite.records.file_formats import STANDARD_STREAM
from m2v_lite.records.reading import Reader
from m2v_lite.records.writing.added_columns import NameTakenError
from m2v_lite.records.writing.partial_file import Done, PartialFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.commands.inputs import Input
    from m2v_lite.encoding.sharing import LiveInput
    from m2v_lite.model import StaticModel


def encode(options: argparse.Namespace) -> None:
    """Do what the options of `m2v-lite encode` ask for."""
    if options.output != STANDARD_STREAM:
        check_vectors(options.output, options.force)
    model = load_to_encode(options)
    policy = policy_of(options)
    with StopRequests() as stops:
        input = opened_input(options, policy, stops.wait)
        output = _output(options, model, input)
        try:
            _write_all(options, model, input, output, stops)
        finally:
            lines = [] if options.quiet else [*told(input, policy), *_told_of_cuts(output.done, model)]
            if output.kept:
                texts = counted(output.done.records, "text")
                lines.append(
                    f"{output.kept} holds the vectors of {texts}; to continue, repeat the command with "
                    "--resume"
                )
            for line in lines:
                print_error(f"m2v-lite: {line}")


def _output(options: argparse.Namespace, model: StaticModel, input: Input) -> PartialFile | StandardOutput:
    to_npy = suffix_of(options.output) == ".npy"
    with_source = input.files > 1 and not to_npy if options.source is None else options.source
    if options.output == STANDARD_STREAM:
        return StandardOutput(json_writer(options, with_source))
    return PartialFile(
        options.output,
        job_of(options, model, with_source),
        writer_of(options, model, with_source),
        partial(_content, with_source=with_source),
        options.resume,
        options.force,
    )


def _write_all(
    options: argparse.Namespace,
    model: StaticModel,
    input: Input,
    output: PartialFile | StandardOutput,
    stops: StopRequests,
) -> None:
    """Write the vectors of all that is read until the input ends, or a signal comes."""
    with output, progress_of_files(input.size, options.progress, options.quiet) as bar:
        batches = stops.until_requested(output.remaining(input.batches()))
        # On Windows, one cannot wait for a pipe and a process together.
        can_wait = sys.platform != "win32"
        live = input if isinstance(input, Reader) and input.size is None and can_wait else None
        for batch, vectors, cut in _encoded(model, batches, options, live):
            try:
                if batch.texts:
                    output.write(batch, vectors, cut)
            except NameTakenError as error:
                if error.index:
                    output.write(batch.part(0, error.index), vectors[: error.index], 0)
                raise
            if bar is not None:
                bar.show(input.position, output.done.records)
        stops.go_on()
        output.finish()


def _encoded(
    model: StaticModel,
    batches: Iterator[RecordBatch],
    options: argparse.Namespace,
    live: LiveInput | None,
) -> Iterator[tuple[RecordBatch, NDArray[Any], int]]:
    """Yield each batch with its vectors, and how many of its texts were cut."""
    waiting: deque[RecordBatch] = deque()

    def texts() -> Iterator[list[str]]:
        for batch in batches:
            waiting.append(batch)
            yield batch.texts

    for vectors, cut in _vectors(model, texts(), options, live):
        yield waiting.popleft(), vectors, cut


def _vectors(
    model: StaticModel, batches: Iterator[list[str]], options: argparse.Namespace, live: LiveInput | None
) -> Iterator[tuple[NDArray[Any], int]]:
    """Yield the vectors of each batch, made by as many processes as the options ask for."""
    workers = options.workers
    if workers == AUTO:
        workers = _cores()
        if workers > 1:
            yield from encode_batches(model, _until_workers_pay(batches), options.precision)
            more = next(batches, None)
            if more is None:
                return
            batches = chain([more], batches)
    if workers == 1:
        yield from encode_batches(model, batches, options.precision)
        return
    with model.pool(workers=workers) as pool:
        yield from pool.encode_batches(batches, precision=options.precision, live=live)


def _until_workers_pay(batches: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield so many batches that more of them are worth the start of processes."""
    from m2v_lite.encoding.worker_pool import pays_from  # takes time to import

    left = pays_from()
    for batch in batches:
        yield batch
        left -= sum(map(len, batch))
        if left <= 0:
            return


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _content(batch: RecordBatch, with_source: bool) -> list[bytes]:
    """Return what tells the records of a batch from others that would give another output."""
    streams = [batch.rows.content()]
    if with_source:
        numbers = batch.places.numbers
        streams.append(as_bytes([batch.places.path] * len(numbers)))
        streams.append(struct.pack(f"<{len(numbers)}q", *numbers))
    return streams


def _told_of_cuts(done: Done, model: StaticModel) -> list[str]:
    """Return what a person should know of texts that were cut."""
    if not done.cut:
        return []
    return [
        f"{done.cut:,} of {done.records:,} texts were cut at {model.max_length} tokens; to embed them in "
        "full, give --max-length none"
    ]
