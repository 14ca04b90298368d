"""Synthetic pictures from integer formulas, so that Rust can draw the same ones.

`python -m training.vectors preprocess` writes what the reference preprocessing makes of them;
`python -m training.vectors network` writes what onnxruntime makes of a model file on them.

Every picture is `width`×`height` grey values, row by row; `i = y * width + x`; all arithmetic
is unsigned and cannot overflow 64 bits:

    gradient   value = (3 * x + 5 * y + seed) mod 256
    checker    value = 40 + (seed mod 16)      where (x / 7 + y / 5) is even (integer division)
               value = 215 - (seed mod 16)     where it is odd
    rings      value = ((2 * x - width)² + (2 * y - height)²) / (8 + seed) mod 256
    noise      state = seed, then for each pixel state = (1664525 * state + 1013904223) mod 2³²,
               value = state / 2²⁴ (the top eight bits)
    blobs      value = (noise + 3 * gradient) / 4, both with the same seed
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import PIL

from .preprocess import CROP_SIZE_PX, crop_face

FORMULAS = {
    "gradient": "(3 * x + 5 * y + seed) mod 256",
    "checker": "40 + seed mod 16 where (x / 7 + y / 5) is even, else 215 - seed mod 16",
    "rings": "((2 * x - width)^2 + (2 * y - height)^2) / (8 + seed) mod 256",
    "noise": "state = seed; per pixel: state = (1664525 * state + 1013904223) mod 2^32, "
    "value = state / 2^24",
    "blobs": "(noise + 3 * gradient) / 4, same seed for both",
}

PREPROCESS_CASES = [
    # name, pattern, seed, width, height, box
    ("whole picture, same size", "noise", 1, 48, 48, (0.0, 0.0, 48.0, 48.0)),
    ("integer box, same size", "blobs", 2, 97, 61, (13.0, 7.0, 61.0, 55.0)),
    ("fractional offset, same size", "noise", 3, 80, 64, (10.25, 5.75, 58.25, 53.75)),
    ("upscaling from 20 px", "noise", 4, 64, 48, (11.0, 9.0, 31.0, 29.0)),
    ("upscaling, fractional box", "checker", 5, 53, 47, (8.3, 6.1, 41.9, 39.7)),
    ("downscaling from 300 px", "noise", 6, 340, 320, (17.0, 11.0, 317.0, 311.0)),
    ("downscaling, fractional box", "rings", 7, 255, 241, (20.4, 13.6, 187.9, 181.1)),
    ("slightly reduced, odd size", "blobs", 8, 71, 73, (2.5, 3.5, 67.0, 68.0)),
    ("beyond the left and top border", "gradient", 9, 90, 70, (-12.5, -8.25, 47.5, 51.75)),
    ("beyond the right and bottom border", "blobs", 10, 75, 55, (30.0, 20.0, 95.5, 85.5)),
    ("beyond all four borders", "noise", 11, 33, 29, (-20.0, -24.0, 60.0, 56.0)),
    ("small picture, reduced to whole", "checker", 12, 101, 99, (0.0, 0.0, 99.0, 99.0)),
    ("almost wholly outside", "noise", 13, 40, 40, (36.5, -30.0, 76.5, 10.0)),
]

NETWORK_SEEDS = {
    "gradient": (3, 9, 183, 207),
    "checker": (0, 5, 11, 15),
    "rings": (3, 9, 21, 45, 75),
    "noise": (9, 21, 63, 105, 147),
    "blobs": (21, 273),
}
"""Seeds on which the first nano network gives angry, happy, sad, surprise and neutral."""


def draw(pattern: str, seed: int, width: int, height: int) -> np.ndarray:
    """The picture of a formula as a `uint8` array (height, width)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    if pattern == "gradient":
        values = (3 * x + 5 * y + seed) % 256
    elif pattern == "checker":
        even = (x // 7 + y // 5) % 2 == 0
        values = np.where(even, 40 + seed % 16, 215 - seed % 16)
    elif pattern == "rings":
        values = ((2 * x - width) ** 2 + (2 * y - height) ** 2) // (8 + seed) % 256
    elif pattern == "noise":
        state, flat = seed, []
        for _ in range(width * height):
            state = (1664525 * state + 1013904223) % 2**32
            flat.append(state >> 24)
        values = np.array(flat).reshape(height, width)
    elif pattern == "blobs":
        noise = draw("noise", seed, width, height).astype(np.int64)
        values = (noise + 3 * draw("gradient", seed, width, height).astype(np.int64)) // 4
    else:
        raise ValueError(f"unknown pattern {pattern!r}")
    return values.astype(np.uint8)


def preprocess_vectors() -> dict:
    """What `crop_face` makes of every case."""
    cases = []
    for name, pattern, seed, width, height, box in PREPROCESS_CASES:
        crop = crop_face(draw(pattern, seed, width, height), box)
        cases.append(
            {
                "name": name,
                "pattern": pattern,
                "seed": seed,
                "width": width,
                "height": height,
                "box": list(box),
                "crop": crop.ravel().tolist(),
            }
        )
    return {
        "made_by": f"python -m training.vectors preprocess (Pillow {PIL.__version__})",
        "crop": "48x48 grey values, row by row; box is x0, y0, x1, y1 in pixels",
        "formulas": FORMULAS,
        "cases": cases,
    }


def network_vectors(model: Path) -> dict:
    """onnxruntime's seven probabilities for every synthetic 48×48 picture."""
    import hashlib

    import onnxruntime

    from .export import run_onnx

    drawn = [(pattern, seed) for pattern, seeds in NETWORK_SEEDS.items() for seed in seeds]
    faces = np.stack([draw(*picture, CROP_SIZE_PX, CROP_SIZE_PX) for picture in drawn])
    cases = [
        {"pattern": pattern, "seed": seed, "probabilities": [round(float(p), 7) for p in found]}
        for (pattern, seed), found in zip(drawn, run_onnx(model, faces))
    ]
    return {
        "made_by": f"python -m training.vectors network (onnxruntime {onnxruntime.__version__})",
        "model": model.name,
        "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "input": "48x48 pictures of the formulas, grey 0..255",
        "formulas": FORMULAS,
        "cases": cases,
    }


def write_json(vectors: dict, path: Path) -> None:
    """One case a line, so that differences can be read."""
    head = {key: value for key, value in vectors.items() if key != "cases"}
    lines = ",\n".join(json.dumps(case) for case in vectors["cases"])
    text = json.dumps(head, indent=1)[:-2] + f',\n "cases": [\n{lines}\n]}}\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main() -> None:
    """Write one of the two files of vectors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["preprocess", "network"])
    parser.add_argument("--model", type=Path, default=Path("mini_xception_nano.onnx"))
    parser.add_argument("--out", type=Path, help="default: ../tests/data/…_vectors.json")
    args = parser.parse_args()
    if args.what == "preprocess":
        write_json(preprocess_vectors(), args.out or Path("../tests/data/preprocess_vectors.json"))
    else:
        out = args.out or Path("../tests/data/nano_vectors.json")
        write_json(network_vectors(args.model), out)


if __name__ == "__main__":
    main()
