"""Where a network looks: class-activation maps and guided back-propagation over pictures.

    python -m training.explain --run runs/nano --out explained face.png …

The last convolution gives one map a class, and a class's logit is the mean of its map, so the
map itself says how much each place of the face speaks for that class (Zhou et al. 2016). Guided
back-propagation (Springenberg et al. 2015, arXiv 1412.6806) shows at full resolution which pixels
do: the gradient of the logit, of which every ReLU lets only positive parts pass backwards. For each
picture the crop, the map and the gradient of the likeliest class are written side by side.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from unittest import mock

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
    hooks = [
        branch.head.register_forward_hook(lambda _module, _inputs, maps: caught.append(maps))
        for branch in network.branches
    ]
    seen = equalise(torch.from_numpy(face.copy())[None, None], network.equalise).float()
    with torch.no_grad():
        logits = network(seen)
    for hook in hooks:
        hook.remove()
    size = (CROP_SIZE_PX, CROP_SIZE_PX)
    maps = F.interpolate(
        torch.stack(caught).mean(dim=0), size, mode="bilinear", align_corners=False
    )
    return logits[0], maps[0]


class GuidedRelu(torch.autograd.Function):
    """A ReLU whose gradient passes where both its input and the gradient are positive."""

    @staticmethod
    def forward(context, x: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(context, gradient: torch.Tensor) -> torch.Tensor:
        (x,) = context.saved_tensors
        return gradient.clamp(min=0) * (x > 0)


def guided_gradient(network: MiniXception, face: np.ndarray, label: int) -> np.ndarray:
    """d logit / d grey value under the guided rule, (48, 48), for a `uint8` face (48, 48)."""
    seen = equalise(torch.from_numpy(face.copy())[None, None], network.equalise)
    x = seen.float().requires_grad_()
    with mock.patch.object(F, "relu", GuidedRelu.apply):
        network(x)[0, label].backward()
    return x.grad[0, 0].numpy()


def as_picture(gradient: np.ndarray) -> np.ndarray:
    """A gradient as grey values, 128 = none, scaled so that 99 % of it fits."""
    largest = max(float(np.quantile(np.abs(gradient), 0.99)), 1e-12)
    return (128 + 127 * np.clip(gradient / largest, -1, 1)).astype(np.uint8)


def overlay(face: np.ndarray, activation: torch.Tensor, gradient: np.ndarray) -> Image.Image:
    """The face, the face with red where the map speaks for the class, and the gradient."""
    strength = (activation / activation.abs().max().clamp(min=1e-6)).clamp(min=0).numpy()
    grey = face.astype(np.float32)
    red = grey + (255 - grey) * strength
    rest = grey * (1 - 0.7 * strength)
    coloured = np.stack([red, rest, rest], axis=2)
    plain = np.repeat(grey[:, :, None], 3, axis=2)
    last = np.repeat(as_picture(gradient)[:, :, None], 3, axis=2)
    row = np.hstack([plain, coloured, last]).astype(np.uint8)
    return Image.fromarray(row).resize((1152, 384), Image.Resampling.NEAREST)


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
        gradient = guided_gradient(network, face, best)
        overlay(face, maps[best], gradient).save(args.out / f"{path.stem}_{CLASSES[best]}.png")


if __name__ == "__main__":
    main()
