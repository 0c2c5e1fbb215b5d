"""`StaticModel`: the parts of a model and the stages wired together, texts -> vectors.

Inference only. To distil, train or quantize the vocabulary of a model, use model2vec and load the result
here. Where this class answers differently from model2vec 0.10.0, its docstrings say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from m2v_lite.arguments import UNSET, PathLike, Unset, limit_or, natural_number, switch
from m2v_lite.embedding.table import table_of_arrays
from m2v_lite.encoding.batches import BATCH_TEXTS
from m2v_lite.encoding.compare_methods import CompareMethods
from m2v_lite.encoding.encoder import Encoder
from m2v_lite.encoding.more_methods import MoreMethods
from m2v_lite.errors import InvalidModelError
from m2v_lite.files.config import DEFAULT_MAX_LENGTH, DEFAULT_NORMALIZE
from m2v_lite.files.model_parts import ModelParts
from m2v_lite.files.save_methods import SaveMethods
from m2v_lite.loading import load_parts, load_sentence_transformer, warn_of_difference
from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer
    from typing_extensions import Self


class StaticModel(MoreMethods, CompareMethods, SaveMethods, ModelParts):
    """A static-embedding model: a text's vector is the mean of its tokens' rows in a table.

    `from_pretrained` makes one. A program that uses `model2vec.StaticModel` for inference only has to change
    the import. Many threads may use one model at once.

    Args:
        vectors: (rows, dim) the embedding table, of float64, float32, float16 or int8; uint16 for bfloat16
            codes.
        tokenizer: a `tokenizers.Tokenizer`, of which a copy is used.
        config: settings to keep with the model, as a config.json has them; copied.
        normalize: whether vectors are scaled to length 1 by default. None counts as False, as in model2vec.
        base_model_name: the model this one was distilled from.
        language: the languages of the model.
        weights: (tokens,) floats, a factor for each token id, or None.
        token_mapping: (tokens,) integers, the row of each token id, or None if they are the same.
        max_length: the number of tokens after which a text is cut by default; None for no limit.

    Attributes:
        config: the settings, with the current `normalize` and `max_length`.
        files: the paths of the model's files, or None for a model made of arrays.
        default_prompt_name: the name of the prompt that stands before texts if a call names none, or None.

    Raises:
        InputTypeError: an array is not a numpy array, or the tokenizer is of another class.
        InvalidModelError: an array has a dtype or a shape that is not supported, or the arrays and the
            tokenizer do not fit together.

    Examples:
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
        normalize: bool | None = DEFAULT_NORMALIZE,
        base_model_name: str | None = None,
        language: list[str] | None = None,
        weights: NDArray[Any] | None = None,
        token_mapping: NDArray[Any] | None = None,
        max_length: int | None = DEFAULT_MAX_LENGTH,
    ) -> None:
        from m2v_lite.tokenization.kinds import wrap_tokenizer

        unit = DEFAULT_NORMALIZE if normalize is None else normalize
        settings = {**(config or {}), "normalize": unit, "max_length": max_length}
        card = {"base_model": base_model_name, "language": language}
        table = table_of_arrays(vectors, weights, token_mapping)
        super().__init__(table, wrap_tokenizer(tokenizer), settings, card)

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
        max_length: int | Unset | None = UNSET,
        force_download: bool = False,
        revision: str | None = None,
        cache_dir: PathLike | None = None,
        local_files_only: bool = False,
        memo_bytes: int = DEFAULT_MEMO_BYTES,
        preload: bool = False,
        vocabulary_quantization: None = None,
    ) -> StaticModel:
        """Load a model. The table is mapped, not copied (except with `quantize_to`).

        Name the arguments after `dimensionality`: model2vec has another argument in that place.

        Args:
            path: a model folder, a packed model, or a name on the hub such as "minishlab/potion-base-8M". A
                model in the hub's cache is not downloaded again (model2vec does that by default). None loads
                the bundled model.
            token: the hub's access token, for private models; False for none. By default `HF_TOKEN`, or the
                token of `hf auth login`.
            normalize: whether to scale vectors to length 1; by default as the config says, else False. If
                there is no config, a warning names the defaults that apply.
            subfolder: the folder of the model inside `path`.
            quantize_to: "float16", "float32", "float64" or "int8". This copies the table into private memory,
                unless it has this dtype already. It is here for compatibility; better save such a model once.
            dimensionality: how many leading columns to use, as a view of the mapped table.
            max_length: cut each text after so many tokens; None for no limit. By default as the config says,
                else 512.
            force_download: whether to download the model even if it is in the cache.
            revision: a branch, tag or commit of the repository; by default main. A branch in the cache stays
                at the commit of its last download.
            cache_dir: the hub's cache, if it is not at `HF_HUB_CACHE` or `HF_HOME`.
            local_files_only: whether to fail rather than ask the hub. `HF_HUB_OFFLINE` does the same.
            memo_bytes: about how much memory may be used to remember the ids of words of single texts, or of
                chunks of tokenizers other than WordPiece. The default of 8 MB suits a small board.
            preload: whether to read the whole table from the disk now, so that a server's first texts need
                not wait. By default, a few texts read only their rows, and many texts read the table in
                order.
            vocabulary_quantization: not supported; do it once with model2vec and save the result.

        Returns:
            A model with the vectors of model2vec 0.10.0.

        Raises:
            ModelNotFoundError: there is no such folder, or it lacks a file of the model.
            InvalidModelError: a file is broken or not supported, or the files do not fit together.
            DownloadError: the model is not in the cache and cannot be downloaded.
            MissingPackageError: a package that the model needs is not installed.
            InputTypeError: an argument has a wrong type.
            InputValueError: an argument has an impossible value, such as `dimensionality=0`.

        Examples:
            >>> model = StaticModel.from_pretrained(dimensionality=64, normalize=True)  # the bundled one
            >>> model.dim, model.normalize
            (64, True)
        """
        preload = switch("preload", preload)
        parts = load_parts(
            path,
            token=token,
            normalize=normalize,
            subfolder=subfolder,
            quantize_to=quantize_to,
            dimensionality=dimensionality,
            max_length=max_length,
            force_download=force_download,
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            memo_bytes=memo_bytes,
            vocabulary_quantization=vocabulary_quantization,
        )
        warn_of_difference(parts, normalize, max_length)
        model = cls._of_parts(parts)
        if preload:
            model._encoder.read_ahead.read_all()
        return model

    @classmethod
    def from_sentence_transformers(
        cls,
        path: PathLike,
        token: str | bool | None = None,
        *,
        truncate_dim: int | None = None,
        subfolder: str | None = None,
        force_download: bool = False,
        revision: str | None = None,
        cache_dir: PathLike | None = None,
        local_files_only: bool = False,
        memo_bytes: int = DEFAULT_MEMO_BYTES,
    ) -> StaticModel:
        """Load a model so that it gives the vectors of sentence-transformers.

        `from_pretrained` gives those of model2vec, also for a folder of sentence-transformers. The
        differences: the modules behind the table apply (`Normalize` and `Dense`); a text is cut only if the
        tokenizer.json says where; unknown tokens count; and the prompt that the config names as the default
        stands before each text.

        Args:
            path: a folder with a modules.json that begins with a StaticEmbedding, or a name on the hub.
            token: the hub's access token, for private models; False for none. By default `HF_TOKEN`, or the
                token of `hf auth login`.
            truncate_dim: how many leading columns of the vectors to keep. As in sentence-transformers, they
                are not scaled anew. By default as the config says, else all.
            subfolder: the folder of the model inside `path`.
            force_download: whether to download the model even if it is in the cache.
            revision: a branch, tag or commit of the repository; by default main. A branch in the cache stays
                at the commit of its last download.
            cache_dir: the hub's cache, if it is not at `HF_HUB_CACHE` or `HF_HOME`.
            local_files_only: whether to fail rather than ask the hub. `HF_HUB_OFFLINE` does the same.
            memo_bytes: about how many bytes of memory may be used to remember the token ids of words; by
                default 8 MB.

        Returns:
            A model whose vectors differ from those of `SentenceTransformer(path).encode` by less than 1e-6 of
            their length, and by less than 1e-5 for texts of more than 512 tokens;
            docs/from-sentence-transformers.md names the cases in which float32 or 16 bits allow more.
            `encode(..., truncate_dim=N)` does not scale leading columns anew. `save_pretrained` writes a
            folder that sentence-transformers opens.

        Raises:
            ModelNotFoundError: there is no such folder, or it lacks a file.
            InvalidModelError: a file is broken, or the model has a module or an activation that is not
                supported; the message names it.
            DownloadError: the model is not in the cache and cannot be downloaded.
            MissingPackageError: a package that the model needs is not installed.
            InputTypeError: an argument has a wrong type.
            InputValueError: an argument has an impossible value, or `path` is a file.

        Examples:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     StaticModel.from_pretrained().save_pretrained(folder)
            ...     StaticModel.from_sentence_transformers(folder, truncate_dim=64).encode("tea").shape
            (64,)
        """
        parts = load_sentence_transformer(
            path,
            truncate_dim=truncate_dim,
            subfolder=subfolder,
            memo_bytes=memo_bytes,
            token=token,
            force_download=switch("force_download", force_download),
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=switch("local_files_only", local_files_only),
        )
        return cls._of_parts(parts)

    @classmethod
    def _of_parts(cls, parts: ModelParts) -> Self:
        model = cls.__new__(cls)
        model.__dict__.update(parts.__dict__)
        return model

    @cached_property
    def _encoder(self) -> Encoder:
        """The stages, wired when they are first used, and anew after an array was assigned."""
        self.check_assigned()
        is_mapped = self.files is not None and "embedding" not in self._assigned
        return Encoder(self._table, self._tokenizer, is_mapped, self.modules)

    def _assign(self, name: str, array: NDArray[Any] | None) -> None:
        super()._assign(name, array)
        self.__dict__.pop("_encoder", None)

    def encode(
        self,
        sentences: str | Iterable[str],
        *,
        show_progress_bar: bool = False,
        max_length: int | Unset | None = UNSET,
        normalize: bool | None = None,
        batch_size: int = BATCH_TEXTS,
        truncate_dim: int | None = None,
        precision: str | None = None,
        out: NDArray[Any] | None = None,
        null: str = "error",
        use_multiprocessing: bool = True,
        multiprocessing_threshold: int = 10_000,
        workers: int | None = None,
        **kwargs: Any,
    ) -> NDArray[Any]:
        """Encode texts as vectors.

        By default, texts are cut at 512 tokens (some 350 English words), as in model2vec. A vector is the
        mean of the rows of the text's tokens, each times its weight, as model2vec computes it
        (https://github.com/MinishLab/model2vec).

        Args:
            sentences: a text, or a list, generator, numpy array, a column of pyarrow, pandas or polars, or
                another iterable of texts.
            show_progress_bar: whether to show one (needs tqdm).
            max_length: cut each text after so many tokens; None for no limit. By default the model's setting.
            normalize: whether to scale vectors to length 1. By default the model's setting.
            batch_size: the most texts that are tokenized at once. Results do not depend on it.
            truncate_dim: how many leading columns to use, as `dimensionality` of `from_pretrained` does. A
                vector that is scaled has length 1 with these.
            precision: "int8" for codes of scaled vectors, `rint(254 * v)`, clipped to -127 and 127; "uint8"
                for these plus 128; "ubinary" or "binary" for bits, eight in a number, as
                sentence-transformers packs them; "float32". By default vectors keep the table's dtype.
            out: an array to write the vectors to, of the shape and dtype of the result, such as a mapped
                .npy file. It is returned. After an error, some of its rows may have been written.
            null: "error", or "empty" to take a missing text (None, NaN, pandas.NA) for an empty one.
            use_multiprocessing: whether a thread may pool one batch while the next is tokenized, if there are
                more texts than `multiprocessing_threshold`. This happens only where it pays: on a
                free-threaded Python with more than one core. Despite the name, it never starts a process.
            multiprocessing_threshold: the number of texts beyond which such a thread may be used.
            workers: how many processes may share the work of many texts; see docs/speed-and-memory.md for how
                many that is, and for what a program must look like. By default none is started. Each process
                maps the model's file; with `quantize_to`, each has its own table in memory. They end with
                the call; `pool` keeps some for several calls.
            **kwargs: what callers written for sentence-transformers pass. `prompt`, `prompt_name` and
                `normalize_embeddings=True` are honoured; `convert_to_numpy=True`, `device` and others that
                change nothing here are accepted.

        Returns:
            (dim,) for a text, (texts, dim) for several, (0, dim) for none; fewer columns if `truncate_dim` or
            `precision` asks for that. The dtype is the table's, but float32 for int8 and bfloat16. A text
            without known tokens gives zeros. The bits are those of model2vec 0.10.0.

        Raises:
            InputTypeError: something in `sentences` is not a text, or an option has a wrong type or name.
            InputValueError: a text is not valid Unicode, or an option is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            WorkerError: a worker process could not be started, or ended too early.

        Examples:
            >>> model = StaticModel.from_pretrained()
            >>> model.encode("a single text").shape, model.encode([]).shape
            ((256,), (0, 256))
        """
        is_plain = truncate_dim is None and precision is None and out is None and null == "error"
        is_bare = not kwargs and self.default_prompt_name is None
        if is_plain and is_bare and isinstance(sentences, str):  # the quickest way for one text
            limit = limit_or(self.max_length, max_length)
            unit = self.normalize if normalize is None else switch("normalize", normalize)
            if batch_size != BATCH_TEXTS:
                natural_number("batch_size", batch_size)
            if workers is not None:
                natural_number("workers", workers)
            return self._encoder.encode_one(sentences, limit, unit)
        from m2v_lite.encoding.requests import encode_here, requested

        request = requested(
            self,
            sentences,
            max_length=max_length,
            normalize=normalize,
            batch_size=batch_size,
            show_progress_bar=show_progress_bar,
            truncate_dim=truncate_dim,
            precision=precision,
            out=out,
            null=null,
            others=kwargs,
        )
        texts = request.texts
        processes = 1 if workers is None else natural_number("workers", workers)
        if processes > 1:
            from m2v_lite.encoding.worker_pool import processes_that_pay  # takes long to import

            characters = self._encoder.characters(request.settings.max_length)
            processes = processes_that_pay(texts, characters, processes)
        if processes > 1:
            with self.pool(processes) as pool:
                return pool.encode_request(request)
        threads = use_multiprocessing and len(texts) > multiprocessing_threshold
        return encode_here(self._encoder, request, threads)

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle a loaded model as its path and settings, so that all processes map one table."""
        if self.files is None:
            return super().__reduce__()
        shared = {"_table", "_encoder", "_tokenizer", "_modules", "tokens", "tokenizer"}
        state = {name: value for name, value in self.__dict__.items() if name not in shared}
        return _load_again, (type(self), self.read_again, self._identity), state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for name, array in self._assigned.items():
            self._assign(name, array)


def _load_again(
    cls: type[StaticModel], read_again: Callable[[], ModelParts], identity: tuple[int, ...]
) -> StaticModel:
    model = cls._of_parts(read_again())
    if model._identity != identity:
        assert model.files is not None  # it was read from them
        raise InvalidModelError(
            f"{model.files.folder}: these files are not those of the pickled model; pickle the model again"
        )
    return model
