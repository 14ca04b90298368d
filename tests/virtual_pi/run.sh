#!/bin/bash
# Cross-builds visaged for 64-bit ARM, boots a small emulated machine with Debian's kernel, and runs the program there on
# kernel cameras that show a face. Ends with a table; the exit code is 0 if every check passed. See README.md.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
SOURCE=$(cd "$HERE/../.." && pwd)
CACHE=${VISAGED_VIRTUAL_PI:-${XDG_CACHE_HOME:-$HOME/.cache}/visaged-virtual-pi}
SHARE=$CACHE/share
TIME_LIMIT_S=480

say() { echo "virtual-pi: $*" >&2; }
die() { say "$*"; exit 1; }

. "$HERE/packages.sh"
. "$HERE/v4l2loopback.sh"
. "$HERE/cross_build.sh"
. "$HERE/machine.sh"

# Fetches and builds what does not change with the program; done again when these scripts, or the Rust on the host, change.
prepare() {
  local wanted
  wanted=$({
    cat "$HERE"/{packages,v4l2loopback,machine}.sh "$HERE/guest/init"
    rustup_has_target || echo "Debian's Rust"
  } | sha256sum)
  [[ $(cat "$CACHE/prepared" 2>/dev/null) != "$wanted" ]] || return 0
  rm -rf "$CACHE"/{prepared,kernel,programs,rust,v4l2loopback}
  fetch_packages
  build_v4l2loopback
  build_initramfs
  echo "$wanted" >"$CACHE/prepared"
}

print_table() {
  local check result seen
  echo
  while IFS='|' read -r check result seen; do
    printf '%-60s %-5s %s\n' "$check" "$result" "$seen"
  done <"$SHARE/results"
}

mkdir -p "$CACHE"
install_host_tools
prepare
cross_build "$SOURCE"

rm -rf "$SHARE" && mkdir "$SHARE"
aarch64-linux-gnu-strip -o "$SHARE/visaged" "$CACHE/target/$TARGET/release/visaged"
cp "$HERE/guest/checks.sh" "$SHARE/"
/usr/bin/python3 "$HERE/frames.py" "$SOURCE/tests/data/golden/pictures/astronaut_512x512.png" "$SHARE"
say "starting the machine; its log is $SHARE/console.log"
boot "$SHARE" "$TIME_LIMIT_S" || echo "the machine|FAIL|did not power off in $TIME_LIMIT_S s" >>"$SHARE/results"
# Whatever kept the checks from coming to their end is a failure too.
grep -qx finished "$SHARE/results" || echo "all checks were made|FAIL|see $SHARE/checks.log" >>"$SHARE/results"
sed -i '/^finished$/d' "$SHARE/results"

print_table
say "took $SECONDS s; logs are in $SHARE"
! grep -q '|FAIL|' "$SHARE/results"
