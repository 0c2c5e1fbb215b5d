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
    """Makes the vectors of a LanceDB table, of its texts and of queries.

    Make it by `create`: `get_registry().get("m2v-lite").create(name=...)`, or by `create` of this class. The
    table stores the arguments. So a process that opens it again needs only to import this module.

    Args:
        name: a model folder, a packed model, or a name on the hub, as for `StaticModel.from_pretrained`. None
            means the bundled model, which needs no network.
        token: the hub's access token, as "$var:NAME": LanceDB lets nobody store the token itself.
        normalize: whether vectors are scaled to length 1. By default, the model's config says so.
        subfolder: the folder of the model in its repository or folder.
        quantize_to: the dtype that the table is converted to: "float16", "float32", "float64" or "int8".
        dimensionality: how many leading columns of the table are used.
        max_length: the number of tokens after which a text is cut. By default, the model's config says so.
        revision: a branch, tag or commit on the hub.
        cache_dir: the hub's cache, if it is not at the usual place.
        local_files_only: whether to load only what is in the cache.
        max_retries: how often LanceDB tries again after an error. By default it does not: a second attempt
            would fail as the first one did.

    Raises:
        pydantic.ValidationError: an argument is unknown, or of the wrong type.
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
        """Return the arguments that must not be stored as they are.

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
            texts: a list or numpy array of texts, or of None for missing ones.
            *args: ignored; LanceDB may pass some.
            **kwargs: ignored; LanceDB may pass some.

        Returns:
            A list with one vector per text, (dim,), of the dtype that `StaticModel.encode` returns. A missing
            text has none: None.

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
        """Return what the table stores: the arguments of `create`; a relative path becomes absolute.

        Returns:
            A dict of arguments, which JSON can hold.

        Examples:
            >>> M2VLiteEmbeddings.create(dimensionality=64).safe_model_dump()["dimensionality"]
            64
        """
        arguments = dict(super().safe_model_dump())
        name = arguments.get("name")
        if not (isinstance(name, str) and name.startswith("$var:")):
            arguments["name"] = stored_source("name", name)
        return arguments
