"""Between the maps of the network and squares: reading, training targets and the loss.

Cell (row i, column j) of stride s has its centre at (s j + 0.5, s i + 0.5) in the picture. Its
channels are the score's logit, the offset dx, dy of the face's centre from it in strides, and
log(side / (4 s)).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from .network import SIDES_PX, STRIDES
from .truth import overlaps

OVERLAP = 0.4
"""Of two squares that overlap more than this, the one with the lower score goes."""

POSITIVE, IGNORED = 0.2, 0.36
"""Cells up to this far from the centre, in sides, answer for a face, or may say either."""

SLACK = 1.25
"""Up to this factor outside a map's range of sides, a face is neither wanted nor wrong."""


def decode(maps: list[np.ndarray], threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Squares (count, 3) and scores of one picture's maps (channels, rows, columns), best first."""
    squares, scores = [], []
    for stride, values in zip(STRIDES, maps):
        score = 1 / (1 + np.exp(-values[0].astype(np.float64)))
        i, j = np.nonzero(score >= threshold)
        _, dx, dy, log_side = values[:4, i, j].astype(np.float64)
        x = stride * (j + dx) + 0.5
        y = stride * (i + dy) + 0.5
        squares.append(np.column_stack([x, y, 4 * stride * np.exp(log_side)]))
        scores.append(score[i, j])
    squares, scores = np.concatenate(squares), np.concatenate(scores)
    order = np.argsort(-scores, kind="stable")
    return without_doubles(squares[order], scores[order])


def without_doubles(squares: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Greedy non-maximum suppression of squares in falling order of score."""
    kept = []
    table = overlaps(squares, squares)
    for index in range(len(squares)):
        if not np.any(table[index, kept] > OVERLAP):
            kept.append(index)
    return squares[kept], scores[kept]


def cell_centres(rows: int, columns: int, stride: int) -> tuple[torch.Tensor, torch.Tensor]:
    """x (1, columns) and y (rows, 1) of a map's cell centres in the picture."""
    x = torch.arange(columns)[None] * stride + 0.5
    y = torch.arange(rows)[:, None] * stride + 0.5
    return x, y


def assign(faces: torch.Tensor, rows: int, columns: int, stride: int):
    """What the cells of one map should say.

    `faces` (batch, most, 10): centre x, y, side, 1 if it is to be ignored, then eyes and
    mouth (x, y each, or NaN); side 0 where there is none. Returns three tensors (batch, rows,
    columns): the index of the face that a cell answers for, whether it does, and whether its
    score counts.
    """
    x, y = cell_centres(rows, columns, stride)
    centre_x, centre_y, side, ignored = (faces[:, :, k, None, None] for k in range(4))
    off = torch.maximum((x - centre_x).abs(), (y - centre_y).abs())
    low, high = SIDES_PX[stride]
    in_range = (side >= low) & (side <= high) & (ignored == 0)
    near_range = (side >= low / SLACK) & (side <= high * SLACK)
    # Half a stride, so that the smallest faces have at least one cell.
    positive = in_range & (off <= (POSITIVE * side).clamp(min=stride / 2))
    maybe = near_range & (off <= (IGNORED * side).clamp(min=stride))
    whole = (ignored > 0) & (side > 0) & (off <= side / 2)
    distance = torch.where(positive, off / side.clamp(min=1), torch.inf)
    nearest = distance.argmin(dim=1)
    answers = positive.any(dim=1)
    counts = answers | ~(maybe | whole).any(dim=1)
    return nearest, answers, counts


def square_overlap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Intersection over union of squares (count, 3), row by row."""
    low = torch.maximum(a[:, :2] - a[:, 2:] / 2, b[:, :2] - b[:, 2:] / 2)
    high = torch.minimum(a[:, :2] + a[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2)
    both = (high - low).clamp(min=0).prod(dim=1)
    return both / (a[:, 2] ** 2 + b[:, 2] ** 2 - both)


def loss(maps: list[torch.Tensor], faces: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
    """Focal loss of the scores, overlap and smooth L1 of the squares, smooth L1 of the points."""
    focal, boxes, points = torch.zeros(3)
    answering = 0
    for stride, values in zip(STRIDES, maps):
        values = values.float()
        nearest, answers, counts = assign(faces, *values.shape[2:], stride)
        logits = values[:, 0]
        wanted = answers.float()
        entropy = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        wrong = (wanted - logits.sigmoid()).abs()
        focal = focal + (wrong**2 * entropy * counts).sum()
        batch, i, j = answers.nonzero(as_tuple=True)
        if len(batch) == 0:
            continue
        face = faces[batch, nearest[batch, i, j]]
        said = values[batch, :, i, j]
        cell = torch.stack([j, i], dim=1) * stride + 0.5
        log_side = said[:, 3].clamp(-3, 3)
        square = torch.cat(
            [cell + said[:, 1:3] * stride, 4 * stride * log_side.exp()[:, None]], dim=1
        )
        wanted_offset = (face[:, :2] - cell) / stride
        wanted_size = torch.log(face[:, 2] / (4 * stride))
        share = stride / face[:, 2:3]
        boxes = boxes + (1 - square_overlap(square, face[:, :3])).sum()
        boxes = boxes + 2 * F.smooth_l1_loss(
            said[:, 1:3] * share, wanted_offset * share, reduction="sum", beta=0.1
        )
        boxes = boxes + F.smooth_l1_loss(said[:, 3], wanted_size, reduction="sum", beta=0.1)
        wanted_points = (face[:, 4:10].reshape(-1, 3, 2) - cell[:, None]) / face[:, 2, None, None]
        known = wanted_points.isfinite()
        difference = F.smooth_l1_loss(
            said[:, 4:10].reshape(-1, 3, 2),
            torch.where(known, wanted_points, 0),
            reduction="none",
            beta=0.1,
        )
        points = points + (difference * known).sum()
        answering += len(batch)
    count = max(answering, 1)
    parts = {"score": focal / count, "square": boxes / count, "points": points / count}
    total = parts["score"] + parts["square"] + 0.5 * parts["points"]
    return total, {key: float(value.detach()) for key, value in parts.items()}
