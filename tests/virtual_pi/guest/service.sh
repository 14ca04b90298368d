# What the checks of the machine with Debian use, beside common.sh: the service as systemd and the journal tell. Sourced in the shared folder.

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

# The journal's lines about the service go on in a file: to ask journalctl again and again would keep an emulated processor busy.
journal=/run/journal-of-visaged
follow_journal() { journalctl --unit=visaged --output=cat --lines=0 --follow >$journal & }

# Of them, only what comes after the last call of this counts.
from_now_on() { first_line=$(($(wc -l <$journal) + 1)); }
said() { tail -n "+$first_line" $journal; }
has_said() { said | grep -q "$1"; }
last_said() { said | grep "$1" | tail -n 1; }

check_said() { # NAME PATTERN SECONDS
  if within "$3" has_said "$2"; then report "$1" ok "$(last_said "$2")"; else report "$1" FAIL "no \"$2\" in $3 s; last: $(said | tail -n 1)"; fi
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

### The statistics

# Rows that are in the database on the disk: one a minute, and one at each end.
rows() { sqlite3 -readonly /var/lib/visaged/statistics.sqlite 'SELECT count(*) FROM minutes'; }
more_rows_than() { [ "$(rows)" -gt "$1" ]; }
