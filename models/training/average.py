"""The mean of the weights of several runs that began with the same network.

    python -m training.average runs/a runs/b --out runs/mean

Runs that learnt on from one network with other seeds end near one another, and the mean of their
weights errs less than each (Wortsman et al. 2022, "Model soups", arXiv 2203.05482). Running means
and variances are averaged too. Writes `best.pt`; prints PublicTest figures of each run and of the
mean.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F

from .data import DEFAULT_DATA_DIR, load_split
from .equalise import equalise
from .metrics import summary
from .train import load_network, predict


def mean_of_weights(states: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Each tensor averaged over the networks; what counts steps is the first one's."""
    return {
        key: torch.stack([state[key] for state in states]).mean(dim=0)
        if first.is_floating_point()
        else first
        for key, first in states[0].items()
    }


def main() -> None:
    """Average runs and say whether that helped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="folders with best.pt")
    parser.add_argument("--out", type=Path, required=True, help="folder of the mean")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder")
    args = parser.parse_args()
    public = load_split(args.data, "public")
    images = torch.from_numpy(public.images.copy())[:, None]
    labels = torch.from_numpy(public.labels)

    def judged(path: Path) -> dict:
        network = load_network(path).to(memory_format=torch.channels_last)
        logits = predict(network, equalise(images, network.equalise))
        figures = summary(logits.softmax(dim=1).numpy(), public.labels)
        figures["loss"] = F.cross_entropy(logits, labels).item()
        print(json.dumps({"run": str(path.parent), **figures}))
        return {f"public_{key}": figure for key, figure in figures.items()}

    saved = [torch.load(run / "best.pt", weights_only=True) for run in args.runs]
    for run in args.runs:
        judged(run / "best.pt")
    state = {key: saved[0][key] for key in ("size", "equalise", "branches")}
    state["network"] = mean_of_weights([one["network"] for one in saved])
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(state, args.out / "best.pt")
    torch.save(state | judged(args.out / "best.pt"), args.out / "best.pt")


if __name__ == "__main__":
    main()
