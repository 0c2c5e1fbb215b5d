"""What a model offers of worker processes; see `worker_pool`, which takes long to import."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from m2v_lite.arguments import described, natural_number
from m2v_lite.errors import InputTypeError, InputValueError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.encoding.strategies import Settings
    from m2v_lite.encoding.worker_pool import WorkerPool


class SharedAmongWorkers:
    """Gives a model the method `pool`."""

    def pool(self: Any, workers: int, start_method: str | None = None) -> WorkerPool:
        """Return worker processes to keep for a while, which encode texts as `encode` does.

        They are started by the first call, and ended at the end of the block. They keep what they have learnt
        in between, so the second call is quicker. `encode(workers=N)` is the short form for one call.

        Args:
            workers: how many processes share the work. See docs/speed-and-memory.md for what a program must
                look like that starts some.
            start_method: "fork", "spawn" or "forkserver", as Python's `multiprocessing` has them; None for
                the one that the program has chosen, or Python's default.

        Raises:
            InputTypeError, InputValueError: an argument is impossible, or the model was made from arrays.

        Example:
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> with model.pool(workers=2) as pool:
            ...     [pool.encode(texts).shape for texts in (["one", "two"], ["three", "four", "five"])]
            [(2, 256), (3, 256)]
        """
        import multiprocessing
        import pickle

        from m2v_lite.encoding.processes import forks
        from m2v_lite.encoding.worker_pool import WorkerPool

        number = natural_number("workers", workers)
        methods = multiprocessing.get_all_start_methods()
        if start_method is not None and not isinstance(start_method, str):
            raise InputTypeError(
                f"start_method is {described(start_method)}; give one of {', '.join(methods)}, or None"
            )
        if start_method is not None and start_method not in methods:
            raise InputValueError(
                f"start_method is {start_method!r:.60}; give one of {', '.join(methods)}, or None"
            )
        if self.files is None:
            raise InputValueError(
                "workers: this model was made from arrays, but a worker process must load it from files; "
                "save it with save_pretrained and load it with from_pretrained"
            )
        encode_part = partial(_encode_part, self)
        # A forked process has this very model, with all that it has learnt; another loads the model anew.
        encoder = encode_part if forks(start_method) else pickle.dumps(encode_part)
        return WorkerPool(self, encoder, number, start_method)


def _encode_part(model: Any, settings: Settings, texts: list[str], first: int, vectors: NDArray[Any]) -> None:
    """Write the vectors of some texts; the first of them is number `first` among the caller's texts."""
    from m2v_lite.encoding.strategies import Work, batch_by_batch

    batch_by_batch(Work(model._encoder, texts, vectors, settings._replace(show_progress_bar=False), first))
