"""Texts -> vectors, as embeddings for chonkie's chunkers."""

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
    """Embeddings for chonkie's chunkers. They also count tokens.

    Args:
        model: a model folder, a packed model, or a model name on the hub, as for
            `StaticModel.from_pretrained`; or a `StaticModel`. None means the bundled model, which works
            offline.
        **options: the other arguments of
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained]: `token`, `normalize`,
            `subfolder`, `quantize_to`, `dimensionality`, `max_length`, `force_download`, `revision`,
            `cache_dir`, `local_files_only`, `memo_bytes` and `preload`.

    Attributes:
        model: the loaded `StaticModel`.

    Raises:
        InputValueError: `model` is a `StaticModel`, and loading options are given too.
        M2VLiteError: the model cannot be loaded;
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained] lists the errors.

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

        Args:
            text: the text.

        Returns:
            (dim,) float32, whatever the table's dtype.

        Raises:
            InputTypeError: `text` is not a str.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> M2VLiteEmbeddings().embed("The kettle is on.").shape
            (256,)
        """
        if not isinstance(text, str):
            raise InputTypeError(f"expected a text, got {described(text)}; call embed_batch for a list")
        vector: Vector = vectors_of(self.model, [text])[0]
        return vector

    def embed_batch(self, texts: Iterable[str]) -> list[Vector]:
        """Encode texts.

        Args:
            texts: a list or other iterable of texts.

        Returns:
            A list with one vector per text, (dim,) float32. The vectors are rows of one array.

        Raises:
            InputTypeError: `texts` is a single text, or contains something that is not a text.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> [vector.shape for vector in M2VLiteEmbeddings().embed_batch(["One text.", "Another."])]
            [(256,), (256,)]
        """
        return list(vectors_of(self.model, texts))

    def similarity(self, u: Vector, v: Vector) -> np.float32:
        """Return the cosine similarity of two vectors.

        Args:
            u: a vector, (dim,).
            v: another vector, (dim,).

        Returns:
            A number from -1 to 1; 0 if one of the vectors is all zeros, as for a text without tokens.

        Examples:
            >>> embeddings = M2VLiteEmbeddings()
            >>> tea, water = embeddings.embed_batch(["The kettle is on.", "boiling water"])
            >>> round(float(embeddings.similarity(tea, water)), 2)
            0.45
        """
        lengths = np.linalg.norm(u) * np.linalg.norm(v)
        cosine: np.float32 = np.float32(np.dot(u, v) / lengths if lengths else 0)
        return cosine

    def get_tokenizer(self) -> Tokenizer:
        """Return the model's tokenizer, which chunkers use to count tokens.

        Returns:
            A `tokenizers.Tokenizer`.

        Examples:
            >>> M2VLiteEmbeddings().get_tokenizer().encode("to be", add_special_tokens=False).tokens
            ['to', 'be']
        """
        return self.model.tokenizer

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r})"
