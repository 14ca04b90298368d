"""Face-free pictures: gathering them from folders, and making some from nothing.

Pictures become grey and at most 640 pixels long. Whatever YuNet takes for a face, at the
picture's own size or at half of it, even half-heartedly (score 0.4), leaves the bank.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from .teacher import Teacher

LONGEST_PX = 640
SHORTEST_PX = 64
KINDS = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tga"}


def read_grey(path: Path) -> np.ndarray | None:
    """A picture as grey `uint8`, shrunk to `LONGEST_PX`; None if it is none or too small.

    Transparent parts become mid-grey.
    """
    try:
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if picture is None or picture.dtype != np.uint8 or min(picture.shape[:2]) < SHORTEST_PX:
        return None
    if picture.ndim == 3:
        alpha = picture[..., 3:].astype(np.float32) / 255 if picture.shape[2] == 4 else None
        grey = cv2.cvtColor(np.ascontiguousarray(picture[..., :3]), cv2.COLOR_BGR2GRAY)
        if alpha is not None:
            grey = (grey * alpha[..., 0] + 128 * (1 - alpha[..., 0])).astype(np.uint8)
        picture = grey
    shrink = LONGEST_PX / max(picture.shape)
    if shrink < 1:
        picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    if min(picture.shape) < SHORTEST_PX // 2 or picture.std() < 4:
        return None
    return picture


def sees_a_face(teacher: Teacher, picture: np.ndarray) -> bool:
    """Whether YuNet does, at either of two sizes."""
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return any(len(teacher.points(p)[1]) for p in (picture, half) if min(p.shape) >= 32)


def gather(folders: list[Path], data: Path, most: int, seed: int = 1) -> list[np.ndarray]:
    """The face-free pictures below `folders`, at most `most` of each, chosen at random."""
    teacher = Teacher(data, 0.4)
    bank = []
    for folder in folders:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in KINDS and p.is_file())
        order = np.random.default_rng(seed).permutation(len(paths))
        kept = 0
        for index in tqdm(order, desc=folder.name, mininterval=5, leave=False):
            picture = read_grey(paths[index])
            if picture is None or sees_a_face(teacher, picture):
                continue
            bank.append(picture)
            kept += 1
            if kept >= most:
                break
        tqdm.write(f"{folder}: {kept} of {len(paths)} pictures")
    return bank


def drawn(generator: np.random.Generator, width: int, height: int) -> np.ndarray:
    """A picture made from nothing: clouds, noise, stripes, blobs, lines, boxes or text."""
    kind = generator.integers(7)
    level, contrast = generator.uniform(40, 215), generator.uniform(10, 90)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    if kind == 0:
        picture = np.zeros((height, width), np.float32)
        for cells in (3, 6, 12, 24, 48):
            coarse = generator.normal(size=(cells, cells)).astype(np.float32)
            layer = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
            picture += layer * cells ** -generator.uniform(0.2, 1.0)
        picture = picture / picture.std() * contrast + level
    elif kind == 1:
        picture = generator.normal(level, contrast, (height, width)).astype(np.float32)
        picture = cv2.GaussianBlur(picture, (0, 0), generator.uniform(0.3, 4))
        picture = (picture - level) * contrast / max(picture.std(), 1) + level
    elif kind == 2:
        angle, period = generator.uniform(0, np.pi), generator.uniform(3, 60)
        wave = np.sin((xs * np.cos(angle) + ys * np.sin(angle)) * 2 * np.pi / period)
        if generator.random() < 0.5:
            wave = np.sign(wave)
        picture = level + contrast * wave
    elif kind == 3:
        angle = generator.uniform(0, 2 * np.pi)
        slope = (xs * np.cos(angle) + ys * np.sin(angle)) / max(width, height)
        picture = level + contrast * 2 * slope
    else:
        picture = np.full((height, width), level, np.float32)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    ink = lambda: float(generator.uniform(0, 255))  # noqa: E731
    point = lambda: (int(generator.integers(width)), int(generator.integers(height)))  # noqa: E731
    if kind >= 4 or generator.random() < 0.4:
        for _ in range(generator.integers(3, 40)):
            thick = int(generator.integers(1, 4))
            what = kind if kind >= 4 else generator.integers(4, 7)
            if what == 4:
                axes = (int(generator.integers(2, 40)), int(generator.integers(2, 40)))
                turn = float(generator.uniform(0, 180))
                fill = -1 if generator.random() < 0.6 else thick
                cv2.ellipse(picture, point(), axes, turn, 0, 360, ink(), fill, cv2.LINE_AA)
            elif what == 5:
                if generator.random() < 0.5:
                    cv2.line(picture, point(), point(), ink(), thick, cv2.LINE_AA)
                else:
                    fill = -1 if generator.random() < 0.5 else thick
                    cv2.rectangle(picture, point(), point(), ink(), fill)
            else:
                letters = "".join(chr(c) for c in generator.integers(33, 123, size=12))
                size = float(generator.uniform(0.25, 1.6))
                font = int(generator.integers(0, 8))
                cv2.putText(picture, letters, point(), font, size, ink(), thick, cv2.LINE_AA)
    return picture
