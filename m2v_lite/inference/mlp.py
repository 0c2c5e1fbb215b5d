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
    """What turns the numbers of the last layer into the output; its value is the name in a config.

    `SOFTMAX` is for one label a text: probabilities that add up to 1, `exp(x) / sum(exp(x))`. `SIGMOID` is
    for several labels a text: a probability for each, `1 / (1 + exp(-x))`. `IDENTITY` is for numbers that are
    no probabilities, which stay as they are.

    Examples:
        >>> Activation("softmax") is Activation.SOFTMAX, Activation.SIGMOID.value
        (True, 'sigmoid')
    """

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"
    IDENTITY = "identity"


class Layer(NamedTuple):
    """A linear layer: `vectors @ weight.T + bias`. It is a named tuple.

    Attributes:
        weight: (outputs, inputs) floats.
        bias: (outputs,) floats.

    Examples:
        >>> layer = Layer(weight=np.array([[1.0, 0.0, 2.0]]), bias=np.array([0.5]))
        >>> np.array([[3.0, 9.0, 1.0]]) @ layer.weight.T + layer.bias
        array([[5.5]])
    """

    weight: NDArray[Any]
    bias: NDArray[Any]


class MLPHead:
    """Linear layers with ReLU between them, and an activation at the end.

    The arithmetic is that of model2vec 0.10.0 (https://github.com/MinishLab/model2vec, `inference/mlp.py`).

    Args:
        layers: the layers; none leaves vectors as they are.
        activation: the activation at the end.
        classes: (outputs,) the labels; None for numbers that are no labels.

    Attributes:
        layers: a list of the layers.
        activation: the activation at the end.
        classes_: (outputs,) the labels, or None.

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
        """Return the output of the head: the numbers of the last layer, with the activation.

        Args:
            X: (texts, dim) vectors.

        Returns:
            (texts, outputs) floats: probabilities, or with `IDENTITY` the numbers themselves.

        Examples:
            >>> layer = Layer(np.eye(2), np.zeros(2))
            >>> head = MLPHead([layer], Activation.SOFTMAX, np.array(["cold", "warm"]))
            >>> head.predict_proba(np.array([[0.0, 0.0], [0.0, 9.0]])).round(2)
            array([[0.5, 0.5],
                   [0. , 1. ]])
        """
        numbers = self.predict_regression(X)
        if self.activation is Activation.SOFTMAX:
            return _softmax(numbers)
        return sigmoid(numbers) if self.activation is Activation.SIGMOID else numbers

    def predict_index(self, X: NDArray[Any]) -> NDArray[np.intp]:
        """Return the index of the likeliest class of each vector.

        Args:
            X: (texts, dim) vectors.

        Returns:
            (texts,) integers, indexes of `classes_`.

        Examples:
            >>> layer = Layer(np.eye(2), np.zeros(2))
            >>> head = MLPHead([layer], Activation.SOFTMAX, np.array(["cold", "warm"]))
            >>> head.classes_[head.predict_index(np.array([[9.0, 0.0], [0.0, 9.0]]))].tolist()
            ['cold', 'warm']
        """
        indexes: NDArray[np.intp] = np.argmax(self.predict_regression(X), axis=1)
        return indexes

    def predict_regression(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers of the last layer, without the activation.

        Args:
            X: (texts, dim) vectors.

        Returns:
            (texts, outputs) floats.

        Examples:
            >>> head = MLPHead([Layer(np.array([[2.0, 0.0]]), np.array([1.0]))], Activation.IDENTITY)
            >>> head.predict_regression(np.array([[3.0, 9.0]]))
            array([[7.]])
        """
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
