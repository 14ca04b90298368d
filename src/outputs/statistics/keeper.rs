//! What was counted waits in memory, is written every few minutes, and stays there while it cannot be.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, anyhow};
use log::{info, warn};

use super::clock;
use super::database::{Boot, Database, DatedEvent, Limits, Minute, Written};
use crate::health::{Health, State};

/// A day of minutes: what is kept while nothing can be written.
const MINUTES_AT_MOST: usize = 1440;

/// Ten a minute for as long.
const EVENTS_AT_MOST: usize = 14_400;

/// The part's name for whoever asks how it is.
pub(super) const PART: &str = "database";

/// Where and how often to write.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) path: PathBuf,
    /// So much time is gathered before it is written.
    pub(super) flush_every: Duration,
    /// The device's.
    pub(super) name: String,
    pub(super) limits: Limits,
}

/// The rows that wait, and the database if it could be opened.
pub(super) struct Keeper {
    settings: Settings,
    health: Health,
    boot: String,
    database: Option<Database>,
    minutes: VecDeque<Minute>,
    events: VecDeque<DatedEvent>,
    /// How many minutes found no room while nothing could be written.
    lost: u64,
    failing: bool,
    /// What may have been written although that failed.
    unsure: Option<Attempt>,
}

/// The rows that were tried to be written.
struct Attempt {
    /// Into which database.
    database: String,
    /// The number of its last row if the rows are in it.
    last_sequence: i64,
    minutes: usize,
    events: usize,
}

impl Keeper {
    /// Opens the database at once, so that trouble is known at the start.
    pub(super) fn new(settings: Settings, health: Health) -> Self {
        let mut keeper = Self {
            settings,
            health,
            boot: clock::boot_id(),
            database: None,
            minutes: VecDeque::new(),
            events: VecDeque::new(),
            lost: 0,
            failing: false,
            unsure: None,
        };
        let opened = keeper.open();
        keeper.tell(opened);
        keeper
    }

    /// Adds a minute; writes if it is time, or each minute while that fails.
    pub(super) fn add(&mut self, minute: Minute) {
        if self.minutes.len() == MINUTES_AT_MOST {
            self.minutes.pop_front();
            self.lost += 1;
            // What was tried to be written is not what waits any more.
            self.unsure = None;
        }
        self.minutes.push_back(minute);
        let waiting: Duration = self.minutes.iter().map(|minute| minute.length).sum();
        if self.failing || waiting >= self.settings.flush_every {
            self.flush();
        }
    }

    /// Adds an event; it is written with the next minutes.
    pub(super) fn add_event(&mut self, event: DatedEvent) {
        if self.events.len() == EVENTS_AT_MOST {
            self.events.pop_front();
            self.unsure = None;
        }
        self.events.push_back(event);
    }

    /// Writes what waits, or says once that it cannot.
    pub(super) fn flush(&mut self) {
        if self.minutes.is_empty() && self.events.is_empty() && !self.failing {
            return;
        }
        let written = self.open().and_then(|()| self.write());
        if written.is_err() {
            // After a failed write nobody knows what SQLite holds: it is opened anew, and what is damaged is noticed there.
            self.database = None;
        }
        self.tell(written);
    }

    fn open(&mut self) -> Result<()> {
        if self.database.is_none() {
            let Settings { path, name, limits, .. } = &self.settings;
            let database = Database::open(path, name, *limits)?;
            // A commit can fail in its last step and be there all the same. No minute is counted twice.
            if let Some(Attempt { database: id, last_sequence, minutes, events }) = self.unsure.take()
                && id == database.id
                && database.last_sequence().is_ok_and(|now| now == last_sequence)
            {
                self.minutes.drain(..minutes);
                self.events.drain(..events);
            }
            self.database = Some(database);
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        let database = self.database.as_mut().ok_or_else(|| anyhow!("the database is not open"))?;
        let uptime = clock::uptime().as_secs().cast_signed();
        let boot = Boot { id: self.boot.clone(), epoch: clock::utc().map(|now| now - uptime) };
        if !self.minutes.is_empty() {
            let (minutes, events) = (self.minutes.len(), self.events.len());
            let last_sequence = database.last_sequence()? + minutes as i64;
            self.unsure = Some(Attempt { database: database.id.clone(), last_sequence, minutes, events });
        }
        if database.write(&boot, &self.minutes, &self.events)? == Written::Purged {
            info!("statistics: everything was deleted, also what was not yet written");
            self.database = None;
        }
        self.unsure = None;
        self.minutes.clear();
        self.events.clear();
        Ok(())
    }

    /// Says what changed, once.
    fn tell(&mut self, result: Result<()>) {
        match result {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    let lost = if self.lost > 0 { format!("; {} minutes are lost", self.lost) } else { String::new() };
                    info!("statistics: {} can be written again{lost}", self.settings.path.display());
                    self.lost = 0;
                }
                self.health.tell(PART, State::Ok, "");
            }
            Err(error) => {
                // SQLite's own error says the same twice.
                let reason = match error.downcast_ref::<rusqlite::Error>() {
                    Some(plain) => format!("{}: {plain}", self.settings.path.display()),
                    None => format!("{error:#}"),
                };
                if !std::mem::replace(&mut self.failing, true) {
                    warn!(
                        "statistics: {reason}; the last {} hours stay in memory, and this is tried again each minute",
                        MINUTES_AT_MOST / 60
                    );
                }
                self.health.tell(PART, State::Degraded, &reason);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use rusqlite::Connection;

    use super::super::database::tests::{LIMITS, minute};
    use super::*;

    fn keeper(path: &Path) -> Keeper {
        let settings =
            Settings { path: path.into(), flush_every: Duration::from_secs(600), name: "kiosk".into(), limits: LIMITS };
        Keeper::new(settings, Health::default())
    }

    fn uptimes(path: &Path) -> Vec<i64> {
        let connection = Connection::open(path).unwrap();
        let mut statement = connection.prepare("SELECT uptime / 60 FROM minutes ORDER BY sequence").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn state(keeper: &Keeper) -> State {
        keeper.health.snapshot().parts[0].state
    }

    #[test]
    fn a_day_is_written_144_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statistics.sqlite");
        let mut keeper = keeper(&path);
        let mut writes = 0;
        for number in 0..1440 {
            keeper.add(minute(number));
            writes += u32::from(keeper.minutes.is_empty());
        }
        assert_eq!(writes, 144);
        assert_eq!(uptimes(&path), (0..1440).collect::<Vec<_>>());
    }

    #[test]
    fn while_nothing_can_be_written_a_day_stays_in_memory_and_then_all_of_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (state_folder, elsewhere) = (folder.path().join("state"), folder.path().join("elsewhere"));
        let path = state_folder.join("statistics.sqlite");
        let mut keeper = keeper(&path);
        for number in 0..10 {
            keeper.add(minute(number));
        }
        // A file is where the folder was: nothing can be opened or made.
        keeper.database = None;
        fs::rename(&state_folder, &elsewhere).unwrap();
        fs::write(&state_folder, "").unwrap();
        for number in 10..1500 {
            keeper.add(minute(number));
        }
        assert_eq!((state(&keeper), keeper.minutes.len(), keeper.lost), (State::Degraded, 1440, 50));
        fs::remove_file(&state_folder).unwrap();
        fs::rename(&elsewhere, &state_folder).unwrap();
        // The next minute is enough; it needs no ten.
        keeper.add(minute(1500));
        assert_eq!((state(&keeper), keeper.minutes.len(), keeper.lost), (State::Ok, 0, 0));
        assert_eq!(uptimes(&path), (0..10).chain(61..1501).collect::<Vec<_>>());
    }

    #[test]
    fn a_full_disk_leaves_what_is_written_whole_and_is_written_to_again_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statistics.sqlite");
        let mut keeper = keeper(&path);
        keeper.database.as_mut().unwrap().pretend_to_be_full();
        for number in 0..1000 {
            keeper.add(minute(number));
            if keeper.failing {
                break;
            }
            keeper.database.as_mut().unwrap().pretend_to_be_full();
        }
        assert_eq!(state(&keeper), State::Degraded);
        assert!(keeper.health.snapshot().parts[0].reason.contains("full"), "{:?}", keeper.health.snapshot());
        let last = keeper.minutes.back().unwrap().uptime / 60;
        keeper.add(minute(last + 1));
        assert_eq!(state(&keeper), State::Ok);
        assert_eq!(uptimes(&path), (0..=last + 1).collect::<Vec<_>>());
    }

    #[test]
    fn a_commit_that_failed_in_its_last_step_and_is_there_all_the_same_is_not_written_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statistics.sqlite");
        let mut keeper = keeper(&path);
        for number in 0..9 {
            keeper.add(minute(number));
        }
        let rows = keeper.minutes.clone();
        keeper.flush();
        // As it would be if the card had said no after the last byte.
        let id = keeper.database.take().unwrap().id;
        let attempt = Attempt { database: id, last_sequence: 9, minutes: 9, events: 0 };
        (keeper.minutes, keeper.unsure, keeper.failing) = (rows, Some(attempt), true);
        keeper.add(minute(9));
        // The tenth came after the attempt.
        assert_eq!(uptimes(&path), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_damaged_while_it_runs_is_set_aside_and_no_minute_in_memory_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statistics.sqlite");
        let mut keeper = keeper(&path);
        for number in 0..10 {
            keeper.add(minute(number));
        }
        keeper.database = None;
        fs::write(&path, [7; 5000]).unwrap();
        for number in 10..20 {
            keeper.add(minute(number));
        }
        assert_eq!(uptimes(&path), (10..20).collect::<Vec<_>>());
        assert_eq!(super::super::database::set_aside_files(&path).len(), 1);
    }
}
