"""Connects the stages of one model: texts, token ids, rows of the table, means and unit vectors."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import check_unicode
from m2v_lite.embedding import pooling
from m2v_lite.embedding.dtypes import FLOAT32
from m2v_lite.embedding.read_ahead import ReadAhead
from m2v_lite.embedding.table import EmbeddingTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.embedding.modules import Module
    from m2v_lite.tokenization.protocols import TextTokenizer

    # A tokenized batch: its place among the texts, the ids (tokens,) of its texts one after the other, the
    # bounds (texts + 1,) of each text in `ids`, and how many of the texts were cut.
    Batch = tuple[slice, NDArray[np.intp], NDArray[np.intp], int]


class Encoder:
    """Tokenizes and pools with the table and the tokenizer of one model. Safe under threads.

    Args:
        table: the arrays.
        tokenizer: the tokenizer.
        is_mapped: whether the table lies in a file.
        modules: what happens to the mean, if that is done as in sentence-transformers; None for as in
            model2vec.
    """

    def __init__(
        self,
        table: EmbeddingTable,
        tokenizer: TextTokenizer,
        is_mapped: bool,
        modules: Sequence[Module] | None = None,
    ) -> None:
        self._table = table
        self._tokenizer = tokenizer
        self._is_mapped = is_mapped
        self._narrowed: dict[int, Encoder] = {}
        self._embedding = np.asarray(table.embedding)  # the same memory; a memmap is slower to index
        self.read_ahead = ReadAhead(table.embedding if is_mapped else None)
        self._modules = modules
        self.dim = self._embedding.shape[1]
        self.vector_dtype = table.vector_dtype
        self._mean_dtype = self.vector_dtype
        if modules is not None:
            from m2v_lite.embedding.modules import columns_behind

            self.dim = columns_behind(modules, self.dim)
            self._mean_dtype = np.result_type(self.vector_dtype, FLOAT32)
            if table.weights is not None:  # sentence-transformers multiplies them in float32
                self.vector_dtype = self._mean_dtype
        # Rows of float32 without weights are the most common, and the quickest.
        is_plain = table.mapping is None and table.weights is None and self._embedding.dtype == FLOAT32
        rows = pooling.LOOP_BYTES // self._embedding[:1].nbytes if is_plain else 0
        self._most_plain_rows = rows if pooling.can_take(self._embedding) else 0

    def narrowed(self, columns: int | None) -> Encoder:
        """Return an encoder that uses only so many leading columns of the table; None for all."""
        if columns is None or columns == self.dim:
            return self
        narrow = self._narrowed.get(columns)
        if narrow is None:
            table, modules = self._table, self._modules
            if modules:
                from m2v_lite.embedding.modules import LeadingColumns

                modules = (*modules, LeadingColumns(columns))
            else:
                table = EmbeddingTable(table.embedding[:, :columns], table.weights, table.mapping)
            narrow = Encoder(table, self._tokenizer, self._is_mapped, modules)
            self._narrowed[columns] = narrow
        return narrow

    def characters(self, max_length: int | None) -> int | None:
        """Return after how many characters a text is cut if it is cut after `max_length` tokens."""
        if max_length is None or self._modules is not None:  # sentence-transformers counts tokens alone
            return None
        return max_length * self._tokenizer.median_token_length

    def encode_one(self, text: str, max_length: int | None, unit: bool) -> NDArray[Any]:
        """Return the vector of one text, (dim,), without what pays only for many texts.

        Args:
            text: the text.
            max_length: the number of tokens after which it is cut, or None.
            unit: whether to scale the vector to length 1.
        """
        table = self._table
        text = text[: self.characters(max_length)]
        if not text.isascii():
            check_unicode(text, "text 0")
        ids = self._tokenizer.token_ids_of_one(text, max_length)
        if 0 < len(ids) <= self._most_plain_rows:
            vector = pooling.mean_of_rows(self._embedding.take(ids, 0))
        else:
            row_ids, weights = table.row_ids(ids), table.token_weights(ids)
            vector = pooling.mean_row(self._embedding, row_ids, weights, self._mean_dtype)
        if self._modules is not None:
            return self._behind(vector[None], unit).astype(self.vector_dtype, copy=False).reshape(-1)
        return pooling.unit(vector) if unit else vector

    def tokenized(
        self,
        texts: Sequence[str],
        max_length: int | None,
        batch_size: int,
        first: int = 0,
        show_progress_bar: bool = False,
    ) -> Iterator[Batch]:
        """Yield the batches of `texts`, tokenized.

        Args:
            texts: the texts.
            max_length: the number of tokens after which each is cut, or None.
            batch_size: the most texts of a batch.
            first: the index of the first text among the caller's, for errors.
            show_progress_bar: whether to show one.

        Raises:
            InputValueError: a text is not valid Unicode.
            TokenizationError: the tokenizer cannot tokenize a text.
        """
        from m2v_lite.encoding.batches import BATCH_CHARACTERS, are_long, batches, cut
        from m2v_lite.encoding.texts import check_encodable
        from m2v_lite.tokenization.flat_ids import known_ids  # one text does without these

        characters = self.characters(max_length)
        shown: Any = nullcontext()
        if show_progress_bar:
            from m2v_lite.progress import progress_bar

            shown = progress_bar(len(texts), show_progress_bar)
        with shown as bar:
            for place in batches(texts, batch_size):
                part = cut(texts[place], characters)
                check_encodable(part, first + place.start)
                ids, bounds = self._tokenizer.all_ids(part)
                is_cut = are_long(texts[place], characters) | (np.diff(bounds) > (max_length or sys.maxsize))
                known = known_ids(ids, bounds, max_length, self._tokenizer.unk_token_id)
                yield place, *known, int(np.count_nonzero(is_cut))
                if bar is not None:
                    bar.update(len(part))
        if self._tokenizer.kind == "Unigram" and sum(map(len, texts)) > BATCH_CHARACTERS:
            from m2v_lite.embedding.freed_memory import give_back_freed_memory

            give_back_freed_memory()  # batches of Unigram leave some 20 MB

    def token_lists(self, texts: Sequence[str], max_length: int | None) -> list[list[int]]:
        """Return the token ids of each text, which is not cut to a number of characters first."""
        from m2v_lite.encoding.batches import BATCH_TEXTS, batches
        from m2v_lite.encoding.texts import check_encodable
        from m2v_lite.tokenization.flat_ids import of_each_text

        lists: list[list[int]] = []
        for place in batches(texts, BATCH_TEXTS):
            check_encodable(texts[place], place.start)
            ids, bounds = self._tokenizer.token_ids(texts[place], max_length)
            lists += [part.tolist() for part in of_each_text(ids, bounds)]
        return lists

    def pool(self, batch: Batch, vectors: NDArray[Any], unit: bool, precision: str | None = None) -> None:
        """Write the vectors of a batch to their place in `vectors`, (texts, columns)."""
        place, ids, bounds, _ = batch
        rows = self._table.row_ids(ids)
        self.read_ahead.expect(rows)
        self._pool(self._embedding, rows, ids, bounds, vectors[place], unit, precision)

    def pool_finite(self, batch: Batch, vectors: NDArray[Any], unit: bool) -> None:
        """Do what `pool` does, as if `numpy.nan_to_num` had been applied to the table."""
        place, ids, bounds, _ = batch
        rows = np.nan_to_num(pooling.gather(self._embedding, self._table.row_ids(ids), None))
        self._pool(rows, np.arange(len(ids)), ids, bounds, vectors[place], unit, None)

    def _pool(
        self,
        embedding: NDArray[Any],
        rows: NDArray[np.intp],
        ids: NDArray[np.intp],
        bounds: NDArray[np.intp],
        vectors: NDArray[Any],
        unit: bool,
        precision: str | None,
    ) -> None:
        """Write the vectors of texts, (texts, columns), whose tokens have these rows of `embedding`."""
        weights = self._table.token_weights(ids)
        if precision is None and self._modules is None:
            pooling.mean_rows(embedding, rows, bounds, vectors, weights, unit)
            return
        from m2v_lite.embedding.precision import at_precision

        means = np.empty((len(bounds) - 1, embedding.shape[1]), self._mean_dtype)
        pooling.mean_rows(embedding, rows, bounds, means, weights, unit and self._modules is None)
        if self._modules is not None:
            means = self._behind(means, unit)
        vectors[...] = at_precision(means, precision)

    def _behind(self, means: NDArray[Any], unit: bool) -> NDArray[Any]:
        """Return what the modules make of means, (texts, columns)."""
        from m2v_lite.embedding.modules import Normalize, applied

        modules = self._modules or ()
        return applied((*modules, Normalize()) if unit else modules, means)
