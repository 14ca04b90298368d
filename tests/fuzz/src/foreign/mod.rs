//! Every place where visaged reads bytes that somebody else wrote, each as a function that looks at some bytes and must keep the limits, whatever they are.
//!
//! The fuzzer calls these functions with inputs that it grows (`make fuzz`), the ordinary tests with the seeds and a fixed number of mutants of them
//! (`tests/it/foreign_bytes.rs`).

mod cameras;
mod datasets;
mod files;
#[cfg(feature = "web")]
mod http;
mod models;
mod seeds;

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use visaged::commands::exit;

/// No input may take longer, on any machine.
const LONGEST: Duration = Duration::from_secs(1);

pub const MIB: u64 = 1 << 20;

/// A reader of foreign bytes.
pub struct Target {
    /// As on the command line.
    pub name: &'static str,
    look: fn(&[u8]),
    /// Inputs to begin with, good ones and some that are nearly good.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// The most memory that it may hold at any time, in bytes.
    memory: u64,
    /// The longest input that is worth trying, in bytes.
    pub longest: usize,
}

/// What reads what is documented in `docs/fuzzing.md`.
pub const TARGETS: &[&Target] = &[
    &CASCADE,
    &CONFIGURATION,
    &MJPEG,
    &CONVERTERS,
    &PICTURE,
    &Y4M,
    &MODEL,
    &IDX,
    &FER_CSV,
    &TIMETABLE,
    &STATUS,
    #[cfg(feature = "web")]
    &HTTP,
];

pub static CASCADE: Target =
    Target { name: "cascade", look: files::cascade, seeds: seeds::cascades, memory: 64 * MIB, longest: 16 << 10 };
pub static CONFIGURATION: Target = Target {
    name: "configuration",
    look: files::configuration,
    seeds: seeds::configurations,
    memory: 64 * MIB,
    longest: 16 << 10,
};
pub static MJPEG: Target =
    Target { name: "mjpeg", look: cameras::mjpeg, seeds: seeds::jpegs, memory: 64 * MIB, longest: 16 << 10 };
pub static CONVERTERS: Target =
    Target { name: "converters", look: cameras::converters, seeds: seeds::raw_pictures, memory: 64 * MIB, longest: 4 << 10 };
/// The owner names the files, so the limit is that of the decoder, for photographs of many megapixels, and as much again for the grey picture.
pub static PICTURE: Target =
    Target { name: "picture", look: cameras::picture, seeds: seeds::pictures, memory: 512 * MIB, longest: 16 << 10 };
/// The largest frame has just 64 MiB, and a buffer to read from comes with it.
pub static Y4M: Target = Target { name: "y4m", look: cameras::y4m, seeds: seeds::recordings, memory: 65 * MIB, longest: 4 << 10 };
pub static MODEL: Target =
    Target { name: "model", look: models::model, seeds: seeds::models, memory: 64 * MIB, longest: 1 << 20 };
pub static IDX: Target = Target { name: "idx", look: datasets::idx, seeds: seeds::idx, memory: 64 * MIB, longest: 8 << 10 };
pub static FER_CSV: Target =
    Target { name: "fer_csv", look: datasets::fer_csv, seeds: seeds::fer_csv, memory: 64 * MIB, longest: 32 << 10 };
pub static TIMETABLE: Target =
    Target { name: "timetable", look: datasets::timetable, seeds: seeds::timetables, memory: 64 * MIB, longest: 4 << 10 };
pub static STATUS: Target =
    Target { name: "status", look: files::status, seeds: seeds::answers, memory: 64 * MIB, longest: 4 << 10 };
/// What the server takes, in its own thread, is not counted.
#[cfg(feature = "web")]
pub static HTTP: Target = Target { name: "http", look: http::http, seeds: seeds::requests, memory: 64 * MIB, longest: 16 << 10 };

/// What an input cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Of the processor, whatever else runs on it.
    pub time: Duration,
    /// The most memory that was held at any time, in bytes.
    pub memory: u64,
}

impl Target {
    /// Looks at an input.
    ///
    /// # Panics
    /// If that takes too long or too much memory, or something else goes wrong that may not.
    pub fn look(&self, bytes: &[u8]) -> Cost {
        let start = processor_time();
        let memory = allocation_counter::measure(|| (self.look)(bytes)).bytes_max;
        let cost = Cost { time: processor_time().saturating_sub(start), memory };
        // tests/cross.sh sets it: emulated code is ten to thirty times slower.
        let longest = if std::env::var_os("VISAGED_EMULATED").is_some() { 60 * LONGEST } else { LONGEST };
        assert!(cost.time <= longest, "{} bytes took {:?}", bytes.len(), cost.time);
        assert!(cost.memory <= self.memory, "{} bytes took {} MiB of memory", bytes.len(), cost.memory / MIB);
        cost
    }
}

/// That this thread has used.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// What the program says when it refuses an input: one line of some length, which nothing in a terminal obeys.
fn refusal(error: impl Into<anyhow::Error>) -> String {
    let line = exit::one_line(&error.into());
    assert!(!line.is_empty() && line.chars().count() <= 1001 && !line.chars().any(char::is_control), "{line:?}");
    line
}
