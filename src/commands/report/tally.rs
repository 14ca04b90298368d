//! Adding up the minutes of a period: by hour or day, by weekday and hour, by expression.

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::Serialize;

use super::super::records::{Length, Period};
use crate::classifier::Emotion;
use crate::outputs::statistics::MACRO;
use crate::outputs::statistics::reading::{EventRow, MinuteRow, Reading};

/// What some minutes are together; lengths in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Sums {
    pub(super) recorded_ms: i64,
    pub(super) covered_ms: i64,
    pub(super) paused_ms: i64,
    pub(super) camera_lost_ms: i64,
    pub(super) throttled_ms: i64,
    pub(super) frames: i64,
    pub(super) dropped: i64,
    pub(super) faces: i64,
    /// In the order of [`Emotion::ALL`].
    pub(super) expressions_ms: [i64; 7],
}

/// An hour or a day.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Bin {
    /// `09:00`, `Mon 2`.
    pub(super) label: String,
    /// Its beginning, seconds since 1970.
    pub(super) utc: i64,
    /// So much time of it has been, over all devices.
    pub(super) elapsed_ms: i64,
    #[serde(flatten)]
    pub(super) sums: Sums,
}

/// The events of one expression.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Events {
    pub(super) expression: Emotion,
    /// Half a second or longer.
    pub(super) macros: u32,
    /// Shorter.
    pub(super) micros: u32,
    pub(super) mean_duration_ms: i64,
    pub(super) highest_peak: f64,
}

/// A device that took part.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Device {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) minutes: u64,
    /// Minutes of any time that have no date, and so are in no period.
    pub(super) undated_minutes: u64,
}

/// Everything that the report says.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Tally {
    /// `2026-03-01`.
    pub(super) period: String,
    pub(super) length: Length,
    pub(super) time_zone: String,
    pub(super) devices: Vec<Device>,
    pub(super) total: Sums,
    pub(super) elapsed_ms: i64,
    /// The hours of a day or a week, the days of a month.
    pub(super) bins: Vec<Bin>,
    /// The same, but days for a week too.
    #[serde(skip)]
    pub(super) rows: Vec<Bin>,
    /// Monday first, then by hour.
    pub(super) by_weekday_and_hour: [[Sums; 24]; 7],
    /// Empty if none were written down.
    pub(super) events: Vec<Events>,
}

impl Sums {
    /// The time of all expressions together.
    pub(super) fn shown_ms(&self) -> i64 {
        self.expressions_ms.iter().sum()
    }

    /// The share of each expression, 0 to 1; none if no face was seen.
    pub(super) fn shares(&self) -> Option<[f64; 7]> {
        let all = self.shown_ms();
        (all > 0).then(|| self.expressions_ms.map(|time| time as f64 / all as f64))
    }

    /// The time in which the camera gave pictures.
    pub(super) fn watching_ms(&self) -> i64 {
        self.recorded_ms - self.covered_ms - self.paused_ms - self.camera_lost_ms
    }

    fn add(&mut self, row: &MinuteRow) {
        let Self { recorded_ms, covered_ms, paused_ms, camera_lost_ms, throttled_ms, frames, dropped, faces, expressions_ms } =
            self;
        *recorded_ms += row.length_ms;
        *covered_ms += row.covered_ms;
        *paused_ms += row.paused_ms;
        *camera_lost_ms += row.camera_lost_ms;
        *throttled_ms += row.throttled_ms;
        *frames += row.frames;
        *dropped += row.dropped;
        *faces += row.faces;
        expressions_ms.iter_mut().zip(row.expressions_ms).for_each(|(sum, time)| *sum += time);
    }
}

impl Tally {
    /// Adds up what the devices have counted in the period, as far as it has been by `now`. A minute belongs to the hour that it begins in.
    pub(super) fn of(readings: &[Reading], period: &Period, now: &Zoned, progress: &ProgressBar) -> Result<Self> {
        let zone = period.begin.time_zone();
        let range = Some(period.seconds());
        let hours = |label| bins(period, 1.hour(), label, now, readings.len());
        let days = |label| bins(period, 1.day(), label, now, readings.len());
        let (mut bins, mut rows) = match period.length {
            Length::Day => (hours("%H:%M")?, hours("%H:%M")?),
            Length::Week => (hours("%a %H:%M")?, days("%a %F")?),
            Length::Month => (days("%-d")?, days("%a %F")?),
        };
        let elapsed_ms = bins.iter().map(|bin| bin.elapsed_ms).sum();
        let mut total = Sums::default();
        let mut by_weekday_and_hour = [[Sums::default(); 24]; 7];
        let mut events =
            Emotion::ALL.map(|expression| Events { expression, macros: 0, micros: 0, mean_duration_ms: 0, highest_peak: 0.0 });
        let mut devices = Vec::new();
        for reading in readings {
            let mut minutes = 0;
            reading.minutes(&range, |row| {
                let Some(utc) = row.utc else { return Ok(()) };
                minutes += 1;
                progress.inc(1);
                total.add(row);
                for bins in [&mut bins, &mut rows] {
                    if let Some(index) = bins.partition_point(|bin| bin.utc <= utc).checked_sub(1) {
                        bins[index].sums.add(row);
                    }
                }
                let local = Timestamp::from_second(utc)?.to_zoned(zone.clone());
                by_weekday_and_hour[local.weekday().to_monday_zero_offset() as usize][local.hour() as usize].add(row);
                Ok(())
            })?;
            reading.events(&range, |EventRow { expression, duration_ms, peak, .. }| {
                let events = &mut events[*expression as usize];
                let is_macro = *duration_ms >= MACRO.as_millis() as i64;
                *(if is_macro { &mut events.macros } else { &mut events.micros }) += 1;
                // The sum, until all are there.
                events.mean_duration_ms += duration_ms;
                events.highest_peak = events.highest_peak.max(*peak);
                Ok(())
            })?;
            let Reading { device_name, device_id, .. } = reading;
            devices.push(Device {
                name: device_name.clone(),
                id: device_id.clone(),
                minutes,
                undated_minutes: reading.count_undated()?,
            });
        }
        let mut events: Vec<_> = events.into_iter().filter(|events| events.macros + events.micros > 0).collect();
        for events in &mut events {
            events.mean_duration_ms /= i64::from(events.macros + events.micros);
        }
        let time_zone = zone.iana_name().map_or_else(|| period.begin.strftime("UTC%:z").to_string(), ToOwned::to_owned);
        Ok(Self {
            period: period.name(),
            length: period.length,
            time_zone,
            devices,
            total,
            elapsed_ms,
            bins,
            rows,
            by_weekday_and_hour,
            events,
        })
    }
}

/// The hours or days of a period, empty.
fn bins(period: &Period, step: jiff::Span, label: &str, now: &Zoned, devices: usize) -> Result<Vec<Bin>> {
    let mut bins = Vec::new();
    let mut begin = period.begin.clone();
    while begin < period.end {
        let end = begin.checked_add(step).context("the period ends with the calendar")?;
        let until = end.timestamp().min(now.timestamp()).as_millisecond();
        let elapsed_ms = (until - begin.timestamp().as_millisecond()).max(0) * devices as i64;
        bins.push(Bin {
            label: begin.strftime(label).to_string(),
            utc: begin.timestamp().as_second(),
            elapsed_ms,
            sums: Sums::default(),
        });
        begin = end;
    }
    Ok(bins)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::super::records;
    use super::*;

    #[test]
    fn a_day_of_23_or_25_hours_has_as_many_bars_and_no_minute_is_in_two() {
        // Berlin: on 29 March 2026 there is no hour from 2 to 3, on 25 October there are two.
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let now = "2026-12-01T12:00".parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone).unwrap();
        for (day, hours, second) in [("2026-03-28", 24, "02:00"), ("2026-03-29", 23, "03:00"), ("2026-10-25", 25, "02:00")] {
            let period = records::period(Length::Day, day, &now).unwrap();
            let bins = bins(&period, 1.hour(), "%H:%M", &now, 1).unwrap();
            assert_eq!((bins.len(), bins[2].label.as_str()), (hours, second), "{day}");
            assert!(bins.windows(2).all(|pair| pair[1].utc - pair[0].utc == 3600), "{day}");
            assert!(bins.iter().all(|bin| bin.elapsed_ms == 3_600_000), "{day}");
        }
    }
}
