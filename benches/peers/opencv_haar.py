"""The Haar detector's time beside OpenCV's: same pictures, same parameters, same boxes, one thread each, in turns.

    python3 -m venv venv && venv/bin/pip install "opencv-python-headless<5"
    venv/bin/python benches/peers/opencv_haar.py [--rounds N]

Needs cargo and the cascade of Debian's package opencv-data. Prints the fastest and the median of all rounds in milliseconds, and the ratio of the
medians. OpenCV 5 has no Haar cascades in its main package, hence "<5".
"""

import argparse
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import cv2

ROOT = Path(__file__).resolve().parents[2]
CASCADE = "/usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml"
PICTURE = ROOT / "tests/data/golden/pictures/solvay_640x480.png"
RUNS = [(factor, size) for factor in (1.1, 1.3) for size in (24, 48, 80)]
UNITS = {"ns": 1e-6, "µs": 1e-3, "ms": 1.0, "s": 1e3}


def opencv(cascade, image, factor, size):
    start = time.perf_counter()
    cascade.detectMultiScale(image, factor, 3, 0, (size, size))
    return 1e3 * (time.perf_counter() - start)


def ours():
    """One run of the benchmark: (factor, size) -> (fastest, median) in ms."""
    command = ["cargo", "bench", "--quiet", "--bench", "detector", "--", "solvay_640x480", "--sample-count", "20"]
    table = subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout
    # ├─ (1.1, 24)  40.12 ms      │ 51.2 ms       │ 41.3 ms       │ …: fastest, slowest, median
    row = re.compile(r"\((\d\.\d), (\d+)\)\s+([\d.]+) (\S+)\s+│[^│]*│ ([\d.]+) (\S+)")
    found = {(float(m[1]), int(m[2])): (float(m[3]) * UNITS[m[4]], float(m[5]) * UNITS[m[6]]) for m in row.finditer(table)}
    if sorted(found) != RUNS:
        sys.exit(f"cannot read the benchmark's table:\n{table}")
    return found


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=3)
    rounds = arguments.parse_args().rounds
    cv2.setNumThreads(1)
    cascade = cv2.CascadeClassifier(CASCADE)
    if cascade.empty():
        sys.exit(f"{CASCADE}: cannot be read; install Debian's package opencv-data")
    image = cv2.imread(str(PICTURE), cv2.IMREAD_GRAYSCALE)

    theirs = {run: [] for run in RUNS}
    mine = {run: [] for run in RUNS}
    for _ in range(rounds):
        for run, times in ours().items():
            mine[run].append(times)
        for run in RUNS:
            theirs[run] += [opencv(cascade, image, *run) for _ in range(7)]

    print(f"{PICTURE.name}, frontalface_default, 3 neighbours, OpenCV {cv2.__version__}, one thread; ms: fastest, median")
    for run in RUNS:
        fastest, median = min(fast for fast, _ in mine[run]), statistics.median(median for _, median in mine[run])
        their_fastest, their_median = min(theirs[run]), statistics.median(theirs[run])
        print(
            f"factor {run[0]} min_size {run[1]}: ours {fastest:6.2f} {median:6.2f}   OpenCV {their_fastest:6.2f} {their_median:6.2f}"
            f"   ratio {median / their_median:.2f}"
        )


if __name__ == "__main__":
    main()
