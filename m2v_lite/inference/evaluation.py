"""Computes precision, recall and F1 for each class, and their averages, from predicted and true labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIGURES = ("precision", "recall", "f1-score", "support")


def evaluate_single_or_multi_label(predictions: NDArray[Any], y: Sequence[Any]) -> dict[str, Any]:
    """Return a classification report as a dictionary, like scikit-learn's `classification_report`.

    The precision of a class is the share of texts predicted to have the class that really have it. The recall
    is the share of texts with the class that were predicted to have it. F1 is
    `2 * precision * recall / (precision + recall)`. A division by 0 counts as 0
    (https://scikit-learn.org/stable/modules/generated/sklearn.metrics.classification_report.html).

    Args:
        predictions: (texts,) the predicted label of each text, or the predicted labels of each text.
        y: the true labels, in the same form.

    Returns:
        A dictionary with an entry for each class, named by its label as a str, and for "macro avg" and
        "weighted avg". Each entry is a dictionary with "precision", "recall", "f1-score" and "support" (the
        number of texts with the class). "accuracy" is the share of texts whose labels are all correct.

    Examples:
        >>> report = evaluate_single_or_multi_label(np.array(["a", "b", "b"]), ["a", "a", "b"])
        >>> report["b"]
        {'precision': 0.5, 'recall': 1.0, 'f1-score': 0.6666666666666666, 'support': 1.0}
        >>> round(report["accuracy"], 2)
        0.67
    """
    true = [label.tolist() if hasattr(label, "tolist") else label for label in y]
    if true and isinstance(true[0], (list, tuple, set)):
        true_sets = [set(labels) for labels in true]
        found_sets = [set(labels) for labels in predictions]
    else:
        true_sets = [{label} for label in true]
        found_sets = [{label} for label in predictions.tolist()]
    classes = sorted(set().union(*true_sets, *found_sets))
    expected, found = _membership(true_sets, classes), _membership(found_sets, classes)
    support = expected.sum(axis=0)
    hits = (expected & found).sum(axis=0).astype(float)
    precision = _share(hits, found.sum(axis=0))
    recall = _share(hits, support)
    f1 = _share(2 * precision * recall, precision + recall)
    total = float(support.sum())
    columns = (precision, recall, f1)

    report: dict[str, Any] = {
        str(name): dict(zip(FIGURES, (*map(float, numbers), float(texts)), strict=True))
        for name, *numbers, texts in zip(classes, *columns, support, strict=True)
    }
    report["accuracy"] = float((expected == found).all(axis=1).mean())
    weights = _share(support, np.full(len(classes), total))
    report["macro avg"] = _averages([float(column.mean()) for column in columns], total)
    report["weighted avg"] = _averages([float((column * weights).sum()) for column in columns], total)
    return report


def _membership(sets: Iterable[set[Any]], classes: Sequence[Any]) -> NDArray[np.bool_]:
    """Return which classes each set contains, (sets, classes)."""
    return np.array([[name in labels for name in classes] for labels in sets], bool).reshape(-1, len(classes))


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[Any]:
    """Return `part / whole`, or 0 where `whole` is 0."""
    part = part.astype(float)
    shares: NDArray[Any] = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return shares


def _averages(numbers: Sequence[float], total: float) -> dict[str, float]:
    return dict(zip(FIGURES, (*numbers, total), strict=True))
