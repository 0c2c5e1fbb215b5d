"""A caller's texts -> a checked list of texts."""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Mapping, Sequence, Set

import numpy as np

from m2v_lite.arguments import check_unicode, described
from m2v_lite.errors import InputTypeError


def as_texts(sentences: str | Iterable[str]) -> tuple[Sequence[str], bool]:
    """Return the texts in `sentences`, and whether `sentences` is a single text.

    Args:
        sentences: a text; or a list, tuple, generator, numpy array or other iterable of texts. Any iterable
            except a list or a tuple is read into a list first.

    Raises:
        InputTypeError: `sentences` is not a text or an iterable of texts, or an item is not a `str`.

    Example:
        >>> as_texts("one")
        (['one'], True)
        >>> as_texts(word for word in ("one", "two"))
        (['one', 'two'], False)
    """
    if isinstance(sentences, str):
        return [sentences], True
    if isinstance(sentences, np.ndarray) and sentences.ndim < 2:
        sentences = sentences.tolist()
        return ([sentences], True) if isinstance(sentences, str) else as_texts(sentences)
    # Data frames, arrays of rows, mappings and sets are iterable, but do not give texts in a known order.
    unsuited = isinstance(sentences, (bytes, bytearray, Mapping, Set)) and not isinstance(sentences, KeysView)
    if unsuited or getattr(sentences, "ndim", 1) != 1 or not isinstance(sentences, Iterable):
        raise InputTypeError(
            f"expected a text or a list of texts, got {described(sentences)}; {_remedy(sentences)}"
        )
    texts = sentences if isinstance(sentences, (list, tuple)) else list(sentences)
    if not set(map(type, texts)) <= {str}:
        for index, text in enumerate(texts):
            if not isinstance(text, str):
                raise InputTypeError(f"text {index} is {described(text)}, not a str; {_remedy(text)}")
    return texts, False


def check_encodable(texts: Sequence[str], first: int) -> None:
    """Check that no text holds a lone surrogate, which is not a character and has no UTF-8 form.

    Args:
        texts: the texts of one batch.
        first: the index of the batch's first text among the caller's texts.

    Raises:
        InputValueError: a text holds a lone surrogate.
    """
    for index, text in enumerate(texts):
        if not text.isascii():
            check_unicode(text, f"text {first + index}")


def _remedy(value: object) -> str:
    if isinstance(value, (bytes, bytearray)):
        return "decode it first, for example with .decode('utf-8')"
    if isinstance(value, (list, tuple)):
        return "pass one flat list of texts"
    if isinstance(value, (Mapping, Set)) or getattr(value, "ndim", 1) > 1:
        return "pass a list of its texts, in the order you want the vectors"
    return "pass texts only, and '' for a missing text"
