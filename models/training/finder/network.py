"""The face finder: three maps of scores and squares over a grey picture of any size.

A stem, then depthwise-separable steps down to strides 4, 8, 16 and 32 with residual blocks
between them; from the last three strides a 1×1 convolution gives four numbers a cell. During
training it gives six more: the offsets of both eyes and of the mouth, which make the network
look at the parts of a face. Padding is black (zeros) everywhere, in training as in use, so
that the input scaling can be folded into the stem exactly.
"""

from __future__ import annotations

import torch
from torch import nn

STRIDES = (8, 16, 32)
SIDES_PX = {8: (14.0, 40.0), 16: (30.0, 80.0), 32: (60.0, 260.0)}
"""Sides of the faces that each map answers for; what two maps share, both find."""

USED_OUTPUTS = 4
"""Score, dx, dy, log side: what the program reads. The rest is dropped at export."""
OUTPUTS = USED_OUTPUTS + 6

WIDTHS = (8, 24, 48, 96, 128)
"""Channels at strides 2, 4, 8, 16 and 32."""
BLOCKS = (1, 3, 2, 2)
"""Residual blocks at strides 4, 8, 16 and 32."""

INPUT_SCALE = 1 / 128


class Separable(nn.Module):
    """Depthwise 3×3, then pointwise convolution, batch normalisation and ReLU.

    With stride 1 and equal widths the input is added before the ReLU.
    """

    def __init__(self, before: int, after: int, stride: int = 1):
        super().__init__()
        self.depthwise = nn.Conv2d(before, before, 3, stride, 1, groups=before, bias=False)
        self.pointwise = nn.Conv2d(before, after, 1, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.residual = stride == 1 and before == after

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.pointwise(self.depthwise(x)))
        return torch.relu(x + y if self.residual else y)


class FaceFinder(nn.Module):
    """Grey pictures (count, 1, height, width), 0 to 255, to one map per stride."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS, blocks: tuple[int, ...] = BLOCKS):
        super().__init__()
        self.stem = nn.Conv2d(1, widths[0], 3, 2, 1, bias=False)
        self.stem_norm = nn.BatchNorm2d(widths[0])
        self.steps = nn.ModuleList(
            nn.Sequential(
                Separable(before, after, stride=2),
                *(Separable(after, after) for _ in range(count)),
            )
            for before, after, count in zip(widths, widths[1:], blocks)
        )
        self.heads = nn.ModuleList(nn.Conv2d(width, OUTPUTS, 1) for width in widths[2:])
        for head in self.heads:
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
            nn.init.constant_(head.bias[:1], -4.6)

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        x = torch.relu(self.stem_norm(self.stem(pictures * INPUT_SCALE)))
        x = self.steps[0](x)
        maps = []
        for step, head in zip(self.steps[1:], self.heads):
            x = step(x)
            maps.append(head(x))
        return maps


def parameter_count(network: nn.Module) -> int:
    """Trained numbers, those of the dropped outputs too."""
    return sum(p.numel() for p in network.parameters())


def multiply_adds(network: FaceFinder, height: int, width: int) -> int:
    """Multiply-adds of all convolutions (with the used outputs only) for one picture."""
    total = 0

    def count(module: nn.Conv2d, _: object, output: torch.Tensor) -> None:
        nonlocal total
        channels = USED_OUTPUTS if module in list(network.heads) else output.shape[1]
        cells = output.shape[2] * output.shape[3]
        total += cells * channels * module.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.Conv2d)]
    training = network.training
    with torch.no_grad():
        network.eval()(torch.zeros(1, 1, height, width))
    network.train(training)
    for hook in hooks:
        hook.remove()
    return total
