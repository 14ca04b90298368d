#!/usr/bin/env bash
# Power cuts: the program writes its statistics to a disk of which every write is logged; then the log is played up to many points, as a card would have it
# if the power had gone there, and what was flushed must be on it. `make power-cut`, as root.
#
#     tests/power_cut/run.sh [PROGRAM] [MINUTES] [CUTS] [CUTS_OF_THE_CONTROL]
#
# A second run in which nothing is flushed (eatmydata) must lose minutes, or these checks see nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "${1:-target/release/visaged}")
minutes=${2:-150}
cuts=${3:-1000}
control_cuts=${4:-200}

[ "$(id -u)" = 0 ] || { echo "mounting needs root: sudo make power-cut" >&2; exit 1; }
work=$(mktemp -d)
cleanup() {
  [ -z "${service:-}" ] || kill -KILL "$service" 2>/dev/null || true
  [ -z "${follower:-}" ] || kill "$follower" 2>/dev/null || true
  ! mountpoint -q "$work/mnt" || umount --lazy "$work/mnt"
  [ -z "${loop:-}" ] || losetup --detach "$loop" || true
  [ -z "${disk:-}" ] || kill "$disk" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT

# The file system, and behind it the block with the counter.
filesystem_mib=24

record() { # WRAPPER...
  local at=$work/run
  rm -rf "$at"
  mkdir -p "$at" "$work/mnt"
  truncate --size=$((filesystem_mib + 1))M "$at/disk"
  mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$at/disk" ${filesystem_mib}M
  cp "$at/disk" "$at/before"
  touch "$at/log" "$at/logged"
  qemu-storage-daemon \
    --blockdev driver=file,node-name=disk,filename="$at/disk" \
    --blockdev driver=file,node-name=log,filename="$at/log" \
    --blockdev driver=blklogwrites,node-name=logged,file=disk,log=log,log-sector-size=512 \
    --export type=fuse,id=export,node-name=logged,mountpoint="$at/logged",writable=on &
  disk=$!
  until [ "$(stat --format=%s "$at/logged")" -gt 0 ]; do sleep 0.1; done
  # One write after the other: of several at once qemu 7.2 logs the last one's bytes for all.
  loop=$(losetup --find --show --direct-io=off "$at/logged")
  mount -t ext4 "$loop" "$work/mnt"

  # A wall at a picture a second, looked at as fast as it goes: a minute passes in a moment, and each is flushed.
  {
    echo "YUV4MPEG2 W64 H48 F1:1 Cmono"
    for shade in n o p; do echo FRAME; printf "%3072s" | tr ' ' $shade; done
  } >"$at/wall.y4m"
  cat >"$at/visaged.toml" <<END
[camera]
source = "replay"
replay = "$at/wall.y4m"
replay_loop = true
replay_speed = "full"
[statistics]
database = "$work/mnt/statistics.sqlite"
flush_s = 60
END
  RUNTIME_DIRECTORY=$at "$@" "$program" run --config "$at/visaged.toml" 2>"$at/service.log" &
  service=$!
  python3 "$here/follow.py" "$work/mnt/statistics.sqlite" "$loop" $((filesystem_mib << 20)) "$minutes" &
  follower=$!
  local status=0
  wait -n "$follower" "$service" || status=$?
  kill -0 "$service" 2>/dev/null || { echo "the program has ended:" >&2; cat "$at/service.log" >&2; exit 1; }
  [ "$status" = 0 ] || exit "$status"
  kill -KILL "$service"
  wait "$service" 2>/dev/null || true
  service= follower=
  umount "$work/mnt"
  losetup --detach "$loop"
  loop=
  kill "$disk"
  wait "$disk" || true
  disk=
}

replay() { # CUTS
  python3 "$here/replay.py" "$work/run" "$work/mnt" $((filesystem_mib << 20)) "$1"
}

echo "as it is:"
record
replay "$cuts"
echo "control, nothing is flushed (must lose minutes):"
record eatmydata
if replay "$control_cuts"; then
  echo "the control lost nothing: these checks see nothing" >&2
  exit 1
fi
echo "the control fails, as it must"
