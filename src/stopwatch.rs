//! How long the stages take. The pipeline reads no clock: who wants to know puts a stopwatch around its stages.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Result;
use image::GrayImage;

use crate::classifier::{EmotionClassifier, Probabilities};
use crate::detector::{Detection, FaceDetector};
use crate::frame::{BoundingBox, monotonic_now};

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Searching a frame everywhere.
    Detect,
    /// Searching it near the known faces only.
    DetectNear,
    /// The same in vain, or not worth it: the frame is searched everywhere then.
    DetectNearInVain,
    /// A look at one face: crop, resize, network.
    Classify,
}

/// A stage that tells how long it took, each time.
pub struct Timed<S, T> {
    /// The stage.
    pub stage: S,
    /// Is told.
    pub tell: T,
}

impl<T: FnMut(Step, Duration) + Send> FaceDetector for Timed<Box<dyn FaceDetector>, T> {
    fn detect(&mut self, image: &GrayImage) -> &[Detection] {
        let start = Instant::now();
        let found = self.stage.detect(image);
        (self.tell)(Step::Detect, start.elapsed());
        found
    }

    fn detect_near(&mut self, image: &GrayImage, known: &[BoundingBox]) -> Option<&[Detection]> {
        let start = Instant::now();
        let found = self.stage.detect_near(image, known);
        (self.tell)(if found.is_some() { Step::DetectNear } else { Step::DetectNearInVain }, start.elapsed());
        found
    }
}

impl<T: FnMut(Step, Duration) + Send> EmotionClassifier for Timed<Box<dyn EmotionClassifier>, T> {
    fn classify(&mut self, image: &GrayImage, face: BoundingBox) -> Result<Option<Probabilities>> {
        let start = Instant::now();
        let probabilities = self.stage.classify(image, face);
        (self.tell)(Step::Classify, start.elapsed());
        probabilities
    }

    fn set_mirrored(&mut self, mirrored: bool) {
        self.stage.set_mirrored(mirrored);
    }
}

/// The times of the running service, for whoever asks: nothing here waits or allocates.
#[derive(Debug, Default)]
pub struct StageTimes {
    /// As [`Step::Detect`].
    pub detect: Histogram,
    /// As [`Step::DetectNear`].
    pub detect_near: Histogram,
    /// As [`Step::Classify`].
    pub classify: Histogram,
    /// Whole frames, from the first stage to the faces with their labels.
    pub frame: Histogram,
    /// When the frame that is looked at was begun, in nanoseconds on the frames' clock; 0: none is.
    begun: AtomicU64,
    /// For how long it was searched in vain before it was searched everywhere, in nanoseconds.
    in_vain: AtomicU64,
}

impl StageTimes {
    /// A stage is over.
    pub fn tell(&self, step: Step, took: Duration) {
        let since = match step {
            Step::Detect => {
                self.detect.add(took);
                took + Duration::from_nanos(self.in_vain.swap(0, Relaxed))
            }
            Step::DetectNear => {
                self.detect_near.add(took);
                took
            }
            Step::DetectNearInVain => return self.in_vain.store(took.as_nanos() as u64, Relaxed),
            Step::Classify => return self.classify.add(took),
        };
        // A frame has one search that is not in vain, whatever comes after it.
        self.begun.store(monotonic_now().saturating_sub(since).as_nanos() as u64, Relaxed);
    }

    /// All stages of a frame are over.
    pub fn frame_is_done(&self) {
        let begun = Duration::from_nanos(self.begun.swap(0, Relaxed));
        if !begun.is_zero() {
            self.frame.add(monotonic_now().saturating_sub(begun));
        }
    }
}

/// Durations, counted by how long they were.
#[derive(Debug, Default)]
pub struct Histogram {
    /// How many fell between the bound before and their own.
    counts: [AtomicU64; Self::BOUNDS.len()],
    nanoseconds: AtomicU64,
}

impl Histogram {
    /// Upper bounds in seconds, each included: from a near search on a fast machine to a frame that nobody would wait for.
    pub const BOUNDS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, f64::INFINITY];

    /// Counts one.
    pub fn add(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let place = Self::BOUNDS.partition_point(|bound| *bound < seconds);
        self.counts[place].fetch_add(1, Relaxed);
        self.nanoseconds.fetch_add(time.as_nanos() as u64, Relaxed);
    }

    /// How many fell below each bound and above the one before, and their sum in seconds.
    pub fn read(&self) -> ([u64; Self::BOUNDS.len()], f64) {
        let counts = self.counts.each_ref().map(|count| count.load(Relaxed));
        (counts, self.nanoseconds.load(Relaxed) as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_below_the_first_bound_that_it_does_not_pass() {
        let histogram = Histogram::default();
        for milliseconds in [0, 1, 2, 3, 50, 51, 9000] {
            histogram.add(Duration::from_millis(milliseconds));
        }
        let (counts, sum) = histogram.read();
        assert_eq!(counts, [2, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1]);
        assert!((sum - 9.107).abs() < 1e-9, "{sum}");
    }

    #[test]
    fn a_frame_lasts_from_its_search_to_its_end_and_one_that_failed_is_not_counted_with_the_next() {
        let times = StageTimes::default();
        times.tell(Step::Detect, Duration::from_secs(3));
        // The classifier refused its result: nobody said that the frame is done.
        times.tell(Step::DetectNearInVain, Duration::from_millis(200));
        times.tell(Step::Detect, Duration::from_millis(400));
        times.tell(Step::Classify, Duration::from_millis(1));
        times.frame_is_done();
        times.frame_is_done();
        let (counts, sum) = times.frame.read();
        assert_eq!(counts.iter().sum::<u64>(), 1);
        assert!((0.6..2.0).contains(&sum), "{sum}");
        assert_eq!(times.detect.read().0.iter().sum::<u64>(), 2);
    }

    #[test]
    fn telling_a_time_allocates_nothing() {
        let times = StageTimes::default();
        let allocations = allocation_counter::measure(|| {
            times.tell(Step::Detect, Duration::from_millis(7));
            times.frame_is_done();
        });
        assert_eq!(allocations.count_total, 0);
    }
}
