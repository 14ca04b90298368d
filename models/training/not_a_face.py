"""Teach a trained network to tell faces from what a detector takes for one by mistake.

    python -m training.not_a_face --run runs/base --negatives DIR … [--boxes false.jsonl]

One more map is trained on the features that the (first) seven class maps look at; nothing else
changes, so the expressions cost nothing and lose nothing. Faces are FER-2013's Training, without
those that the FER+ votes call no face, which count as non-faces. Non-faces are squares of face-free
pictures: random ones, and a detector's false detections if there is a list of them, one JSON object
a line as `visaged detect --json` prints them. Every other picture, by name, is kept for checking.

The bias is set so that 199 of 200 faces of PublicTest get more than one half. Writes `face.pt`
beside `best.pt`, which `training.export` takes along.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from tqdm import tqdm

from .augment import augment
from .data import DEFAULT_DATA_DIR, VOTES, load_split, load_votes
from .equalise import equalise
from .networks import FaceHead, MiniXception
from .preprocess import crop_face
from .train import load_network

SQUARES_PER_PICTURE = 60
PASSING = 0.995
"""Share of PublicTest's faces that must be told to be faces."""


def features_of(network: MiniXception, faces: torch.Tensor, exact: bool = False) -> torch.Tensor:
    """What the first branch's class maps are computed from, for grey faces (count, 1, 48, 48).

    Computed in bfloat16, which is precise enough to train on, unless `exact`.
    """
    caught = []
    dropout = network.branches[0].dropout
    hook = dropout.register_forward_hook(lambda _module, _in, out: caught.append(out))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=not exact):
        network(equalise(faces, network.equalise))
    hook.remove()
    return caught[0].float()


def random_squares(picture: np.ndarray, count: int, random: np.random.Generator) -> list:
    """Boxes of all sizes from 20 pixels up, anywhere in the picture."""
    height, width = picture.shape
    largest = min(height, width)
    sides = np.exp(random.uniform(np.log(min(20, largest)), np.log(largest), count))
    lefts, tops = random.uniform(0, width - sides), random.uniform(0, height - sides)
    return [(x, y, x + side, y + side) for x, y, side in zip(lefts, tops, sides)]


def non_faces(folders: list[Path], boxes: Path | None, seed: int) -> tuple[np.ndarray, ...]:
    """Crops (count, 48, 48) for training, and for checking: random ones, and false detections."""
    random = np.random.default_rng(seed)
    listed: dict[str, list] = {}
    if boxes:
        for line in boxes.read_text().splitlines():
            row = json.loads(line)
            listed[Path(row["file"]).name] = row["faces"]
    endings = {".jpg", ".jpeg", ".png"}
    paths = sorted(
        p for folder in folders for p in folder.rglob("*") if p.suffix.lower() in endings
    )
    train, check_random, check_found = [], [], []
    for index, path in enumerate(tqdm(paths, desc="non-faces", leave=False)):
        picture = np.asarray(Image.open(path).convert("L"))
        squares = random_squares(picture, SQUARES_PER_PICTURE, random)
        found = [
            (f["x"], f["y"], f["x"] + f["width"], f["y"] + f["height"])
            for f in listed.get(path.name, [])
        ]
        crops = [crop_face(picture, box) for box in squares]
        found_crops = [crop_face(picture, tuple(map(float, box))) for box in found]
        if index % 2:
            check_random += crops
            check_found += found_crops
        else:
            train += crops + found_crops * 4
    if not train:
        raise SystemExit(f"no pictures in {', '.join(map(str, folders))}")
    return tuple(
        np.array(part, np.uint8).reshape(-1, 48, 48) for part in (train, check_random, check_found)
    )


def logits_of(network: MiniXception, head: FaceHead, crops: np.ndarray) -> np.ndarray:
    """The head's logits (count,)."""
    parts = torch.from_numpy(crops.copy())[:, None].float().split(256)
    with torch.no_grad():
        return np.concatenate(
            [head(features_of(network, part)).numpy() for part in parts] or [np.zeros(0)]
        )


def main() -> None:
    """Train the head, set its bias, print how well it tells."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder with best.pt")
    parser.add_argument(
        "--negatives", type=Path, nargs="+", required=True, help="face-free pictures"
    )
    parser.add_argument("--boxes", type=Path, help="false detections in them")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    network = load_network(args.run / "best.pt").to(memory_format=torch.channels_last)
    head = FaceHead(network.branches[0].head.in_channels)
    split, votes = load_split(args.data, "train"), load_votes(args.data, "train")
    no_face = votes[:, VOTES.index("NF")] > 0.5
    squares, check_random, check_found = non_faces(args.negatives, args.boxes, args.seed)
    negatives = np.concatenate([squares, split.images[no_face]])
    positives = split.images[~no_face]
    optimizer = torch.optim.AdamW(head.parameters(), lr=2e-3, weight_decay=1e-2)
    generator = torch.Generator().manual_seed(args.seed)
    for epoch in range(args.epochs):
        order = torch.randperm(len(positives), generator=generator).split(64)
        for step, chosen in enumerate(tqdm(order, desc=f"epoch {epoch + 1}", leave=False)):
            others = torch.randint(len(negatives), (len(chosen),), generator=generator)
            crops = np.concatenate([positives[chosen.numpy()], negatives[others.numpy()]])
            faces = augment(torch.from_numpy(crops)[:, None].float(), 1.0, generator)
            wanted = torch.cat([torch.ones(len(chosen)), torch.zeros(len(others))])
            loss = F.binary_cross_entropy_with_logits(head(features_of(network, faces)), wanted)
            for group in optimizer.param_groups:
                group["lr"] = 2e-3 * (1 - (epoch + step / len(order)) / args.epochs)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    public, public_votes = load_split(args.data, "public"), load_votes(args.data, "public")
    faces = public.images[public_votes[:, VOTES.index("NF")] == 0]
    with torch.no_grad():
        head.conv.bias -= float(np.quantile(logits_of(network, head, faces), 1 - PASSING))
    torch.save(head.state_dict(), args.run / "face.pt")
    report = {
        "PublicTest faces told to be faces": float((logits_of(network, head, faces) > 0).mean())
    }
    for name, crops in (("random squares", check_random), ("false detections", check_found)):
        report[f"{name} (unseen pictures)"] = len(crops)
        if len(crops):
            report[f"{name} told to be no faces"] = float(
                (logits_of(network, head, crops) <= 0).mean()
            )
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
