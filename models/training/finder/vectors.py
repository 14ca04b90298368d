"""What onnxruntime makes of the finder's file on pictures from integer formulas.

    python -m training.finder.vectors --model face_finder.onnx

The patterns are those of `training.vectors`. Over them ellipses are painted in order, each
`[cx, cy, rx, ry, grey]`: it covers the pixels (x, y) with
(2 x + 1 − 2 cx)² ry² + (2 y + 1 − 2 cy)² rx² ≤ (2 rx ry)².
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnxruntime

from ..vectors import FORMULAS, draw, write_json
from .export import run, session
from .network import STRIDES
from .squares import decode

THRESHOLD = 0.3
"""Below what the program uses, so that the drawn faces give squares to compare."""

CELLS = 24
"""Cells compared per map, evenly spread."""


def portrait(cx: int, cy: int, unit: int) -> list[list[int]]:
    """Ellipses that look somewhat like a face: hair, head, brows, eyes, nose, mouth."""
    parts = [
        (0, -4, 15, 18, 40),
        (0, 0, 13, 17, 190),
        (-5, -6, 4, 1, 70),
        (5, -6, 4, 1, 70),
        (-5, -3, 3, 2, 60),
        (5, -3, 3, 2, 60),
        (0, 4, 2, 2, 150),
        (0, 9, 6, 2, 80),
    ]
    ellipses = []
    for dx, dy, rx, ry, grey in parts:
        middle = [cx + dx * unit // 8, cy + dy * unit // 8]
        ellipses.append([*middle, max(1, rx * unit // 8), max(1, ry * unit // 8), grey])
    return ellipses


CASES = [
    # pattern, seed, width, height, ellipses
    ("gradient", 3, 96, 80, portrait(48, 40, 12)),
    ("blobs", 5, 97, 61, portrait(30, 30, 9)),
    ("noise", 7, 64, 48, []),
    ("rings", 9, 160, 120, portrait(60, 60, 20) + portrait(128, 40, 8)),
    ("checker", 2, 33, 47, portrait(16, 24, 8)),
]


def paint(pattern: str, seed: int, width: int, height: int, ellipses: list) -> np.ndarray:
    """The `uint8` picture of a case."""
    picture = draw(pattern, seed, width, height)
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    for cx, cy, rx, ry, grey in ellipses:
        off = (2 * x + 1 - 2 * cx) ** 2 * ry**2 + (2 * y + 1 - 2 * cy) ** 2 * rx**2
        picture[off <= (2 * rx * ry) ** 2] = grey
    return picture


def vectors(model: Path) -> dict:
    """Every case with the values of some cells and the squares found."""
    finder = session(model)
    cases = []
    for pattern, seed, width, height, ellipses in CASES:
        picture = paint(pattern, seed, width, height, ellipses)
        maps = run(finder, picture)
        squares, scores = decode(maps, THRESHOLD)
        case = {
            "pattern": pattern,
            "seed": seed,
            "width": width,
            "height": height,
            "ellipses": ellipses,
            "pixel_sum": int(picture.sum(dtype=np.int64)),
        }
        for stride, values in zip(STRIDES, maps):
            rows, columns = values.shape[1:]
            chosen = np.unique(np.linspace(0, rows * columns - 1, CELLS).astype(int))
            case[f"stride{stride}"] = {
                "rows": rows,
                "columns": columns,
                "cells": [
                    [int(k // columns), int(k % columns)]
                    + [round(float(v), 5) for v in values[:, k // columns, k % columns]]
                    for k in chosen
                ],
            }
        case["found"] = [
            [round(float(v), 4) for v in (*square, score)] for square, score in zip(squares, scores)
        ]
        cases.append(case)
    return {
        "made_by": f"python -m training.finder.vectors (onnxruntime {onnxruntime.__version__})",
        "model": model.name,
        "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "cells": "row, column, then the four channels of that cell",
        "found": f"centre x, y, side, score of the squares at threshold {THRESHOLD}, best first",
        "threshold": THRESHOLD,
        "ellipses": "[cx, cy, rx, ry, grey], painted in order over the pattern where "
        "(2 x + 1 - 2 cx)^2 ry^2 + (2 y + 1 - 2 cy)^2 rx^2 <= (2 rx ry)^2",
        "formulas": FORMULAS,
        "cases": cases,
    }


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("face_finder.onnx"))
    parser.add_argument("--out", type=Path, default=Path("../tests/data/finder_vectors.json"))
    args = parser.parse_args()
    write_json(vectors(args.model), args.out)


if __name__ == "__main__":
    main()
