# What the checks of the machine with Debian use, beside common.sh: the service as systemd and the journal tell. Sourced in the shared folder.

now() { cut -d' ' -f1 /proc/uptime; }
seconds_since() { awk -v begin="$1" -v end="$(now)" 'BEGIN { printf "%.1f", end - begin }'; }
at_most() { awk -v value="$1" -v most="$2" 'BEGIN { exit !(value <= most) }'; }

# check NAME SEEN COMMAND…: ok if the command succeeds.
check() {
  local name=$1 seen=$2
  shift 2
  if "$@"; then report "$name" ok "$seen"; else report "$name" FAIL "$seen"; fi
}

### The service, as systemd and the journal tell

property() { systemctl show --property="$1" --value visaged; }
is_up() { systemctl is-active --quiet visaged; }
has_status() { property StatusText | grep -q "$1"; }
main_process_is_not() { is_up && [ "$(property MainPID)" -gt 0 ] && [ "$(property MainPID)" != "$1" ]; }

# Of the journal, only what comes after the last call of this counts.
from_now_on() { cursor=$(journalctl --lines=0 --show-cursor | sed -n 's/^-- cursor: //p'); }
said() { journalctl --unit=visaged --output=cat --no-pager --after-cursor="$cursor"; }
has_said() { said | grep -q "$1"; }
last_said() { said | grep "$1" | tail -n 1; }

check_said() { # NAME PATTERN SECONDS
  if within "$3" has_said "$2"; then report "$1" ok "$(last_said "$2")"; else report "$1" FAIL "no \"$2\" in $3 s; last: $(said | tail -n 1)"; fi
}

configure() { # PIXEL_FORMAT
  cat >/etc/visaged/visaged.toml <<END
[camera]
source = "v4l2"
device = "/dev/video0"
width = 320
height = 240
frames_per_second = 5
pixel_format = "$1"

[display]
framebuffer = "/dev/fb0"

[leds]
driver = "gpiochip"

# The machine's PL061 has eight lines; line 3 is its power button.
[leds.lines]
angry = 0
disgust = 1
fear = 2
happy = 4
sad = 5
surprise = 6
neutral = 7

[statistics]
file = "/var/lib/visaged/statistics.jsonl"
interval_s = 5
END
}

# The lights go out while the service ends; the time is counted from the call.
check_darkness() { # NAME SECONDS_AT_MOST
  local begin took
  begin=$(now)
  until is_dark || ! at_most "$(seconds_since "$begin")" 20; do :; done
  took=$(seconds_since "$begin")
  check "$1" "register $(register) after $took s" at_most "$took" "$2"
}
