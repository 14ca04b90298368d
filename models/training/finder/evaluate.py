"""Count what a finder's file finds on the sets of the data folder.

    python -m training.finder.evaluate --model face_finder.onnx --data DATA [--sets nrc_iit ...]

Counting rule: a find hits a truth square at an overlap of at least 0.5, one to one, best pairs
first; all other finds are false. Pictures are shrunk by smallest_side / min_size first, as the
program does.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from ..data import DEFAULT_DATA_DIR
from .export import SMALLEST_SIDE_PX, run, session
from .material import TRAINING_PERSONS, checking_negatives, training_negatives
from .squares import decode
from .truth import hits


@dataclass(frozen=True)
class Example:
    """A picture, what is in it, and the groups it counts for."""

    path: Path
    truth: np.ndarray
    groups: tuple[str, ...]


def nrc_iit(data: Path) -> Iterator[Example]:
    """The webcam clips, by person, and together nearly frontal and all."""
    folder = data / "detection" / "nrc_iit"
    with (folder / "frames.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            side = float(row["sq_side"])
            square = [float(row["sq_x"]) + side / 2, float(row["sq_y"]) + side / 2, side]
            frontal = abs(float(row["yaw_proxy"])) < 0.2 and abs(float(row["roll_deg"])) < 15
            person = row["file"][:2]
            part = "trained on" if person in TRAINING_PERSONS else "checked on"
            groups = ["all", f"person {person} all", f"persons {part} all"]
            if frontal:
                groups += [g.replace("all", "frontal") for g in groups]
            yield Example(folder / row["file"], np.array([square]), tuple(groups))


def cmu_mit(data: Path) -> Iterator[Example]:
    """The CMU + MIT stills."""
    folder = data / "detection" / "cmu_mit"
    with (folder / "faces.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "images.csv").open(newline="") as file:
        for image in csv.DictReader(file):
            own = [r for r in rows if r["file"] == image["file"]]
            sides = [float(r["side"]) for r in own]
            squares = [
                [float(r["x"]) + s / 2, float(r["y"]) + s / 2, s] for r, s in zip(own, sides)
            ]
            yield Example(folder / image["file"], np.array(squares).reshape(-1, 3), ("all",))


def negatives(data: Path) -> Iterator[Example]:
    """The pictures without faces, and the halves of them."""
    nothing = np.zeros((0, 3))
    for path in training_negatives(data):
        yield Example(path, nothing, ("all", "trained on"))
    for path in checking_negatives(data):
        yield Example(path, nothing, ("all", "checked on"))


SETS: dict[str, Callable[[Path], Iterator[Example]]] = {
    "nrc_iit": nrc_iit,
    "cmu_mit": cmu_mit,
    "negatives": negatives,
}


def shrunk(picture: Image.Image, min_size: float) -> np.ndarray:
    """The picture in network pixels: faces of `min_size` pixels get the smallest side."""
    scale = min(1.0, SMALLEST_SIDE_PX / min_size)
    size = tuple(max(32, round(side * scale)) for side in picture.size)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(picture)


def find(model, picture: Image.Image, min_size: float, threshold: float):
    """Squares (in the picture's pixels) and scores."""
    small = shrunk(picture, min_size)
    squares, scores = decode(run(model, small), threshold)
    scale = np.array([picture.width / small.shape[1], picture.height / small.shape[0]])
    squares[:, :2] *= scale
    squares[:, 2] *= scale.mean()
    return squares, scores


@dataclass
class Scores:
    """Scores of hits and of false finds of one group, and how many faces there are."""

    faces: int = 0
    pictures: int = 0
    hit: list[float] = field(default_factory=list)
    false: list[float] = field(default_factory=list)

    def at(self, threshold: float) -> tuple[float, int]:
        """Recall and false finds at a threshold."""
        recall = sum(s >= threshold for s in self.hit) / max(self.faces, 1)
        return float(recall), int(sum(s >= threshold for s in self.false))


def collect(
    model, data: Path, name: str, min_size: float, lowest: float, only: str | None = None
) -> dict[str, Scores]:
    """The scores of every group of a set, of all finds down to `lowest`.

    A threshold above `lowest` only drops finds: suppression and pairing are then nearly the
    same as when run at that threshold.
    """
    groups: dict[str, Scores] = {}
    for example in SETS[name](data):
        if only and only not in example.groups:
            continue
        picture = Image.open(example.path).convert("L")
        squares, scores = find(model, picture, min_size, lowest)
        paired = hits(squares, example.truth)
        for group in example.groups:
            own = groups.setdefault(group, Scores())
            own.faces += len(example.truth)
            own.pictures += 1
            own.hit += list(scores[paired >= 0])
            own.false += list(scores[paired < 0])
    return groups


def main() -> None:
    """Print recall and false finds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder")
    parser.add_argument("--sets", nargs="*", choices=list(SETS), default=list(SETS))
    parser.add_argument("--min-size", type=float, default=24.0)
    parser.add_argument("--thresholds", type=float, nargs="*", help="default: the file's own")
    args = parser.parse_args()
    model = session(args.model)
    own = float(model.get_modelmeta().custom_metadata_map["visaged.threshold"])
    thresholds = args.thresholds or [own]
    for name in args.sets:
        groups = collect(model, args.data, name, args.min_size, min(thresholds))
        for group, scores in sorted(groups.items()):
            for threshold in thresholds:
                recall, false = scores.at(threshold)
                line = {"set": name, "group": group, "threshold": threshold, "false": false}
                if scores.faces:
                    line.update(faces=scores.faces, recall=round(recall, 4))
                print(json.dumps({**line, "pictures": scores.pictures}))


if __name__ == "__main__":
    main()
