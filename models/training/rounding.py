"""int8 weights: how they are rounded for the file, and training with weights so rounded.

A batch normalisation that is folded into a convolution multiplies each output channel by a
number, and its scale with it: rounding before folding gives the same int8 values as after.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


def quantize(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 values of a weight (outputs, inputs, 3, 3) and one scale per output.

    Of 41 scales, from the one that just holds a channel's largest weight down to 60 % of it,
    each channel takes the one with the least squared error; what exceeds it is clipped.
    """
    flat = weight.reshape(len(weight), -1)
    largest = np.maximum(np.abs(flat).max(axis=1), 1e-12)
    ratios = np.linspace(1.0, 0.6, 41)
    scales = (ratios[:, None] * largest / 127).astype(np.float32).astype(np.float64)
    values = np.clip(np.rint(flat / scales[:, :, None]), -127, 127)
    errors = np.square(values * scales[:, :, None] - flat).sum(axis=2)
    best = errors.argmin(axis=0)
    channels = np.arange(len(weight))
    chosen = values[best, channels].astype(np.int8).reshape(weight.shape)
    return chosen, scales[best, channels].astype(np.float32)


class Rounding:
    """The convolutions of a network with the scales of their int8 weights."""

    def __init__(self, network: nn.Module):
        self.weights = [m.weight for m in network.modules() if isinstance(m, nn.Conv2d)]
        self.refresh()

    def refresh(self) -> None:
        """Choose the scales for the weights as they are now."""
        self.scales = [self._scales(weight) for weight in self.weights]

    @staticmethod
    def _scales(weight: torch.Tensor) -> torch.Tensor:
        _, scales = quantize(weight.detach().cpu().double().numpy())
        return torch.from_numpy(scales).to(weight.device)[:, None, None, None]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within it the weights are rounded; afterwards they are as before.

        With forward and backward pass inside and the optimizer's step outside, a step follows the
        gradient at the rounded weights: the straight-through estimator (Bengio, Léonard and
        Courville 2013, arXiv 1308.3432).
        """
        kept = [weight.data.clone() for weight in self.weights]
        for weight, scale in zip(self.weights, self.scales):
            weight.data.copy_((weight.data / scale).round().clamp(-127, 127) * scale)
        try:
            yield
        finally:
            for weight, data in zip(self.weights, kept):
                weight.data.copy_(data)
