# The Debian machine's disk: Debian arm64 with systemd, about what Raspberry Pi OS Lite has. Sourced by run.sh.

# The file system's size: a power of two, as SD cards are. Most of it is a hole.
DISK_SIZE=1G

# What the package and the checks need; apt and dpkg come with every Debian.
DEBIAN_PACKAGES=systemd-sysv,udev,dbus,kmod,procps,v4l-utils,gpiod,busybox-static,sqlite3

# Lets the host run arm64 programs, for the packages' installation scripts. A host with systemd does it by itself.
run_arm64_programs() {
  local formats=/proc/sys/fs/binfmt_misc
  [[ -e $formats/qemu-aarch64 ]] && return
  ((EUID == 0)) || die "this host does not run arm64 programs: install qemu-user-static, or run this once as root"
  [[ -e $formats/register ]] || mount -t binfmt_misc binfmt_misc "$formats"
  tr -d '\n' </usr/lib/binfmt.d/qemu-aarch64.conf >"$formats/register"
}

# The system as packages: made once, without what nobody reads in a machine that lives for minutes.
build_debian() {
  say "installing Debian with systemd (emulated: some minutes)"
  run_arm64_programs
  mmdebstrap --quiet --architectures=arm64 --variant=minbase --include="$DEBIAN_PACKAGES" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='rm "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap"' \
    "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$CACHE/debian.tar" "$CACHE/debian.sources"
}

# The disk: the system, the kernel's modules, and a service that runs the shared folder's checks.sh.
build_disk() (
  say "making the Debian machine's disk"
  root=$(mktemp -d -p "$CACHE")
  trap 'rm -r "$root"' EXIT
  export HERE CACHE DISK_SIZE
  # Files keep their owners: fakeroot remembers them where we may not give files away.
  fakeroot bash -euc "$(declare -f fill_disk copy_modules); fill_disk $root ${MODULES[*]}"
)

# fill_disk ROOT MODULE…: puts everything under ROOT, and then into the disk.
fill_disk() {
  local root=$1 unit
  shift
  tar -x -p -C "$root" -f "$CACHE/debian.tar"
  copy_modules "$root" "$@"
  install -D -m 644 "$HERE/guest/checks.service" "$root/etc/systemd/system/checks.service"
  mkdir -p "$root/share" "$root/etc/systemd/system/multi-user.target.wants"
  ln -s ../checks.service "$root/etc/systemd/system/multi-user.target.wants/"
  # Nobody logs in, nothing is fetched, nothing is kept.
  for unit in {getty@,serial-getty@,e2scrub_reap,systemd-pstore,systemd-update-utmp,systemd-update-utmp-runlevel}.service \
    proc-sys-fs-binfmt_misc.automount {apt-daily,apt-daily-upgrade,dpkg-db-backup,e2scrub_all,fstrim}.timer; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done
  echo "share /share 9p trans=virtio,version=9p2000.L,msize=262144 0 0" >"$root/etc/fstab"
  echo virtual-pi >"$root/etc/hostname"
  echo 00000000000000000000000000000001 >"$root/etc/machine-id"
  rm -f "$CACHE/debian.img"
  mke2fs -q -t ext4 -d "$root" "$CACHE/debian.img" "$DISK_SIZE"
}
