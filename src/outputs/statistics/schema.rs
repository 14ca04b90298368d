//! What the database looks like. `docs/statistics.md` explains every column to people.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use rusqlite::{Connection, Transaction, params};

/// The versions of the schema: what leads from each to the next. A released entry is never changed; a new version is a new entry.
pub(super) const VERSIONS: &[&str] = &[VERSION_1];

/// The checks are there for `quick_check`, which verifies them at each start: what a bit that flipped makes of a number is mostly out of its range. 86,400,000
/// is a day, which no interval reaches.
const VERSION_1: &str = "
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE boots (
    boot INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    epoch INTEGER CHECK (epoch BETWEEN 0 AND 99999999999)
) STRICT;

CREATE TABLE minutes (
    sequence INTEGER PRIMARY KEY,
    boot INTEGER NOT NULL CHECK (boot > 0),
    uptime INTEGER NOT NULL CHECK (uptime BETWEEN 0 AND 99999999999),
    start INTEGER CHECK (start BETWEEN 0 AND 99999999999),
    length_ms INTEGER NOT NULL CHECK (length_ms BETWEEN 0 AND 86400000),
    covered_ms INTEGER NOT NULL CHECK (covered_ms BETWEEN 0 AND 86400000),
    paused_ms INTEGER NOT NULL CHECK (paused_ms BETWEEN 0 AND 86400000),
    camera_lost_ms INTEGER NOT NULL CHECK (camera_lost_ms BETWEEN 0 AND 86400000),
    throttled_ms INTEGER NOT NULL CHECK (throttled_ms BETWEEN 0 AND 86400000),
    frames INTEGER NOT NULL CHECK (frames BETWEEN 0 AND 86400000),
    dropped INTEGER NOT NULL CHECK (dropped BETWEEN 0 AND 86400000),
    faces INTEGER NOT NULL CHECK (faces BETWEEN 0 AND 86400000),
    angry_ms INTEGER NOT NULL CHECK (angry_ms BETWEEN 0 AND 86400000),
    disgust_ms INTEGER NOT NULL CHECK (disgust_ms BETWEEN 0 AND 86400000),
    fear_ms INTEGER NOT NULL CHECK (fear_ms BETWEEN 0 AND 86400000),
    happy_ms INTEGER NOT NULL CHECK (happy_ms BETWEEN 0 AND 86400000),
    sad_ms INTEGER NOT NULL CHECK (sad_ms BETWEEN 0 AND 86400000),
    surprise_ms INTEGER NOT NULL CHECK (surprise_ms BETWEEN 0 AND 86400000),
    neutral_ms INTEGER NOT NULL CHECK (neutral_ms BETWEEN 0 AND 86400000)
) STRICT;

CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    boot INTEGER NOT NULL CHECK (boot > 0),
    onset_ms INTEGER NOT NULL CHECK (onset_ms BETWEEN 0 AND 99999999999999),
    start INTEGER CHECK (start BETWEEN 0 AND 99999999999),
    expression TEXT NOT NULL CHECK (expression IN ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')),
    duration_ms INTEGER NOT NULL CHECK (duration_ms BETWEEN 0 AND 86400000),
    peak REAL NOT NULL CHECK (peak BETWEEN 0 AND 1)
) STRICT;

CREATE VIEW dated_minutes AS SELECT epoch + uptime AS utc, minutes.* FROM minutes LEFT JOIN boots USING (boot);
CREATE VIEW dated_events AS SELECT epoch + onset_ms / 1000 AS utc, events.* FROM events LEFT JOIN boots USING (boot);

INSERT INTO meta VALUES ('device_id', lower(hex(randomblob(8)))), ('purges', '0');
";

/// Leads the database from version `from` to the last of `versions`, all or nothing.
pub(super) fn migrate(connection: &mut Connection, from: usize, versions: &[&str]) -> rusqlite::Result<()> {
    if from == versions.len() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for version in versions.iter().skip(from) {
        transaction.execute_batch(version)?;
    }
    transaction.pragma_update(None, "user_version", versions.len() as i64)?;
    set(&transaction, "schema", &versions.len().to_string())?;
    transaction.commit()
}

/// Everything that was created, as SQL.
pub(super) fn text(connection: &Connection) -> rusqlite::Result<String> {
    let query = "SELECT group_concat(type || name || tbl_name || coalesce(sql, '') ORDER BY name) FROM sqlite_schema";
    connection.query_row(query, [], |row| row.get(0))
}

/// Writes an entry of the table `meta`, if it changes.
pub(super) fn set(transaction: &Transaction<'_>, key: &str, value: &str) -> rusqlite::Result<()> {
    let upsert = "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2 WHERE value != ?2";
    transaction.execute(upsert, params![key, value]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database of version 1 as visaged 0.2 wrote it: its SQL, and a row.
    fn version_1() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(VERSION_1).unwrap();
        connection
            .execute_batch(
                "INSERT INTO boots VALUES (1, 'b', 1772357400);
                 INSERT INTO minutes VALUES (1, 1, 60, NULL, 60000, 0, 0, 0, 0, 900, 3, 2, 0, 0, 0, 31240, 0, 0, 20400);
                 INSERT INTO meta VALUES ('schema', '1');
                 PRAGMA user_version = 1;",
            )
            .unwrap();
        connection
    }

    fn version(connection: &Connection) -> i64 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_older_database_is_led_to_the_newest_schema_with_its_rows() {
        let mut connection = version_1();
        migrate(&mut connection, 1, VERSIONS).unwrap();
        assert_eq!(version(&connection), VERSIONS.len() as i64);
        let row: (i64, i64) =
            connection.query_row("SELECT utc, happy_ms FROM dated_minutes", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(row, (1_772_357_460, 31_240));
        migrate(&mut connection, 1, &[VERSION_1, "ALTER TABLE minutes ADD COLUMN visitors INTEGER", "DROP VIEW dated_events"])
            .unwrap();
        assert_eq!(version(&connection), 3);
        assert_eq!(
            connection.query_row("SELECT frames, visitors IS NULL FROM minutes", [], |row| Ok((row.get(0)?, row.get(1)?))),
            Ok((900, true))
        );
    }

    #[test]
    fn a_migration_that_fails_leaves_everything_as_it_was() {
        let mut connection = version_1();
        let versions = [VERSION_1, "ALTER TABLE minutes ADD COLUMN visitors INTEGER", "nonsense"];
        assert!(migrate(&mut connection, 1, &versions).is_err());
        assert_eq!(version(&connection), 1);
        assert!(connection.prepare("SELECT visitors FROM minutes").is_err());
    }
}
