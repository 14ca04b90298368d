"""A released network, from its ONNX file back into PyTorch: to go on from, or to learn from.

    python -m training.released --model mini_xception_base.onnx --out runs/base

Writes `best.pt` (and `face.pt`, if the file has the second output) as a run has them. The logits
stay divided by the temperature. What the export folded into the convolutions is unfolded with the
statistics of Training, so that the network can learn on (`training.train --begin`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from .data import DEFAULT_DATA_DIR, load_split
from .export import named_branches
from .networks import SHAPES, FaceHead, MiniXception, ResidualModule

STATISTICS_FACES = 2048
"""Faces of Training whose statistics stand for all."""

Folded = dict[str, tuple[torch.Tensor, torch.Tensor | None]]


def folded_weights(path: Path) -> Folded:
    """For each convolution of the file its weight, as a float, and its bias if it has one."""
    graph = onnx.load(path).graph
    constants = {c.name: numpy_helper.to_array(c).astype(np.float64) for c in graph.initializer}
    for node in graph.node:
        if node.op_type == "DequantizeLinear":
            values, scales = (constants[name] for name in node.input)
            constants[node.output[0]] = values * scales[:, None, None, None]
    return {
        node.name: (
            torch.from_numpy(constants[node.input[1]]),
            torch.from_numpy(constants[node.input[2]]) if len(node.input) > 2 else None,
        )
        for node in graph.node
        if node.op_type == "Conv"
    }


def _fill(conv: nn.Conv2d, norm: nn.BatchNorm2d, weight: torch.Tensor, bias: torch.Tensor) -> None:
    """A convolution, and a normalisation that only adds `bias`."""
    conv.weight.copy_(weight)
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.fill_(1)
    norm.bias.copy_(bias)


def _fill_module(module: ResidualModule, name: str, folded: Folded) -> None:
    for part in ("first", "second"):
        separable = getattr(module, part)
        separable.depthwise.weight.copy_(folded[f"{name}.{part}.depthwise"][0])
        _fill(separable.pointwise, separable.norm, *folded[f"{name}.{part}.pointwise"])
    if module.halves:
        _fill(module.shortcut, module.shortcut_norm, *folded[f"{name}.shortcut"])


@torch.no_grad()
def read_released(path: Path, size: str) -> tuple[MiniXception, FaceHead | None]:
    """The network of a file, in evaluation mode, and its "face" output."""
    folded = folded_weights(path)
    branches = sum(name.endswith("class_maps") for name in folded)
    network = MiniXception(SHAPES[size], branches)
    weight, bias = folded["conv1"]
    # The file's first convolution takes grey values, the network's x / 127.5 − 1.
    weight = weight * 127.5
    _fill(network.conv1, network.norm1, weight, bias + weight.sum(dim=(1, 2, 3)))
    _fill(network.conv2, network.norm2, *folded["conv2"])
    for index, module in enumerate(network.trunk, start=1):
        _fill_module(module, f"residual{index}", folded)
    for prefix, branch in named_branches(network):
        for index, module in enumerate(branch.residual, start=1 + len(network.trunk)):
            _fill_module(module, f"{prefix}residual{index}", folded)
        weight, bias = folded[f"{prefix}class_maps"]
        branch.head.weight.copy_(weight * branches)
        branch.head.bias.copy_(bias * branches)
    face = None
    if "face_map" in folded:
        face = FaceHead(network.branches[0].head.in_channels)
        face.conv.weight.copy_(folded["face_map"][0])
        face.conv.bias.copy_(folded["face_map"][1])
    return network.eval(), face


@torch.no_grad()
def unfold(network: MiniXception, faces: torch.Tensor) -> None:
    """Give the batch normalisations the statistics of what they get for some faces.

    `faces` is (count, 1, 48, 48), grey values 0 to 255. The network computes what it computed
    before, and, when it is trained, starts from there: with the statistics of a batch that
    normalise what comes in.
    """

    def measure(norm: nn.BatchNorm2d, inputs: tuple[torch.Tensor]) -> None:
        var, mean = torch.var_mean(inputs[0], dim=(0, 2, 3))
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        norm.bias.add_((mean - norm.running_mean) * scale)
        norm.weight.copy_(scale * torch.sqrt(var + norm.eps))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)

    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
    network.eval()(faces.float())
    for hook in hooks:
        hook.remove()


def main() -> None:
    """Write a file as a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="mini_xception_*.onnx")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder")
    args = parser.parse_args()
    metadata = {entry.key: entry.value for entry in onnx.load(args.model).metadata_props}
    size = metadata["visaged.size"]
    network, face = read_released(args.model, size)
    faces = load_split(args.data, "train").images[:STATISTICS_FACES]
    unfold(network, torch.from_numpy(faces.copy())[:, None])
    args.out.mkdir(parents=True, exist_ok=True)
    state = {
        "size": size,
        "branches": len(network.branches),
        "equalise": float(metadata["visaged.equalisation"]),
        "network": network.state_dict(),
    }
    torch.save(state, args.out / "best.pt")
    if face is not None:
        torch.save(face.state_dict(), args.out / "face.pt")


if __name__ == "__main__":
    main()
