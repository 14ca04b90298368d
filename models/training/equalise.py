"""Histogram equalisation of faces, and its weighted sum with the grey values as they are.

`visaged.equalisation` in the metadata of a model file is the weight; the program computes the
same in `src/classifier/equalise.rs`.
"""

from __future__ import annotations

import torch


def equalise(faces: torch.Tensor, weight: float) -> torch.Tensor:
    """weight × equalised + (1 − weight) × grey, for faces (count, 1, height, width), 0 to 255.

    The histogram is taken of each face's values rounded (half to even) to 0..255. As OpenCV's
    `equalizeHist`, a value becomes round(255 × (cdf(value) − cdf_min) / (pixels − cdf_min)), in
    float32. A face of one value stays as it is; with weight 0, all do (also in their type),
    else the result is float32.
    """
    if weight == 0:
        return faces
    grey = faces.float().flatten(1)
    values = grey.round().clamp(0, 255).long()
    counts = torch.zeros(len(values), 256, device=faces.device)
    counts.scatter_add_(1, values, torch.ones_like(grey))
    darkest = counts.gather(1, values.min(dim=1, keepdim=True).values)
    brighter = values.shape[1] - darkest
    table = ((counts.cumsum(dim=1) - darkest) * (255 / brighter)).round()
    mixed = weight * table.gather(1, values) + (1 - weight) * grey
    return torch.where(brighter == 0, grey, mixed).view(faces.shape)
