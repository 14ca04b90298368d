"""The Haar detector's time beside OpenCV's: same pictures, same parameters, same boxes.

    python3 -m venv venv && venv/bin/pip install "opencv-python-headless<5"
    venv/bin/python benches/peers/opencv_haar.py [--rounds N]

One thread each, in turns. Needs cargo and the cascade of Debian's package opencv-data. Prints the
fastest and the median of all rounds in milliseconds, and the ratio of the medians. OpenCV 5 has no
Haar cascades in its main package, hence "<5".
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
SIZES = [(320, 240), (640, 480)]
UNITS = {"ns": 1e-6, "µs": 1e-3, "ms": 1.0, "s": 1e3}


def opencv(cascade, image, factor, size):
    start = time.perf_counter()
    cascade.detectMultiScale(image, factor, 3, 0, (size, size))
    return 1e3 * (time.perf_counter() - start)


def ours(name, runs):
    """One run of the benchmark `name`: its arguments -> (fastest, median) in ms."""
    bench = ["cargo", "bench", "--quiet", "--bench", "detector"]
    command = [*bench, "--", name, "--sample-count", "20"]
    table = subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout
    # ├─ (1.1, 24)  40.12 ms      │ 51.2 ms       │ 41.3 ms       │ …: fastest, slowest, median
    row = re.compile(r"\(([\d.]+), (\d+)\)\s+([\d.]+) (\S+)\s+│[^│]*│ ([\d.]+) (\S+)")
    found = {}
    for match in row.finditer(table):
        factor, size, fastest, unit, median, median_unit = match.groups()
        times = float(fastest) * UNITS[unit], float(median) * UNITS[median_unit]
        found[float(factor), int(size)] = times
    if sorted(found) != runs:
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
    finder = {size: [] for size in SIZES}
    theirs_small = {size: [] for size in SIZES}
    for _ in range(rounds):
        for run, times in ours("solvay_640x480", RUNS).items():
            mine[run].append(times)
        for size, times in ours("finder", SIZES).items():
            finder[size].append(times)
        for run in RUNS:
            theirs[run] += [opencv(cascade, image, *run) for _ in range(7)]
        for size in SIZES:
            reduced = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            theirs_small[size] += [opencv(cascade, reduced, 1.1, 48) for _ in range(7)]

    print(f"{PICTURE.name}, {Path(CASCADE).name}, 3 neighbours, OpenCV {cv2.__version__}")
    print("ms: fastest and median, one thread")
    for run in RUNS:
        fastest = min(fast for fast, _ in mine[run])
        median = statistics.median(median for _, median in mine[run])
        their_fastest, their_median = min(theirs[run]), statistics.median(theirs[run])
        print(
            f"factor {run[0]} min_size {run[1]}: ours {fastest:6.2f} {median:6.2f}"
            f"   OpenCV {their_fastest:6.2f} {their_median:6.2f}"
            f"   ratio {median / their_median:.2f}"
        )
    for size in SIZES:
        median = statistics.median(median for _, median in finder[size])
        their_median = statistics.median(theirs_small[size])
        print(
            f"built-in finder, {size[0]}x{size[1]}, faces from 48 pixels on: {median:6.2f}"
            f"   OpenCV 1.1 min_size 48: {their_median:6.2f}   ratio {median / their_median:.2f}"
        )


if __name__ == "__main__":
    main()
