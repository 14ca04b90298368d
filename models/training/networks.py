"""The networks: mini-Xception in several sizes, the sequential CNN beside them, and a teacher.

mini-Xception (Arriaga, Valdenegro-Toro and Plöger 2017, arXiv 1710.07557): two plain
convolutions, then residual modules of depthwise-separable convolutions, then a 3×3 convolution
to seven maps whose means are the logits. No dense layer. The larger size forks after its first
modules, and the logits of its branches are averaged: a small ensemble that shares what all of its
members need (Lee et al. 2015, arXiv 1511.06314).

All of them take grey faces (count, 1, 48, 48) with values 0..255 and give logits (count, 7).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Shape:
    """What makes one size of the network."""

    stem: tuple[int, int]
    """Channels of the two first convolutions (3×3, unpadded)."""
    stem_stride: int
    """Stride of the second of them."""
    trunk: tuple[tuple[int, bool], ...]
    """For each residual module its channels and whether it halves the picture."""
    branches: tuple[tuple[tuple[int, bool], ...], ...]
    """For each branch the modules that come after those of the trunk."""
    leading_relu: bool
    """Whether a module's convolutions begin with a ReLU, as in Xception itself (Chollet 2017)."""
    plain_head: bool = True
    """Whether the class maps come from a 3×3 convolution, as in mini-Xception.

    The mean of such a map is linear in the means of its inputs (but for the borders), and where the
    last module does not pool, so are its last convolutions: many parameters that add next to
    nothing. Without, a ReLU and a 1×1 convolution are in its place.
    """


SHAPES = {
    "nano": Shape(
        stem=(16, 24),
        stem_stride=2,
        trunk=((48, True), (48, False), (48, False), (48, False), (80, True), (80, False)),
        branches=((),),
        leading_relu=True,
        plain_head=False,
    ),
    # Not released: mini-Xception as its authors made it, for 48×48 pictures.
    "original": Shape(
        stem=(8, 8),
        stem_stride=1,
        trunk=((16, True), (32, True), (64, True), (128, True)),
        branches=((),),
        leading_relu=False,
    ),
    # Never released: a quarter of the original's training time, to compare ways of training with.
    "probe": Shape(
        stem=(8, 16),
        stem_stride=2,
        trunk=((32, True), (64, True), (128, True)),
        branches=((),),
        leading_relu=False,
    ),
    "base": Shape(
        stem=(16, 32),
        stem_stride=2,
        trunk=((64, True), (64, False)),
        branches=(
            ((160, True), (160, False), (320, True), (320, False)),
            ((136, True), (136, False), (272, True), (272, False)),
        ),
        leading_relu=True,
    ),
}


class SeparableConv(nn.Module):
    """3×3 depthwise convolution, then 1×1 convolution, then batch normalisation."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.pointwise(self.depthwise(x)))


class ResidualModule(nn.Module):
    """Two separable convolutions beside a shortcut.

    A halving module ends in a 3×3 max-pool of stride 2, and its shortcut is a 1×1 convolution
    of every other pixel; the others keep their size and their input is the shortcut.
    """

    def __init__(self, inputs: int, outputs: int, halves: bool, leading_relu: bool):
        super().__init__()
        self.halves = halves
        self.leading_relu = leading_relu
        self.first = SeparableConv(inputs, outputs)
        self.second = SeparableConv(outputs, outputs)
        if halves:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=2, bias=False)
            self.shortcut_norm = nn.BatchNorm2d(outputs)
        elif inputs != outputs:
            raise ValueError("a module that keeps the size keeps the channels too")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.first(F.relu(x) if self.leading_relu else x)
        y = self.second(F.relu(y))
        if not self.halves:
            return y + x
        # Striding, not slicing: the gradient of a slice would change the memory layout.
        shortcut = self.shortcut_norm(self.shortcut(x))
        return F.max_pool2d(y, 3, stride=2, padding=1) + shortcut


def residual_modules(
    inputs: int, modules: tuple[tuple[int, bool], ...], leading_relu: list[bool]
) -> nn.Sequential:
    """Modules one after the other; the first has `inputs` channels."""
    channels = [inputs, *(outputs for outputs, _ in modules)]
    return nn.Sequential(
        *(
            ResidualModule(before, outputs, halves, relu)
            for before, (outputs, halves), relu in zip(channels, modules, leading_relu)
        )
    )


class Branch(nn.Module):
    """Modules, then the seven class maps, whose means are the branch's logits."""

    def __init__(self, inputs: int, modules: tuple[tuple[int, bool], ...], shape: Shape):
        super().__init__()
        self.residual = residual_modules(inputs, modules, [shape.leading_relu] * len(modules))
        self.dropout = nn.Dropout2d(0.0)
        channels = modules[-1][0] if modules else inputs
        self.head = nn.Conv2d(channels, 7, 3 if shape.plain_head else 1, padding="same")
        self.plain_head = shape.plain_head

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """What the class maps are made from."""
        x = self.residual(x)
        return x if self.plain_head else F.relu(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.dropout(self.features(x))).mean(dim=(2, 3))


class MiniXception(nn.Module):
    """The released family; only these can be exported.

    With `branches` it has only that many of the branches of its shape: they are trained one after
    the other, each by itself.
    """

    def __init__(self, shape: Shape, branches: int | None = None):
        super().__init__()
        first, second = shape.stem
        self.conv1 = nn.Conv2d(1, first, 3, bias=False)
        self.norm1 = nn.BatchNorm2d(first)
        self.conv2 = nn.Conv2d(first, second, 3, stride=shape.stem_stride, bias=False)
        self.norm2 = nn.BatchNorm2d(second)
        # The stem ends in a ReLU, so the first module needs none.
        relus = [shape.leading_relu and index > 0 for index in range(len(shape.trunk))]
        self.trunk = residual_modules(second, shape.trunk, relus)
        channels = shape.trunk[-1][0]
        self.branches = nn.ModuleList(
            Branch(channels, modules, shape) for modules in shape.branches[:branches]
        )

    def shared(self, faces: torch.Tensor) -> torch.Tensor:
        """What all branches begin with."""
        x = faces / 127.5 - 1
        x = F.relu(self.norm1(self.conv1(x)))
        x = F.relu(self.norm2(self.conv2(x)))
        return self.trunk(x)

    def newest(self, faces: torch.Tensor, together: bool = False) -> torch.Tensor:
        """Logits of the last branch, as it is trained: its own, or the mean of all branches.

        What is shared learns with the first branch only, and no branch with a later one.
        """
        with torch.set_grad_enabled(torch.is_grad_enabled() and len(self.branches) == 1):
            x = self.shared(faces)
            others = [branch(x) for branch in self.branches[:-1]] if together else []
        return torch.stack([*others, self.branches[-1](x)]).mean(dim=0)

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        x = self.shared(faces)
        return torch.stack([branch(x) for branch in self.branches]).mean(dim=0)


class FaceHead(nn.Module):
    """A 3×3 convolution to one map, whose mean is the logit of "a face"."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.conv(features).mean(dim=(1, 2, 3))


class SequentialCnn(nn.Module):
    """The baseline: four unpadded convolutions and two dense layers, 2,345,607 parameters."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 32, 3),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.25),
            nn.Conv2d(64, 128, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(128, 128, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.25),
            nn.Flatten(),
            nn.Linear(2048, 1024),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(1024, 7),
        )

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        return self.layers(faces / 127.5 - 1)


class ResidualBlock(nn.Module):
    """Two plain 3×3 convolutions beside a shortcut (He et al. 2015, arXiv 1512.03385)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class Teacher(nn.Module):
    """A residual network of dense convolutions: never released, it teaches the small ones.

    Dense convolutions are what a processor with matrix units computes fastest, so that it
    costs hardly more to train than a mini-Xception with a tenth of its multiply-adds.
    """

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 64, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(64)
        self.blocks = nn.Sequential(
            ResidualBlock(64, 64, 1),
            ResidualBlock(64, 128, 2),
            ResidualBlock(128, 128, 1),
            ResidualBlock(128, 256, 2),
            ResidualBlock(256, 256, 1),
        )
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(256, 7)

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.norm(self.stem(faces / 127.5 - 1)))
        return self.head(self.dropout(self.blocks(x).mean(dim=(2, 3))))


SIZES = (*SHAPES, "sequential", "teacher")
"""Everything that can be trained."""


def build(size: str, branches: int | None = None) -> nn.Module:
    """An untrained network, one of `SIZES`; a mini-Xception with all or with fewer branches."""
    if size == "sequential":
        return SequentialCnn()
    return Teacher() if size == "teacher" else MiniXception(SHAPES[size], branches)


def parameter_count(network: nn.Module) -> int:
    """Trainable parameters, batch normalisation included."""
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_adds(network: nn.Module) -> int:
    """Multiply-adds of all convolutions and dense layers for one 48×48 face."""
    total = 0

    def count(layer: nn.Module, _inputs, output: torch.Tensor) -> None:
        nonlocal total
        total += output[0].numel() * layer.weight[0].numel()

    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    was_training = network.training
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, 1, 48, 48))
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    return total
