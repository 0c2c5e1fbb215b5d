"""Texts -> vectors, as the embeddings that chonkie's chunkers take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import PathLike, described
from m2v_lite.errors import InputTypeError
from m2v_lite.integrations.lists import vectors_of
from m2v_lite.integrations.optional import missing, model_of
from m2v_lite.model import StaticModel

try:
    from chonkie.embeddings import BaseEmbeddings
except ImportError as error:
    raise missing("chonkie", "chonkie") from error

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    Vector = NDArray[np.float32]


class M2VLiteEmbeddings(BaseEmbeddings):
    """Embeds sentences for chonkie's chunkers, and counts their tokens.

    Args:
        model: a model folder, a packed model, or a name on the hub, as for `StaticModel.from_pretrained`; or
            a `StaticModel`. None means the bundled model, which needs no network.
        **options: the other arguments of `StaticModel.from_pretrained`.

    Attributes:
        model: the `StaticModel`.

    Raises:
        M2VLiteError: as `StaticModel.from_pretrained` does.

    Examples:
        >>> from chonkie import SemanticChunker
        >>> chunker = SemanticChunker(M2VLiteEmbeddings(), chunk_size=128)
        >>> [chunk.text for chunk in chunker("The kettle is on. The tea is nearly ready.")]
        ['The kettle is on. The tea is nearly ready.']
    """

    def __init__(self, model: StaticModel | PathLike | None = None, **options: Any) -> None:
        super().__init__()
        self.model = model_of(model, **options)

    @property
    def dimension(self) -> int:
        """The number of columns of a vector."""
        return self.model.dim

    def embed(self, text: str) -> Vector:
        """Encode one text.

        Returns:
            (dim,) float32, whatever the table's dtype.

        Raises:
            InputTypeError: it is not a text.
            InputValueError: as `StaticModel.encode` does.
            TokenizationError: as `StaticModel.encode` does.
        """
        if not isinstance(text, str):
            raise InputTypeError(f"expected a text, got {described(text)}; call embed_batch for a list")
        vector: Vector = vectors_of(self.model, [text])[0]
        return vector

    def embed_batch(self, texts: Iterable[str]) -> list[Vector]:
        """Encode texts.

        Returns:
            A list with one vector per text. They are rows of one array.

        Raises:
            InputTypeError: `texts` is a single text, or holds something that is not a text.
            InputValueError: as `StaticModel.encode` does.
            TokenizationError: as `StaticModel.encode` does.
        """
        return list(vectors_of(self.model, texts))

    def similarity(self, u: Vector, v: Vector) -> np.float32:
        """Return the cosine of two vectors; 0 if one of them is zeros, as that of a text without tokens."""
        lengths = np.linalg.norm(u) * np.linalg.norm(v)
        cosine: np.float32 = np.float32(np.dot(u, v) / lengths if lengths else 0)
        return cosine

    def get_tokenizer(self) -> Tokenizer:
        """Return the model's tokenizer, with which chunkers count tokens."""
        return self.model.tokenizer

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r})"
