"""Run with `python -m pytest training/finder` in `models/`; needs no data set."""

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from training.finder.backgrounds import drawn
from training.finder.evaluate import Scores
from training.finder.export import largest_difference, run, session, to_onnx
from training.finder.network import OUTPUTS, STRIDES, FaceFinder, multiply_adds
from training.finder.paste import (
    MOST_FACES,
    ROW,
    Material,
    Painter,
    Photo,
    for_pixels,
    frame_of,
    moved,
    placing,
)
from training.finder.pool import RENEWED, Pool, most_wanted
from training.finder.squares import assign, decode, loss, square_overlap, without_doubles
from training.finder.truth import hits, overlaps, square_of_points, turning
from training.finder.vectors import CASES, paint, vectors

# Eyes 20 apart at height 30, nose, mouth 24 below the eyes.
UPRIGHT = np.array([[40, 30], [60, 30], [50, 42], [44, 54], [56, 54]], float)

MODELS = Path(__file__).parents[3]


def lived_in() -> FaceFinder:
    """A random finder whose batch normalisations are not the identity."""
    torch.manual_seed(5)
    network = FaceFinder()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2.0)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    return network.eval()


def silent_maps(height: int, width: int) -> list[np.ndarray]:
    """Maps without any face."""
    maps = []
    for stride in STRIDES:
        values = np.zeros((4, -(-height // stride), -(-width // stride)), np.float32)
        values[0] = -10
        maps.append(values)
    return maps


def painter(seed: int = 3, photos: bool = True) -> Painter:
    """A painter whose only material is noise and one drawn face."""
    draw = np.random.default_rng(seed)
    crops = draw.integers(0, 256, (2, 48, 48), dtype=np.uint8)
    points = np.array([[13, 18], [35, 18], [24, 28], [15, 38], [33, 38]], float)
    bank = [draw.integers(0, 256, (120, 160), dtype=np.uint8) for _ in range(3)]
    photo = Photo(bank[0], UPRIGHT[None], np.array([[120.0, 90.0, 20.0]]))
    material = Material(crops, np.stack([points, points]), bank, 1, [photo] if photos else [])
    return Painter(material, 160, 128, np.random.default_rng(seed))


def test_the_square_of_five_points_is_the_one_found_with_a_pencil():
    # d = 20, v = 24, E = (50, 30): side 1.35 * 44, centre 0.294 * 24 below E.
    assert np.allclose(square_of_points(UPRIGHT[None]), [[50, 37.056, 59.4]])


def test_a_head_is_turned_as_far_as_its_nose_is_off_the_axis():
    turned = UPRIGHT.copy()
    turned[2] += (6, 0)
    assert turning(np.stack([UPRIGHT, turned])) == pytest.approx([0, 6 / 24])


def test_overlap_is_shared_area_over_covered_area():
    first = np.array([[10.0, 10.0, 4.0]])
    second = np.array([[12.0, 10.0, 4.0], [10.0, 10.0, 2.0], [20.0, 10.0, 4.0]])
    assert np.allclose(overlaps(first, second), [[8 / 24, 4 / 16, 0]])
    rows = [torch.from_numpy(np.repeat(first, 3, axis=0)), torch.from_numpy(second)]
    assert np.allclose(square_overlap(*rows), [8 / 24, 4 / 16, 0])


def test_the_better_of_two_finds_hits_and_the_other_is_false():
    truth = np.array([[50.0, 50.0, 20.0]])
    found = np.array([[53.0, 50.0, 20.0], [50.0, 51.0, 20.0], [90.0, 50.0, 20.0]])
    assert hits(found, truth).tolist() == [-1, 0, -1]
    assert hits(np.zeros((0, 3)), truth).tolist() == []


def test_a_cell_is_read_as_the_contract_says():
    maps = silent_maps(120, 160)
    maps[1][:, 3, 5] = [2.0, 0.25, -0.5, math.log(50 / 64)]
    squares, scores = decode(maps, 0.5)
    # Stride 16: cell centre (80.5, 48.5), offsets 4 and -8 pixels, side 50.
    assert np.allclose(squares, [[84.5, 40.5, 50]], atol=1e-5)
    assert scores == pytest.approx([1 / (1 + math.exp(-2))])
    assert len(decode(maps, 0.9)[0]) == 0


def test_of_two_squares_on_one_face_the_surer_one_stays():
    squares = np.array([[50.0, 50, 20], [52, 50, 20], [80, 50, 20]])
    kept, scores = without_doubles(squares, np.array([0.9, 0.8, 0.7]))
    assert kept.tolist() == [[50, 50, 20], [80, 50, 20]]
    assert scores.tolist() == [0.9, 0.7]


def test_a_face_is_answered_for_by_the_map_of_its_size_near_its_centre():
    faces = torch.zeros(1, 2, ROW)
    faces[0, 0, :3] = torch.tensor([40.5, 24.5, 20.0])
    _, answers, counts = assign(faces, 16, 20, 8)
    assert answers.nonzero().tolist() == [[0, 3, 5]]
    # Neighbours may say either, farther cells must be silent.
    assert not counts[0, 3, 6] and not counts[0, 2, 5] and counts[0, 3, 8]
    _, answers, counts = assign(faces, 8, 10, 16)
    assert not answers.any() and counts.all()


def test_two_maps_answer_for_a_face_between_their_sizes():
    faces = torch.zeros(1, 1, ROW)
    faces[0, 0, :3] = torch.tensor([64.5, 64.5, 35.0])
    for stride in (8, 16):
        assert assign(faces, 128 // stride, 160 // stride, stride)[1].any()


def test_where_a_face_is_unsure_no_score_counts():
    faces = torch.zeros(1, 1, ROW)
    faces[0, 0, :4] = torch.tensor([40.5, 24.5, 20.0, 1.0])
    for stride in STRIDES:
        _, answers, counts = assign(faces, 128 // stride, 160 // stride, stride)
        assert not answers.any()
    _, _, counts = assign(faces, 16, 20, 8)
    assert not counts[0, 3, 5] and counts[0, 3, 8]


def test_maps_that_say_the_truth_have_hardly_any_loss():
    faces = torch.zeros(1, MOST_FACES, ROW)
    faces[0, 0] = torch.tensor([40.5, 24.5, 20.0, 0, 36, 20, 45, 20, 40.5, 31])
    wrong, right = [], []
    for stride in STRIDES:
        rows, columns = 128 // stride, 160 // stride
        values = torch.zeros(1, OUTPUTS, rows, columns)
        values[:, 0] = -8
        wrong.append(values.clone())
        if stride == 8:
            values[0, 0, 3, 5] = 8
            values[0, 3, 3, 5] = math.log(20 / 32)
            points = faces[0, 0, 4:].reshape(3, 2) - torch.tensor([40.5, 24.5])
            values[0, 4:, 3, 5] = (points / 20).ravel()
        right.append(values)
    assert loss(right, faces)[0] < 1e-3
    assert loss(wrong, faces)[0] > 5


@pytest.mark.parametrize("mirror", [False, True])
def test_a_pasted_face_gets_the_side_the_tilt_and_the_place_it_was_given(mirror):
    turn = math.radians(12)
    cos, sin = math.cos(turn), math.sin(turn)
    tilted = (UPRIGHT - 50) @ np.array([[cos, sin], [-sin, cos]]) + 50
    centre, side, tilt = frame_of(tilted)
    assert tilt == pytest.approx(turn)
    source = np.array([*centre, side, tilt])
    affine = placing(source, 30.0, math.radians(-20), mirror, 1.0, np.array([70.0, 33.0]))
    points = moved(tilted, affine)
    if mirror:
        points = points[[1, 0, 2, 4, 3]]
    placed, new_side, new_tilt = frame_of(points)
    assert placed == pytest.approx([70, 33])
    assert new_side == pytest.approx(30)
    assert math.degrees(new_tilt) == pytest.approx(-20)


def test_pixels_land_where_points_do():
    picture = np.zeros((40, 40), np.float32)
    picture[10:14, 20:24] = 1  # its middle is (22, 12)
    affine = np.array([[0.5, 0, 3], [0, 0.5, 7]])
    result = cv2.warpAffine(picture, for_pixels(affine), (40, 40), flags=cv2.INTER_LINEAR)
    ys, xs = np.mgrid[0:40, 0:40] + 0.5
    middle = (xs * result).sum() / result.sum(), (ys * result).sum() / result.sum()
    assert middle == pytest.approx(tuple(moved(np.array([22.0, 12.0]), affine)), abs=0.05)


def test_samples_have_the_asked_size_and_rows_that_fit_the_picture():
    for make in (painter(), painter(photos=False)):
        for _ in range(60):
            picture, truth = make.sample()
            assert picture.shape == (128, 160) and picture.dtype == np.uint8
            assert truth.shape == (MOST_FACES, ROW)
            sure = truth[(truth[:, 2] > 0) & (truth[:, 3] == 0)]
            assert np.all(sure[:, 0] > 0) and np.all(sure[:, 0] < 160)
            assert np.isfinite(sure).all()
            assert np.isnan(truth[truth[:, 2] == 0, 4:]).all()


def test_the_same_seed_makes_the_same_samples():
    first, second = painter(9), painter(9)
    for _ in range(10):
        a, b = first.sample(), second.sample()
        assert np.array_equal(a[0], b[0])
        assert np.array_equal(a[1], b[1], equal_nan=True)


def test_drawn_backgrounds_are_pictures_of_the_asked_size():
    draw = np.random.default_rng(1)
    for _ in range(60):
        picture = drawn(draw, 61, 37)
        assert picture.shape == (37, 61) and picture.dtype == np.uint8


def test_a_mirrored_batch_has_mirrored_truth():
    pool = Pool.of_size(4, 160, 128)
    pool.pictures[:, 20, 30] = 255
    row = torch.tensor([30.5, 20.5, 20.0, 0, 25, 15, 36, 15, 30.5, 27])
    pool.truth[:, 0] = row
    pool.truth[:, 1:, 4:] = torch.nan
    pool.ready[:] = 1
    pictures, truth = pool.batch(32, torch.Generator().manual_seed(1))
    turned = truth[:, 0, 0] == 129.5
    assert 4 < turned.sum() < 28
    for picture, rows, mirrored in zip(pictures, truth, turned):
        column = 129 if mirrored else 30
        assert picture[0, 20, column] == 255
        wanted = row
        if mirrored:
            wanted = torch.tensor([129.5, 20.5, 20.0, 0, 124, 15, 135, 15, 129.5, 27])
        assert torch.equal(rows[0], wanted)
        assert rows[1:, :4].abs().sum() == 0


def test_painters_fill_the_pools_and_then_keep_step_with_the_trainer():
    pools = [Pool.of_size(100, 64, 64), Pool.of_size(10, 64, 64)]
    assert most_wanted(pools, [0, 0], 1) == 0
    assert most_wanted(pools, [90, 0], 1) == 1
    assert most_wanted(pools, [100, 10], 1) is None
    pools[0].used += int(50 / RENEWED)
    assert most_wanted(pools, [100, 10], 1) == 0
    assert most_wanted(pools, [150, 10], 1) is None


def test_multiply_adds_grow_with_the_cells():
    network = FaceFinder()
    assert multiply_adds(network, 256, 320) == 4 * multiply_adds(network, 128, 160)
    # The stem alone, by pencil: 80 × 64 cells, 8 outputs, 9 inputs.
    assert multiply_adds(network, 128, 160) > 80 * 64 * 72


def test_the_files_compute_what_pytorch_computes_on_odd_sizes_too():
    network = lived_in()
    for int8, tolerance in ((False, 1e-3), (True, 0.5)):
        model = session(to_onnx(network, int8, {}).SerializeToString())
        assert largest_difference(network, model) < tolerance
        shapes = [values.shape for values in run(model, np.zeros((61, 97), np.uint8))]
        assert shapes == [(4, 8, 13), (4, 4, 7), (4, 2, 4)]


def test_recall_and_false_finds_follow_the_threshold():
    scores = Scores(faces=4, pictures=3, hit=[0.9, 0.6, 0.5], false=[0.7, 0.3])
    assert scores.at(0.5) == (0.75, 1)
    assert scores.at(0.2) == (0.75, 2)
    assert scores.at(0.8) == (0.25, 0)


def test_the_vectors_are_those_of_the_file():
    model = MODELS / "face_finder.onnx"
    stored = json.loads((MODELS.parent / "tests" / "data" / "finder_vectors.json").read_text())
    made = vectors(model)
    assert stored["model_sha256"] == made["model_sha256"]
    for ours, theirs in zip(made["cases"], stored["cases"], strict=True):
        assert ours["pixel_sum"] == theirs["pixel_sum"]
        assert np.allclose(ours["found"], theirs["found"], atol=1e-2)


def test_ellipses_cover_the_pixels_that_the_rule_says():
    picture = paint("gradient", 0, 8, 8, [[4, 4, 2, 1, 255]])
    expected = paint("gradient", 0, 8, 8, [])
    # Row 3: (2 x - 7)² + 4 ≤ 16 for x = 2 to 5; row 2: 9 * 4 is more than 16.
    expected[3:5, 2:6] = 255
    assert np.array_equal(picture, expected)
    assert len(CASES) == 5
