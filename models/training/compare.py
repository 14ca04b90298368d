"""Which ways of training are worth it? Short runs that differ in one thing, and a table.

    python -m training.compare --out runs/compare

Every run trains the same small network (`probe`) from the same seeds on Training and is judged on
PublicTest; its best epoch counts. Finished runs are not repeated, interrupted ones go on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from .data import DEFAULT_DATA_DIR

PLAIN = ["--vote-share", "0", "--strength", "0.6"]

VARIANTS = {
    "labels only": PLAIN,
    "no augmentation": ["--vote-share", "0", "--strength", "0"],
    "FER+ votes, half": ["--strength", "0.6", "--vote-share", "0.5"],
    "label smoothing 0.1": [*PLAIN, "--smoothing", "0.1"],
    "class weights": [*PLAIN, "--class-weight", "1"],
    "rare classes drawn oftener": [*PLAIN, "--balance", "1"],
    "SMOTE": [*PLAIN, "--smote"],
    "weighted by ease": [*PLAIN, "--ease", "EASE"],
    "histogram equalised": [*PLAIN, "--equalise", "1"],
    "half equalised": [*PLAIN, "--equalise", "0.5"],
}
"""What the runs are called, and their options."""


def folder_name(name: str) -> str:
    """A variant's folder."""
    return name.replace("+", "plus").replace(",", "").replace(" ", "_")


def row(history: list[dict]) -> tuple[float, float]:
    """PublicTest accuracy and macro-F1 of the best epoch."""
    best = max(history, key=lambda epoch: epoch["public_accuracy"])
    return best["public_accuracy"], best["public_macro_f1"]


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--ease", type=Path, help="ease.npy of training.ease")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=1, help="runs of each variant")
    args = parser.parse_args()
    print("| variant | PublicTest accuracy | macro-F1 |\n|---|---|---|")
    for name, options in VARIANTS.items():
        if "EASE" in options:
            if not args.ease:
                print(f"| {name} | not run: needs --ease | |")
                continue
            options = [str(args.ease) if option == "EASE" else option for option in options]
        figures = []
        for seed in range(1, args.seeds + 1):
            out = args.out / f"{folder_name(name)}_{seed}"
            command = [sys.executable, "-m", "training.train", "--size", "probe", "--bf16"]
            command += ["--data", str(args.data), "--out", str(out), "--seed", str(seed)]
            command += ["--epochs", str(args.epochs), "--decay", "0.6", *options]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            figures.append(row(json.loads((out / "history.json").read_text())))
        accuracy, macro_f1 = np.mean(figures, axis=0)
        print(f"| {name} | {100 * accuracy:.1f} % | {macro_f1:.3f} |", flush=True)


if __name__ == "__main__":
    main()
