//! Reading what was counted: while the service writes it, or from the file of another device.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rusqlite::types::Type;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, params};

use super::database::{PATIENCE, meta};
use super::schema;
use crate::classifier::Emotion;

/// A row of the view `dated_minutes`; times in seconds, lengths in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct MinuteRow {
    pub sequence: i64,
    pub boot: String,
    /// From the boot to the row's begin.
    pub uptime: i64,
    /// The row's begin since 1970, as is known today; none if no row of this boot has a date.
    pub utc: Option<i64>,
    /// The row's begin as the clock said then; none if it was not set.
    pub start: Option<i64>,
    pub length_ms: i64,
    pub covered_ms: i64,
    pub paused_ms: i64,
    pub camera_lost_ms: i64,
    pub throttled_ms: i64,
    pub frames: i64,
    pub dropped: i64,
    pub faces: i64,
    /// Summed over faces, in the order of [`Emotion::ALL`].
    pub expressions_ms: [i64; 7],
}

/// A row of the view `dated_events`.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct EventRow {
    pub sequence: i64,
    pub boot: String,
    /// Milliseconds from the boot to the onset.
    pub onset_ms: i64,
    pub utc: Option<i64>,
    pub expression: Emotion,
    pub duration_ms: i64,
    pub peak: f64,
}

/// A database that is only read.
#[derive(Debug)]
pub struct Reading {
    connection: Connection,
    /// Which device wrote it: random, made with the database.
    pub device_id: String,
    /// What it is called.
    pub device_name: String,
}

/// Which rows: those that begin in this range of seconds since 1970, or all, dated or not.
pub type Period = Option<Range<i64>>;

impl Reading {
    /// Opens a database.
    ///
    /// # Errors
    /// If there is none, it may not be read, or it is not one of ours; the source is then an [`io::Error`] that says which.
    pub fn open(path: &Path) -> Result<Self> {
        let opened = || {
            File::open(path)?;
            open(path).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
        };
        opened().with_context(|| path.display().to_string())
    }

    /// How many minutes lie in the period.
    ///
    /// # Errors
    /// If the database is damaged.
    pub fn count_minutes(&self, period: &Period) -> Result<u64> {
        let [from, to] = bounds(period);
        let query = "SELECT count(*) FROM dated_minutes WHERE ?1 IS NULL OR (utc >= ?1 AND utc < ?2)";
        Ok(self
            .connection
            .query_row(query, params![from, to], |row| row.get::<_, i64>(0))
            .map_err(|error| damaged(&error))?
            .unsigned_abs())
    }

    /// How many minutes have no date.
    ///
    /// # Errors
    /// If the database is damaged.
    pub fn count_undated(&self) -> Result<u64> {
        let query = "SELECT count(*) FROM dated_minutes WHERE utc IS NULL";
        Ok(self.connection.query_row(query, [], |row| row.get::<_, i64>(0)).map_err(|error| damaged(&error))?.unsigned_abs())
    }

    /// Gives `each` the minutes of the period, in the order in which they were.
    ///
    /// # Errors
    /// If the database is damaged, or the first of `each`.
    pub fn minutes(&self, period: &Period, mut each: impl FnMut(&MinuteRow) -> Result<()>) -> Result<()> {
        let query = "SELECT sequence, id, uptime, utc, start, length_ms, covered_ms, paused_ms, camera_lost_ms, throttled_ms, frames, dropped, faces,
                 angry_ms, disgust_ms, fear_ms, happy_ms, sad_ms, surprise_ms, neutral_ms
             FROM dated_minutes LEFT JOIN boots USING (boot) WHERE ?1 IS NULL OR (utc >= ?1 AND utc < ?2) ORDER BY sequence";
        self.each(query, period, minute, |row| each(row))
    }

    /// Gives `each` the events of the period, in the order in which they ended.
    ///
    /// # Errors
    /// The same.
    pub fn events(&self, period: &Period, mut each: impl FnMut(&EventRow) -> Result<()>) -> Result<()> {
        let query = "SELECT sequence, id, onset_ms, utc, expression, duration_ms, peak
             FROM dated_events LEFT JOIN boots USING (boot) WHERE ?1 IS NULL OR (utc >= ?1 AND utc < ?2) ORDER BY sequence";
        self.each(query, period, event, |row| each(row))
    }

    fn each<T>(
        &self,
        query: &str,
        period: &Period,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
        mut each: impl FnMut(&T) -> Result<()>,
    ) -> Result<()> {
        let [from, to] = bounds(period);
        let mut statement = self.connection.prepare(query).map_err(|error| damaged(&error))?;
        for row in statement.query_map(params![from, to], read).map_err(|error| damaged(&error))? {
            each(&row.map_err(|error| damaged(&error))?)?;
        }
        Ok(())
    }
}

fn bounds(period: &Period) -> [Option<i64>; 2] {
    [period.as_ref().map(|period| period.start), period.as_ref().map(|period| period.end)]
}

fn open(path: &Path) -> Result<Reading> {
    let plain = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    match Connection::open_with_flags(path, plain).map_err(Into::into).and_then(identify) {
        // In a folder that may not be written to there can be no shared memory; then nobody writes, and none is needed.
        Err(error) if matches!(sqlite_code(&error), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)) => {
            let name = path.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            identify(Connection::open_with_flags(format!("file:{name}?immutable=1"), plain | OpenFlags::SQLITE_OPEN_URI)?)
        }
        opened => opened,
    }
}

fn identify(connection: Connection) -> Result<Reading> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version as usize > schema::VERSIONS.len() {
        bail!("was written by a newer visaged (schema {version})");
    }
    // It goes to a terminal, and the file may come from anywhere.
    let tame = |text: String| text.chars().filter(|letter| !letter.is_control()).take(64).collect();
    let (device_id, device_name) = (tame(meta(&connection, "device_id")?), tame(meta(&connection, "device_name")?));
    Ok(Reading { connection, device_id, device_name })
}

fn sqlite_code(error: &anyhow::Error) -> Option<ErrorCode> {
    error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code)
}

/// Whatever cannot be read in a database that could be opened is wrong in it.
fn damaged(error: &rusqlite::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

fn minute(row: &Row<'_>) -> rusqlite::Result<MinuteRow> {
    let mut expressions_ms = [0; 7];
    for (index, time) in expressions_ms.iter_mut().enumerate() {
        *time = row.get(13 + index)?;
    }
    Ok(MinuteRow {
        sequence: row.get(0)?,
        boot: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
        uptime: row.get(2)?,
        utc: row.get(3)?,
        start: row.get(4)?,
        length_ms: row.get(5)?,
        covered_ms: row.get(6)?,
        paused_ms: row.get(7)?,
        camera_lost_ms: row.get(8)?,
        throttled_ms: row.get(9)?,
        frames: row.get(10)?,
        dropped: row.get(11)?,
        faces: row.get(12)?,
        expressions_ms,
    })
}

fn event(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    let name: String = row.get(4)?;
    Ok(EventRow {
        sequence: row.get(0)?,
        boot: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
        onset_ms: row.get(2)?,
        utc: row.get(3)?,
        expression: Emotion::ALL.into_iter().find(|emotion| emotion.name() == name).ok_or_else(|| {
            rusqlite::Error::FromSqlConversionFailure(4, Type::Text, format!("no expression is called \"{name}\"").into())
        })?,
        duration_ms: row.get(5)?,
        peak: row.get(6)?,
    })
}
