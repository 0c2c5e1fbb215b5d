"""The embedding function of LanceDB."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from m2v_lite.integrations.optional import missing
from m2v_lite.integrations.stored import stored_source
from m2v_lite.model import StaticModel

try:
    from lancedb.embeddings import TextEmbeddingFunction
    from lancedb.embeddings.registry import register
    from pydantic import ConfigDict, Field, PrivateAttr
except ImportError as error:
    raise missing("LanceDB", "lancedb") from error


@register("m2v-lite")
class M2VLiteEmbeddings(TextEmbeddingFunction):  # type: ignore[misc, unused-ignore]
    """An embedding function for the texts and queries of LanceDB tables.

    Create one with `get_registry().get("m2v-lite").create(name=...)`, or with `M2VLiteEmbeddings.create`. The
    table stores the arguments, so a process that opens it again only needs to import this module.

    Args:
        name: a model folder, a packed model, or a model name on the hub, as for
            `StaticModel.from_pretrained`. None means the bundled model, which works offline.
        token: an access token for the hub, as "$var:NAME". LanceDB refuses to store the token itself.
        normalize: whether to scale vectors to length 1. The default is the config's setting.
        subfolder: the model's folder inside `name`.
        quantize_to: convert the table to this dtype: "float16", "float32", "float64" or "int8".
        dimensionality: use only this many leading columns of the table.
        max_length: cut each text after this many tokens. The default is the config's setting.
        revision: a branch, tag or commit on the hub.
        cache_dir: the folder of the hub's cache, if it is not the usual one.
        local_files_only: whether to load only what is in the cache.
        max_retries: how often LanceDB tries again after an error. By default, it does not, because a second
            attempt would fail in the same way.

    Raises:
        pydantic.ValidationError: an argument is unknown or has the wrong type.
        M2VLiteError: the model cannot be loaded;
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained] lists the errors.

    Examples:
        >>> function = M2VLiteEmbeddings.create(dimensionality=64)
        >>> function.ndims(), function.compute_query_embeddings("boiling water")[0].shape
        (64, (64,))
    """

    model_config = ConfigDict(extra="forbid")

    name: str | Path | None = None
    token: str | None = Field(None, repr=False)
    normalize: bool | None = None
    subfolder: str | None = None
    quantize_to: str | None = None
    dimensionality: int | None = None
    max_length: int | None = None
    revision: str | None = None
    cache_dir: str | None = None
    local_files_only: bool = False
    max_retries: int = 0
    _model: StaticModel = PrivateAttr()

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        # None means something else than no value for one of them.
        given = self.model_fields_set - {"name", "max_retries"}
        options = {option: getattr(self, option) for option in given}
        self._model = StaticModel.from_pretrained(self.name, **options)

    @staticmethod
    def sensitive_keys() -> list[str]:
        """Return the arguments that must not be stored in plain text.

        Returns:
            The names of arguments.

        Examples:
            >>> M2VLiteEmbeddings.sensitive_keys()
            ['token']
        """
        return ["token"]

    def ndims(self) -> int:
        """Return the number of columns of a vector.

        Returns:
            The number of columns.

        Examples:
            >>> M2VLiteEmbeddings.create(dimensionality=64).ndims()
            64
        """
        return self._model.dim

    def generate_embeddings(
        self, texts: Iterable[str | None], *args: Any, **kwargs: Any
    ) -> list[NDArray[Any] | None]:
        """Encode texts.

        Args:
            texts: a list or numpy array of texts, with None for missing texts.
            *args: ignored; LanceDB may pass some.
            **kwargs: ignored; LanceDB may pass some.

        Returns:
            A list with one entry per text: its vector, (dim,), with the dtype that `StaticModel.encode`
            returns, or None for a missing text.

        Raises:
            InputTypeError: something in `texts` is not a text.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> tea, nothing = M2VLiteEmbeddings.create().generate_embeddings(["The kettle is on.", None])
            >>> tea.shape, nothing is None
            ((256,), True)
        """
        listed = list(texts)
        vectors = iter(self._model.encode([text for text in listed if text is not None]))
        return [None if text is None else next(vectors) for text in listed]

    def safe_model_dump(self) -> dict[str, Any]:
        """Return the arguments of `create` for the table to store. A relative path becomes absolute.

        Returns:
            A dict of arguments, in types that JSON supports.

        Examples:
            >>> M2VLiteEmbeddings.create(dimensionality=64).safe_model_dump()["dimensionality"]
            64
        """
        arguments = dict(super().safe_model_dump())
        name = arguments.get("name")
        if not (isinstance(name, str) and name.startswith("$var:")):
            arguments["name"] = stored_source("name", name)
        return arguments
