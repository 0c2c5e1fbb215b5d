"""The provider of Daft's function `embed_text`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.arguments import PathLike
from m2v_lite.integrations.embedder import Embedder
from m2v_lite.integrations.optional import missing

try:
    from daft import DataType
    from daft.ai.protocols import TextEmbedder, TextEmbedderDescriptor
    from daft.ai.provider import Provider
    from daft.ai.typing import EmbeddingDimensions, UDFOptions
except ImportError as error:
    raise missing("Daft", "daft") from error

# What Daft itself does about batches.
OF_DAFT = ("batch_size", "max_retries", "on_error", "concurrency")


class M2VLiteProvider(Provider):
    """A provider of vectors for `daft.functions.embed_text`.

    Pass it as `provider=`, or attach it once with `daft.attach_provider` and pass its name as `provider=`.

    Args:
        name: the name that Daft sessions use to find it.
        **options: the options of [`m2v_lite.Embedder`][m2v_lite.Embedder] for all columns, such as `null`,
            `errors` or `revision`.

    Attributes:
        name: the name that Daft sessions use to find it.

    Examples:
        >>> import daft
        >>> from daft.functions import embed_text
        >>> frame = daft.from_pydict({"text": ["The kettle is on.", "The train was late."]})
        >>> vectors = embed_text(frame["text"], provider=M2VLiteProvider(), dimensions=64)
        >>> frame.with_column("vector", vectors).schema()["vector"].dtype
        Embedding[Float32; 64]
    """

    def __init__(self, name: str = "m2v-lite", **options: Any) -> None:
        self._name, self._options = name, options

    @property
    def name(self) -> str:
        """The name that Daft sessions use to find this provider."""
        return self._name

    def get_text_embedder(
        self, model: PathLike | None = None, dimensions: int | None = None, **options: Any
    ) -> M2VLiteTextEmbedder:
        """Return an embedder for one column. `embed_text` calls this.

        Args:
            model: a model folder, a packed model or a model name on the hub, as for `m2v_lite.Embedder`. None
                means the bundled model.
            dimensions: keep only this many leading columns of the vectors.
            **options: Daft's own options (`batch_size`, `max_retries`, `on_error`, `concurrency`), and those
                of [`m2v_lite.Embedder`][m2v_lite.Embedder].

        Returns:
            A descriptor that Daft sends to its workers.

        Raises:
            InputTypeError: an option is unknown or has the wrong type.
            InputValueError: an option has an invalid value.
            M2VLiteError: the model cannot be loaded;
                [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained] lists the errors.

        Examples:
            >>> embedder = M2VLiteProvider().get_text_embedder(dimensions=64)
            >>> embedder.get_dimensions().size
            64
        """
        of_daft = {name: options.pop(name) for name in OF_DAFT if name in options}
        of_ours = {**self._options, **options}
        if dimensions is not None:
            of_ours["dimensionality"] = dimensions
        return M2VLiteTextEmbedder(Embedder(model, **of_ours), self._name, of_daft)


class M2VLiteTextEmbedder(TextEmbedderDescriptor, TextEmbedder):
    """Describes the vectors of a column to Daft, and makes them in any process.

    Args:
        embedder: what makes the vectors.
        provider: the name of the provider.
        of_daft: Daft's own options.
    """

    def __init__(self, embedder: Embedder, provider: str, of_daft: dict[str, Any]) -> None:
        self._embedder, self._provider, self._of_daft = embedder, provider, of_daft

    def get_provider(self) -> str:
        """Return the name of the provider."""
        return self._provider

    def get_model(self) -> str:
        """Return the path or the name of the model, or m2v-lite for the bundled model."""
        return "m2v-lite" if self._embedder.model is None else str(self._embedder.model)

    def get_options(self) -> dict[str, Any]:
        """Return Daft's own options."""
        return dict(self._of_daft)

    def get_udf_options(self) -> UDFOptions:
        """Return Daft's own options for Daft. By default, no retries: a text that fails once fails again."""
        return UDFOptions(**{"max_retries": 0, **self._of_daft})

    def get_dimensions(self) -> EmbeddingDimensions:
        """Return the number of columns of a vector, and their type."""
        return EmbeddingDimensions(self._embedder.dim, DataType.from_numpy_dtype(self._embedder.dtype))

    def instantiate(self) -> TextEmbedder:
        """Return the embedder for this process."""
        return self

    def embed_text(self, text: list[str]) -> list[NDArray[np.float32]]:
        """Encode a batch of texts.

        Args:
            text: the texts.

        Returns:
            The vector of each text, (dim,).

        Raises:
            InputTypeError: something in `text` is not a text.
            InputValueError: a text is not valid Unicode.
            M2VLiteError: the model cannot be loaded in this process.
        """
        return list(self._embedder(text))
