# Runs in the machine with Debian when it is started again after a power cut: what was written is there, the service comes up by itself, and the
# package is upgraded, removed and purged.

. ./common.sh
. ./service.sh

systemctl is-system-running --wait >state
within 60 is_up
check "after the power cut: the service comes up by itself" "$(property ActiveState), system $(cat state)" is_up
there=$(rows)
check "after the power cut: what was flushed is there" "$there rows, $(cat before) before" [ "$there" -ge "$(cat before)" ]
damage=$(sqlite3 -readonly /var/lib/visaged/statistics.sqlite 'PRAGMA quick_check')
check "after the power cut: the database is whole" "$damage" [ "$damage" = ok ]

configuration=$(sha256sum </etc/visaged/visaged.toml)
main=$(property MainPID)
DEBIAN_FRONTEND=noninteractive dpkg --force-confold --install visaged-next.deb >>dpkg.log 2>&1
version=$(dpkg-query -W -f '${Version}' visaged)
check "upgrade: installed" "$version" dpkg --compare-versions "$version" gt "$(dpkg-deb -f visaged.deb Version)"
check "upgrade: the changed configuration is kept" "$(ls /etc/visaged | xargs)" [ "$(sha256sum </etc/visaged/visaged.toml)" = "$configuration" ]
check "upgrade: the statistics are kept" "$(rows) rows" [ "$(rows)" -ge "$there" ]
within 120 main_process_is_not "$main"
check "upgrade: the new program runs" "process $(property MainPID), $main before" main_process_is_not "$main"

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
echo finished >>results
