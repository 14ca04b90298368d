"""Changed copies of Training together with what the teachers see in them.

A teacher costs more than its student. Asked once about a few changed copies of every face, and
their mirror images, it need not be asked again in every epoch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from tqdm import tqdm

from .augment import augment


class Pool:
    """`copies` changed copies of each of `images`, and what `taught` says about them.

    `faces` is `uint8` (copies, count, 1, 48, 48), `answers` (copies, count, 7): the mean of the
    answers to a face and to its mirror image.
    """

    def __init__(
        self,
        images: torch.Tensor,
        copies: int,
        strength: float,
        taught: Callable[[torch.Tensor], torch.Tensor],
        seed: int,
    ):
        generator = torch.Generator().manual_seed(seed)
        self.faces = torch.empty(copies, *images.shape, dtype=torch.uint8)
        self.answers = torch.empty(copies, len(images), 7)
        parts = torch.arange(len(images)).split(256)
        steps = [(copy, part) for copy in range(copies) for part in parts]
        for copy, part in tqdm(steps, desc="asking the teachers", mininterval=5, leave=False):
            faces = augment(images[part].float(), strength, generator).round()
            self.faces[copy, part] = faces.to(torch.uint8)
            faces = faces.contiguous(memory_format=torch.channels_last)
            self.answers[copy, part] = (taught(faces) + taught(faces.flip(-1))) / 2
