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

check_upgrade
check_remove
echo finished >>results
