# The Debian machines' disks: Debian with systemd for arm64 and for armhf, about what Raspberry Pi OS Lite has. Sourced by run.sh.

# The file system's size: a power of two, as SD cards are. Most of it is a hole.
DISK_SIZE=1G

# What the package and the checks need; apt and dpkg come with every Debian.
DEBIAN_PACKAGES=systemd-sysv,udev,dbus,kmod,procps,v4l-utils,gpiod,busybox-static,sqlite3

# Lets the host run ARM programs, for the packages' installation scripts. A host with systemd does it by itself.
run_arm_programs() {
  local formats=/proc/sys/fs/binfmt_misc emulator
  [[ -e $formats/register ]] || ((EUID)) || mount -t binfmt_misc binfmt_misc "$formats"
  for emulator in qemu-aarch64 qemu-arm; do
    [[ -e $formats/$emulator ]] && continue
    ((EUID == 0)) || die "this host does not run ARM programs: install qemu-user-static, or run this once as root"
    tr -d '\n' </usr/lib/binfmt.d/$emulator.conf >"$formats/register"
  done
}

# build_debian ARCH: the system as packages, made once, without what nobody reads in a machine that lives for minutes, and without its security updates.
build_debian() {
  say "installing Debian with systemd for $1 (emulated: some minutes)"
  run_arm_programs
  awk -v RS= -v ORS='\n\n' '!/debian-security/' "$CACHE/debian.sources" >"$CACHE/machines.sources"
  mmdebstrap --quiet --architectures="$1" --variant=minbase --include="$DEBIAN_PACKAGES" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='rm "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap"' \
    "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$CACHE/debian-$1.tar" "$CACHE/machines.sources"
}

# build_disk ARCH: the system, the kernel's modules, and a service that runs the shared folder's checks.sh.
build_disk() (
  say "making the disk with Debian for $1"
  root=$(mktemp -d -p "$CACHE")
  trap 'rm -r "$root"' EXIT
  export HERE CACHE DISK_SIZE
  # Files keep their owners: fakeroot remembers them where we may not give files away.
  fakeroot bash -euc "$(declare -f fill_disk copy_modules); fill_disk $1 $root ${MODULES[*]}"
)

# fill_disk ARCH ROOT MODULE…: puts everything under ROOT, and then into the disk.
fill_disk() {
  local arch=$1 root=$2 unit
  shift 2
  tar -x -p -C "$root" -f "$CACHE/debian-$arch.tar"
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
  rm -f "$CACHE/debian-$arch.img"
  mke2fs -q -t ext4 -d "$root" "$CACHE/debian-$arch.img" "$DISK_SIZE"
}
