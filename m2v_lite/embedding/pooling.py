"""Contains the kernels that turn row ids and bounds into unit vectors: pure functions of arrays.

A batch is flat: `row_ids` holds the row ids of all its texts, one text after another. Text i owns
`row_ids[bounds[i]:bounds[i + 1]]`. Two kernels return the same bits, because both add a text's rows in token
order, as `rows.mean(axis=0)` does:

- *step* is for many short texts: it adds row p of all texts at once, for p = 0, 1, 2 ...;
- *loop* is for long texts: it gathers and sums one text after another.

The kernels read the table in place, row by row. They widen the bfloat16 codes of a uint16 table to float32
after the gather. Scratch memory has a limit that does not depend on the size of the batch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.embedding.dtypes import FLOAT16, FLOAT32, row_dtype, sum_dtype, widened

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The bytes that one gather copies: few enough to stay in the cache until they are added.
LOOP_BYTES = 1 << 20
STEP_BYTES = 1 << 18

# The fixed cost of one more step, and of one more text in the loop. The unit is the time to add one table
# element. A row costs more in a step than in the loop, because its sum may have left the cache. Measured with
# benchmarks/test_speed.py. These numbers change the speed, not the results.
STEP_COST = 12_000
LOOP_COST = 20_000
STEP_ROW_COST = 1.3


def mean_rows(
    table: NDArray[Any],
    row_ids: NDArray[np.intp],
    bounds: NDArray[np.intp],
    vectors: NDArray[Any],
    weights: NDArray[Any] | None = None,
    unit_length: bool = False,
) -> None:
    """Write the mean of each text's rows into `vectors`; a text without tokens gets zeros.

    Rows are summed in their own dtype, but float16 rows in float32, and int8 rows exactly. The mean is then
    rounded once, to the dtype of `vectors`. The result equals `numpy.mean` over axis 0, bit for bit.

    Args:
        table: (rows, dim); float64, float32, float16, int8, or uint16 for bfloat16 codes.
        row_ids: (tokens,) indices into the table. The caller must ensure that they are in range.
        bounds: (texts + 1,) ascending, from 0 to the number of tokens.
        vectors: (texts, dim), the output.
        weights: (tokens,) a factor for each row, or None.
        unit_length: whether to scale the means to length 1, as `scale_to_unit` does.

    Examples:
        The table has three rows and two columns. The first text has tokens 0 and 2, the second token 1:

        >>> table = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32)
        >>> vectors = np.empty((2, 2), dtype=np.float32)
        >>> mean_rows(table, np.array([0, 2, 1]), np.array([0, 2, 3]), vectors)
        >>> vectors
        array([[3., 4.],
               [3., 4.]], dtype=float32)
    """
    dim = table.shape[1]
    lengths = np.diff(bounds)
    longest_first = np.argsort(-lengths, kind="stable")
    # numpy sums a single column pairwise instead of in order. Only *loop* can do the same.
    long_texts = len(lengths) if dim == 1 else how_many_are_long(lengths[longest_first], dim)
    texts_at_once = max(1, STEP_BYTES // (dim * 4))
    for first in range(0, len(lengths), texts_at_once):
        texts = longest_first[first : first + texts_at_once]
        means = _means_of_block(
            table, row_ids, bounds[texts], lengths[texts], max(0, long_texts - first), vectors.dtype, weights
        )
        if unit_length:
            scale_to_unit(means)
        vectors[texts] = means


def mean_row(
    table: NDArray[Any], row_ids: NDArray[np.intp], weights: NDArray[Any] | None, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Return the mean of one text's rows, (dim,): the same bits as `mean_rows`, with less set-up.

    Args:
        table: as for `mean_rows`.
        row_ids: (tokens,) indices in range.
        weights: (tokens,) a factor for each row, or None.
        dtype: the dtype of the result.
    """
    length, dim = len(row_ids), table.shape[1]
    if not 0 < length <= LOOP_BYTES // (8 * dim) or not can_take(table):
        vectors = np.empty((1, dim), dtype)
        mean_rows(table, row_ids, np.array([0, length]), vectors, weights)
        return vectors.reshape(-1)
    rows = widened(table.take(row_ids, 0))
    if weights is not None:
        rows = rows * weights[:, None]
    sums = np.add.reduce(rows, dtype=sum_dtype(rows.dtype, length))
    return _means(sums, np.array(length), rows.dtype, dtype)


def mean_of_rows(rows: NDArray[Any]) -> NDArray[Any]:
    """Return the mean of rows of floats, (dim,): the same bits as `mean_row` of a float32 table.

    Args:
        rows: (tokens, dim), at least one.

    Examples:
        >>> mean_of_rows(np.array([[1, 2], [5, 6]], dtype=np.float32))
        array([3., 4.], dtype=float32)
    """
    mean: NDArray[Any] = np.add.reduce(rows)
    mean /= len(rows)
    return mean


def unit(vector: NDArray[Any]) -> NDArray[Any]:
    """Return one vector scaled to length 1: the same bits as `scale_to_unit`. Overwrites float32.

    Examples:
        >>> unit(np.array([3, 4], dtype=np.float32))
        array([0.6, 0.8], dtype=float32)
    """
    single = vector if vector.dtype == FLOAT32 else vector.astype(np.float32)
    # This root is float64. The division rounds it to float32, which equals a root taken in float32.
    norm = math.sqrt(np.add.reduce(single * single))
    if norm < 1e-16:  # above that, adding 1e-32 changes nothing
        norm = float(np.float32(norm) + np.float32(1e-32))
    single /= norm
    return single if vector is single else single.astype(vector.dtype)


def scale_to_unit(vectors: NDArray[Any]) -> None:
    """Scale each row to length 1 in place. A row of zeros stays a row of zeros.

    The formula is model2vec's: `v / (norm(v) + 1e-32)`, calculated in float32 and rounded to the dtype of
    `vectors`. (In float16, the norm itself could overflow.)

    Args:
        vectors: (texts, dim), any float dtype.

    Examples:
        >>> vectors = np.array([[3, 4], [0, 0]], dtype=np.float32)
        >>> scale_to_unit(vectors)
        >>> vectors
        array([[0.6, 0.8],
               [0. , 0. ]], dtype=float32)
    """
    single = vectors.astype(np.float32, copy=False)
    # This equals numpy.linalg.norm in float32. The root is taken in float64 and then rounded, because the
    # vector unit of ARMv7 does not round float32 roots as IEEE 754 demands. Elsewhere the bits are the same.
    roots = np.sqrt(np.add.reduce(single * single, axis=1, keepdims=True), dtype=np.float64)
    np.divide(single, roots.astype(np.float32) + np.float32(1e-32), out=vectors, casting="unsafe")


def gather(
    table: NDArray[Any],
    row_ids: NDArray[np.intp],
    weights: NDArray[Any] | None = None,
    scratch: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Return `table[row_ids]`, with bfloat16 codes widened to float32 and each row multiplied by its weight.

    Args:
        table: (rows, dim), as for `mean_rows`.
        row_ids: (tokens,) indices in range.
        weights: (tokens,) a factor for each row, or None. With weights, the result has the
            dtype to which numpy promotes the two.
        scratch: a buffer (at least tokens, dim) in the table's dtype, or None. The result may be a view of
            it.

    Examples:
        >>> codes = np.array([[0x3F80, 0xC000]], dtype=np.uint16)  # bfloat16 of 1 and -2
        >>> gather(codes, np.array([0]), np.array([0.5]))
        array([[ 0.5, -1. ]])
    """
    if scratch is None or not can_take(table):
        rows = table[row_ids]
    else:
        # With mode="clip", numpy writes straight into `out`. Otherwise it writes to a copy of `out` first.
        rows = table.take(row_ids, axis=0, out=scratch[: len(row_ids)], mode="clip")
    rows = widened(rows)
    return rows if weights is None else rows * weights[:, None]


def can_take(table: NDArray[Any]) -> bool:
    """Return whether `take` reads `table` in place. It copies a table of any other layout whole."""
    return table.flags.c_contiguous and table.flags.aligned and table.dtype.isnative


def how_many_are_long(lengths: NDArray[np.intp], dim: int) -> int:
    """Return how many of the longest texts *loop* should take, so that the whole batch costs least.

    A step has a fixed cost, which a few long texts would pay for every token. In the loop, each text has a
    fixed cost, which would add up for many short texts.

    Args:
        lengths: (texts,) the number of tokens of each text, descending.
        dim: the number of columns of the table.

    Examples:
        >>> how_many_are_long(np.array([400, 350, *[20] * 500]), dim=256)
        2
    """
    # Calculate in float64: these products overflow the 32-bit integers of ARMv7.
    rows = np.concatenate([[0.0], np.cumsum(lengths)])
    steps = np.concatenate([lengths, [0.0]])
    in_loop = np.arange(len(steps)) * LOOP_COST + rows * dim
    in_steps = steps * STEP_COST + (rows[-1] - rows) * dim * STEP_ROW_COST
    return int(np.argmin(in_loop + in_steps))


def _means_of_block(
    table: NDArray[Any],
    row_ids: NDArray[np.intp],
    starts: NDArray[np.intp],
    lengths: NDArray[np.intp],
    long_texts: int,
    dtype: np.dtype[Any],
    weights: NDArray[Any] | None,
) -> NDArray[Any]:
    """Return the means of texts whose `lengths` descend: `long_texts` of them by *loop*, others by *step*."""
    of_rows = row_dtype(table.dtype, None if weights is None else weights.dtype)
    sums = np.empty((len(lengths), table.shape[1]), sum_dtype(of_rows, int(lengths[0])))
    loop = lengths[:long_texts]
    _loop(table, row_ids, starts[:long_texts].tolist(), loop.tolist(), sums[:long_texts], weights)
    if len(loop) < len(lengths):
        _step(table, row_ids, starts[long_texts:], lengths[long_texts:], sums[long_texts:], weights)
    return _means(sums, np.maximum(lengths, 1)[:, None], of_rows, dtype)


def _means(
    sums: NDArray[Any], lengths: NDArray[np.intp], of_rows: np.dtype[Any], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Divide sums as `numpy.mean` does: whole numbers in float64, all others in their dtype.

    Args:
        sums: overwritten.
        lengths: what to divide by; its shape is one to which numpy broadcasts.
        of_rows: the dtype of the rows that were summed.
        dtype: the dtype of the result.
    """
    if sums.dtype.kind == "f":
        means = np.divide(sums, lengths.astype(sums.dtype), out=sums)
    else:
        means = np.divide(sums, lengths, dtype=np.float64)
    if of_rows == FLOAT16:
        # The mean of float16 rows is float16, also if int8 rows times float16 weights give float32 vectors.
        means = means.astype(np.float16)
    vectors: NDArray[Any] = means.astype(dtype, copy=False)
    return vectors


def _step(
    table: NDArray[Any],
    row_ids: NDArray[np.intp],
    starts: NDArray[np.intp],
    lengths: NDArray[np.intp],
    sums: NDArray[Any],
    weights: NDArray[Any] | None,
) -> None:
    """Sum texts whose `lengths` descend into `sums`: row p of all texts that have one, for p = 0, 1, 2 ..."""
    longest = int(lengths[0])
    # active[p]: how many texts have more than p tokens; they come first.
    active = len(lengths) - np.searchsorted(lengths[::-1], np.arange(longest), side="right")
    # All tokens in the order of the steps.
    positions = np.repeat(np.arange(longest), active)
    tokens = (
        starts.take(np.arange(len(positions)) - np.repeat(np.cumsum(active) - active, active)) + positions
    )
    ids = row_ids.take(tokens)
    token_weights = None if weights is None else weights.take(tokens)
    scratch = np.empty((len(lengths), table.shape[1]), table.dtype)
    sums[int(np.count_nonzero(lengths)) :] = 0
    done = 0
    for count in active.tolist():
        part = slice(done, done + count)
        # The first rows are gathered where they are summed, if nothing has to be done to them.
        target = sums if not done and scratch.dtype == sums.dtype else scratch
        rows = gather(table, ids[part], None if token_weights is None else token_weights[part], target)
        if done:
            np.add(sums[:count], rows, out=sums[:count])
        elif not np.may_share_memory(rows, sums):
            sums[:count] = rows
        done += count


def _loop(
    table: NDArray[Any],
    row_ids: NDArray[np.intp],
    starts: list[int],
    lengths: list[int],
    sums: NDArray[Any],
    weights: NDArray[Any] | None,
) -> None:
    """Sum texts one by one into `sums`."""
    if not lengths:
        return
    at_once = max(1, LOOP_BYTES // (table.shape[1] * max(table.itemsize, sums.itemsize)))
    if table.shape[1] == 1:
        at_once = max(1, *lengths)  # a pairwise sum cannot be taken in parts
    scratch = np.empty((min(at_once, max(lengths)), table.shape[1]), table.dtype)
    for start, length, own_sums in zip(starts, lengths, sums, strict=True):
        if not length:
            own_sums[:] = 0
        for first in range(start, start + length, at_once):
            part = slice(first, min(first + at_once, start + length))
            rows = gather(table, row_ids[part], None if weights is None else weights[part], scratch)
            if first > start:  # go on adding in token order, from the sum so far
                rows = np.concatenate([own_sums[None], rows], dtype=sums.dtype)
            np.add.reduce(rows, axis=0, dtype=sums.dtype, out=own_sums)
