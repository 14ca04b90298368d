#!/usr/bin/env python3
"""Draws what a terminal printed: terminal.py FILE.txt… writes FILE.svg beside each. Lines that begin with "$ " are what was typed."""

import sys
from html import escape
from pathlib import Path

LETTER, LINE, MARGIN, MOST = 7.9, 18, 16, 116
PAPER, INK, TYPED, WARNING = "#10151c", "#d5dce4", "#f8e560", "#f2a03d"


def folded(line: str) -> list[str]:
    """A terminal of MOST columns."""
    return [line[start : start + MOST] for start in range(0, max(len(line), 1), MOST)]


def color(line: str) -> str:
    if line.startswith("$ "):
        return TYPED
    return WARNING if line.startswith(("WARNING", "ERROR", "visaged:")) else INK


def draw(text: str) -> str:
    lines = [(part, color(line)) for line in text.rstrip("\n").split("\n") for part in folded(line)]
    width = round(2 * MARGIN + LETTER * max(len(part) for part, _ in lines))
    height = 2 * MARGIN + LINE * len(lines)
    rows = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + LINE * index + 13}" fill="{fill}" xml:space="preserve"'
        f' textLength="{LETTER * len(part):.1f}">{escape(part)}</text>'
        for index, (part, fill) in enumerate(lines)
        if part
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13">\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>\n{rows}\n</svg>\n'
    )


for file in map(Path, sys.argv[1:]):
    file.with_suffix(".svg").write_text(draw(file.read_text()))
