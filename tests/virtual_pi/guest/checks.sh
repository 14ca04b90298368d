# Runs in the emulated machine, as root, in the shared folder: feeds the kernel's cameras with a face and watches what
# visaged makes of it.

. ./common.sh

log=visaged.log

### The program

seven_leds='
[leds]
driver = "gpiochip"

# The lines of the PL061, of which there are eight; line 3 is the button of the machine.
[leds.lines]
angry = 0
disgust = 1
fear = 2
happy = 4
sad = 5
surprise = 6
neutral = 7
'

start_visaged() { # PIXEL_FORMAT WIDTH HEIGHT [DETECTOR [LIGHTS]]
  cat >/tmp/visaged.toml <<END
[camera]
source = "v4l2"
device = "/dev/camera"
width = $2
height = $3
frames_per_second = 5
pixel_format = "$1"
# The picture that is fed stands still.
frozen_after_s = 0

[classifier]
size = "$size"

[detector]
kind = "${4:-builtin}"
cascade = "/usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml"

${5:-$seven_leds}

[statistics]
file = "/tmp/statistics.jsonl"
interval_s = 5
END
  rm -f /tmp/statistics.jsonl
  echo "=== $1 $2x$3" >>all.log
  : >$log
  visaged --verbose run --config /tmp/visaged.toml 2>>$log &
  visaged=$!
  width=$2
  height=$3
}

# Lines that the program has logged from number $1 on.
logged_since() { tail -n +"$1" $log; }
next_line() { echo $(($(wc -l <$log) + 1)); }

logged() { # FIRST_LINE PATTERN
  logged_since "$1" | grep -q "$2"
}

is_alive() { kill -0 $visaged 2>/dev/null; }

# The last face in the log lies where the picture has it: in shares of the frame, its middle at 0.50, 0.47 and 0.30 wide.
face_is_in_place() { # FIRST_LINE
  logged_since "$1" | sed -n 's/.*face [0-9]* at \([0-9]*\),\([0-9]*\) (\([0-9]*\) px).*/\1 \2 \3/p' | tail -n 1 |
    awk -v w=$width -v h=$height '
      function near(value, wanted) { return value > wanted - 0.08 && value < wanted + 0.08 }
      { found = near(($1 + $3 / 2) / w, 0.50) && near(($2 + $3 / 2) / h, 0.47) && near($3 / w, 0.30) }
      END { exit !found }'
}

last_line() { # FIRST_LINE PATTERN
  logged_since "$1" | grep "$2" | tail -n 1 | sed 's/^\[[^]]*\] //'
}

check_face() { # NAME FIRST_LINE
  if within 180 face_is_in_place "$2"; then
    report "$1" ok "$(last_line "$2" 'face [0-9]* at')"
  else
    report "$1" FAIL "$(logged_since "$2" | tail -n 1)"
  fi
}

# After a pause the program takes a face in the same place for the same face and need not say it again, but a line of
# statistics counts it: seconds of an expression, and none without a camera.
check_face_again() { # NAME FIRST_LINE
  check_log "$1" "$2" 'new faces*; [a-z]* [0-9.]* s$' 180
}

check_log() { # NAME FIRST_LINE PATTERN SECONDS
  if within "$4" logged "$2" "$3" && is_alive; then
    report "$1" ok "$(last_line "$2" "$3")"
  else
    report "$1" FAIL "no \"$3\" in ${4} s; last: $(logged_since "$2" | tail -n 1)"
  fi
}

# How long the program took for a frame, by its last line of statistics before a line of the log.
seconds_a_frame() { # LINE
  head -n $(($1 - 1)) $log | sed -n 's/.* \([0-9.]*\) s: \([1-9][0-9]*\) frames*, .*/\1 \2/p' | tail -n 1 | awk '{ printf "%.1f", $1 / $2 }'
}

# The same for what docs/reliability.md promises in seconds (R2, R3): counted from when "begin" was set, with an allowance for a machine that is slow at
# the moment, two bare starts of the program and one frame: a frame that was captured before the trouble is looked at first.
check_log_within() { # NAME FIRST_LINE PATTERN SECONDS
  local took bare frame most
  until logged "$2" "$3" || ! at_most "$(seconds_since "$begin")" 60; do sleep 0.1; done
  took=$(seconds_since "$begin")
  bare=$(time_of visaged --version)
  frame=$(seconds_a_frame "$2")
  most=$(sum "$4" "$(sum "$frame" "$(sum "$bare" "$bare")")")
  if logged "$2" "$3" && at_most "$took" "$most" && is_alive; then
    report "$1" ok "after $took s, $4 s promised (a bare start takes $bare s, a frame $frame s): $(last_line "$2" "$3")"
  else
    report "$1" FAIL "after $took s, $4 s promised (a bare start takes $bare s, a frame $frame s); last: $(logged_since "$2" | tail -n 1)"
  fi
}

# SIGTERM ends the program in an orderly way, and the last line of statistics has counted the face.
check_end() { # NAME
  kill -TERM $visaged
  local code
  (sleep 20; kill -KILL $visaged) & local guard=$!
  wait $visaged
  code=$?
  kill $guard
  cat $log >>all.log
  cat /tmp/statistics.jsonl >>statistics.jsonl
  if [ $code -eq 0 ] && [ -s /tmp/statistics.jsonl ]; then
    report "$1" ok "exit code 0, $(last_line 1 ' frames, ')"
  else
    report "$1" FAIL "exit code $code, $(tail -n 1 $log)"
  fi
}

check_dark() { # NAME
  if is_dark; then report "$1" ok "register $(register)"; else report "$1" FAIL "register '$(register)'"; fi
}

### The checks

mount -t debugfs none /sys/kernel/debug

cp face.* bare.jpg /tmp # the shared folder is slow
modprobe vivid num_inputs=1 input_types=3 num_outputs=1 output_types=1 node_types=0x101
connect_vivid

# The first with the default network, which an emulated processor takes long to load, the others with the small one; the second with the cascade.
size=base
for run in "YUYV 640 480" "GREY 320 240 haar" "NV12 320 240"; do
  set -- $run
  feed_vivid $1
  sleep 1
  plug_in video0
  start_visaged $1 $2 $3 $4
  check_face "$1 $2x$3 (vivid): the face is found" 1
  check_light "$1 $2x$3 (vivid): the LED of the expression is lit"
  check_log "$1 $2x$3 (vivid): captured as asked" 1 "$2.*$3 $1" 1
  check_end "$1 $2x$3 (vivid): orderly end"
  check_dark "$1 $2x$3 (vivid): all LEDs are dark after the end"
  stop_feeding
  size=nano
done

modprobe v4l2loopback devices=1 video_nr=7 card_label=webcam exclusive_caps=1
v4l2-ctl -d /dev/video7 -c keep_format=1 --set-fmt-video-out=width=640,height=480,pixelformat=MJPG
for picture in face bare; do
  [ $picture = face ] && kind="MJPG" || kind="MJPG without Huffman tables"
  feed_loopback /tmp/$picture.jpg
  sleep 1
  plug_in video7
  start_visaged MJPG 640 480
  check_face "$kind (v4l2loopback): the face is found" 1
  check_end "$kind (v4l2loopback): orderly end"
  stop_feeding
done

# The long run has more to ask of the camera.
[ ! -e faults.sh ] || . ./faults.sh

# The camera fails while it is watched: every access gives ENODEV for as long as somebody has the node open.
feed_vivid YUYV
sleep 1
plug_in video0
start_visaged YUYV 320 240
check_face "disconnect: the face is found before" 1
check_log "disconnect: frames are counted before" 1 ' frames*, ' 30
line=$(next_line)
exec 3</dev/video0
begin=$(now)
v4l2-ctl -d /dev/video0 -c disconnect=1
check_log_within "disconnect: reported as lost" $line "camera lost" 3
# Then it vanishes from the bus, and is plugged in again.
pull_out
stop_feeding
exec 3<&-
echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind
sleep 6
if is_alive && [ ! -e /dev/video0 ]; then
  report "disconnect: goes on without a camera" ok "$(last_line $line .)"
else
  report "disconnect: goes on without a camera" FAIL "$(ls /dev/video*) $(tail -n 1 $log)"
fi
line=$(next_line)
echo vivid.0 >/sys/bus/platform/drivers/vivid/bind
connect_vivid
feed_vivid YUYV
sleep 1
begin=$(now)
plug_in video0
check_log_within "bind: reported as back" $line "camera is back" 5
check_face_again "bind: the face is found again" $line

# The node goes away with the stream running, as when a plug is pulled.
line=$(next_line)
begin=$(now)
echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind
pull_out
check_log_within "pulled out while watched: reported as lost" $line "camera lost" 3
line=$(next_line)
echo vivid.0 >/sys/bus/platform/drivers/vivid/bind
stop_feeding
connect_vivid
feed_vivid YUYV
sleep 1
begin=$(now)
plug_in video0
check_log_within "plugged in again: reported as back" $line "camera is back" 5
check_face_again "plugged in again: the face is found again" $line
check_end "after all that: orderly end"
stop_feeding

# One LED with three colours, and the button: the machine's own, which QEMU presses for 100 ms.
feed_vivid YUYV
sleep 1
plug_in video0
start_visaged YUYV 320 240 builtin '
[leds]
privacy_line = 7

[leds.rgb]
lines = [0, 1, 2]

[button]
line = 3
active_low = false
'
check_face "RGB LED and button: the face is found" 1
# Happy is yellow. The software switches the lines a hundred times a second, so a look now and then sees each now high, now low.
look_often() {
  local looks=0
  while [ $looks -lt 40 ]; do
    register
    looks=$((looks + 1))
  done >looks
}
share_of_line() { # LINE, in percent of the looks
  awk -v bit=$((1 << $1)) '{ high += int(strtonum_of($1) / bit) % 2 } END { print int(100 * high / NR) }
    function strtonum_of(hex,   i, value) {
      for (i = 3; i <= length(hex); i++) value = 16 * value + index("0123456789ABCDEF", toupper(substr(hex, i, 1))) - 1
      return value
    }' looks
}
sleep 3
look_often
red=$(share_of_line 0) green=$(share_of_line 1) blue=$(share_of_line 2) privacy=$(share_of_line 7)
seen="of the time red is high $red %, green $green %, blue $blue %"
if [ $red -gt 10 ] && [ $green -gt 10 ] && [ $blue -lt $red ] && [ $blue -lt $green ] && [ $red -lt 100 ]; then
  report "RGB LED: yellow, dimmed by software" ok "$seen"
else
  report "RGB LED: yellow, dimmed by software" FAIL "$seen"
fi
if [ $privacy -eq 100 ]; then report "privacy light: on while the camera is open" ok "$privacy %"; else report "privacy light: on while the camera is open" FAIL "$privacy %"; fi

press() {
  : >press
  within 20 [ ! -e press ]
}
camera_is_closed() { ! ls -l /proc/$visaged/fd | grep -q /dev/video; }
line=$(next_line)
press
check_log "button: a short press pauses" $line "paused" 20
if within 10 camera_is_closed && within 5 is_dark; then
  report "button: paused, no process has the camera, all is dark" ok "register $(register)"
else
  report "button: paused, no process has the camera, all is dark" FAIL "register $(register), $(ls -l /proc/$visaged/fd | grep /dev/video)"
fi
line=$(next_line)
press
check_log "button: the next press ends the pause" $line "pause is over" 30
if camera_is_closed; then report "button: the camera is open again" FAIL ""; else report "button: the camera is open again" ok ""; fi
check_end "RGB LED and button: orderly end"
check_dark "RGB LED and button: all is dark after the end"
stop_feeding

echo finished >>results
