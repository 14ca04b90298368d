#!/bin/bash
# Runs a command (cargo) with all that is needed to build for an ARM target and to run the result under qemu-user, without docker.
#
#   tests/cross.sh aarch64-unknown-linux-gnu     cargo test
#   tests/cross.sh armv7-unknown-linux-gnueabihf cargo build --release
#
# Installs Debian's cross compiler and emulator if they are missing (with sudo unless you are root), and the target's standard library: from
# rustup, or, where rustup cannot fetch it, Debian's own Rust packages, unpacked into ~/.cache/visaged-cross.
set -euo pipefail

TARGET=$1
shift
case $TARGET in
  aarch64-unknown-linux-gnu) ARCH=arm64 TRIPLET=aarch64-linux-gnu EMULATOR=qemu-aarch64 ;;
  armv7-unknown-linux-gnueabihf) ARCH=armhf TRIPLET=arm-linux-gnueabihf EMULATOR=qemu-arm ;;
  *) echo "cross.sh: aarch64-unknown-linux-gnu or armv7-unknown-linux-gnueabihf, not $TARGET" >&2 && exit 64 ;;
esac

sudo=()
((EUID == 0)) || sudo=(sudo)

install_missing() {
  local missing=() package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  echo "cross.sh: installing ${missing[*]}" >&2
  "${sudo[@]}" apt-get -qq update
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "${missing[@]}"
}

has_target() {
  [[ -d $(rustc --print sysroot 2>/dev/null)/lib/rustlib/$TARGET/lib ]]
}

# Debian's Rust with the target's library, unpacked and not installed: it would take the place of another Rust.
use_debian_rust() {
  CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/visaged-cross
  local folder=$CACHE/rust-$ARCH build_arch
  if [[ ! -e $folder/complete ]]; then
    echo "cross.sh: rustup has no $TARGET here; fetching Debian's Rust into $folder" >&2
    . "$(dirname "$0")/virtual_pi/packages.sh"
    build_arch=$(dpkg --print-architecture)
    rm -rf "$folder" && mkdir -p "$folder"
    write_sources
    private_apt "$build_arch" get update
    private_apt "$ARCH" get update
    download_with_depends "$build_arch" "$folder" rustc-web cargo-web libstd-rust-web-dev
    download "$ARCH" "$folder" libstd-rust-web-dev
    touch "$folder/complete"
  fi
  export PATH=$folder/usr/bin:$PATH LD_LIBRARY_PATH
  LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu | tr ' ' ':')
  unset RUSTC RUSTUP_TOOLCHAIN
}

install_missing gcc libc6-dev "gcc-$TRIPLET" "libc6-dev-$ARCH-cross" libclang-dev qemu-user opencv-data
if ! has_target && ! { command -v rustup >/dev/null && rustup target add "$TARGET"; }; then
  use_debian_rust
fi

variable=${TARGET//-/_}
export "CARGO_TARGET_${variable^^}_LINKER=$TRIPLET-gcc"
export "CARGO_TARGET_${variable^^}_RUNNER=$EMULATOR -L /usr/$TRIPLET"
# Programs that a test starts are run by the kernel's own emulator, where it has one; it must find the target's libraries too.
export QEMU_LD_PREFIX=/usr/$TRIPLET
# An emulated processor is slower than the limits that some tests have.
export VISAGED_EMULATED=1
# v4l generates its bindings from the kernel's header with libclang, which must see the target's headers.
export "BINDGEN_EXTRA_CLANG_ARGS_$variable=-I/usr/$TRIPLET/include"
export CARGO_BUILD_TARGET=$TARGET
exec "$@"
