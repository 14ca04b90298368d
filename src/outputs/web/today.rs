//! What the expressions of today were, hour by hour: from the database what was before this start, from memory what came after it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use jiff::Zoned;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::frame::monotonic_now;
use crate::outputs::statistics::clock;
use crate::outputs::statistics::reading::Reading;

/// So often the sums are written down.
const STEP: Duration = Duration::from_secs(60);

/// A day of 25 hours has so many minutes.
const LONGEST_DAY: usize = 25 * 60;

/// Rows of the database that began less than this before the start are left out: their dates are rounded, and they may be the first of this very service.
const MARGIN_S: i64 = 5;

/// How long each expression was shown, summed over faces, in the order of [`Emotion::ALL`](crate::classifier::Emotion::ALL).
type Times = [Duration; 7];

/// The sums since the start as they were at every minute of the last day. On a clock that nothing sets: what hour a minute was is asked when somebody wants
/// to know, by when the date may be known.
#[derive(Debug)]
pub(super) struct Minutes {
    started: Duration,
    sums: VecDeque<(Duration, Times)>,
}

/// The chart: seconds per expression for each hour of the day that has begun.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Today {
    /// `2026-03-01`; none while the clock is not set.
    pub(super) date: Option<String>,
    /// From midnight on, 24 of them; empty while the clock is not set.
    pub(super) hours: Vec<[f64; 7]>,
    /// All together.
    pub(super) seconds: [f64; 7],
    /// Whether what was before the start of the service is in it.
    pub(super) whole_day: bool,
}

impl Minutes {
    pub(super) fn new() -> Self {
        Self { started: monotonic_now(), sums: VecDeque::with_capacity(LONGEST_DAY) }
    }

    /// Writes the sums down if it is time; `now` is on the frames' clock.
    pub(super) fn note(&mut self, now: Duration, sums: Times) {
        if self.sums.back().is_some_and(|(last, _)| now.saturating_sub(*last) < STEP) {
            return;
        }
        if self.sums.len() == LONGEST_DAY {
            self.sums.pop_front();
        }
        self.sums.push_back((now, sums));
    }

    /// What was added in each minute, with the time of its begin; the last one ends now, with `sums`.
    fn steps(&self, sums: Times) -> impl Iterator<Item = (Duration, Times)> {
        let ends = self.sums.iter().skip(1).map(|(_, sums)| *sums).chain([sums]);
        self.sums.iter().zip(ends).map(|((begin, before), after)| {
            let mut added = after;
            added.iter_mut().zip(before).for_each(|(time, before)| *time = time.saturating_sub(*before));
            (*begin, added)
        })
    }

    /// The chart as of now. `before` are rows of the database, or nothing.
    pub(super) fn today(&self, sums: Times, before: Option<&Before>) -> Today {
        let mut today = Today { seconds: sums.map(|time| time.as_secs_f64()), ..Today::default() };
        let Some(now) = clock::utc().and_then(|now| zoned(now, &TimeZone::system())) else { return today };
        let midnight = now.start_of_day().map_or(i64::MIN, |midnight| midnight.timestamp().as_second());
        let elapsed = monotonic_now();
        let memory = self.steps(sums).map(|(begin, times)| {
            let ago = elapsed.saturating_sub(begin).as_secs().cast_signed();
            (now.timestamp().as_second() - ago, times.map(|time| time.as_secs_f64()))
        });
        let rows = before.iter().flat_map(|before| before.0.iter().copied());
        today.hours = by_hour(rows.chain(memory).filter(|(utc, _)| *utc >= midnight), now.time_zone());
        today.seconds = std::array::from_fn(|i| today.hours.iter().map(|hour| hour[i]).sum());
        today.date = Some(now.strftime("%F").to_string());
        today.whole_day = before.is_some();
        today
    }

    /// Where the rows of today that are not in memory begin and end, in seconds since 1970; none while the clock is not set.
    pub(super) fn before(&self) -> Option<std::ops::Range<i64>> {
        let now = clock::utc()?;
        let midnight = zoned(now, &TimeZone::system())?.start_of_day().ok()?.timestamp().as_second();
        let running = monotonic_now().saturating_sub(self.started).as_secs().cast_signed();
        Some(midnight..(now - running - MARGIN_S).max(midnight))
    }
}

/// Adds up what began in each hour of the day.
fn by_hour(steps: impl Iterator<Item = (i64, [f64; 7])>, zone: &TimeZone) -> Vec<[f64; 7]> {
    let mut hours = vec![[0.0; 7]; 24];
    for (utc, seconds) in steps {
        let hour = zoned(utc, zone).and_then(|time| usize::try_from(time.hour()).ok());
        if let Some(sums) = hour.and_then(|hour| hours.get_mut(hour)) {
            sums.iter_mut().zip(seconds).for_each(|(sum, time)| *sum += time);
        }
    }
    hours
}

fn zoned(utc: i64, zone: &TimeZone) -> Option<Zoned> {
    jiff::Timestamp::from_second(utc).ok().map(|time| time.to_zoned(zone.clone()))
}

/// Minutes out of the database: begin, and seconds per expression.
#[derive(Debug)]
pub(super) struct Before(Vec<(i64, [f64; 7])>);

impl Before {
    /// Reads them, which may take a while.
    ///
    /// # Errors
    /// If there is no database, or it is damaged.
    pub(super) fn read(database: &Path, range: std::ops::Range<i64>) -> Result<Self> {
        let mut rows = Vec::new();
        Reading::open(database)?.minutes(&Some(range), |row| {
            rows.extend(row.utc.map(|utc| (utc, row.expressions_ms.map(|ms| ms as f64 / 1e3))));
            Ok(())
        })?;
        Ok(Self(rows))
    }
}

/// Where the database is, if there is one.
pub(super) type Database = Option<PathBuf>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_began_in_an_hour_belongs_to_it() {
        // `date -u -d @1772357400`: 2026-03-01 09:30:00.
        const HALF_PAST_NINE: i64 = 1_772_357_400;
        let second = |n: f64| [n, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let steps = [(HALF_PAST_NINE, second(1.0)), (HALF_PAST_NINE + 1799, second(2.0)), (HALF_PAST_NINE + 1800, second(4.0))];
        let hours = by_hour(steps.into_iter(), &TimeZone::UTC);
        assert_eq!((hours.len(), hours[9][0], hours[10][0]), (24, 3.0, 4.0));
        assert_eq!(hours.iter().map(|hour| hour[0]).sum::<f64>(), 7.0);
    }

    #[test]
    fn sums_are_written_down_once_a_minute_and_their_differences_are_what_was_added() {
        let second = Duration::from_secs;
        let sums = |n| [second(n), Duration::ZERO, Duration::ZERO, Duration::ZERO, Duration::ZERO, Duration::ZERO, second(2 * n)];
        let mut minutes = Minutes::new();
        for now in [100, 101, 159, 160, 230] {
            minutes.note(second(now), sums(now - 100));
        }
        let steps: Vec<_> = minutes.steps(sums(150)).map(|(begin, times)| (begin, times[0], times[6])).collect();
        assert_eq!(
            steps,
            [
                (second(100), second(60), second(120)),
                (second(160), second(70), second(140)),
                (second(230), second(20), second(40))
            ]
        );
    }

    #[test]
    fn a_day_and_an_hour_are_kept_and_no_more_memory_is_taken() {
        let mut minutes = Minutes::new();
        let capacity = minutes.sums.capacity();
        for minute in 0..2000 {
            minutes.note(STEP * minute, [Duration::ZERO; 7]);
        }
        assert_eq!((minutes.sums.len(), minutes.sums.capacity()), (LONGEST_DAY, capacity));
    }

    #[test]
    fn the_day_has_24_hours_and_what_was_just_seen_is_in_it() {
        let mut minutes = Minutes::new();
        minutes.note(monotonic_now(), [Duration::ZERO; 7]);
        let today = minutes.today([Duration::from_secs(3); 7], None);
        assert_eq!(today.seconds, [3.0; 7]);
        assert!(!today.whole_day);
        // A machine that does not know the date has no hours.
        assert_eq!(today.hours.len(), if today.date.is_some() { 24 } else { 0 });
    }
}
