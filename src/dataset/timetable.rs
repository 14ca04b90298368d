//! When which expression is shown in a recording, as a person labelled it.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::bad_data;
use crate::classifier::Emotion;

/// A line has some 20 bytes: this is enough for days, and not enough to trouble the memory.
const MAX_BYTES: u64 = 16 << 20;

/// Spans of time with their expression, in their order, none overlapping another.
#[derive(Clone, Debug, PartialEq)]
pub struct Timetable(Vec<Span>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    start: Duration,
    end: Duration,
    expression: Emotion,
}

/// A line of the file: seconds from the recording's first frame, and the name of an expression.
#[derive(Deserialize)]
struct Row {
    start: f64,
    end: f64,
    expression: Emotion,
}

impl Timetable {
    /// Reads a CSV file with the header `start,end,expression`: seconds from the first frame (the start belongs to the span, the end does not), and one
    /// of the seven names in lower case. Time that is in no span has no label; neutral is a label like the others.
    ///
    /// # Errors
    /// If it cannot be read, a line is wrong, spans overlap or are out of order, or there is none.
    pub fn load(path: &Path) -> Result<Self> {
        let name = path.display();
        let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
        anyhow::ensure!(file.metadata()?.is_file(), bad_data(format!("{name}: no file")));
        Self::parse(file.take(MAX_BYTES)).with_context(|| name.to_string())
    }

    fn parse(text: impl Read) -> Result<Self> {
        let mut spans: Vec<Span> = Vec::new();
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(text);
        let mut record = csv::StringRecord::new();
        let header = reader.headers().map_err(|error| bad_data(error.to_string()))?.clone();
        while reader.read_record(&mut record).map_err(|error| bad_data(error.to_string()))? {
            let line = record.position().map_or(0, csv::Position::line);
            let wrong = |reason: String| bad_data(format!("line {line}: {reason}"));
            let Row { start, end, expression } = record.deserialize(Some(&header)).map_err(|error| wrong(reason_of(&error)))?;
            let seconds =
                |value: f64| Duration::try_from_secs_f64(value).map_err(|_| wrong(format!("{value} is no time in seconds")));
            let span = Span { start: seconds(start)?, end: seconds(end)?, expression };
            if span.end <= span.start {
                return Err(wrong(format!("it ends at {end} s, not after its start at {start} s")).into());
            }
            if spans.last().is_some_and(|before| before.end > span.start) {
                return Err(wrong(format!("it starts at {start} s, before the line above ends")).into());
            }
            spans.push(span);
        }
        anyhow::ensure!(!spans.is_empty(), bad_data("no labels in it".into()));
        Ok(Self(spans))
    }

    /// What is shown at `time` after the first frame; none if nobody said.
    pub fn at(&self, time: Duration) -> Option<Emotion> {
        let begun = self.0.partition_point(|span| span.start <= time);
        let span = self.0.get(begun.checked_sub(1)?)?;
        (time < span.end).then_some(span.expression)
    }

    /// When the last span ends.
    pub fn end(&self) -> Duration {
        self.0.last().map_or(Duration::ZERO, |span| span.end)
    }
}

/// Without the position, which we say ourselves.
fn reason_of(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Timetable> {
        Timetable::parse(text.as_bytes())
    }

    #[test]
    fn a_label_holds_from_its_start_until_before_its_end() {
        let timetable = parse("start,end,expression\n0.5,2,happy\n2, 3.25, neutral\n# a pause\n10,11,sad\n").unwrap();
        let at = |milliseconds| timetable.at(Duration::from_millis(milliseconds));
        assert_eq!([at(0), at(499), at(500), at(1999)], [None, None, Some(Emotion::Happy), Some(Emotion::Happy)]);
        assert_eq!([at(2000), at(3249), at(3250), at(9999)], [Some(Emotion::Neutral), Some(Emotion::Neutral), None, None]);
        assert_eq!([at(10_000), at(11_000)], [Some(Emotion::Sad), None]);
        assert_eq!(timetable.end(), Duration::from_secs(11));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let cases = [
            ("", "no labels in it"),
            ("start,end,expression\n", "no labels in it"),
            ("frame,expression\n1,happy\n", "line 2: missing field `start`"),
            ("start,end,expression\n0,1,joy\n", "line 2: unknown variant `joy`, expected one of `angry`"),
            ("start,end,expression\n0,1,happy\n1,x,sad\n", "line 3: field 1: invalid float literal"),
            ("start,end,expression\n1,1,happy\n", "line 2: it ends at 1 s, not after its start at 1 s"),
            ("start,end,expression\n-1,1,happy\n", "line 2: -1 is no time in seconds"),
            ("start,end,expression\n0,NaN,happy\n", "line 2: NaN is no time in seconds"),
            ("start,end,expression\n0,1e300,happy\n", " is no time in seconds"),
            ("start,end,expression\n0,2,happy\n1.5,3,sad\n", "line 3: it starts at 1.5 s, before the line above ends"),
        ];
        for (text, message) in cases {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(message) && !error.contains('\n'), "{error}");
        }
    }
}
