"""Write the trained finder as the ONNX file that visaged runs, and check it.

    python -m training.finder.export --run runs/finder --threshold 0.5

Writes `face_finder.onnx` (weights stored as int8) and its `.sha256`, and into the run's folder
the same with float weights; batch normalisation and the input scaling are folded into the
convolutions, the outputs that only serve training are dropped. Both files are compared with
PyTorch on pictures of several sizes.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper

from ..export import Graph, fold_norm, save
from .network import INPUT_SCALE, STRIDES, USED_OUTPUTS, FaceFinder, Separable, multiply_adds
from .squares import OVERLAP

CONTRACT = "face_finder/1"
"""What the program may expect of the file."""

SMALLEST_SIDE_PX = 20
"""Side in network pixels from which on faces are found well."""


def load_network(path: Path) -> FaceFinder:
    """The averaged network of a run."""
    network = FaceFinder()
    network.load_state_dict(torch.load(path, weights_only=True)["network"])
    return network.eval()


def separable(graph: Graph, name: str, x: str, module: Separable) -> str:
    """One depthwise-separable step."""
    depthwise = module.depthwise.weight.detach().numpy()
    stride = module.depthwise.stride[0]
    y = graph.conv(f"{name}.depthwise", x, depthwise, stride=stride, pad=1, groups=len(depthwise))
    y = graph.conv(f"{name}.pointwise", y, *fold_norm(module.pointwise.weight, module.norm))
    if module.residual:
        y = graph.node("Add", f"{name}.sum", [y, x])
    return graph.node("Relu", f"{name}.relu", [y])


def to_onnx(network: FaceFinder, int8: bool, metadata: dict[str, str]) -> onnx.ModelProto:
    """The network as an ONNX model for pictures of any size."""
    graph = Graph(int8)
    weight, bias = fold_norm(network.stem.weight, network.stem_norm)
    x = graph.conv("stem", "picture", weight * INPUT_SCALE, bias, stride=2, pad=1)
    x = graph.node("Relu", "stem.relu", [x])
    outputs = []
    for index, step in enumerate(network.steps):
        for part, module in enumerate(step):
            x = separable(graph, f"step{4 << index}.{part}", x, module)
        if index == 0:
            continue
        stride, head = STRIDES[index - 1], network.heads[index - 1]
        weight = head.weight[:USED_OUTPUTS].detach().double().numpy()
        bias = head.bias[:USED_OUTPUTS].detach().double().numpy()
        name = graph.conv(f"stride{stride}", x, weight, bias)
        sides = [f"rows{stride}", f"columns{stride}"]
        shape = [1, USED_OUTPUTS, *sides]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    size = [1, 1, "height", "width"]
    source = helper.make_tensor_value_info("picture", TensorProto.FLOAT, size)
    return graph.model("face_finder", source, outputs, metadata)


def session(model: Path | bytes) -> onnxruntime.InferenceSession:
    """onnxruntime on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    content = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])


def run(model: onnxruntime.InferenceSession, picture: np.ndarray) -> list[np.ndarray]:
    """The maps (4, rows, columns) for one `uint8` picture."""
    maps = model.run(None, {"picture": picture[None, None].astype(np.float32)})
    return [values[0] for values in maps]


def largest_difference(network: FaceFinder, model: onnxruntime.InferenceSession) -> float:
    """Between PyTorch and onnxruntime on noise of several sizes, odd ones too."""
    generator = np.random.default_rng(1)
    worst = 0.0
    for height, width in ((32, 32), (61, 97), (120, 160), (135, 241)):
        picture = generator.integers(0, 256, (height, width), dtype=np.uint8)
        with torch.no_grad():
            wanted = network(torch.from_numpy(picture).float()[None, None])
        for ours, theirs in zip(run(model, picture), wanted):
            worst = max(worst, float(np.abs(ours - theirs[0, :USED_OUTPUTS].numpy()).max()))
    return worst


def main() -> None:
    """Export one run and check it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder with average.pt")
    parser.add_argument("--out", type=Path, default=Path("."), help="folder of the ONNX file")
    parser.add_argument("--threshold", type=float, default=0.5, help="to accept a face")
    args = parser.parse_args()
    network = load_network(args.run / "average.pt")
    metadata = {
        "visaged.contract": CONTRACT,
        "visaged.threshold": f"{args.threshold:.3f}",
        "visaged.smallest_side": str(SMALLEST_SIDE_PX),
        "visaged.overlap": str(OVERLAP),
        "visaged.multiply_adds": str(multiply_adds(network, 120, 160)),
    }
    save(to_onnx(network, int8=False, metadata=metadata), args.run / "face_finder_float32.onnx")
    difference = largest_difference(network, session(args.run / "face_finder_float32.onnx"))
    if difference > 1e-2:
        raise SystemExit(f"the float graph differs from PyTorch by {difference:.2g}")
    path = args.out / "face_finder.onnx"
    part = args.out / "part" / "face_finder.onnx"
    part.parent.mkdir(parents=True, exist_ok=True)
    save(to_onnx(network, int8=True, metadata=metadata), part)
    for name in (path.name + ".sha256", path.name):
        os.replace(part.parent / name, args.out / name)
    part.parent.rmdir()
    report = {
        "float_against_pytorch": float(f"{difference:.2g}"),
        "int8_against_pytorch": round(largest_difference(network, session(path)), 3),
        "bytes": path.stat().st_size,
        **metadata,
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
