# The program and its package for 64-bit ARM. Sourced by run.sh.

TARGET=aarch64-unknown-linux-gnu

# The program ends up in $OUT/visaged, the packages (for the machines with Debian) in $PACKAGE and $PACKAGE_ARMHF: $VISAGED_DEB and
# $VISAGED_DEB_ARMHF, else the last that were made, else they are made. The short run wants no package: it builds the program, without link-time
# optimisation and in many units, which is quicker and behaves the same.
get_program() {
  PACKAGE=${VISAGED_DEB:-} PACKAGE_ARMHF=${VISAGED_DEB_ARMHF:-}
  if ((SHORT)) && [[ -z $PACKAGE ]]; then
    say "building the program"
    (
      cd "$SOURCE"
      CARGO_TARGET_DIR=$CACHE/target CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        tests/cross.sh "$TARGET" cargo build --release --locked --bins
    )
    aarch64-linux-gnu-strip -o "$OUT/visaged" "$CACHE/target/$TARGET/release/visaged"
    return
  fi
  find_packages
  if [[ -z $PACKAGE ]] || { ((!SHORT)) && [[ -z $PACKAGE_ARMHF ]]; }; then
    make -C "$SOURCE" deb
    find_packages
  fi
  say "the package is $PACKAGE of $(date -r "$PACKAGE")"
  dpkg-deb --fsys-tarfile "$PACKAGE" | tar -xO ./usr/bin/visaged >"$OUT/visaged"
  chmod 755 "$OUT/visaged"
}

find_packages() {
  PACKAGE=${PACKAGE:-$(newest_package "$TARGET" arm64)}
  PACKAGE_ARMHF=${PACKAGE_ARMHF:-$(newest_package armv7-unknown-linux-gnueabihf armhf)}
}

newest_package() { # TARGET ARCH; nothing where there is none
  [[ -d $SOURCE/target/$1/debian ]] || return 0
  find "$SOURCE/target/$1/debian" -name "visaged_*_$2.deb" -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-
}

# next_package DEB NEXT: the same package with a higher version, and another sample configuration, as an upgrade brings.
next_package() {
  local folder
  folder=$(mktemp -d -p "$CACHE")
  dpkg-deb -R "$1" "$folder/package"
  sed -i 's/^Version: .*/&+next/' "$folder/package/DEBIAN/control"
  echo "# As of the next version." >>"$folder/package/etc/visaged/visaged.toml"
  dpkg-deb --root-owner-group -Zgzip -z1 -b "$folder/package" "$2" >/dev/null
  rm -r "$folder"
}
