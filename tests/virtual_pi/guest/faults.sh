# A part of checks.sh that takes minutes: the camera's driver fails in every way that vivid can be asked for, and another program has the camera.

# What vivid does to a running stream when it is asked to. The numbers are those of docs/reliability.md.
feed_vivid YUYV
sleep 1
plug_in video0
start_visaged YUYV 320 240
check_face "faults: the face is found before" 1
vivid_does() { v4l2-ctl -d /dev/video0 -c "$1"; }

# The face that is fed comes through vivid's output, which an error hits as well: so nothing is fed meanwhile. The camera is opened again half a second
# later, too soon to be shown as lost; the face is the proof, for what is said often in a minute may be left out of the log.
check_error() { # NAME REASON CONTROL…
  local name=$1 reason=$2 control
  shift 2
  stop_feeding
  line=$(next_line)
  for control in "$@"; do vivid_does "inject_$control=1"; done
  check_log "$name: said with its reason" $line "$reason.*looked for again" 60
  line=$(next_line)
  feed_vivid YUYV
  check_face_again "$name: the face is found again" $line
}
check_error "fault 4, EIO on dequeue" "the stream broke: Input/output error" fatal_streaming_error
check_error "fault 8, EINVAL from VIDIOC_QBUF" "the stream broke: Invalid argument" vidioc_qbuf_error
# These are steps of opening: the stream is broken to bring them about.
check_error "fault 8, EINVAL from VIDIOC_REQBUFS" "cannot use camera /dev/camera: Invalid argument" vidioc_reqbufs_error fatal_streaming_error
check_error "fault 8, EINVAL from VIDIOC_STREAMON" "the stream broke: Invalid argument" vidioc_streamon_error fatal_streaming_error

line=$(next_line)
# Whichever queue of vivid comes first takes it, that of the feeder, too.
damaged() {
  vivid_does inject_v4l2_buf_flag_error=1
  logged $line "the driver says that it is damaged"
}
within 20 damaged
check_log "fault 5, a damaged picture: dropped" $line "dropped a picture: the driver says that it is damaged" 20
sleep 3
if logged $line "looked for again\|camera lost"; then
  report "fault 5, a damaged picture: nothing else happens" FAIL "$(logged_since $line | tail -n 1)"
else
  report "fault 5, a damaged picture: nothing else happens" ok "$(last_line $line .)"
fi

# Begun anew: after that much trouble in a minute the log no longer says whether the camera is back.
check_end "faults 4, 8 and 5: orderly end"
start_visaged YUYV 320 240
check_face "fault 6: the face is found before" 1
line=$(next_line)
begin=$(now)
vivid_does percentage_of_dropped_buffers=100
check_log_within "fault 6, the driver falls silent: reported as lost" $line "camera lost" 3
check_log "fault 6, the driver falls silent: why" $line "no picture for 2 s" 20
within 5 is_dark
check_dark "fault 6, the driver falls silent: dark"
sleep 5
line=$(next_line)
begin=$(now)
vivid_does percentage_of_dropped_buffers=90
check_log_within "fault 6, pictures again: reported as back" $line "camera is back" 5
check_face_again "fault 6, pictures again: the face is found again" $line
check_end "fault 6: orderly end"

# Another program has the camera.
v4l2-ctl -d /dev/video0 --stream-mmap --stream-to=/dev/null >/dev/null 2>&1 &
other=$!
sleep 2
start_visaged YUYV 320 240
check_log "fault 7, another program has the camera: said so" 1 "in use by another program" 180
kill $other
wait $other
line=$(next_line)
check_log "fault 7, the other program has ended: taken" $line "pictures come from" 60
check_face "fault 7, the other program has ended: the face is found" 1
check_end "fault 7, the other program has ended: orderly end"
stop_feeding
