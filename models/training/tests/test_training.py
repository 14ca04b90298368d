"""Run with `python -m pytest training` in `models/`; needs no data set."""

import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from training import vectors
from training.augment import augment
from training.average import mean_of_weights
from training.data import (
    CLASSES,
    VOTE_OF_CLASS,
    VOTES,
    load_csv,
    load_folders,
    load_idx,
    read_idx,
)
from training.export import run_onnx, save, to_onnx
from training.labels import expected_labels, targets
from training.metrics import calibration_error, class_f1, confusion
from training.networks import SHAPES, FaceHead, build, multiply_adds, parameter_count
from training.pool import Pool
from training.preprocess import crop_face, with_margin
from training.released import folded_weights, read_released, unfold
from training.rounding import Rounding, quantize
from training.train import divergence, learning_rate

TEST_DATA = Path(__file__).parents[3] / "tests" / "data"


def lived_in(size: str) -> torch.nn.Module:
    """A random network whose batch normalisations are not the identity."""
    torch.manual_seed(5)
    network = build(size)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2.0)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    return network.eval()


def test_idx_files_are_read_as_written(tmp_path):
    content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])
    path = tmp_path / "some-idx2-ubyte"
    path.write_bytes(content)
    assert read_idx(path).tolist() == [[1, 2, 3], [4, 5, 6]]
    path.write_bytes(content[:-1])
    with pytest.raises(ValueError, match="header says"):
        read_idx(path)


def test_the_three_forms_of_the_data_set_give_the_same_pictures(tmp_path):
    images = np.stack([vectors.draw("noise", seed, 48, 48) for seed in range(4)])
    labels = np.array([0, 3, 3, 6])
    idx = gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 4, 48, 48) + images.tobytes())
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(idx)
    idx = gzip.compress(struct.pack(">HBBI", 0, 8, 1, 4) + bytes(labels.tolist()))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(idx)
    lines = ["emotion,pixels,Usage"]
    for index, (image, label) in enumerate(zip(images, labels)):
        lines.append(f"{label},{' '.join(map(str, image.ravel()))},Training")
        (tmp_path / CLASSES[label]).mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / CLASSES[label] / f"{index}.png")
    (tmp_path / "fer2013.csv").write_text("\n".join(lines) + "\n")
    forms = [
        load_idx(tmp_path, "train"),
        load_csv(tmp_path / "fer2013.csv", "train"),
        load_folders(tmp_path),
    ]
    for form in forms:
        assert (form.images == images).all()
        assert form.labels.tolist() == labels.tolist()
    assert [form.in_csv_order for form in forms] == [True, True, False]


def test_votes_are_matched_to_classes_by_meaning():
    meaning = [VOTES[column] for column in VOTE_OF_CLASS]
    assert [name[:3] for name in meaning] == [
        {"angry": "ang", "happy": "hap", "sad": "sad"}.get(name, name[:3]) for name in CLASSES
    ]


def test_a_box_of_the_size_of_the_crop_is_copied():
    picture = vectors.draw("noise", 3, 60, 50)
    assert (crop_face(picture, (5.0, 1.0, 53.0, 49.0)) == picture[1:49, 5:53]).all()


def test_outside_the_picture_the_border_goes_on():
    picture = vectors.draw("noise", 3, 48, 48)
    crop = crop_face(picture, (-24.0, 0.0, 24.0, 48.0))
    assert (crop[:, :24] == picture[:, :1]).all()
    assert (crop[:, 24:] == picture[:, :24]).all()


def test_a_margin_grows_the_box_on_every_side():
    assert with_margin(10, 20, 100, 0.1) == (0, 10, 120, 130)


def test_the_stored_preprocessing_vectors_are_what_the_reference_gives():
    stored = json.loads((TEST_DATA / "preprocess_vectors.json").read_text())
    assert stored["cases"] == vectors.preprocess_vectors()["cases"]


def test_the_original_has_the_parameters_of_the_published_one():
    network = build("original")
    channels = sum(m.num_features for m in network.modules() if hasattr(m, "running_mean"))
    # Keras counts the running means and variances as parameters: 58,423 for seven classes.
    assert parameter_count(network) + 2 * channels == 58_423


def test_nano_has_no_more_parameters_than_the_published_one():
    features = build("nano").branches[0].head.in_channels
    assert parameter_count(build("nano")) + parameter_count(FaceHead(features)) <= 58_423


def test_the_baseline_has_the_parameters_of_the_dissertation():
    assert parameter_count(build("sequential")) == 2_345_607


@pytest.mark.parametrize("size", SHAPES)
def test_networks_stay_within_their_budget(size):
    assert parameter_count(build(size)) <= 1_000_000
    assert multiply_adds(build(size)) <= 60_000_000


@pytest.mark.parametrize("size", SHAPES)
def test_the_float_file_computes_what_the_network_computes(size, tmp_path):
    network = lived_in(size)
    faces = np.stack([vectors.draw(pattern, 7, 48, 48) for pattern in vectors.FORMULAS])
    save(to_onnx(network, 1.25, False, {"visaged.contract": "1"}), tmp_path / "net.onnx")
    with torch.no_grad():
        logits = network(torch.from_numpy(faces)[:, None].float()) / 1.25
    found = run_onnx(tmp_path / "net.onnx", faces)
    assert np.abs(found - logits.softmax(dim=1).numpy()).max() < 1e-4


@pytest.mark.parametrize("size", SHAPES)
def test_a_file_read_back_computes_what_was_written(size, tmp_path):
    network = lived_in(size)
    face = FaceHead(network.branches[0].head.in_channels) if size in ("base", "nano") else None
    faces = np.stack([vectors.draw(pattern, 7, 48, 48) for pattern in vectors.FORMULAS])
    save(to_onnx(network, 1.25, True, {"visaged.contract": "1"}, face), tmp_path / "net.onnx")
    again, face_again = read_released(tmp_path / "net.onnx", size)
    with torch.no_grad():
        computed = again(torch.from_numpy(faces)[:, None].float()).softmax(dim=1)
    assert np.abs(run_onnx(tmp_path / "net.onnx", faces) - computed.numpy()).max() < 1e-4
    assert (face_again is None) == (face is None)
    # Rounded once, the weights are rounded to the same values again.
    save(to_onnx(again, 1.0, True, {}, face_again), tmp_path / "again.onnx")
    before, after = folded_weights(tmp_path / "net.onnx"), folded_weights(tmp_path / "again.onnx")
    for name in before:
        assert torch.allclose(before[name][0], after[name][0], rtol=1e-5, atol=1e-9), name


def test_unfolded_normalisations_compute_the_same_and_normalise_what_comes_in(tmp_path):
    network = lived_in("base")
    faces = torch.from_numpy(np.stack([vectors.draw("noise", s, 48, 48) for s in range(16)]))
    faces = faces[:, None].float()
    save(to_onnx(network, 1.0, False, {"visaged.contract": "1"}), tmp_path / "net.onnx")
    again, _ = read_released(tmp_path / "net.onnx", "base")
    with torch.no_grad():
        before = again(faces)
        unfold(again, faces)
        assert torch.allclose(again(faces), before, atol=1e-3)
        # While it is trained, a batch is normalised by its own statistics: here the same.
        assert torch.allclose(again.train()(faces), before, atol=1e-2)


def test_answers_that_agree_diverge_by_nothing_and_others_as_a_pencil_says():
    fair, sure = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.8, 0.2]]).log()
    assert divergence(sure, sure) == pytest.approx(0)
    # (KL(p, q) + KL(q, p)) / 2 = (0.8 - 0.5) ln(0.8 / 0.2) / 2
    assert divergence(sure, fair).item() == pytest.approx(0.3 * np.log(4) / 2, abs=1e-6)
    assert torch.equal(divergence(fair, sure), divergence(sure, fair))


def test_the_mean_of_networks_is_that_of_each_weight():
    first = {"weight": torch.tensor([1.0, 2.0]), "steps": torch.tensor(7)}
    second = {"weight": torch.tensor([3.0, 6.0]), "steps": torch.tensor(9)}
    mean = mean_of_weights([first, second])
    assert mean["weight"].tolist() == [2.0, 4.0] and mean["steps"] == 7


@pytest.mark.parametrize("together", [False, True])
def test_while_a_second_branch_learns_the_rest_does_not(together):
    network = lived_in("base")
    faces = torch.rand(2, 1, 48, 48) * 255
    logits = network.newest(faces, together)
    assert torch.equal(logits, network(faces)) == together
    logits.sum().backward()
    learnt = {name for name, p in network.named_parameters() if p.grad is not None}
    assert learnt == {f"branches.1.{name}" for name, _ in network.branches[1].named_parameters()}


def test_quantized_weights_are_near_and_symmetric():
    weight = np.random.default_rng(1).normal(size=(6, 4, 3, 3))
    values, scales = quantize(weight)
    assert values.min() >= -127
    restored = values * scales[:, None, None, None]
    assert np.abs(restored - weight).mean() < np.abs(weight).mean() * 0.02


def test_targets_sum_to_one_and_votes_keep_the_frequencies_of_the_labels():
    random = np.random.default_rng(1)
    votes = torch.from_numpy(random.dirichlet(np.full(10, 0.3), 500).astype(np.float32))
    labels = votes[:, list(VOTE_OF_CLASS)].argmax(dim=1)
    expected = expected_labels(votes, labels)
    assert torch.allclose(
        expected.mean(dim=0), torch.bincount(labels, minlength=7) / 500, atol=0.01
    )
    mixed = targets(labels, votes, 0.5, 0.1)
    assert torch.allclose(mixed.sum(dim=1), torch.ones(500), atol=1e-5)


def test_augmentation_repeats_with_its_seed_and_stays_in_range():
    faces = torch.from_numpy(vectors.draw("blobs", 1, 48, 48)).float().repeat(16, 1, 1, 1)
    first = augment(faces, 1.0, torch.Generator().manual_seed(3))
    again = augment(faces, 1.0, torch.Generator().manual_seed(3))
    assert torch.equal(first, again)
    assert first.min() >= 0 and first.max() <= 255
    assert not torch.equal(first[0], first[1])


def test_the_learning_rate_warms_up_holds_and_falls_to_nothing():
    assert learning_rate(0.0, 1.0, 0.4) == 0
    assert learning_rate(0.5, 1.0, 0.4) == 1
    assert learning_rate(0.8, 1.0, 0.4) == pytest.approx(0.5)


def test_figures_by_pencil():
    labels = np.array([0, 0, 1, 3])
    counts = confusion(labels, np.array([0, 1, 1, 3]))
    assert class_f1(counts)[[0, 1, 2, 3]] == pytest.approx([2 / 3, 2 / 3, 0, 1])
    sure = np.eye(7)[[0, 1, 1, 3]]
    assert calibration_error(sure, labels) == pytest.approx(0.25)


def test_training_sees_the_weights_as_the_file_has_them():
    network = lived_in("nano")
    before = [weight.detach().clone() for weight in network.parameters()]
    with Rounding(network).applied():
        folded, _ = quantize(network.branches[-1].head.weight.detach().double().numpy())
        values, scales = quantize(before[-2].double().numpy())
        inside = network.branches[-1].head.weight.detach().numpy()
        np.testing.assert_allclose(inside, values * scales[:, None, None, None], rtol=1e-6)
        assert np.abs(folded - values).max() == 0
    for weight, kept in zip(network.parameters(), before):
        assert torch.equal(weight, kept)


def test_copies_keep_what_a_teacher_says_about_a_face_and_its_mirror_image():
    images = torch.full((3, 1, 48, 48), 100, dtype=torch.uint8)
    images[:, :, :, 24:] = 200

    def left_is_lighter(faces):
        lighter = faces[..., :24].mean(dim=(1, 2, 3)) > faces[..., 24:].mean(dim=(1, 2, 3))
        return torch.eye(7)[lighter.long()]

    pool = Pool(images, 2, 0.0, left_is_lighter, seed=1)
    assert pool.faces.shape == (2, 3, 1, 48, 48)
    # Each copy is mirrored or not; of a face and its mirror image one is lighter at the left.
    assert torch.equal(pool.answers, torch.tensor([0.5, 0.5, 0, 0, 0, 0, 0]).expand(2, 3, 7))
