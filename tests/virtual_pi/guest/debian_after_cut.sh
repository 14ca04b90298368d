# Runs in the machine with Debian when it is started again after a power cut: what was written is there, the service comes up by itself, and the
# package is upgraded, removed and purged.

. ./common.sh
. ./service.sh

systemctl is-system-running --wait >/dev/null
check "after the power cut: the service comes up by itself" "$(within 20 is_up; property ActiveState)" is_up
there=$(wc -l </var/lib/visaged/statistics.jsonl)
check "after the power cut: what was flushed is there" "$there rows, $(cat rows) before" [ "$there" -ge "$(cat rows)" ]

### Upgrade, removal

grep -q fb0 /etc/visaged/visaged.toml || report "upgrade: the configuration was changed before" FAIL "it is as shipped"
configuration=$(sha256sum /etc/visaged/visaged.toml)
main=$(property MainPID)
DEBIAN_FRONTEND=noninteractive dpkg --force-confold --install visaged-next.deb >>dpkg.log 2>&1
check "upgrade: installed" "$(dpkg-query -W -f '${Version}' visaged)" dpkg --compare-versions "$(dpkg-query -W -f '${Version}' visaged)" gt "$(dpkg-deb -f visaged.deb Version)"
check "upgrade: the changed configuration is kept" "$(sha256sum /etc/visaged/visaged.toml)" [ "$(sha256sum /etc/visaged/visaged.toml)" = "$configuration" ]
check "upgrade: the statistics are kept" "$(wc -l </var/lib/visaged/statistics.jsonl) rows" [ "$(wc -l </var/lib/visaged/statistics.jsonl)" -ge "$there" ]
check "upgrade: the new program runs" "process $(within 20 main_process_is_not "$main"; property MainPID), $main before" main_process_is_not "$main"

main=$(property MainPID)
dpkg --remove visaged >>dpkg.log 2>&1
check "remove: the service has ended" "$(systemctl is-active visaged 2>&1)" [ ! -e "/proc/$main" ]
check "remove: dark" "register $(register)" is_dark
check "remove: program and unit are gone, configuration and statistics stay" "$(ls /etc/visaged /var/lib/visaged | xargs)" \
  sh -c '[ ! -e /usr/bin/visaged ] && [ ! -e /lib/systemd/system/visaged.service ] && [ -e /etc/visaged/visaged.toml ] && [ -e /var/lib/visaged/statistics.jsonl ]'
dpkg --purge visaged >>dpkg.log 2>&1
check "purge: nothing is left" "$(find / -xdev -path /sys -prune -o -path /proc -prune -o -name '*visaged*' -print 2>/dev/null | grep -v -E '/(share|log/journal|systemd/visaged)' | xargs)" \
  sh -c '[ ! -e /etc/visaged ] && [ ! -e /var/lib/visaged ]'
echo finished >>results
