"""What the comparisons are made of; run with `python -m pytest training`, needs no data set."""

import numpy as np
import onnxruntime
import torch

from training import vectors
from training.ease import ease, gradient_histograms
from training.explain import guided_gradient
from training.export import save, to_onnx
from training.networks import FaceHead, build
from training.not_a_face import features_of
from training.smote import nearest, oversample


def drawn_faces(count: int) -> torch.Tensor:
    pictures = [vectors.draw("blobs", seed, 48, 48) for seed in range(count)]
    return torch.from_numpy(np.stack(pictures))[:, None]


def test_smote_fills_every_class_up_and_keeps_the_given_faces():
    images, labels = drawn_faces(12), torch.tensor([0] * 7 + [1] * 3 + [4] * 2)
    targets = torch.nn.functional.one_hot(labels, 7).float()
    more, more_labels, more_targets = oversample(images, labels, targets, seed=1)
    assert torch.bincount(more_labels, minlength=7).tolist() == [7, 7, 0, 0, 7, 0, 0]
    assert torch.equal(more[:12], images) and torch.equal(more_targets[:12], targets)
    assert torch.equal(more_targets.argmax(dim=1), more_labels)


def test_a_synthetic_face_lies_between_two_of_its_class():
    dark, light = torch.full((1, 48, 48), 10), torch.full((1, 48, 48), 50)
    images = torch.stack([dark, light, *[torch.zeros(1, 48, 48)] * 4]).to(torch.uint8)
    labels = torch.tensor([1, 1, 3, 3, 3, 3])
    more, more_labels, _ = oversample(images, labels, torch.eye(7)[labels], seed=2)
    new = more[6:][more_labels[6:] == 1].float()
    assert len(new) == 2
    assert (new >= 10).all() and (new <= 50).all() and (new.std(dim=(1, 2, 3)) == 0).all()


def test_the_nearest_faces_are_found_without_the_face_itself():
    levels = torch.tensor([0, 100, 104, 200, 210])
    images = levels[:, None, None, None].expand(-1, 1, 48, 48).to(torch.uint8)
    assert nearest(images, 1).flatten().tolist() == [1, 2, 1, 4, 3]


def test_an_upright_edge_has_its_histogram_in_the_first_orientation():
    image = torch.zeros(1, 48, 48, dtype=torch.uint8)
    image[:, :, 24:] = 200
    by_orientation = gradient_histograms(image).view(49, 9, 4).sum(dim=(0, 2))
    assert by_orientation.argmax() == 0 and by_orientation[1:].sum() == 0


def test_a_mislabelled_face_is_hard_and_the_others_are_easy():
    torch.manual_seed(3)
    labels = torch.arange(70) % 2
    features = torch.randn(70, 30) * 0.1
    features[:, :15] += labels[:, None] * 2.0 - 1
    labels[0] = 1 - labels[0]
    shares, lead = ease(features, labels, folds=5, repeats=4, seed=1)
    assert shares[0] == 0 and lead[0] < 0
    assert shares[1:].mean() > 0.95


def test_the_guided_rule_changes_the_gradient_and_keeps_its_shape():
    network = build("probe").eval()
    network.equalise = 0.0
    face = vectors.draw("rings", 9, 48, 48)
    guided = guided_gradient(network, face, 3)
    x = torch.from_numpy(face.copy())[None, None].float().requires_grad_()
    network(x)[0, 3].backward()
    plain = x.grad[0, 0].numpy()
    assert guided.shape == (48, 48) and np.isfinite(guided).all() and np.abs(guided).max() > 0
    assert not np.allclose(guided, plain)


def test_the_face_head_becomes_a_second_output(tmp_path):
    torch.manual_seed(4)
    network, head = build("probe").eval(), FaceHead(128).eval()
    network.equalise = 0.0
    save(to_onnx(network, 1.0, False, {"visaged.contract": "1"}, head), tmp_path / "net.onnx")
    face = vectors.draw("blobs", 3, 48, 48)[None, None].astype(np.float32)
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    found = session.run(["face"], {"grey": face})[0]
    with torch.no_grad():
        expected = head(features_of(network, torch.from_numpy(face), exact=True)).sigmoid()
    assert found.shape == (1, 1) and abs(float(found[0, 0]) - float(expected[0])) < 1e-5
