"""Vectors -> probabilities: a head of linear layers, as model2vec 0.10 trains it.

The arithmetic is that of model2vec 0.10.0 (https://github.com/MinishLab/model2vec, `inference/mlp.py`):
float32 matrix products of all vectors at once. With the same numpy, the bits are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from m2v_lite.embedding.modules import sigmoid


class Activation(str, Enum):
    """What turns the numbers of the last layer into the output."""

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"
    IDENTITY = "identity"


class Layer(NamedTuple):
    """A linear layer: `vectors @ weight.T + bias`.

    Attributes:
        weight: (outputs, inputs).
        bias: (outputs,).
    """

    weight: NDArray[Any]
    bias: NDArray[Any]


class MLPHead:
    """Linear layers with ReLU between them, and an activation at the end.

    Args:
        layers: the layers; none leaves vectors as they are.
        activation: the activation at the end.
        classes: (outputs,) the labels; None for numbers that are no labels.

    Examples:
        >>> layer = Layer(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.0, 0.0]))
        >>> head = MLPHead([layer], Activation.SOFTMAX, np.array(["cold", "warm"]))
        >>> vectors = np.array([[0.0, 0.0], [0.0, 9.0]])
        >>> head.predict_proba(vectors).round(2)
        array([[0.5, 0.5],
               [0. , 1. ]])
        >>> head.classes_[head.predict_index(vectors)].tolist()
        ['cold', 'warm']
    """

    def __init__(
        self, layers: Sequence[Layer], activation: Activation, classes: NDArray[Any] | None = None
    ) -> None:
        self.layers = list(layers)
        self.activation = activation
        self.classes_ = classes

    def predict_proba(self, X: NDArray[Any]) -> NDArray[Any]:  # as in model2vec
        """Return the output, (texts, outputs), of vectors (texts, dim)."""
        numbers = self.predict_regression(X)
        if self.activation is Activation.SOFTMAX:
            return _softmax(numbers)
        return sigmoid(numbers) if self.activation is Activation.SIGMOID else numbers

    def predict_index(self, X: NDArray[Any]) -> NDArray[np.intp]:
        """Return the index of the likeliest class, (texts,)."""
        indexes: NDArray[np.intp] = np.argmax(self.predict_regression(X), axis=1)
        return indexes

    def predict_regression(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers of the last layer, (texts, outputs), without the activation."""
        for number, (weight, bias) in enumerate(self.layers):
            if number:
                X = np.maximum(X, 0.0)
            # OpenBLAS now and then reports an invalid number where all are finite.
            with np.errstate(invalid="ignore"):
                X = X @ weight.T + bias
        return X


def _softmax(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return probabilities that add up to 1 in each row. Without the shift, exp would overflow."""
    powers = np.exp(numbers - numbers.max(axis=-1, keepdims=True))
    probabilities: NDArray[Any] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities
