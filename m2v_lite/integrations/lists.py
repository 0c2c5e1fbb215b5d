"""A list of texts -> an array of vectors, for libraries that always pass a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import described
from m2v_lite.errors import InputTypeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.model import StaticModel


def vectors_of(model: StaticModel, texts: Iterable[str], **options: Any) -> NDArray[np.float32]:
    """Encode texts as float32, whatever the table's dtype.

    Args:
        model: the model.
        texts: a list, numpy array or other iterable of texts.
        options: the options of `StaticModel.encode`.

    Raises:
        InputTypeError: `texts` is a single text, or contains something that is not a text.
        InputValueError: a text is not valid Unicode.
        TokenizationError: the model's tokenizer cannot tokenize a text.

    Examples:
        >>> from m2v_lite import StaticModel
        >>> vectors_of(StaticModel.from_pretrained(), ["one", "two"]).shape
        (2, 256)
    """
    if isinstance(texts, str) or getattr(texts, "shape", None) == ():
        raise InputTypeError(f"expected a list of texts, got {described(texts)}; pass it in a list")
    return model.encode(texts, **options).astype(np.float32, copy=False)
