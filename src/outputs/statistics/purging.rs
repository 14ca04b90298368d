//! Deleting everything that was counted, at once, also while the service runs.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};

use super::database::{Damaged, PATIENCE, is_damage, set_aside_files};

/// Deletes every row, and every damaged database that was set aside. The freed pages are overwritten and given back; what a memory card keeps of them inside,
/// no program can reach. A service that runs forgets what it has not yet written, too. Gives how many minutes were deleted.
///
/// # Errors
/// If there is no database, it may not be written to, or another program does not let go of it for 10 s.
pub fn purge(path: &Path) -> Result<u64> {
    for file in set_aside_files(path) {
        fs::remove_file(&file).with_context(|| format!("cannot delete {}", file.display()))?;
    }
    fs::OpenOptions::new().read(true).write(true).open(path).with_context(|| path.display().to_string())?;
    delete(path)
        .map_err(anyhow::Error::from)
        .map_err(|error| if is_damage(&error) { Damaged(format!("{error}; delete the file")).into() } else { error })
        .with_context(|| path.display().to_string())
}

fn delete(path: &Path) -> rusqlite::Result<u64> {
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let minutes = transaction.execute("DELETE FROM minutes", [])?;
    // Another identity, so that what was exported earlier cannot be joined with what comes.
    transaction.execute_batch(
        "DELETE FROM events;
         DELETE FROM boots;
         UPDATE meta SET value = value + 1 WHERE key = 'purges';
         UPDATE meta SET value = lower(hex(randomblob(8))) WHERE key = 'device_id';",
    )?;
    transaction.commit()?;
    connection.execute_batch("VACUUM")?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(minutes as u64)
}

#[cfg(test)]
mod tests {
    use super::super::database::tests::{LIMITS, TODAY, minute};
    use super::super::database::{Boot, Database, Written};
    use super::*;

    #[test]
    fn nothing_is_left_of_what_was_purged_and_a_running_service_drops_what_it_had_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statistics.sqlite");
        let boot = Boot { id: "a boot that nobody shall know of".into(), epoch: Some(TODAY) };
        let mut database = Database::open(&path, "kiosk", LIMITS).unwrap();
        let rows: Vec<_> = (0..5000).map(minute).collect();
        database.write(&boot, &rows, &[]).unwrap();
        fs::write(folder.path().join("statistics.sqlite.damaged-20260301T093000Z"), "old").unwrap();
        assert_eq!(purge(&path).unwrap(), 5000);

        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        for file in &names {
            let bytes = fs::read(file).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"nobody"), "{}", file.display());
        }
        assert!(names.iter().all(|name| !name.display().to_string().contains("damaged")));
        assert!(path.metadata().unwrap().len() < 40_000);
        assert_eq!(database.write(&boot, &rows[..10], &[]).unwrap(), Written::Purged);
        assert_eq!(database.write(&boot, &rows[10..20], &[]).unwrap(), Written::Rows);
        assert_eq!(purge(&path).unwrap(), 10);
    }

    #[test]
    fn what_is_no_database_is_not_purged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letter.txt");
        fs::write(&path, "Dear reader, ".repeat(100)).unwrap();
        let message = format!("{:#}", purge(&path).unwrap_err());
        assert!(message.ends_with("file is not a database; delete the file"), "{message}");
        assert!(purge(&folder.path().join("none")).unwrap_err().chain().any(<dyn std::error::Error>::is::<std::io::Error>));
    }
}
