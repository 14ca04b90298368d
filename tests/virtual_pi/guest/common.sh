# What the checks of all machines use: reporting, waiting, the kernel's cameras and the GPIO chip. Sourced in the shared folder.

# Every check adds a line "check|ok or FAIL|what was seen" to the file "results".
report() { echo "$1|$2|$3" >>results; }

uptime_s() { cut -d. -f1 /proc/uptime; }

# within SECONDS COMMAND…: true as soon as the command succeeds.
within() {
  local end=$(($(uptime_s) + $1))
  shift
  until "$@"; do
    [ "$(uptime_s)" -lt $end ] || return 1
    sleep 0.5
  done
}

### Times: an emulated machine is slow, and slower the more its host has to do, so some limits are in terms of what the same machine needs for the
### plain thing.

now() { cut -d' ' -f1 /proc/uptime; }
seconds_since() { awk -v begin="$1" -v end="$(now)" 'BEGIN { printf "%.1f", end - begin }'; }
time_of() { # COMMAND…
  local begin
  begin=$(now)
  "$@" >/dev/null 2>&1
  seconds_since "$begin"
}
sum() { awk -v first="$1" -v second="$2" 'BEGIN { printf "%.1f", first + second }'; }
at_most() { awk -v value="$1" -v most="$2" 'BEGIN { exit !(value <= most) }'; }

### The cameras

# vivid's HDMI output is looped back to its HDMI input, both at 640x480: what is written to /dev/video1 is captured from
# /dev/video0. Of the 60 frames a second nine of ten are left out: they would keep an emulated processor busy.
connect_vivid() {
  for node in 0 1; do v4l2-ctl -d /dev/video$node --set-dv-bt-timings index=0 -c percentage_of_dropped_buffers=90; done
  v4l2-ctl -d /dev/video0 -c osd_text_mode=2 -c hdmi_000_0_is_connected_to=2
}

feed_vivid() { # PIXEL_FORMAT
  v4l2-ctl -d /dev/video1 --set-fmt-video-out=width=640,height=480,pixelformat=$1 \
    --stream-out-mmap --stream-from=/tmp/face.$1 --stream-loop >feeder.log 2>&1 &
  feeder=$!
}

# Each write to v4l2loopback is one frame. It is a camera (and no output) for as long as the writer has it open.
feed_loopback() { # JPEG
  while dd if=$1 bs=1M 2>/dev/null; do sleep 0.1; done >/dev/video7 &
  feeder=$!
}

stop_feeding() {
  kill $feeder
  wait $feeder
}

# As udev does with /dev/v4l/by-id: the link is there while the camera is. vivid must be connected before, for its timings cannot be set while it is in use.
plug_in() { ln -sfn "$1" /dev/camera; }
pull_out() { rm -f /dev/camera; }

### The lights

# The levels of the program's lines in their order, as the kernel sees them: "lo lo lo hi lo lo lo".
levels() { sed -n 's/.*|visaged *) out \(..\).*/\1/p' /sys/kernel/debug/gpio | xargs; }
only_happy_is_lit() { [ "$(levels)" = "lo lo lo hi lo lo lo" ]; }

check_light() { # NAME
  if within 30 only_happy_is_lit; then report "$1" ok "$(levels)"; else report "$1" FAIL "$(levels)"; fi
}

# A line keeps its level when nobody has it open any more, so this is the data register of the PL061 itself. Line 3 is the power button.
register() { busybox devmem 0x090303fc 8; }
is_dark() { [ $(($(register) & 0xf7)) -eq 0 ]; }
