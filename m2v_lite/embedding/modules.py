"""Applies the sentence-transformers modules that come after the table to the means of rows.

The formulas are the same as in PyTorch: `normalize` (https://docs.pytorch.org/docs/stable/nn.functional.html)
and the linear layer and activations of `torch.nn` (https://docs.pytorch.org/docs/stable/nn.html).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from m2v_lite.embedding.dtypes import FLOAT32, widened
from m2v_lite.errors import InvalidModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHORTEST = 1e-12  # what `normalize` divides by if a vector is shorter


def sigmoid(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return a probability for each number. For negative numbers, the other form does not overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.exp(numbers)
        probabilities: NDArray[Any] = np.where(
            numbers >= 0, 1 / (1 + np.exp(-numbers)), powers / (1 + powers)
        )
    return probabilities


def gelu(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return each number, times the probability that a normal variable is below it."""
    erf = np.vectorize(math.erf, otypes=[np.float64])  # numpy has none
    result: NDArray[Any] = (numbers * 0.5 * (1 + erf(numbers / math.sqrt(2)))).astype(numbers.dtype)
    return result


ACTIVATIONS: Mapping[str, Callable[[Any], Any]] = {
    "Identity": lambda numbers: numbers,
    "Tanh": np.tanh,
    "ReLU": lambda numbers: np.maximum(numbers, 0),
    "Sigmoid": sigmoid,
    "SiLU": lambda numbers: numbers * sigmoid(numbers),
    "GELU": gelu,
}


class Module(Protocol):
    """Takes vectors (texts, columns), and returns vectors (texts, columns) that may have other columns."""

    def __call__(self, vectors: NDArray[Any]) -> NDArray[Any]: ...

    def columns(self, before: int) -> int:
        """Return how many columns it returns if it takes `before`."""
        ...


class Normalize:
    """Scales vectors to length 1. A vector of zeros stays one.

    Examples:
        >>> Normalize()(np.array([[3.0, 4.0], [0.0, 0.0]]))
        array([[0.6, 0.8],
               [0. , 0. ]])
    """

    def __str__(self) -> str:
        return "Normalize"

    def __call__(self, vectors: NDArray[Any]) -> NDArray[Any]:
        lengths = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
        scaled: NDArray[Any] = vectors / np.maximum(lengths, SHORTEST).astype(vectors.dtype)
        return scaled

    def columns(self, before: int) -> int:
        return before


class LeadingColumns:
    """Keeps the first columns, and does not scale what is left."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __str__(self) -> str:
        return f"{self.most} columns"

    def __call__(self, vectors: NDArray[Any]) -> NDArray[Any]:
        return vectors[:, : self.most]

    def columns(self, before: int) -> int:
        return min(before, self.most)


class Dense:
    """A linear layer with an activation.

    Args:
        weight: (outputs, inputs) float32 or float64; or float16 or uint16 for bfloat16 codes, which are
            widened to float32 once.
        bias: (outputs,), or None.
        activation: a name in `ACTIVATIONS`.
        residual: (outputs, inputs) of a second layer whose output is added at the end; "same" if the input
            itself is added; None for neither.

    Examples:
        >>> layer = Dense(np.array([[1.0, -1.0]]), np.array([0.5]), "ReLU")
        >>> layer(np.array([[1.0, 1.0], [1.0, 3.0]])).tolist()
        [[0.5], [0.0]]
    """

    def __init__(
        self,
        weight: NDArray[Any],
        bias: NDArray[Any] | None,
        activation: str,
        residual: NDArray[Any] | str | None = None,
    ) -> None:
        self.weight, self.bias, self.activation, self.residual = weight, bias, activation, residual

    def __str__(self) -> str:
        outputs, inputs = self.weight.shape
        return f"Dense ({inputs} to {outputs}, {self.activation})"

    @cached_property
    def _widened(self) -> list[NDArray[Any] | None]:
        arrays = (self.weight, self.bias, None if isinstance(self.residual, str) else self.residual)
        return [None if array is None else single_at_least(array) for array in arrays]

    def __call__(self, vectors: NDArray[Any]) -> NDArray[Any]:
        weight, bias, residual = self._widened
        assert weight is not None
        numbers = vectors @ weight.T
        if bias is not None:
            numbers = numbers + bias
        numbers = ACTIVATIONS[self.activation](numbers)
        if isinstance(self.residual, str):
            numbers = numbers + vectors
        elif residual is not None:
            numbers = numbers + vectors @ residual.T
        result: NDArray[Any] = numbers
        return result

    def columns(self, before: int) -> int:
        outputs, inputs = self.weight.shape
        if before != inputs:
            raise InvalidModelError(
                f"the vectors have {before} columns, but a Dense module takes {inputs}; give a table with as "
                "many columns as the model's own"
            )
        return int(outputs)


def single_at_least(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array of 16 bits as float32; others stay as they are."""
    numbers = widened(array)
    return np.asarray(numbers, np.result_type(numbers.dtype, FLOAT32))


def applied(modules: Sequence[Module], vectors: NDArray[Any]) -> NDArray[Any]:
    """Return what the modules, one after the other, make of vectors (texts, columns)."""
    for module in modules:
        vectors = module(vectors)
    return vectors


def ignore_scale(modules: Sequence[Module], otherwise: bool) -> bool:
    """Return whether the scale of the means makes no difference to the vectors.

    Args:
        modules: what happens to the means.
        otherwise: what holds if that is neither scaling nor a Dense module.
    """
    first = next((module for module in modules if not isinstance(module, LeadingColumns)), None)
    return otherwise if first is None else isinstance(first, Normalize)


def columns_behind(modules: Sequence[Module], columns: int) -> int:
    """Return how many columns the modules return if they take `columns`."""
    for module in modules:
        columns = module.columns(columns)
    return columns
