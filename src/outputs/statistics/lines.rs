//! One line per interval, for the log and, as JSON, for a file or a pipeline.
//!
//! The database is for looking back; this is for a program that wants to know while it happens: `file = "-"` and a pipe, or a file that is followed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use serde::Serialize;

use super::counter::{Counts, Interval};
use crate::classifier::Emotion;

/// Where the lines go.
pub(super) struct Lines {
    file: PathBuf,
    file_fails: bool,
}

/// One JSON line. Seconds are rounded to thousandths.
#[derive(Serialize)]
struct Line {
    /// End of the interval, RFC 3339, UTC.
    time: String,
    seconds: f64,
    frames: u64,
    dropped: u64,
    /// How many faces came into view.
    faces: u64,
    camera_lost_seconds: f64,
    /// Summed over faces: two happy faces make two seconds a second.
    expression_seconds: BTreeMap<Emotion, f64>,
}

impl Lines {
    /// A file that cannot be written is reported and tried again at the end of each interval.
    pub(super) fn open(file: PathBuf) -> Self {
        let mut lines = Self { file, file_fails: false };
        // An owner wants to hear of a wrong path now, not in a minute.
        lines.append_to_file("");
        lines
    }

    /// Tells the log and the file about an interval that ended at `end`.
    pub(super) fn tell(&mut self, interval: &Interval, end: SystemTime) {
        let Interval { length, counts } = interval;
        log::debug!("{}", in_words(counts, *length));
        let line = Line {
            time: timestamp(end),
            seconds: rounded(*length),
            frames: counts.frames,
            dropped: counts.dropped,
            faces: counts.faces,
            camera_lost_seconds: rounded(counts.camera_lost),
            expression_seconds: Emotion::ALL.into_iter().zip(counts.expressions.map(rounded)).collect(),
        };
        let line = serde_json::to_string(&line).expect("numbers and names have a JSON form");
        self.append_to_file(&(line + "\n"));
    }

    fn append_to_file(&mut self, text: &str) {
        if self.file.as_os_str().is_empty() {
            return;
        }
        match append(&self.file, text) {
            Ok(()) if self.file_fails => log::info!("statistics: {} can be written again", self.file.display()),
            Err(error) if !self.file_fails => log::warn!("statistics: {error:#}; counting goes on"),
            Ok(()) | Err(_) => return,
        }
        self.file_fails = !self.file_fails;
    }
}

/// Opens and closes the file each time, so that a rotated log file is followed.
fn append(path: &Path, text: &str) -> Result<()> {
    if path.as_os_str() == "-" {
        let mut out = std::io::stdout().lock();
        return out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write to standard output");
    }
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).with_context(|| format!("cannot write {}", path.display()))
}

fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

/// RFC 3339 in UTC, whole seconds: `2026-03-01T09:30:00Z`.
fn timestamp(time: SystemTime) -> String {
    let timestamp = jiff::Timestamp::try_from(time).expect("no clock is outside the years -9999 to 9999");
    format!("{timestamp:.0}")
}

/// `60 s: 892 frames, 8 dropped; 2 new faces; happy 31.2 s, neutral 20.4 s`
fn in_words(counts: &Counts, length: Duration) -> String {
    let mut text = format!(
        "{:.0} s: {} frames, {} dropped; {} new {}",
        length.as_secs_f64(),
        counts.frames,
        counts.dropped,
        counts.faces,
        if counts.faces == 1 { "face" } else { "faces" }
    );
    let mut separator = ';';
    for (emotion, time) in Emotion::ALL.into_iter().zip(counts.expressions).filter(|(_, time)| !time.is_zero()) {
        write!(text, "{separator} {emotion} {:.1} s", time.as_secs_f64()).expect("a string takes everything");
        separator = ',';
    }
    if !counts.camera_lost.is_zero() {
        write!(text, "; no camera for {:.1} s", counts.camera_lost.as_secs_f64()).expect("a string takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_line_says_what_happened_in_words() {
        let mut counts = Counts { frames: 892, dropped: 8, faces: 1, ..Counts::default() };
        counts.expressions[Emotion::Happy as usize] = Duration::from_millis(31_240);
        counts.expressions[Emotion::Neutral as usize] = Duration::from_millis(20_400);
        counts.camera_lost = Duration::from_secs(3);
        assert_eq!(
            in_words(&counts, Duration::from_secs(60)),
            "60 s: 892 frames, 8 dropped; 1 new face; happy 31.2 s, neutral 20.4 s; no camera for 3.0 s"
        );
    }
}
