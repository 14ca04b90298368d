"""From a face box in a grey picture to the 48×48 crop that the network looks at.

This is the reference for the Rust side. Conventions:

* A picture is a `uint8` array (height, width), row by row from the top left, 0 = black.
* A box is `(x0, y0, x1, y1)` in pixels, as real numbers. Pixel (column, row) covers
  `column..column + 1` × `row..row + 1`, so its centre lies at +0.5.
* Where a box leaves the picture, the border pixels are continued outwards, by whole pixels and
  just far enough to hold the box. Of the picture so enlarged, and of nothing beyond it, the
  filter takes its pixels; where it would reach further, its weights are scaled to sum 1.
* The resize is separable, horizontal first, with the triangle filter of Pillow's
  `Image.resize(..., Image.BILINEAR, box=...)`. When it reduces, the filter grows with the
  reduction (support = max(1, scale) source pixels to each side), so nothing aliases. The
  result is 8 bits after each of the two passes, as Pillow stores it.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

CROP_SIZE_PX = 48
"""Side of the crop that every network of ours takes."""

Box = tuple[float, float, float, float]


def with_margin(x: float, y: float, side: float, margin: float) -> Box:
    """The square crop box of a detector's square box.

    `margin` is a fraction of `side` and is added on each of the four sides; negative values
    cut away. It is the `visaged.crop_margin` of the model file.
    """
    grow = margin * side
    return (x - grow, y - grow, x + side + grow, y + side + grow)


def crop_face(picture: np.ndarray, box: Box) -> np.ndarray:
    """The box of the picture as a (48, 48) `uint8` array."""
    height, width = picture.shape
    x0, y0, x1, y1 = box
    left = max(0, math.ceil(-x0))
    top = max(0, math.ceil(-y0))
    right = max(0, math.ceil(x1 - width))
    bottom = max(0, math.ceil(y1 - height))
    if left or top or right or bottom:
        picture = np.pad(picture, ((top, bottom), (left, right)), mode="edge")
    moved = (x0 + left, y0 + top, x1 + left, y1 + top)
    size = (CROP_SIZE_PX, CROP_SIZE_PX)
    crop = Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR, box=moved)
    return np.asarray(crop)
