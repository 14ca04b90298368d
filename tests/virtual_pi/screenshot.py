#!/usr/bin/env python3
"""What an emulated machine's screen shows: screenshot.py QMP_SOCKET FILE.png."""

import json
import socket
import sys


def main(path: str, file: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(path)
        lines = connection.makefile("rw")
        lines.readline()  # QEMU's greeting
        for command in (
            {"execute": "qmp_capabilities"},
            {"execute": "screendump", "arguments": {"filename": file, "format": "png"}},
        ):
            print(json.dumps(command), file=lines, flush=True)
            answer = json.loads(lines.readline())
            while "event" in answer:
                answer = json.loads(lines.readline())
            if "error" in answer:
                sys.exit(answer["error"]["desc"])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
