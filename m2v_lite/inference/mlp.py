"""`MLPHead`, a head of linear layers that turns vectors into probabilities, as in model2vec 0.10.

The arithmetic is the same as in model2vec 0.10.0 (https://github.com/MinishLab/model2vec,
`inference/mlp.py`): float32 matrix products of all vectors at once. With the same numpy, the results are
identical to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from m2v_lite.embedding.modules import sigmoid


class Activation(str, Enum):
    """The function that turns the numbers of the last layer into the output.

    The value of each member is its name in a config.

    - `SOFTMAX` is for one label per text. It returns probabilities that add up to 1, `exp(x) / sum(exp(x))`.
    - `SIGMOID` is for several labels per text. It returns a probability for each, `1 / (1 + exp(-x))`.
    - `IDENTITY` is for numbers that are not probabilities. It returns them unchanged.

    Examples:
        >>> Activation("softmax") is Activation.SOFTMAX, Activation.SIGMOID.value
        (True, 'sigmoid')
    """

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"
    IDENTITY = "identity"


class Layer(NamedTuple):
    """A linear layer, `vectors @ weight.T + bias`, as a named tuple.

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
    """Linear layers with ReLU between them and an activation after the last layer.

    The arithmetic is the same as in model2vec 0.10.0 (https://github.com/MinishLab/model2vec,
    `inference/mlp.py`).

    Args:
        layers: the layers. Without layers, the activation applies to the vectors themselves.
        activation: the activation after the last layer.
        classes: (outputs,) the labels; None if the outputs are not labels.

    Attributes:
        layers: a list of the layers.
        activation: the activation after the last layer.
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
        """Return the output of the head: the numbers of the last layer after the activation.

        Args:
            X: (texts, dim) vectors.

        Returns:
            (texts, outputs) floats: probabilities, or the numbers of the last layer for `IDENTITY`.

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
        """Return the index of the most probable class for each vector.

        Args:
            X: (texts, dim) vectors.

        Returns:
            (texts,) integers, indexes into `classes_`.

        Examples:
            >>> layer = Layer(np.eye(2), np.zeros(2))
            >>> head = MLPHead([layer], Activation.SOFTMAX, np.array(["cold", "warm"]))
            >>> head.classes_[head.predict_index(np.array([[9.0, 0.0], [0.0, 9.0]]))].tolist()
            ['cold', 'warm']
        """
        indexes: NDArray[np.intp] = np.argmax(self.predict_regression(X), axis=1)
        return indexes

    def predict_regression(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers of the last layer, before the activation.

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
    """Return probabilities that add up to 1 in each row. Without the shift, exp could overflow."""
    powers = np.exp(numbers - numbers.max(axis=-1, keepdims=True))
    probabilities: NDArray[Any] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities
