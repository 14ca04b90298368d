#!/usr/bin/env python3
"""Camera frames with a face, 640x480, as a driver would deliver them: frames.py PICTURE FOLDER.

face.YUYV, face.UYVY, face.GREY, face.NV12 and face.YU12 are raw; face.jpg is a JPEG as USB cameras send it (4:2:2, standard Huffman tables), and
bare.jpg is the same without its Huffman tables, which many cameras leave out.
"""

import sys
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT = 640, 480
# The part of the picture that becomes the frame. Its face lies at 112,66 and is 95 pixels wide: checks.sh knows this.
CROP = (64, 0, 384, 240)


def without_huffman_tables(jpeg: bytes) -> bytes:
    kept, position = bytearray(jpeg[:2]), 2
    while jpeg[position + 1] != 0xDA:  # start of scan: pixels follow, no more tables
        size = 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
        if jpeg[position + 1] != 0xC4:
            kept += jpeg[position : position + size]
        position += size
    return bytes(kept + jpeg[position:])


def main(picture: str, folder: Path) -> None:
    rgb = Image.open(picture).convert("RGB").crop(CROP).resize((WIDTH, HEIGHT))
    luma, cb, cr = rgb.convert("YCbCr").split()
    # PIL's luma covers 0 to 255, a camera's 16 to 235.
    luma = bytes(16 + value * 219 // 255 for value in luma.tobytes())

    yuyv = bytearray(2 * WIDTH * HEIGHT)
    yuyv[0::2] = luma
    yuyv[1::4] = cb.resize((WIDTH // 2, HEIGHT)).tobytes()
    yuyv[3::4] = cr.resize((WIDTH // 2, HEIGHT)).tobytes()

    uyvy = bytearray(2 * WIDTH * HEIGHT)
    uyvy[0::2], uyvy[1::2] = yuyv[1::2], yuyv[0::2]

    quarters = [plane.resize((WIDTH // 2, HEIGHT // 2)).tobytes() for plane in (cb, cr)]
    interleaved = bytearray(WIDTH * HEIGHT // 2)
    interleaved[0::2], interleaved[1::2] = quarters

    (folder / "face.YUYV").write_bytes(yuyv)
    (folder / "face.UYVY").write_bytes(uyvy)
    (folder / "face.GREY").write_bytes(luma)
    (folder / "face.NV12").write_bytes(luma + interleaved)
    (folder / "face.YU12").write_bytes(luma + b"".join(quarters))
    rgb.save(folder / "face.jpg", quality=90, subsampling="4:2:2")
    (folder / "bare.jpg").write_bytes(without_huffman_tables((folder / "face.jpg").read_bytes()))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
