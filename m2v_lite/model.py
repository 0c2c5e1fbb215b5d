"""`StaticModel`: a model that encodes texts as vectors.

It is for inference only. To distil or train a model, or to quantize its vocabulary, use model2vec and load
the result here. Where this class differs from model2vec 0.10.0, its docstrings say so.
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
    """A static-embedding model: a text's vector is the mean of its tokens' rows in the table.

    Load a model with `from_pretrained`. To switch from `model2vec.StaticModel`, an inference program only
    needs to change its import. Many threads can use one model at once.

    Args:
        vectors: the embedding table, (rows, dim), as float64, float32, float16 or int8, or as uint16 for
            bfloat16 codes.
        tokenizer: a `tokenizers.Tokenizer`. The model uses a copy.
        config: settings to keep with the model, as in a config.json. The model uses a copy.
        normalize: whether to scale vectors to length 1 by default. None means False, as in model2vec.
        base_model_name: the model that this one was distilled from.
        language: the model's languages.
        weights: one factor per token id, (tokens,) floats, or None.
        token_mapping: the row of each token id, (tokens,) integers, or None if they are the same.
        max_length: by default, cut each text after this many tokens; None for no limit.

    Attributes:
        config: the settings, with the current `normalize` and `max_length`.
        files: the paths of the model's files, or None for a model made from arrays.
        default_prompt_name: the name of the prompt to put before texts if a call names none, or None.

    Raises:
        InputTypeError: an array is not a numpy array, or the tokenizer is not a `tokenizers.Tokenizer`.
        InvalidModelError: an array has an unsupported dtype or shape, or the arrays and the tokenizer do not
            fit together.

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
        """Load a model. The table is memory-mapped, not copied (except with `quantize_to`).

        Arguments after `dimensionality` are keyword-only: model2vec has another argument in that place.

        Args:
            path: a model folder, a packed model, or a model name on the hub, such as
                "minishlab/potion-base-8M". A model in the hub's cache is not downloaded again (by default,
                model2vec downloads it again). None loads the bundled model.
            token: an access token for the hub, for private models; False to send none. By default `HF_TOKEN`,
                or the token saved by `hf auth login`.
            normalize: whether to scale vectors to length 1. The default is the config's setting, or False if
                it has none. If there is no config, a warning names the defaults used.
            subfolder: the model's folder inside `path`.
            quantize_to: convert the table to "float16", "float32", "float64" or "int8". This copies the table
                into private memory, unless it already has this dtype. The argument exists for compatibility;
                it is better to convert the model once and save it.
            dimensionality: use only this many leading columns, as a view of the mapped table.
            max_length: cut each text after this many tokens; None for no limit. The default is the config's
                setting, or 512 if it has none.
            force_download: whether to download the model even if it is in the cache.
            revision: a branch, tag or commit of the repository; by default main. A cached branch stays at the
                commit that was last downloaded.
            cache_dir: the folder of the hub's cache. By default, `HF_HUB_CACHE` or `HF_HOME` sets it.
            local_files_only: whether to use only files in the cache. `HF_HUB_OFFLINE` does the same.
            memo_bytes: roughly how much memory to use for remembering token ids: of words in single texts, or
                of chunks if the tokenizer is not WordPiece. The default of 8 MB suits a small board.
            preload: whether to read the entire table from disk now, so a server's first texts do not wait for
                it. By default, encoding a few texts reads only their rows, and encoding many texts reads the
                table in order.
            vocabulary_quantization: not supported; do this with model2vec and save the result.

        Returns:
            A model that returns the same vectors as model2vec 0.10.0.

        Raises:
            ModelNotFoundError: the folder does not exist, or a model file is missing.
            InvalidModelError: a file is broken or not supported, or the files do not fit together.
            DownloadError: the model is not in the cache and cannot be downloaded.
            MissingPackageError: a package that the model needs is not installed.
            InputTypeError: an argument has the wrong type.
            InputValueError: an argument has an invalid value, such as `dimensionality=0`.

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
        """Load a model that returns the same vectors as sentence-transformers.

        A model from `from_pretrained` returns the vectors of model2vec, even for a sentence-transformers
        folder. Here, the modules after the table apply (`Normalize` and `Dense`). Texts are cut only if the
        tokenizer.json sets a limit. Unknown tokens contribute to the vector. If the config names a default
        prompt, it is put before each text.

        Args:
            path: a folder with a modules.json that begins with a StaticEmbedding, or a model name on the hub.
            token: an access token for the hub, for private models; False to send none. By default `HF_TOKEN`,
                or the token saved by `hf auth login`.
            truncate_dim: keep only this many leading columns of the vectors. As in sentence-transformers,
                they are not rescaled. The default is the config's setting, or all columns if it has none.
            subfolder: the model's folder inside `path`.
            force_download: whether to download the model even if it is in the cache.
            revision: a branch, tag or commit of the repository; by default main. A cached branch stays at the
                commit that was last downloaded.
            cache_dir: the folder of the hub's cache. By default, `HF_HUB_CACHE` or `HF_HOME` sets it.
            local_files_only: whether to use only files in the cache. `HF_HUB_OFFLINE` does the same.
            memo_bytes: roughly how much memory to use for remembering token ids; by default 8 MB.

        Returns:
            A model. Its vectors differ from those of `SentenceTransformer(path).encode` by less than 1e-6 of
            their length, or by less than 1e-5 for texts of more than 512 tokens.
            docs/from-sentence-transformers.md lists the cases where rounding in float32 or 16 bits can make a
            larger difference. `encode(..., truncate_dim=N)` does not rescale the leading columns.
            `save_pretrained` writes a folder that sentence-transformers can open.

        Raises:
            ModelNotFoundError: the folder does not exist, or a model file is missing.
            InvalidModelError: a file is broken, or the model has an unsupported module or activation; the
                message names it.
            DownloadError: the model is not in the cache and cannot be downloaded.
            MissingPackageError: a package that the model needs is not installed.
            InputTypeError: an argument has the wrong type.
            InputValueError: an argument has an invalid value, or `path` is a file.

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
        """The encoder, built on first use, and again after an array was assigned."""
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

        By default, texts are cut after 512 tokens (about 350 English words), as in model2vec. A text's vector
        is the mean of its tokens' rows, each multiplied by its weight, as in model2vec
        (https://github.com/MinishLab/model2vec).

        Args:
            sentences: one text, or several: a list, a generator, a numpy array, a pyarrow, pandas or polars
                column, or another iterable of texts.
            show_progress_bar: whether to show a progress bar (needs tqdm).
            max_length: cut each text after this many tokens; None for no limit. Default: the model's setting.
            normalize: whether to scale vectors to length 1. Default: the model's setting.
            batch_size: the maximum number of texts to tokenize at once. It does not change the results.
            truncate_dim: use only this many leading columns, like `dimensionality` of `from_pretrained`.
                Scaling to length 1 counts only these columns.
            precision: "int8" for integer codes of scaled vectors, `rint(254 * v)` clipped to the range -127
                to 127; "uint8" for these codes plus 128; "ubinary" or "binary" for one bit per column, eight
                to a byte, packed as in sentence-transformers; "float32". By default, vectors keep the table's
                dtype (float32 for int8 and bfloat16 tables).
            out: an array to write the vectors to and to return, such as a mapped .npy file. It must have the
                shape and dtype of the result. If an error occurs, some of its rows may already be written.
            null: what to do about a missing text (None, NaN, pandas.NA): "error" raises an error, "empty"
                treats it as an empty text.
            use_multiprocessing: whether a thread can pool one batch while the next is tokenized, if there are
                more texts than `multiprocessing_threshold`. This happens only where it helps: on
                free-threaded Python with more than one core. Despite its name, this option never starts a
                process.
            multiprocessing_threshold: use such a thread only for more texts than this.
            workers: the maximum number of processes that share the work if there are many texts.
                docs/workers.md says how many texts it takes, and what a program that uses this must look
                like. By default, no process is started. Each process maps the model's file; with
                `quantize_to`, each has its own table in memory. The processes end with the call; use `pool`
                to keep them for several calls.
            **kwargs: arguments that code written for sentence-transformers passes. `prompt`, `prompt_name`
                and `normalize_embeddings=True` take effect. `convert_to_numpy=True`, `device` and others that
                change nothing here are accepted.

        Returns:
            An array: (dim,) for one text, (texts, dim) for several, (0, dim) for none; fewer columns with
            `truncate_dim` or a binary `precision`. The dtype is the table's, or float32 for int8 and bfloat16
            tables. The vector of a text without known tokens is all zeros. The vectors are bit-identical to
            those of model2vec 0.10.0.

        Raises:
            InputTypeError: something in `sentences` is not a text, or an option has the wrong type or is
                unknown.
            InputValueError: a text is not valid Unicode, or an option is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            WorkerError: a worker process did not start, or ended early.

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
