#!/bin/bash
# The program on emulated machines with Debian's kernel: a small one with kernel cameras; two with Debian and systemd, 64-bit and 32-bit, in which the
# package is installed; QEMU's Raspberry Pis. Ends with a table; the exit code is 0 if every check passed. See README.md.
#
#   run.sh           all of it (15 minutes)
#   run.sh --short   the small machine only (5 minutes)
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
SOURCE=$(cd "$HERE/../.." && pwd)
CACHE=${VISAGED_VIRTUAL_PI:-${XDG_CACHE_HOME:-$HOME/.cache}/visaged-virtual-pi}
OUT=$CACHE/share
SHORT=0
[[ ${1:-} != --short ]] || SHORT=1

say() { echo "virtual-pi: $*" >&2; }
die() { say "$*"; exit 1; }

. "$HERE/packages.sh"
. "$HERE/v4l2loopback.sh"
. "$HERE/program.sh"
. "$HERE/machine.sh"
. "$HERE/debian.sh"

# done_before PART FILE…: whether PART was made from these very files; else call it_is_done afterwards.
done_before() {
  local part=$1
  shift
  wanted=$(cat "$@" | sha256sum)
  [[ $(cat "$CACHE/$part" 2>/dev/null) == "$wanted" ]]
}
it_is_done() { echo "$wanted" >"$CACHE/$1"; }

# Fetches and builds what does not change with the program; done again when these scripts change.
prepare() {
  local wanted
  if ! done_before prepared "$HERE"/{packages,v4l2loopback}.sh; then
    rm -rf "$CACHE"/{prepared*,kernel,programs,v4l2loopback}
    fetch_packages
    build_v4l2loopback
    it_is_done prepared
  fi
  if ! done_before prepared-initramfs "$HERE/machine.sh" "$HERE"/guest/init*; then
    build_initramfs
    it_is_done prepared-initramfs
  fi
  ((SHORT)) && return
  local arch
  for arch in arm64 armhf; do
    if ! done_before prepared-debian-$arch <(declare -f build_debian; echo "$DEBIAN_PACKAGES"); then
      build_debian $arch
      it_is_done prepared-debian-$arch
    fi
    if ! done_before prepared-disk-$arch "$HERE/debian.sh" "$HERE/guest/checks.service"; then
      build_disk $arch
      it_is_done prepared-disk-$arch
    fi
  done
}

# new_share NAME SCRIPT: an empty shared folder with what every machine needs, and SCRIPT as its checks.
new_share() {
  mkdir "$OUT/$1"
  cp "$HERE/guest/$2" "$OUT/$1/checks.sh"
  cp "$HERE"/guest/{common.sh,service.sh,configuration.toml} "$OUT/$1/"
}

# come_to_an_end MACHINE: whatever kept the checks from coming to their end is a failure too.
come_to_an_end() {
  local results=$OUT/$1/results
  grep -qx finished "$results" || echo "all checks were made|FAIL|see $OUT/$1" >>"$results"
  sed -i '/^finished$/d' "$results"
}

run_small() {
  new_share small checks.sh
  cp "$OUT/visaged" "$OUT/small/"
  ((SHORT)) || cp "$HERE/guest/faults.sh" "$OUT/small/"
  /usr/bin/python3 "$HERE/frames.py" "$PICTURE" "$OUT/small"
  say "the small machine; its log is $OUT/small/console.log"
  boot "$OUT/small" 900 || echo "the machine powers off|FAIL|not in 900 s" >>"$OUT/small/results"
  come_to_an_end small
}

# prepare_debian NAME SCRIPT ARCH PACKAGE: a machine with Debian begins each run with a fresh disk.
prepare_debian() {
  local share=$OUT/$1
  new_share "$1" "$2"
  /usr/bin/python3 "$HERE/frames.py" "$PICTURE" "$share"
  cp "$4" "$share/visaged.deb"
  next_package "$4" "$share/visaged-next.deb"
  cp --sparse=always --reflink=auto "$CACHE/debian-$3.img" "$CACHE/disk.img"
}

run_debian() {
  local share=$OUT/debian
  prepare_debian debian debian_checks.sh arm64 "$PACKAGE"
  say "the machine with Debian; its log is $share/console.log"
  boot_debian "$share" 2400 "$CACHE/disk.img" || echo "the machine comes to the power cut|FAIL|not in 2400 s" >>"$share/results"
  come_to_an_end debian
  /usr/bin/python3 "$HERE/look_at_screens.py" "$share" >>"$share/results" || echo "screenshots can be looked at|FAIL|" >>"$share/results"
  say "the machine with Debian again, after the power cut"
  cp "$HERE/guest/debian_after_cut.sh" "$share/checks.sh"
  boot_debian "$share" 900 "$CACHE/disk.img" || echo "the machine powers off|FAIL|not in 900 s" >>"$share/results"
  come_to_an_end debian
  rm -f "$CACHE/disk.img"
}

run_armhf() {
  local share=$OUT/armhf
  prepare_debian armhf armhf_checks.sh armhf "$PACKAGE_ARMHF"
  say "the machine with 32-bit Debian; its log is $share/console.log"
  boot_debian "$share" 900 "$CACHE/disk.img" || echo "the machine powers off|FAIL|not in 900 s" >>"$share/results"
  come_to_an_end armhf
  rm -f "$CACHE/disk.img"
}

run_pi() { # MODEL
  local folder=$OUT/$1 extra
  mkdir "$folder"
  extra=$(mktemp -d -p "$CACHE")
  mkdir "$extra/share"
  cp "$HERE/guest/pi_checks.sh" "$extra/share/checks.sh"
  cp "$HERE/guest/common.sh" "$extra/share/"
  cp "$OUT/visaged" "$extra/share/"
  pack "$extra" >"$folder/extra.gz"
  rm -r "$extra"
  say "QEMU's $1; its log is $folder/console.log"
  boot_pi "$1" "$folder/console.log" 240 "$folder/extra.gz" || echo "the machine powers off|FAIL|not in 240 s" >>"$folder/results"
  tr -d '\r' <"$folder/console.log" | sed -n 's/^.*RESULT //p' >>"$folder/results"
  come_to_an_end "$1"
}

print_table() {
  local machine check result seen
  for machine in small debian armhf raspi3b raspi4b; do
    [[ -e $OUT/$machine/results ]] || continue
    printf '\n%s\n' "$machine"
    while IFS='|' read -r check result seen; do
      printf '  %-76s %-5s %s\n' "$check" "$result" "$seen"
    done <"$OUT/$machine/results"
  done
}

PICTURE=$SOURCE/tests/data/golden/pictures/astronaut_512x512.png
mkdir -p "$CACHE"
install_host_tools
prepare
find_emulator
rm -rf "$OUT" && mkdir "$OUT"
get_program
run_small
if ((!SHORT)); then
  run_debian
  run_armhf
  run_pi raspi3b
  run_pi raspi4b
fi

print_table
say "took $SECONDS s; logs and screenshots are in $OUT"
! grep -q '|FAIL|' "$OUT"/*/results
