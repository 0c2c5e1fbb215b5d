"""The methods of a model other than `encode`. Each imports the module that does its work when called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, overload

from m2v_lite.arguments import UNSET, Unset
from m2v_lite.encoding.batches import BATCH_TEXTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.encoding.worker_pool import WorkerPool


class MoreMethods:
    """A mixin with the methods of model2vec and sentence-transformers other than `encode`."""

    def encode_query(
        self: Any,
        sentences: str | Iterable[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        *,
        normalize_embeddings: bool = False,
        **options: Any,
    ) -> NDArray[Any]:
        """Encode search queries as `encode` does, with the model's prompt for queries.

        A static model encodes queries and documents the same way, unless its config has `prompts`. As in
        sentence-transformers, these are texts to put before each query or document.

        Args:
            sentences: one text or several, as for `encode`.
            prompt_name: the name of a prompt in the config; by default "query", if the config has it.
            prompt: the prompt itself, instead of a name.
            normalize_embeddings: True scales vectors to length 1, as `normalize=True` does.
            **options: the other arguments of [`StaticModel.encode`][m2v_lite.StaticModel.encode]:
                `show_progress_bar`, `max_length`, `normalize`, `batch_size`, `truncate_dim`, `precision`,
                `out`, `null`, `use_multiprocessing`, `multiprocessing_threshold`, `workers`, and the
                arguments that code written for sentence-transformers passes.

        Returns:
            An array: (dim,) for one text, (texts, dim) for several, with the dtype that `encode` returns.

        Raises:
            InputTypeError: something in `sentences` is not a text, an option is unknown, or an option or the
                prompt has the wrong type.
            InputValueError: the config has no prompt with this name, a text is not valid Unicode, or an
                option is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            WorkerError: a worker process did not start, or ended early.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> bool((model.encode_query("tea") == model.encode("tea")).all())
            True
            >>> bool((model.encode_query("tea", prompt="query: ") == model.encode("query: tea")).all())
            True
        """
        from m2v_lite.encoding.prompts import QUERY, encode_prompted

        which = prompt_name, prompt, QUERY
        return encode_prompted(self, sentences, which, normalize_embeddings, options)

    def encode_document(
        self: Any,
        sentences: str | Iterable[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        *,
        normalize_embeddings: bool = False,
        **options: Any,
    ) -> NDArray[Any]:
        """Encode documents as `encode` does, with the model's prompt for documents; see `encode_query`.

        Args:
            sentences: one text or several, as for `encode`.
            prompt_name: the name of a prompt in the config; by default the first of "document", "passage" and
                "corpus" that the config has.
            prompt: the prompt itself, instead of a name.
            normalize_embeddings: True scales vectors to length 1, as `normalize=True` does.
            **options: the other arguments of [`StaticModel.encode`][m2v_lite.StaticModel.encode]:
                `show_progress_bar`, `max_length`, `normalize`, `batch_size`, `truncate_dim`, `precision`,
                `out`, `null`, `use_multiprocessing`, `multiprocessing_threshold`, `workers`, and the
                arguments that code written for sentence-transformers passes.

        Returns:
            An array: (dim,) for one text, (texts, dim) for several, with the dtype that `encode` returns.

        Raises:
            InputTypeError: something in `sentences` is not a text, an option is unknown, or an option or the
                prompt has the wrong type.
            InputValueError: the config has no prompt with this name, a text is not valid Unicode, or an
                option is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            WorkerError: a worker process did not start, or ended early.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> model.encode_document(["a pot of tea", "a train"]) @ model.encode_query("tea") > 0.5
            array([ True, False])
        """
        from m2v_lite.encoding.prompts import DOCUMENT, encode_prompted

        return encode_prompted(
            self, sentences, (prompt_name, prompt, DOCUMENT), normalize_embeddings, options
        )

    def encode_stream(
        self: Any,
        sentences: Iterable[str],
        *,
        max_length: int | Unset | None = UNSET,
        normalize: bool | None = None,
        batch_size: int = BATCH_TEXTS,
        truncate_dim: int | None = None,
        precision: str | None = None,
        null: str = "error",
        **kwargs: Any,
    ) -> Iterator[NDArray[Any]]:
        """Encode texts as they arrive, and yield the vector of each text, in order.

        Only one batch is in memory at a time. The first batch is one text, and each further batch is twice as
        large, up to `batch_size` texts, so the first vectors come quickly. The call itself checks the
        options. Texts are read only when you ask for the first vector.

        If you keep only a few of many vectors, copy them: each is a row of its batch's array and keeps that
        array in memory. If a text causes an error, you first get the vectors of all earlier batches. The
        message says where in the stream the text is.

        Args:
            sentences: any iterable of texts, even an endless one.
            max_length: cut each text after this many tokens; None for no limit. Default: the model's setting.
            normalize: whether to scale vectors to length 1. Default: the model's setting.
            batch_size: the maximum number of texts in a batch. It does not change the results.
            truncate_dim: use only this many leading columns; by default all. Scaling to length 1 counts only
                these columns.
            precision: "int8", "uint8", "binary", "ubinary" or "float32", as for `StaticModel.encode`. By
                default, vectors keep the table's dtype (float32 for int8 and bfloat16 tables).
            null: what to do about a missing text (None, NaN, pandas.NA): "error" raises an error, "empty"
                treats it as an empty text.
            **kwargs: arguments that code written for sentence-transformers passes, as for
                [`StaticModel.encode`][m2v_lite.StaticModel.encode]: `prompt`, `prompt_name`,
                `normalize_embeddings` and others.

        Yields:
            The vector of each text, (columns,), bit-identical to the one that `encode` returns.

        Raises:
            InputTypeError: `sentences` contains something that is not a text, or an option has the wrong type
                or is unknown.
            InputValueError: a text is not valid Unicode, or an option is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> from itertools import count, islice
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> texts = (f"record {number}" for number in count())
            >>> [vector.shape for vector in islice(model.encode_stream(texts), 3)]
            [(256,), (256,), (256,)]
        """
        from m2v_lite.encoding.batch_streams import vectors_of_stream
        from m2v_lite.encoding.requests import requested
        from m2v_lite.encoding.texts import one_by_one

        request = requested(
            self,
            [],
            max_length=max_length,
            normalize=normalize,
            batch_size=batch_size,
            truncate_dim=truncate_dim,
            precision=precision,
            null=null,
            others=kwargs,
            method="encode_stream",
        )
        return vectors_of_stream(self._encoder, one_by_one(sentences), request, null)

    @overload
    def encode_as_sequence(
        self: Any,
        sentences: str,
        *,
        max_length: int | None = None,
        batch_size: int = BATCH_TEXTS,
        show_progress_bar: bool = False,
        use_multiprocessing: bool = True,
        multiprocessing_threshold: int = 10_000,
    ) -> NDArray[Any]: ...

    @overload
    def encode_as_sequence(
        self: Any,
        sentences: Iterable[str],
        *,
        max_length: int | None = None,
        batch_size: int = BATCH_TEXTS,
        show_progress_bar: bool = False,
        use_multiprocessing: bool = True,
        multiprocessing_threshold: int = 10_000,
    ) -> list[NDArray[Any]]: ...

    def encode_as_sequence(
        self: Any,
        sentences: str | Iterable[str],
        *,
        max_length: int | None = None,
        batch_size: int = BATCH_TEXTS,
        show_progress_bar: bool = False,
        use_multiprocessing: bool = True,
        multiprocessing_threshold: int = 10_000,
    ) -> NDArray[Any] | list[NDArray[Any]]:
        """Encode each text as the vectors of its tokens, without pooling.

        As in model2vec, the model's own `max_length` does not apply here.

        Args:
            sentences: one text or several, as for `encode`.
            max_length: cut each text after this many tokens; by default, there is no limit.
            batch_size: the maximum number of texts to tokenize at once. It does not change the results.
            show_progress_bar: whether to show a progress bar (needs tqdm).
            use_multiprocessing: ignored; accepted because model2vec has it.
            multiprocessing_threshold: ignored; accepted because model2vec has it.

        Returns:
            A (tokens, dim) array for one text, a list of such arrays for several. The dtype is the table's
            (float32 for bfloat16), promoted with the weights' dtype if there are weights. The array of a text
            without tokens has the same dtype (float64 in model2vec).

        Raises:
            InputTypeError: something in `sentences` is not a text, or an option has the wrong type.
            InputValueError: a text is not valid Unicode, or an option is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> StaticModel.from_pretrained().encode_as_sequence("three short words").shape
            (3, 256)
        """
        from m2v_lite.arguments import natural_number, token_limit
        from m2v_lite.encoding.texts import as_texts
        from m2v_lite.tokenization.flat_ids import of_each_text

        texts, single = as_texts(sentences)
        limit = token_limit(max_length)
        size = natural_number("batch_size", batch_size)

        rows: list[NDArray[Any]] = []
        for _, ids, bounds, _ in self._encoder.tokenized(texts, limit, size, 0, show_progress_bar):
            self._encoder.read_ahead.expect(self._table.row_ids(ids))
            rows += map(self._table.rows, of_each_text(ids, bounds))
        return rows[0] if single else rows

    def tokenize(self: Any, sentences: Iterable[str]) -> list[list[int]]:
        """Return each text's token ids, cut at the model's `max_length`, without unknown tokens.

        Unlike `encode`, and as in model2vec, this does not first cut a text by its number of characters, to
        `max_length * median_token_length`.

        Args:
            sentences: several texts. A single text counts as a list of one.

        Returns:
            One list of ids per text. Each id is an index into `tokens`.

        Raises:
            InputTypeError: something in `sentences` is not a text.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> StaticModel.from_pretrained().tokenize(["to be", "or not"])
            [[1006, 1028], [1036, 1031]]
        """
        from m2v_lite.encoding.texts import as_texts

        texts, _ = as_texts(sentences)
        lists: list[list[int]] = self._encoder.token_lists(texts, self.max_length)
        return lists

    def get_embedding_dimension(self: Any) -> int:
        """Return `dim`, by its name in sentence-transformers.

        Returns:
            The number of columns of a vector.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> model.get_embedding_dimension()
            256
        """
        dim: int = self.dim
        return dim

    def get_sentence_embedding_dimension(self) -> int:
        """Return `dim`, by its older name in sentence-transformers.

        Returns:
            The number of columns of a vector.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> model.get_sentence_embedding_dimension()
            256
        """
        return self.get_embedding_dimension()

    def pool(self: Any, workers: int, start_method: str | None = None) -> WorkerPool:
        """Return a pool of worker processes that encode texts as `encode` does.

        The first call starts the processes, and the end of the `with` block ends them. They keep their caches
        between calls, so later calls are faster. For a single call, use `encode(workers=N)`. For more texts
        than fit in memory, use `WorkerPool.encode_batches`.

        Args:
            workers: how many processes share the work. docs/speed-and-memory.md says what a program that
                starts processes must look like.
            start_method: "fork", "spawn" or "forkserver", as in Python's `multiprocessing`; None for the one
                that the program has set, or Python's default.

        Returns:
            A pool to use in a `with` block.

        Raises:
            InputTypeError: an argument has the wrong type.
            InputValueError: `workers` is less than 1, Python has no such start method, or the model was made
                from arrays.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> with model.pool(workers=2) as pool:
            ...     [pool.encode(texts).shape for texts in (["one", "two"], ["three", "four", "five"])]
            [(2, 256), (3, 256)]
        """
        from m2v_lite.encoding.workers import new_pool

        return new_pool(self, workers, start_method)
