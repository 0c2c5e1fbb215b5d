"""`Embedder`: a batch of texts -> the same batch with vectors, in any process of any engine."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from m2v_lite.arguments import PathLike, described, one_of, switch
from m2v_lite.encoding.other_libraries import HONOURED
from m2v_lite.encoding.requests import OPTIONS_OF
from m2v_lite.errors import InputTypeError, InputValueError, InvalidModelError, M2VLiteError
from m2v_lite.integrations.bad_rows import ERRORS, NULL, sort_rows
from m2v_lite.integrations.frames import Library, is_batch, library_of
from m2v_lite.integrations.stored import stored_source
from m2v_lite.loading import fingerprint
from m2v_lite.model import StaticModel

# The options of `from_pretrained` and those of `encode`. Some are among both, and count as those of `encode`.
OF_LOADING = (
    "token", "subfolder", "quantize_to", "dimensionality", "force_download", "revision", "cache_dir",
    "local_files_only", "memo_bytes", "preload",
)  # fmt: skip
OF_ENCODING = (*(name for name in OPTIONS_OF["encode_stream"] if name != "null"), *HONOURED)


class Embedder:
    """A callable that adds a column of vectors to a batch, for Daft, Spark, Ray Data, Dask and others.

    A pickled embedder stores the model's path or name and the options, but not its weights. It takes a few
    hundred bytes. Each process loads the model once, when its first batch arrives, even if it receives many
    copies of the embedder. The model stays loaded until the process ends. All processes on a machine share
    one table in memory. Many threads can call one embedder at once.

    All processes must use the same model files as this one. For a model on the hub, they load the commit that
    this process found. A process that finds other files raises an error.

    Args:
        model: a model folder, a packed model or a model name on the hub, as for
            `StaticModel.from_pretrained`. Each machine needs the model; a folder must be at the same path on
            each. None means the bundled model, which comes with this library.
        column: the name of the column with the texts.
        output: the name of the new column.
        null: what to do about a missing text (None, NaN, pandas.NA): "error" raises an error; "empty" treats
            it as an empty text, whose vector is all zeros; "skip" leaves the row out, which works only for
            batches with all columns; "null" puts null in place of the vector.
        errors: what to do about a value that is not a text or not valid Unicode: "strict" raises an error;
            "replace" puts U+FFFD in place of invalid Unicode, and raises an error for a value that is not a
            text; "skip" and "null" do the same as above.
        fixed_size: whether vectors in Arrow are fixed-size lists. False makes them plain lists. Spark needs
            plain lists, and pyarrow needs them to read vectors from Parquet if some are null
            (https://github.com/apache/arrow/issues/35692).
        **options: other arguments of [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained]
            (`dimensionality`, `revision`, `cache_dir`, `quantize_to`, `memo_bytes`, ...) and of
            [`StaticModel.encode_stream`][m2v_lite.StaticModel.encode_stream] (`normalize`, `max_length`,
            `precision`, `truncate_dim`, `prompt`, ...). With `quantize_to`, each process has its own table. A
            `token` would be stored in pickles; it is better to set `HF_TOKEN` on each machine.

    Attributes:
        model: the path or the name of the model; a relative path is made absolute. None for the bundled one.
        column: the name of the column with the texts.
        output: the name of the new column.
        dim: the number of columns of a vector.
        dtype: the numpy dtype of the vectors.

    Raises:
        InputTypeError: an option is unknown or has the wrong type.
        InputValueError: an option has an invalid value.
        M2VLiteError: the model cannot be loaded;
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained] lists the errors.

    Examples:
        >>> embed = Embedder(output="vector")
        >>> batch = embed({"text": ["The kettle is on.", "The train was late."], "page": [1, 2]})
        >>> batch["page"], batch["vector"].shape, batch["vector"].dtype
        ([1, 2], (2, 256), dtype('float32'))
    """

    def __init__(
        self,
        model: PathLike | None = None,
        *,
        column: str = "text",
        output: str = "embedding",
        null: str = "error",
        errors: str = "strict",
        fixed_size: bool = True,
        **options: Any,
    ) -> None:
        self.model = stored_source("model", model)
        self.column, self.output = _name("column", column), _name("output", output)
        if output == column:
            raise InputValueError(f"output and column are both {output!r}; give another output=")
        self._null, self._errors = one_of("null", null, NULL), one_of("errors", errors, ERRORS)
        self._fixed_size = switch("fixed_size", fixed_size)
        _check_known(options)
        self._loading = {name: value for name, value in options.items() if name in OF_LOADING}
        self._encoding = {name: value for name, value in options.items() if name in OF_ENCODING}
        loaded = StaticModel.from_pretrained(self.model, **self._loading)
        nothing = loaded.encode([], **self._encoding)
        self.dim, self.dtype = int(nothing.shape[1]), nothing.dtype
        self._pin(loaded)
        with _lock:
            _models.setdefault(self._key(), loaded)

    def __call__(self, batch: Any) -> Any:
        """Return a batch of the same kind, with the vectors as a new column.

        Args:
            batch: a pyarrow `Table` or `RecordBatch`, a pandas or polars `DataFrame`, or a dict of lists or
                arrays. Or only the column with the texts: a pyarrow array, a pandas or polars `Series`, a
                list or a numpy array.

        Returns:
            The batch with the new column `output`, or only the vectors if `batch` is a single column. In
            pyarrow, the vectors are lists, in polars an `Array`, and in a dict or for a list a numpy array,
            (texts, dim). All of these share the memory of the vectors. In pandas, the column holds one numpy
            array per row. If some vectors are None, a dict or a list also gets one numpy array per row, in a
            list. `batch` is not changed.

        Raises:
            InputTypeError: `batch` is none of these, or a value is missing or not a text.
            InputValueError: the batch has no column `column`, or already has a column `output`; a text is not
                valid Unicode; or "skip" is used with a single column.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            M2VLiteError: the model cannot be loaded in this process.

        Examples:
            >>> embed = Embedder(null="skip")
            >>> batch = embed({"text": ["The kettle is on.", None], "page": [1, 2]})
            >>> batch["text"], batch["page"], batch["embedding"].shape
            (['The kettle is on.'], [1], (1, 256))
        """
        library = library_of(batch, self._fixed_size)
        names = library.names(batch)
        if names is None and "skip" in (self._null, self._errors):
            # An engine would take a shorter column for an error, or give a row the vector of another.
            raise InputValueError(
                "'skip' would remove rows, but a single column must keep all of its rows; give 'null' as "
                "null= or errors= and filter later, or pass batches with all columns"
            )
        column = batch if names is None else self._column(library, batch, names)
        where = "the column" if names is None else f"the batch, column {self.column!r}"
        texts, rows, nulls = sort_rows(library.texts(column), self._null, self._errors, where)
        if rows is not None:
            batch = library.at(batch, rows)
        vectors = library.of_vectors(self._loaded().encode(texts, **self._encoding), nulls, batch)
        return vectors if names is None else library.extended(batch, self.output, vectors)

    def map_batches(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Yield each batch with a new column of vectors, for engines that pass an iterator of batches.

        Args:
            batches: an iterable of batches, as `__call__` takes them.

        Returns:
            An iterator over the batches with the new column.

        Raises:
            InputTypeError: `batches` is a single batch; or, while iterating, as for a call with one batch.
            InputValueError: while iterating, as for a call with one batch.
            TokenizationError: while iterating, as for a call with one batch.
            M2VLiteError: while iterating, the model cannot be loaded in this process.

        Examples:
            >>> embed = Embedder(column="title")
            >>> for batch in embed.map_batches([{"title": ["One"]}, {"title": ["Two", "Three"]}]):
            ...     print(batch["embedding"].shape)
            (1, 256)
            (2, 256)
        """
        if not isinstance(batches, (list, tuple)) and is_batch(batches):
            raise InputTypeError(
                f"expected an iterable of batches, got {described(batches)}; call the embedder with one batch"
            )
        return map(self, batches)

    def _column(self, library: Library, batch: Any, names: Any) -> Any:
        """Return the column with the texts."""
        if self.output in names:
            raise InputValueError(
                f"the batch already has a column {self.output!r}; give another output=, or drop that column"
            )
        found = list(names).count(self.column)
        if found != 1:
            fact = "no column" if found == 0 else f"{found} columns"
            shown = ", ".join(map(str, names))
            raise InputValueError(
                f"the batch has {fact} named {self.column!r}; give column=, one of: {shown or 'none':.200}"
            )
        return library.column(batch, self.column)

    def _pin(self, loaded: StaticModel) -> None:
        """Make all other processes use the files of this model, or fail."""
        assert loaded.files is not None  # it was read from them
        self._fingerprint = fingerprint(loaded.files)
        self._loading.pop("force_download", None)
        if self.model is not None and not os.path.exists(self.model):
            commit = _commit(loaded.files.folder)
            if commit is not None:
                self._loading["revision"] = commit
            if self._loading.get("cache_dir") is not None:
                from m2v_lite.hub.cache import cache_folder

                # A relative path means another folder where another process runs.
                self._loading["cache_dir"] = cache_folder(self._loading["cache_dir"])

    def _key(self) -> str:
        return repr((self.model, sorted(self._loading.items()), self._fingerprint))

    def _loaded(self) -> StaticModel:
        """Return the model. Each process loads it once."""
        key = self._key()
        model = _models.get(key)
        if model is not None:
            return model
        with _lock:
            if key not in _models:
                _models[key] = self._load_here()
            return _models[key]

    def _load_here(self) -> StaticModel:
        """Load the model in a process other than the first, perhaps on another machine."""
        import socket

        machine = f"on the machine {socket.gethostname()}"
        try:
            model = StaticModel.from_pretrained(self.model, **self._loading)
        except M2VLiteError as error:
            raise type(error)(
                f"{machine}: {error}. Each machine needs the model that the embedder was made with: at the "
                "same path, or by the same name in the hub's cache or on the hub"
            ) from error
        assert model.files is not None  # it was read from them
        if fingerprint(model.files) != self._fingerprint:
            raise InvalidModelError(
                f"{machine}: {model.files.folder}: not the model that the embedder was made with; put the "
                "same files on each machine"
            )
        return model

    def __repr__(self) -> str:
        model = "the bundled model" if self.model is None else repr(self.model)
        return f"<Embedder of {model}: column {self.column!r} -> {self.output!r}, {self.dim} x {self.dtype}>"


# The models of this process.
_models: dict[str, StaticModel] = {}
_lock = threading.Lock()


def _after_fork() -> None:
    """Make a new lock: a thread that the child does not have may hold the old one."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _commit(folder: str) -> str | None:
    """Return the commit of a model in the hub's cache. The model may be in a subfolder of its snapshot."""
    from m2v_lite.hub.cache import commit_of

    parent = os.path.dirname(folder)
    while commit_of(folder) is None and folder != parent:
        folder, parent = parent, os.path.dirname(parent)
    return commit_of(folder)


def _name(argument: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InputTypeError(f"{argument} is {described(value)}; give the name of a column")
    return value


def _check_known(options: dict[str, Any]) -> None:
    known = [*OF_LOADING, *OF_ENCODING]
    for name in options:
        if name not in known:
            from difflib import get_close_matches

            nearest = get_close_matches(name, ["column", "output", "null", "errors", "fixed_size", *known], 1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else "see help(m2v_lite.Embedder)"
            raise InputTypeError(f"Embedder has no option {name!r:.60}; {hint}")
