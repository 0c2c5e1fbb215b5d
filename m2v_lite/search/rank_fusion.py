"""Several orders of chunks -> one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from m2v_lite.search.nearest import NOTHING, Found

# The constant of the paper; it says how much less later ranks count.
K = 60


def fused(orders: Sequence[Found], limit: int) -> Found:
    """Return the chunks of several orders by the sum of their reciprocal ranks, 1 / (K + rank).

    The scores are these sums, divided by that of a chunk which is the first in all orders. So they are
    between 0 and 1. Source: Cormack, Clarke and Büttcher, Reciprocal Rank Fusion Outperforms Condorcet and
    Individual Rank Learning Methods, SIGIR 2009.

    Args:
        orders: the orders.
        limit: how many chunks to return at most.

    Example:
        >>> one = Found(np.array([7, 5]), np.array([0.9, 0.8]))
        >>> other = Found(np.array([5, 3]), np.array([12.0, 11.0]))
        >>> fused([one, other], 2)
        Found(chunks=array([5, 7]), scores=array([0.9919355, 0.5      ], dtype=float32))
    """
    chunks = np.concatenate([NOTHING.chunks, *(order.chunks for order in orders)])
    shares = [np.zeros(0), *(1 / (K + np.arange(1, len(order.chunks) + 1)) for order in orders)]
    different, which = np.unique(chunks, return_inverse=True)
    sums = np.bincount(which, np.concatenate(shares), len(different))
    order = np.lexsort((different, -sums))[:limit]
    return Found(different[order], (sums[order] * (K + 1) / max(1, len(orders))).astype(np.float32))
