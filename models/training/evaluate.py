"""Judge a model file with onnxruntime on a whole split.

    python -m training.evaluate --model mini_xception_nano.onnx --split private

PrivateTest is the final test: judge a network on it once, when nothing is left to choose.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np

from .data import CLASSES, DEFAULT_DATA_DIR, SPLITS, VOTE_OF_CLASS, load_split, load_votes
from .export import run_onnx
from .metrics import class_f1, confusion, summary


def also_in_train(images: np.ndarray, train: np.ndarray) -> np.ndarray:
    """True (count,) for images that occur, pixel for pixel, in Training."""
    known = {image.tobytes() for image in train}
    return np.array([image.tobytes() in known for image in images])


def majority(votes: np.ndarray) -> np.ndarray:
    """The FER+ majority as one of our seven classes, (count,); −1 where there is none.

    None means a tie for the most votes, or a majority for contempt, unknown or not-a-face.
    """
    top = votes == votes.max(axis=1, keepdims=True)
    single = top.sum(axis=1) == 1
    class_of_vote = np.full(votes.shape[1], -1)
    class_of_vote[list(VOTE_OF_CLASS)] = np.arange(7)
    return np.where(single, class_of_vote[votes.argmax(axis=1)], -1)


def report(probabilities: np.ndarray, mirrored: np.ndarray, data_dir: Path, name: str) -> dict:
    """Every figure of the model card for one split."""
    split = load_split(data_dir, name)
    labels = split.labels
    predicted = probabilities.argmax(axis=1)
    counts = confusion(labels, predicted)
    figures = {"split": SPLITS[name], "images": len(labels), **summary(probabilities, labels)}
    if name != "train":
        new = ~also_in_train(split.images, load_split(data_dir, "train").images)
        figures["not_in_train"] = int(new.sum())
        figures["accuracy_not_in_train"] = float((predicted == labels)[new].mean())
    if split.in_csv_order and (data_dir / "ferplus").is_dir():
        said = majority(load_votes(data_dir, name))
        figures["with_ferplus_majority"] = int((said >= 0).sum())
        figures["ferplus_agreement"] = float((predicted == said)[said >= 0].mean())
    both = (probabilities + mirrored) / 2
    figures["accuracy_with_mirrored_look"] = float((both.argmax(axis=1) == labels).mean())
    found = np.maximum(counts.sum(axis=0), 1)
    f1 = class_f1(counts)
    figures["per_class"] = {
        label: {
            "precision": float(counts[i, i] / found[i]),
            "recall": float(counts[i, i] / max(counts[i].sum(), 1)),
            "f1": float(f1[i]),
            "support": int(counts[i].sum()),
        }
        for i, label in enumerate(CLASSES)
    }
    figures["confusion"] = counts.tolist()
    return figures


def write_csv(probabilities: np.ndarray, labels: np.ndarray, path: Path) -> None:
    """One row an image: its place in the split, label, class and the seven probabilities."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "label", "class", *CLASSES])
        for index, (row, label) in enumerate(zip(probabilities, labels)):
            found = [f"{probability:.7f}" for probability in row]
            writer.writerow([index, CLASSES[label], CLASSES[row.argmax()], *found])


def main() -> None:
    """Print the figures of one model file on one split as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--split", choices=list(SPLITS), default="public")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder")
    parser.add_argument("--csv", type=Path, help="also write every image's probabilities here")
    args = parser.parse_args()
    split = load_split(args.data, args.split)
    probabilities = run_onnx(args.model, split.images)
    mirrored = run_onnx(args.model, split.images[:, :, ::-1])
    if args.csv:
        write_csv(probabilities, split.labels, args.csv)
    figures = report(probabilities, mirrored, args.data, args.split)
    print(json.dumps({"model": args.model.name, **figures}, indent=1))


if __name__ == "__main__":
    main()
