"""Compare the program with onnxruntime on the same model file, face by face.

    python -m training.agreement --program ../target/release/visaged --split private

Both look at the same 48×48 crops; the program reads them as PNG files, as a user would give them
(`visaged classify --crops --json`). Prints how many faces get the same class, the largest
difference of a probability, and both accuracies.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from .data import CLASSES, DEFAULT_DATA_DIR, SPLITS, load_split
from .export import run_onnx

CALL_SIZE = 500
"""Pictures per call of the program: their names must fit into one command line."""


def run_program(program: Path, model: Path, crops: np.ndarray) -> np.ndarray:
    """Probabilities (count, 7) that the program computes for `crops`, (count, 48, 48) uint8."""
    probabilities = []
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index, crop in enumerate(crops):
            paths.append(str(Path(folder) / f"{index:05}.png"))
            Image.fromarray(crop).save(paths[-1])
        for start in tqdm(range(0, len(paths), CALL_SIZE), desc="visaged"):
            command = [str(program), "classify", "--crops", "--json", "--model", str(model)]
            done = subprocess.run(
                command + paths[start : start + CALL_SIZE], check=True, stdout=subprocess.PIPE
            )
            for line in done.stdout.splitlines():
                face = json.loads(line)["faces"][0]
                probabilities.append([face["probabilities"][name] for name in CLASSES])
    return np.array(probabilities)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True, help="the visaged binary")
    parser.add_argument("--model", type=Path, default=Path("mini_xception_nano.onnx"))
    parser.add_argument("--split", choices=SPLITS, default="private")
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA_DIR, help="the optional data folder"
    )
    arguments = parser.parse_args()

    split = load_split(arguments.data, arguments.split)
    crops, labels = split.images, split.labels
    ours = run_program(arguments.program, arguments.model, crops)
    theirs = run_onnx(arguments.model, crops)
    same = (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean()
    print(f"{len(crops)} faces of {arguments.split}: same class on {100 * same:.2f} %")
    print(f"largest difference of a probability: {np.abs(ours - theirs).max():.2e}")
    for name, result in (("visaged", ours), ("onnxruntime", theirs)):
        print(f"accuracy of {name}: {100 * (result.argmax(axis=1) == labels).mean():.2f} %")


if __name__ == "__main__":
    main()
