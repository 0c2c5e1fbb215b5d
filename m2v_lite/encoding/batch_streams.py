"""Encodes a stream of text batches, possibly endless, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import described
from m2v_lite.encoding.batches import gathered
from m2v_lite.encoding.requests import Request, requested, shape_of
from m2v_lite.encoding.strategies import Work, batch_by_batch
from m2v_lite.encoding.texts import as_texts
from m2v_lite.errors import InputTypeError, InputValueError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.encoding.encoder import Encoder
    from m2v_lite.encoding.requests import HasSettings

    # The vectors of a batch, (texts, columns), and how many of its texts were cut.
    Encoded = tuple[NDArray[Any], int]


def encode_batches(
    model: HasSettings, batches: Iterable[Iterable[str]], precision: str | None = None
) -> Iterator[Encoded]:
    """Yield what `WorkerPool.encode_batches` yields, made in this process with the model's settings.

    Args:
        model: the model.
        batches: lists of texts, each of at most `BATCH_TEXTS`.
        precision: as for `StaticModel.encode`.

    Examples:
        >>> from m2v_lite import StaticModel
        >>> model = StaticModel.from_pretrained(max_length=2)
        >>> batches = [["one"], ["two", "three or more"]]
        >>> [(vectors.shape, cut) for vectors, cut in encode_batches(model, batches)]
        [((1, 256), 0), ((2, 256), 1)]
    """
    request = requested(model, [], precision=precision, method="encode_batches")
    return vectors_of_batches(model._encoder, batches, request)


def vectors_of_batches(
    encoder: Encoder, batches: Iterable[Iterable[str]], request: Request, null: str = "error"
) -> Iterator[Encoded]:
    """Yield the vectors of each batch, a new array each, and how many of its texts were cut.

    Args:
        encoder: the model's.
        batches: as for `checked_batches`.
        request: as for `checked_batches`.
        null: as for `as_texts`.
    """
    settings = request.settings
    narrow = encoder.narrowed(settings.columns)
    for first, texts in checked_batches(batches, request, null):
        vectors = np.empty(*shape_of(encoder, settings, len(texts)))
        yield vectors, batch_by_batch(Work(narrow, texts, vectors, settings, first))


def vectors_of_stream(
    encoder: Encoder, sentences: Iterable[object], request: Request, null: str
) -> Iterator[NDArray[Any]]:
    """Yield the vectors of texts as they come, (columns,) each.

    Args:
        encoder: the model's.
        sentences: the texts, not yet checked.
        request: as for `checked_batches`.
        null: as for `as_texts`.
    """
    batches: Iterator[Any] = gathered(sentences, _characters, request.settings.batch_size, grow=True)
    for vectors, _ in vectors_of_batches(encoder, batches, request, null):
        yield from vectors


def checked_batches(
    batches: Iterable[Iterable[str]], request: Request, null: str
) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the index in the stream of the first text of each batch, and its texts.

    Args:
        batches: lists of texts, not yet checked.
        request: a request, of which the settings and the prompt count.
        null: as for `as_texts`.

    Raises:
        InputTypeError: a batch is a single text, or as `as_texts` does.
        InputValueError: a batch has more texts than `batch_size`.
    """
    first, most = 0, request.settings.batch_size
    for number, batch in enumerate(batches):
        texts, is_single = as_texts(batch, null, first)
        if is_single:
            raise InputTypeError(f"batch {number} is {described(batch)}; give lists of texts")
        if len(texts) > most:
            raise InputValueError(
                f"batch {number} has {len(texts)} texts; give at most {most}, or set batch_size to more"
            )
        yield first, [request.prompt + text for text in texts] if request.prompt else texts
        first += len(texts)


def _characters(item: object) -> int:
    return len(item) if isinstance(item, str) else 0
