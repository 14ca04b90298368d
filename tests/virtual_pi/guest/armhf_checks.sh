# Runs in the machine with 32-bit Debian and systemd, as root, in the shared folder. The kernel has 64 bits, as on a Raspberry Pi 3 to 5 with the 32-bit
# Raspberry Pi OS: cameras and lines are reached through its translation for 32-bit programs. The package is installed, used, upgraded and removed.

. ./common.sh
. ./service.sh

systemctl is-system-running --wait >state
check "32-bit programs on a 64-bit kernel" "$(dpkg --print-architecture) on $(uname -m)" [ "$(dpkg --print-architecture) $(uname -m)" = "armhf aarch64" ]
cp face.* /tmp # the shared folder is slow
follow_journal

check_install
modprobe virtio-gpu
modprobe vivid num_inputs=1 input_types=3 num_outputs=1 output_types=1 node_types=0x101
udevadm settle
connect_vivid
feed_vivid YUYV
plug_in video0
configure YUYV
log_everything
from_now_on
systemctl enable --now visaged 2>enable.log
check_expression YUYV
check_light "YUYV: the LED of the expression is lit"
check "screen: the framebuffer is in use" "$(visaged status | grep screen | xargs)" sh -c 'visaged status | grep -q "^OK *screen /dev/fb0"'
memory=$(memory_of_service)
check "memory: at most 96 MiB of 128" "$memory MiB resident" at_most "$memory" 96

stop_feeding
feed_vivid NV12
configure NV12 'drm = "auto"'
from_now_on
systemctl reload visaged
check_expression NV12

# When a minute is over, the service is asked to write its row now.
sleep 65
systemctl kill --kill-whom=main --signal=USR1 visaged
check "statistics: are written" "$(rows) rows" within 30 more_rows_than 0
check_upgrade
check_remove
echo finished >>results
