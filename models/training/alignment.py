"""Does it help to turn a face upright before the network looks at it?

    python -m training.alignment --model mini_xception_base.onnx --finder face_detection_yunet.onnx

Finds the eyes of PublicTest's faces with a YuNet file (not part of this project; OpenCV's zoo has
it), turns each crop by the tilt of its eye line, and prints the network's accuracy on the faces as
they are and turned, for all and by tilt.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from .data import DEFAULT_DATA_DIR, load_split
from .export import run_onnx

ENLARGED_PX = 144
MARGIN_PX = 48


def eye_tilts(images: np.ndarray, finder: Path) -> np.ndarray:
    """Tilt of the eye line in degrees, clockwise positive, (count,); NaN where no face is seen."""
    side = ENLARGED_PX + 2 * MARGIN_PX
    yunet = cv2.FaceDetectorYN.create(str(finder), "", (side, side), score_threshold=0.6)
    tilts = np.full(len(images), np.nan)
    for index, image in enumerate(tqdm(images, desc="eyes", leave=False)):
        large = cv2.resize(image, (ENLARGED_PX, ENLARGED_PX), interpolation=cv2.INTER_CUBIC)
        framed = cv2.copyMakeBorder(large, *[MARGIN_PX] * 4, cv2.BORDER_REPLICATE)
        _, faces = yunet.detect(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR))
        if faces is not None:
            best = faces[faces[:, -1].argmax()]
            # Columns 4 to 7: the eye at the picture's left, then the one at its right.
            tilts[index] = np.degrees(np.arctan2(best[7] - best[5], best[6] - best[4]))
    return tilts


def upright(image: np.ndarray, tilt: float) -> np.ndarray:
    """The face turned about its middle so that the eye line is level; borders continued."""
    turn = cv2.getRotationMatrix2D((23.5, 23.5), tilt, 1.0)
    return cv2.warpAffine(
        image, turn, (48, 48), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def main() -> None:
    """Print the comparison as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument(
        "--finder", type=Path, required=True, help="a YuNet file of the 2023mar form"
    )
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder")
    args = parser.parse_args()
    split = load_split(args.data, "public")
    tilts = eye_tilts(split.images, args.finder)
    seen = np.isfinite(tilts)
    images, labels, tilts = split.images[seen], split.labels[seen], tilts[seen]
    turned = np.stack([upright(image, tilt) for image, tilt in zip(images, tilts)])
    plain = run_onnx(args.model, images).argmax(axis=1) == labels
    aligned = run_onnx(args.model, turned).argmax(axis=1) == labels
    report = {"model": args.model.name, "faces_with_eyes": int(seen.sum()), "of": len(seen)}
    for name, least, most in (("all", 0, 180), ("0-5", 0, 5), ("5-15", 5, 15), ("15-", 15, 180)):
        chosen = (np.abs(tilts) >= least) & (np.abs(tilts) < most)
        report[f"tilt {name}"] = {
            "faces": int(chosen.sum()),
            "as they are": round(float(plain[chosen].mean()), 4),
            "upright": round(float(aligned[chosen].mean()), 4),
        }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
