"""Readers for FER-2013, in the three forms it goes about in, and for the FER+ votes.

* IDX files, `train-images-idx3-ubyte.gz` and so on: the MNIST format;
* `fer2013.csv`, the file of the contest: columns emotion, pixels, Usage;
* folders, `train/angry/*.png`: exact too, but the order of the rows is lost.

Nothing here changes a pixel.
"""

from __future__ import annotations

import csv
import gzip
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER-2013's labels 0 to 6, and the order of the network's outputs."""

SPLITS = {"train": "Training", "public": "PublicTest", "private": "PrivateTest"}
"""File prefix of a split and its `Usage` in fer2013.csv and in the FER+ table."""

VOTES = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
"""Columns of the FER+ table; NF means "not a face"."""

VOTE_OF_CLASS = (4, 5, 6, 1, 3, 2, 0)
"""For each of `CLASSES`, the column of `VOTES` that means the same."""

DEFAULT_DATA_DIR = Path("../../shared/data")
"""An optional data folder with `fer2013/` and `ferplus/`, seen from `models/`."""


@dataclass(frozen=True)
class Split:
    """The pictures and labels of one split."""

    images: np.ndarray
    """`uint8` (count, 48, 48), 0 = black."""
    labels: np.ndarray
    """`int64` (count,), indices into `CLASSES`."""
    in_csv_order: bool = True
    """Whether row i is row i of the split in fer2013.csv, as the FER+ votes need it."""


def read_idx(path: Path) -> np.ndarray:
    """An IDX file of unsigned bytes (the MNIST format), plain or gzip'd."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        content = file.read()
    zero, kind, dimensions = struct.unpack_from(">HBB", content)
    if zero != 0 or kind != 8:
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions)
    if values.size != np.prod(shape):
        raise ValueError(f"{path}: {values.size} bytes of data, header says {shape}")
    return values.reshape(shape)


def load_idx(folder: Path, name: str) -> Split:
    """A split from its two IDX files."""
    images = read_idx(folder / f"{name}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{name}-labels-idx1-ubyte.gz").astype(np.int64)
    if len(images) != len(labels):
        raise ValueError(f"{folder}: {len(images)} {name} images, {len(labels)} labels")
    return Split(images, labels)


def load_csv(path: Path, name: str) -> Split:
    """A split from the contest's fer2013.csv."""
    images, labels = [], []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["Usage"] == SPLITS[name]:
                images.append(np.array(row["pixels"].split(), np.uint8).reshape(48, 48))
                labels.append(int(row["emotion"]))
    return Split(np.stack(images), np.array(labels))


def load_folders(folder: Path) -> Split:
    """A split from one folder a class, `angry/*.png` and so on; files in order of name."""
    images, labels = [], []
    for label, name in enumerate(CLASSES):
        for path in sorted((folder / name).glob("*.png")):
            image = np.asarray(Image.open(path).convert("L"))
            if image.shape != (48, 48):
                raise ValueError(f"{path}: {image.shape[1]}x{image.shape[0]}, not 48x48")
            images.append(image)
            labels.append(label)
    if not images:
        raise ValueError(f"{folder}: no pictures in folders {', '.join(CLASSES)}")
    return Split(np.stack(images), np.array(labels), in_csv_order=False)


def load_split(data_dir: Path, name: str) -> Split:
    """The split `train`, `public` or `private` from `data_dir/fer2013`, in whichever form."""
    folder = data_dir / "fer2013"
    if (folder / f"{name}-images-idx3-ubyte.gz").exists():
        return load_idx(folder, name)
    if (folder / "fer2013.csv").exists():
        return load_csv(folder / "fer2013.csv", name)
    if (folder / name).is_dir():
        return load_folders(folder / name)
    raise FileNotFoundError(
        f"{folder}: neither {name}-images-idx3-ubyte.gz nor fer2013.csv nor a folder {name}/"
    )


def load_votes(data_dir: Path, name: str) -> np.ndarray:
    """The FER+ votes of a split: `float32` (count, 10), columns as in `VOTES`, rows sum to 1.

    Row i belongs to image i of the split: both keep the order of fer2013.csv.
    """
    path = data_dir / "ferplus" / "fer2013new.csv"
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Usage"] == SPLITS[name]]
    votes = np.array([[float(row[column]) for column in VOTES] for row in rows], np.float32)
    return votes / votes.sum(axis=1, keepdims=True)
