"""The strategies to run `encode` on a list of texts in this process, and the choice among them.

A strategy is a function that takes a `Work` and writes its vectors. It goes text by text, batch by batch, or
with a thread that pools. All strategies give the same bits, and so do worker processes, which go batch by
batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from m2v_lite.errors import M2VLiteError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.encoding.encoder import Encoder

# Up to these limits, preparing a batch costs more than it saves.
FEW_TEXTS, FEW_CHARACTERS = 32, 4000


class Settings(NamedTuple):
    """How texts are encoded.

    Attributes:
        max_length: the number of tokens after which each text is cut, or None.
        unit: whether vectors are scaled to length 1.
        batch_size: the most texts of a batch.
        show_progress_bar: whether to show one.
    """

    max_length: int | None
    unit: bool
    batch_size: int
    show_progress_bar: bool = False


class Work(NamedTuple):
    """Which texts to encode, how, and where their vectors go.

    Attributes:
        encoder: tokenizes and pools.
        texts: the texts.
        vectors: (texts, dim), to be written.
        settings: how to encode them.
        first: the index of the first text among the caller's, for errors.
    """

    encoder: Encoder
    texts: Sequence[str]
    vectors: NDArray[Any]
    settings: Settings
    first: int = 0


Strategy = Callable[[Work], None]


def choose_strategy(work: Work, threads: bool) -> Strategy:
    """Return the quickest strategy for some work.

    Args:
        work: the work.
        threads: whether to use a thread where that pays.
    """
    texts, settings = work.texts, work.settings
    are_few = len(texts) <= FEW_TEXTS and sum(map(len, texts)) <= FEW_CHARACTERS
    if are_few and not settings.show_progress_bar:
        return one_by_one
    if threads:
        from m2v_lite.encoding.thread import threads_run_freely

        if threads_run_freely():
            return with_a_thread
    return batch_by_batch


def one_by_one(work: Work) -> None:
    """Encode each text by itself. This is the quickest strategy for a few short texts."""
    encode, (max_length, unit, *_) = work.encoder.encode_one, work.settings
    try:
        for vector, text in zip(work.vectors, work.texts, strict=True):
            vector[:] = encode(text, max_length, unit)
    except M2VLiteError:
        batch_by_batch(work)  # raises the error again, now with the number of the text


def batch_by_batch(work: Work) -> None:
    """Tokenize, pool and write one batch after the other."""
    encoder, texts, vectors, (max_length, unit, batch_size, progress), first = work
    for batch in encoder.tokenized(texts, max_length, batch_size, first, progress):
        encoder.pool(batch, vectors, unit)


def with_a_thread(work: Work) -> None:
    """Pool each batch in a second thread while this thread tokenizes the next batch."""
    from m2v_lite.encoding.thread import consume_in_thread

    encoder, texts, vectors, (max_length, unit, batch_size, progress), first = work
    batches = encoder.tokenized(texts, max_length, batch_size, first, progress)
    consume_in_thread(lambda batch: encoder.pool(batch, vectors, unit), batches)
