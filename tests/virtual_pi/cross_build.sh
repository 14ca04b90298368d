# The program and its package for 64-bit ARM: given, or cross-built without docker. Sourced by run.sh.

TARGET=aarch64-unknown-linux-gnu

# Whether the Rust on the host can build for the target (after `rustup target add`); otherwise Debian's does it.
rustup_has_target() {
  [[ -d $(rustc --print sysroot 2>/dev/null)/lib/rustlib/$TARGET/lib ]]
}

# cross_build SOURCE: builds the package in SOURCE in release mode; the program ends up in $CACHE/target. Without link-time
# optimisation and in many units: quicker to build, and it behaves the same.
cross_build() (
  export CARGO_TARGET_DIR=$CACHE/target CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
  # v4l generates its bindings from the kernel's header with libclang, which must see the target's headers.
  export BINDGEN_EXTRA_CLANG_ARGS_aarch64_unknown_linux_gnu=-I/usr/aarch64-linux-gnu/include
  if ! rustup_has_target; then
    export PATH=$CACHE/rust/usr/bin:$PATH LD_LIBRARY_PATH
    LD_LIBRARY_PATH=$(echo "$CACHE"/rust/usr/lib/*-linux-gnu | tr ' ' ':')
    unset RUSTC RUSTUP_TOOLCHAIN
  fi
  say "building with $(rustc --version)"
  cd "$1" && cargo build --release --locked --target "$TARGET" --bins
)

# The package that is tested ends up in $PACKAGE, its program in $OUT/visaged. VISAGED_DEB names a package that exists already.
get_program() {
  PACKAGE=${VISAGED_DEB:-}
  if [[ -z $PACKAGE ]]; then
    cross_build "$SOURCE"
    aarch64-linux-gnu-strip -o "$OUT/visaged" "$CACHE/target/$TARGET/release/visaged"
    ((SHORT)) || build_package "$SOURCE"
  else
    dpkg-deb --fsys-tarfile "$PACKAGE" | tar -xO ./usr/bin/visaged >"$OUT/visaged"
    chmod 755 "$OUT/visaged"
  fi
}

# next_package DEB NEXT: the same package with a higher version, to upgrade to.
next_package() {
  local folder
  folder=$(mktemp -d -p "$CACHE")
  dpkg-deb -R "$1" "$folder/package"
  sed -i 's/^Version: .*/&+next/' "$folder/package/DEBIAN/control"
  dpkg-deb --root-owner-group -Zgzip -z1 -b "$folder/package" "$2" >/dev/null
  rm -r "$folder"
}
