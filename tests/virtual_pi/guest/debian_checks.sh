# Runs in the machine with Debian and systemd, as root, in the shared folder: installs the package as an owner does, lets the service
# watch a kernel camera, and looks at what the kernel, systemd and the journal say about it. Ends with a power cut.

. ./common.sh
. ./service.sh

# QEMU's own picture of the screen, looked at on the host.
take_screenshot() { # NAME
  : >screenshot.$1
  within 30 [ ! -e screenshot.$1 ]
}

### The system

systemctl is-system-running --wait >state
reached=$(($(systemctl show --property=ActiveEnterTimestampMonotonic --value multi-user.target) / 1000000))
check "boot: multi-user.target in at most 60 s" "$reached s, $(cat state)" at_most "$reached" 60
cp face.* /tmp # the shared folder is slow

follow_journal

### The package

check_install
verified=$(systemd-analyze verify --man=no visaged.service 2>&1)
check "systemd-analyze verify is silent" "${verified:-silent}" [ -z "$verified" ]
exposure() { systemd-analyze security --no-pager visaged.service | sed -n 's/.*Overall exposure level[^:]*: \([0-9.]*\).*/\1/p'; }
seen=$(exposure)
check "systemd-analyze security: at most 0.6" "$seen" at_most "$seen" 0.6
systemctl enable --now visaged 2>enable.log
check "enable --now: runs as shipped, without a camera" "$(property ActiveState)/$(property SubState), $(systemctl is-enabled visaged)" is_up
within 20 has_status 'camera lost'
check "enable --now: the status line says that there is no camera" "$(property StatusText)" has_status 'camera lost'

### What the service shows

log_everything
modprobe virtio-gpu
configure YUYV
from_now_on
start_takes=$(time_of systemctl restart visaged)
# The camera is plugged in for the first time since the system was started: its driver was not loaded before.
modprobe vivid num_inputs=1 input_types=3 num_outputs=1 output_types=1 node_types=0x101
udevadm settle
connect_vivid
feed_vivid YUYV
plug_in video0
check_said "camera plugged in while the service runs: taken" "pictures come from" 60
check_expression YUYV
check_light "YUYV: the LED of the expression is lit"
check "YUYV: the status line says what is watched" "$(property StatusText)" has_status 'watching: camera "vivid"'
# What an owner sees (docs/install.md).
{ echo '$ systemctl status visaged'; systemctl status --no-pager --full --lines=0 visaged; } >status.txt 2>&1
{ echo '$ sudo visaged status'; visaged status; } >visaged_status.txt 2>&1
memory=$(memory_of_service)
check "memory: at most 96 MiB of 128" "$memory MiB resident" at_most "$memory" 96
take_screenshot watching

stop_feeding
feed_vivid GREY
configure GREY
main=$(property MainPID)
from_now_on
systemctl reload visaged
check_said "reload: the new configuration is in force" "pictures come from.*320×240 GREY" 120
check "reload: the same process" "$(property MainPID)" [ "$(property MainPID)" = "$main" ]
check_expression GREY
printf '[camera]\nwidht = 320\n' >/etc/visaged/visaged.toml
from_now_on
systemctl reload visaged
check_said "reload with a wrong file: refused, with file and remedy" "visaged.toml.*widht.*the old configuration stays in force" 60
check "reload with a wrong file: the process and the light stay" "process $(property MainPID), $(levels)" \
  [ "$(property MainPID) $(levels)" = "$main lo lo lo hi lo lo lo" ]

### The end in its kinds

stop_at_once() {
  local main
  main=$(property MainPID)
  systemctl stop --no-block visaged
  while [ -e "/proc/$main" ]; do :; done
}
stop_at_once
check "stop: dark when the process has gone" "register $(register)" is_dark
within 30 sh -c '[ "$(systemctl show -p ActiveState --value visaged)" = inactive ]'
check "stop: in an orderly way" "$(property Result), exit code $(property ExecMainStatus)" \
  [ "$(property Result) $(property ExecMainStatus)" = "success 0" ]
take_screenshot stopped

{ echo '$ visaged check'; visaged check; } >check.txt 2>&1
configure YUYV
{ echo '$ visaged doctor'; visaged doctor; } >doctor.txt 2>&1
printf '[camera]\nwidht = 320\n' >/etc/visaged/visaged.toml
systemctl start visaged 2>start.log
within 30 sh -c '[ "$(systemctl show -p ActiveState --value visaged)" = failed ]'
sleep 4
check "start with a wrong file: ends with 78, and is not tried again" "$(property ActiveState), exit code $(property ExecMainStatus)" \
  [ "$(property ActiveState) $(property ExecMainStatus)" = "failed 78" ]
check "start with a wrong file: dark" "register $(register)" is_dark

stop_feeding
feed_vivid NV12
configure NV12 'drm = "auto"'
from_now_on
systemctl start visaged
check_expression NV12
sleep 3
take_screenshot drm
# Linux can be told that the plug has been pulled, as it finds out by itself with a real one.
connector=$(echo /sys/class/drm/card*-Virtual-1)
from_now_on
echo off >"$connector/status"
check_said "screen unplugged: noticed" "screen.*unplugged" 15
check "screen unplugged: the light stays" "$(levels)" within 10 only_happy_is_lit
echo detect >"$connector/status"
check_said "screen plugged in again: used" "screen.*works again" 30
sleep 3
take_screenshot replugged

lights_off_takes=$(time_of visaged --version)
within 60 only_happy_is_lit
main=$(property MainPID)
begin=$(now)
kill -KILL "$main"
until is_dark || ! at_most "$(seconds_since "$begin")" 20; do :; done
took=$(seconds_since "$begin")
most=$(sum 2 "$(sum "$lights_off_takes" "$lights_off_takes")")
check "SIGKILL: lights-off makes it dark, at once" "register $(register) after $took s (a bare start takes $lights_off_takes s)" at_most "$took" "$most"
within 120 main_process_is_not "$main"
check "SIGKILL: the service is back" "$(property ActiveState), process $(property MainPID) after $main" main_process_is_not "$main"

within 60 only_happy_is_lit
main=$(property MainPID)
from_now_on
begin=$(now)
kill -STOP "$main"
within 240 main_process_is_not "$main"
took=$(seconds_since "$begin")
check "hang: back in WatchdogSec + 3 s + what a start takes" "$took s (30 + 3 + $start_takes s)" at_most "$took" "$(sum 33 "$start_takes")"
check_said "hang: it was the watchdog" 'Watchdog timeout' 5

### The camera goes and comes

within 60 only_happy_is_lit
from_now_on
stop_feeding
pull_out
echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind
check_said "camera pulled out: reported as lost" "camera lost" 30
check "camera pulled out: dark" "register $(register), $(property StatusText)" within 10 is_dark
echo vivid.0 >/sys/bus/platform/drivers/vivid/bind
udevadm settle
connect_vivid
feed_vivid NV12
plug_in video0
check_said "camera plugged in again: back" "the camera is back" 60
check_light "camera plugged in again: the LED is lit"

### A line that somebody else has, and memory that runs out

systemctl stop visaged
# Version 1 of gpioset, in Debian 12, has to be told to stay.
if gpioset --help | grep -q -e --mode; then stay=--mode=signal; else stay=--chip; fi
gpioset $stay gpiochip0 4=0 &
other=$!
within 10 sh -c 'gpioinfo | grep -q gpioset'
from_now_on
systemctl start visaged
check_said "fault 20, a line is taken: its consumer is named" 'line 4 of /dev/gpiochip0 is in use by "gpioset"' 60
within 30 has_said "happy [0-9]* %"
check "fault 20, a line is taken: only the lights are missing" "$(visaged status | grep -e DEGRADED | xargs)" \
  [ "$(visaged status | grep -c -e '^DEGRADED *LEDs')$(visaged status | grep -c -e '^OK *camera')" = 11 ]
kill $other
check_light "fault 20, the line is free again: the LED is lit"

main=$(property MainPID)
from_now_on
# The kernel itself picks whom it kills; a memory limit would bind lights-off and the next start too.
echo 1000 >"/proc/$main/oom_score_adj"
echo f >/proc/sysrq-trigger
begin=$(now)
until is_dark || ! at_most "$(seconds_since "$begin")" 20; do :; done
took=$(seconds_since "$begin")
check "out of memory: lights-off makes it dark, at once" "register $(register) after $took s (a bare start takes $lights_off_takes s)" at_most "$took" "$most"
check_said "out of memory: the kernel killed it" "OOM killer" 10
within 120 main_process_is_not "$main"
check "out of memory: the service is back" "$(property ActiveState), process $(property MainPID) after $main" main_process_is_not "$main"

# A panic ends the program with 70, lights out. No released program can be made to panic, so here another program ends with 70 in its place.
mkdir -p /run/systemd/system/visaged.service.d
printf '[Service]\nType=exec\nExecStart=\nExecStart=/bin/sh -c "exit 70"\n' >/run/systemd/system/visaged.service.d/panic.conf
systemctl daemon-reload
from_now_on
systemctl restart visaged
check_said "an end with code 70, as after a panic: started again" 'Scheduled restart job' 20
rm -r /run/systemd/system/visaged.service.d
systemctl daemon-reload
systemctl restart visaged
within 60 only_happy_is_lit

### Another service, another user, a group that is missing

second=$(timeout 60 runuser -u visaged -- env RUNTIME_DIRECTORY=/run/visaged visaged run 2>&1)
check "second instance: ends with 75 and names the first" "$second" \
  [ "$?, ${second##*: }" = "75, visaged is running already (process $(property MainPID))" ]

systemctl stop visaged
configure NV12
(cd /tmp && exec runuser -u nobody -- visaged run) >trouble 2>&1 &
nobody=$!
# The screen is opened after the lights, and the camera at the same time.
within 120 sh -c 'grep -q /dev/fb0 trouble && grep -q /dev/camera trouble'
kill $nobody
for wanted in '/dev/camera.*group "video".*usermod -aG video nobody' '/dev/gpiochip0.*usermod -aG gpio' '/dev/fb0.*usermod -aG video'; do
  device=${wanted%%.*}
  check "ordinary user: told how to get at $device" "$(grep -m 1 "$device" trouble)" grep -q "$wanted" trouble
done

groupdel spi
systemctl start visaged 2>>start.log
check "missing group: the start fails with 216/GROUP" "$(property ActiveState), exit code $(property ExecMainStatus)" [ "$(property ExecMainStatus)" = 216 ]
systemd-sysusers
within 120 is_up
check "missing group: made by sysusers, and the service comes by itself" "$(property ActiveState)" is_up

### The network

for try in "network-loopback YU12" "network-lan UYVY"; do
  set -- $try
  stop_feeding
  feed_vivid $2
  configure $2
  install -D -m 644 -t /etc/systemd/system/visaged.service.d /usr/share/visaged/drop-ins/$1.conf
  systemctl daemon-reload
  from_now_on
  systemctl restart visaged
  check_expression $2
  check "$1: the service runs" "$(property ActiveState)" is_up
  seen=$(exposure)
  check "$1: systemd-analyze security at most 1.5" "$seen" at_most "$seen" 1.5
  rm /etc/systemd/system/visaged.service.d/$1.conf
done

### The power goes

# When a minute is over, the service is asked to write its row now. What the kernel alone knows is lost: nothing here calls sync.
rows=$(rows)
sleep 65
systemctl kill --kill-whom=main --signal=USR1 visaged
within 30 more_rows_than "$rows"
check "SIGUSR1: the last minute is written" "$(rows) rows, $rows before" more_rows_than "$rows"
rows >before
echo finished >>results
: >cut
sleep 60
