"""Worker processes that a caller keeps for a while: `with model.pool(workers=4) as pool`."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from m2v_lite.arguments import UNSET, Unset, described
from m2v_lite.encoding.batches import BATCH_TEXTS
from m2v_lite.encoding.interrupts import DeferredInterrupts
from m2v_lite.encoding.processes import Team, context_of
from m2v_lite.encoding.requests import Request, encode_here, requested, shape_of
from m2v_lite.errors import InputTypeError, WorkerError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Self

    from m2v_lite.encoding.processes import PartEncoder
    from m2v_lite.encoding.requests import HasSettings

# Below so many characters two processes that are started for one call hardly pay. A forked one is there at
# once, any other must first import numpy and load the model. Measured as elapsed time on two cores.
PAYS_FROM = {"fork": 4_000_000, "forkserver": 16_000_000, "spawn": 16_000_000}


def processes_that_pay(texts: Sequence[str], characters: int | None, most: int) -> int:
    """Return how many processes pay for one call, at most `most`; 1 means this process alone.

    Args:
        texts: the texts.
        characters: after how many each is cut, or None.
        most: the most processes.
    """
    if most == 1:
        return 1
    longest = sys.maxsize if characters is None else characters
    pays_from = PAYS_FROM[context_of(None).get_start_method()]
    for_each = max(1, pays_from // 4)
    enough = max(pays_from, most * for_each)  # more would change nothing, so it is not counted
    total = 0
    for text in texts:
        total += min(len(text), longest)
        if total >= enough:
            break
    if total < pays_from:
        return 1
    return max(1, min(most, len(texts), total // for_each))


class WorkerPool:
    """Worker processes that encode texts, from the first call in a `with` block to the end of the block.

    `StaticModel.pool` makes one. They keep what they have learnt from one call to the next. Several threads
    may use a pool; their calls take turns. After an interrupt, or the early end of a worker, the next call
    starts other processes.

    Args:
        model: the model.
        encoder: what the workers run; pickled, unless they are forked.
        workers: how many processes. One would gain nothing: with 1, this process does the work.
        start_method: "fork", "spawn" or "forkserver"; None for the one in force.
    """

    def __init__(
        self, model: HasSettings, encoder: PartEncoder | bytes, workers: int, start_method: str | None
    ) -> None:
        self._model = model
        self._workers = workers
        self._team = Team(context_of(start_method), encoder, workers)
        self._owner = os.getpid()
        self._in_use = threading.Lock()  # never touched in a forked process; see `_check_open`
        self._state = "not yet open"
        # If an interrupt comes just before `__exit__` begins, the end of this object ends the workers.
        self._end = weakref.finalize(self, self._team.end)

    def __enter__(self) -> Self:
        if self._state != "not yet open":
            self._check_open()
            raise WorkerError("this pool is in use in a `with` block already; make a pool for each block")
        self._state = "open"
        return self

    def __exit__(self, *error: object) -> None:
        with DeferredInterrupts() as interrupts:
            self._state = "closed"
            if self._owner == os.getpid():
                self._take_turn(interrupts)
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
        """Encode texts as vectors in the worker processes; the options are those of `StaticModel.encode`.

        A single text is encoded in this process. `use_multiprocessing` and `multiprocessing_threshold`, which
        are about threads, change nothing.

        Returns:
            What `StaticModel.encode` returns, bit for bit.

        Raises:
            InputTypeError, InputValueError, TokenizationError, WorkerError: as `StaticModel.encode` does.
            WorkerError: this is not in the block of the pool, or not in the process that made it.
        """
        self._check_open()
        if "workers" in kwargs:
            raise InputTypeError(
                f"workers is {described(kwargs['workers'])}, but a pool has its number of workers already; "
                "leave it out here and give it to `pool`"
            )
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

    def encode_request(self, request: Request) -> NDArray[Any]:
        """Return the vectors of one or more texts, (texts, columns), all made by workers."""
        texts, settings, encoder = request.texts, request.settings, self._model._encoder
        characters = encoder.characters(settings.max_length)
        shape, dtype = shape_of(encoder, settings, len(texts))
        with DeferredInterrupts() as interrupts:
            self._take_turn(interrupts)
            try:
                self._check_open()
                vectors = self._team.encode(texts, characters, settings, shape, dtype, interrupts)
            finally:
                self._in_use.release()
        return request.answer(vectors)

    def _take_turn(self, interrupts: DeferredInterrupts) -> None:
        while not self._in_use.acquire(timeout=0.1):
            interrupts.check()

    def _check_open(self) -> None:
        if self._owner != os.getpid():
            raise WorkerError(
                f"this pool belongs to process {self._owner}, and a forked process cannot use it; "
                "make another here"
            )
        if self._state != "open":
            raise WorkerError(
                f"this pool is {self._state}; use it inside its block: with model.pool(workers=2) as pool:"
            )

    def __reduce__(self) -> NoReturn:
        raise InputTypeError(
            "a pool cannot be copied or pickled, because its processes belong to this one; make another with "
            "model.pool there"
        )
