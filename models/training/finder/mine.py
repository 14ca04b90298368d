"""Look for false faces in the training backgrounds, so that training sees more of them.

    python -m training.finder.mine --run runs/finder --data DATA [--backgrounds DIR ...]

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

from ..data import DEFAULT_DATA_DIR
from .export import load_network, run, session, to_onnx
from .material import load
from .squares import decode

SCALES = (1.0, 0.75, 0.55, 0.4, 0.3)
"""The photographs among the backgrounds are searched at all of them, others at one, at random."""

MOST = 6000


def main() -> None:
    """Mine once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder with average.pt")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder")
    parser.add_argument("--backgrounds", type=Path, nargs="*", default=[])
    parser.add_argument("--threshold", type=float, default=0.15)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    material = load(args.data, args.backgrounds, args.run)
    network = load_network(args.run / "average.pt")
    model = session(to_onnx(network, int8=False, metadata={}).SerializeToString())
    draw = np.random.default_rng(args.seed)
    found = []
    for index, picture in enumerate(tqdm(material.bank, desc="mining", mininterval=5)):
        natural = index < material.natural
        for scale in SCALES if natural else [draw.choice(SCALES)]:
            small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            if min(small.shape) < 32:
                continue
            squares, scores = decode(run(model, small), args.threshold)
            for square, score in zip(squares / scale, scores):
                found.append([index, *square, score])
    table = np.array(found, np.float32).reshape(-1, 5)
    table = table[np.argsort(-table[:, 4], kind="stable")][:MOST]
    part = args.run / "hard.part.npy"
    np.save(part, table)
    os.replace(part, args.run / "hard.npy")
    natural = int((table[:, 0] < material.natural).sum())
    print(f"{len(found)} false finds, {len(table)} kept, {natural} of them in photographs")


if __name__ == "__main__":
    main()
