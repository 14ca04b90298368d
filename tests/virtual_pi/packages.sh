# Debian packages: host tools installed with apt, everything else only unpacked into the cache. Sourced by run.sh.
#
# What is for the emulated machines is of another architecture and must not be installed on the host. So apt gets lists and a state of its own in
# the cache, and `dpkg -x` unpacks. The emulated machines run the same Debian release as the host, because what the host's cross compiler links wants
# a C library at least as new.

# Host tools that build and emulate; for the whole run, those that make a disk, too. Root is needed only if one of them is missing.
install_host_tools() {
  local wanted=(gcc gcc-aarch64-linux-gnu make qemu-system-arm cpio kmod xz-utils
    python3-pil ca-certificates)
  ((SHORT)) || wanted+=(mmdebstrap arch-test qemu-user-static fakeroot e2fsprogs device-tree-compiler)
  local missing=() package sudo=()
  for package in "${wanted[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  ((EUID == 0)) || sudo=(sudo)
  "${sudo[@]}" apt-get -qq update
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "${missing[@]}"
}

# private_apt ARCH get|cache ARGS…: apt with its own lists (of SOURCES); for the host's architecture it knows what the host has.
private_apt() {
  local arch=$1 tool=$2 state=$CACHE/apt-$1 status=/var/lib/dpkg/status
  shift 2
  if [[ $arch != "$(dpkg --print-architecture)" ]]; then
    status=$state/status
    mkdir -p "$state" && touch "$status"
  fi
  mkdir -p "$state"/{lists,archives}/partial
  "apt-$tool" -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User=root \
    -o APT::Get::List-Cleanup=false -o Dir::State="$state" -o Dir::State::lists="$state/lists" -o Dir::State::status="$status" \
    -o Dir::Cache="$state" -o Dir::Etc::sourcelist="${SOURCES:-$CACHE/debian.sources}" -o Dir::Etc::sourceparts=- "$@"
}

write_sources() {
  local release part
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  for part in "debian $release" "debian $release-updates" "debian-security $release-security"; do
    cat <<END
Types: deb
URIs: http://deb.debian.org/${part% *}
Suites: ${part#* }
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

END
  done >"$CACHE/debian.sources"
}

# download ARCH FOLDER PACKAGE…: exactly these packages, unpacked into FOLDER.
download() {
  local arch=$1 folder=$2
  shift 2
  local debs
  debs=$(mktemp -d -p "$CACHE")
  (cd "$debs" && private_apt "$arch" get download "$@")
  unpack "$debs" "$folder"
  rm -r "$debs"
}

# download_with_depends ARCH FOLDER PACKAGE…: the same with all that they need and the host (or nobody) has.
download_with_depends() {
  local arch=$1 folder=$2
  shift 2
  private_apt "$arch" get clean
  private_apt "$arch" get install --yes --download-only --reinstall --no-install-recommends "$@"
  unpack "$CACHE/apt-$arch/archives" "$folder"
}

# unpack DEBS FOLDER. /bin, /lib and /sbin are links, as on an installed system; `dpkg -x` would replace them in Debian 12.
unpack() {
  local deb part
  for part in bin lib sbin; do
    mkdir -p "$2/usr/$part"
    ln -sfn "usr/$part" "$2/$part"
  done
  for deb in "$1"/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$2"
  done
}

# An emulator that knows the Raspberry Pi 4 (QEMU 9 or newer): the host's, else the one that Debian has for its last release.
find_emulator() {
  QEMU=qemu-system-aarch64 QEMU_MODULES=
  local folder=$CACHE/qemu major
  major=$("$QEMU" --version | sed -n '1s/.*version \([0-9]*\).*/\1/p')
  ((SHORT || major >= 9)) && return
  if [[ ! -e $folder/complete ]]; then
    say "QEMU $major is too old for the Raspberry Pi 4: fetching a newer one"
    rm -rf "$folder"
    download_backports "$folder" qemu-system-arm qemu-system-common qemu-system-data
    touch "$folder/complete"
  fi
  QEMU=$folder/usr/bin/qemu-system-aarch64 QEMU_MODULES=$folder/usr/lib/$(gcc -print-multiarch)/qemu
}

# download_backports FOLDER PACKAGE…: what Debian made of newer programs for the host's release.
download_backports() {
  local folder=$1 release debs packages=()
  shift
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")-backports
  sed "s/^Suites: .*-updates$/Suites: $release/" "$CACHE/debian.sources" >"$CACHE/backports.sources"
  packages=("${@/%//$release}")
  debs=$(mktemp -d -p "$CACHE")
  (
    cd "$debs"
    SOURCES=$CACHE/backports.sources private_apt "$(dpkg --print-architecture)" get update
    SOURCES=$CACHE/backports.sources private_apt "$(dpkg --print-architecture)" get download "${packages[@]}"
  )
  unpack "$debs" "$folder"
  rm -r "$debs"
}

fetch_packages() {
  local build_arch kernel
  build_arch=$(dpkg --print-architecture)
  write_sources
  private_apt arm64 get update
  private_apt "$build_arch" get update

  # Debian 12 has Debian 13's long-term kernel beside its own, under another name.
  kernel=$({ private_apt arm64 cache depends linux-image-6.12-arm64 || private_apt arm64 cache depends linux-image-arm64; } 2>/dev/null |
    sed -n 's/.*Depends: linux-image-\(6.*\)/\1/p')
  [[ -n $kernel ]] || die "no arm64 kernel found in Debian's lists"
  say "fetching Debian's kernel $kernel and the machine's programs"
  download arm64 "$CACHE/kernel" "linux-image-$kernel" "linux-headers-$kernel" "linux-headers-${kernel%-arm64}-common"
  download "$build_arch" "$CACHE/kernel" "linux-kbuild-${kernel%-arm64}"
  download arm64 "$CACHE/v4l2loopback" v4l2loopback-dkms
  download_with_depends arm64 "$CACHE/programs" v4l-utils busybox-static opencv-data
}
