"""Computes the similarity of vectors, with the function names of sentence-transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import described
from m2v_lite.errors import InputTypeError, InputValueError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FUNCTIONS = ("cosine", "dot", "euclidean", "manhattan")


def compared(config: dict[str, Any], first: ArrayLike, second: ArrayLike, is_pairwise: bool) -> NDArray[Any]:
    """Return how similar vectors are; see `CompareMethods.similarity`.

    Args:
        config: the model's settings.
        first, second: the vectors.
        is_pairwise: whether to compare each vector with the one at its place only.
    """
    name = config.get("similarity_fn_name") or "cosine"
    if name not in FUNCTIONS:
        raise InputValueError(
            f"similarity_fn_name in the model's config is {described(name)}; set it to one of "
            f"{', '.join(FUNCTIONS)}"
        )
    a, b = _vectors("embeddings1", first), _vectors("embeddings2", second)
    if a.shape[1] != b.shape[1]:
        raise InputValueError(
            f"embeddings1 has {a.shape[1]} columns, but embeddings2 has {b.shape[1]}; compare vectors of "
            "one model"
        )
    if is_pairwise and len(a) != len(b):
        raise InputValueError(
            f"embeddings1 has {len(a)} vectors, but embeddings2 has {len(b)}; give pairs, or use `similarity`"
        )
    if name == "cosine":
        a, b = _scaled(a), _scaled(b)
    result: NDArray[Any]
    if name in ("cosine", "dot"):
        result = (a * b).sum(axis=1) if is_pairwise else a @ b.T
    elif is_pairwise:
        result = -_distances(a - b, name)
    else:
        result = np.empty((len(a), len(b)), np.result_type(a, b))
        for row, vector in zip(result, a, strict=True):
            row[:] = -_distances(b - vector, name)
    return result


def _vectors(name: str, given: ArrayLike) -> NDArray[Any]:
    """Return vectors as rows of floats."""
    vectors = np.asarray(given)
    if vectors.dtype.kind in "US":
        raise InputTypeError(f"{name} holds texts; encode them first, with model.encode(texts)")
    if vectors.ndim not in (1, 2) or vectors.dtype.kind not in "fiu":
        raise InputValueError(
            f"{name} has the shape {vectors.shape} and the dtype {vectors.dtype}; give a vector, or an array "
            "of vectors, one per row"
        )
    return np.atleast_2d(vectors.astype(np.result_type(vectors.dtype, np.float32), copy=False))


def _scaled(vectors: NDArray[Any]) -> NDArray[Any]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[Any] = vectors / np.maximum(norms, 1e-12)  # a zero vector stays one
    return scaled


def _distances(differences: NDArray[Any], name: str) -> NDArray[Any]:
    distances: NDArray[Any]
    if name == "manhattan":
        distances = np.abs(differences).sum(axis=1)
    else:
        distances = np.sqrt((differences * differences).sum(axis=1))
    return distances
