//! Numbers about what was seen: how long which expression was shown, how many faces and frames. Nothing here can be led back to a person.
//!
//! ```text
//!  views ──▶ counter ──▶ a row a minute ──▶ writer thread: keeper (rows wait in memory) ──▶ database
//!       │         └────▶ a line per interval ──▶ log, file
//!       └──▶ expressions ──▶ an event each ──▶ writer thread
//! ```

pub(super) mod clock;
pub(super) mod counter;
pub(super) mod database;
pub(super) mod expressions;
mod keeper;
mod lines;
mod purging;
pub mod reading;
mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use self::counter::{Counter, Interval};
use self::database::{DatedEvent, Minute};
use self::expressions::{Event, Expressions};
use self::keeper::Settings;
use self::lines::Lines;
use self::writer::Writer;
use super::{Output, View};
use crate::config::{Config, DeviceConfig, StatisticsConfig};
use crate::frame::monotonic_now;
use crate::health::Health;

pub use self::expressions::MACRO;
pub use self::purging::purge;

/// The rows of the database are so long.
const MINUTE: Duration = Duration::from_secs(60);

/// The database's name in the service's folder.
const FILE_NAME: &str = "statistics.sqlite";

/// The database that the service writes with this configuration: the configured one, or one in the folder that systemd gives it. Whoever merely runs the
/// program has no such folder, and nothing is written.
pub fn database_to_write(config: &StatisticsConfig) -> Option<PathBuf> {
    match config.database.to_str() {
        Some("") => None,
        Some("auto") => std::env::var_os("STATE_DIRECTORY").map(|folder| Path::new(&folder).join(FILE_NAME)),
        _ => Some(config.database.clone()),
    }
}

/// The database that there is to read with this configuration: as written, or where the service's folder usually is.
pub fn database_to_read(config: &StatisticsConfig) -> Option<PathBuf> {
    if config.database.as_os_str().is_empty() {
        return None;
    }
    database_to_write(config).or_else(|| Some(Path::new("/var/lib/visaged").join(FILE_NAME)))
}

/// What the device is called: its configured name, else the machine's.
pub fn device_name(config: &DeviceConfig) -> String {
    if !config.name.is_empty() {
        return config.name.clone();
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if host.trim().is_empty() { "visaged".into() } else { host.trim().into() }
}

/// Counts. The time is that of the observations.
pub struct Statistics {
    clocks: Clocks,
    lines: Lines,
    /// For the lines.
    counter: Counter,
    store: Option<Store>,
}

/// What goes into the database.
struct Store {
    writer: Writer,
    minutes: Counter,
    /// If they are wanted.
    expressions: Option<Expressions>,
    flush_wish: Arc<AtomicBool>,
    health: Health,
}

/// Where time comes from; a test brings its own.
#[derive(Clone, Copy)]
pub struct Clocks {
    /// The date and time that a line is stamped with.
    pub wall: fn() -> SystemTime,
    /// The clock that frames are stamped with; asked only while there are none.
    pub monotonic: fn() -> Duration,
}

impl Statistics {
    /// Begins to count. What cannot be written is reported and tried again.
    ///
    /// # Errors
    /// If the system has no thread for the database.
    pub fn open(config: &Config, health: &Health) -> Result<Self> {
        Self::with_clocks(config, health, Clocks { wall: SystemTime::now, monotonic: monotonic_now })
    }

    /// As [`open`](Self::open), with other clocks.
    ///
    /// # Errors
    /// The same.
    pub fn with_clocks(config: &Config, health: &Health, clocks: Clocks) -> Result<Self> {
        let Config { statistics, device, .. } = config;
        let store = database_to_write(statistics).map(|path| {
            let settings = Settings {
                path,
                flush_every: Duration::from_secs(statistics.flush_s.into()),
                name: device_name(device),
                limits: statistics.into(),
            };
            Ok::<_, anyhow::Error>(Store {
                writer: Writer::start(settings, health.clone()).context("no thread for the database")?,
                minutes: Counter::new(MINUTE),
                expressions: statistics.events.then(Expressions::default),
                flush_wish: health.flush_wish(),
                health: health.clone(),
            })
        });
        Ok(Self {
            clocks,
            lines: Lines::open(statistics.file.clone()),
            counter: Counter::new(Duration::from_secs(statistics.interval_s.into())),
            store: store.transpose()?,
        })
    }

    fn tell(&mut self, interval: Option<Interval>) {
        if let Some(interval) = interval {
            self.lines.tell(&interval, (self.clocks.wall)());
        }
    }
}

impl Output for Statistics {
    fn name(&self) -> &str {
        "statistics"
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        let now = match view {
            View::Watching(observation) => observation.captured_at,
            View::Starting | View::CameraLost { .. } | View::Covered | View::Paused => (self.clocks.monotonic)(),
        };
        let interval = self.counter.see(view, now, false);
        self.tell(interval);
        if let Some(store) = &mut self.store {
            store.see(view, now);
        }
        Ok(())
    }
}

impl Drop for Statistics {
    fn drop(&mut self) {
        let interval = self.counter.cut();
        self.tell(interval);
        if let Some(store) = &mut self.store {
            store.end();
        }
    }
}

impl Store {
    fn see(&mut self, view: View<'_>, now: Duration) {
        let Self { writer, minutes, expressions, flush_wish, health } = self;
        if let Some(interval) = minutes.see(view, now, health.is_throttled()) {
            writer.minute(minute(&interval));
        }
        if let Some(expressions) = expressions {
            match view {
                View::Watching(observation) => expressions.see(observation, |event| writer.event(dated(event))),
                _ => expressions.end(|event| writer.event(dated(event))),
            }
        }
        if flush_wish.swap(false, Ordering::Relaxed) {
            if let Some(interval) = minutes.cut() {
                writer.minute(minute(&interval));
            }
            writer.flush();
        }
    }

    /// Hands over what is begun; the writer's end writes it.
    fn end(&mut self) {
        let Self { writer, minutes, expressions, .. } = self;
        if let Some(expressions) = expressions {
            expressions.end(|event| writer.event(dated(event)));
        }
        if let Some(interval) = minutes.cut() {
            writer.minute(minute(&interval));
        }
    }
}

/// The row of an interval that ends now.
pub(super) fn minute(interval: &Interval) -> Minute {
    let length = interval.length.as_secs().cast_signed();
    Minute {
        uptime: (clock::uptime().as_secs().cast_signed() - length).max(0),
        start: clock::utc().map(|now| now - length),
        length: interval.length,
        counts: interval.counts,
    }
}

/// The event with its onset as a time since the boot.
pub(super) fn dated(event: Event) -> DatedEvent {
    let ago = monotonic_now().saturating_sub(event.onset);
    let start = clock::utc().map(|now| now - ago.as_secs().cast_signed());
    DatedEvent { start, event: Event { onset: clock::uptime().saturating_sub(ago), ..event } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::Emotion;
    use crate::tracker::{Observation, TrackedFace};

    const CLOCKS: Clocks = Clocks {
        // `date -u -d @1772357400`: 2026-03-01 09:30:00.
        wall: || SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_357_400),
        monotonic: || Duration::from_secs(107),
    };

    fn at(milliseconds: u64, faces: &[(u64, Emotion)]) -> Observation {
        Observation {
            captured_at: Duration::from_millis(milliseconds),
            dropped: 1,
            faces: faces.iter().map(|&(id, expression)| TrackedFace::showing(id, expression, 1.0)).collect(),
            ..Observation::default()
        }
    }

    fn open(file: PathBuf, interval_s: u32) -> Statistics {
        let statistics = StatisticsConfig { file, interval_s, database: PathBuf::new(), ..StatisticsConfig::default() };
        Statistics::with_clocks(&Config { statistics, ..Config::default() }, &Health::default(), CLOCKS).unwrap()
    }

    /// What stands in the file after these observations and the end.
    fn lines(interval_s: u32, views: &[View<'_>]) -> Vec<serde_json::Value> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("statistics.jsonl");
        let mut statistics = open(file.clone(), interval_s);
        for view in views {
            statistics.show(*view).unwrap();
        }
        drop(statistics);
        std::fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn seconds_are_summed_per_expression_and_over_faces() {
        use Emotion::{Happy, Sad};
        let observations = [
            at(100_000, &[(1, Happy)]),
            at(100_500, &[(1, Happy), (2, Sad)]),
            at(101_500, &[(2, Sad), (1, Sad)]),
            at(101_750, &[]),
            at(102_000, &[(3, Happy)]),
        ];
        let lines = lines(60, &observations.each_ref().map(View::Watching));
        // Happy: 0.5 + 1.0; sad: 1.0 + 2 × 0.25. The last observation has no duration yet.
        assert_eq!(
            lines,
            [serde_json::json!({
                "time": "2026-03-01T09:30:00Z", "seconds": 2.0, "frames": 5, "dropped": 5, "faces": 3, "camera_lost_seconds": 0.0,
                "expression_seconds":
                    {"angry": 0.0, "disgust": 0.0, "fear": 0.0, "happy": 1.5, "sad": 1.5, "surprise": 0.0, "neutral": 0.0}
            })]
        );
    }

    #[test]
    fn every_interval_has_its_line_and_the_end_writes_the_partial_one() {
        let observations: Vec<_> = (0..=25).map(|second| at(second * 1000, &[(1, Emotion::Fear)])).collect();
        let views: Vec<_> = observations.iter().map(View::Watching).collect();
        let lines = lines(10, &views);
        let column = |key: &str| lines.iter().map(|line| line[key].clone()).collect::<Vec<_>>();
        assert_eq!(column("seconds"), [10.0, 10.0, 5.0]);
        // An observation on the border belongs to the interval that begins.
        assert_eq!(column("frames"), [10, 10, 6]);
        assert_eq!(column("faces"), [1, 0, 0]);
        assert_eq!(lines.iter().map(|line| line["expression_seconds"]["fear"].as_f64().unwrap()).sum::<f64>(), 25.0);
    }

    #[test]
    fn a_gap_counts_for_two_seconds_at_most() {
        let observations = [at(1000, &[(1, Emotion::Angry)]), at(31_000, &[])];
        let lines = lines(60, &observations.each_ref().map(View::Watching));
        assert_eq!(lines[0]["expression_seconds"]["angry"], 2.0);
        assert_eq!(lines[0]["seconds"], 30.0);
    }

    #[test]
    fn the_time_without_a_camera_is_counted_as_such() {
        let (before, after) = (at(106_000, &[(1, Emotion::Happy)]), at(108_500, &[]));
        let lost = View::CameraLost { reason: "unplugged" };
        // The clock says 107 s while the camera is lost.
        let lines = lines(60, &[View::Watching(&before), lost, lost, View::Watching(&after)]);
        assert_eq!(lines[0]["camera_lost_seconds"], 1.5);
        assert_eq!(lines[0]["expression_seconds"]["happy"], 1.0);
        assert_eq!(lines[0]["frames"], 2);
    }

    #[test]
    fn a_file_that_cannot_be_written_does_not_stop_the_counting() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("not yet there").join("statistics.jsonl");
        let mut statistics = open(file.clone(), 1);
        for second in 0..4 {
            statistics.show(View::Watching(&at(second * 1000, &[]))).unwrap();
        }
        std::fs::create_dir(file.parent().unwrap()).unwrap();
        statistics.show(View::Watching(&at(4000, &[]))).unwrap();
        drop(statistics);
        assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 1);
    }
}
