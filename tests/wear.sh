#!/usr/bin/env bash
# What a day costs an SD card: the program runs with its defaults at the true pace, with its statistics on an ext4 of their own, and the kernel counts what
# reaches the disk below. `make wear`, as root.
#
#     tests/wear.sh [PROGRAM] [MINUTES]
set -euo pipefail
program=$(realpath "${1:-target/release/visaged}")
minutes=${2:-60}
# Transactions come every 10 minutes; the last one's traces on the disk take half a minute more (the kernel's writeback, ext4's journal).
settle_s=90

[ "$(id -u)" = 0 ] || { echo "mounting needs root: sudo make wear" >&2; exit 1; }
work=$(mktemp -d)
cleanup() {
  [ -z "${service:-}" ] || kill "$service" 2>/dev/null || true
  wait
  ! mountpoint -q "$work/mnt" || umount --lazy "$work/mnt"
  [ -z "${loop:-}" ] || losetup --detach "$loop" || true
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT

mkdir "$work/mnt"
truncate --size=256M "$work/disk"
mkfs.ext4 -q -F -b 4096 -E lazy_itable_init=0,lazy_journal_init=0 "$work/disk"
loop=$(losetup --find --show "$work/disk")
mount -t ext4 -o noatime "$loop" "$work/mnt"

counters() { # KiB written, flushes
  awk '{ print $7 / 2, $16 }' "/sys/block/${loop#/dev/}/stat"
}

{
  echo "YUV4MPEG2 W64 H48 F15:1 Cmono"
  for shade in n o p; do echo FRAME; printf "%3072s" | tr ' ' $shade; done
} >"$work/wall.y4m"
cat >"$work/visaged.toml" <<END
[camera]
source = "replay"
replay = "$work/wall.y4m"
replay_loop = true
[statistics]
database = "$work/mnt/statistics.sqlite"
END
made=$(counters)
RUNTIME_DIRECTORY=$work "$program" run --config "$work/visaged.toml" 2>"$work/service.log" &
service=$!
sleep "$settle_s"
start=$(counters)
sleep "$((minutes * 60))"
end=$(counters)
kill -0 "$service" || { echo "the program has ended:" >&2; cat "$work/service.log" >&2; exit 1; }

awk -v minutes="$minutes" -v made="$made" -v start="$start" -v end="$end" 'BEGIN {
  split(made, m); split(start, s); split(end, e)
  start_kib = s[1] - m[1]; start_flushes = s[2] - m[2]; kib = e[1] - s[1]; flushes = e[2] - s[2]
  printf "the start: %d KiB, %d flushes\n%d minutes: %d KiB, %d flushes\n", start_kib, start_flushes, minutes, kib, flushes
  day_mib = (kib * 1440 / minutes + start_kib) / 1024; day_flushes = flushes * 1440 / minutes + start_flushes
  printf "a day at this pace, with one start: %.1f MiB (promised: 6), %.0f flushes (promised: 400)\n", day_mib, day_flushes
  exit day_mib > 6 || day_flushes > 400
}'
