"""Train a network on FER-2013 Training and choose its best epoch on PublicTest.

    python -m training.train --size nano --out runs/nano

Every epoch writes a checkpoint, and the same command goes on from it. PrivateTest is never
read here.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from .augment import augment
from .data import DEFAULT_DATA_DIR, load_split, load_votes
from .equalise import equalise
from .labels import targets
from .metrics import summary
from .networks import SIZES, MiniXception, build, multiply_adds, parameter_count
from .pool import Pool
from .rounding import Rounding
from .smote import oversample

COPY_STRENGTH = 0.3
"""Of the augmentation on top of the teachers' copies, as a share of `--strength`."""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--size", choices=SIZES, default="nano")
    add("--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder")
    add("--out", type=Path, required=True, help="folder of this run")
    add("--begin", type=Path, help="best.pt of a network that learns on, with all its branches")
    add("--onto", type=Path, help="best.pt of a network; a further branch of it learns")
    add("--together", action="store_true", help="it learns what the mean of all branches lacks")
    add("--epochs", type=int, default=80, help="may be changed when a run goes on")
    add("--decay", type=float, default=0.4, help="last part of the run in which the rate falls")
    add("--batch", type=int, default=128)
    add("--rate", type=float, default=3e-3, help="highest learning rate of AdamW")
    add("--weight-decay", type=float, default=1e-2)
    add("--strength", type=float, default=0.7, help="of the augmentation, 0 to 1")
    add("--mixup", type=float, default=0.0, help="alpha of mixup, 0: none")
    add("--consistency", type=float, default=0.0, help="weight of: mirrored faces look the same")
    add("--dropout", type=float, default=0.0, help="share of the last feature maps left out")
    add("--equalise", type=float, default=0.0, help="weight of the equalised face, 0 to 1")
    add("--vote-share", type=float, default=0.5, help="of the targets, from the FER+ votes")
    add("--smoothing", type=float, default=0.0, help="of the targets, uniform")
    add("--balance", type=float, default=0.0, help="0: as they come, 1: classes equally often")
    add("--class-weight", type=float, default=0.0, help="0: none, 1: classes count equally")
    add("--smote", action="store_true", help="fill rare classes up with synthetic faces")
    add("--ease", type=Path, help="ease.npy: faces count by their ease of classification")
    add("--until", type=int, default=0, help="pause after so many of the epochs; 0: after all")
    add("--patience", type=int, default=0, help="stop after so many epochs without progress")
    add("--teacher", type=Path, nargs="*", default=[], help="best.pt of larger networks")
    add("--teacher-share", type=float, default=0.6, help="of the targets, from the teachers")
    add("--teacher-temperature", type=float, default=1.5)
    add(
        "--copies",
        type=int,
        default=0,
        help="of Training that teachers see; 0: new ones each epoch",
    )
    add("--average", type=float, default=0.998, help="decay per step of the weight average")
    add("--int8", action="store_true", help="train with the weights rounded as the file has them")
    add("--bf16", action="store_true", help="compute in bfloat16 where that is safe")
    add("--compile", action="store_true", help="compile the network: quicker after a minute")
    add("--threads", type=int, default=1, help="of the CPU")
    add("--seed", type=int, default=1)
    add("--restart", action="store_true", help="ignore a checkpoint that is there")
    return parser.parse_args()


def learning_rate(progress: float, highest: float, decay: float) -> float:
    """Warm-up over the first 3 %, then constant, then linear to 0 over the last `decay`.

    `progress` runs from 0 to 1. The constant part is what lets a run be made longer or
    shorter after it has begun.
    """
    return highest * min(1.0, progress / 0.03, (1.0 - progress) / decay)


def mixup(
    faces: torch.Tensor, wanted: torch.Tensor, alpha: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each face blended with its mirror place in the batch, and the targets alike.

    One share for the whole batch, drawn from Beta(alpha, alpha); the larger part stays the face's
    own (Zhang et al. 2017, arXiv 1710.09412).
    """
    share = float(np.random.beta(alpha, alpha))
    share = max(share, 1 - share)
    faces = faces.lerp(faces.flip(0), 1 - share)
    return faces, wanted.lerp(wanted.flip(0), 1 - share)


def divergence(logits: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """How far two answers to each face are from one another, (count,), 0 where they agree.

    The mean of the Kullback-Leibler divergences in both directions, as in R-Drop (Liang et al.
    2021, arXiv 2106.14448).
    """
    log_p, log_q = logits.log_softmax(dim=1), others.log_softmax(dim=1)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(dim=1) / 2


def predict(network: nn.Module, images: torch.Tensor, batch: int = 256) -> torch.Tensor:
    """Logits (count, 7) of `uint8` images (count, 1, 48, 48), in evaluation mode."""
    network.eval()
    device = next(network.parameters()).device
    with torch.no_grad():
        return torch.cat([network(part.to(device).float()).cpu() for part in images.split(batch)])


def load_network(path: Path) -> nn.Module:
    """The network of a `best.pt`; `equalise` is the weight with which its faces are equalised."""
    saved = torch.load(path, weights_only=True)
    network = build(saved["size"], saved.get("branches"))
    network.load_state_dict(saved["network"])
    network.equalise = saved.get("equalise", 0.0)
    return network.eval()


class Run:
    """One training run: network, its running average, optimizer and history."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(args.seed)
        self.network = self._place(self._begin())
        # What learns: all of it, or the last branch.
        self.learner = self.network
        self.forward = self.network
        if isinstance(self.network, MiniXception):
            self.learner = self.network.branches[-1] if args.onto else self.network
            if not args.begin:
                self.forward = partial(self.network.newest, together=args.together)
            self.network.branches[-1].dropout.p = args.dropout
        self.average = copy.deepcopy(self.network).eval()
        if args.compile:
            # Shares its weights with the network.
            self.forward = torch.compile(self.forward)
        self.teachers = [self._place(load_network(path)) for path in args.teacher]
        self.rounding = Rounding(self.network) if args.int8 else None
        self.pool: Pool | None = None
        self.optimizer = torch.optim.AdamW(self._parameter_groups(), lr=args.rate)
        self.history: list[dict] = []
        self.best = 0.0
        self._load_data()

    def _begin(self) -> nn.Module:
        """A network to train: a new one with its first branch, or one that has learnt before."""
        if self.args.begin:
            if self.args.onto:
                raise SystemExit("--begin and --onto: a network learns on, or gets a branch")
            size = torch.load(self.args.begin, weights_only=True)["size"]
            if size != self.args.size:
                raise SystemExit(f"{self.args.begin}: of size {size!r}, not {self.args.size!r}")
            return load_network(self.args.begin)
        if not self.args.onto:
            return build(self.args.size, 1)
        saved = torch.load(self.args.onto, weights_only=True)
        network = build(self.args.size, saved["branches"] + 1)
        missing, unexpected = network.load_state_dict(saved["network"], strict=False)
        new = f"branches.{saved['branches']}."
        if not missing or unexpected or not all(key.startswith(new) for key in missing):
            raise SystemExit(f"{self.args.onto}: gets no other branch as {self.args.size!r}")
        return network

    def _place(self, network: nn.Module) -> nn.Module:
        return network.to(self.device, memory_format=torch.channels_last)

    def _parameter_groups(self) -> list[dict]:
        """Weight decay for the weights of convolutions, none for scales and biases."""
        parameters = list(self.learner.parameters())
        return [
            {
                "params": [p for p in parameters if p.ndim > 1],
                "weight_decay": self.args.weight_decay,
            },
            {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
        ]

    def _load_data(self) -> None:
        args = self.args
        train = load_split(args.data, "train")
        public = load_split(args.data, "public")
        self.images = torch.from_numpy(train.images.copy())[:, None]
        self.labels = torch.from_numpy(train.labels)
        public_images = torch.from_numpy(public.images.copy())[:, None]
        self.public_images = equalise(public_images, args.equalise)
        self.public_labels = public.labels
        votes = None
        if args.vote_share > 0:
            if not train.in_csv_order:
                raise SystemExit("the FER+ votes need IDX files or fer2013.csv (--vote-share 0)")
            votes = torch.from_numpy(load_votes(args.data, "train"))
        self.targets = targets(self.labels, votes, args.vote_share, args.smoothing)
        self.weights = self._face_weights()
        if args.smote:
            columns = (self.images, self.labels, self.targets)
            self.images, self.labels, self.targets = oversample(*columns, args.seed)
            self.weights = torch.ones(len(self.labels))

    def _face_weights(self) -> torch.Tensor:
        """How much each face of Training counts in the loss, (count,), 1 on average."""
        counts = torch.bincount(self.labels, minlength=7).clamp(min=1).float()
        weights = counts.pow(-self.args.class_weight)[self.labels]
        if self.args.ease:
            # From half a point to three halves: the hardest are often mislabelled.
            weights = weights * (0.5 + torch.from_numpy(np.load(self.args.ease)))
        return weights / weights.mean()

    def resume(self) -> None:
        """Take up the checkpoint of an earlier, interrupted run, if there is one."""
        path = self.args.out / "checkpoint.pt"
        if self.args.restart or not path.exists():
            return
        saved = torch.load(path, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        # The command line's, in the place of the earlier one's.
        self.optimizer.param_groups[0]["weight_decay"] = self.args.weight_decay
        self.history = saved["history"]
        self.best = saved["best"]

    def save(self) -> None:
        """Write the checkpoint; a run killed while writing keeps the old one."""
        path = self.args.out / "checkpoint.pt"
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
            "best": self.best,
        }
        torch.save(state, path.with_suffix(".part"))
        os.replace(path.with_suffix(".part"), path)
        (self.args.out / "history.json").write_text(json.dumps(self.history, indent=1) + "\n")

    def order(self, generator: torch.Generator) -> torch.Tensor:
        """The indices of one epoch, shuffled, rarer classes repeated if `--balance` says so."""
        if self.args.balance == 0:
            return torch.randperm(len(self.images), generator=generator)
        weights = torch.bincount(self.labels).double().pow(-self.args.balance)[self.labels]
        return torch.multinomial(weights, len(weights), replacement=True, generator=generator)

    def taught(self, faces: torch.Tensor) -> torch.Tensor:
        """What the teachers see in faces: the mean of their softened probabilities."""
        faces = faces.to(self.device).contiguous(memory_format=torch.channels_last)
        with (
            torch.no_grad(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.args.bf16),
        ):
            logits = [teacher(equalise(faces, teacher.equalise)) for teacher in self.teachers]
        parts = [(part.float() / self.args.teacher_temperature).softmax(1) for part in logits]
        return torch.stack(parts).mean(dim=0).cpu()

    def batch(
        self, index: int, chosen: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Changed faces of epoch `index` and their targets: labels, votes, teachers."""
        args = self.args
        wanted = self.targets[chosen]
        if self.pool:
            copy = index % args.copies
            faces, strength = self.pool.faces[copy, chosen], COPY_STRENGTH * args.strength
        else:
            faces, strength = self.images[chosen], args.strength
        faces = augment(faces.to(self.device).float(), strength, generator)
        faces = faces.contiguous(memory_format=torch.channels_last)
        if self.teachers:
            taught = self.pool.answers[copy, chosen] if self.pool else self.taught(faces)
            wanted = (1 - args.teacher_share) * wanted + args.teacher_share * taught
        wanted = wanted.to(self.device)
        if args.mixup:
            faces, wanted = mixup(faces, wanted, args.mixup)
        return faces, wanted

    def epoch(self, index: int) -> dict:
        """Train through Training once; the figures of the epoch."""
        args = self.args
        generator = torch.Generator().manual_seed(args.seed * 100_003 + index)
        torch.manual_seed(args.seed * 100_003 + index)
        np.random.seed(args.seed * 100_003 + index)
        # What is left over in the end is left out: it would be compiled for, too.
        batches = self.order(generator)
        batches = batches[: len(batches) - len(batches) % args.batch].split(args.batch)
        self.network.eval()
        self.learner.train()
        if self.rounding:
            self.rounding.refresh()
        losses, hits, seen = 0.0, 0, 0
        bar = tqdm(batches, desc=f"epoch {index + 1}/{args.epochs}", mininterval=5, leave=False)
        for step, chosen in enumerate(bar):
            progress = (index + step / len(batches)) / args.epochs
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(progress, args.rate, args.decay)
            faces, wanted = self.batch(index, chosen, generator)
            with self.rounding.applied() if self.rounding else nullcontext():
                logits, loss = self.answer(faces, wanted)
                loss = loss @ self.weights[chosen].to(self.device) / len(chosen)
                self.optimizer.zero_grad()
                loss.backward()
            nn.utils.clip_grad_norm_(self.learner.parameters(), 2.0)
            self.optimizer.step()
            self.update_average(index * len(batches) + step)
            losses += loss.item() * len(chosen)
            hits += int((logits.argmax(dim=1).cpu() == self.labels[chosen]).sum())
            seen += len(chosen)
        return {"epoch": index + 1, "train_loss": losses / seen, "train_accuracy": hits / seen}

    def answer(
        self, faces: torch.Tensor, wanted: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (count, 7) of the faces, and the loss of each.

        With `--consistency` each face is seen mirrored too: the loss is the mean of both looks,
        and what they differ by.
        """
        weight = self.args.consistency
        if weight:
            faces = torch.cat([faces, faces.flip(-1)])
            wanted = torch.cat([wanted, wanted])
        faces = equalise(faces, self.args.equalise)
        faces = faces.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.args.bf16):
            logits = self.forward(faces).float()
        loss = F.cross_entropy(logits, wanted, reduction="none")
        if weight:
            logits, mirrored = logits.chunk(2)
            loss = torch.stack(loss.chunk(2)).mean(dim=0)
            loss = loss + weight * divergence(logits, mirrored)
        return logits, loss

    def update_average(self, step: int) -> None:
        """Move the running average of weights and statistics; quicker in the first steps."""
        weight = 1 - min(self.args.average, (1 + step) / (10 + step))
        pairs = zip(self.average.state_dict().values(), self.network.state_dict().values())
        with torch.no_grad():
            for mean, new in pairs:
                if mean.is_floating_point():
                    mean.lerp_(new, weight)

    def validate(self) -> dict:
        """PublicTest figures of the averaged network, rounded if it is trained so."""
        with Rounding(self.average).applied() if self.args.int8 else nullcontext():
            logits = predict(self.average, self.public_images)
        figures = summary(logits.softmax(dim=1).numpy(), self.public_labels)
        loss = F.cross_entropy(logits, torch.from_numpy(self.public_labels)).item()
        return {"public_loss": loss, **{f"public_{key}": figures[key] for key in figures}}

    def train(self) -> None:
        """All epochs that are still to be done; keeps the best by PublicTest accuracy.

        With `--patience` it stops early.
        """
        args = self.args
        if args.copies:
            # The teachers look at changed copies now, instead of in each epoch.
            settings = (args.copies, args.strength, self.taught, args.seed)
            self.pool = Pool(self.images, *settings)
        for index in range(len(self.history), self.args.until or self.args.epochs):
            figures = {**self.epoch(index), **self.validate()}
            self.history.append(figures)
            tqdm.write(
                "epoch {epoch:3d}  train loss {train_loss:.4f} accuracy {train_accuracy:.4f}  "
                "PublicTest loss {public_loss:.4f} accuracy {public_accuracy:.4f} "
                "macro-F1 {public_macro_f1:.4f}".format(**figures)
            )
            if figures["public_accuracy"] > self.best:
                self.best = figures["public_accuracy"]
                state = {"size": self.args.size, "equalise": self.args.equalise}
                state |= {"network": self.average.state_dict(), **figures}
                if isinstance(self.network, MiniXception):
                    state["branches"] = len(self.network.branches)
                torch.save(state, self.args.out / "best.pt")
            self.save()
            best = max(range(len(self.history)), key=lambda i: self.history[i]["public_accuracy"])
            if self.args.patience and index - best >= self.args.patience:
                break


def main() -> None:
    """Train or go on training."""
    args = arguments()
    torch.set_num_threads(args.threads)
    np.random.seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    run = Run(args)
    run.resume()
    settings = {key: str(v) if isinstance(v, Path) else v for key, v in vars(args).items()}
    settings["teacher"] = [str(path) for path in args.teacher]
    settings["parameters"] = parameter_count(run.network)
    settings["multiply_adds"] = multiply_adds(copy.deepcopy(run.network).cpu())
    (args.out / "settings.json").write_text(json.dumps(settings, indent=1) + "\n")
    print(json.dumps(settings))
    run.train()


if __name__ == "__main__":
    main()
