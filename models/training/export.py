"""Write a trained network as the ONNX files that visaged runs, and check them.

    python -m training.export --run runs/nano

Writes `mini_xception_SIZE.onnx` (int8 weights) and `mini_xception_SIZE_float32.onnx`, each
with its `.sha256`, and compares both with PyTorch on all of PublicTest.

The graph takes raw grey values and ends in probabilities; where the run has a `face.pt` (of
`training.not_a_face`), the probability of being a face is a second output. Against the trained
network it is
rewritten where that is exact: batch normalisation and the input scaling are folded into the
convolutions, the 3×3 max-pool is split into a column and a row, and the shortcuts drop every
other pixel by a 1×1 max-pool of stride 2 before their convolution (tract runs both forms
faster). The softmax temperature, fitted on PublicTest, is folded into the last convolution.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from tqdm import tqdm

from .data import CLASSES, DEFAULT_DATA_DIR, load_split
from .equalise import equalise
from .metrics import summary
from .networks import (
    SHAPES,
    Branch,
    FaceHead,
    MiniXception,
    ResidualModule,
    multiply_adds,
    parameter_count,
)
from .rounding import quantize
from .train import load_network, predict

CONTRACT = "1"
"""Version of what the program may expect of a model file; changes with any of the rest."""


def fold_norm(weight: torch.Tensor, norm: nn.BatchNorm2d) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias of a convolution without bias followed by `norm`, in evaluation mode."""
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    folded = weight.double() * scale[:, None, None, None]
    bias = norm.bias.double() - norm.running_mean.double() * scale
    return folded.detach().numpy(), bias.detach().numpy()


class Graph:
    """Nodes and constants of the ONNX graph, added in the order of computation."""

    def __init__(self, int8: bool):
        self.int8 = int8
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: np.ndarray) -> str:
        """A named constant."""
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def node(self, kind: str, name: str, inputs: list[str], **attributes) -> str:
        """One node; its only output carries its name."""
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def conv(
        self,
        name: str,
        x: str,
        weight: np.ndarray,
        bias: np.ndarray | None = None,
        *,
        stride: int = 1,
        pad: int = 0,
        groups: int = 1,
    ) -> str:
        """A convolution; its weight is stored as int8 if the graph is the int8 one."""
        if self.int8:
            values, scales = quantize(weight)
            stored = [
                self.constant(f"{name}.weight_int8", values),
                self.constant(f"{name}.weight_scale", scales),
            ]
            weight_name = self.node("DequantizeLinear", f"{name}.weight", stored, axis=0)
        else:
            weight_name = self.constant(f"{name}.weight", weight.astype(np.float32))
        inputs = [x, weight_name]
        if bias is not None:
            inputs.append(self.constant(f"{name}.bias", bias.astype(np.float32)))
        return self.node(
            "Conv",
            name,
            inputs,
            kernel_shape=list(weight.shape[2:]),
            strides=[stride, stride],
            pads=[pad] * 4,
            group=groups,
        )

    def max_pool(self, name: str, x: str, kernel: list[int], strides: list[int]) -> str:
        """A max-pool; padding, half the kernel, counts as −∞."""
        pads = [side // 2 for side in kernel] * 2
        return self.node("MaxPool", name, [x], kernel_shape=kernel, strides=strides, pads=pads)

    def model(
        self,
        name: str,
        source: onnx.ValueInfoProto,
        outputs: list[onnx.ValueInfoProto],
        metadata: dict[str, str],
    ) -> onnx.ModelProto:
        """The graph as a checked file."""
        graph = helper.make_graph(self.nodes, name, [source], outputs, self.constants)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=8,
            producer_name="visaged models/training",
        )
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        return model

    def residual(self, name: str, x: str, module: ResidualModule) -> str:
        """One residual module."""
        y = self.node("Relu", f"{name}.relu_in", [x]) if module.leading_relu else x
        for part in ("first", "second"):
            separable = getattr(module, part)
            depthwise = separable.depthwise.weight.detach().numpy()
            y = self.conv(f"{name}.{part}.depthwise", y, depthwise, pad=1, groups=len(depthwise))
            y = self.conv(
                f"{name}.{part}.pointwise",
                y,
                *fold_norm(separable.pointwise.weight, separable.norm),
            )
            if part == "first":
                y = self.node("Relu", f"{name}.relu", [y])
        if module.halves:
            y = self.max_pool(f"{name}.pool_columns", y, [3, 1], [2, 1])
            y = self.max_pool(f"{name}.pool_rows", y, [1, 3], [1, 2])
            x = self.max_pool(f"{name}.every_other", x, [1, 1], [2, 2])
            folded = fold_norm(module.shortcut.weight, module.shortcut_norm)
            x = self.conv(f"{name}.shortcut", x, *folded)
        return self.node("Add", f"{name}.sum", [y, x])

    def branch(self, prefix: str, x: str, branch: Branch, first: int) -> str:
        """A branch up to its class maps; its modules are numbered from `first`."""
        for index, module in enumerate(branch.residual, start=first):
            x = self.residual(f"{prefix}residual{index}", x, module)
        return x if branch.plain_head else self.node("Relu", f"{prefix}relu_out", [x])


def named_branches(network: MiniXception) -> list[tuple[str, Branch]]:
    """The branches, and how the names of their nodes begin."""
    if len(network.branches) == 1:
        return [("", network.branches[0])]
    return [(f"branch{index}.", b) for index, b in enumerate(network.branches, start=1)]


def to_onnx(
    network: MiniXception,
    temperature: float,
    int8: bool,
    metadata: dict[str, str],
    face: FaceHead | None = None,
) -> onnx.ModelProto:
    """The network as one of its two files; with `face`, that is its second output."""
    graph = Graph(int8)
    weight, bias = fold_norm(network.conv1.weight, network.norm1)
    # conv(x / 127.5 − 1) = conv(x) / 127.5 − (sum of the weights): the convolution is unpadded.
    bias = bias - weight.sum(axis=(1, 2, 3))
    x = graph.conv("conv1", "grey", weight / 127.5, bias)
    x = graph.node("Relu", "relu1", [x])
    stride = network.conv2.stride[0]
    x = graph.conv("conv2", x, *fold_norm(network.conv2.weight, network.norm2), stride=stride)
    x = graph.node("Relu", "relu2", [x])
    for index, module in enumerate(network.trunk):
        x = graph.residual(f"residual{index + 1}", x, module)
    features = [
        graph.branch(prefix, x, branch, 1 + len(network.trunk))
        for prefix, branch in named_branches(network)
    ]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 7])]
    if face is not None:
        face_weight = face.conv.weight.detach().double().numpy()
        y = graph.conv(
            "face_map", features[0], face_weight, face.conv.bias.detach().double().numpy(), pad=1
        )
        y = graph.node("GlobalAveragePool", "face_mean", [y])
        y = graph.node("Flatten", "face_logit", [y], axis=1)
        graph.node("Sigmoid", "face", [y])
        outputs.append(helper.make_tensor_value_info("face", TensorProto.FLOAT, [1, 1]))
    maps = []
    for (prefix, branch), x in zip(named_branches(network), features):
        # The mean over the branches is folded in, too.
        share = temperature * len(features)
        head = branch.head.weight.detach().double().numpy() / share
        bias = branch.head.bias.detach().double().numpy() / share
        pad = head.shape[-1] // 2
        maps.append(graph.conv(f"{prefix}class_maps", x, head, bias, pad=pad))
    x = maps[0] if len(maps) == 1 else graph.node("Sum", "class_maps", maps)
    x = graph.node("GlobalAveragePool", "means", [x])
    x = graph.node("Flatten", "logits", [x], axis=1)
    graph.node("Softmax", "probabilities", [x], axis=1)
    source = helper.make_tensor_value_info("grey", TensorProto.FLOAT, [1, 1, 48, 48])
    return graph.model("mini_xception", source, outputs, metadata)


def fit_temperature(logits: torch.Tensor, labels: np.ndarray) -> float:
    """The T that makes softmax(logits / T) likeliest (Guo et al. 2017), to 0.01."""
    wanted = torch.from_numpy(labels)
    candidates = [hundredths / 100 for hundredths in range(30, 301)]
    losses = [nn.functional.cross_entropy(logits / t, wanted).item() for t in candidates]
    return candidates[int(np.argmin(losses))]


def run_onnx(model: Path, images: np.ndarray) -> np.ndarray:
    """onnxruntime's probabilities (count, 7) for `uint8` images (count, 48, 48).

    The images are equalised as the file's metadata say.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, ["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    faces = torch.from_numpy(np.array(images))[:, None]
    images = equalise(faces, float(metadata.get("visaged.equalisation", 0)))[:, 0].numpy()
    faces = tqdm(images, desc=model.name, mininterval=5, leave=False)
    name = session.get_inputs()[0].name
    inputs = ({name: face[None, None].astype(np.float32)} for face in faces)
    return np.stack([session.run(["probabilities"], face)[0][0] for face in inputs])


def save(model: onnx.ModelProto, path: Path) -> None:
    """The file, and its SHA-256 in the format of `sha256sum`."""
    content = model.SerializeToString(deterministic=True)
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n")


def main() -> None:
    """Export one run and check it on PublicTest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder with best.pt")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA_DIR, help="optional data folder")
    parser.add_argument("--out", type=Path, default=Path("."), help="folder of the ONNX files")
    parser.add_argument("--crop-margin", type=float, default=0.0, help="of the detector's side")
    args = parser.parse_args()

    saved = torch.load(args.run / "best.pt", weights_only=True)
    if saved["size"] not in SHAPES:
        raise SystemExit(f"{args.run}: a network of size {saved['size']!r} is not exported")
    network = load_network(args.run / "best.pt")
    public = load_split(args.data, "public")
    faces = torch.from_numpy(public.images.copy())[:, None]
    logits = predict(network, equalise(faces, network.equalise))
    temperature = fit_temperature(logits, public.labels)
    probabilities = {"PyTorch": (logits / temperature).softmax(dim=1).numpy()}

    face = None
    if (args.run / "face.pt").exists():
        face = FaceHead(network.branches[0].head.in_channels)
        face.load_state_dict(torch.load(args.run / "face.pt", weights_only=True))
    metadata = {
        "visaged.contract": CONTRACT,
        "visaged.classes": ",".join(CLASSES),
        "visaged.input": "1x1x48x48 grey 0..255",
        "visaged.crop_margin": str(args.crop_margin),
        "visaged.equalisation": str(network.equalise),
        "visaged.temperature": f"{temperature:.2f}",
        "visaged.size": saved["size"],
        "visaged.parameters": str(parameter_count(network)),
        "visaged.multiply_adds": str(multiply_adds(network)),
        "visaged.trained_on": "FER-2013 Training (28709 images); FER+ votes",
        "visaged.chosen_on": f"FER-2013 PublicTest, accuracy {saved['public_accuracy']:.4f}",
    }
    stem = f"mini_xception_{saved['size']}"
    forms = {"int8": f"{stem}.onnx", "float32": f"{stem}_float32.onnx"}
    for form, name in forms.items():
        properties = {**metadata, "visaged.form": form}
        model = to_onnx(network, temperature, form == "int8", properties, face)
        save(model, args.out / name)
        probabilities[form] = run_onnx(args.out / name, public.images)

    report = {"epoch": saved.get("epoch"), "temperature": temperature}
    for form, found in probabilities.items():
        agree = found.argmax(axis=1) == probabilities["PyTorch"].argmax(axis=1)
        difference = np.abs(found - probabilities["PyTorch"]).max()
        report[form] = {
            **{key: round(value, 4) for key, value in summary(found, public.labels).items()},
            "same_class_as_pytorch": int(agree.sum()),
            "largest_difference": float(f"{difference:.2g}"),
        }
    print(json.dumps({"PublicTest": report}, indent=1))
    if report["float32"]["largest_difference"] > 1e-3:
        raise SystemExit("the float file does not compute what PyTorch computes")
    if report["PyTorch"]["accuracy"] - report["int8"]["accuracy"] > 0.005:
        raise SystemExit("quantization costs more than half a point on PublicTest")


if __name__ == "__main__":
    main()
