"""What OpenCV's FaceDetectorYN finds: the expected values of the YuNet test.

    python3 -m venv venv && venv/bin/pip install "opencv-python-headless>=4.8"
    venv/bin/python benches/peers/opencv_yunet.py --data DIR --model face_detection_yunet_2023mar.onnx \\
        > tests/data/yunet_faces.json

DIR is the optional data folder; of its pictures only the grey ones are taken, since colour is turned
into grey by every program a little differently. Of a face's landmarks the square is kept with which
OpenCV's frontal cascade would frame it: left, top, side, then the score.
"""

import argparse
import json
import math
from pathlib import Path

import cv2

PICTURES = ("detection/cmu_mit/*.png", "detection/nrc_iit/*/*.png")
EVERY = {"detection/cmu_mit/*.png": 2, "detection/nrc_iit/*/*.png": 20}


def square(face):
    """The truth square of data/detection: from the eyes (4..8) and the corners of the mouth (10..14)."""
    eyes = [(face[4] + face[6]) / 2, (face[5] + face[7]) / 2]
    mouth = [(face[10] + face[12]) / 2, (face[11] + face[13]) / 2]
    between = math.hypot(face[4] - face[6], face[5] - face[7])
    side = 1.35 * (between + math.hypot(mouth[0] - eyes[0], mouth[1] - eyes[1]))
    middle = [eyes[i] + 0.294 * (mouth[i] - eyes[i]) for i in (0, 1)]
    return [middle[0] - side / 2, middle[1] - side / 2, side, face[14]]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--model", required=True)
    options = arguments.parse_args()
    found = []
    for pattern in PICTURES:
        for path in sorted(options.data.glob(pattern))[:: EVERY[pattern]]:
            image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            size = (image.shape[1], image.shape[0])
            detector = cv2.FaceDetectorYN.create(options.model, "", size, 0.9, 0.3, 5000)
            _, faces = detector.detect(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
            rows = [] if faces is None else faces.tolist()
            squares = [[round(value, 3) for value in square(face)] for face in rows]
            found.append({"file": str(path.relative_to(options.data)), "faces": sorted(squares)})
    about = f"OpenCV {cv2.__version__}, FaceDetectorYN, {Path(options.model).name}, score 0.9, overlap 0.3"
    rows = ",\n".join(json.dumps(picture) for picture in found)
    print(f'{{"made_with": {json.dumps(about)}, "pictures": [\n{rows}\n]}}')


if __name__ == "__main__":
    main()
