# The emulated machines: the small initramfs that all of them begin with, and QEMU. Sourced by run.sh.

# For the cameras, the screen, the folder that is shared with the host, and the disk of the machine with Debian (ext4 wants crc32c).
MODULES=(9p 9pnet_virtio vivid v4l2loopback virtio-gpu virtio_blk crc32c_generic ext4)

# Debian's busybox, v4l2-ctl with its libraries, the face cascade, the kernel modules above with what they depend on, and the first processes.
build_initramfs() {
  local root
  root=$(mktemp -d -p "$CACHE")
  mkdir -p "$root"/{proc,sys,dev,tmp,share}
  cp -a "$CACHE"/programs/{bin,sbin,lib,usr} "$root/"
  find "$root/usr/share" -mindepth 1 -maxdepth 1 ! -name opencv4 -exec rm -r {} +
  rm -rf "$root/usr/lib/aarch64-linux-gnu/gconv"
  install -m 755 "$HERE"/guest/init{,_disk,_pi} "$root/"
  copy_modules "$root" "${MODULES[@]}"
  pack "$root" >"$CACHE/initramfs.gz"
  rm -r "$root"
}

# copy_modules ROOT MODULE…: kernel modules with what they depend on.
copy_modules() {
  local root=$1 release module file
  shift
  release=$(basename "$CACHE"/kernel/lib/modules/*)
  mkdir -p "$root/lib/modules/$release"
  cp "$CACHE/kernel/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} "$root/lib/modules/$release/"
  depmod -b "$CACHE/kernel" "$release"
  for module in "$@"; do
    modprobe -d "$CACHE/kernel" -S "$release" --show-depends "$module"
  done | awk '$1 == "insmod" {print $2}' | sort -u | while read -r file; do
    cp "$file" "$root/lib/modules/$release/"
  done
  find "$root/lib/modules" -name '*.xz' -exec xz -d {} +
  depmod -b "$root" "$release"
}

# pack FOLDER: as an initramfs, on standard output. The kernel takes several of them, one after the other.
pack() {
  (cd "$1" && find . | cpio -o -H newc --quiet -R 0:0 | gzip -1)
}

# emulate MACHINE ARGS…: Debian's kernel in QEMU, without acceleration; it gives way to whoever works at this host.
emulate() {
  local machine=$1
  shift
  QEMU_MODULE_DIR=$QEMU_MODULES exec nice -n 5 "$QEMU" -machine "$machine" -display none -no-reboot -nic none \
    -kernel "$(echo "$CACHE"/kernel/boot/vmlinuz-*)" "$@" 2>>"$OUT/qemu.log"
}

KERNEL_ARGUMENTS="console=ttyAMA0 panic=-1 quiet iomem=relaxed"

# Arguments of QEMU's "virt" board with the host's folder SHARE, and a console that goes to SHARE/LOG.
virt() { # SHARE LOG
  echo virt -cpu cortex-a72 -smp 2 -m 768 -monitor none -serial "file:$1/$2" -qmp "unix:$1/qmp,server=on,wait=off" \
    -fsdev "local,id=share,path=$1,security_model=none" -device virtio-9p-pci,fsdev=share,mount_tag=share
}

# boot SHARE SECONDS: boots the small machine, runs SHARE/checks.sh in it as root, powers off. Machines ask for what only the host can do by
# making a file: SHARE/screenshot.NAME (taken away when SHARE/NAME.png is there), SHARE/press (the button, a pulse of 100 ms; taken away when it
# has been pressed), SHARE/cut (the power goes, in the middle of things).
boot() {
  # shellcheck disable=SC2046
  (emulate $(virt "$1" console.log) -initrd "$CACHE/initramfs.gz" -append "rdinit=/init $KERNEL_ARGUMENTS") &
  wait_for_machine $! "$2" "$1"
}

# boot_debian SHARE SECONDS DISK: the same with Debian and systemd on DISK, and a screen of 480x320.
boot_debian() {
  # shellcheck disable=SC2046
  (emulate $(virt "$1" console.log) -initrd "$CACHE/initramfs.gz" -append "rdinit=/init_disk systemd.show_status=0 $KERNEL_ARGUMENTS" \
    -drive "file=$3,format=raw,if=none,id=disk" -device virtio-blk-pci,drive=disk \
    -device virtio-gpu-pci,xres=480,yres=320 -watchdog-action poweroff) &
  wait_for_machine $! "$2" "$1"
}

# wait_for_machine PROCESS SECONDS [SHARE] [CONSOLE]: fails if the machine has not powered off in time, or said in CONSOLE that it has finished;
# does what it asks for through SHARE.
wait_for_machine() {
  local process=$1 end=$((SECONDS + $2)) share=${3:-} console=${4:-} wish name
  while kill -0 "$process" 2>/dev/null; do
    if ((SECONDS >= end)); then
      kill -KILL "$process"
      return 1
    fi
    for wish in "$share"/screenshot.*; do
      [[ -n $share && -e $wish ]] || continue
      name=${wish##*/screenshot.}
      /usr/bin/python3 "$HERE/qmp.py" "$share/qmp" screenshot "$share/$name.png" || :
      rm "$wish"
    done
    if [[ -n $share && -e $share/press ]]; then
      /usr/bin/python3 "$HERE/qmp.py" "$share/qmp" press || :
      rm "$share/press"
    fi
    if [[ -n $share && -e $share/cut ]]; then
      kill -KILL "$process"
      rm "$share/cut"
    fi
    [[ -z $console ]] || ! grep -q '^RESULT finished' "$console" || kill -KILL "$process"
    sleep 0.2
  done
  wait "$process" 2>/dev/null || :
}

# boot_pi MODEL LOG SECONDS EXTRA: QEMU's Raspberry Pi with a second initramfs EXTRA that brings the checks and the program; results on the console.
boot_pi() {
  local tree=$CACHE/$1.dtb
  case $1 in
    raspi3b) cp "$CACHE"/kernel/usr/lib/linux-image-*/broadcom/bcm2837-rpi-3-b.dtb "$tree" ;;
    raspi4b) cp "$CACHE"/kernel/usr/lib/linux-image-*/broadcom/bcm2711-rpi-4-b.dtb "$tree" ;;
  esac
  leave_only_what_is_modelled "$tree"
  cat "$CACHE/initramfs.gz" "$4" >"$CACHE/$1.gz"
  (emulate "$1" -dtb "$tree" -initrd "$CACHE/$1.gz" -monitor none -serial "file:$2" \
    -append "rdinit=/init_pi console=ttyAMA0,115200 panic=-1 quiet iomem=relaxed maxcpus=2") &
  # The emulated board cannot switch itself off.
  wait_for_machine $! "$3" "" "$2"
}

# Linux stops at the first access to a part of the chip that QEMU does not have. The lights need few of them.
leave_only_what_is_modelled() { # TREE
  local bus part
  for bus in /soc /scb; do
    for part in $(fdtget -l "$1" "$bus" 2>/dev/null); do
      case $part in
        timer@* | interrupt-controller@4* | interrupt-controller@7e00b200 | local_intc@* | cprman@* | mailbox@7e00b8* | gpio@* | serial@7e201000 | dma@* | firmware | power) ;;
        *) fdtput -t s "$1" "$bus/$part" status disabled ;;
      esac
    done
  done
  # The real board's first serial line talks to the Bluetooth chip; here it is the console.
  fdtput -r "$1" /soc/serial@7e201000/bluetooth
}
