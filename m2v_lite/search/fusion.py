"""Combines the results of search by vectors and search by words."""

from __future__ import annotations

import numpy as np

from m2v_lite.search.nearest import Found

# How much a cosine counts against BM25. Known items of two corpora are found best with 5 to 7.
WEIGHT = 6


def fused(by_vectors: Found, by_words: Found, limit: int) -> Found:
    """Return chunks by the sum of what they score by words and, times `WEIGHT`, by vectors.

    A word that is rare has a high score by words, and common words have next to none: then vectors decide.

    Args:
        by_vectors: chunks with their cosines, among which are all chunks by words.
        by_words: chunks with their BM25. What is not among them scores 0.
        limit: how many chunks to return at most.

    Examples:
        >>> by_vectors = Found(np.array([7, 5, 3]), np.array([0.5, 0.4, 0.1], np.float32))
        >>> by_words = Found(np.array([5]), np.array([3.0]))
        >>> fused(by_vectors, by_words, 2)
        Found(chunks=array([5, 7]), scores=array([5.4, 3. ], dtype=float32))
    """
    order = np.argsort(by_vectors.chunks)
    chunks = by_vectors.chunks[order]
    with np.errstate(all="ignore"):  # a damaged file may hold any numbers
        scores = WEIGHT * by_vectors.scores[order]
        scores[np.searchsorted(chunks, by_words.chunks)] += by_words.scores
    best = np.lexsort((chunks, -scores))[:limit]
    return Found(chunks[best], scores[best])
