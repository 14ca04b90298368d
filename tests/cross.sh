#!/bin/bash
# Runs a command (cargo) with all that is needed to build for an ARM target and to run the result under qemu-user, without docker.
#
#   tests/cross.sh aarch64-unknown-linux-gnu     cargo test
#   tests/cross.sh armv7-unknown-linux-gnueabihf cargo build --release
#
# Installs Debian's cross compiler and emulator if they are missing (with sudo unless you are root), and the target's standard library: from
# rustup, or, where rustup does not manage the compiler, Debian's own Rust packages, unpacked into ~/.cache/visaged-cross.
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
  local folder=${XDG_CACHE_HOME:-$HOME/.cache}/visaged-cross/rust-$ARCH
  if [[ ! -e $folder/complete ]]; then
    echo "cross.sh: rustup has no $TARGET here; fetching Debian's Rust into $folder" >&2
    rm -rf "$folder" && mkdir -p "$folder/debs"
    dpkg --print-foreign-architectures | grep -qx "$ARCH" || "${sudo[@]}" dpkg --add-architecture "$ARCH"
    "${sudo[@]}" apt-get -qq update
    (
      cd "$folder/debs"
      apt-get -qq download rustc-web cargo-web libstd-rust-web-dev "libstd-rust-web-dev:$ARCH"
      apt-cache depends rustc-web libstd-rust-web-dev | sed -n 's/^ *Depends: \(libstd-rust-web\|libllvm\|libgit2\).*/&/p' |
        awk '{print $2}' | sort -u | xargs apt-get -qq download
    )
    local deb
    for deb in "$folder"/debs/*.deb; do dpkg-deb -x "$deb" "$folder"; done
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
# v4l generates its bindings from the kernel's header with libclang, which must see the target's headers.
export "BINDGEN_EXTRA_CLANG_ARGS_$variable=-I/usr/$TRIPLET/include"
export CARGO_BUILD_TARGET=$TARGET
exec "$@"
