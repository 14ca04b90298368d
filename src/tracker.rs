//! The same face over time: keeps identities, smooths probabilities per face and changes the shown expression only when another one clearly leads.
//!
//! Pure: time comes with the frames, and all constants are in seconds, so the result does not depend on the frame rate.

use std::time::Duration;

use crate::classifier::{Emotion, Probabilities};
use crate::config::TrackerConfig;
use crate::frame::{BoundingBox, Frame};

/// One face in one frame, as detector and classifier see it.
#[derive(Clone, Copy, Debug)]
pub struct ClassifiedFace {
    /// Where it is.
    pub bounding_box: BoundingBox,
    /// What it shows in this frame alone.
    pub probabilities: Probabilities,
}

/// A face that is followed from frame to frame.
#[derive(Clone, Copy, Debug)]
pub struct TrackedFace {
    /// The same number as long as it is the same face; never used again.
    pub id: u64,
    /// Where it was last found.
    pub bounding_box: BoundingBox,
    /// Smoothed over time.
    pub probabilities: Probabilities,
    /// What is shown for it: changes with hysteresis only, so it may lag behind `probabilities.top()`.
    pub expression: Emotion,
    /// Since when `expression` is shown.
    pub expression_since: Duration,
    /// When it was first found.
    pub first_seen: Duration,
    /// When it was last found; earlier than the observation's time while the detector misses it.
    pub last_seen: Duration,
}

impl TrackedFace {
    /// How sure the shown expression is: its smoothed probability, 0 to 1.
    pub fn confidence(&self) -> f32 {
        self.probabilities.of(self.expression)
    }
}

/// What there is to say about one frame.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// The frame's time.
    pub captured_at: Duration,
    /// The frame's width and height in pixels; the faces' boxes lie in it.
    pub image_size: (u32, u32),
    /// How many frames were passed over since the last observation.
    pub dropped: u64,
    /// The faces that are followed, in order of appearance.
    pub faces: Vec<TrackedFace>,
}

impl Observation {
    /// The face that matters most where only one can be shown: the largest, of equal ones the first seen.
    pub fn main_face(&self) -> Option<&TrackedFace> {
        self.faces.iter().rev().max_by_key(|face| face.bounding_box.area())
    }
}

/// Follows faces from frame to frame.
pub struct Tracker {
    config: TrackerConfig,
    next_id: u64,
    observation: Observation,
    /// Overlaps of known with found faces, best first; a buffer.
    pairs: Vec<Pair>,
    /// Which of the found faces are not yet assigned; a buffer.
    unassigned: Vec<bool>,
}

#[derive(Clone, Copy)]
struct Pair {
    overlap: f32,
    known: usize,
    found: usize,
}

impl Tracker {
    /// A tracker that knows no face yet.
    pub fn new(config: TrackerConfig) -> Self {
        Self { config, next_id: 1, observation: Observation::default(), pairs: Vec::new(), unassigned: Vec::new() }
    }

    /// Forgets all faces: after a time without pictures somebody else may stand in the same place.
    pub fn forget(&mut self) {
        self.observation.faces.clear();
    }

    /// Takes in what was found in `frame`, which must not be older than the one before.
    pub fn update(&mut self, frame: &Frame, found: &[ClassifiedFace]) -> &Observation {
        let now = frame.captured_at;
        self.observation.captured_at = now;
        self.observation.image_size = frame.image.dimensions();
        self.observation.dropped = frame.dropped;

        self.pair_up(found);
        for pair in &self.pairs {
            follow(&mut self.observation.faces[pair.known], &found[pair.found], now, &self.config);
        }
        // After pairing: at less than one frame in this time a face would be a new one in every frame.
        let forget_after = self.config.forget_after();
        self.observation.faces.retain(|face| now.saturating_sub(face.last_seen) <= forget_after);
        for (face, _) in found.iter().zip(&self.unassigned).filter(|(_, unassigned)| **unassigned) {
            self.observation.faces.push(TrackedFace {
                id: self.next_id,
                bounding_box: face.bounding_box,
                probabilities: face.probabilities,
                expression: face.probabilities.top(),
                expression_since: now,
                first_seen: now,
                last_seen: now,
            });
            self.next_id += 1;
        }
        &self.observation
    }

    /// Assigns found faces to known ones, one to one, best overlap first. (With the few faces of a picture the greedy way differs from the
    /// optimal assignment only where two faces overlap each other.)
    fn pair_up(&mut self, found: &[ClassifiedFace]) {
        self.pairs.clear();
        for (known, face) in self.observation.faces.iter().enumerate() {
            for (index, candidate) in found.iter().enumerate() {
                let overlap = face.bounding_box.iou(candidate.bounding_box);
                if f64::from(overlap) >= self.config.min_overlap {
                    self.pairs.push(Pair { overlap, known, found: index });
                }
            }
        }
        self.pairs.sort_unstable_by(|a, b| b.overlap.total_cmp(&a.overlap).then(a.known.cmp(&b.known)));
        self.unassigned.clear();
        self.unassigned.resize(found.len(), true);
        let mut kept = 0;
        for index in 0..self.pairs.len() {
            let pair = self.pairs[index];
            let known_is_free = self.pairs[..kept].iter().all(|earlier| earlier.known != pair.known);
            if known_is_free && std::mem::take(&mut self.unassigned[pair.found]) {
                self.pairs[kept] = pair;
                kept += 1;
            }
        }
        self.pairs.truncate(kept);
    }
}

/// Moves a known face to where it was found and mixes in what it shows now.
///
/// The share of the new probabilities is 1 − exp(−dt/τ): the step response of a first-order low pass, whatever the frame rate.
fn follow(face: &mut TrackedFace, found: &ClassifiedFace, now: Duration, config: &TrackerConfig) {
    let elapsed = now.saturating_sub(face.last_seen).as_secs_f64();
    let share = if config.smoothing_s > 0.0 { 1.0 - (-elapsed / config.smoothing_s).exp() } else { 1.0 };
    face.probabilities = face.probabilities.towards(&found.probabilities, share as f32);
    face.bounding_box = found.bounding_box;
    face.last_seen = now;

    let challenger = face.probabilities.top();
    if f64::from(face.probabilities.of(challenger) - face.confidence()) >= config.lead && challenger != face.expression {
        face.expression = challenger;
        face.expression_since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> TrackerConfig {
        TrackerConfig { smoothing_s: 0.5, lead: 0.1, forget_after_s: 1.0, min_overlap: 0.3 }
    }

    fn at(milliseconds: u64) -> Frame {
        Frame { captured_at: Duration::from_millis(milliseconds), ..Frame::default() }
    }

    fn face(x: u32, emotion: Emotion, probability: f32) -> ClassifiedFace {
        let mut values = [(1.0 - probability) / 6.0; 7];
        values[emotion as usize] = probability;
        ClassifiedFace {
            bounding_box: BoundingBox { x, y: 10, width: 50, height: 50 },
            probabilities: Probabilities::new(values).unwrap(),
        }
    }

    #[test]
    fn a_face_that_moves_keeps_its_identity() {
        let mut tracker = Tracker::new(config());
        let id = tracker.update(&at(0), &[face(10, Emotion::Happy, 0.9)]).faces[0].id;
        for step in 1..20 {
            let observation = tracker.update(&at(step * 66), &[face(10 + 8 * step as u32, Emotion::Happy, 0.9)]);
            assert_eq!(observation.faces.len(), 1);
            assert_eq!(observation.faces[0].id, id);
        }
    }

    #[test]
    fn two_faces_are_never_mixed_even_when_the_detector_changes_their_order() {
        let mut tracker = Tracker::new(config());
        let (left, right) = (face(0, Emotion::Happy, 0.9), face(100, Emotion::Sad, 0.9));
        tracker.update(&at(0), &[left, right]);
        for step in 1..10 {
            let faces = &tracker.update(&at(step * 66), &[right, left]).faces;
            assert_eq!([faces[0].expression, faces[1].expression], [Emotion::Happy, Emotion::Sad]);
            assert!(faces[0].confidence() > 0.89 && faces[1].confidence() > 0.89);
        }
    }

    #[test]
    fn each_known_face_takes_one_found_face_the_best_overlapping() {
        let mut tracker = Tracker::new(config());
        tracker.update(&at(0), &[face(0, Emotion::Happy, 0.9)]);
        let observation = tracker.update(&at(66), &[face(20, Emotion::Happy, 0.9), face(2, Emotion::Happy, 0.9)]);
        assert_eq!(observation.faces.iter().map(|face| (face.id, face.bounding_box.x)).collect::<Vec<_>>(), [(1, 2), (2, 20)]);
    }

    #[test]
    fn smoothing_follows_a_step_with_the_time_constant_at_any_frame_rate() {
        for milliseconds in [10, 50, 250] {
            let mut tracker = Tracker::new(config());
            tracker.update(&at(0), &[face(0, Emotion::Sad, 1.0)]);
            for step in 1..=500 / milliseconds {
                tracker.update(&at(step * milliseconds), &[face(0, Emotion::Happy, 1.0)]);
            }
            // After one time constant: 1 − 1/e.
            let happy = tracker.observation.faces[0].probabilities.of(Emotion::Happy);
            assert!((happy - 0.632).abs() < 0.001, "{happy} at {milliseconds} ms");
        }
    }

    #[test]
    fn the_shown_expression_does_not_flicker_between_two_that_are_nearly_equal() {
        let mut tracker = Tracker::new(config());
        tracker.update(&at(0), &[face(0, Emotion::Sad, 0.5)]);
        for step in 1..100 {
            let emotion = if step % 2 == 0 { Emotion::Sad } else { Emotion::Neutral };
            let observation = tracker.update(&at(step * 66), &[face(0, emotion, 0.5)]);
            assert_eq!(observation.faces[0].expression, Emotion::Sad);
            assert_eq!(observation.faces[0].expression_since, Duration::ZERO);
        }
    }

    #[test]
    fn the_shown_expression_changes_soon_after_the_face_does() {
        let mut tracker = Tracker::new(config());
        tracker.update(&at(0), &[face(0, Emotion::Neutral, 0.9)]);
        let changed = (1..).find(|step| {
            tracker.update(&at(step * 66), &[face(0, Emotion::Surprise, 0.9)]).faces[0].expression == Emotion::Surprise
        });
        // The two are equal after τ ln 2 = 0.35 s; the lead of 0.1 is there 0.06 s later.
        assert_eq!(changed, Some(7));
    }

    #[test]
    fn a_face_that_the_detector_misses_for_a_moment_is_the_same_face() {
        let mut tracker = Tracker::new(config());
        tracker.update(&at(0), &[face(0, Emotion::Happy, 0.9)]);
        assert_eq!(tracker.update(&at(500), &[]).faces.len(), 1);
        assert_eq!(tracker.update(&at(900), &[face(5, Emotion::Happy, 0.9)]).faces[0].id, 1);
        assert!(tracker.update(&at(2000), &[]).faces.is_empty());
        assert_eq!(tracker.update(&at(2066), &[face(5, Emotion::Happy, 0.9)]).faces[0].id, 2);
    }

    #[test]
    fn a_face_in_every_frame_stays_the_same_face_however_slow_the_frames_are() {
        let mut tracker = Tracker::new(config());
        for step in 0..4 {
            assert_eq!(tracker.update(&at(3000 * step), &[face(0, Emotion::Happy, 0.9)]).faces[0].id, 1);
        }
    }

    #[test]
    fn a_face_after_a_pause_without_pictures_is_another_face() {
        let mut tracker = Tracker::new(config());
        tracker.update(&at(0), &[face(0, Emotion::Happy, 0.9)]);
        tracker.forget();
        let faces = &tracker.update(&at(20_000), &[face(0, Emotion::Sad, 0.9)]).faces;
        assert_eq!(faces.iter().map(|face| (face.id, face.expression)).collect::<Vec<_>>(), [(2, Emotion::Sad)]);
    }

    #[test]
    fn the_main_face_is_the_largest_and_of_equal_ones_the_first() {
        let mut tracker = Tracker::new(config());
        let mut large = face(200, Emotion::Sad, 0.9);
        large.bounding_box.width = 80;
        assert_eq!(
            tracker.update(&at(0), &[face(0, Emotion::Happy, 0.9), face(100, Emotion::Fear, 0.9)]).main_face().unwrap().id,
            1
        );
        assert_eq!(tracker.update(&at(10), &[large]).main_face().unwrap().expression, Emotion::Sad);
    }
}
