//! The database file: opened with care, written in one transaction at a time, kept small, and set aside when it is damaged.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, params};

use super::counter::Counts;
use super::expressions::Event;
use super::{clock, schema};
use crate::config::StatisticsConfig;

/// What other programs may keep us waiting: `report` reads, `purge` rewrites the file.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// So many damaged files are kept; of more, the oldest go.
const SET_ASIDE_AT_MOST: usize = 3;

/// Of a new database, in bytes: a page is written whole, and ten minutes' rows take less than one.
const PAGE: i64 = 1024;

/// So much of the database is kept in memory, in KiB.
const CACHE_KIB: i64 = 256;

/// From so many pages on SQLite's log is moved into the file at the end of a transaction, and begun anew: about four hours.
const LOG_PAGES: i64 = 64;

/// So many pages the last transaction before that may add.
const TRANSACTION_PAGES: i64 = 8;

/// Pages that a flush may need beside those of its rows; when fewer are left below the size limit, old rows make room.
const SLACK: i64 = 32;

/// So many rows fit on a page, whatever is in them.
const ROWS_PER_PAGE: i64 = 8;

/// So many old rows a flush deletes at most: a day.
const STEP: i64 = 1440;

/// A row of the table `minutes`, as it waits in memory.
#[derive(Clone, Copy, Debug)]
pub(in crate::outputs) struct Minute {
    /// Seconds from the boot to its begin.
    pub(in crate::outputs) uptime: i64,
    /// Its begin in seconds since 1970, as far as the clock was set.
    pub(in crate::outputs) start: Option<i64>,
    pub(in crate::outputs) length: Duration,
    pub(in crate::outputs) counts: Counts,
}

/// A row of the table `events`; the event's onset is the time since the boot.
#[derive(Clone, Copy, Debug)]
pub(in crate::outputs) struct DatedEvent {
    pub(in crate::outputs) start: Option<i64>,
    pub(in crate::outputs) event: Event,
}

/// Which boot the rows belong to, and what is known about its date.
#[derive(Clone, Debug)]
pub(super) struct Boot {
    pub(super) id: String,
    /// Seconds since 1970 at which the uptime was nought; none while the clock is not set.
    pub(super) epoch: Option<i64>,
}

/// How large and how old the database may become.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) max_mib: i64,
    pub(super) retention_days: i64,
}

impl From<&StatisticsConfig> for Limits {
    fn from(config: &StatisticsConfig) -> Self {
        Self { max_mib: config.max_mib.into(), retention_days: config.retention_days.into() }
    }
}

/// What became of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Rows,
    /// Everything was deleted since the last time: what waited is not to be written either.
    Purged,
}

/// The open database.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    limits: Limits,
    /// How often everything was deleted.
    purges: String,
    /// Which database this is: a new one has another.
    pub(super) id: String,
}

/// Marks an error that says: what is in the file is damaged.
#[derive(Debug, thiserror::Error)]
#[error("the database is damaged: {0}")]
pub(super) struct Damaged(pub(super) String);

impl Database {
    /// Opens the database, or begins one; a damaged one is set aside first. `name` is the device's.
    ///
    /// # Errors
    /// If the path is not one to write to, or the file system does not let us: then it may be tried again.
    pub(super) fn open(path: &Path, name: &str, limits: Limits) -> Result<Self> {
        match Self::open_sound(path, name, limits) {
            Err(error) if is_damage(&error) => {
                let aside = set_aside(path).with_context(|| format!("{error:#}, and cannot be set aside"))?;
                log::error!(
                    "statistics: {}: {error:#}; it is set aside as {}, and a new one begins",
                    path.display(),
                    aside.display()
                );
                Self::open_sound(path, name, limits)
            }
            opened => opened,
        }
        .with_context(|| path.display().to_string())
    }

    fn open_sound(path: &Path, name: &str, limits: Limits) -> Result<Self> {
        make_ready(path)?;
        check_header(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        let version = check(&connection)?;
        connection.pragma_update(None, "page_size", PAGE)?;
        // WAL and FULL: what was written is there after a power cut, for two flushes of the card a transaction.
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update_and_check(None, "secure_delete", "fast", |_| Ok(()))?;
        connection.pragma_update(None, "temp_store", "memory")?;
        // SQLite's own 2 MiB would fill up over weeks; a flush touches a handful of pages.
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update_and_check(None, "journal_size_limit", 1 << 20, |_| Ok(()))?;
        // A log that is begun anew often stays short, and can be made as long as it gets (`lengthen_log`).
        connection.pragma_update_and_check(None, "wal_autocheckpoint", LOG_PAGES, |_| Ok(()))?;
        connection.pragma_update_and_check(None, "max_page_count", most_pages(&connection, limits)?, |_| Ok(()))?;
        schema::migrate(&mut connection, version, schema::VERSIONS)?;
        let transaction = connection.transaction()?;
        schema::set(&transaction, "device_name", name)?;
        transaction.commit()?;
        match lengthen_log(&mut connection) {
            // There is no room where the disk is full or the database as large as it may be: rows may still have some.
            Err(error) if error.sqlite_error_code() != Some(ErrorCode::DiskFull) => return Err(error.into()),
            _ => {}
        }
        let (purges, id) = (meta(&connection, "purges")?, meta(&connection, "device_id")?);
        Ok(Self { connection, limits, purges, id })
    }

    /// The number of the newest row; 0 if there is none.
    pub(super) fn last_sequence(&self) -> rusqlite::Result<i64> {
        self.connection.query_row("SELECT coalesce(max(sequence), 0) FROM minutes", [], |row| row.get(0))
    }

    /// Allows not one page more.
    #[cfg(test)]
    pub(super) fn pretend_to_be_full(&mut self) {
        self.connection.pragma_update_and_check(None, "max_page_count", 1, |_| Ok(())).unwrap();
    }

    /// Writes these rows in one transaction, and deletes a few that are too old.
    pub(super) fn write<'a>(
        &mut self,
        boot: &Boot,
        minutes: impl IntoIterator<Item = &'a Minute, IntoIter: ExactSizeIterator>,
        events: impl IntoIterator<Item = &'a DatedEvent, IntoIter: ExactSizeIterator>,
    ) -> rusqlite::Result<Written> {
        let (minutes, events) = (minutes.into_iter(), events.into_iter());
        let transaction = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let purges = meta(&transaction, "purges")?;
        if purges != self.purges {
            self.purges = purges;
            return Ok(Written::Purged);
        }
        let now = boot.epoch.map(|epoch| epoch + clock::uptime().as_secs().cast_signed());
        make_room(&transaction, self.limits, (minutes.len() + events.len()) as i64, now)?;
        let boot = number_of(boot, &transaction)?;
        let mut statement = transaction.prepare(
            "INSERT INTO events (boot, onset_ms, start, expression, duration_ms, peak) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for DatedEvent { start, event } in events {
            let onset = event.onset.as_millis() as i64;
            let Event { expression, duration, peak, .. } = event;
            statement.execute(params![boot, onset, start, expression.name(), milliseconds(*duration), peak.clamp(0.0, 1.0)])?;
        }
        drop(statement);
        let mut statement = transaction.prepare(
            "INSERT INTO minutes (boot, uptime, start, length_ms, covered_ms, paused_ms, camera_lost_ms, throttled_ms, frames, dropped, faces,
                 angry_ms, disgust_ms, fear_ms, happy_ms, sad_ms, surprise_ms, neutral_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        )?;
        let last = minutes.len().saturating_sub(1);
        for (index, Minute { uptime, start, length, counts }) in minutes.enumerate() {
            // The pages enter the log, and so its index in shared memory (the file `-shm`), before the commit flushes the log: that index would otherwise change
            // after it, and ext4 would flush the card once more, five seconds later, for the file's time stamp. The last row goes mostly to a page that is there already.
            if index == last {
                transaction.cache_flush()?;
            }
            let Counts { frames, dropped, faces, covered, paused, camera_lost, throttled, expressions } = counts;
            let [angry, disgust, fear, happy, sad, surprise, neutral] = expressions.map(milliseconds);
            let [length, covered, paused, lost, throttled] =
                [*length, *covered, *paused, *camera_lost, *throttled].map(milliseconds);
            let [frames, dropped, faces] = [*frames, *dropped, *faces].map(count);
            statement.execute(params![
                boot, uptime, start, length, covered, paused, lost, throttled, frames, dropped, faces, angry, disgust, fear,
                happy, sad, surprise, neutral
            ])?;
        }
        drop(statement);
        transaction.commit()?;
        Ok(Written::Rows)
    }
}

/// Sees that there is a file of ours at `path`, or nothing that would be in the way of one.
fn make_ready(path: &Path) -> Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return begin_file(path),
        Err(error) => return Err(error.into()),
    };
    let kind = metadata.file_type();
    let what = match kind {
        _ if kind.is_symlink() => "a symbolic link",
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a pipe",
        _ if !kind.is_file() => "a device or a socket",
        _ => "",
    };
    ensure!(
        what.is_empty(),
        "{what} is in place of the database (give the path of a file in [statistics] database, or move it away)"
    );
    let (owner, us) = (metadata.uid(), rustix::process::geteuid().as_raw());
    ensure!(owner == us, "belongs to user {owner}, and this is user {us} (sudo chown {us} {})", path.display());
    Ok(())
}

/// An empty file that only its owner may read, in a folder that is made if its parent is there.
fn begin_file(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        fs::DirBuilder::new().mode(0o700).create(folder).with_context(|| {
            format!("cannot make the folder {} (sudo mkdir -p it, and give it to this user)", folder.display())
        })?;
    }
    // A log that was left behind by another database would not be played into this one, but it would stay for ever.
    for companion in companions(path) {
        let _ = fs::remove_file(companion);
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(())
}

/// Bytes 18 and 19 say which version of the file format writes and reads it, 1 or 2. Of a larger number SQLite says only that the file may not be written to.
fn check_header(path: &Path) -> Result<()> {
    let mut header = [0; 20];
    if fs::File::open(path)?.read_exact(&mut header).is_ok() && header[18..].iter().any(|version| !matches!(version, 1 | 2)) {
        return Err(Damaged("its header has no known version".into()).into());
    }
    Ok(())
}

/// Gives the schema's version, 0 for an empty database.
fn check(connection: &Connection) -> Result<usize> {
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(Damaged(verdict.replace('\n', " ")).into());
    }
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if version == 0 && tables == 0 {
        return Ok(0);
    }
    let ours: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name IN ('meta', 'minutes')", [], |row| row.get(0))?;
    ensure!(ours > 0, "is the database of another program");
    // Said twice, so that a damaged number is not taken for that of a newer program.
    let said = meta(connection, "schema").optional()?.unwrap_or_default();
    if said != version.to_string() {
        return Err(Damaged(format!("its version is {version} in one place and \"{said}\" in another")).into());
    }
    if version < 1 {
        return Err(Damaged(format!("there is no version {version}")).into());
    }
    let Some(versions) = schema::VERSIONS.get(..version as usize) else {
        bail!("was written by a newer visaged (schema {version}; this one knows {})", schema::VERSIONS.len());
    };
    // A letter that flipped in the schema's text can make another column of one of ours.
    let mut sound = Connection::open_in_memory()?;
    schema::migrate(&mut sound, 0, versions)?;
    if schema::text(connection)? != schema::text(&sound)? {
        return Err(Damaged("its tables are not as they were made".into()).into());
    }
    Ok(version as usize)
}

pub(super) fn meta(connection: &Connection, key: &str) -> rusqlite::Result<String> {
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
}

/// The boot's number in the table `boots`, where its date is kept up to date.
fn number_of(boot: &Boot, transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    transaction
        .execute("INSERT INTO boots (id, epoch) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING", params![boot.id, boot.epoch])?;
    // A second more or less is rounding.
    transaction.execute(
        "UPDATE boots SET epoch = ?2 WHERE id = ?1 AND ?2 IS NOT NULL AND (epoch IS NULL OR abs(epoch - ?2) > 2)",
        params![boot.id, boot.epoch],
    )?;
    transaction.query_row("SELECT boot FROM boots WHERE id = ?1", [&boot.id], |row| row.get(0))
}

/// A database of before 0.1.0 has larger pages.
fn most_pages(connection: &Connection, limits: Limits) -> rusqlite::Result<i64> {
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    Ok(limits.max_mib * (1 << 20) / page)
}

/// Makes the log as long as it gets before it is begun anew, with pages that are given up at once. A transaction then writes over a part of the file, which
/// costs ext4 a third less than to make it longer (docs/reliability.md, R9).
fn lengthen_log(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch("CREATE TABLE filling (bytes BLOB) STRICT")?;
    transaction.execute("INSERT INTO filling VALUES (zeroblob(?1))", [(LOG_PAGES + TRANSACTION_PAGES) * PAGE])?;
    transaction.cache_flush()?;
    transaction.rollback()
}

/// Deletes what is older than the retention time, if the date is known, and fiftieths of the oldest until so many rows fit below the size limit.
fn make_room(transaction: &Transaction<'_>, limits: Limits, rows: i64, now: Option<i64>) -> rusqlite::Result<()> {
    let mut deleted = 0;
    if let Some(cutoff) = now.map(|now| now - limits.retention_days * 86_400) {
        for (table, view) in [("minutes", "dated_minutes"), ("events", "dated_events")] {
            let first = format!("SELECT sequence, utc FROM {view} WHERE utc IS NOT NULL ORDER BY sequence LIMIT 1");
            let first: Option<(i64, i64)> = transaction.query_row(&first, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((sequence, _)) = first.filter(|(_, utc)| *utc < cutoff) else { continue };
            // What has no date and stands before what is too old is too old.
            let delete = format!(
                "DELETE FROM {table} WHERE sequence IN (SELECT sequence FROM {view}
                     WHERE sequence < ?1 AND (utc IS NULL OR utc < ?2) ORDER BY sequence LIMIT ?3)"
            );
            deleted += transaction.execute(&delete, params![sequence + STEP, cutoff, STEP])?;
        }
    }
    let pages = |pragma: &str| transaction.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
    let most = most_pages(transaction, limits)?;
    let free = (SLACK + rows / ROWS_PER_PAGE).min(most / 2);
    for _ in 0..50 {
        if pages("page_count")? - pages("freelist_count")? <= most - free {
            break;
        }
        for table in ["minutes", "events"] {
            let fiftieth = format!(
                "DELETE FROM {table} WHERE sequence <= (SELECT min(sequence) + (max(sequence) - min(sequence)) / 50 FROM {table})"
            );
            deleted += transaction.execute(&fiftieth, [])?;
        }
    }
    if deleted > 0 {
        let first = |table: &str| format!("coalesce((SELECT boot FROM {table} ORDER BY sequence LIMIT 1), 9e18)");
        transaction
            .execute(&format!("DELETE FROM boots WHERE boot < {} AND boot < {}", first("minutes"), first("events")), [])?;
    }
    Ok(())
}

/// Whether an error says that the file's contents are wrong, and not that the system does not let us read or write them.
pub(super) fn is_damage(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<rusqlite::Error>() {
        // `Unknown` is SQLite's plain error: a table or a column that is missing.
        Some(rusqlite::Error::SqliteFailure(error, _)) => {
            matches!(error.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown)
        }
        // Something of another type or form than was written.
        Some(_) => true,
        None => error.is::<Damaged>(),
    }
}

/// The files that SQLite keeps beside the database.
fn companions(path: &Path) -> [PathBuf; 2] {
    ["-wal", "-shm"].map(|ending| with_ending(path, ending))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

/// Gives the database another name, with its log, and forgets the oldest of too many such.
fn set_aside(path: &Path) -> Result<PathBuf> {
    let stamp = jiff::Timestamp::from_second(clock::seconds_since_1970()).unwrap_or_default();
    let stamp = stamp.strftime("%Y%m%dT%H%M%SZ");
    let aside = (0..100)
        .map(|number| if number == 0 { String::new() } else { format!("-{number}") })
        .map(|number| with_ending(path, &format!(".damaged-{stamp}{number}")))
        .find(|aside| !aside.exists())
        .context("there are too many damaged ones of this second")?;
    fs::rename(path, &aside)?;
    let [wal, shm] = companions(path);
    if wal.exists() {
        fs::rename(&wal, with_ending(&aside, "-wal"))?;
    }
    let _ = fs::remove_file(shm);

    let mut known: Vec<_> = set_aside_files(path)
        .into_iter()
        .filter(|file| !file.as_os_str().as_encoded_bytes().ends_with(b"-wal"))
        .map(|file| (file.metadata().and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH), file))
        .collect();
    known.sort_unstable();
    for (_, file) in known.iter().take(known.len().saturating_sub(SET_ASIDE_AT_MOST)).filter(|(_, file)| *file != aside) {
        let _ = fs::remove_file(with_ending(file, "-wal")).and(fs::remove_file(file));
    }
    Ok(aside)
}

/// The damaged databases that were set aside, and their logs.
pub(super) fn set_aside_files(path: &Path) -> Vec<PathBuf> {
    let Some(name) = path.file_name() else { return Vec::new() };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beginning = [name.as_encoded_bytes(), b".damaged-"].concat();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(&beginning)).map(|entry| entry.path()).collect()
}

/// Bounded as the schema wants it.
fn milliseconds(time: Duration) -> i64 {
    time.as_millis().min(86_400_000) as i64
}

fn count(number: u64) -> i64 {
    number.min(86_400_000) as i64
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::classifier::Emotion;

    pub(in super::super) const LIMITS: Limits = Limits { max_mib: 64, retention_days: 400 };

    /// `date -u -d @1772357400`: 2026-03-01 09:30:00.
    pub(in super::super) const TODAY: i64 = 1_772_357_400;

    pub(in super::super) fn minute(number: i64) -> Minute {
        let mut counts = Counts { frames: 900, dropped: 3, faces: 1, ..Counts::default() };
        counts.expressions[Emotion::Happy as usize] = Duration::from_millis(20_000 + number.unsigned_abs() % 7000);
        counts.expressions[Emotion::Neutral as usize] = Duration::from_secs(30);
        Minute { uptime: number * 60, start: Some(TODAY + number * 60), length: Duration::from_secs(60), counts }
    }

    fn minutes(numbers: std::ops::Range<i64>) -> Vec<Minute> {
        numbers.map(minute).collect()
    }

    fn boot(epoch: Option<i64>) -> Boot {
        Boot { id: "first".into(), epoch }
    }

    /// A database with so many minutes, closed again.
    fn database_of(folder: &Path, rows: i64) -> PathBuf {
        let path = folder.join("statistics.sqlite");
        let mut database = Database::open(&path, "kiosk", LIMITS).unwrap();
        database.write(&boot(Some(TODAY)), &minutes(0..rows), &[]).unwrap();
        path
    }

    fn rows(path: &Path) -> i64 {
        Connection::open(path).unwrap().query_row("SELECT count(*) FROM minutes", [], |row| row.get(0)).unwrap()
    }

    fn refusal(path: &Path) -> String {
        format!("{:#}", Database::open(path, "kiosk", LIMITS).unwrap_err())
    }

    #[test]
    fn what_was_written_is_read_again_and_a_row_without_a_date_gets_the_date_of_its_boot() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statistics.sqlite");
        let mut database = Database::open(&path, "kiosk", LIMITS).unwrap();
        let undated = Minute { start: None, ..minute(1) };
        database.write(&boot(None), &[undated], &[]).unwrap();
        let utc = |path: &Path| {
            let query = "SELECT utc, start, happy_ms, frames FROM dated_minutes";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
            Connection::open(path).unwrap().query_row(query, [], row).unwrap()
        };
        assert_eq!(utc(&path), (None::<i64>, None::<i64>, 20_001, 900));
        // A time server has answered: 1970 was wrong, and no row is written for the 56 years between.
        database.write(&boot(Some(TODAY)), &[], &[]).unwrap();
        assert_eq!(utc(&path), (Some(TODAY + 60), None, 20_001, 900));
        assert_eq!(rows(&path), 1);
    }

    #[test]
    fn the_log_is_as_long_from_the_start_as_it_gets() {
        let folder = tempfile::tempdir().unwrap();
        for start in ["of a new database", "of one that is there"] {
            let path = database_of(folder.path(), 10);
            let mut database = Database::open(&path, "kiosk", LIMITS).unwrap();
            let length = || with_ending(&path, "-wal").metadata().unwrap().len();
            let first = length();
            assert!(first > (LOG_PAGES * PAGE) as u64, "{start}: {first}");
            for ten in 1..=144 {
                database.write(&boot(Some(TODAY)), &minutes(ten * 10..ten * 10 + 10), &[]).unwrap();
                assert_eq!(length(), first, "{start}, transaction {ten}");
            }
        }
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'filling'";
        let path = folder.path().join("statistics.sqlite");
        assert_eq!(Connection::open(path).unwrap().query_row(tables, [], |row| row.get(0)), Ok(0));
    }

    #[test]
    fn what_is_no_file_of_ours_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        database_of(folder.path(), 1);
        std::os::unix::fs::symlink(at("statistics.sqlite"), at("link")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        Connection::open(at("other")).unwrap().execute_batch("CREATE TABLE songs (title)").unwrap();
        for (name, reason) in [
            ("link", "a symbolic link is in place of the database"),
            ("folder", "a folder is in place"),
            ("pipe", "a pipe is in place"),
            ("socket", "a device or a socket is in place"),
            ("other", "is the database of another program"),
            ("no/such/folder", "cannot make the folder"),
        ] {
            let message = refusal(&at(name));
            assert!(message.starts_with(&at(name).display().to_string()) && message.contains(reason), "{message}");
        }
        assert!(at("link").exists() && at("other").exists());
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(at("statistics.sqlite"), Some(12_345), None).unwrap();
            assert!(refusal(&at("statistics.sqlite")).contains("belongs to user 12345, and this is user 0"));
        }
    }

    #[test]
    fn a_missing_folder_is_made_and_nobody_else_may_read_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state").join("statistics.sqlite");
        Database::open(&path, "kiosk", LIMITS).unwrap();
        assert_eq!(path.parent().unwrap().metadata().unwrap().mode() & 0o777, 0o700);
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_database_of_a_newer_program_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = database_of(folder.path(), 1);
        Connection::open(&path)
            .unwrap()
            .execute_batch("PRAGMA user_version = 9; UPDATE meta SET value = 9 WHERE key = 'schema'")
            .unwrap();
        assert!(refusal(&path).contains("newer visaged (schema 9"));
        assert_eq!(rows(&path), 1);
    }

    /// Damages the bytes of a database of 3 days in many ways; every time it can be opened, and what cannot be read is set aside.
    fn every_damage_is_survived(damages: impl Iterator<Item = (String, Box<dyn Fn(&mut Vec<u8>)>)>) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let original = fs::read(database_of(folder.path(), 3 * 1440)).unwrap();
        let mut set_aside = 0;
        for (what, damage) in damages {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("statistics.sqlite");
            let mut bytes = original.clone();
            damage(&mut bytes);
            fs::write(&path, &bytes).unwrap();
            let mut database = Database::open(&path, "kiosk", LIMITS).unwrap_or_else(|error| panic!("{what}: {error:#}"));
            let written = database.write(&boot(Some(TODAY)), &minutes(5000..5010), &[]);
            assert!(written.is_ok(), "{what}: {written:?}");
            drop(database);
            let aside = set_aside_files(&path);
            if let [aside] = &aside[..] {
                assert_eq!(fs::read(aside).unwrap(), bytes, "{what}: what is set aside is what was there");
                assert_eq!(rows(&path), 10, "{what}");
                set_aside += 1;
            } else {
                assert!(aside.is_empty(), "{what}: {aside:?}");
                assert!(bytes.is_empty() || rows(&path) >= 10, "{what}");
            }
        }
        set_aside
    }

    fn cuts(count: usize) -> usize {
        every_damage_is_survived((0..count).map(move |number| {
            let damage = move |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() * number / count);
            (format!("cut at {number}/{count}"), Box::new(damage) as Box<dyn Fn(&mut Vec<u8>)>)
        }))
    }

    fn flips(count: usize) -> usize {
        // Steps by the golden ratio: spread evenly, whatever the count.
        every_damage_is_survived((0..count).map(move |number| {
            let damage = move |bytes: &mut Vec<u8>| {
                let bit = ((number as f64 * 0.618_034).fract() * (8 * bytes.len()) as f64) as usize;
                bytes[bit / 8] ^= 1 << (bit % 8);
            };
            (format!("flipped bit {number}/{count}"), Box::new(damage) as Box<dyn Fn(&mut Vec<u8>)>)
        }))
    }

    #[test]
    fn a_database_that_is_cut_is_set_aside_and_a_new_one_begins() {
        // Of an empty file nothing can be set aside.
        assert_eq!(cuts(20), 19);
    }

    #[test]
    fn a_database_with_a_flipped_bit_is_survived() {
        assert!(flips(20) > 0);
    }

    #[test]
    #[ignore = "writes for a minute: make test-faults"]
    fn a_thousand_cuts_and_a_thousand_flipped_bits_are_survived() {
        let (cuts, flips) = (cuts(1000), flips(1000));
        println!("set aside: {cuts} of 1000 cuts, {flips} of 1000 flipped bits");
        assert_eq!(cuts, 999);
    }

    #[test]
    fn each_byte_of_the_header_may_be_wrong() {
        every_damage_is_survived((0..100).map(|byte| {
            let bit = 1 << (byte % 8);
            (
                format!("byte {byte} of the header"),
                Box::new(move |bytes: &mut Vec<u8>| bytes[byte] ^= bit) as Box<dyn Fn(&mut Vec<u8>)>,
            )
        }));
    }

    #[test]
    fn three_damaged_databases_are_kept_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statistics.sqlite");
        for _ in 0..6 {
            fs::write(&path, "not a database, and longer than a header would be: ".repeat(20)).unwrap();
            Database::open(&path, "kiosk", LIMITS).unwrap();
        }
        assert_eq!(set_aside_files(&path).len(), SET_ASIDE_AT_MOST);
    }

    #[test]
    fn old_rows_go_in_small_steps_with_what_has_no_date_before_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statistics.sqlite");
        let mut database = Database::open(&path, "kiosk", Limits { retention_days: 1, ..LIMITS }).unwrap();
        // Ten rows of a boot that never knew the date, then five days.
        database.write(&Boot { id: "dark".into(), epoch: None }, &minutes(0..10), &[]).unwrap();
        // The uptime of the machine that tests says what is today.
        let epoch = clock::seconds_since_1970() - clock::uptime().as_secs().cast_signed();
        let begin = clock::uptime().as_secs().cast_signed() / 60 - 5 * 1440;
        let boot = Boot { id: "light".into(), epoch: Some(epoch) };
        let old: Vec<_> =
            (begin..begin + 5 * 1440).map(|number| Minute { uptime: number * 60 + 864_000, ..minute(number) }).collect();
        let epoch = Some(epoch - 864_000);
        let boot = Boot { epoch, ..boot };
        database.write(&boot, &old, &[]).unwrap();
        let mut counts = Vec::new();
        for _ in 0..5 {
            let later = Boot { epoch: boot.epoch.map(|epoch| epoch + 864_000), id: "now".into() };
            database.write(&later, &[], &[]).unwrap();
            counts.push(rows(&path));
        }
        let last = *counts.last().unwrap();
        assert_eq!(counts[0], 10 + 5 * 1440 - 1440, "{counts:?}");
        assert!((1438..=1441).contains(&last), "{counts:?}");
        assert_eq!(Connection::open(&path).unwrap().query_row("SELECT min(boot) FROM boots", [], |row| row.get(0)), Ok(2));
    }

    #[test]
    fn the_file_never_grows_beyond_its_limit_and_the_newest_rows_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statistics.sqlite");
        let mut database = Database::open(&path, "kiosk", Limits { max_mib: 1, ..LIMITS }).unwrap();
        for flush in 0..200 {
            database.write(&boot(Some(TODAY)), &minutes(flush * 300..flush * 300 + 300), &[]).unwrap();
        }
        drop(database);
        assert!(path.metadata().unwrap().len() <= 1 << 20);
        let last: i64 =
            Connection::open(&path).unwrap().query_row("SELECT max(uptime) FROM minutes", [], |row| row.get(0)).unwrap();
        assert_eq!((last, rows(&path) > 10_000), (59_999 * 60, true));
    }
}
