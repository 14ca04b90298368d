"""Training pictures: faces, and things that are none, pasted alike into face-free pictures.

A sample is a grey picture with at most `MOST_FACES` rows of truth: centre x, y, side, 1 if the
face is neither wanted nor wrong, then eyes' and mouth's x, y (in the picture's order; NaN if
unknown). Everything is drawn from one `numpy` generator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from .backgrounds import drawn
from .truth import square_of_points, turning

MOST_FACES = 8
ROW = 10

SMALLEST_PX, LARGEST_PX = 15.0, 115.0
"""Sides of pasted faces; the large pictures get `LARGE_PX` too."""
LARGE_PX = 240.0

TURNED, TURNED_SHARE = 0.18, 0.25
"""From this `turning` on a head counts as turned; so many of the pasted faces are chosen so."""


@dataclass
class Photo:
    """A real picture with known faces."""

    picture: np.ndarray
    points: np.ndarray
    """(faces, 5, 2)."""
    unsure: np.ndarray
    """Squares (count, 3) where there may be a face."""


@dataclass
class Material:
    """All that samples are made from."""

    crops: np.ndarray
    """Tight face crops (count, 48, 48)."""
    points: np.ndarray
    """Their facial points (count, 5, 2)."""
    bank: list[np.ndarray]
    """Face-free pictures; the first `natural` of them are photographs and weigh more."""
    natural: int
    photos: list[Photo]
    hard: list[tuple[int, float, float, float]] = field(default_factory=list)
    """False finds: index in the bank, centre x, y and side."""


def three_points(points: np.ndarray) -> np.ndarray:
    """Eye, eye, middle of the mouth (3, 2) of five facial points."""
    return np.stack([points[0], points[1], points[3:5].mean(axis=0)])


def frame_of(points: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Centre, side and tilt (radians, clockwise in the picture) of a face."""
    square = square_of_points(points[None])[0]
    eye = points[1] - points[0]
    return square[:2], float(square[2]), math.atan2(eye[1], eye[0])


def placing(
    source: np.ndarray, side: float, tilt: float, mirror: bool, stretch: float, target: np.ndarray
) -> np.ndarray:
    """The affine map (2, 3) that brings a face onto a place.

    `source` is centre x, y, side and tilt of the face in its crop; in the picture it gets
    `side` and `tilt`, its centre at `target`. `stretch` widens it, at equal area.
    """
    x, y, source_side, source_tilt = source
    cos, sin = math.cos(-source_tilt), math.sin(-source_tilt)
    upright = np.array([[cos, -sin], [sin, cos]])
    scale = side / source_side
    wider = math.sqrt(stretch)
    shape = np.diag([scale * wider * (-1 if mirror else 1), scale / wider])
    cos, sin = math.cos(tilt), math.sin(tilt)
    linear = np.array([[cos, -sin], [sin, cos]]) @ shape @ upright
    return np.column_stack([linear, target - linear @ np.array([x, y])])


def moved(points: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Points (..., 2) under an affine map."""
    return points @ affine[:, :2].T + affine[:, 2]


def for_pixels(affine: np.ndarray) -> np.ndarray:
    """The map between continuous coordinates as OpenCV wants it, between pixel centres."""
    half = np.array([0.5, 0.5])
    return np.column_stack([affine[:, :2], affine @ np.array([0.5, 0.5, 1.0]) - half])


class Painter:
    """Makes samples of one size."""

    def __init__(self, material: Material, width: int, height: int, generator: np.random.Generator):
        self.material = material
        self.width, self.height = width, height
        self.draw = generator
        self.largest = LARGE_PX if width > 200 else LARGEST_PX
        self.smallest = 40.0 if width > 200 else SMALLEST_PX
        self.turned = np.flatnonzero(turning(material.points) > TURNED)

    # -- small helps -------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        return self.draw.random() < share

    def between(self, low: float, high: float) -> float:
        return float(self.draw.uniform(low, high))

    def side(self) -> float:
        """A face's side: small ones more often (even in the logarithm)."""
        return math.exp(self.between(math.log(self.smallest), math.log(self.largest)))

    # -- backgrounds -------------------------------------------------------------------------

    def bank_picture(self) -> int:
        natural = self.material.natural
        if self.chance(0.6) and natural:
            return int(self.draw.integers(natural))
        return int(self.draw.integers(len(self.material.bank)))

    def window(self, picture: np.ndarray, scale: float, x: float, y: float) -> np.ndarray:
        """The part of `picture`, enlarged by about `scale`, whose middle is x, y (in its pixels).

        Mirrored or not, and a little wider or narrower than it was.
        """
        wider = math.exp(self.between(-0.2, 0.2))
        w, h = self.width / scale * wider, self.height / scale / wider
        left = min(max(x - w / 2, 0), max(picture.shape[1] - w, 0))
        top = min(max(y - h / 2, 0), max(picture.shape[0] - h, 0))
        x0, y0 = int(left), int(top)
        part = picture[y0 : y0 + max(2, round(h)), x0 : x0 + max(2, round(w))]
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        result = cv2.resize(part, (self.width, self.height), interpolation=how)
        return result[:, ::-1] if self.chance(0.5) else result

    def background(self) -> np.ndarray:
        """Something without faces: drawn, from the bank, or two of these over each other."""
        if self.chance(0.1):
            return drawn(self.draw, self.width, self.height)
        picture = self.material.bank[self.bank_picture()]
        if self.chance(0.15):
            picture = picture.T
        h, w = picture.shape
        fit = max(self.width / w, self.height / h)
        scale = fit * math.exp(self.between(0, 1.3))
        result = self.window(picture, scale, self.between(0, w), self.between(0, h))
        if self.chance(0.15):
            result = result[::-1]
        if self.chance(0.05):
            result = 255 - result
        if self.chance(0.08):
            share = self.between(0.2, 0.8)
            result = (result * share + self.background() * (1 - share)).astype(np.uint8)
        return result

    def hard_background(self) -> np.ndarray:
        """A place where an earlier network saw a face, at about the same size."""
        index, x, y, side = self.material.hard[self.draw.integers(len(self.material.hard))]
        picture = self.material.bank[index]
        size = side * math.exp(self.between(-0.3, 0.3))
        fit = max(self.width / picture.shape[1], self.height / picture.shape[0])
        scale = max(fit, size / side)
        dx, dy = self.between(-0.4, 0.4), self.between(-0.4, 0.4)
        middle = (x + dx * self.width / scale, y + dy * self.height / scale)
        return self.window(picture, scale, *middle)

    # -- pasting -----------------------------------------------------------------------------

    def mask(self, points: np.ndarray | None, whole: bool) -> np.ndarray:
        """What of a 48×48 crop is pasted, 0 to 1: nearly all of it, or an ellipse."""
        mask = np.zeros((48, 48), np.float32)
        feather = self.between(0.8, 3.5)
        rim = math.ceil(feather) + int(self.draw.integers(0, 2))
        if whole:
            cut = self.draw.integers(0, 4, size=4)
            mask[rim + cut[0] : 48 - rim - cut[1], rim + cut[2] : 48 - rim - cut[3]] = 1
        else:
            if points is None:
                x, y, side, tilt = 24.0, 24.0, 46.0, 0.0
            else:
                (x, y), side, tilt = frame_of(points)
            axes = (side * self.between(0.38, 0.5), side * self.between(0.48, 0.62))
            middle = (int(x), int(y + 0.03 * side))
            size = (int(axes[0]), int(axes[1]))
            cv2.ellipse(mask, middle, size, math.degrees(tilt), 0, 360, 1.0, -1)
            mask[:rim] = mask[48 - rim :] = mask[:, :rim] = mask[:, 48 - rim :] = 0
        return cv2.GaussianBlur(mask, (0, 0), feather)

    def head(self, picture: np.ndarray, x: float, y: float, side: float, tilt: float) -> None:
        """Hair, neck and shoulders of one grey each, drawn where a face will be pasted."""
        ink = lambda: float(np.clip(self.draw.normal(110, 60), 0, 255))  # noqa: E731
        turn = math.degrees(tilt)
        layer = picture.copy()
        down = np.array([-math.sin(tilt), math.cos(tilt)])
        place = np.array([x, y])
        skin = ink()

        def ellipse(at: np.ndarray, across: float, along: float, colour: float) -> None:
            size = (max(1, int(across)), max(1, int(along)))
            middle = (int(at[0]), int(at[1]))
            cv2.ellipse(layer, middle, size, turn, 0, 360, colour, -1, cv2.LINE_AA)

        if self.chance(0.7):
            wide = self.between(0.9, 1.5)
            ellipse(place + down * side * self.between(1.2, 1.6), side * wide, side * 0.7, ink())
            ellipse(place + down * side * 0.6, side * 0.25, side * 0.45, skin)
        if self.chance(0.25):
            ellipse(place + down * side * 0.2, side * self.between(0.6, 0.8), side * 0.8, ink())
        if self.chance(0.8):
            up = side * self.between(0.05, 0.2)
            ellipse(place - down * up, side * self.between(0.5, 0.65), side * 0.68, ink())
        ellipse(place + down * side * 0.06, side * 0.47, side * self.between(0.55, 0.66), skin)
        if self.chance(0.7):
            layer = cv2.GaussianBlur(layer, (0, 0), max(0.4, side * self.between(0.005, 0.03)))
        picture[:] = layer

    def lay(
        self, picture: np.ndarray, patch: np.ndarray, mask: np.ndarray, affine: np.ndarray
    ) -> None:
        """Blend a 48×48 patch in, its light drawn towards that of its surroundings."""
        corners = moved(np.array([[0, 0], [48, 0], [48, 48], [0, 48]], float), affine)
        x0, y0 = np.floor(corners.min(axis=0)).astype(int)
        x1, y1 = np.ceil(corners.max(axis=0)).astype(int) + 1
        x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, self.width), min(y1, self.height)
        if x1 - x0 < 2 or y1 - y0 < 2:
            return
        scale = math.sqrt(abs(np.linalg.det(affine[:, :2])))
        here = for_pixels(affine)
        here[:, 2] -= (x0, y0)
        size = (int(x1 - x0), int(y1 - y0))
        if scale < 0.75:
            # Without this, shrinking by bilinear sampling would alias.
            patch = cv2.GaussianBlur(patch, (0, 0), 0.45 / scale)
        how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
        flat = cv2.warpAffine(patch, here, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.warpAffine(mask, here, size, flags=cv2.INTER_LINEAR)
        under = picture[y0:y1, x0:x1]
        mean, spread = cv2.meanStdDev(patch)
        contrast = self.between(0.5, 1.25) if self.chance(0.8) else self.between(0.25, 0.6)
        level = float(mean[0, 0])
        if self.chance(0.6):
            pull = self.between(0, 1)
            level = level * (1 - pull) + float(under.mean()) * pull
        if spread[0, 0] * contrast < 12:
            contrast = 12 / max(float(spread[0, 0]), 2)
        flat = (flat - mean[0, 0]) * contrast + level
        if scale > 1.1 and self.chance(0.6):
            soft = cv2.GaussianBlur(flat, (0, 0), scale)
            flat = flat + (flat - soft) * self.between(0.3, 1.2)
        under[:] = under * (1 - alpha) + flat * alpha

    def crop(self) -> tuple[np.ndarray, np.ndarray]:
        if len(self.turned) and self.chance(TURNED_SHARE):
            index = int(self.draw.choice(self.turned))
        else:
            index = int(self.draw.integers(len(self.material.crops)))
        crop = self.material.crops[index].astype(np.float32)
        return crop, self.material.points[index].astype(np.float64)

    def tilt(self) -> float:
        if self.chance(0.85):
            return float(np.clip(self.draw.normal(0, 9), -30, 30)) * math.pi / 180
        return self.between(-30, 30) * math.pi / 180

    def paste_face(self, picture: np.ndarray, taken: list[np.ndarray]) -> np.ndarray | None:
        """Paste one face; its row of truth, or None if no free place was found."""
        side, place = self.free_place(taken)
        if place is None:
            return None
        crop, points = self.crop()
        centre, source_side, source_tilt = frame_of(points)
        tilt = self.tilt()
        mirror = self.chance(0.5)
        stretch = math.exp(self.between(-0.12, 0.12))
        source = np.array([*centre, source_side, source_tilt])
        affine = placing(source, side, tilt, mirror, stretch, place)
        if self.chance(0.65):
            self.head(picture, *place, side, tilt)
        whole = self.chance(0.35) or source_side < 34
        self.lay(picture, crop, self.mask(points, whole), affine)
        self.occlude(picture, place, side, 0.12)
        return self.row(moved(points, affine), mirror)

    def row(self, points: np.ndarray, mirror: bool = False) -> np.ndarray:
        """The row of truth of a face by its points in the picture."""
        if mirror:
            points = points[[1, 0, 2, 4, 3]]
        square = square_of_points(points[None])[0]
        three = three_points(points).ravel()
        low, high = square[:2] - square[2] / 2, square[:2] + square[2] / 2
        inside = np.clip(np.minimum(high, (self.width, self.height)) - np.maximum(low, 0), 0, None)
        ignored = float(inside.prod() < 0.7 * square[2] ** 2)
        return np.concatenate([square, [ignored], three])

    def free_place(self, taken: list[np.ndarray]) -> tuple[float, np.ndarray | None]:
        for _ in range(6):
            side = self.side()
            rim = side * 0.36
            if 2 * rim >= min(self.width, self.height):
                continue
            place = np.array(
                [self.between(rim, self.width - rim), self.between(rim, self.height - rim)]
            )
            if all(np.abs(place - t[:2]).max() > 0.62 * (side + t[2]) for t in taken):
                return side, place
        return 0.0, None

    def occlude(self, picture: np.ndarray, place: np.ndarray, side: float, share: float) -> None:
        """Now and then a bar or a blob over a small part of a face."""
        if not self.chance(share):
            return
        x, y = place + self.draw.uniform(-0.5, 0.5, size=2) * side
        size = (max(1, int(side * self.between(0.05, 0.2))), max(1, int(side * 0.15)))
        turn = self.between(0, 180)
        colour = self.between(0, 255)
        cv2.ellipse(picture, (int(x), int(y)), size, turn, 0, 360, colour, -1, cv2.LINE_AA)

    def none_face(self) -> np.ndarray:
        """A 48×48 patch that is no face: textures, and faces upside down, scrambled or in part."""
        kind = self.draw.random()
        if kind < 0.5:
            picture = self.material.bank[self.bank_picture()]
            size = int(min(picture.shape) * self.between(0.12, 0.9))
            x = int(self.draw.integers(picture.shape[1] - size + 1))
            y = int(self.draw.integers(picture.shape[0] - size + 1))
            patch = picture[y : y + size, x : x + size]
            how = cv2.INTER_AREA if size > 48 else cv2.INTER_CUBIC
            return cv2.resize(patch, (48, 48), interpolation=how).astype(np.float32)
        crop, _ = self.crop()
        if kind < 0.62:
            return np.ascontiguousarray(crop[::-1, :: self.draw.choice([1, -1])])
        if kind < 0.75:
            cells = int(self.draw.choice([2, 3, 4]))
            size = 48 // cells
            blocks = [
                crop[i * size : (i + 1) * size, j * size : (j + 1) * size]
                for i in range(cells)
                for j in range(cells)
            ]
            order = self.draw.permutation(len(blocks))
            rows = [
                np.hstack([blocks[order[i * cells + j]] for j in range(cells)])
                for i in range(cells)
            ]
            return np.vstack(rows)
        if kind < 0.9:
            size = int(self.draw.integers(12, 21))
            x, y = (int(self.draw.integers(0, 48 - size)) for _ in range(2))
            return cv2.resize(crop[y : y + size, x : x + size], (48, 48))
        return cv2.GaussianBlur(crop, (0, 0), self.between(7, 14))

    def paste_none(self, picture: np.ndarray, taken: list[np.ndarray]) -> np.ndarray | None:
        """Paste a thing that is no face, the same way; where it lies, or None."""
        side, place = self.free_place(taken)
        if place is None:
            return None
        tilt = self.tilt()
        stretch = math.exp(self.between(-0.12, 0.12))
        patch = self.none_face()
        affine = placing(np.array([24, 24, 46, 0]), side, tilt, False, stretch, place)
        if self.chance(0.5):
            self.head(picture, *place, side, tilt)
        if self.chance(0.85):
            self.lay(picture, patch, self.mask(None, self.chance(0.35)), affine)
        self.occlude(picture, place, side, 0.12)
        return np.array([*place, side])

    # -- real pictures -----------------------------------------------------------------------

    def real(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """A part of a real picture, turned and scaled; some of its faces replaced by others."""
        photo = self.material.photos[self.draw.integers(len(self.material.photos))]
        chosen = photo.points[self.draw.integers(len(photo.points))]
        centre, own_side, _ = frame_of(chosen)
        side = self.side()
        rim = min(0.5 * side, 0.5 * min(self.width, self.height))
        place = np.array(
            [self.between(rim, self.width - rim), self.between(rim, self.height - rim)]
        )
        tilt = self.tilt() if self.chance(0.5) else 0.0
        mirror = self.chance(0.5)
        stretch = math.exp(self.between(-0.1, 0.1))
        source = np.array([*centre, own_side, 0.0])
        affine = placing(source, side, tilt, mirror, stretch, place)
        scale = side / own_side
        picture = photo.picture
        if scale < 0.75:
            picture = cv2.GaussianBlur(picture, (0, 0), 0.4 / scale)
        border = cv2.BORDER_REFLECT_101 if self.chance(0.5) else cv2.BORDER_CONSTANT
        if scale < 0.6:
            border = cv2.BORDER_CONSTANT
        result = cv2.warpAffine(
            picture,
            for_pixels(affine),
            (self.width, self.height),
            flags=cv2.INTER_LINEAR,
            borderMode=border,
            borderValue=self.between(0, 255),
        ).astype(np.float32)
        if border == cv2.BORDER_CONSTANT and self.chance(0.8):
            inside = cv2.warpAffine(
                np.ones(picture.shape, np.float32), for_pixels(affine), (self.width, self.height)
            )
            result = result * inside + self.background().astype(np.float32) * (1 - inside)
        rows = []
        reflected = border == cv2.BORDER_REFLECT_101
        for points in photo.points:
            target = moved(points, affine)
            if self.chance(0.5) and scale * own_side < 90:
                self.replace(result, target[[1, 0, 2, 4, 3]] if mirror else target)
            rows.append(self.row(target, mirror))
        for unsure in photo.unsure:
            middle = moved(unsure[:2], affine)
            rows.append(np.array([*middle, unsure[2] * scale, 1.0, *[np.nan] * 6]))
        if reflected:
            # A mirrored face at the rim is a face that nobody has marked.
            rows += self.reflections(photo, affine, scale)
        return result, [r for r in rows if self.touches(r)]

    def reflections(self, photo: Photo, affine: np.ndarray, scale: float) -> list[np.ndarray]:
        rows = []
        h, w = photo.picture.shape
        for points in photo.points:
            (x, y), side, _ = frame_of(points)
            xs, ys = (-x, x, 2 * w - x), (-y, y, 2 * h - y)
            for mirrored in [(a, b) for a in xs for b in ys if (a, b) != (x, y)]:
                middle = moved(np.array(mirrored), affine)
                rows.append(np.array([*middle, side * scale, 1.0, *[np.nan] * 6]))
        return rows

    def touches(self, row: np.ndarray) -> bool:
        x, y, side = row[:3]
        half = side / 2
        return -half < x < self.width + half and -half < y < self.height + half

    def replace(self, picture: np.ndarray, target: np.ndarray) -> None:
        """Another face, laid over the face whose points are `target`."""
        crop, points = self.crop()
        wanted = three_points(target).astype(np.float32)
        affine = cv2.getAffineTransform(three_points(points).astype(np.float32), wanted)
        mask = np.zeros((48, 48), np.float32)
        (x, y), side, tilt = frame_of(points)
        size = (int(side * 0.40), int(side * 0.46))
        cv2.ellipse(mask, (int(x), int(y)), size, math.degrees(tilt), 0, 360, 1.0, -1)
        mask[:2] = mask[-2:] = mask[:, :2] = mask[:, -2:] = 0
        self.lay(picture, crop, cv2.GaussianBlur(mask, (0, 0), 2.5), affine.astype(np.float64))

    # -- the whole ---------------------------------------------------------------------------

    def sample(self) -> tuple[np.ndarray, np.ndarray]:
        """One picture (height, width) `uint8` and its truth (MOST_FACES, ROW)."""
        rows: list[np.ndarray] = []
        kind = self.draw.random()
        if kind < 0.3 and self.material.photos:
            picture, rows = self.real()
        elif kind < 0.48 and self.material.hard:
            picture = self.hard_background().astype(np.float32)
        elif kind < 0.55:
            picture = self.background().astype(np.float32)
        else:
            picture = self.background().astype(np.float32)
            taken: list[np.ndarray] = []
            for _ in range(int(self.draw.integers(0, 4))):
                place = self.paste_none(picture, taken)
                if place is not None:
                    taken.append(place)
            for _ in range(int(self.draw.integers(1, 5))):
                row = self.paste_face(picture, taken)
                if row is not None:
                    rows.append(row)
                    taken.append(row[:3])
        picture = self.weather(picture, min((r[2] for r in rows), default=60.0))
        truth = np.zeros((MOST_FACES, ROW), np.float32)
        truth[:, 4:] = np.nan
        # Faces first, so that what may be a face is what falls off the end.
        rows.sort(key=lambda r: r[3])
        for index, row in enumerate(rows[:MOST_FACES]):
            truth[index] = row
        return picture, truth

    def weather(self, picture: np.ndarray, smallest: float) -> np.ndarray:
        """Light, lens, sensor and storage: the same for all that is in the picture."""
        height, width = picture.shape
        if self.chance(0.35):
            angle = self.between(0, 2 * math.pi)
            x = np.linspace(-1, 1, width, dtype=np.float32)[None] * math.cos(angle)
            y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * math.sin(angle)
            picture = picture * (1 + self.between(0, 0.7) * (x + y))
        if self.chance(0.3):
            sigma = self.between(0.3, 1.0) * min(1.5, max(0.7, smallest / 30))
            if self.chance(0.3):
                length = int(self.draw.choice([3, 5]))
                kernel = np.zeros((length, length), np.float32)
                if self.chance(0.6):
                    kernel[length // 2] = 1 / length
                else:
                    kernel[:, length // 2] = 1 / length
                picture = cv2.filter2D(picture, -1, kernel)
            else:
                picture = cv2.GaussianBlur(picture, (0, 0), sigma)
        elif self.chance(0.2):
            soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
            picture = picture + (picture - soft) * self.between(0.3, 1.5)
        contrast = math.exp(self.between(-0.7, 0.35))
        picture = (picture - 128) * contrast + 128 + self.between(-45, 45)
        if self.chance(0.4):
            gamma = math.exp(self.between(-0.6, 0.6))
            picture = 255 * (np.clip(picture, 0, 255) * (1 / 255)) ** gamma
        if self.chance(0.5):
            strength = self.between(1, 12)
            picture = picture + self.draw.standard_normal(picture.shape, np.float32) * strength
        if self.chance(0.04):
            period = int(self.draw.integers(2, 4))
            screen = self.draw.uniform(0, 255, (period, period))
            tiles = (-(-height // period), -(-width // period))
            ink = np.where(picture > np.tile(screen, tiles)[:height, :width], 230.0, 25.0)
            share = self.between(0.3, 0.8)
            picture = picture * (1 - share) + ink * share
        picture = np.clip(picture, 0, 255).astype(np.uint8)
        if self.chance(0.25):
            quality = int(self.draw.integers(20, 80))
            _, stored = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
            picture = cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE)
        return picture
