"""Worker processes that serve several calls: `with model.pool(workers=4) as pool`."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, NoReturn

from m2v_lite.arguments import UNSET, Unset, described
from m2v_lite.encoding.batch_streams import checked_batches, vectors_of_batches
from m2v_lite.encoding.batches import BATCH_TEXTS
from m2v_lite.encoding.interrupts import DeferredInterrupts
from m2v_lite.encoding.processes import Team, context_of, part_of
from m2v_lite.encoding.requests import Request, encode_here, requested, shape_of
from m2v_lite.encoding.shared_array import SharedArray
from m2v_lite.encoding.sharing import PARTS_AHEAD
from m2v_lite.errors import InputTypeError, WorkerError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Self

    from m2v_lite.encoding.batch_streams import Encoded
    from m2v_lite.encoding.requests import HasSettings
    from m2v_lite.encoding.sharing import LiveInput, Sharing
    from m2v_lite.encoding.worker_process import PartEncoder

# Below so many characters two processes that are started for one call hardly pay. A forked one is there at
# once, any other must first import numpy and load the model. Measured as elapsed time on two cores.
PAYS_FROM = {"fork": 4_000_000, "forkserver": 16_000_000, "spawn": 16_000_000}


def pays_from() -> int:
    """Return how many characters make two processes worth starting for one call."""
    return PAYS_FROM[context_of(None).get_start_method()]


def processes_that_pay(texts: Sequence[str], characters: int | None, most: int) -> int:
    """Return how many processes are worth using for one call, at most `most`; 1 means only this process.

    Args:
        texts: the texts.
        characters: each text is cut after this many characters; None for no limit.
        most: the maximum number of processes.
    """
    if most == 1:
        return 1
    longest = sys.maxsize if characters is None else characters
    fewest = pays_from()
    for_each = max(1, fewest // 4)
    enough = max(fewest, most * for_each)  # more would change nothing, so it is not counted
    total = 0
    for text in texts:
        total += min(len(text), longest)
        if total >= enough:
            break
    if total < fewest:
        return 1
    return max(1, min(most, len(texts), total // for_each))


class WorkerPool:
    """Worker processes that encode texts, from the first call in a `with` block to the end of the block.

    Create a pool with `StaticModel.pool`. The workers keep their caches from one call to the next. Several
    threads can use one pool; their calls take turns. If a call is interrupted or a worker ends early, the
    next call starts new processes.

    Args:
        model: the model.
        encoder: what the workers run. It is pickled, unless the workers are forked.
        workers: how many processes. With 1, this process does the work itself, because a single worker would
            not help.
        start_method: "fork", "spawn" or "forkserver"; None for Python's current one.

    Examples:
        >>> from m2v_lite import StaticModel
        >>> with StaticModel.from_pretrained().pool(workers=2) as pool:
        ...     pool.encode(["one", "two", "three"]).shape
        (3, 256)
    """

    def __init__(
        self, model: HasSettings, encoder: PartEncoder | bytes, workers: int, start_method: str | None
    ) -> None:
        self._model = model
        self._workers = workers
        self._team = Team(context_of(start_method), encoder, workers)
        self._owner = os.getpid()
        self._in_use = threading.Lock()  # never touched in a forked process; see `_check_open`
        self._state = "not open yet"
        self._stream_under_way: weakref.ref[Sharing] | None = None
        # If an interrupt comes just before `__exit__` begins, the end of this object ends the workers.
        self._end = weakref.finalize(self, self._team.end)

    def __enter__(self) -> Self:
        if self._state != "not open yet":
            self._check_open()
            raise WorkerError("this pool is already in use in a `with` block; make one pool for each block")
        self._state = "open"
        return self

    def __exit__(self, *error: object) -> None:
        with DeferredInterrupts() as interrupts:
            self._state = "closed"
            if self._owner == os.getpid():
                self._wait_for_turn(interrupts)
                self._end()
                self._in_use.release()

    def encode(
        self,
        sentences: str | Iterable[str],
        *,
        show_progress_bar: bool = False,
        max_length: int | Unset | None = UNSET,
        normalize: bool | None = None,
        batch_size: int = BATCH_TEXTS,
        truncate_dim: int | None = None,
        precision: str | None = None,
        out: NDArray[Any] | None = None,
        null: str = "error",
        use_multiprocessing: bool = True,
        multiprocessing_threshold: int = 10_000,
        **kwargs: Any,
    ) -> NDArray[Any]:
        """Encode texts as vectors, as `StaticModel.encode` does, but in the worker processes.

        A single text is encoded in this process.

        Args:
            sentences: one text, or several: a list, a generator, a numpy array, a pyarrow, pandas or polars
                column, or another iterable of texts.
            show_progress_bar: whether to show a progress bar (needs tqdm).
            max_length: cut each text after this many tokens; None for no limit. Default: the model's setting.
            normalize: whether to scale vectors to length 1. Default: the model's setting.
            batch_size: the maximum number of texts to tokenize at once. It does not change the results.
            truncate_dim: use only this many leading columns; by default all. Scaling to length 1 counts only
                these columns.
            precision: "int8", "uint8", "binary", "ubinary" or "float32", as for `StaticModel.encode`. By
                default, vectors keep the table's dtype (float32 for int8 and bfloat16 tables).
            out: an array to write the vectors to and to return. It must have the shape and dtype of the
                result.
            null: what to do about a missing text (None, NaN, pandas.NA): "error" raises an error, "empty"
                treats it as an empty text.
            use_multiprocessing: ignored; it is about threads.
            multiprocessing_threshold: ignored; it is about threads.
            **kwargs: arguments that code written for sentence-transformers passes, as for
                [`StaticModel.encode`][m2v_lite.StaticModel.encode]: `prompt`, `prompt_name`,
                `normalize_embeddings` and others.

        Returns:
            The same vectors as `StaticModel.encode`, bit for bit.

        Raises:
            InputTypeError: something in `sentences` is not a text, or an option has the wrong type or is not
                accepted here, such as `workers`.
            InputValueError: a text is not valid Unicode, or an option is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            WorkerError: a worker did not start or ended early, another stream of this pool is unfinished, or
                the pool is used outside its `with` block or in a process that did not create it.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> with model.pool(workers=2) as pool:
            ...     vectors = pool.encode(["one", "two"], normalize=True)
            >>> vectors.shape, bool((vectors == model.encode(["one", "two"], normalize=True)).all())
            ((2, 256), True)
        """
        self._check_open()
        _check_no_workers(kwargs)
        request = requested(
            self._model,
            sentences,
            max_length=max_length,
            normalize=normalize,
            batch_size=batch_size,
            show_progress_bar=show_progress_bar,
            truncate_dim=truncate_dim,
            precision=precision,
            out=out,
            null=null,
            others=kwargs,
        )
        if request.is_single or not request.texts or self._workers == 1:
            return encode_here(self._model._encoder, request, threads=False)
        return self.encode_request(request)

    def encode_batches(
        self,
        batches: Iterable[Iterable[str]],
        *,
        max_length: int | Unset | None = UNSET,
        normalize: bool | None = None,
        batch_size: int = BATCH_TEXTS,
        truncate_dim: int | None = None,
        precision: str | None = None,
        null: str = "error",
        live: LiveInput | None = None,
        **kwargs: Any,
    ) -> Iterator[Encoded]:
        """Encode batches of texts as they arrive, and yield the vectors of each batch, in order.

        While you use the vectors of one batch, the workers encode the next ones. Each worker has at most 2
        batches at a time, and a new batch is read only when there is room for it. The pool allocates memory
        for the vectors of `2 * workers + 1` batches of `batch_size` texts, however many batches there are.
        For two workers, 4096 texts and 256 columns of float32, that is 21 MB. To use less, make your batches
        smaller and pass their size as `batch_size`.

        Read the stream to its end or close it before you call the pool again. If you close it early, the next
        call starts new workers. If a batch causes an error, you first get the vectors of all earlier batches.

        Args:
            batches: any iterable of lists of texts, even an endless one. Each batch goes to one worker.
            max_length: cut each text after this many tokens; None for no limit. Default: the model's setting.
            normalize: whether to scale vectors to length 1. Default: the model's setting.
            batch_size: the maximum number of texts in a batch.
            truncate_dim: use only this many leading columns; by default all. Scaling to length 1 counts only
                these columns.
            precision: "int8", "uint8", "binary", "ubinary" or "float32", as for `StaticModel.encode`. By
                default, vectors keep the table's dtype (float32 for int8 and bfloat16 tables).
            null: what to do about a missing text (None, NaN, pandas.NA): "error" raises an error, "empty"
                treats it as an empty text.
            live: the input that `batches` reads, if it can be slow: an object with `fileno()`, such as a
                pipe. An empty batch then means that no more input has arrived yet. While the pool waits for
                more, it yields all the vectors that are ready. With one worker, this changes nothing.
            **kwargs: arguments that code written for sentence-transformers passes, as for
                [`StaticModel.encode`][m2v_lite.StaticModel.encode]: `prompt`, `prompt_name`,
                `normalize_embeddings` and others.

        Yields:
            For each batch, its vectors and how many of its texts were cut at `max_length`. The vectors,
            (texts, columns), are bit-identical to those of `StaticModel.encode`. They are read-only, and
            valid only until you ask for the next batch: copy what you keep.

        Raises:
            InputTypeError: `batches` is not an iterable, a batch contains something that is not a text, or an
                option has the wrong type or is unknown.
            InputValueError: a batch has more than `batch_size` texts, a text is not valid Unicode, or an
                option is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            WorkerError: a worker did not start or ended early, another stream of this pool is unfinished, or
                the pool is used outside its `with` block or in a process that did not create it.
            Exception: any error that `batches` raises.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> batches = ([f"record {number}", "another"] for number in range(3))
            >>> with model.pool(workers=2) as pool:
            ...     [(vectors.shape, cut) for vectors, cut in pool.encode_batches(batches)]
            [((2, 256), 0), ((2, 256), 0), ((2, 256), 0)]
        """
        self._check_open()
        _check_no_workers(kwargs)
        if isinstance(batches, str) or not isinstance(batches, Iterable):
            raise InputTypeError(f"batches is {described(batches)}; give an iterable of lists of texts")
        request = requested(
            self._model,
            [],
            max_length=max_length,
            normalize=normalize,
            batch_size=batch_size,
            truncate_dim=truncate_dim,
            precision=precision,
            null=null,
            others=kwargs,
            method="encode_batches",
        )
        if self._workers == 1:
            return vectors_of_batches(self._model._encoder, batches, request, null)
        return self._stream(batches, request, null, live)

    def _stream(
        self, batches: Iterable[Iterable[str]], request: Request, null: str, live: LiveInput | None
    ) -> Iterator[Encoded]:
        """Yield the vectors of each batch, made by workers in a ring of slots of one array."""
        settings, encoder = request.settings, self._model._encoder
        characters, rows = encoder.characters(settings.max_length), settings.batch_size
        slots = self._workers * PARTS_AHEAD + 1  # the caller has one
        parts = (
            part_of(texts, characters, first, slice(start, start + len(texts)))
            for (first, texts), start in zip(
                checked_batches(batches, request, null), cycle(range(0, slots * rows, rows)), strict=False
            )
        )
        sharing = vectors = None
        try:
            while True:
                with DeferredInterrupts() as interrupts:
                    self._take_turn(interrupts, sharing)
                    try:
                        if sharing is None or vectors is None:
                            ring = SharedArray(*shape_of(encoder, settings, slots * rows))
                            try:
                                vectors = ring.window()
                                sharing = self._team.share(parts, settings, ring, slots, live)
                            finally:
                                ring.close()
                            self._stream_under_way = weakref.ref(sharing)
                        answer = sharing.next(interrupts)
                    except BaseException:
                        if sharing is None or not sharing.is_finished:
                            self._team.end()
                        raise
                    finally:
                        self._in_use.release()
                if answer is None:
                    return
                yield vectors[answer.rows], answer.cut
        finally:
            if sharing is not None:
                sharing.is_finished = True  # no more than this: an interrupt in garbage collection is lost

    def encode_request(self, request: Request) -> NDArray[Any]:
        """Return the vectors of one or more texts, (texts, columns), all computed by workers."""
        texts, settings, encoder = request.texts, request.settings, self._model._encoder
        characters = encoder.characters(settings.max_length)
        shape, dtype = shape_of(encoder, settings, len(texts))
        with DeferredInterrupts() as interrupts:
            self._take_turn(interrupts)
            try:
                vectors = self._team.encode(texts, characters, settings, shape, dtype, interrupts)
            finally:
                self._in_use.release()
        return request.answer(vectors)

    def _take_turn(self, interrupts: DeferredInterrupts, stream: Sharing | None = None) -> None:
        """Wait until no other thread uses the workers.

        Args:
            interrupts: a block of these.
            stream: the stream to continue, or None.
        """
        self._check_free(stream)
        self._wait_for_turn(interrupts)
        try:
            self._check_free(stream)
        except WorkerError:
            self._in_use.release()
            raise

    def _wait_for_turn(self, interrupts: DeferredInterrupts) -> None:
        while not self._in_use.acquire(timeout=0.1):
            interrupts.check()

    def _check_free(self, stream: Sharing | None) -> None:
        self._check_open()
        under_way = None if self._stream_under_way is None else self._stream_under_way()
        if under_way is not None and under_way is not stream and not under_way.is_finished:
            raise WorkerError(
                "this pool has an unfinished stream; read the stream to its end, close it, or make another "
                "pool"
            )

    def _check_open(self) -> None:
        if self._owner != os.getpid():
            raise WorkerError(
                f"this pool belongs to process {self._owner}, and a forked process cannot use it; "
                "make another pool here"
            )
        if self._state != "open":
            raise WorkerError(
                f"this pool is {self._state}; use it inside its block: with model.pool(workers=2) as pool:"
            )

    def __reduce__(self) -> NoReturn:
        raise InputTypeError(
            "a pool cannot be copied or pickled, because its workers belong to this process; make another "
            "pool there, with model.pool"
        )


def _check_no_workers(options: dict[str, Any]) -> None:
    """Check that the caller of a pool does not ask for workers again."""
    if "workers" in options:
        raise InputTypeError(
            f"workers is {described(options['workers'])}, but this pool already has its workers; leave "
            "`workers` out here, and give it to `pool`"
        )
