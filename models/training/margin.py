"""How much around a detector's box should the network see? Measured end to end on PublicTest.

    python -m training.margin --model mini_xception_base.onnx --finder face_finder.onnx

The face finder looks at each face, enlarged and with its border continued (FER-2013's crops have
no surroundings); the crop is then cut from the original by the found square and each margin, as the
program does. Prints the network's accuracy for every margin on the faces that were found, and on
the same faces as they are.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from .data import DEFAULT_DATA_DIR, load_split
from .export import run_onnx
from .finder.evaluate import find
from .finder.export import session
from .preprocess import crop_face, with_margin

ENLARGED = 3
BORDER_PX = 24
MARGINS = [hundredths / 100 for hundredths in range(-10, 31, 5)]


def found_squares(images: np.ndarray, finder: Path) -> np.ndarray:
    """The surest square of each face, (count, 3): left, top, side in its pixels; NaN: none."""
    model = session(finder)
    threshold = float(model.get_modelmeta().custom_metadata_map["visaged.threshold"])
    squares = np.full((len(images), 3), np.nan)
    for index, image in enumerate(tqdm(images, desc="faces", leave=False)):
        framed = Image.fromarray(np.pad(image, BORDER_PX, mode="edge"))
        large = framed.resize([ENLARGED * side for side in framed.size], Image.Resampling.BICUBIC)
        found, _ = find(model, large, 48, threshold)
        if len(found):
            x, y, side = found[0] / ENLARGED
            squares[index] = (x - side / 2 - BORDER_PX, y - side / 2 - BORDER_PX, side)
    return squares


def main() -> None:
    """Print the accuracies as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--finder", type=Path, default=Path("face_finder.onnx"))
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder")
    args = parser.parse_args()
    split = load_split(args.data, "public")
    squares = found_squares(split.images, args.finder)
    seen = np.isfinite(squares[:, 0])
    images, labels, squares = split.images[seen], split.labels[seen], squares[seen]
    whole = run_onnx(args.model, images).argmax(axis=1) == labels
    report = {
        "found": int(seen.sum()),
        "of": len(seen),
        "as they are": round(float(whole.mean()), 4),
    }
    report["median square"] = [round(float(value), 1) for value in np.median(squares, axis=0)]
    for margin in MARGINS:
        boxes = [with_margin(x, y, side, margin) for x, y, side in squares]
        crops = np.stack([crop_face(image, box) for image, box in zip(images, boxes)])
        right = run_onnx(args.model, crops).argmax(axis=1) == labels
        report[f"margin {margin:.2f}"] = round(float(right.mean()), 4)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
