"""Plays the log of a disk's writes up to many points, as a card would have it if the power had gone there, and looks for the minutes that had been flushed.

    replay.py FOLDER MOUNT_POINT COUNTER_OFFSET CUTS

What was written before the last flush is there. Of what was written after it each write may be missing, and the last one may be torn. Then the
kernel mounts the disk, SQLite opens the database, and both recover as they do on a board. The exit code is 1 if a minute is missing or the database is
damaged. The log has the format of the kernel's dm-log-writes.
"""

import contextlib
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys

FLUSH, FUA, DISCARD = 1, 2, 4
MAGIC = 0x6A736677736872

folder, mount_point, counter_at, cuts = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def entries(path):
    """(offset in bytes, data, flags) of each write, in order; data is None for what has none."""
    with open(path, "rb") as log:
        magic, version, count, sector = struct.unpack("<QQQI", log.read(28))
        assert (magic, version) == (MAGIC, 1), (hex(magic), version)
        log.seek(sector)
        for _ in range(count):
            head = log.read(sector)
            at, sectors, flags, _ = struct.unpack("<QQQQ", head[:32])
            has_data = sectors > 0 and not flags & DISCARD
            yield at * sector, log.read(sectors * sector) if has_data else None, flags


def put(image, at, data):
    os.pwrite(image, data, at)


def stored(connection):
    """How many minutes there are; None if the database is damaged."""
    try:
        if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
            return None
        if not connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'minutes'").fetchone()[0]:
            return 0
        count, last = connection.execute("SELECT count(*), coalesce(max(sequence), 0) FROM minutes").fetchone()
        return count if count == last else None
    except sqlite3.DatabaseError:
        return None


def check(image_path):
    """Of the disk after a cut: how many minutes had to be there, and how many are; None if the database is damaged."""
    with open(image_path, "rb") as image:
        image.seek(counter_at)
        promised = int.from_bytes(image.read(8), "little")
    mount = ["mount", "-t", "ext4", "-o", "loop", image_path, mount_point]
    if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
        # A torn superblock: a board's boot mends it from its copy.
        global mended
        mended += 1
        subprocess.run(["e2fsck", "-fy", image_path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(mount, check=True)
    try:
        database = os.path.join(mount_point, "statistics.sqlite")
        if not os.path.exists(database) or os.path.getsize(database) == 0:
            return promised, 0
        with contextlib.closing(sqlite3.connect(database)) as connection:
            return promised, stored(connection)
    finally:
        subprocess.run(["umount", mount_point], check=True)


log = list(entries(os.path.join(folder, "log")))
writes = [number for number, (_, data, _) in enumerate(log) if data is not None]
flushes = sum(1 for _, _, flags in log if flags & FLUSH)
generator = random.Random(1)
points = sorted(generator.choices(range(len(log)), k=cuts))

whole = bytearray(open(os.path.join(folder, "before"), "rb").read())
for at, data, _ in log:
    if data is not None:
        whole[at : at + len(data)] = data
assert whole == open(os.path.join(folder, "disk"), "rb").read(), "the log does not lead to the disk as it was in the end"

durable_path = os.path.join(folder, "durable")
shutil.copy(os.path.join(folder, "before"), durable_path)
durable = os.open(durable_path, os.O_RDWR)
cut_path = os.path.join("/dev/shm", f"visaged-cut-{os.getpid()}")
mended = 0
applied, lost, damaged, with_lost, most_lost, promised_last = 0, 0, 0, 0, 0, 0
for point in points:
    # Everything up to the last flush that has come back.
    last_flush = max((number for number in range(applied, point + 1) if log[number][2] & FLUSH), default=None)
    if last_flush is not None:
        for at, data, _ in log[applied : last_flush + 1]:
            if data is not None:
                put(durable, at, data)
        applied = last_flush + 1
    shutil.copy(durable_path, cut_path)
    image = os.open(cut_path, os.O_RDWR)
    pending = [entry for entry in log[applied : point + 1] if entry[1] is not None]
    for place, (at, data, flags) in enumerate(pending):
        is_counter = at == counter_at
        if is_counter or flags & FUA:
            put(image, at, data)
        elif place == len(pending) - 1:
            put(image, at, data[: 512 * generator.randrange(len(data) // 512 + 1)])
        elif generator.random() < 0.5:
            put(image, at, data)
    os.close(image)
    promised, there = check(cut_path)
    promised_last = promised
    if there is None:
        damaged += 1
    elif there < promised:
        with_lost += 1
        lost += promised - there
        most_lost = max(most_lost, promised - there)
os.remove(cut_path)
print(
    f"{len(writes)} writes, {flushes} flushes, {promised_last} minutes promised at the last cut; {cuts} cuts: "
    f"{with_lost} lost minutes that were flushed ({most_lost} at most), {damaged} damaged the database; {mended} file systems needed e2fsck"
)
sys.exit(1 if lost or damaged else 0)
