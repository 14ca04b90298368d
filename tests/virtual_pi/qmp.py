#!/usr/bin/env python3
"""Asks QEMU for something by its own protocol: qmp.py SOCKET screenshot FILE.png, or qmp.py SOCKET press (the machine's button)."""

import json
import socket
import sys


def main(path: str, wish: str, *files: str) -> None:
    wishes = {
        "screenshot": ("screendump", {"filename": "".join(files), "format": "png"}),
        "press": ("system_powerdown", {}),
    }
    command, arguments = wishes[wish]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(path)
        lines = connection.makefile("rw")
        lines.readline()  # QEMU's greeting
        for asked in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
            print(json.dumps(asked), file=lines, flush=True)
            answer = json.loads(lines.readline())
            while "event" in answer:
                answer = json.loads(lines.readline())
            if "error" in answer:
                sys.exit(answer["error"]["desc"])


if __name__ == "__main__":
    main(*sys.argv[1:])
