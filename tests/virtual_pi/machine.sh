# The emulated machine: a small initramfs, and QEMU's "virt" board with a folder of the host. Sourced by run.sh.

MODULES=(9p 9pnet_virtio vivid v4l2loopback)

# Debian's busybox, v4l2-ctl with its libraries, the face cascade, the kernel modules above with what they depend on, and guest/init.
build_initramfs() {
  local root release module file
  root=$(mktemp -d -p "$CACHE")
  release=$(basename "$CACHE"/kernel/lib/modules/*)
  mkdir -p "$root"/{proc,sys,dev,tmp,share}
  cp -a "$CACHE"/programs/{bin,sbin,lib,usr} "$root/"
  find "$root/usr/share" -mindepth 1 -maxdepth 1 ! -name opencv4 -exec rm -r {} +
  rm -rf "$root/usr/lib/aarch64-linux-gnu/gconv"
  install -m 755 "$HERE/guest/init" "$root/init"

  mkdir -p "$root/lib/modules/$release"
  cp "$CACHE/kernel/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} "$root/lib/modules/$release/"
  depmod -b "$CACHE/kernel" "$release"
  for module in "${MODULES[@]}"; do
    modprobe -d "$CACHE/kernel" -S "$release" --show-depends "$module"
  done | awk '$1 == "insmod" {print $2}' | sort -u | while read -r file; do
    cp "$file" "$root/lib/modules/$release/"
  done
  find "$root/lib/modules" -name '*.xz' -exec xz -d {} +
  depmod -b "$root" "$release"

  (cd "$root" && find . | cpio -o -H newc --quiet -R 0:0 | gzip -1) >"$CACHE/initramfs.gz"
  rm -r "$root"
}

# boot SHARE SECONDS: boots, runs SHARE/checks.sh in the machine as root, powers off. The console goes to SHARE/console.log.
boot() {
  timeout "$2" qemu-system-aarch64 -machine virt -cpu cortex-a72 -smp 2 -m 768 -display none -no-reboot -nic none \
    -kernel "$CACHE"/kernel/boot/vmlinuz-* -initrd "$CACHE/initramfs.gz" \
    -append "console=ttyAMA0 rdinit=/init panic=-1 quiet iomem=relaxed" -serial file:"$1/console.log" -monitor none \
    -fsdev local,id=share,path="$1",security_model=none -device virtio-9p-pci,fsdev=share,mount_tag=share
}
