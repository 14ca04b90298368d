# What the checks of the machines with Debian use, beside common.sh: the package, and the service as systemd and the journal tell. Sourced in the
# shared folder.

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

# The level of the log, for these checks only.
log_everything() {
  mkdir -p /etc/systemd/system/visaged.service.d
  cat >/etc/systemd/system/visaged.service.d/checks.conf <<END
[Service]
Environment=RUST_LOG=warn,visaged=debug
END
  systemctl daemon-reload
}

memory_of_service() { echo $(($(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(property MainPID)/status") / 1024)); }

configure() { # PIXEL_FORMAT [SCREEN]
  sed "s/PIXEL_FORMAT/$1/; s|SCREEN|${2:-framebuffer = \"/dev/fb0\"}|" configuration.toml >/etc/visaged/visaged.toml
}

# The face is found in the pixel format that is fed and configured.
check_expression() { # PIXEL_FORMAT
  check_said "$1: the expression is in the journal" "happy [0-9]* %" 180
  check_said "$1: captured as asked" "pictures come from.*320×240 $1" 5
}

### The package, as an owner installs, upgrades and removes it

check_install() {
  DEBIAN_FRONTEND=noninteractive dpkg --install visaged.deb >dpkg.log 2>&1
  check "install: without a complaint, nothing else is needed" "$(dpkg-query -W -f '${db:Status-Status}, needs ${Depends}' visaged)" \
    sh -c '[ "$(dpkg-query -W -f "\${db:Status-Status}" visaged)" = installed ] && ! grep -i -E "error|warning|fail" dpkg.log'
  check "install: the user and its groups are there" "$(id visaged 2>&1), $(getent group gpio spi i2c | xargs)" \
    sh -c 'id visaged && getent group video render gpio spi i2c'
  check "install: the configuration is the owner's (a conffile)" "$(dpkg-query -W -f '${Conffiles}' visaged | xargs)" \
    sh -c 'dpkg-query -W -f "\${Conffiles}" visaged | grep -q /etc/visaged/visaged.toml'
  check "install: the GPIO chip belongs to group gpio" "$(sleep 1; stat -c '%n %U:%G %a' /dev/gpiochip0)" \
    within 10 sh -c '[ "$(stat -c %G%a /dev/gpiochip0)" = gpio660 ]'
}

# To the same package with a higher version and a changed sample configuration, while the service runs.
check_upgrade() {
  local configuration main there version
  configuration=$(sha256sum </etc/visaged/visaged.toml)
  main=$(property MainPID)
  there=$(rows)
  DEBIAN_FRONTEND=noninteractive dpkg --force-confold --install visaged-next.deb >>dpkg.log 2>&1
  version=$(dpkg-query -W -f '${Version}' visaged)
  check "upgrade: installed" "$version" dpkg --compare-versions "$version" gt "$(dpkg-deb -f visaged.deb Version)"
  check "upgrade: the changed configuration is kept" "$(ls /etc/visaged | xargs)" [ "$(sha256sum </etc/visaged/visaged.toml)" = "$configuration" ]
  check "upgrade: the statistics are kept" "$(rows) rows, $there before" [ "$(rows)" -ge "$there" ]
  within 120 main_process_is_not "$main"
  check "upgrade: the new program runs" "process $(property MainPID), $main before" main_process_is_not "$main"
}

check_remove() {
  local left main
  main=$(property MainPID)
  dpkg --remove visaged >>dpkg.log 2>&1
  check "remove: the service has ended" "$(systemctl is-active visaged 2>&1)" [ ! -e "/proc/$main" ]
  check "remove: dark" "register $(register)" is_dark
  check "remove: program and unit are gone, configuration and statistics stay" "$(find /etc/visaged /var/lib/visaged -type f | xargs)" \
    sh -c '[ ! -e /usr/bin/visaged ] && [ ! -e /usr/lib/systemd/system/visaged.service ] && [ -e /etc/visaged/visaged.toml ] && [ -e /var/lib/visaged/statistics.sqlite ]'
  dpkg --purge visaged >>dpkg.log 2>&1
  # The checks' own drop-in stays, as an owner's would.
  left=$(find /etc /usr /var/lib -xdev -name '*visaged*' ! -path '*/visaged.service.d*' | xargs)
  check "purge: nothing is left" "${left:-nothing}" [ -z "$left" ]
}

### The statistics

# Rows that are in the database on the disk: one a minute, and one at each end.
rows() { sqlite3 -readonly /var/lib/visaged/statistics.sqlite 'SELECT count(*) FROM minutes'; }
more_rows_than() { [ "$(rows)" -gt "$1" ]; }
