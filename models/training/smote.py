"""Synthetic faces for rare classes: SMOTE (Chawla et al. 2002, arXiv 1106.1813) on pixels.

Between a face and one of its nearest neighbours of the same class a new one is drawn at a random
place of the straight line that joins them. The dissertation tried this against FER-2013's
imbalance; `compare.py` measures what it is worth.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from tqdm import tqdm

NEIGHBOURS = 5
"""Among so many nearest faces the partner is drawn; the value of the paper."""


def nearest(images: torch.Tensor, count: int) -> torch.Tensor:
    """Indices (n, count) of the nearest other images by Euclidean distance, at 16×16 pixels."""
    small = F.avg_pool2d(images.float(), 3).flatten(1)
    count = min(count, len(images) - 1)
    found = []
    for part in small.split(1024):
        distances = torch.cdist(part, small)
        found.append(distances.topk(count + 1, largest=False).indices[:, 1:])
    return torch.cat(found)


def oversample(
    images: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor, seed: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The data with every class filled up to the size of the largest one.

    `images` is `uint8` (count, 1, 48, 48), `labels` (count,), `targets` (count, 7). The targets of
    a new face are mixed like its pixels. The given faces come first, unchanged.
    """
    generator = torch.Generator().manual_seed(seed)
    counts = torch.bincount(labels, minlength=7)
    parts = [(images, labels, targets)]
    for label in tqdm(range(7), desc="SMOTE", leave=False):
        missing = int(counts.max() - counts[label])
        members = torch.nonzero(labels == label).flatten()
        if missing == 0 or len(members) < 2:
            continue
        neighbours = nearest(images[members], NEIGHBOURS)
        chosen = torch.randint(len(members), (missing,), generator=generator)
        which = torch.randint(neighbours.shape[1], (missing,), generator=generator)
        ones, others = members[chosen], members[neighbours[chosen, which]]
        share = torch.rand(missing, 1, generator=generator)
        far = share[:, :, None, None]
        mixed = images[ones].float() * (1 - far) + images[others].float() * far
        mixed_targets = targets[ones] * (1 - share) + targets[others] * share
        parts.append((mixed.round().to(torch.uint8), labels[ones], mixed_targets))
    return tuple(torch.cat(column) for column in zip(*parts))
