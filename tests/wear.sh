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
read -r made_kib made_flushes < <(counters)
RUNTIME_DIRECTORY=$work "$program" run --config "$work/visaged.toml" 2>"$work/service.log" &
service=$!
sleep "$settle_s"
read -r start_kib start_flushes < <(counters)
sleep "$((minutes * 60))"
read -r end_kib end_flushes < <(counters)
kill -0 "$service" || { echo "the program has ended:" >&2; cat "$work/service.log" >&2; exit 1; }

awk -v minutes="$minutes" -v kib="$(awk "BEGIN { print $end_kib - $start_kib }")" -v flushes=$((end_flushes - start_flushes)) \
  -v start_kib="$(awk "BEGIN { print $start_kib - $made_kib }")" -v start_flushes=$((start_flushes - made_flushes)) 'BEGIN {
  printf "the start: %d KiB, %d flushes\n%d minutes: %d KiB, %d flushes\n", start_kib, start_flushes, minutes, kib, flushes
  day = 1440 / minutes
  printf "a day at this pace, with one start: %.1f MiB (promised: 6), %.0f flushes (promised: 400)\n", (kib * day + start_kib) / 1024, flushes * day + start_flushes
  exit kib * day + start_kib > 6 * 1024 || flushes * day + start_flushes > 400
}'
