"""Pools of ready-made samples in shared memory, renewed all the time by other processes.

Making a sample takes about 2 ms, learning from one several, so one painter keeps ahead of the
trainer; a sample is seen once or twice (mirrored or not) before it is overwritten. What a batch
holds depends on how fast the painters are: two runs with the same seed are alike, not equal.
"""

from __future__ import annotations

import os
import pickle
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.multiprocessing as processes

from .paste import MOST_FACES, ROW, Painter

RENEWED = 0.6
"""New samples per sample learnt from, so that each is seen about 1.7 times."""


@dataclass
class Pool:
    """Samples of one size, as tensors in shared memory."""

    pictures: torch.Tensor
    truth: torch.Tensor
    ready: torch.Tensor
    """1 where a sample is whole; 0 while it is being written."""
    used: torch.Tensor
    """How many samples have been learnt from so far."""

    @classmethod
    def of_size(cls, count: int, width: int, height: int) -> Pool:
        """An empty pool."""
        pool = cls(
            torch.zeros((count, height, width), dtype=torch.uint8),
            torch.zeros((count, MOST_FACES, ROW)),
            torch.zeros(count, dtype=torch.uint8),
            torch.zeros(1, dtype=torch.int64),
        )
        for tensor in (pool.pictures, pool.truth, pool.ready, pool.used):
            tensor.share_memory_()
        return pool

    def batch(self, count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures (count, 1, height, width), float 0 to 255, and their truth."""
        self.used += count
        # A copy, since painters write while we count.
        ready = self.ready.clone().nonzero()[:, 0]
        chosen = ready[torch.randint(len(ready), (count,), generator=generator)]
        pictures, truth = self.pictures[chosen].float()[:, None], self.truth[chosen].clone()
        turned = torch.rand(count, generator=generator) < 0.5
        pictures[turned] = pictures[turned].flip(-1)
        # A pixel covers x..x + 1, so x becomes width − x; then the other eye comes first.
        some = truth[turned]
        width = self.pictures.shape[2]
        some[:, :, [0, 4, 6, 8]] = torch.where(
            some[:, :, 2:3] > 0, width - some[:, :, [0, 4, 6, 8]], some[:, :, [0, 4, 6, 8]]
        )
        truth[turned] = some[:, :, [0, 1, 2, 3, 6, 7, 4, 5, 8, 9]]
        return pictures, truth


def most_wanted(pools: list[Pool], painted: list[int], parts: int) -> int | None:
    """The pool that most needs a sample, if any does: they are filled, then kept fresh."""
    lacks = [
        (len(pool.ready) + int(pool.used) * RENEWED) / (count * parts + 1)
        for pool, count in zip(pools, painted)
    ]
    index = int(np.argmax(lacks))
    return index if lacks[index] > 1 else None


def paint(
    pools: list[Pool], material_file: Path, hard_file: Path, seed: int, part: int, parts: int
) -> None:
    """What a painter's process does until it is ended: renew its part of every pool."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with material_file.open("rb") as file:
        material = pickle.load(file)
    painters, places = [], []
    for index, pool in enumerate(pools):
        generator = np.random.default_rng([seed, part, index])
        painters.append(Painter(material, *reversed(pool.pictures.shape[1:]), generator))
        places.append(range(part, len(pool.ready), parts))
    read_at = 0.0
    turn = [0] * len(pools)
    parent = os.getppid()
    step = 0
    while os.getppid() == parent:
        step += 1
        if step % 500 == 1 and hard_file.exists() and hard_file.stat().st_mtime != read_at:
            read_at = hard_file.stat().st_mtime
            material.hard[:] = [(int(r[0]), *r[1:4]) for r in np.load(hard_file)]
        index = most_wanted(pools, turn, parts)
        if index is None:
            time.sleep(0.05)
            continue
        place = places[index][turn[index] % len(places[index])]
        turn[index] += 1
        picture, truth = painters[index].sample()
        pools[index].ready[place] = 0
        pools[index].pictures[place] = torch.from_numpy(np.ascontiguousarray(picture))
        pools[index].truth[place] = torch.from_numpy(truth)
        pools[index].ready[place] = 1


def start_painters(
    pools: list[Pool], material_file: Path, hard_file: Path, seed: int, count: int
) -> list[processes.Process]:
    """Begin; the processes end with the trainer."""
    started = []
    for part in range(count):
        process = processes.Process(
            target=paint, args=(pools, material_file, hard_file, seed, part, count), daemon=True
        )
        process.start()
        started.append(process)
    return started
