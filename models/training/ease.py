"""Ease of classification: which faces of Training do simple classifiers agree about?

    python -m training.ease --out ease

After Chang et al., as the dissertation uses the idea: in each of M repeats the faces are cut into K
folds, and each fold is classified by
a base classifier that was trained on the other folds. R(x) is the share of the M answers for x that
are its label; x is easy where R(x) ≥ θ.

The base classifier is a ridge regression onto the classes from histograms of oriented gradients
(Dalal and Triggs 2005), with a random third of the features in each repeat. Writes `ease.npy` (R of
every face of Training, for `train.py --ease`), the histogram of R by class, and a montage of the
hardest faces (pictures of the data set: keep them to yourself).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from tqdm import tqdm

from .data import CLASSES, DEFAULT_DATA_DIR, load_split

CELL_PX = 6
ORIENTATIONS = 9


def gradient_histograms(images: torch.Tensor) -> torch.Tensor:
    """HOG of `uint8` images (count, 48, 48): (count, 1764) from 8×8 cells in 7×7 blocks of 2×2."""
    x = images[:, None].float()
    dx = F.pad(x[..., 2:] - x[..., :-2], (1, 1, 0, 0))
    dy = F.pad(x[..., 2:, :] - x[..., :-2, :], (0, 0, 1, 1))
    size = torch.hypot(dx, dy)
    place = (torch.atan2(dy, dx) / torch.pi % 1) * ORIENTATIONS
    lower = place.floor()
    upper_share = place - lower
    lower = lower.long() % ORIENTATIONS
    cells = torch.zeros(len(x), ORIENTATIONS, 48, 48)
    cells.scatter_add_(1, lower, size * (1 - upper_share))
    cells.scatter_add_(1, (lower + 1) % ORIENTATIONS, size * upper_share)
    cells = F.avg_pool2d(cells, CELL_PX)
    blocks = F.unfold(cells, 2).transpose(1, 2)
    blocks = F.normalize(blocks, dim=2).clamp(max=0.2)
    return F.normalize(blocks, dim=2).flatten(1)


def ridge_scores(
    known: torch.Tensor, labels: torch.Tensor, asked: torch.Tensor, ridge: float = 1.0
) -> torch.Tensor:
    """Scores (asked, 7) by least squares onto one-hot labels with an L2 penalty.

    A face weighs 1 / √(size of its class): unweighted, a rare class is never answered.
    """
    weight = torch.bincount(labels, minlength=7).clamp(min=1).float().rsqrt()[labels][:, None]
    weight = weight / weight.mean()
    mean = (known * weight).mean(dim=0)
    wanted = F.one_hot(labels, 7).float() - 1 / 7
    centred = known - mean
    gram = centred.T @ (centred * weight) + ridge * torch.eye(known.shape[1])
    answer = torch.linalg.solve(gram, centred.T @ (wanted * weight))
    return (asked - mean) @ answer


def ease(
    features: torch.Tensor, labels: torch.Tensor, folds: int, repeats: int, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """R(x), (count,), in steps of 1/`repeats`, and how far the label led or lagged on average."""
    generator = torch.Generator().manual_seed(seed)
    right, lead = torch.zeros(len(labels)), torch.zeros(len(labels))
    with tqdm(total=folds * repeats, desc="base classifiers", leave=False) as bar:
        for _ in range(repeats):
            order = torch.randperm(len(labels), generator=generator)
            part = torch.randperm(features.shape[1], generator=generator)
            part = part[: features.shape[1] // 3]
            for fold in order.tensor_split(folds):
                asked = torch.zeros(len(labels), dtype=torch.bool)
                asked[fold] = True
                known = features[~asked][:, part]
                scores = ridge_scores(known, labels[~asked], features[asked][:, part])
                of_label = scores.gather(1, labels[asked, None])
                others = scores.scatter(1, labels[asked, None], -torch.inf).amax(dim=1)
                lead[asked] += of_label[:, 0] - others
                right[asked] += (of_label[:, 0] > others).float()
                bar.update()
    return right / repeats, lead / repeats


def draw_histogram(shares: np.ndarray, labels: np.ndarray, path: Path) -> None:
    """How R is distributed in each class."""
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    levels = np.linspace(0, 1, 12)
    for label, name in enumerate(CLASSES):
        counts, _ = np.histogram(shares[labels == label], levels)
        axis.plot(levels[:-1] + 0.5 / 11, counts / counts.sum(), marker="o", label=name)
    axis.set(xlabel="R(x): share of base classifiers that are right", ylabel="share of the class")
    axis.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def hardest(images: np.ndarray, labels: np.ndarray, lead: np.ndarray, columns: int) -> Image.Image:
    """The faces whose labels lag most, one row a class in the order of `CLASSES`."""
    rows = []
    for label in range(len(CLASSES)):
        members = np.flatnonzero(labels == label)
        chosen = members[np.argsort(lead[members])[:columns]]
        rows.append(np.hstack(list(images[chosen])))
    return Image.fromarray(np.vstack(rows))


def main() -> None:
    """Compute R, write it and what it looks like."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--folds", type=int, default=5, help="K")
    parser.add_argument("--repeats", type=int, default=10, help="M")
    parser.add_argument("--threshold", type=float, default=0.5, help="θ")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    train = load_split(args.data, "train")
    parts = torch.from_numpy(train.images.copy()).split(2048)
    features = torch.cat([gradient_histograms(p) for p in tqdm(parts, desc="HOG", leave=False)])
    labels = torch.from_numpy(train.labels)
    found = ease(features, labels, args.folds, args.repeats, args.seed)
    shares, lead = (column.numpy() for column in found)
    np.save(args.out / "ease.npy", shares.astype(np.float32))
    draw_histogram(shares, train.labels, args.out / "ease.png")
    hardest(train.images, train.labels, lead, 16).save(args.out / "hardest.png")
    by_class = {
        name: {
            "mean": round(float(shares[train.labels == label].mean()), 3),
            "easy": round(float((shares[train.labels == label] >= args.threshold).mean()), 3),
            "never": round(float((shares[train.labels == label] == 0).mean()), 3),
        }
        for label, name in enumerate(CLASSES)
    }
    print(
        json.dumps(
            {
                "base_accuracy": round(float(shares.mean()), 4),
                "threshold": args.threshold,
                "easy": round(float((shares >= args.threshold).mean()), 4),
                "classes": by_class,
                "hardest_rows_of_training": np.argsort(lead)[:50].tolist(),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
