"""Figures about probabilities: accuracy, macro-F1, calibration. Plain numpy."""

from __future__ import annotations

import numpy as np


def confusion(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Counts (7, 7): row = label, column = predicted class."""
    counts = np.zeros((7, 7), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def class_f1(counts: np.ndarray) -> np.ndarray:
    """F1 of each class, (7,), from a confusion matrix; 0 where a class never occurs."""
    hits = np.diag(counts)
    total = counts.sum(axis=0) + counts.sum(axis=1)
    return np.divide(2 * hits, total, out=np.zeros(7), where=total > 0)


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error (Guo et al. 2017), 0..1, over bins of equal width."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for index in range(bins):
        chosen = bin_of == index
        if chosen.any():
            error += chosen.mean() * abs(right[chosen].mean() - confidence[chosen].mean())
    return float(error)


def summary(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The three figures that everything is judged by, each 0..1."""
    predicted = probabilities.argmax(axis=1)
    return {
        "accuracy": float((predicted == labels).mean()),
        "macro_f1": float(class_f1(confusion(labels, predicted)).mean()),
        "calibration_error": calibration_error(probabilities, labels),
    }
