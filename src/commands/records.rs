//! What `report`, `export` and `purge` share: which databases, which days.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};

use super::exit::{BadData, Usage};
use super::stages;
use crate::outputs::statistics::database_to_read;
use crate::outputs::statistics::reading::Reading;

/// Which databases.
#[derive(Debug, clap::Args)]
pub(super) struct Sources {
    /// The databases, one of each device [default: the one of the configuration]
    #[arg(long, value_name = "FILE", num_args = 1..)]
    from: Vec<PathBuf>,
    /// The configuration [default: /etc/visaged/visaged.toml if it exists, else the built-in defaults]
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    config: Option<PathBuf>,
}

impl Sources {
    /// Opens all of them.
    pub(super) fn open(&self) -> Result<Vec<Reading>> {
        let own;
        let paths = if self.from.is_empty() {
            own = [database_of(self.config.as_deref())?];
            &own[..]
        } else {
            &self.from
        };
        let mut readings: Vec<Reading> = Vec::new();
        for path in paths {
            let reading = Reading::open(path).map_err(with_hint)?;
            if let Some(index) = readings.iter().position(|known| known.device_id == reading.device_id) {
                let (one, other) = (paths[index].display(), path.display());
                return Err(BadData(format!("{one} and {other} are of the same device: its minutes would count twice")).into());
            }
            readings.push(reading);
        }
        Ok(readings)
    }
}

/// The database that a configuration names.
pub(super) fn database_of(config: Option<&Path>) -> Result<PathBuf> {
    let config = stages::load_config(config)?;
    database_to_read(&config.statistics)
        .ok_or_else(|| Usage("the configuration names no database ([statistics] database): give one".into()).into())
}

/// Says what helps when the service's database is not for everybody.
pub(super) fn with_hint(error: anyhow::Error) -> anyhow::Error {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    match kind {
        Some(std::io::ErrorKind::PermissionDenied) => error.context("cannot read the statistics (try sudo)"),
        Some(std::io::ErrorKind::NotFound) => error.context("there are no statistics (has the service run?)"),
        _ => error.context("cannot read the statistics"),
    }
}

/// Which days.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(super) struct Days {
    /// One day: 2026-03-01, today or yesterday.
    #[arg(long, value_name = "DATE", num_args = 0..=1, default_missing_value = "today")]
    day: Option<String>,
    /// The week, Monday to Sunday, with this day in it.
    #[arg(long, value_name = "DATE", num_args = 0..=1, default_missing_value = "today")]
    week: Option<String>,
    /// The month with this day in it; 2026-03 is enough.
    #[arg(long, value_name = "DATE", num_args = 0..=1, default_missing_value = "today")]
    month: Option<String>,
}

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Length {
    Day,
    Week,
    Month,
}

/// Whole days of a time zone.
#[derive(Clone, Debug)]
pub(super) struct Period {
    pub(super) length: Length,
    /// Midnight at its beginning.
    pub(super) begin: Zoned,
    /// Midnight at its end.
    pub(super) end: Zoned,
}

impl Days {
    /// The days that are asked for; none if none were.
    pub(super) fn period(&self, now: &Zoned) -> Result<Option<Period>> {
        let (length, text) = match (&self.day, &self.week, &self.month) {
            (Some(text), _, _) => (Length::Day, text),
            (_, Some(text), _) => (Length::Week, text),
            (_, _, Some(text)) => (Length::Month, text),
            _ => return Ok(None),
        };
        period(length, text, now).map(Some)
    }
}

/// The period of this length with the day `text` in it, in the time zone of `now`.
pub(super) fn period(length: Length, text: &str, now: &Zoned) -> Result<Period> {
    let day = date(text, now.date())?;
    let too_far = || format!("{day} is too far away");
    let first = match length {
        Length::Day => day,
        Length::Week => day.tomorrow().and_then(|next| next.nth_weekday(-1, Weekday::Monday)).with_context(too_far)?,
        Length::Month => day.first_of_month(),
    };
    let after = match length {
        Length::Day => first.tomorrow(),
        Length::Week => first.checked_add(7.days()),
        Length::Month => first.checked_add(1.month()),
    };
    let midnight = |date: Date| date.to_zoned(now.time_zone().clone()).with_context(too_far);
    Ok(Period { length, begin: midnight(first)?, end: midnight(after.with_context(too_far)?)? })
}

fn date(text: &str, today: Date) -> Result<Date> {
    let date = match text {
        "today" => Ok(today),
        "yesterday" => today.yesterday(),
        _ => text.parse().or_else(|error| format!("{text}-01").parse().map_err(|_: jiff::Error| error)),
    };
    date.map_err(|_| Usage(format!("\"{text}\" is no date (2026-03-01, today or yesterday)")).into())
}

impl Period {
    /// In seconds since 1970.
    pub(super) fn seconds(&self) -> Range<i64> {
        self.begin.timestamp().as_second()..self.end.timestamp().as_second()
    }

    /// `2026-03-01`, `2026-02-23 to 2026-03-01`, `2026-03`.
    pub(super) fn name(&self) -> String {
        let first = self.begin.date();
        match self.length {
            Length::Day => first.to_string(),
            Length::Week => format!("{first} to {}", first.saturating_add(6.days())),
            Length::Month => first.strftime("%Y-%m").to_string(),
        }
    }
}

/// Now, in the machine's time zone.
pub(super) fn now() -> Zoned {
    jiff::Timestamp::now().to_zoned(TimeZone::system())
}

/// A bar for so many rows; it is shown only in a terminal.
pub(super) fn progress(rows: u64) -> ProgressBar {
    ProgressBar::new(rows)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} minutes, {eta} left").expect("the template is valid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(time: &str) -> Zoned {
        time.parse::<jiff::civil::DateTime>().unwrap().to_zoned(TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()).unwrap()
    }

    #[test]
    fn days_weeks_and_months_are_those_of_the_calendar_and_the_time_zone() {
        let now = berlin("2026-03-29T15:00");
        let spans = |length, text| {
            let period = period(length, text, &now).unwrap();
            (period.name(), period.end.duration_since(&period.begin).as_hours())
        };
        // The night of 29 March 2026 has no hour from 2 to 3 in Berlin.
        assert_eq!(spans(Length::Day, "today"), ("2026-03-29".into(), 23));
        assert_eq!(spans(Length::Day, "yesterday"), ("2026-03-28".into(), 24));
        // `cal 3 2026`: the 29th is a Sunday, the 30th a Monday.
        assert_eq!(spans(Length::Week, "today"), ("2026-03-23 to 2026-03-29".into(), 7 * 24 - 1));
        assert_eq!(spans(Length::Week, "2026-03-30"), ("2026-03-30 to 2026-04-05".into(), 7 * 24));
        assert_eq!(spans(Length::Month, "2026-03"), ("2026-03".into(), 31 * 24 - 1));
        assert_eq!(spans(Length::Month, "2024-02-29"), ("2024-02".into(), 29 * 24));
        for wrong in ["", "tomorrow?", "2026-13-01", "2026-02-30", "9999999-01-01"] {
            assert!(period(Length::Day, wrong, &now).unwrap_err().is::<Usage>(), "{wrong}");
        }
    }
}
