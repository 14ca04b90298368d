"""Train the face finder; stop it and start it again as you like.

    python -m training.finder.train --data DATA --out runs/finder

Writes `checkpoint.pt` (to go on from), `average.pt` (the network as it is exported: a running
average of the weights), `settings.json` and `history.json`.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from .material import Folders, load
from .network import FaceFinder, multiply_adds, parameter_count
from .pool import Pool, start_painters
from .squares import loss

SMALL, LARGE = (160, 128), (320, 256)
"""Pictures of most batches, and of every `LARGE_EVERY`th one, which brings the largest faces."""
LARGE_EVERY = 10


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    Folders.add_arguments(parser)
    parser.add_argument("--out", type=Path, default=Path("runs/finder"))
    parser.add_argument("--steps", type=int, default=20000, help="batches, earlier ones included")
    parser.add_argument("--until", type=int, help="stop after this batch, to go on later")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--decay", type=float, default=0.4, help="last share with falling rate")
    parser.add_argument("--average", type=float, default=0.998, help="of the running average")
    parser.add_argument("--pool", type=int, default=8192, help="samples kept ready")
    parser.add_argument("--painters", type=int, default=1, help="processes that make samples")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="convolutions in bfloat16")
    return parser.parse_args()


def rate_at(progress: float, rate: float, decay: float, step: int) -> float:
    """Constant after 200 warm-up steps, then falling by a cosine in the last share."""
    warm = min(1.0, (step + 1) / 200)
    if progress < 1 - decay:
        return rate * warm
    late = (progress - (1 - decay)) / decay
    return rate * warm * max(0.01, 0.5 * (1 + math.cos(math.pi * late)))


class Run:
    """One training run: network, average, optimiser, pools."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        torch.manual_seed(args.seed)
        self.network = FaceFinder().to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval()
        weights = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim == 1]
        groups = [
            {"params": weights, "weight_decay": args.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=args.rate)
        self.step = 0
        self.history: list[dict] = []

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        path = self.args.out / "checkpoint.pt"
        if not path.exists():
            return
        saved = torch.load(path, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.history = saved["step"], saved["history"]

    def save(self) -> None:
        """Write the checkpoint; a run killed while writing keeps the old one."""
        states = {
            "checkpoint.pt": {
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "history": self.history,
            },
            "average.pt": {"network": self.average.state_dict(), "step": self.step},
        }
        for name, state in states.items():
            torch.save(state, self.args.out / (name + ".part"))
            os.replace(self.args.out / (name + ".part"), self.args.out / name)
        history = json.dumps(self.history, indent=1) + "\n"
        (self.args.out / "history.json").write_text(history)

    def learn(self, pictures: torch.Tensor, truth: torch.Tensor) -> dict[str, float]:
        """One batch."""
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.args.bf16):
            maps = self.network(pictures)
        total, parts = loss(maps, truth)
        self.optimizer.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        weight = 1 - min(self.args.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            pairs = zip(self.average.state_dict().values(), self.network.state_dict().values())
            for mean, new in pairs:
                if mean.is_floating_point():
                    mean.lerp_(new, weight)
        return parts

    def train(self, pools: list[Pool]) -> None:
        """All steps that are still to be done; a checkpoint every 500."""
        args = self.args
        generator = torch.Generator().manual_seed(args.seed * 100_003 + self.step)
        self.network.train()
        sums: dict[str, float] = {}
        bar = tqdm(initial=self.step, total=args.steps, desc="steps", mininterval=5)
        begun = time.monotonic()
        last = min(args.steps, args.until or args.steps)
        while self.step < last:
            for group in self.optimizer.param_groups:
                group["lr"] = rate_at(self.step / args.steps, args.rate, args.decay, self.step)
            large = self.step % LARGE_EVERY == LARGE_EVERY - 1
            share = SMALL[0] * SMALL[1] / (LARGE[0] * LARGE[1]) if large else 1.0
            batch = pools[int(large)].batch(int(args.batch * share), generator)
            for key, value in self.learn(*batch).items():
                sums[key] = sums.get(key, 0.0) + value
            self.step += 1
            bar.update()
            if self.step % 500 == 0 or self.step == last:
                means = {key: round(value / 500, 4) for key, value in sums.items()}
                seconds = round(time.monotonic() - begun)
                self.history.append({"step": self.step, **means, "seconds": seconds})
                tqdm.write(json.dumps(self.history[-1]))
                sums = {}
                self.save()
        bar.close()


def main() -> None:
    """Train or go on training."""
    args = arguments()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    folders = Folders.of(args)
    load(folders, args.out)
    run = Run(args)
    run.resume()
    settings = {
        **{key: str(value) for key, value in vars(args).items()},
        "parameters": parameter_count(run.network),
        "multiply_adds_160x120": multiply_adds(copy.deepcopy(run.network), 120, 160),
    }
    (args.out / "settings.json").write_text(json.dumps(settings, indent=1) + "\n")
    print(json.dumps(settings))
    if run.step >= min(args.steps, args.until or args.steps):
        return
    pools = [Pool.of_size(args.pool, *SMALL), Pool.of_size(args.pool // 20, *LARGE)]
    seed = args.seed * 1000 + run.step
    painters = start_painters(
        pools, folders.cache(args.out), args.out / "hard.npy", seed, args.painters
    )
    with tqdm(total=args.pool // 4, desc="first samples", mininterval=5) as bar:
        while bar.n < args.pool // 4:
            time.sleep(0.5)
            bar.update(int(pools[0].ready.sum()) - bar.n)
    run.train(pools)
    for painter in painters:
        painter.terminate()


if __name__ == "__main__":
    main()
