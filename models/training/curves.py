"""Draw the curves of a run: `python -m training.curves runs/nano` writes runs/nano/curves.png."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def draw_curves(history: list[dict], path: Path) -> None:
    """Loss and accuracy over epochs, Training beside PublicTest.

    The two losses are not the same quantity: Training's is against softened targets on changed
    pictures, PublicTest's against the labels on the pictures as they are.
    """
    epochs = [entry["epoch"] for entry in history]
    figure, (loss, accuracy) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, what in ((loss, "loss"), (accuracy, "accuracy")):
        axis.plot(epochs, [e[f"train_{what}"] for e in history], label="Training, augmented")
        axis.plot(epochs, [e[f"public_{what}"] for e in history], label="PublicTest")
        axis.set(xlabel="epoch", ylabel=what)
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    """Draw one run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder with history.json")
    args = parser.parse_args()
    history = json.loads((args.run / "history.json").read_text())
    draw_curves(history, args.run / "curves.png")


if __name__ == "__main__":
    main()
