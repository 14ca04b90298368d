"""Look for false faces in the training backgrounds, so that training sees more of them.

    python -m training.finder.mine --run runs/finder --data DATA

Writes `hard.npy` into the run's folder: index in the bank, centre x, y, side and score of every
false find. Painters that are at work take it up by themselves.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from .export import load_network, run, session, to_onnx
from .material import Folders, load
from .squares import decode

SCALES = (1.0, 0.75, 0.55, 0.4, 0.3)
"""Sizes at which every background is searched."""

MOST, MOST_PER_PICTURE = 2500, 12
"""False finds kept of the photographs, and as many of the other pictures; and of one picture."""


def surest(table: np.ndarray) -> np.ndarray:
    """The rows with the highest scores, not too many of one picture."""
    table = table[np.argsort(-table[:, 4], kind="stable")]
    counts: dict[int, int] = {}
    kept = []
    for row, index in enumerate(table[:, 0].astype(int)):
        counts[index] = counts.get(index, 0) + 1
        if counts[index] <= MOST_PER_PICTURE:
            kept.append(row)
    return table[kept][:MOST]


def main() -> None:
    """Mine once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder with average.pt")
    Folders.add_arguments(parser)
    parser.add_argument("--threshold", type=float, default=0.15)
    args = parser.parse_args()
    material = load(Folders.of(args), args.run)
    network = load_network(args.run / "average.pt")
    model = session(to_onnx(network, int8=False, metadata={}).SerializeToString())
    found = []
    for index, picture in enumerate(tqdm(material.bank, desc="mining", mininterval=5)):
        for scale in SCALES:
            small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            if min(small.shape) < 32:
                continue
            squares, scores = decode(run(model, small), args.threshold)
            for square, score in zip(squares / scale, scores):
                found.append([index, *square, score])
    table = np.array(found, np.float32).reshape(-1, 5)
    photographs = table[:, 0] < material.natural
    table = np.concatenate([surest(table[photographs]), surest(table[~photographs])])
    part = args.run / "hard.part.npy"
    np.save(part, table)
    os.replace(part, args.run / "hard.npy")
    kept = int((table[:, 0] < material.natural).sum())
    print(f"{len(found)} false finds, {len(table)} kept, {kept} of them in photographs")


if __name__ == "__main__":
    main()
