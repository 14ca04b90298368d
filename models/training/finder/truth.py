"""Truth squares, and the counting of hits.

A face is a square, made from five facial points by one rule, so that every set is framed
alike: with E the middle between the eyes, M the middle of the mouth, d the distance between
the eyes and v = |M − E|, the side is 1.35 (d + v) and the centre E + 0.294 (M − E).
Squares are rows (centre x, centre y, side) in pixels, the top left pixel covering 0..1.
"""

from __future__ import annotations

import numpy as np


def square_of_points(points: np.ndarray) -> np.ndarray:
    """Squares (count, 3) of facial points (count, 5, 2): eye, eye, nose, mouth corner, corner."""
    eyes = points[:, 0:2].mean(axis=1)
    mouth = points[:, 3:5].mean(axis=1)
    apart = np.linalg.norm(points[:, 0] - points[:, 1], axis=1)
    high = np.linalg.norm(mouth - eyes, axis=1)
    centre = eyes + 0.294 * (mouth - eyes)
    return np.column_stack([centre, 1.35 * (apart + high)])


def turning(points: np.ndarray) -> np.ndarray:
    """How far each face is turned to a side: the nose's distance from the axis between the
    eyes and the mouth, in units of the larger of d and v; 0 from the front, 0.5 in profile."""
    eyes = points[:, 0:2].mean(axis=1)
    axis = points[:, 3:5].mean(axis=1) - eyes
    apart = np.linalg.norm(points[:, 0] - points[:, 1], axis=1)
    high = np.linalg.norm(axis, axis=1)
    nose = points[:, 2] - eyes
    off = (nose[:, 0] * axis[:, 1] - nose[:, 1] * axis[:, 0]) / np.maximum(high, 1e-6)
    return np.abs(off) / np.maximum(np.maximum(apart, high), 1e-6)


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of every square of `first` with every one of `second`."""
    first, second = first[:, None, :], second[None, :, :]
    low = np.maximum(first[..., :2] - first[..., 2:] / 2, second[..., :2] - second[..., 2:] / 2)
    high = np.minimum(first[..., :2] + first[..., 2:] / 2, second[..., :2] + second[..., 2:] / 2)
    both = np.clip(high - low, 0, None).prod(axis=-1)
    return both / (first[..., 2] ** 2 + second[..., 2] ** 2 - both)


def hits(found: np.ndarray, truth: np.ndarray, least: float = 0.5) -> np.ndarray:
    """For each found square the index of the truth that it hits, −1 if none.

    One to one, best pairs first; a pair counts from an overlap of `least` on.
    """
    result = np.full(len(found), -1)
    if not len(found) or not len(truth):
        return result
    table = overlaps(found, truth)
    while table.max() >= least:
        row, column = np.unravel_index(table.argmax(), table.shape)
        result[row] = column
        table[row, :] = -1
        table[:, column] = -1
    return result
