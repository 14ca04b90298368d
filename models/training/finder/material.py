"""Reads and caches what training pictures are made from, and says who is for training only.

Persons 02 and 10 of `nrc_iit` are for training, 00, 04 and 08 for checking; of `negatives`
every other picture, in order of name, is for training. `cmu_mit` is for neither.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import pickle
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..data import DEFAULT_DATA_DIR, VOTES, load_split, load_votes
from .backgrounds import gather
from .paste import TURNED, Material, Photo
from .teacher import Teacher, label_crops
from .truth import overlaps, square_of_points, turning

TRAINING_PERSONS = ("02", "10")
CHECKING_PERSONS = ("00", "04", "08")

MOST_PER_FOLDER = 400


def training_negatives(data: Path) -> list[Path]:
    """Every other face-free picture."""
    return sorted((data / "detection" / "negatives").glob("*.*"))[0::2]


def checking_negatives(data: Path) -> list[Path]:
    """The rest of them."""
    return sorted((data / "detection" / "negatives").glob("*.*"))[1::2]


def faces_of_fer(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """FER-2013's Training crops that are faces, and their points.

    Left out: rows that most FER+ voters could not name or called no face, and crops in which
    YuNet sees no face, or two, or one whose square differs much from the crop, which only
    faces turned to a side may.
    """
    split = load_split(data, "train")
    points = label_crops(split.images, data)
    keep = ~np.isnan(points[:, 0, 0])
    if split.in_csv_order:
        votes = load_votes(data, "train")
        keep &= votes[:, VOTES.index("NF")] + votes[:, VOTES.index("unknown")] < 0.5
    squares = square_of_points(points)
    middle = np.abs(squares[:, :2] - 24).max(axis=1)
    usual = (squares[:, 2] > 34) & (squares[:, 2] < 66) & (middle < 9)
    turned = (turning(points) > 0.15) & (squares[:, 2] > 20) & (middle < 16)
    keep &= usual | turned
    return split.images[keep].copy(), points[keep]


def photos(data: Path) -> list[Photo]:
    """Real pictures with faces for training, labelled by YuNet.

    What it is sure of (0.6) is a face, what it half sees (0.3) neither face nor none.
    """
    teacher = Teacher(data, 0.3)
    detection = data / "detection"
    with (detection / "nrc_iit" / "frames.csv").open(newline="") as file:
        files = [r["file"] for r in csv.DictReader(file) if r["file"][:2] in TRAINING_PERSONS]
    paths = [detection / "nrc_iit" / name for name in files]
    for folder in ("lfw100", "voc_groups"):
        found = sorted((detection / folder).rglob("*.jpg")) + sorted(
            (detection / folder).rglob("*.png")
        )
        # Groups have many faces; they come up as often as ten portraits.
        paths += found * (10 if folder == "voc_groups" else 2)
    result = []
    for path in paths:
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        large = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
        points, scores = teacher.points(large)
        points = points / 2
        sure = scores >= 0.6
        squares = square_of_points(points)
        if sure.any():
            doubtful = squares[~sure]
            near = overlaps(doubtful, squares[sure]).max(axis=1, initial=0) > 0.3
            photo = Photo(picture, points[sure].astype(np.float64), doubtful[~near])
            # Heads turned to a side are rare and hard.
            result += [photo] * (3 if turning(photo.points).max() > TURNED else 1)
    return result


@dataclass(frozen=True)
class Folders:
    """Where material comes from."""

    data: Path
    """The data folder."""
    photographs: list[Path]
    """Folders of photographs without faces, beside the training half of `negatives`."""
    backgrounds: list[Path]
    """Folders of textures, drawings and so on; they come up less often."""

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """The options of the command line that name them."""
        parser.add_argument(
            "--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder"
        )
        parser.add_argument("--photographs", type=Path, nargs="*", default=[])
        parser.add_argument("--backgrounds", type=Path, nargs="*", default=[])

    @classmethod
    def of(cls, args: argparse.Namespace) -> Folders:
        """Those that were named."""
        return cls(args.data, args.photographs, args.backgrounds)

    def cache(self, run: Path) -> Path:
        """The file in a run's folder that keeps their material."""
        key = hashlib.sha256(repr(self).encode()).hexdigest()
        return run / f"material-{key[:12]}.pickle"


def load(folders: Folders, run: Path) -> Material:
    """Everything, from the cache of an earlier call with the same folders if there is one."""
    path = folders.cache(run)
    if path.exists():
        with path.open("rb") as file:
            return pickle.load(file)
    data = folders.data
    crops, points = faces_of_fer(data)
    natural = [cv2.imread(str(p), cv2.IMREAD_GRAYSCALE) for p in training_negatives(data)]
    natural += gather(folders.photographs, data, MOST_PER_FOLDER)
    bank = natural + gather(folders.backgrounds, data, MOST_PER_FOLDER)
    material = Material(crops, points, bank, len(natural), photos(data))
    run.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".part").open("wb") as file:
        pickle.dump(material, file)
    path.with_suffix(".part").replace(path)
    return material
