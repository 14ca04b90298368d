//! When something was, on a board that may not know the date.
//!
//! Durations and order come from `CLOCK_BOOTTIME`, which nothing sets. The date is a second, optional thing: a Raspberry Pi has no battery for its clock,
//! begins somewhere in the past, and jumps when a time server answers.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// 2025-01-01T00:00:00Z. No visaged is older, so an earlier clock is wrong whatever it says.
const YEAR_2025: i64 = 1_735_689_600;

/// What the system lets one know about its clock. `adjtimex` would say more, but the service's sandbox denies it (`ProtectClock=`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signs {
    /// systemd-timesyncd is the one that sets the clock.
    pub(super) timesyncd: bool,
    /// It has set it since the boot.
    pub(super) synchronised: bool,
    /// The kernel took the time from a clock with a battery.
    pub(super) battery: bool,
}

impl Signs {
    fn read() -> Self {
        let timesyncd = Path::new("/run/systemd/timesync");
        Self {
            timesyncd: timesyncd.exists(),
            synchronised: timesyncd.join("synchronized").exists(),
            battery: std::fs::read_to_string("/sys/class/rtc/rtc0/hctosys").is_ok_and(|text| text.trim() == "1"),
        }
    }
}

/// Whether `now`, in seconds since 1970, may be written down. Without timesyncd another program sets the clock, or the owner does: then the year decides.
pub(super) fn is_set(now: i64, signs: Signs) -> bool {
    now >= YEAR_2025 && (!signs.timesyncd || signs.synchronised || signs.battery)
}

/// The date in whole seconds since 1970, UTC; none while the clock is not set.
pub(in crate::outputs) fn utc() -> Option<i64> {
    Some(seconds_since_1970()).filter(|now| is_set(*now, Signs::read()))
}

/// What the clock says, right or wrong.
pub(super) fn seconds_since_1970() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs().cast_signed(),
        Err(before) => -before.duration().as_secs().cast_signed(),
    }
}

/// The time since the boot, sleep included.
pub(super) fn uptime() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

/// The kernel's name for the time between two boots; empty if it has none.
pub(in crate::outputs) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::database::tests::{LIMITS, TODAY, minute};
    use super::super::database::{Boot, Database, Minute};
    use super::*;

    #[test]
    fn a_clock_counts_as_set_when_it_is_past_2025_and_nobody_is_still_expected_to_set_it() {
        let signs = |timesyncd, synchronised, battery| Signs { timesyncd, synchronised, battery };
        assert!(is_set(TODAY, signs(true, true, false)));
        assert!(is_set(TODAY, signs(false, false, false)));
        assert!(is_set(TODAY, signs(true, false, true)));
        // The date of the last shutdown, which timesyncd begins with.
        assert!(!is_set(TODAY, signs(true, false, false)));
        for wrong in [0, -1, i64::MIN, YEAR_2025 - 1] {
            assert!(!is_set(wrong, signs(true, true, true)));
        }
    }

    #[test]
    fn a_clock_that_jumps_makes_no_minute_twice_or_longer_and_the_date_of_all_is_the_last_that_was_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statistics.sqlite");
        let mut database = Database::open(&path, "kiosk", LIMITS).unwrap();
        // Without network; a time server answers; an hour and a week off, forward and back; a leap second.
        let epochs = [None, None, Some(0), Some(3600), Some(0), Some(-7 * 86_400), Some(7 * 86_400), Some(-1), Some(0)];
        for (number, epoch) in (0..).zip(epochs) {
            let epoch = epoch.map(|shift| TODAY + shift);
            let row = Minute { start: epoch.map(|epoch| epoch + 60 * number), ..minute(number) };
            database.write(&Boot { id: "boot".into(), epoch }, &[row], &[]).unwrap();
        }
        let connection = rusqlite::Connection::open(&path).unwrap();
        let mut rows =
            connection.prepare("SELECT sequence, uptime, utc, length_ms FROM dated_minutes ORDER BY sequence").unwrap();
        let rows: Vec<[i64; 4]> = rows
            .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        // The last second more or less is taken for rounding.
        let expected: Vec<_> = (0..9).map(|number| [number + 1, 60 * number, TODAY - 1 + 60 * number, 60_000]).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn the_uptime_never_goes_back() {
        let earlier = uptime();
        assert!(uptime() >= earlier);
    }
}
