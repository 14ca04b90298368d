//! Numbers about each interval: how long which expression was shown, how many faces and frames. Nothing here can be led back to a person.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use serde::Serialize;

use super::{Output, View};
use crate::classifier::Emotion;
use crate::config::StatisticsConfig;
use crate::frame::monotonic_now;

/// What was shown last is credited with the time until the next observation, but never with more than this: after a longer gap nobody knows.
const LONGEST_STEP: Duration = Duration::from_secs(2);

/// Counts, and writes one log line, and one JSON line if so configured, per interval. The interval is measured by the observations' times.
pub struct Statistics {
    file: PathBuf,
    interval: Duration,
    clocks: Clocks,
    /// Begin of the interval, and the time of the last view.
    span: Option<(Duration, Duration)>,
    counts: Counts,
    /// What the last view showed: faces per expression, and whether the camera was lost.
    shown: [u32; 7],
    camera_lost: bool,
    /// Highest face number so far; numbers grow and are never used again.
    last_face: u64,
    file_fails: bool,
}

/// Where time comes from; a test brings its own.
#[derive(Clone, Copy)]
pub struct Clocks {
    /// The date and time that a line is stamped with.
    pub wall: fn() -> SystemTime,
    /// The clock that frames are stamped with; asked only while there are none.
    pub monotonic: fn() -> Duration,
}

#[derive(Default)]
struct Counts {
    frames: u64,
    dropped: u64,
    faces: u64,
    camera_lost: Duration,
    expressions: [Duration; 7],
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

impl Statistics {
    /// Begins to count. A file that cannot be written is reported and tried again at the end of each interval.
    pub fn open(config: &StatisticsConfig) -> Self {
        Self::with_clocks(config, Clocks { wall: SystemTime::now, monotonic: monotonic_now })
    }

    /// As [`open`](Self::open), with other clocks.
    pub fn with_clocks(config: &StatisticsConfig, clocks: Clocks) -> Self {
        let mut statistics = Self {
            file: config.file.clone(),
            interval: Duration::from_secs(config.interval_s.into()),
            clocks,
            span: None,
            counts: Counts::default(),
            shown: [0; 7],
            camera_lost: false,
            last_face: 0,
            file_fails: false,
        };
        // An owner wants to hear of a wrong path now, not in a minute.
        statistics.append_to_file("");
        statistics
    }

    /// Credits what was shown since the last view, up to `now`.
    fn advance(&mut self, now: Duration) {
        let (begin, last) = self.span.unwrap_or((now, now));
        let step = now.saturating_sub(last).min(LONGEST_STEP);
        for (time, faces) in self.counts.expressions.iter_mut().zip(self.shown) {
            *time += step * faces;
        }
        if self.camera_lost {
            self.counts.camera_lost += step;
        }
        self.span = Some((begin, now.max(last)));
    }

    /// Writes what was counted and begins a new interval.
    fn report(&mut self) {
        let Some((begin, end)) = self.span else { return };
        let counts = std::mem::take(&mut self.counts);
        let length = end - begin;
        self.span = Some((end, end));
        log::info!("{}", in_words(&counts, length));
        let line = Line {
            time: timestamp((self.clocks.wall)()),
            seconds: rounded(length),
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

impl Output for Statistics {
    fn name(&self) -> &str {
        "statistics"
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        let now = match view {
            View::Watching(observation) => observation.captured_at,
            View::Starting | View::CameraLost { .. } | View::Covered | View::Paused => (self.clocks.monotonic)(),
        };
        self.advance(now);
        if self.span.is_some_and(|(begin, end)| end - begin >= self.interval) {
            self.report();
        }
        self.shown = [0; 7];
        self.camera_lost = matches!(view, View::CameraLost { .. });
        if let View::Watching(observation) = view {
            self.counts.frames += 1;
            self.counts.dropped += observation.dropped;
            for face in &observation.faces {
                self.shown[face.expression as usize] += 1;
                if face.id > self.last_face {
                    self.last_face = face.id;
                    self.counts.faces += 1;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Statistics {
    fn drop(&mut self) {
        if self.span.is_some_and(|(begin, end)| end > begin) {
            self.report();
        }
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
    use crate::classifier::Probabilities;
    use crate::frame::BoundingBox;
    use crate::tracker::{Observation, TrackedFace};

    const CLOCKS: Clocks = Clocks {
        // `date -u -d @1772357400`: 2026-03-01 09:30:00.
        wall: || SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_357_400),
        monotonic: || Duration::from_secs(107),
    };

    fn at(milliseconds: u64, faces: &[(u64, Emotion)]) -> Observation {
        let face = |&(id, expression): &(u64, Emotion)| TrackedFace {
            id,
            bounding_box: BoundingBox::default(),
            probabilities: Probabilities::new([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]).unwrap(),
            expression,
            expression_since: Duration::ZERO,
            first_seen: Duration::ZERO,
            last_seen: Duration::ZERO,
        };
        Observation {
            captured_at: Duration::from_millis(milliseconds),
            dropped: 1,
            faces: faces.iter().map(face).collect(),
            ..Observation::default()
        }
    }

    /// What stands in the file after these observations and the end.
    fn lines(interval_s: u32, views: &[View<'_>]) -> Vec<serde_json::Value> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("statistics.jsonl");
        let mut statistics = Statistics::with_clocks(&StatisticsConfig { file: file.clone(), interval_s }, CLOCKS);
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
        let mut statistics = Statistics::with_clocks(&StatisticsConfig { file: file.clone(), interval_s: 1 }, CLOCKS);
        for second in 0..4 {
            statistics.show(View::Watching(&at(second * 1000, &[]))).unwrap();
        }
        std::fs::create_dir(file.parent().unwrap()).unwrap();
        statistics.show(View::Watching(&at(4000, &[]))).unwrap();
        drop(statistics);
        assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 1);
    }

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
