//! `visaged export`: every minute, or every event, for a spreadsheet or a program.

use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;

use super::records::{self, Days, Sources};
use crate::classifier::Emotion;
use crate::outputs::statistics::reading::{EventRow, MinuteRow, Reading};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    days: Days,
    /// CSV for spreadsheets, or one JSON object a line.
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    format: Format,
    /// The events instead of the minutes.
    #[arg(long)]
    events: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Csv,
    Jsonl,
}

/// A minute; `docs/statistics.md` explains the columns.
#[derive(Serialize)]
struct Minute<'a> {
    device: &'a str,
    device_id: &'a str,
    sequence: i64,
    boot: &'a str,
    uptime_s: i64,
    /// RFC 3339, UTC; none without a date.
    utc: Option<String>,
    seconds: f64,
    covered_s: f64,
    paused_s: f64,
    camera_lost_s: f64,
    throttled_s: f64,
    frames: i64,
    dropped: i64,
    faces: i64,
    angry_s: f64,
    disgust_s: f64,
    fear_s: f64,
    happy_s: f64,
    sad_s: f64,
    surprise_s: f64,
    neutral_s: f64,
}

/// An event.
#[derive(Serialize)]
struct Event<'a> {
    device: &'a str,
    device_id: &'a str,
    sequence: i64,
    boot: &'a str,
    onset_uptime_s: f64,
    utc: Option<String>,
    expression: Emotion,
    duration_s: f64,
    peak: f64,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let readings = args.sources.open()?;
    let period = args.days.period(&records::now())?.map(|period| period.seconds());
    let mut rows = 0;
    for reading in &readings {
        rows += reading.count_minutes(&period)?;
    }
    let progress = records::progress(if args.events { 0 } else { rows });
    let mut table = match args.format {
        Format::Csv => Table::Csv(Box::new(csv::Writer::from_writer(out))),
        Format::Jsonl => Table::Jsonl(out),
    };
    for reading in &readings {
        if args.events {
            reading.events(&period, |row| table.add(&event(row, reading)))?;
        } else {
            reading.minutes(&period, |row| {
                progress.inc(1);
                table.add(&minute(row, reading))
            })?;
        }
    }
    progress.finish_and_clear();
    table.end()
}

enum Table<'a> {
    Csv(Box<csv::Writer<&'a mut dyn Write>>),
    Jsonl(&'a mut dyn Write),
}

impl Table<'_> {
    fn add(&mut self, row: &impl Serialize) -> Result<()> {
        match self {
            Self::Csv(table) => table.serialize(row).map_err(|error| match error.into_kind() {
                // So that a closed pipe is known as one.
                csv::ErrorKind::Io(error) => error.into(),
                kind => anyhow::anyhow!("{kind:?}"),
            }),
            Self::Jsonl(out) => Ok(writeln!(out, "{}", serde_json::to_string(row)?)?),
        }
    }

    fn end(self) -> Result<()> {
        match self {
            Self::Csv(mut table) => table.flush().context("cannot write"),
            Self::Jsonl(out) => out.flush().context("cannot write"),
        }
    }
}

fn minute<'a>(row: &'a MinuteRow, reading: &'a Reading) -> Minute<'a> {
    let [angry_s, disgust_s, fear_s, happy_s, sad_s, surprise_s, neutral_s] = row.expressions_ms.map(seconds);
    Minute {
        device: &reading.device_name,
        device_id: &reading.device_id,
        sequence: row.sequence,
        boot: &row.boot,
        uptime_s: row.uptime,
        utc: row.utc.and_then(rfc_3339),
        seconds: seconds(row.length_ms),
        covered_s: seconds(row.covered_ms),
        paused_s: seconds(row.paused_ms),
        camera_lost_s: seconds(row.camera_lost_ms),
        throttled_s: seconds(row.throttled_ms),
        frames: row.frames,
        dropped: row.dropped,
        faces: row.faces,
        angry_s,
        disgust_s,
        fear_s,
        happy_s,
        sad_s,
        surprise_s,
        neutral_s,
    }
}

fn event<'a>(row: &'a EventRow, reading: &'a Reading) -> Event<'a> {
    Event {
        device: &reading.device_name,
        device_id: &reading.device_id,
        sequence: row.sequence,
        boot: &row.boot,
        onset_uptime_s: seconds(row.onset_ms),
        utc: row.utc.and_then(rfc_3339),
        expression: row.expression,
        duration_s: seconds(row.duration_ms),
        peak: (row.peak * 1000.0).round() / 1000.0,
    }
}

fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

fn rfc_3339(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}
