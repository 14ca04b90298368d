"""The whole way from a picture in memory to the expressions, beside Python loops: same frames, same run.

    python3 benches/peers/whole_way.py [--frames N] [RECORDING]

Installs OpenCV 4 and onnxruntime into target/peers-venv, once; needs cargo, Debian's packages
python3-venv and opencv-data. RECORDING is a folder of grey pictures of one size; without one, two faces
sway before a wall (made from the test pictures). Prints processor time per frame, peak memory and faces
found of

  as printed   the loop of the dissertation that this program began with: the frame enlarged to
               1280x720, the cascade read anew for each frame, scale factor 1.3, 5 neighbours, one
               `predict` per face. onnxruntime runs the network, where the original calls Keras, which
               takes several times as long: a lower bound.
  well made    the cascade read once, scale factor 1.1, 3 neighbours, faces from 48 pixels on, one thread.
  tuned        the same on the frame reduced to 320 pixels.
  visaged      `visaged bench`: detect, classify, track.

The Python loops run the same network as visaged.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / "target/peers-venv"
PACKAGES = ["opencv-python-headless<5", "onnxruntime"]
CASCADE = "/usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml"
NETWORK = ROOT / "models/mini_xception_base.onnx"
PICTURES = ROOT / "tests/data/golden/pictures"
LOOPS = ("as printed", "well made", "tuned")
WARM_UP = 3


def python():
    """The interpreter of the venv, which is made if it is not there."""
    interpreter = VENV / "bin/python"
    if not interpreter.exists():
        venv.create(VENV, with_pip=True)
    check = [interpreter, "-c", "import cv2, onnxruntime"]
    if subprocess.run(check, stderr=subprocess.DEVNULL, check=False).returncode:
        subprocess.run([interpreter, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return interpreter


def draw(folder, count):
    """Two faces of about 150 and 110 pixels that sway before a wall, 640x480."""
    import cv2

    astronaut = cv2.imread(str(PICTURES / "astronaut_512x512.png"), cv2.IMREAD_GRAYSCALE)
    head = astronaut[0:230, 120:340]
    wall = cv2.imread(str(PICTURES / "plain_grass.png"), cv2.IMREAD_GRAYSCALE)
    wall = cv2.GaussianBlur(cv2.resize(wall, (640, 480)), (0, 0), 5)
    near = cv2.resize(head, None, fx=1.5, fy=1.5)
    far = cv2.flip(cv2.resize(head, None, fx=1.1, fy=1.1), 1)
    for number in range(count):
        frame = wall.copy()
        swing = math.sin(number / 9)
        for face, left, top in ((near, 25 + 20 * swing, 60), (far, 380, 150 - 15 * swing)):
            height, width = face.shape
            left, top = round(left), round(top)
            frame[top : top + height, left : left + width] = face[: 480 - top, : 640 - left]
        cv2.imwrite(str(folder / f"{number:04}.png"), frame)


def loop(name, folder, count):
    """One Python loop, in a process of its own: prints its figures as JSON."""
    import cv2
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if name != "as printed":
        cv2.setNumThreads(1)
        options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(NETWORK), options)
    name_in = session.get_inputs()[0].name
    once = cv2.CascadeClassifier(CASCADE)
    paths = sorted(folder.iterdir())[:count]
    frames = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in paths]
    found = 0
    for number, frame in enumerate(frames[:WARM_UP] + frames):
        if number == WARM_UP:
            found, start = 0, time.process_time()
        if name == "as printed":
            frame = cv2.resize(frame, (1280, 720))
            faces = cv2.CascadeClassifier(CASCADE).detectMultiScale(frame, 1.3, 5)
        elif name == "well made":
            faces = once.detectMultiScale(frame, 1.1, 3, minSize=(48, 48))
        else:
            scale = 320 / frame.shape[1]
            frame = cv2.resize(frame, None, fx=scale, fy=scale)
            faces = once.detectMultiScale(frame, 1.1, 3, minSize=(24, 24))
        for x, y, width, height in faces:
            crop = cv2.resize(frame[y : y + height, x : x + width], (48, 48))
            session.run(None, {name_in: crop.astype(np.float32)[None, None]})
        found += len(faces)
    cpu = 1e3 * (time.process_time() - start) / len(frames)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": cpu, "memory": memory, "faces": found / len(frames)}))


def ours(folder, count):
    """The same figures of visaged."""
    build = ["cargo", "build", "--release", "--quiet"]
    subprocess.run(build, cwd=ROOT, check=True)
    bench = [ROOT / "target/release/visaged", "bench", "--json", "--frames", str(count), folder]
    report = json.loads(subprocess.run(bench, check=True, text=True, stdout=subprocess.PIPE).stdout)
    return {
        "cpu": report["pipeline_cpu_ms_per_frame"],
        "memory": report["peak_memory_mib"],
        "faces": report["faces"] / report["frames"],
    }


def compare(folder, count):
    print(f"{'':12} {'processor ms/frame':>20} {'peak memory MiB':>17} {'faces/frame':>13}", flush=True)
    own = ours(folder, count)
    for name in (*LOOPS, "visaged"):
        figures = own
        if name != "visaged":
            command = [python(), __file__, "--loop", name, "--frames", str(count), folder]
            output = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
            figures = json.loads(output)
        ratio = f"   {figures['cpu'] / own['cpu']:.1f} x visaged" if name != "visaged" else ""
        cpu, memory, faces = figures["cpu"], figures["memory"], figures["faces"]
        print(f"{name:12} {cpu:>20.2f} {memory:>17.0f} {faces:>13.2f}{ratio}", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("recording", type=Path, nargs="?", metavar="RECORDING")
    arguments.add_argument("--frames", type=int, default=150)
    arguments.add_argument("--loop", choices=LOOPS, help=argparse.SUPPRESS)
    arguments.add_argument("--draw", action="store_true", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.draw:
        draw(options.recording, options.frames)
    elif options.loop:
        loop(options.loop, options.recording, options.frames)
    elif options.recording:
        compare(options.recording.resolve(), options.frames)
    else:
        with tempfile.TemporaryDirectory() as folder:
            command = [python(), __file__, "--draw", "--frames", str(options.frames), folder]
            subprocess.run(command, check=True)
            compare(Path(folder), options.frames)


if __name__ == "__main__":
    sys.exit(main())
