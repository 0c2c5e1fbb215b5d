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
    """A KeyBERT backend that embeds texts and words.

    Args:
        embedding_model: a model folder, a packed model, or a model name on the hub, as for
            `StaticModel.from_pretrained`; or a `StaticModel`. None means the bundled model, which works
            offline.
        **options: the other arguments of
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained]: `token`, `normalize`,
            `subfolder`, `quantize_to`, `dimensionality`, `max_length`, `force_download`, `revision`,
            `cache_dir`, `local_files_only`, `memo_bytes` and `preload`.

    Attributes:
        embedding_model: the loaded `StaticModel`.

    Raises:
        InputValueError: `embedding_model` is a `StaticModel`, and loading options are given too.
        M2VLiteError: the model cannot be loaded;
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained] lists the errors.

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
            InputTypeError: `documents` is a single text, or contains something that is not a text.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> M2VLiteBackend().embed(["The kettle is on.", "The train was late."]).shape
            (2, 256)
        """
        return vectors_of(self.embedding_model, documents, show_progress_bar=verbose)
