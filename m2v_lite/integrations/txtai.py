"""Texts -> an array of vectors, as a vectors method for txtai."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.integrations.lists import vectors_of
from m2v_lite.integrations.optional import missing
from m2v_lite.model import StaticModel

try:
    from txtai.vectors import Vectors
except ImportError as error:
    raise missing("txtai", "txtai") from error

if TYPE_CHECKING:
    from numpy.typing import NDArray


class M2VLiteVectors(Vectors):
    """A vectors class for txtai. An index uses it by naming it as its `method`.

    txtai saves the settings with the index, so `Embeddings().load(path)` finds the class and the model again.
    In addition to txtai's settings for every method, these settings apply:

    - `path`: a model folder, a packed model, or a model name on the hub, as for
      `StaticModel.from_pretrained`. Without it, the bundled model is loaded, which works offline.
    - `vectors`: a dict of other arguments of `StaticModel.from_pretrained`. A `token` in it would be saved;
      it is better to set `HF_TOKEN`.
    - `encodeargs`: a dict of arguments of `StaticModel.encode`.

    txtai scales vectors to length 1. Here, the vector of a text without tokens stays all zeros. With other
    methods, it becomes NaN.

    Attributes:
        model: the loaded `StaticModel`.

    Examples:
        >>> from txtai import Embeddings
        >>> embeddings = Embeddings(method="m2v_lite.integrations.txtai.M2VLiteVectors", content=True)
        >>> embeddings.index(["The kettle is on.", "The train was late."])
        >>> embeddings.search("boiling water", 1)[0]["text"]
        'The kettle is on.'
    """

    def loadmodel(self, path: str | None) -> StaticModel:
        """Load the model that the settings name.

        Args:
            path: a model folder, a packed model or a model name on the hub. None means the bundled model.

        Returns:
            The model, loaded with the arguments in the setting `vectors`.

        Raises:
            M2VLiteError: the model cannot be loaded;
                [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained] lists the errors.

        Examples:
            >>> vectors = M2VLiteVectors({"path": None}, None, None)
            >>> vectors.loadmodel(None).dim
            256
        """
        return StaticModel.from_pretrained(path, **self.config.get("vectors", {}))

    def encode(self, data: Iterable[str], category: str | None = None) -> NDArray[np.float32]:
        """Encode texts. Queries and documents are encoded in the same way.

        Args:
            data: a list of texts.
            category: ignored.

        Returns:
            (texts, dim) float32, whatever the table's dtype.

        Raises:
            InputTypeError: `data` is a single text, or contains something that is not a text.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> vectors = M2VLiteVectors({"path": None}, None, None)
            >>> vectors.encode(["The kettle is on.", "boiling water"]).shape
            (2, 256)
        """
        return vectors_of(self.model, data, **self.config.get("encodeargs", {}))

    def normalize(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scale vectors to length 1. Vectors of zeros stay unchanged.

        Args:
            embeddings: (texts, dim) or (dim,) float32.

        Returns:
            A new array of the same shape and dtype.

        Examples:
            >>> vectors = M2VLiteVectors({"path": None}, None, None)
            >>> import numpy as np
            >>> vectors.normalize(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))
            array([[0.6, 0.8],
                   [0. , 0. ]], dtype=float32)
        """
        lengths = np.linalg.norm(embeddings, axis=-1, keepdims=True)
        lengths[lengths == 0] = 1
        scaled: NDArray[np.float32] = embeddings / lengths
        return scaled
