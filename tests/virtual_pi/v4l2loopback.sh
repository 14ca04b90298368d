# Cross-builds the v4l2loopback kernel module against Debian's arm64 headers. Sourced by run.sh.

build_v4l2loopback() {
  local headers source release
  headers=$(echo "$CACHE"/kernel/usr/src/linux-headers-*-arm64)
  source=$(echo "$CACHE"/v4l2loopback/usr/src/v4l2loopback-*)
  release=$(basename "$CACHE"/kernel/lib/modules/*)
  say "building v4l2loopback for $release"
  # The headers are unpacked, not installed, so the absolute path in their Makefile must lead into the cache. Without
  # vmlinux the build leaves out type information (BTF), which would want another tool.
  sed -i "s#include /usr/src/#include ${headers%/*}/#" "$headers/Makefile"
  rm -f "$headers/vmlinux"
  # strlcpy left the kernel in 6.8; Debian 12's v4l2loopback is older than that.
  make -s -C "$headers" M="$source" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- KCPPFLAGS=-Dstrlcpy=strscpy modules
  install -D -m 644 "$source/v4l2loopback.ko" "$CACHE/kernel/lib/modules/$release/extra/v4l2loopback.ko"
}
