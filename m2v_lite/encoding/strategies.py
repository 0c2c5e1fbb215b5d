"""Contains the strategies to run `encode` on a list of texts in this process, and chooses one.

A strategy is a function that takes a `Work` and writes its vectors. It encodes text by text, batch by batch,
or with a second thread that pools. All strategies return the same bits, and so do worker processes, which
encode batch by batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from m2v_lite.embedding.precision import at_precision
from m2v_lite.errors import M2VLiteError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.encoding.encoder import Batch, Encoder

# Up to these limits, preparing a batch costs more than it saves.
FEW_TEXTS, FEW_CHARACTERS = 32, 4000


# Plain classes: to define a NamedTuple takes 0.2 ms, which every first batch would pay.
class Settings:
    """How texts are encoded.

    Args:
        max_length: the number of tokens after which each text is cut, or None.
        unit: whether vectors are scaled to length 1.
        batch_size: the most texts of a batch.
        show_progress_bar: whether to show one.
        columns: how many leading columns of the table to use, or None for all.
        precision: what vectors become at the end; see `embedding.precision`.
    """

    def __init__(
        self,
        max_length: int | None,
        unit: bool,
        batch_size: int,
        show_progress_bar: bool = False,
        columns: int | None = None,
        precision: str | None = None,
    ) -> None:
        self.max_length, self.unit, self.batch_size = max_length, unit, batch_size
        self.show_progress_bar, self.columns, self.precision = show_progress_bar, columns, precision

    def without_bar(self) -> Settings:
        """Return the same settings without a progress bar."""
        return Settings(
            self.max_length, self.unit, self.batch_size, columns=self.columns, precision=self.precision
        )


class Work:
    """Which texts to encode, how, and where their vectors go.

    Args:
        encoder: tokenizes and pools; with the columns that the settings ask for.
        texts: the texts.
        vectors: (texts, dim), to be written.
        settings: how to encode them.
        first: the index of the first text among the caller's, for errors.
    """

    def __init__(
        self,
        encoder: Encoder,
        texts: Sequence[str],
        vectors: NDArray[Any],
        settings: Settings,
        first: int = 0,
    ) -> None:
        self.encoder, self.texts, self.vectors = encoder, texts, vectors
        self.settings, self.first = settings, first


Strategy = Callable[[Work], object]


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
    encode, settings = work.encoder.encode_one, work.settings
    try:
        for vector, text in zip(work.vectors, work.texts, strict=True):
            vector[:] = at_precision(encode(text, settings.max_length, settings.unit), settings.precision)
    except M2VLiteError:
        batch_by_batch(work)  # raises the error again, now with the number of the text


def batch_by_batch(work: Work) -> int:
    """Tokenize, pool and write one batch after the other. Return how many texts were cut."""
    cut = 0
    for batch in _tokenized(work):
        _pool(work, batch)
        cut += batch[-1]
    return cut


def with_a_thread(work: Work) -> None:
    """Pool each batch in a second thread while this thread tokenizes the next batch."""
    from m2v_lite.encoding.thread import consume_in_thread

    consume_in_thread(lambda batch: _pool(work, batch), _tokenized(work))


def _tokenized(work: Work) -> Iterator[Batch]:
    settings = work.settings
    return work.encoder.tokenized(
        work.texts, settings.max_length, settings.batch_size, work.first, settings.show_progress_bar
    )


def _pool(work: Work, batch: Batch) -> None:
    work.encoder.pool(batch, work.vectors, work.settings.unit, work.settings.precision)
