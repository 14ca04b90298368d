//! How the service is, for whoever asks while it runs. The outputs write it, `visaged status` reads it.
//!
//! What changes with every frame is a handful of atomic numbers. What changes when something breaks or is mended stands behind a lock that the picture's
//! way takes only then.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::classifier::Emotion;
use crate::frame::monotonic_now;
use crate::stopwatch::StageTimes;
use crate::tracker::Observation;
use crate::worker::Workers;

/// So long after a frame its rate and its faces are still told.
const FRESH: Duration = Duration::from_secs(2);

/// Over about so many frames the rate is a mean.
const RATE_FRAMES: f64 = 16.0;

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Works, or rests because somebody wanted it to.
    Ok,
    /// Does not do all that it should; it is tried again by itself.
    Degraded,
    /// Does not work, and nothing is tried: somebody must mend it.
    Failed,
}

/// A part of the service: the camera, an output, the database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// `camera`, `screen /dev/fb0`.
    pub name: String,
    /// How it is.
    pub state: State,
    /// Why, in one line; empty if there is nothing to say.
    pub reason: String,
    /// For how many seconds it has been so.
    pub for_s: f64,
}

/// Everything that is known at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Snapshot {
    pub version: String,
    pub uptime_s: f64,
    pub frames: u64,
    pub dropped: u64,
    /// Frames that are looked at, a second; 0 when none has come for 2 s.
    pub frames_per_second: f64,
    /// In view now.
    pub faces: u64,
    /// Of the largest face, as last seen.
    pub last_expression: Option<Emotion>,
    /// Of the processor, in °C; none where nobody measures it.
    pub temperature_c: Option<f64>,
    /// Whether the board runs slower than it could, for heat or for want of current; none where nobody knows (only a Raspberry Pi tells).
    pub throttled: Option<bool>,
    pub parts: Vec<Part>,
}

/// What a thread beside the picture's way tells of itself: since when it has been busy with one piece of work. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// Does `work`, and is busy meanwhile.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.store(nanoseconds(monotonic_now()).max(1), Relaxed);
        let result = work();
        self.0.store(0, Relaxed);
        result
    }

    /// For how long it has been busy with the same piece of work; nothing while it waits for some.
    pub fn busy_for(&self, now: Duration) -> Duration {
        match self.0.load(Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_nanos(nanoseconds(now).saturating_sub(since)),
        }
    }
}

/// The shared state; clones share it.
#[derive(Clone, Debug)]
pub struct Health(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    started: Duration,
    frames: AtomicU64,
    dropped: AtomicU64,
    faces: AtomicU64,
    /// 1 + the expression's number; 0: none yet.
    expression: AtomicU64,
    /// Nanoseconds on the frames' clock.
    last_frame: AtomicU64,
    /// Mean time between two frames in nanoseconds.
    period: AtomicU64,
    throttled: AtomicBool,
    flush: Arc<AtomicBool>,
    times: StageTimes,
    parts: Mutex<Vec<Entry>>,
    workers: Workers,
    /// Of the threads that must not hang, with their names.
    pulses: Mutex<Vec<(String, Pulse)>>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    state: State,
    reason: String,
    since: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self(Arc::new(Shared {
            started: monotonic_now(),
            frames: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            faces: AtomicU64::new(0),
            expression: AtomicU64::new(0),
            last_frame: AtomicU64::new(0),
            period: AtomicU64::new(0),
            throttled: AtomicBool::new(false),
            flush: Arc::default(),
            times: StageTimes::default(),
            parts: Mutex::default(),
            workers: Workers::default(),
            pulses: Mutex::default(),
        }))
    }
}

impl Health {
    /// A frame was looked at; only one thread may tell.
    pub fn saw(&self, observation: &Observation) {
        let shared = &self.0;
        shared.times.frame_is_done();
        let now = nanoseconds(observation.captured_at);
        let step = now.saturating_sub(shared.last_frame.swap(now, Relaxed));
        let period = shared.period.load(Relaxed);
        let mean = match period {
            // After a gap nothing is known but that there was one.
            _ if step > nanoseconds(FRESH) => 0.0,
            0 => step as f64,
            period => period as f64 + (step as f64 - period as f64) / RATE_FRAMES,
        };
        shared.period.store(mean as u64, Relaxed);
        shared.frames.fetch_add(1, Relaxed);
        shared.dropped.fetch_add(observation.dropped, Relaxed);
        shared.faces.store(observation.face_count() as u64, Relaxed);
        if let Some(face) = observation.main_face() {
            shared.expression.store(1 + face.expression as u64, Relaxed);
        }
    }

    /// A part is so; nothing happens if it was so before.
    pub fn tell(&self, name: &str, state: State, reason: &str) {
        let mut parts = self.parts();
        match parts.iter_mut().find(|part| part.name == name) {
            Some(part) if part.state == state => {
                if part.reason != reason {
                    reason.clone_into(&mut part.reason);
                }
            }
            Some(part) => {
                (part.state, part.since) = (state, monotonic_now());
                reason.clone_into(&mut part.reason);
            }
            None => parts.push(Entry { name: name.into(), state, reason: reason.into(), since: monotonic_now() }),
        }
    }

    /// Forgets all parts: another configuration has others.
    pub fn forget_parts(&self) {
        self.parts().clear();
        self.pulses().clear();
    }

    /// Starts the threads beside the main one, and knows whether one has panicked.
    pub fn workers(&self) -> &Workers {
        &self.0.workers
    }

    /// The pulse of a thread that must not hang; `name` is what the log calls it.
    pub fn pulse(&self, name: &str) -> Pulse {
        let pulse = Pulse::default();
        self.pulses().push((name.to_owned(), pulse.clone()));
        pulse
    }

    /// The name of a thread that has been busy with one piece of work for longer than `patience`.
    pub fn hung(&self, now: Duration, patience: Duration) -> Option<String> {
        self.pulses().iter().find(|(_, pulse)| pulse.busy_for(now) > patience).map(|(name, _)| name.clone())
    }

    /// The wish that what was counted be written now: set by a signal, taken by the statistics.
    pub fn flush_wish(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.flush)
    }

    /// How long the stages took.
    pub fn times(&self) -> &StageTimes {
        &self.0.times
    }

    /// Whether the board was throttled when it was last asked.
    pub fn is_throttled(&self) -> bool {
        self.0.throttled.load(Relaxed)
    }

    /// Asks the board whether it is throttled; takes about as long as reading a small file.
    pub fn ask_board(&self) {
        self.0.throttled.store(throttled() == Some(true), Relaxed);
    }

    /// What is known now.
    pub fn snapshot(&self) -> Snapshot {
        let shared = &self.0;
        let now = monotonic_now();
        let is_fresh = nanoseconds(now).saturating_sub(shared.last_frame.load(Relaxed)) < nanoseconds(FRESH);
        let period = shared.period.load(Relaxed) as f64;
        let seconds = |since: Duration| (now.saturating_sub(since).as_secs_f64() * 10.0).round() / 10.0;
        let part = |part: &Entry| Part {
            name: part.name.clone(),
            state: part.state,
            reason: part.reason.clone(),
            for_s: seconds(part.since),
        };
        Snapshot {
            version: env!("CARGO_PKG_VERSION").into(),
            uptime_s: seconds(shared.started),
            frames: shared.frames.load(Relaxed),
            dropped: shared.dropped.load(Relaxed),
            frames_per_second: if is_fresh && period > 0.0 { (1e10 / period).round() / 10.0 } else { 0.0 },
            faces: if is_fresh { shared.faces.load(Relaxed) } else { 0 },
            last_expression: (shared.expression.load(Relaxed) as usize).checked_sub(1).and_then(|n| Emotion::ALL.get(n).copied()),
            temperature_c: temperature(),
            throttled: throttled(),
            parts: self.parts().iter().map(part).collect(),
        }
    }

    fn pulses(&self) -> MutexGuard<'_, Vec<(String, Pulse)>> {
        self.0.pulses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn parts(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos() as u64
}

/// The kernel's first thermal zone, which is the processor on every Raspberry Pi.
fn temperature() -> Option<f64> {
    let text = std::fs::read_to_string("/sys/class/thermal/thermal_zone0/temp").ok()?;
    text.trim().parse::<i32>().ok().map(|thousandths| f64::from(thousandths) / 1000.0)
}

fn throttled() -> Option<bool> {
    is_throttled(&std::fs::read_to_string("/sys/devices/platform/soc/soc:firmware/get_throttled").ok()?)
}

/// The firmware's flags, in hexadecimal: bits 0 to 3 are under-voltage, capped frequency, throttled, soft temperature limit; what is above them is
/// history.
fn is_throttled(flags: &str) -> Option<bool> {
    let flags = flags.trim();
    u32::from_str_radix(flags.strip_prefix("0x").unwrap_or(flags), 16).ok().map(|flags| flags & 0b1110 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_in_its_state_since_the_change_and_not_since_it_was_last_told() {
        let health = Health::default();
        health.tell("camera", State::Ok, "");
        health.tell("camera", State::Degraded, "unplugged");
        let first = health.parts()[0].since;
        health.tell("camera", State::Degraded, "no such device");
        assert_eq!(health.parts()[0].since, first);
        assert_eq!(health.parts()[0].reason, "no such device");
        let snapshot = health.snapshot();
        assert_eq!((snapshot.parts.len(), snapshot.parts[0].state), (1, State::Degraded));
    }

    #[test]
    fn a_thread_hangs_when_one_piece_of_work_takes_too_long_and_not_when_it_waits_for_some() {
        let health = Health::default();
        let (display, patience) = (health.pulse("panel"), Duration::from_secs(30));
        let later = |seconds| monotonic_now() + Duration::from_secs(seconds);
        assert_eq!(health.hung(later(1000), patience), None);
        display.during(|| {
            // A slow bus, a card that stalls for 20 s.
            assert_eq!(health.hung(later(29), patience), None);
            assert_eq!(health.hung(later(31), patience).as_deref(), Some("panel"));
        });
        assert_eq!(health.hung(later(1000), patience), None);
        display.during(|| {
            health.forget_parts();
            assert_eq!(health.hung(later(1000), patience), None);
        });
    }

    #[test]
    fn the_frame_rate_is_that_of_the_last_second_or_so_and_falls_to_nothing_without_frames() {
        let health = Health::default();
        let now = monotonic_now();
        for step in 0..100 {
            let captured_at = now.saturating_sub(Duration::from_millis(50 * (100 - step)));
            health.saw(&Observation { captured_at, ..Observation::default() });
        }
        let snapshot = health.snapshot();
        assert!((snapshot.frames_per_second - 20.0).abs() < 0.2, "{}", snapshot.frames_per_second);
        assert_eq!((snapshot.frames, snapshot.last_expression), (100, None));
        health.saw(&Observation { captured_at: now.saturating_sub(Duration::from_secs(9)), ..Observation::default() });
        assert_eq!(health.snapshot().frames_per_second, 0.0);
    }

    #[test]
    fn the_board_is_throttled_by_what_holds_now_and_not_by_history() {
        // The Raspberry Pi documentation, `vcgencmd get_throttled`: bit 2 is throttled now, bit 18 has been.
        assert_eq!(is_throttled("0x4\n"), Some(true));
        assert_eq!(is_throttled("50004"), Some(true));
        assert_eq!(is_throttled("50000\n"), Some(false));
        assert_eq!(is_throttled("hot"), None);
    }
}
