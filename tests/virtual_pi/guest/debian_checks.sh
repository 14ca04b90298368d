# Runs in the machine with Debian and systemd, as root, in the shared folder: installs the package as an owner does, lets the service
# watch a kernel camera, and looks at what the kernel, systemd and the journal say about it. Ends with a power cut.

. ./common.sh
. ./service.sh

### The system

systemctl is-system-running --wait >system_state
reached=$(($(systemctl show --property=ActiveEnterTimestampMonotonic --value multi-user.target) / 1000000))
check "boot: multi-user.target is reached in at most 60 s" "$reached s, $(cat system_state)" at_most "$reached" 60
cp face.* /tmp # the shared folder is slow

### The package

from_now_on
DEBIAN_FRONTEND=noninteractive dpkg --install visaged.deb >dpkg.log 2>&1
check "dpkg --install: no complaint" "$(grep -i -E 'error|warn|fail' dpkg.log || echo "needs $(dpkg-query -W -f '${Depends}' visaged)")" \
  dpkg-query -W -f '${db:Status-Status}\n' visaged
check "install: the user and its groups are there" "$(id visaged)" sh -c 'id visaged && getent group video render gpio spi i2c'
check "install: the configuration is the owner's (a conffile)" "$(dpkg-query -W -f '${Conffiles}' visaged | xargs)" \
  sh -c 'dpkg-query -W -f "\${Conffiles}" visaged | grep -q /etc/visaged/visaged.toml'
check "install: the GPIO chip belongs to group gpio" "$(stat -c '%n %U:%G %a' /dev/gpiochip0)" \
  within 10 sh -c '[ "$(stat -c %G%a /dev/gpiochip0)" = gpio660 ]'
check "install: the service is enabled" "$(systemctl is-enabled visaged 2>&1)" systemctl --quiet is-enabled visaged
systemctl start visaged
check "install: the service runs with the configuration as shipped, without a camera" "$(property ActiveState)/$(property SubState)" within 20 is_up
check "status line: no camera" "$(within 15 has_status 'camera lost'; property StatusText)" has_status 'camera lost'
verified=$(systemd-analyze verify --man=no visaged.service 2>&1)
check "systemd-analyze verify is silent" "${verified:-silent}" [ -z "$verified" ]
exposure() { systemd-analyze security --no-pager visaged.service | sed -n 's/.*Overall exposure level[^:]*: \([0-9.]*\).*/\1/p'; }
seen=$(exposure)
check "systemd-analyze security: at most 0.6" "$seen" at_most "$seen" 0.6

### What the service shows

# The level of the log, and a short watchdog time, for these checks only.
mkdir -p /etc/systemd/system/visaged.service.d
cat >/etc/systemd/system/visaged.service.d/checks.conf <<END
[Service]
Environment=RUST_LOG=warn,visaged=debug
WatchdogSec=10s
END
systemctl daemon-reload
modprobe virtio-gpu
# The camera is plugged in for the first time since the system was started: its driver is not loaded before.
configure YUYV
from_now_on
systemctl restart visaged
modprobe vivid num_inputs=1 input_types=3 num_outputs=1 output_types=1 node_types=0x101
udevadm settle
connect_vivid
feed_vivid YUYV
check_said "camera plugged in while the service runs: it is taken" "pictures come from" 30
check_said "YUYV: the expression is in the journal" "happy [0-9]* %" 60
check_light "YUYV: the LED of the expression is lit"
check "status line: watching" "$(property StatusText)" has_status 'watching: camera "vivid"'
check "READY was told, the watchdog is fed" "$(property NotifyAccess), watchdog fed $(property WatchdogTimestamp)" sh -c '[ "$(systemctl show -p WatchdogUSec --value visaged)" = 10s ]'
memory=$(($(property MemoryCurrent) / 1048576))
check "memory: far below the limit" "$memory MiB of 128" at_most "$memory" 96

# The screen: QEMU's own picture of it, looked at on the host.
: >screenshot.watching
check "screen: the host takes a screenshot" "watching.png" within 20 [ ! -e screenshot.watching ]

for format in GREY NV12 YU12 UYVY; do
  stop_feeding
  feed_vivid $format
  configure $format
  from_now_on
  systemctl reload visaged
  check_said "$format: taken by a reload" "pictures come from.*320×240 $format" 30
  check_said "$format: the expression is in the journal" "happy [0-9]* %" 60
done

### Reload, wrong configurations

main=$(property MainPID)
from_now_on
printf '[camera]\nwidht = 320\n' >/etc/visaged/visaged.toml
systemctl reload visaged
check_said "reload with a wrong file: refused, with file and remedy" "visaged.toml.*widht.*the old configuration stays in force" 20
check "reload with a wrong file: the process and the light stay" "process $(property MainPID), $(levels)" [ "$(property MainPID) $(levels)" = "$main lo lo lo hi lo lo lo" ]
systemctl restart visaged 2>/dev/null
sleep 5
check "start with a wrong file: ends with 78, and is not tried again" "$(property ActiveState), $(property ExecMainStatus), $(property NRestarts) restarts" \
  [ "$(property ActiveState) $(property ExecMainStatus)" = "failed 78" ]
check "start with a wrong file: dark" "register $(register)" is_dark
configure UYVY

### The end in its kinds

light_again() { # NAME
  from_now_on
  systemctl reset-failed visaged
  systemctl start visaged
  within 60 only_happy_is_lit || report "$1: lit before" FAIL "$(levels), $(said | tail -n 1)"
}
light_again "stop"
systemctl stop --no-block visaged
check_darkness "stop: dark" 2
within 15 sh -c '[ "$(systemctl show -p ActiveState --value visaged)" = inactive ]'
check "stop: in an orderly way" "$(property Result), exit code $(property ExecMainStatus)" [ "$(property Result) $(property ExecMainStatus)" = "success 0" ]
: >screenshot.stopped
within 20 [ ! -e screenshot.stopped ]

light_again "SIGKILL"
main=$(property MainPID)
kill -KILL "$main"
check_darkness "SIGKILL: lights-off makes it dark" 3
check "SIGKILL: the service is back" "$(within 20 main_process_is_not "$main"; property ActiveState), after $(property Result)" main_process_is_not "$main"

within 60 only_happy_is_lit
main=$(property MainPID)
from_now_on
begin=$(now)
kill -STOP "$main"
within 40 main_process_is_not "$main"
took=$(seconds_since "$begin")
check "hang: killed by the watchdog, back in WatchdogSec + 3 s" "back after $took s (WatchdogSec=10s)" at_most "$took" 13.9
check "hang: systemd names the watchdog" "$(journalctl -u visaged -o cat --no-pager --after-cursor="$cursor" | grep -i watchdog | head -n 1)" has_said 'Watchdog timeout'

### The camera goes and comes

within 60 only_happy_is_lit
from_now_on
stop_feeding
echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind
check_said "camera pulled out: reported as lost" "camera lost" 20
check "camera pulled out: dark, and in the status line" "register $(register), $(property StatusText)" within 10 is_dark
echo vivid.0 >/sys/bus/platform/drivers/vivid/bind
udevadm settle
connect_vivid
feed_vivid UYVY
check_said "camera plugged in again: back" "the camera is back" 30
check_light "camera plugged in again: the LED is lit"

### Another service, another user, a group that is missing

second=$(timeout 30 runuser -u visaged -- env RUNTIME_DIRECTORY=/run/visaged visaged run 2>&1)
check "second instance: ends with 75 and names the first" "$second" \
  [ "$?, ${second##*: }" = "75, visaged is running already (process $(property MainPID))" ]

systemctl stop visaged
trouble=$(cd /tmp && timeout 10 runuser -u nobody -- visaged run 2>&1)
for wanted in '/dev/video0.*group "video".*usermod -aG video nobody' '/dev/gpiochip0.*group "gpio"' '/dev/fb0.*group "video"'; do
  check "ordinary user: told which group may use ${wanted%%.*}" "$(echo "$trouble" | grep -m 1 "${wanted%%.*}")" \
    sh -c 'echo "$1" | grep -q "$2"' - "$trouble" "$wanted"
done

groupdel spi
systemctl start visaged 2>/dev/null
check "missing group: the start fails with 216/GROUP" "status $(property ExecMainStatus), $(property ActiveState)" [ "$(property ExecMainStatus)" = 216 ]
systemd-sysusers
check "missing group: made by sysusers, and the service comes by itself" "$(within 30 is_up; property ActiveState)" is_up

### The network

for opening in network-loopback network-lan; do
  cp $opening.conf /etc/systemd/system/visaged.service.d/
  systemctl daemon-reload
  from_now_on
  systemctl restart visaged
  check_said "$opening: the service runs" "pictures come from" 30
  seen=$(exposure)
  check "$opening: systemd-analyze security at most 1.5" "$seen" at_most "$seen" 1.5
  rm /etc/systemd/system/visaged.service.d/$opening.conf
done
systemctl daemon-reload
systemctl restart visaged

### The power goes

rows=$(wc -l </var/lib/visaged/statistics.jsonl)
within 60 sh -c '[ $(wc -l </var/lib/visaged/statistics.jsonl) -gt '"$rows"' ]'
sync
wc -l </var/lib/visaged/statistics.jsonl >rows
echo finished >>results
: >cut
sleep 60
