"""Checks the arguments of `encode`, and prepares the texts, the settings and the result array."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import UNSET, Unset, described, leading_columns, limit_or, natural_number, switch
from m2v_lite.embedding.precision import checked_precision, layout_of
from m2v_lite.encoding.batches import BATCH_TEXTS
from m2v_lite.encoding.strategies import Settings, Work, choose_strategy
from m2v_lite.encoding.texts import as_texts
from m2v_lite.errors import InputTypeError, InputValueError

if TYPE_CHECKING:
    from typing import Protocol

    from numpy.typing import NDArray

    from m2v_lite.encoding.encoder import Encoder

    class HasSettings(Protocol):
        """What is asked of a model."""

        config: dict[str, Any]
        default_prompt_name: str | None

        @property
        def makes_unit_vectors(self) -> bool: ...

        @property
        def _encoder(self) -> Encoder: ...

        @property
        def dim(self) -> int: ...

        @property
        def max_length(self) -> int | None: ...

        @property
        def normalize(self) -> bool: ...


# The options of the methods that take those of other libraries as well.
OPTIONS_OF: dict[str, tuple[str, ...]] = {
    "encode_stream": ("max_length", "normalize", "batch_size", "truncate_dim", "precision", "null"),
}
OPTIONS_OF["encode_batches"] = OPTIONS_OF["encode_stream"]
OPTIONS_OF["encode"] = (
    *OPTIONS_OF["encode_stream"],
    "show_progress_bar", "out", "use_multiprocessing", "multiprocessing_threshold", "workers",
)  # fmt: skip


class Request:
    """What a caller asks of `encode`.

    Args:
        texts: the texts.
        is_single: whether the caller gave a single text, and so wants a vector of one dimension.
        settings: how to encode them.
        out: the caller's array for the result, or None.
        prompt: what stands before each text.
    """

    def __init__(
        self,
        texts: Sequence[str],
        is_single: bool,
        settings: Settings,
        out: NDArray[Any] | None,
        prompt: str = "",
    ) -> None:
        self.texts, self.is_single, self.settings = texts, is_single, settings
        self.out, self.prompt = out, prompt

    def answer(self, vectors: NDArray[Any]) -> NDArray[Any]:
        """Return the result as the caller wants it.

        Args:
            vectors: (texts, columns), perhaps in the caller's array already.
        """
        if self.out is None:
            return vectors[0] if self.is_single else vectors
        if not np.may_share_memory(vectors, self.out):
            self.out[...] = vectors[0] if self.is_single else vectors
        return self.out


def requested(
    model: HasSettings,
    sentences: str | Iterable[str],
    *,
    max_length: int | Unset | None = UNSET,
    normalize: bool | None = None,
    batch_size: int = BATCH_TEXTS,
    show_progress_bar: bool = False,
    truncate_dim: int | None = None,
    precision: str | None = None,
    out: NDArray[Any] | None = None,
    null: str = "error",
    others: Mapping[str, Any] | None = None,
    method: str = "encode",
) -> Request:
    """Check the arguments of `encode`; see `StaticModel.encode`.

    Args:
        model: the model, whose settings are the defaults.
        others: the options that are not of this library.
        method: the method that has been called.

    Raises:
        InputTypeError: an argument has a wrong type.
        InputValueError: an argument has an impossible value.
    """
    prompt = ""
    if others or model.default_prompt_name is not None:
        from m2v_lite.encoding.other_libraries import honoured

        usual = () if model.default_prompt_name is None else (model.default_prompt_name,)
        prompt, unit_asked = honoured(others or {}, method, OPTIONS_OF[method], model.config, usual)
        normalize = unit_asked if normalize is None else normalize
    limit = limit_or(model.max_length, max_length)
    unit = model.normalize if normalize is None else switch("normalize", normalize)
    size = natural_number("batch_size", batch_size)
    columns = None if truncate_dim is None else leading_columns("truncate_dim", truncate_dim, model.dim)
    # As in sentence-transformers, its modules do not scale leading columns anew.
    is_unit = unit or (model.makes_unit_vectors and normalize is None and columns is None)
    settings = Settings(limit, unit, size, show_progress_bar, columns, checked_precision(precision, is_unit))
    texts, is_single = as_texts(sentences, null)
    if prompt:
        texts = [prompt + text for text in texts]
    if out is not None:
        shape, dtype = shape_of(model._encoder, settings, len(texts))
        _check_array(out, shape[1:] if is_single else shape, dtype)
    return Request(texts, is_single, settings, out, prompt)


def shape_of(encoder: Encoder, settings: Settings, texts: int) -> tuple[tuple[int, int], np.dtype[Any]]:
    """Return the shape and the dtype of the vectors of some texts."""
    columns = settings.columns or encoder.dim
    columns, dtype = layout_of(settings.precision, columns, encoder.vector_dtype)
    return (texts, columns), dtype


def encode_here(encoder: Encoder, request: Request, threads: bool) -> NDArray[Any]:
    """Return the vectors of a request, made in this process.

    Args:
        encoder: the model's.
        request: the request.
        threads: whether a thread may be used where that pays.
    """
    texts, settings, out = request.texts, request.settings, request.out
    if out is not None and out.flags.c_contiguous and out.flags.aligned:
        vectors = out[None] if request.is_single else out
    else:
        vectors = np.empty(*shape_of(encoder, settings, len(texts)))
    work = Work(encoder.narrowed(settings.columns), texts, vectors, settings)
    choose_strategy(work, threads)(work)
    return request.answer(vectors)


def _check_array(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    wanted = f"give a numpy array of shape {shape} and dtype {dtype}"
    if not isinstance(out, np.ndarray):
        raise InputTypeError(f"out is {described(out)}; {wanted}")
    if out.shape != shape or out.dtype != dtype:
        raise InputValueError(f"out has shape {out.shape} and dtype {out.dtype}; {wanted}")
    if not out.flags.writeable:
        raise InputValueError(f"out is read-only; {wanted} that is writable, such as a memmap with mode='r+'")
