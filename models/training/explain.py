"""Where a network looks: class-activation maps (Zhou et al. 2016) over pictures.

    python -m training.explain --run runs/nano --out explained face.png …

The last convolution gives one map a class, and a class's logit is the mean of its map, so the
map itself says how much each place of the face speaks for that class. For each picture the crop
and the map of the likeliest class are written side by side.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from tqdm import tqdm

from .data import CLASSES
from .equalise import equalise
from .networks import MiniXception
from .preprocess import CROP_SIZE_PX, crop_face
from .train import load_network


def class_maps(network: MiniXception, face: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (7,) and maps (7, 48, 48), in units of logits, for a `uint8` face (48, 48)."""
    caught = []
    hook = network.head.register_forward_hook(lambda _module, _inputs, maps: caught.append(maps))
    seen = equalise(torch.from_numpy(face.copy())[None, None], network.equalise).float()
    with torch.no_grad():
        logits = network(seen)
    hook.remove()
    size = (CROP_SIZE_PX, CROP_SIZE_PX)
    maps = F.interpolate(caught[0], size, mode="bilinear", align_corners=False)
    return logits[0], maps[0]


def overlay(face: np.ndarray, activation: torch.Tensor) -> Image.Image:
    """The face, and beside it the face with red where the map speaks for the class."""
    strength = (activation / activation.abs().max().clamp(min=1e-6)).clamp(min=0).numpy()
    grey = face.astype(np.float32)
    red = grey + (255 - grey) * strength
    rest = grey * (1 - 0.7 * strength)
    coloured = np.stack([red, rest, rest], axis=2)
    plain = np.repeat(grey[:, :, None], 3, axis=2)
    both = np.hstack([plain, coloured]).astype(np.uint8)
    return Image.fromarray(both).resize((768, 384), Image.Resampling.NEAREST)


def main() -> None:
    """Explain every picture of the command line; each is taken whole as one face."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder with best.pt")
    parser.add_argument("--out", type=Path, required=True, help="folder for the overlays")
    parser.add_argument("pictures", type=Path, nargs="+", help="pictures of one face each")
    args = parser.parse_args()
    network = load_network(args.run / "best.pt")
    args.out.mkdir(parents=True, exist_ok=True)
    for path in tqdm(args.pictures, desc="explaining"):
        picture = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("L"))
        height, width = picture.shape
        face = crop_face(picture, (0.0, 0.0, float(width), float(height)))
        logits, maps = class_maps(network, face)
        best = int(logits.argmax())
        overlay(face, maps[best]).save(args.out / f"{path.stem}_{CLASSES[best]}.png")


if __name__ == "__main__":
    main()
