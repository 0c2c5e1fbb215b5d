"""Makes a pool of worker processes for a model. It imports `worker_pool`, which is slow, only when called."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from m2v_lite.arguments import described, natural_number
from m2v_lite.errors import InputTypeError, InputValueError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.encoding.strategies import Settings
    from m2v_lite.encoding.worker_pool import WorkerPool


def new_pool(model: Any, workers: int, start_method: str | None) -> WorkerPool:
    """Return a pool of worker processes for a model; see `MoreMethods.pool`."""
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
    if model.files is None:
        raise InputValueError(
            "workers: this model was made from arrays, but a worker process must load it from files; "
            "save it with save_pretrained and load it with from_pretrained"
        )
    encode_part = partial(_encode_part, model)
    # A forked process has this very model, with all that it has learnt; another loads the model anew.
    encoder = encode_part if forks(start_method) else pickle.dumps(encode_part)
    return WorkerPool(model, encoder, number, start_method)


def _encode_part(model: Any, settings: Settings, texts: list[str], first: int, vectors: NDArray[Any]) -> int:
    """Write the vectors of some texts, and return how many of the texts were cut.

    The first of them is number `first` among the caller's texts.
    """
    from m2v_lite.encoding.strategies import Work, batch_by_batch

    encoder = model._encoder.narrowed(settings.columns)
    return batch_by_batch(Work(encoder, texts, vectors, settings.without_bar(), first))
