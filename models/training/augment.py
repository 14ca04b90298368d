"""Random changes to a batch of faces, computed on the whole batch at once.

Geometry stands for what a face detector gets wrong (small, shifted, tilted boxes) and
photometry for cameras and rooms. Everything is drawn anew for every picture and epoch.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F


def augment(faces: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Changed copies of `faces`, float (count, 1, 48, 48) in 0..255, same shape and range.

    At `strength` 1: mirrored (half of them); turned by up to ±10°; zoomed, shifted and
    stretched by up to ±10 %; contrast 0.6 to 1.4 and brightness ±40 grey levels, and one in
    four lit from one side; one in five blurred; one in ten as coarse as a face of 24 pixels; one
    in five noisy; three in ten with a covered rectangle. Ranges and shares
    grow with `strength`. The
    draws come from `generator` (on the CPU), so that a seed repeats them.
    """

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator).to(faces.device) * 2 - 1

    def chance(share: float) -> torch.Tensor:
        drawn = torch.rand(len(faces), 1, 1, 1, generator=generator)
        return drawn.to(faces.device) < share * strength

    count = len(faces)
    changed = _warp(faces, strength, uniform)
    contrast = 1 + 0.4 * strength * uniform(count, 1, 1, 1)
    brightness = 40 * strength * uniform(count, 1, 1, 1)
    mean = changed.mean(dim=(1, 2, 3), keepdim=True)
    changed = (changed - mean) * contrast + mean + brightness
    changed = torch.where(chance(0.25), changed + _slope(count, uniform), changed)
    changed = torch.where(chance(0.2), _blur(changed), changed)
    changed = torch.where(chance(0.1), _coarse(changed), changed)
    noise = torch.randn(changed.shape, generator=generator).to(faces.device)
    changed = torch.where(chance(0.2), changed + noise * (5 + 4 * uniform(count, 1, 1, 1)), changed)
    grey = 127.5 + 127.5 * uniform(count, 1, 1, 1)
    changed = torch.where(chance(0.3) & _rectangles(count, uniform), grey, changed)
    return changed.clamp(0, 255)


def _warp(faces: torch.Tensor, strength: float, uniform) -> torch.Tensor:
    """Mirror, rotation, zoom, stretch and shift in one bilinear sampling."""
    count = len(faces)
    angle = math.radians(10) * strength * uniform(count)
    zoom = 1 + 0.1 * strength * uniform(count)
    stretch = 1 + 0.04 * strength * uniform(count)
    # grid_sample's coordinates run from −1 to 1, so 0.2 is a tenth of the picture.
    shift = 0.2 * strength * uniform(2, count)
    mirror = torch.where(uniform(count) < 0, -1.0, 1.0)
    cos, sin = angle.cos(), angle.sin()
    rows = [
        torch.stack([cos * zoom * stretch * mirror, -sin * zoom, shift[0]], dim=1),
        torch.stack([sin * zoom * stretch * mirror, cos * zoom, shift[1]], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(faces.shape), align_corners=False)
    return F.grid_sample(faces, grid, padding_mode="border", align_corners=False)


def _blur(faces: torch.Tensor) -> torch.Tensor:
    """A 5×5 binomial blur, standard deviation 1 pixel."""
    kernel = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=faces.device) / 16
    padded = F.pad(faces, (2, 2, 2, 2), mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, 5)), kernel.view(1, 1, 5, 1))


def _slope(count: int, uniform) -> torch.Tensor:
    """Light from one side: a plane (count, 1, 48, 48) of up to ±40 grey levels at the borders."""
    place = torch.linspace(-1, 1, 48)
    across, down = 28 * uniform(2, count, 1, 1, 1)
    place = place.to(across.device)
    return across * place[None, :] + down * place[:, None]


def _coarse(faces: torch.Tensor) -> torch.Tensor:
    """Reduced to half the size and enlarged again, as a small face is."""
    return F.interpolate(F.avg_pool2d(faces, 2), scale_factor=2, mode="bilinear")


def _rectangles(count: int, uniform) -> torch.Tensor:
    """Masks (count, 1, 48, 48), each true in one rectangle of 6 to 20 pixels a side."""
    middle = 24 + 20 * uniform(2, count, 1)
    half = 6.5 + 3.5 * uniform(2, count, 1)
    pixel = torch.arange(48, device=middle.device) + 0.5
    inside = (pixel - middle).abs() < half
    return inside[0, :, None, None, :] & inside[1, :, None, :, None]
