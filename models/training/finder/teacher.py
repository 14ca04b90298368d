"""Facial points by YuNet (Wu, Peng and Yu 2023), the teacher: from them come truth squares.

YuNet labels training material and clears face-free pictures of faces; it is not part of the
product.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from .truth import square_of_points

TILE_PX = 76
GAP_PX = 30
GRID = 3
PICTURE_PX = GRID * TILE_PX + (GRID + 1) * GAP_PX
"""A mosaic of 3×3 crops, each enlarged from 48 to 76 pixels, on grey."""


class Teacher:
    """YuNet at a score threshold."""

    def __init__(self, data: Path, threshold: float):
        model = data / "teachers" / "face_detection_yunet_2023mar.onnx"
        self.detector = cv2.FaceDetectorYN.create(str(model), "", (320, 320), threshold, 0.3, 5000)

    def points(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Facial points (count, 5, 2) and scores (count,) in a grey or BGR picture."""
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        self.detector.setInputSize((picture.shape[1], picture.shape[0]))
        _, rows = self.detector.detect(picture)
        if rows is None:
            return np.zeros((0, 5, 2), np.float32), np.zeros(0, np.float32)
        # YuNet's points are counted from pixel centres.
        return rows[:, 4:14].reshape(-1, 5, 2) + 0.5, rows[:, 14]

    def squares(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Truth squares (count, 3) and scores (count,)."""
        points, scores = self.points(picture)
        return square_of_points(points), scores


def label_crops(crops: np.ndarray, data: Path, threshold: float = 0.6) -> np.ndarray:
    """Facial points (count, 5, 2) of tight face crops (count, 48, 48), in pixels of the crop.

    NaN where YuNet sees no face or more than one.
    """
    teacher = Teacher(data, threshold)
    result = np.full((len(crops), 5, 2), np.nan, np.float32)
    scale = TILE_PX / crops.shape[1]
    starts = [GAP_PX + (TILE_PX + GAP_PX) * k for k in range(GRID)]
    places = [(x, y) for y in starts for x in starts]
    bar = tqdm(range(0, len(crops), len(places)), desc="facial points", mininterval=5)
    for first in bar:
        mosaic = np.full((PICTURE_PX, PICTURE_PX), 128, np.uint8)
        chosen = range(first, min(first + len(places), len(crops)))
        for index, (x, y) in zip(chosen, places):
            tile = cv2.resize(crops[index], (TILE_PX, TILE_PX), interpolation=cv2.INTER_CUBIC)
            mosaic[y : y + TILE_PX, x : x + TILE_PX] = tile
        points, _ = teacher.points(mosaic)
        middles = points.mean(axis=1)
        for index, (x, y) in zip(chosen, places):
            inside = np.all((middles >= (x, y)) & (middles < (x + TILE_PX, y + TILE_PX)), axis=1)
            if inside.sum() == 1:
                result[index] = (points[inside][0] - (x, y)) / scale
    return result
