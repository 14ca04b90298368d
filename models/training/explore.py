"""Look at FER-2013 before training on it.

    python -m training.explore --out explore

Writes `counts.png` (classes of each split), `montage.png` (random faces of each class) and
prints what is known about copies and contradictions. The pictures contain faces of the data
set: keep them to yourself.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from tqdm import tqdm

from .data import CLASSES, DEFAULT_DATA_DIR, SPLITS, Split, load_split


def class_counts(splits: dict[str, Split]) -> dict[str, dict[str, int]]:
    """Images of each class in each split."""
    return {
        name: dict(zip(CLASSES, np.bincount(split.labels, minlength=7).tolist()))
        for name, split in splits.items()
    }


def draw_counts(counts: dict[str, dict[str, int]], path: Path) -> None:
    """The bar chart of `class_counts`."""
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    places = np.arange(len(CLASSES))
    for index, (name, of_class) in enumerate(counts.items()):
        axis.bar(places + (index - 1) * 0.28, list(of_class.values()), 0.28, label=SPLITS[name])
    axis.set_xticks(places, CLASSES)
    axis.set(ylabel="images")
    axis.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def montage(split: Split, columns: int, seed: int) -> Image.Image:
    """Random faces, one row a class in the order of `CLASSES`."""
    random = np.random.default_rng(seed)
    rows = []
    for label in range(len(CLASSES)):
        chosen = random.choice(np.flatnonzero(split.labels == label), columns)
        rows.append(np.hstack(list(split.images[chosen])))
    return Image.fromarray(np.vstack(rows))


def copies(splits: dict[str, Split]) -> dict[str, int]:
    """Identical pictures, between the splits and with different labels."""
    labels_of: dict[bytes, set[int]] = defaultdict(set)
    splits_of: dict[bytes, set[str]] = defaultdict(set)
    total = sum(len(split.labels) for split in splits.values())
    with tqdm(total=total, desc="comparing pictures", leave=False) as bar:
        for name, split in splits.items():
            for image, label in zip(split.images, split.labels):
                labels_of[image.tobytes()].add(int(label))
                splits_of[image.tobytes()].add(name)
                bar.update()
    found = {
        "images": total,
        "distinct": len(labels_of),
        "distinct_with_several_labels": sum(len(labels) > 1 for labels in labels_of.values()),
    }
    for name in ("public", "private"):
        shared = ("train" in splits_of[image.tobytes()] for image in splits[name].images)
        found[f"{name}_also_in_train"] = sum(shared)
    return found


def main() -> None:
    """Write the pictures, print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--columns", type=int, default=16, help="faces of a class in the montage")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    splits = {name: load_split(args.data, name) for name in SPLITS}
    counts = class_counts(splits)
    draw_counts(counts, args.out / "counts.png")
    montage(splits["train"], args.columns, args.seed).save(args.out / "montage.png")
    print(json.dumps({"classes": counts, "copies": copies(splits)}, indent=1))


if __name__ == "__main__":
    main()
