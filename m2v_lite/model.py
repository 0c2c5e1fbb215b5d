"""`StaticModel`: the stages wired together, texts -> token ids -> rows -> mean -> unit vectors.

Inference only. To distil, train or quantize the vocabulary of a model, use model2vec and load the result
here. Where this class answers differently from model2vec 0.10.0, its docstrings say so.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, overload

import numpy as np

from m2v_lite import pooling
from m2v_lite.arguments import PathLike, checked_path, natural_number, switch, token_limit
from m2v_lite.config import DEFAULT_MAX_LENGTH, DEFAULT_NORMALIZE, chosen_prompt
from m2v_lite.errors import (
    InputTypeError,
    InputValueError,
    InvalidModelError,
    M2VLiteError,
    ModelNotFoundError,
)
from m2v_lite.loading import ModelParts, load_model
from m2v_lite.memo import DEFAULT_MEMO_BYTES
from m2v_lite.progress import progress_bar
from m2v_lite.read_ahead import ReadAhead
from m2v_lite.table import EmbeddingTable, table_of_arrays
from m2v_lite.texts import as_texts, batches, check_encodable, check_unicode, cut

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from m2v_lite.layout import ModelFiles
    from m2v_lite.protocols import TextTokenizer

    # The place of a batch among the texts, the ids of its tokens, and their bounds.
    TokenizedBatch = tuple[slice, NDArray[np.intp], NDArray[np.intp]]

BATCH_SIZE = 1024
# Up to these, a batch costs more to prepare than it saves.
FEW_TEXTS, FEW_CHARACTERS = 32, 4000
BUNDLED_MODEL = os.path.join(os.path.dirname(__file__), "bundled", "potion-base-8M-int8", "model.safetensors")


class _Unset:
    """The type of "not passed", where None has a meaning of its own."""

    def __repr__(self) -> str:
        return "<unset>"


UNSET: Final = _Unset()


class StaticModel:
    """A static-embedding model: a text's vector is the mean of its tokens' rows in a table.

    Made with `from_pretrained`; a program that uses `model2vec.StaticModel` for inference needs no other
    change than the import. One model may be used by many threads at once.

    Args:
        vectors: (rows, dim) the embedding table.
        tokenizer: a `tokenizers.Tokenizer`, of which a copy is used.
        config: settings to keep with the model; copied.
        normalize: whether vectors are scaled to length 1 by default.
        base_model_name: the model this one was distilled from.
        language: the languages of the model.
        weights: (tokens,) a factor for each token id, or None.
        token_mapping: (tokens,) the row of each token id, or None if they are the same.
        max_length: the number of tokens after which a text is cut by default; None for no limit.

    Attributes:
        config: the settings, with `normalize` and `max_length` as they are in force.

    Raises:
        InvalidModelError: the arrays and the tokenizer do not fit together.

    Example:
        >>> model = StaticModel.from_pretrained()  # the bundled potion-base-8M, in int8
        >>> model.dim
        256
        >>> vectors = model.encode(["a small board", "ein kleines Brett"])
        >>> vectors.shape, vectors.dtype
        ((2, 256), dtype('float32'))
    """

    def __init__(
        self,
        vectors: NDArray[Any],
        tokenizer: Tokenizer,
        config: Mapping[str, Any] | None = None,
        normalize: bool = DEFAULT_NORMALIZE,
        base_model_name: str | None = None,
        language: list[str] | None = None,
        weights: NDArray[Any] | None = None,
        token_mapping: NDArray[Any] | None = None,
        max_length: int | None = DEFAULT_MAX_LENGTH,
    ) -> None:
        arrays = {"vectors": vectors, "weights": weights, "token_mapping": token_mapping}
        for name, array in arrays.items():
            if not isinstance(array, np.ndarray) and (array is not None or name == "vectors"):
                raise InputTypeError(f"{name} is of type {type(array).__name__}; give a numpy array")
        if not hasattr(tokenizer, "to_str"):
            kind = type(tokenizer).__name__
            raise InputTypeError(f"tokenizer is of type {kind}; give a tokenizers.Tokenizer")
        from m2v_lite.tokenization import wrap_tokenizer

        table = table_of_arrays(vectors, weights, token_mapping)
        card: dict[str, Any] = {"base_model": base_model_name, "language": language}
        self._wire(table, wrap_tokenizer(tokenizer), config or {}, card, normalize, max_length)

    def _wire(
        self,
        table: EmbeddingTable,
        tokenizer: TextTokenizer,
        config: Mapping[str, Any],
        card: Mapping[str, Any],
        normalize: bool,
        max_length: int | None,
        files: ModelFiles | None = None,
        reduction: tuple[str | None, int | None, int] = (None, None, DEFAULT_MEMO_BYTES),
    ) -> None:
        table.check_vocabulary(
            files.folder if files else "vectors", tokenizer.vocabulary_size, tokenizer.highest_id
        )
        self._table = table
        self._read_ahead = ReadAhead(table.embedding if files else None)
        self._embedding = np.asarray(table.embedding)  # the same memory; a memmap would be slower to index
        self._vector_dtype = table.vector_dtype
        self._tokenizer = tokenizer
        self._card = card
        self.files = files
        # What pickling needs: what was asked for, and which file it is.
        self._reduction = reduction
        self._identity = _identity(files.table) if files else None
        self.config = dict(config)
        self.normalize = normalize
        self.max_length = max_length

    @classmethod
    def from_pretrained(
        cls,
        path: PathLike | None = None,
        token: str | bool | None = None,
        normalize: bool | None = None,
        subfolder: str | None = None,
        quantize_to: str | None = None,
        dimensionality: int | None = None,
        *,
        max_length: int | _Unset | None = UNSET,
        force_download: bool = False,
        revision: str | None = None,
        cache_dir: PathLike | None = None,
        local_files_only: bool = False,
        memo_bytes: int = DEFAULT_MEMO_BYTES,
        preload: bool = False,
        vocabulary_quantization: None = None,
    ) -> StaticModel:
        """Load a model: the table is mapped, not copied (but for `quantize_to`).

        The arguments after `dimensionality` are to be named: model2vec has another there.

        Args:
            path: a model folder or a packed model; or the name of a repository on the hub, such as
                "minishlab/potion-base-8M", which is taken from the cache and downloaded only if it is not
                there (model2vec downloads each time by default). None loads the bundled model.
            token: the hub's access token, for private models; False for none. By default `HF_TOKEN`, or that
                of `hf auth login`.
            normalize: whether vectors are scaled to length 1; by default the config says, else False.
            subfolder: the folder of the model inside `path`.
            quantize_to: "float16", "float32", "float64" or "int8". This makes a private copy of the table
                in memory, which is what mapping spares; it is here for compatibility. A table that has
                this dtype already stays mapped.
            dimensionality: how many leading columns to use, as a view of the mapped table.
            max_length: the number of tokens after which a text is cut, None for no limit; by default the
                config says, else 512.
            force_download: whether to download the model even if it is in the cache.
            revision: a branch, tag or commit of the repository; by default the branch main. If the cache has
                it, the commit is that of the last download.
            cache_dir: the hub's cache, if not the usual one of `HF_HUB_CACHE` or `HF_HOME`.
            local_files_only: whether to fail rather than ask the hub. `HF_HUB_OFFLINE` does the same.
            memo_bytes: the memory that the ids of words may take that the model has seen, about. The default
                of 8 MB suits a small board; more pays where the texts have very many different words.
            preload: whether to read the whole table from the disk now, for a server whose first texts should
                not wait. By default rows are read as texts need them, one by one for a few texts, and the
                whole table in order for many.
            vocabulary_quantization: not supported; model2vec can do this once and save the result.

        Raises:
            ModelNotFoundError: there is no such folder, or a file of the model is missing in it.
            InvalidModelError: a file is broken or not supported, or they do not fit together.
            DownloadError: the model is not in the cache and cannot be fetched.
            MissingPackageError: a package is needed that is not installed.
            InputTypeError, InputValueError: an impossible argument.
        """
        if vocabulary_quantization is not None:
            raise InputValueError(
                "vocabulary_quantization: m2v_lite does not cluster vocabularies; do it once with "
                "model2vec and load the model that it saves"
            )
        limit = None if isinstance(max_length, _Unset) else token_limit(max_length)
        memo_bytes = natural_number("memo_bytes", memo_bytes)
        preload = switch("preload", preload)
        if normalize is not None:
            normalize = switch("normalize", normalize)
        if subfolder is not None:
            subfolder = checked_path("subfolder", subfolder)
        force_download = switch("force_download", force_download)
        local_files_only = switch("local_files_only", local_files_only)
        if cache_dir is not None and not checked_path("cache_dir", cache_dir):
            raise InputValueError("cache_dir is empty; give a folder, or None for the usual one")
        if force_download and local_files_only:
            raise InputValueError("force_download and local_files_only contradict each other; choose one")
        place = (
            BUNDLED_MODEL
            if path is None
            else _resolve(
                path,
                token=token,
                subfolder=subfolder,
                force_download=force_download,
                revision=revision,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
            )
        )
        files, table, tokenizer, config, card = _load(place, subfolder, memo_bytes)
        table = _reduced(table, quantize_to, dimensionality)
        if normalize is None:
            normalize = config.get("normalize")
        if isinstance(max_length, _Unset):
            limit = config.get("max_length", DEFAULT_MAX_LENGTH)
        model = cls.__new__(cls)
        model._wire(
            table,
            tokenizer,
            config,
            card,
            DEFAULT_NORMALIZE if normalize is None else normalize,
            limit,
            files,
            (quantize_to, dimensionality, memo_bytes),
        )
        if preload:
            model._read_ahead.read_all()
        return model

    def encode(
        self,
        sentences: str | Iterable[str],
        *,
        show_progress_bar: bool = False,
        max_length: int | _Unset | None = UNSET,
        normalize: bool | None = None,
        batch_size: int = BATCH_SIZE,
        use_multiprocessing: bool = True,
        multiprocessing_threshold: int = 10_000,
        workers: int | None = None,
        **kwargs: Any,
    ) -> NDArray[Any]:
        """Encode texts as vectors.

        Args:
            sentences: a text, or a list, generator, numpy array or other iterable of texts.
            show_progress_bar: whether to show one (needs tqdm).
            max_length: the number of tokens after which each text is cut; None for no limit. By default
                the model's.
            normalize: whether to scale vectors to length 1. By default the model's setting.
            batch_size: the most texts that are tokenized at once. Results do not depend on it.
            use_multiprocessing: whether more texts than `multiprocessing_threshold` may be pooled in a
                thread while the next are tokenized. No process is started, whatever the name says. It
                pays, and happens, on a free-threaded Python with more than one core only.
            multiprocessing_threshold: see `use_multiprocessing`.
            workers: how many processes may share the work; by default, and for few texts, this one does
                it. See the README for what is few and what a program must be like. Each process maps the
                model's file by itself; with `quantize_to`, each has a table of its own in memory.
            **kwargs: accepted and ignored, since callers written for sentence-transformers pass more.

        Returns:
            (dim,) for a text, (texts, dim) for several, (0, dim) for none. The dtype is the table's, or
            float32 if that is int8 or bfloat16. A text without any known token gives zeros. The bits are
            those of model2vec 0.10.0.

        Raises:
            InputTypeError: something in `sentences` is not a text, or an option is of a wrong type.
            InputValueError: a text is no valid Unicode, or an option is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            WorkerError: a process of `workers` could not be started, or ended before its time.

        Example:
            >>> model = StaticModel.from_pretrained()
            >>> model.encode("a single text").shape, model.encode([]).shape
            ((256,), (0, 256))
        """
        limit = self.max_length if isinstance(max_length, _Unset) else token_limit(max_length)
        unit = self.normalize if normalize is None else switch("normalize", normalize)
        processes = 1 if workers is None else natural_number("workers", workers)
        if isinstance(sentences, str):
            if batch_size != BATCH_SIZE:
                natural_number("batch_size", batch_size)
            return self._encode_one(sentences, limit, unit)
        texts, single = as_texts(sentences)
        size = natural_number("batch_size", batch_size)
        vectors = np.empty((len(texts), self.dim), self._vector_dtype)
        if processes > 1 and self._encode_in_processes(
            texts, vectors, limit, unit, size, processes, show_progress_bar
        ):
            return vectors[0] if single else vectors
        if not show_progress_bar and self._encode_few(texts, vectors, limit, unit):
            return vectors[0] if single else vectors
        from m2v_lite.overlap import consume_in_thread, threads_run_freely

        pool = partial(self._pool, vectors, unit)
        tokenized = self._tokenized(texts, 0, limit, size, show_progress_bar)
        if use_multiprocessing and len(texts) > multiprocessing_threshold and threads_run_freely():
            consume_in_thread(pool, tokenized)
        else:
            for batch in tokenized:
                pool(batch)
        return vectors[0] if single else vectors

    def encode_query(
        self,
        sentences: str | Iterable[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        *,
        normalize_embeddings: bool = False,
        **options: Any,
    ) -> NDArray[Any]:
        """Encode texts that say what is looked for, as `encode` does; sentence-transformers has this name.

        A static model makes no difference between queries and documents, unless its config has prompts for
        them: a text that is put before each, as `prompts` of sentence-transformers.

        Args:
            sentences: a text, or several, as for `encode`.
            prompt_name: which of the config's prompts to use; by default "query", if there is one.
            prompt: a prompt to use instead.
            normalize_embeddings: True scales vectors to length 1, as `normalize=True` does.
            **options: the other arguments of `encode`.

        Raises:
            InputValueError: the config has no prompt of this name; or as `encode` does.
            InputTypeError, TokenizationError, WorkerError: as `encode` does.

        Example:
            >>> model = StaticModel.from_pretrained()
            >>> bool((model.encode_query("tea") == model.encode("tea")).all())
            True
            >>> bool((model.encode_query("tea", prompt="query: ") == model.encode("query: tea")).all())
            True
        """
        prompt = chosen_prompt(self.config, prompt_name, prompt, ("query",))
        return self._encode_prompted(sentences, prompt, normalize_embeddings, options)

    def encode_document(
        self,
        sentences: str | Iterable[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        *,
        normalize_embeddings: bool = False,
        **options: Any,
    ) -> NDArray[Any]:
        """Encode texts that are to be found; see `encode_query`.

        The prompt is by default the config's "document", "passage" or "corpus", the first that there is.

        Example:
            >>> model = StaticModel.from_pretrained()
            >>> model.encode_document(["a pot of tea", "a train"]) @ model.encode_query("tea") > 0.5
            array([ True, False])
        """
        prompt = chosen_prompt(self.config, prompt_name, prompt, ("document", "passage", "corpus"))
        return self._encode_prompted(sentences, prompt, normalize_embeddings, options)

    def _encode_prompted(
        self, sentences: str | Iterable[str], prompt: str, unit: bool, options: dict[str, Any]
    ) -> NDArray[Any]:
        if switch("normalize_embeddings", unit):
            options["normalize"] = True
        if prompt:
            texts, single = as_texts(sentences)
            prompted = [prompt + text for text in texts]
            sentences = prompted[0] if single else prompted
        return self.encode(sentences, **options)

    def _encode_in_processes(
        self,
        texts: Sequence[str],
        vectors: NDArray[Any],
        limit: int | None,
        unit: bool,
        batch_size: int,
        processes: int,
        progress: bool,
    ) -> bool:
        """Write the vectors of `texts` by worker processes and return True, if that pays."""
        import pickle

        from m2v_lite.workers import encode_in_processes, worth_processes  # takes long to import

        characters = self._characters(limit)
        if not worth_processes(texts, characters):
            return False
        if self.files is None:
            raise InputValueError(
                "workers: this model was made of arrays, and a worker process must be able to load it; save "
                "it with save_pretrained, and load that with from_pretrained"
            )
        # Pickled, this is hardly more than the model's path.
        encoder = pickle.dumps(partial(self._encode_part, limit=limit, unit=unit, batch_size=batch_size))
        encode_in_processes(encoder, texts, characters, vectors, processes, progress)
        return True

    def _pool(self, vectors: NDArray[Any], unit: bool, batch: TokenizedBatch) -> None:
        """Write the vectors of a batch to their place in `vectors`."""
        place, ids, bounds = batch
        means, table = vectors[place], self._table
        self._read_ahead.expect(len(ids))
        pooling.mean_rows(self._embedding, table.row_ids(ids), bounds, means, table.token_weights(ids))
        if unit:
            pooling.scale_to_unit(means)

    def _encode_part(
        self,
        texts: Sequence[str],
        first: int,
        vectors: NDArray[Any],
        limit: int | None,
        unit: bool,
        batch_size: int,
    ) -> None:
        """Write the vectors of `texts`, of which the first is number `first` of the caller's."""
        for batch in self._tokenized(texts, first, limit, batch_size, False):
            self._pool(vectors, unit, batch)

    def _encode_one(self, text: str, limit: int | None, unit: bool) -> NDArray[Any]:
        """Encode one text without the preparations that pay for many."""
        table, tokenizer = self._table, self._tokenizer
        text = text[: self._characters(limit)]
        if not text.isascii():
            check_unicode(text, "text 0")
        ids = tokenizer.token_ids_of_one(text, limit)
        if table.mapping is None and table.weights is None:
            vector = pooling.mean_row(self._embedding, ids, None, self._vector_dtype)
        else:
            token_ids = np.array(ids, np.intp)
            row_ids, weights = table.row_ids(token_ids).tolist(), table.token_weights(token_ids)
            vector = pooling.mean_row(self._embedding, row_ids, weights, self._vector_dtype)
        return pooling.unit(vector) if unit else vector

    def _encode_few(self, texts: Sequence[str], vectors: NDArray[Any], limit: int | None, unit: bool) -> bool:
        """Write the vectors of few short texts one by one and return True, or False if these are others."""
        if len(texts) > FEW_TEXTS or sum(map(len, texts)) > FEW_CHARACTERS:
            return False
        try:
            for vector, text in zip(vectors, texts, strict=True):
                vector[:] = self._encode_one(text, limit, unit)
        except M2VLiteError:
            return False  # it is raised again, with the number of the text
        return True

    @overload
    def encode_as_sequence(  # type: ignore[overload-overlap]  # a str is an iterable of str, too
        self,
        sentences: str,
        *,
        max_length: int | None = None,
        batch_size: int = BATCH_SIZE,
        show_progress_bar: bool = False,
        use_multiprocessing: bool = True,
        multiprocessing_threshold: int = 10_000,
    ) -> NDArray[Any]: ...

    @overload
    def encode_as_sequence(
        self,
        sentences: Iterable[str],
        *,
        max_length: int | None = None,
        batch_size: int = BATCH_SIZE,
        show_progress_bar: bool = False,
        use_multiprocessing: bool = True,
        multiprocessing_threshold: int = 10_000,
    ) -> list[NDArray[Any]]: ...

    def encode_as_sequence(
        self,
        sentences: str | Iterable[str],
        *,
        max_length: int | None = None,
        batch_size: int = BATCH_SIZE,
        show_progress_bar: bool = False,
        use_multiprocessing: bool = True,
        multiprocessing_threshold: int = 10_000,
    ) -> NDArray[Any] | list[NDArray[Any]]:
        """Encode texts as the rows of their tokens, without pooling.

        The options are those of `encode`, but for `max_length`: the model's own limit is not used here, as
        in model2vec.

        Returns:
            (tokens, dim) for a text, a list of such arrays for several. The dtype is the table's (float32
            for bfloat16), promoted with the weights' if there are weights; also for a text without
            tokens, where model2vec gives float64.

        Raises:
            InputTypeError, InputValueError, TokenizationError: as `encode` does.

        Example:
            >>> StaticModel.from_pretrained().encode_as_sequence("three short words").shape
            (3, 256)
        """
        texts, single = as_texts(sentences)
        limit = token_limit(max_length)
        from m2v_lite.flat_ids import of_each_text

        rows: list[NDArray[Any]] = []
        size = natural_number("batch_size", batch_size)
        for _, ids, bounds in self._tokenized(texts, 0, limit, size, show_progress_bar):
            self._read_ahead.expect(len(ids))
            rows += [self._table.rows(part) for part in of_each_text(ids, bounds)]
        return rows[0] if single else rows

    def tokenize(self, sentences: Iterable[str]) -> list[list[int]]:
        """Return each text's token ids, cut at the model's `max_length`, without unknown tokens.

        As in model2vec, a text is not first cut to `max_length * median_token_length` characters, which
        `encode` does. A single text is treated as a list of one.

        Raises:
            InputTypeError, InputValueError, TokenizationError: as `encode` does.

        Example:
            >>> StaticModel.from_pretrained().tokenize(["to be", "or not"])
            [[1006, 1028], [1036, 1031]]
        """
        texts, _ = as_texts(sentences)
        from m2v_lite.flat_ids import of_each_text

        lists: list[list[int]] = []
        for batch in batches(texts, BATCH_SIZE):
            check_encodable(texts[batch], batch.start)
            ids, bounds = self._tokenizer.token_ids(texts[batch], self.max_length)
            lists += [part.tolist() for part in of_each_text(ids, bounds)]
        return lists

    def _tokenized(
        self, texts: Sequence[str], first: int, limit: int | None, batch_size: int, progress: bool
    ) -> Iterator[TokenizedBatch]:
        """Yield the batches of `texts`, of which the first is number `first` of the caller's."""
        characters = self._characters(limit)
        with progress_bar(len(texts), progress) as bar:
            for batch in batches(texts, batch_size):
                part = cut(texts[batch], characters)
                check_encodable(part, first + batch.start)
                yield batch, *self._tokenizer.token_ids(part, limit)
                if bar is not None:
                    bar.update(len(part))

    def _characters(self, limit: int | None) -> int | None:
        """Return how many characters of a text can matter if it is cut to `limit` tokens."""
        return None if limit is None else limit * self._tokenizer.median_token_length

    def save_pretrained(
        self, path: PathLike, model_name: str | None = None, subfolder: str | None = None
    ) -> None:
        """Write the model as a folder that model2vec, sentence-transformers and m2v_lite load.

        Each file appears whole or not at all; a process that has an older table of this name mapped keeps
        it. A bfloat16 table is written as bfloat16, which model2vec cannot read: load the model with
        `quantize_to="float32"` for that.

        Args:
            path: the folder, made if need be.
            model_name: the name in the model card; by default the folder's.
            subfolder: a folder inside `path` to write to instead.

        Raises:
            InvalidModelError: the tokenizer's file has changed since it was loaded.
            OSError: the folder cannot be written.
        """
        from m2v_lite.saving import new_model_card, save_model

        folder = os.path.join(checked_path("path", path), subfolder or "")
        if model_name is not None:
            check_unicode(model_name, "model_name")
        card = new_model_card(self, model_name or os.path.basename(os.path.realpath(folder)))
        save_model(self, folder, self._tokenizer.definition(), card)

    def save_packed(self, path: PathLike, source: str | None = None) -> None:
        """Write the model as one file, of which `from_pretrained` reads and parses next to nothing.

        The file appears whole or not at all; a process that has an older one of this name mapped keeps it.

        Args:
            path: the file; ".safetensors" is a good ending.
            source: where the model comes from, to be kept in the file: a name, and perhaps a revision.

        Raises:
            InvalidModelError: the tokenizer's file has changed since it was loaded.
            OSError: the file cannot be written.

        Example:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     StaticModel.from_pretrained().save_packed(folder + "/model.safetensors")
            ...     StaticModel.from_pretrained(folder + "/model.safetensors").dim
            256
        """
        from m2v_lite.packing import pack

        pack(self, checked_path("path", path), self._tokenizer.definition(), source)

    @property
    def dim(self) -> int:
        """The number of columns of a vector."""
        return int(self._table.embedding.shape[1])

    @property
    def embedding(self) -> NDArray[Any]:
        """The table, (rows, dim), read-only and mapped; a bfloat16 one as its uint16 codes."""
        return self._table.embedding

    @property
    def weights(self) -> NDArray[Any] | None:
        """A factor for each token id, or None."""
        return self._table.weights

    @property
    def token_mapping(self) -> NDArray[Any] | None:
        """The row of each token id, or None where id and row are the same."""
        return self._table.mapping

    @property
    def embedding_dtype(self) -> str:
        """The name of the table's dtype."""
        return self._table.dtype_name

    @property
    def vocabulary_quantization(self) -> int | None:
        """The number of rows that the vocabulary shares, if its tokens have no row each."""
        return None if self.token_mapping is None else len(self.embedding)

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The vocabulary in the order of its ids, made when first asked for."""
        return self._tokenizer.tokens

    @property
    def unk_token_id(self) -> int | None:
        """The id of the unknown token, which never reaches a vector."""
        return self._tokenizer.unk_token_id

    @property
    def median_token_length(self) -> int:
        """The median length of the vocabulary's tokens in characters, rounded down."""
        return self._tokenizer.median_token_length

    @property
    def tokenizer_kind(self) -> str:
        """The kind of the tokenizer's model: WordPiece, Unigram, BPE or WordLevel."""
        return self._tokenizer.kind

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """A `tokenizers.Tokenizer` that cuts at the model's `max_length`, made when first asked for.

        The model does not use it, so changing it changes nothing here.
        """
        from m2v_lite.library import library_tokenizer

        tokenizer = library_tokenizer(self._tokenizer.definition(), "tokenizer")
        tokenizer.no_padding()
        if self.max_length is None:
            tokenizer.no_truncation()
        else:
            tokenizer.enable_truncation(self.max_length)
        return tokenizer

    @property
    def base_model_name(self) -> str | list[str] | None:
        """The model, or models, that this one was distilled from, if its model card says."""
        return self._card.get("base_model")

    @property
    def language(self) -> str | list[str] | None:
        """The language, or languages, of the model, if its model card says."""
        return self._card.get("language")

    @property
    def license(self) -> str | list[str] | None:
        """The licence of the model, if its model card says."""
        return self._card.get("license")

    @property
    def normalize(self) -> bool:
        """Whether vectors are scaled to length 1 by default."""
        return self._normalize

    @normalize.setter
    def normalize(self, value: bool) -> None:
        self._normalize = self.config["normalize"] = switch("normalize", value)

    @property
    def max_length(self) -> int | None:
        """The number of tokens after which a text is cut by default, or None for no limit."""
        return self._max_length

    @max_length.setter
    def max_length(self, value: int | None) -> None:
        self._max_length = self.config["max_length"] = token_limit(value)
        self.__dict__.pop("tokenizer", None)  # it was made for the former limit

    def __copy__(self) -> StaticModel:
        """Copy the settings; the table and the tokenizer, which never change, are shared."""
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        copied.config = dict(self.config)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> StaticModel:
        return self.__copy__()

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle a loaded model as its path and settings, so that workers map one table between them."""
        if self.files is None:
            return super().__reduce__()
        shared = {"_table", "_embedding", "_read_ahead", "_tokenizer", "tokens", "tokenizer"}
        state = {name: value for name, value in self.__dict__.items() if name not in shared}
        return _load_again, (type(self), self.files.folder, *self._reduction, self._identity), state

    def __repr__(self) -> str:
        place = f" from {self.files.folder}" if self.files else ""
        return (
            f"<StaticModel of {len(self.embedding)} x {self.dim} {self.embedding_dtype}, "
            f"{self.tokenizer_kind}{place}>"
        )


def _load_again(
    cls: type[StaticModel],
    folder: str,
    quantize_to: str | None,
    dimensionality: int | None,
    memo_bytes: int,
    identity: tuple[int, ...],
) -> StaticModel:
    model = cls.from_pretrained(
        folder, quantize_to=quantize_to, dimensionality=dimensionality, memo_bytes=memo_bytes
    )
    if model._identity != identity:
        raise InvalidModelError(
            f"{folder}: another model has taken the place of the one that was pickled; pickle it again"
        )
    return model


def _identity(path: str) -> tuple[int, ...]:
    """Return what tells a file from another that takes its place."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def _resolve(path: PathLike, *, subfolder: str | None, **hub_options: Any) -> str:
    """Return the folder at `path`, or of the hub's repository of this name."""
    name = checked_path("path", path)
    folder = os.path.expanduser(name)
    if name and os.path.exists(folder):
        return os.path.abspath(folder)  # so that it is found again from another working directory
    from m2v_lite.hub import fetch_model, is_repository_id

    if not isinstance(path, str):
        name = name.replace(os.sep, "/")
    if name.endswith(".safetensors"):
        raise ModelNotFoundError(f"{name[:200]!r}: no such file; check the path")
    if not is_repository_id(name):
        hint = "; give only the owner/name of a repository" if "://" in name else "; check the path"
        raise ModelNotFoundError(
            f"{name[:200]!r}: no such folder, and not the name of a model on the hub (owner/name){hint}"
        )
    return fetch_model(name, subfolder=subfolder, **hub_options)


def _load(place: str, subfolder: str | None, memo_bytes: int) -> ModelParts:
    """Load the model at `place`, with a remedy if it is in the hub's cache and broken."""
    try:
        return load_model(place, subfolder, memo_bytes)
    except InvalidModelError as error:
        from m2v_lite.hub_cache import commit_of

        if commit_of(place) is None:
            raise
        raise InvalidModelError(
            f"{error}. If the file in the hub's cache is damaged, download it again: force_download=True, or "
            "m2v-lite download NAME --force-download"
        ) from error


def _reduced(table: EmbeddingTable, quantize_to: str | None, dimensionality: int | None) -> EmbeddingTable:
    """Return the table in another dtype or with its leading columns only."""
    columns, most = None, table.embedding.shape[1]
    if dimensionality is not None:
        columns = natural_number("dimensionality", dimensionality)
        if columns > most:
            raise InputValueError(
                f"dimensionality is {columns}, but the model has {most} columns; give at most that"
            )
    if quantize_to is None:
        embedding = table.embedding[:, :columns]
    else:
        from m2v_lite.quantization import quantize

        # model2vec's DType is an enumeration of texts.
        embedding = quantize(table.embedding, getattr(quantize_to, "value", quantize_to), columns)
    return EmbeddingTable(embedding, table.weights, table.mapping)
