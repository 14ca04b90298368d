"""Run with `python -m pytest training` in `models/`; needs no data set."""

import numpy as np
import pytest
import torch

from training import vectors
from training.equalise import equalise

PICTURES = [
    vectors.draw(pattern, seed, 48, 48)
    for pattern, seeds in vectors.NETWORK_SEEDS.items()
    for seed in seeds
]
"""Of many histograms: flat, two values, narrow."""
PICTURES += [picture // 9 + 100 for picture in PICTURES]


def batch(pictures: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(pictures))[:, None]


def test_it_is_opencv_s():
    cv2 = pytest.importorskip("cv2")
    ours = equalise(batch(PICTURES), 1.0)[:, 0].numpy()
    for picture, found in zip(PICTURES, ours):
        assert (found == cv2.equalizeHist(picture)).all()


def test_four_pixels_by_pencil():
    # Above the darkest there are three pixels: 1, 2 and 3 of them, in steps of 85.
    face = torch.tensor([10.0, 20.0, 30.0, 40.0]).view(1, 1, 2, 2)
    assert equalise(face, 1.0).flatten().tolist() == [0, 85, 170, 255]
    assert equalise(face, 0.5).flatten().tolist() == [5, 52.5, 100, 147.5]


def test_values_between_two_greys_count_as_the_nearer_one():
    # Above the darkest value there are two pixels, in steps of 127.5.
    face = torch.tensor([9.6, 10.4, 30.0, 40.4]).view(1, 1, 2, 2)
    assert equalise(face, 1.0).flatten().tolist() == [0, 0, 128, 255]


def test_a_flat_face_stays_as_it_is_beside_another_one():
    flat = np.full((48, 48), 77, np.uint8)
    found = equalise(batch([flat, PICTURES[0]]), 1.0)
    assert (found[0] == 77).all()
    assert torch.equal(found[1:], equalise(batch(PICTURES[:1]), 1.0))


def test_weight_0_changes_nothing():
    faces = batch(PICTURES)
    assert equalise(faces, 0.0) is faces
