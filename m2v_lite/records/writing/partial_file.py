"""Writes an output next to its final name, so that a later run can continue it.

While a job writes FILE, there are two files next to it:

- `FILE.partial` has what was written so far.
- `FILE.partial.json`, the manifest, describes the job and the number of records and bytes that are safely in
  the partial file. It is replaced about once a second, after these bytes are on the disk.

If the job is killed, the run that continues it cuts off everything after those bytes and writes it again.
When the job is done, the partial file gets the final name, and the manifest is removed.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, NamedTuple, Protocol, runtime_checkable

from m2v_lite.errors import InputValueError
from m2v_lite.files.atomic_write import atomic_write, keep_mode, lock, synchronize, target_of
from m2v_lite.records.batches import RecordBatch

PARTIAL, MANIFEST = ".partial", ".partial.json"
VERSION = 1
# How often the manifest is written, in seconds; less often if that takes long, so that it takes no more than
# a part of the time.
SAVE_AFTER = 1.0
SAVES_TAKE = 0.05
MOST_BYTES = 1 << 20
TRIES = 100


class VectorWriter(Protocol):
    """Turns batches and their vectors into what a file holds."""

    def head(self) -> bytes: ...

    def parts(self, batch: RecordBatch, vectors: Any) -> Sequence[Any]: ...

    def finish(self, file: BinaryIO, texts: int) -> None: ...


@runtime_checkable
class ConvertingWriter(Protocol):
    """Turns batches into a form that can grow, and that into the final one."""

    def parts(self, batch: RecordBatch, vectors: Any) -> Sequence[Any]: ...

    def resume(self, file: BinaryIO) -> None: ...

    def convert(self, partial: BinaryIO, final: BinaryIO) -> None: ...


class Done(NamedTuple):
    """What a partial file holds.

    Attributes:
        records: how many records.
        bytes: how many bytes they take.
        checksums: the CRC-32 of each stream of bytes that tells the records from others.
        cut: how many of their texts were cut.
    """

    records: int = 0
    bytes: int = 0
    checksums: tuple[int, ...] = ()
    cut: int = 0


class PartialFile:
    """The partial file of a job, locked against other jobs with the same output.

    What an earlier run has left does not change before the first `write`, or `finish`. When a `with` block
    ends by an error or an interrupt, what was written stays, if that is anything; see `kept`.

    Args:
        path: the file to write in the end. A symbolic link is followed.
        job: what the job is. A later run with another job does not go on.
        writer: what the file consists of.
        content: returns streams of bytes that tell the records of a batch from others. They do not depend on
            how the records are divided into batches.
        resume: whether to go on with what an earlier run has left, if it has.
        force: whether to take the place of a partial file that is not of this library.

    Attributes:
        done: what the file holds. With `resume`, the caller first leaves out so many records.
        kept: the path of the partial file, if the block has left one.

    Raises:
        InputValueError: with `resume`, the partial file is of another job, or damaged. Without `force`, it
            is of another program.
        OSError: the file cannot be written, or another process writes it.
    """

    def __init__(
        self,
        path: str,
        job: Mapping[str, Any],
        writer: VectorWriter | ConvertingWriter,
        content: Callable[[RecordBatch], Sequence[bytes]],
        resume: bool = False,
        force: bool = False,
    ) -> None:
        self._path, self._job = path, dict(job)
        self._writer, self._content = writer, content
        self._resume, self._force = resume, force
        self._target = target_of(path)
        self._partial, self._manifest = self._target + PARTIAL, self._target + MANIFEST
        self._is_begun = self._is_finished = False
        self._save_at = 0.0
        self.done = Done()
        self.kept = ""

    def __enter__(self) -> PartialFile:
        self._file = _locked(self._partial, self._path)
        try:
            size = os.fstat(self._file.fileno()).st_size
            found = _manifest_in(self._manifest)
            has_manifest = os.path.lexists(self._manifest)
            if found is None and (size or has_manifest) and not self._force:
                path = self._manifest if has_manifest else self._partial
                raise InputValueError(
                    f"{path}: this file is in the way, and m2v_lite did not write it; move it, or give "
                    "--force"
                )
            if self._resume and found is not None and size:
                self.done = self._checked(found, size)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self._is_begun and not self._is_finished:
            if self.done.records:
                with suppress(OSError):  # as when the disk is full; what the last manifest says is still true
                    self._save()
                self.kept = self._partial
            else:
                self._file.truncate(0)
                with suppress(FileNotFoundError):
                    os.remove(self._manifest)
        elif kind is not None and not self._is_finished and self.done.records:
            self.kept = self._partial
        self._close()

    def remaining(self, batches: Iterator[RecordBatch]) -> Iterator[RecordBatch]:
        """Yield what comes after the records that are done.

        Raises:
            InputValueError: the records that are done were others.
        """
        left, expected = self.done.records, self.done.checksums
        checksums: tuple[int, ...] = ()
        for batch in batches:
            if left and batch.texts:
                size = min(left, len(batch.texts))
                checksums = self._checksums(batch.part(0, size), checksums)
                left -= size
                if not left and checksums != expected:
                    break
                batch = batch.part(size, len(batch.texts))
                if not batch.texts:
                    continue
            yield batch
        if left or (expected and checksums != expected):
            records, self.done = self.done.records, Done()
            raise InputValueError(
                f"{self._path}: cannot be resumed, because its first {records:,} records are "
                "not those of this input; give the same input, or start again without --resume"
            )

    def write(self, batch: RecordBatch, vectors: Any, cut: int) -> None:
        """Append a batch.

        Args:
            batch: the batch.
            vectors: (texts, dim).
            cut: how many of its texts were cut.
        """
        self._begin()
        size = sum(write_whole(self._file, part) for part in self._writer.parts(batch, vectors))
        self.done = Done(
            self.done.records + len(batch.texts),
            self.done.bytes + size,
            self._checksums(batch, self.done.checksums),
            self.done.cut + cut,
        )
        if time.monotonic() >= self._save_at:
            self._save()

    def finish(self) -> None:
        """Complete the file, and give it its final name."""
        self._begin()
        if isinstance(self._writer, ConvertingWriter):
            with atomic_write(self._target) as final:
                self._file.seek(0)
                self._writer.convert(self._file, final)
            self._is_finished = True
            self._remove()
        else:
            self._writer.finish(self._file, self.done.records)
            os.fsync(self._file.fileno())
            keep_mode(self._partial, self._target)
            if os.name == "nt":
                self._file.close()  # else it cannot be renamed there
            os.replace(self._partial, self._target)
            self._is_finished = True
        synchronize([os.path.dirname(self._target)])
        os.remove(self._manifest)

    def _begin(self) -> None:
        """Make the file what `done` says."""
        if self._is_begun:
            return
        self._is_begun = True
        if not self.done.bytes:
            self._save()  # before the file changes, so that no manifest says more than is there
            self._file.truncate(0)
            if not isinstance(self._writer, ConvertingWriter):
                self.done = Done(bytes=write_whole(self._file, self._writer.head()))
        else:
            self._file.truncate(self.done.bytes)
            if isinstance(self._writer, ConvertingWriter):
                self._writer.resume(self._file)
            self._file.seek(self.done.bytes)

    def _save(self) -> None:
        """Write the manifest, once what it says is on the disk."""
        started = time.monotonic()
        os.fsync(self._file.fileno())
        content = {"m2v_lite.partial": VERSION, "job": self._job, "done": self.done._asdict()}
        with atomic_write(self._manifest) as file:
            file.write(json.dumps(content, indent=1).encode())
        now = time.monotonic()
        self._save_at = now + max(SAVE_AFTER, (now - started) / SAVES_TAKE)

    def _checksums(self, batch: RecordBatch, before: tuple[int, ...]) -> tuple[int, ...]:
        """Return the checksums of the records before and those of a batch."""
        content = self._content(batch)
        return tuple(map(zlib.crc32, content, before or (0,) * len(content)))

    def _checked(self, found: Mapping[str, Any], size: int) -> Done:
        """Return what a manifest says is done, if it is of this job and true."""
        again = "or start again without --resume"
        if found["m2v_lite.partial"] != VERSION:
            raise InputValueError(
                f"{self._manifest}: written by another version of m2v_lite; use that version, {again}"
            )
        for name in {**found["job"], **self._job}:
            before, now = found["job"].get(name), self._job.get(name)
            if before != now:
                is_option = name.startswith("--")
                values = f": {_shown(before)}, not {_shown(now)}" if is_option else ""
                raise InputValueError(
                    f"{self._path}: cannot be resumed, because it was started with another {name}{values}; "
                    f"give the same, {again}"
                )
        done = _done_of(found)
        if size < done.bytes:
            raise InputValueError(
                f"{self._partial}: damaged: it has {size:,} bytes, not {done.bytes:,} or more; start "
                "again without --resume"
            )
        return done

    def _close(self) -> None:
        if self._file.closed:
            return
        with self._file:
            status = os.fstat(self._file.fileno())
            if not (self._is_finished or status.st_size) and status.st_nlink:
                self._remove()

    def _remove(self) -> None:
        """Remove the partial file, while it is locked if that can be."""
        if os.name == "nt":
            self._file.close()  # else it cannot be removed there
        os.remove(self._partial)


def written_for(path: str) -> list[str]:
    """Return the files that are written for an output: itself, its partial file and the manifest.

    Examples:
        >>> written_for("v.npy")
        ['v.npy', 'v.npy.partial', 'v.npy.partial.json']
    """
    target = os.path.realpath(path) if os.path.islink(path) else path
    return [target, target + PARTIAL, target + MANIFEST]


def _locked(path: str, shown: str) -> BinaryIO:
    """Open a partial file, which is made if it is missing, and lock it until it is closed."""
    while True:
        file = _opened(path)
        try:
            _lock(file, shown)
            if os.fstat(file.fileno()).st_nlink:
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # meanwhile, another job was done and has renamed or removed it


def _opened(path: str) -> BinaryIO:
    """Open a file to read and write it, without a buffer, so that what is written is in the file."""
    for _ in range(TRIES):
        with suppress(FileNotFoundError):
            return open(path, "r+b", buffering=0)
        with suppress(FileExistsError):
            return open(path, "x+b", buffering=0)
    raise InputValueError(f"{path}: this link points to nothing, so it cannot be opened; remove it")


def _lock(file: BinaryIO, shown: str) -> None:
    try:
        lock(file)
    except BlockingIOError:
        raise InputValueError(
            f"{shown}: another process is writing this file; wait for it, or give another name"
        ) from None
    except OSError:
        pass  # this file system has no locks


def write_whole(file: BinaryIO, part: Any) -> int:
    """Write bytes, however many a call takes, and return how many they are.

    Raises:
        OSError: the disk is full, or the like. It names the file.
    """
    left = memoryview(part).cast("B")
    size = len(left)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError as error:
        error.filename = error.filename or getattr(file, "name", None)
        raise
    return size


def _shown(value: object) -> str:
    return "the default" if value is None else repr(value)


def _done_of(manifest: Mapping[str, Any]) -> Done:
    done = Done(**manifest["done"])
    return done._replace(checksums=tuple(done.checksums))


def _manifest_in(path: str) -> dict[str, Any] | None:
    """Return a manifest; None if there is none."""
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read(MOST_BYTES))
        _done_of(found)
        is_manifest = "m2v_lite.partial" in found and isinstance(found["job"], dict)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return found if is_manifest else None
