"""Texts -> an array of vectors, as a backend of KeyBERT."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from m2v_lite.arguments import PathLike
from m2v_lite.integrations.lists import vectors_of
from m2v_lite.integrations.optional import missing, model_of
from m2v_lite.model import StaticModel

try:
    from keybert.backend import BaseEmbedder
except ImportError as error:
    raise missing("KeyBERT", "keybert") from error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class M2VLiteBackend(BaseEmbedder):
    """Embeds texts and words for KeyBERT.

    Args:
        embedding_model: a model folder, a packed model, or a name on the hub, as for
            `StaticModel.from_pretrained`; or a `StaticModel`. None means the bundled model, which needs no
            network.
        **options: the other arguments of `StaticModel.from_pretrained`.

    Attributes:
        embedding_model: the `StaticModel`.

    Raises:
        M2VLiteError: as `StaticModel.from_pretrained` does.

    Examples:
        >>> from keybert import KeyBERT
        >>> model = KeyBERT(M2VLiteBackend())
        >>> [word for word, _ in model.extract_keywords("Plant garlic, and harvest the garlic.", top_n=2)]
        ['garlic', 'harvest']
    """

    def __init__(self, embedding_model: StaticModel | PathLike | None = None, **options: Any) -> None:
        super().__init__()
        self.embedding_model: StaticModel = model_of(embedding_model, **options)

    def embed(self, documents: Iterable[str], verbose: bool = False) -> NDArray[np.float32]:
        """Encode texts.

        Args:
            documents: a list, numpy array or other iterable of texts.
            verbose: whether to show a progress bar (needs tqdm).

        Returns:
            (texts, dim) float32, whatever the table's dtype.

        Raises:
            InputTypeError: `documents` is a single text, or holds something that is not a text.
            InputValueError: as `StaticModel.encode` does.
            TokenizationError: as `StaticModel.encode` does.
        """
        return vectors_of(self.embedding_model, documents, show_progress_bar=verbose)
