#!/usr/bin/env python3
"""Looks at the screenshots of the machine with Debian: look_at_screens.py FOLDER prints a line "check|ok or FAIL|seen" for each."""

import sys
from pathlib import Path

from PIL import Image

# The colour of "happy" (src/outputs/display/palette.rs), and by how much a channel may differ.
HAPPY, TOLERANCE = (0xF8, 0xE5, 0x60), 12


def share_of_happy(picture: Image.Image) -> float:
    near = [
        channel.point([255 * (abs(value - wanted) <= TOLERANCE) for value in range(256)])
        for channel, wanted in zip(picture.split(), HAPPY, strict=True)
    ]
    pixels = zip(*(channel.tobytes() for channel in near), strict=True)
    return sum(all(pixel) for pixel in pixels) / (picture.width * picture.height)


def report(check: str, good: bool, seen: str) -> None:
    print(f"{check}|{'ok' if good else 'FAIL'}|{seen}")


def main(folder: Path) -> None:
    for name, way in (("watching", "/dev/fb0"), ("drm", "DRM"), ("replugged", "DRM, plugged in again")):
        picture = Image.open(folder / f"{name}.png").convert("RGB")
        share = share_of_happy(picture)
        seen = f"{100 * share:.1f} % of {picture.width}x{picture.height} in its colour ({name}.png)"
        report(f"screen ({way}): shows the face of the expression", picture.size == (480, 320) and share >= 0.02, seen)
    stopped = Image.open(folder / "stopped.png").convert("RGB")
    # A console's cursor may blink there.
    lit = sum(value > 16 for value in stopped.convert("L").tobytes()) / (stopped.width * stopped.height)
    report("screen: black after the service has ended", lit <= 0.001, f"{100 * lit:.2f} % are lit (stopped.png)")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
