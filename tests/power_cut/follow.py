"""Writes to a block beside the file system how many minutes the database shows: those must be there after a power cut.

    follow.py DATABASE DEVICE OFFSET MINUTES

A minute is visible to others when the program's commit has returned, that is when it says that the minute is stored. Ends after so many minutes.
"""

import mmap
import os
import sqlite3
import sys
import time

database, device, offset, minutes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
block = os.open(device, os.O_RDWR | os.O_DIRECT)
page = mmap.mmap(-1, 4096)  # aligned, as O_DIRECT wants it
reader, told = None, 0
deadline = time.monotonic() + 1800
while told < minutes:
    if time.monotonic() > deadline:
        sys.exit(f"only {told} minutes in half an hour")
    try:
        reader = reader or sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=0.05, isolation_level=None)
        (stored,) = reader.execute("SELECT coalesce(max(sequence), 0) FROM minutes").fetchone()
    except sqlite3.Error:
        reader, stored = None, 0
    if stored > told:
        told = stored
        page[:8] = told.to_bytes(8, "little")
        os.pwritev(block, [page], offset)
    time.sleep(0.002)
