"""The methods of a model beside `encode`. The modules that do the work are imported when one is called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, overload

from m2v_lite.arguments import UNSET, Unset
from m2v_lite.encoding.batches import BATCH_TEXTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.encoding.worker_pool import WorkerPool


class MoreMethods:
    """Gives a model that encodes texts the methods of model2vec and sentence-transformers beside `encode`."""

    def encode_query(
        self: Any,
        sentences: str | Iterable[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        *,
        normalize_embeddings: bool = False,
        **options: Any,
    ) -> NDArray[Any]:
        """Encode search queries, as `encode` does.

        A static model treats queries and documents alike, unless its config has `prompts`, as in
        sentence-transformers: texts that go before each query or document.

        Args:
            sentences: a text or several texts, as for `encode`.
            prompt_name: the name of a prompt in the config; by default "query", if the config has it.
            prompt: the prompt itself, instead of a name.
            normalize_embeddings: True scales vectors to length 1, as `normalize=True` does.
            **options: the other arguments of [`StaticModel.encode`][m2v_lite.StaticModel.encode]:
                `show_progress_bar`, `max_length`, `normalize`, `batch_size`, `truncate_dim`, `precision`,
                `out`, `null`, `use_multiprocessing`, `multiprocessing_threshold`, `workers`, and what callers
                written for sentence-transformers pass.

        Returns:
            (dim,) for a text, (texts, dim) for several, of the dtype that `encode` returns.

        Raises:
            InputTypeError: something in `sentences` is not a text, or an option or the prompt has a wrong
                type or name.
            InputValueError: the config has no prompt of this name, a text is not valid Unicode, or an option
                is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            WorkerError: a worker process could not be started, or ended too early.

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
        """Encode documents for a search to find, as `encode` does; see `encode_query`.

        Args:
            sentences: a text or several texts, as for `encode`.
            prompt_name: the name of a prompt in the config; by default the first that it has of "document",
                "passage" and "corpus".
            prompt: the prompt itself, instead of a name.
            normalize_embeddings: True scales vectors to length 1, as `normalize=True` does.
            **options: the other arguments of [`StaticModel.encode`][m2v_lite.StaticModel.encode]:
                `show_progress_bar`, `max_length`, `normalize`, `batch_size`, `truncate_dim`, `precision`,
                `out`, `null`, `use_multiprocessing`, `multiprocessing_threshold`, `workers`, and what callers
                written for sentence-transformers pass.

        Returns:
            (dim,) for a text, (texts, dim) for several, of the dtype that `encode` returns.

        Raises:
            InputTypeError: something in `sentences` is not a text, or an option or the prompt has a wrong
                type or name.
            InputValueError: the config has no prompt of this name, a text is not valid Unicode, or an option
                is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            WorkerError: a worker process could not be started, or ended too early.

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
        """Encode texts as they come, and yield the vector of each, in order.

        Memory holds one batch, however many texts there are. The first batch is one text, each further one is
        twice as large, up to `batch_size` texts, so the first vectors are there at once. Nothing is read
        before the first vector is asked for, but the options are checked before.

        To keep a few vectors of many, copy them: each is a row of the array of its batch. An error in a text
        comes after the vectors of all batches before, and names the text by its place in the stream.

        Args:
            sentences: any iterable of texts, also one that never ends.
            max_length: cut each text after so many tokens; None for no limit. By default the model's setting.
            normalize: whether to scale vectors to length 1. By default the model's setting.
            batch_size: the most texts of a batch. Results do not depend on it.
            truncate_dim: how many leading columns to use; by default all. A vector that is scaled has length
                1 with these.
            precision: "int8", "uint8", "binary", "ubinary" or "float32", as for `StaticModel.encode`. By
                default vectors keep the table's dtype.
            null: "error", or "empty" to take a missing text (None, NaN, pandas.NA) for an empty one.
            **kwargs: what callers written for sentence-transformers pass, as for
                [`StaticModel.encode`][m2v_lite.StaticModel.encode]: `prompt`, `prompt_name`,
                `normalize_embeddings` and others.

        Yields:
            The vector of each text, (columns,), with the bits that `encode` gives.

        Raises:
            InputTypeError: `sentences` holds something that is not a text, or an option has a wrong type or
                name.
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
        """Encode texts as the rows of their tokens, without pooling.

        As in model2vec, the model's own `max_length` does not apply here.

        Args:
            sentences: a text or several texts, as for `encode`.
            max_length: cut each text after so many tokens; by default there is no limit.
            batch_size: the most texts that are tokenized at once. Results do not depend on it.
            show_progress_bar: whether to show one (needs tqdm).
            use_multiprocessing: changes nothing here; model2vec has it.
            multiprocessing_threshold: changes nothing here; model2vec has it.

        Returns:
            (tokens, dim) for a text, a list of such arrays for several. The dtype is the table's (float32 for
            bfloat16), promoted by the weights' dtype if there are weights. A text without tokens has the same
            dtype (in model2vec: float64).

        Raises:
            InputTypeError: something in `sentences` is not a text, or an option has a wrong type.
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

        As in model2vec, a text is not first cut to `max_length * median_token_length` characters, as `encode`
        does.

        Args:
            sentences: several texts. A single text counts as a list of one.

        Returns:
            A list of ids for each text. An id is an index of `tokens`.

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
        """Return `dim`; sentence-transformers has this name for it.

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
        """Return `dim`; sentence-transformers has this older name for it, too.

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
        """Return worker processes to keep for a while, which encode texts as `encode` does.

        They are started by the first call, and ended at the end of the block. They keep what they have learnt
        in between, so the second call is quicker. `encode(workers=N)` is the short form for one call. See
        `WorkerPool.encode_batches` for more texts than fit in memory.

        Args:
            workers: how many processes share the work. See docs/speed-and-memory.md for what a program must
                look like that starts some.
            start_method: "fork", "spawn" or "forkserver", as Python's `multiprocessing` has them; None for
                the one that the program has chosen, or Python's default.

        Returns:
            A pool to use in a `with` block.

        Raises:
            InputTypeError: an argument has a wrong type.
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
