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
    """Adds a column of vectors to a batch: a callable for Daft, Spark, Ray Data, Dask and other engines.

    A pickle of it holds the path or the name of the model and the options: some hundred bytes, with no
    numbers of the model. Each process loads the model once, when the first batch comes, however many copies
    of the embedder arrive there. All processes of a machine share one table in memory. Many threads may call
    one embedder at once. The model stays loaded until the process ends.

    The model that this process sees is the only one that all others may use. A name on the hub is pinned to
    the commit that is found here, and a process that finds other files refuses to work.

    Args:
        model: a model folder, a packed model or a name on the hub, as for `StaticModel.from_pretrained`. Each
            machine needs it, a folder at the same place. None means the bundled model, which each
            installation of this library has.
        column: the name of the column with the texts.
        output: the name of the new column.
        null: what to do about a missing text (None, NaN, pandas.NA): "error"; "empty" takes it for an empty
            text, whose vector is zeros; "skip" leaves the row out, of a batch with all columns; "null" puts
            null in place of the vector.
        errors: what to do about a value that is not a text, or not valid Unicode: "strict" raises an error;
            "replace" puts U+FFFD in the place of what is not Unicode, and raises an error for what is not a
            text; "skip" and "null" as above.
        fixed_size: whether vectors in Arrow are lists of a fixed size. False gives plain lists, which Spark
            needs, and which pyarrow can read from Parquet if some are null
            (https://github.com/apache/arrow/issues/35692).
        **options: other arguments of [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained]
            (`dimensionality`, `revision`, `cache_dir`, `quantize_to`, `memo_bytes`, ...) and of
            [`StaticModel.encode_stream`][m2v_lite.StaticModel.encode_stream] (`normalize`, `max_length`,
            `precision`, `truncate_dim`, `prompt`, ...). With `quantize_to`, each process has a table of its
            own. A `token` is part of the pickle; better set `HF_TOKEN` on each machine.

    Attributes:
        model: the path or the name of the model; a relative path is made absolute. None for the bundled one.
        column: the name of the column with the texts.
        output: the name of the new column.
        dim: the number of columns of a vector.
        dtype: the numpy dtype of vectors.

    Raises:
        InputTypeError: an option has a wrong type, or is unknown.
        InputValueError: an option has an impossible value.
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
        """Return a batch with one column more, of the same kind.

        Args:
            batch: a `Table` or `RecordBatch` of pyarrow, a `DataFrame` of pandas or polars, or a dict of
                lists or arrays. Or the column with the texts alone: an array of pyarrow, a `Series` of pandas
                or polars, a list or a numpy array.

        Returns:
            The batch with the column `output`; of a column alone, the vectors alone. pyarrow gets lists of a
            fixed size, polars an `Array`, a dict or a list a numpy array of shape (texts, dim); all of them
            share the memory of the vectors. pandas gets a column of arrays, and so does a dict or a list if
            some of them are None. `batch` stays as it is.

        Raises:
            InputTypeError: `batch` is of another kind, or a text is missing or no text.
            InputValueError: the batch has no such column, or has the column `output` already, or a text is
                not valid Unicode, or rows of a column alone are to be left out.
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
        """Yield each batch with one column more, for engines that hand over an iterator of batches.

        Args:
            batches: what `__call__` takes, one after the other.

        Returns:
            An iterator of the batches, each with one column more.

        Raises:
            InputTypeError: `batches` is a single batch; or later, as for a call with one batch.
            InputValueError: later, as for a call with one batch.
            TokenizationError: later, as for a call with one batch.
            M2VLiteError: later, the model cannot be loaded in this process.

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
        """Have all other processes use the files of this model, or fail."""
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
        """Return the model, which a process loads once."""
        key = self._key()
        model = _models.get(key)
        if model is not None:
            return model
        with _lock:
            if key not in _models:
                _models[key] = self._load_here()
            return _models[key]

    def _load_here(self) -> StaticModel:
        """Load the model in another process than the first, perhaps on another machine."""
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
    """Make a new lock: a thread that the child lacks may have held the old one."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _commit(folder: str) -> str | None:
    """Return the commit of a model in the hub's cache, which may lie in a folder of its snapshot."""
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
