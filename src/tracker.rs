//! The same face over time: keeps identities, smooths probabilities per face and changes the shown expression only when another one clearly leads.
//!
//! Pure: time comes with the frames, and all constants are in seconds, so the result does not depend on the frame rate.

use std::time::Duration;

use anyhow::Result;

use crate::classifier::{Emotion, Probabilities};
use crate::config::TrackerConfig;
use crate::frame::{BoundingBox, Frame};
use crate::outline::Outline;

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
    /// The faces that are followed, in order of appearance; none where they are only counted.
    pub faces: Vec<TrackedFace>,
    /// Where expressions are not to be named: how many faces there are.
    pub counted: Option<Counted>,
    /// The frame's outlines, if somebody wants to show them.
    pub outline: Outline,
}

/// Faces of which nothing is known but that they are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many are followed.
    pub in_view: u32,
    /// How many of them were not in the observation before.
    pub new: u32,
}

impl Observation {
    /// The face that matters most where only one can be shown: the largest, of equal ones the first seen.
    pub fn main_face(&self) -> Option<&TrackedFace> {
        self.faces.iter().rev().max_by_key(|face| face.bounding_box.area())
    }

    /// How many faces there are, named or only counted.
    pub fn face_count(&self) -> usize {
        self.counted.map_or(self.faces.len(), |counted| counted.in_view as usize)
    }
}

/// So old the newest look at a face's expression may become, as long as the frames come faster. With several faces they are looked at in turn.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Follows faces from frame to frame.
pub struct Tracker {
    config: TrackerConfig,
    next_id: u64,
    observation: Observation,
    /// The faces of the observation, and those that are not yet announced, in order of appearance.
    tracks: Vec<Track>,
    /// Where the faces were found in the last frame; nothing if one was not, or is not announced yet.
    in_sight: Vec<BoundingBox>,
    /// Overlaps of known with found faces, best first; a buffer.
    pairs: Vec<Pair>,
    /// For each found face the known one, and what it shows if that was looked at; a buffer.
    looks: Vec<Look>,
}

/// A face that is followed.
#[derive(Clone, Copy)]
struct Track {
    /// Its `id` is 0 until it is announced.
    face: TrackedFace,
    /// When its expression was last looked at.
    looked_at: Duration,
}

#[derive(Clone, Copy)]
struct Pair {
    overlap: f32,
    known: usize,
    found: usize,
}

#[derive(Clone, Copy, Default)]
struct Look {
    known: Option<usize>,
    looked: bool,
    /// None before the look, and if it was no face that was found.
    shows: Option<Probabilities>,
}

impl Tracker {
    /// A tracker that knows no face yet.
    pub fn new(config: TrackerConfig) -> Self {
        Self {
            config,
            next_id: 1,
            observation: Observation::default(),
            tracks: Vec::new(),
            in_sight: Vec::new(),
            pairs: Vec::new(),
            looks: Vec::new(),
        }
    }

    /// Forgets all faces: after a time without pictures somebody else may stand in the same place.
    pub fn forget(&mut self) {
        self.tracks.clear();
        self.in_sight.clear();
        self.observation.faces.clear();
    }

    /// Where the outlines of the next observation are put.
    pub fn outline_mut(&mut self) -> &mut Outline {
        &mut self.observation.outline
    }

    /// Where the known faces were in the last frame. Nothing if one of them was not found there, so that it must be looked for everywhere, and nothing
    /// while one is not announced yet: a detector is easily satisfied near a known face, and must not be when it is asked whether there is one.
    pub fn in_sight(&self) -> &[BoundingBox] {
        &self.in_sight
    }

    /// Takes in where faces were found in `frame`, which must not be older than the one before. What they show is asked of `look`: of a new face at
    /// once; of the known ones in turn, as many in each frame as it takes for each to be looked at every 0.2 s (one alone: in every frame). `None` is the
    /// answer for what is no face; it counts as not found.
    ///
    /// # Errors
    /// The first of `look`; the frame then counts for nothing.
    pub fn update(
        &mut self,
        frame: &Frame,
        found: &[BoundingBox],
        mut look: impl FnMut(BoundingBox) -> Result<Option<Probabilities>>,
    ) -> Result<&Observation> {
        let now = frame.captured_at;
        self.pair_up(found);
        let mut turns = self.turns(now, found.len());
        while let Some(index) = self.next_to_look_at(&mut turns) {
            self.looks[index].shows = look(found[index])?;
            self.looks[index].looked = true;
        }

        for (look, &place) in self.looks.iter().zip(found) {
            let no_face = look.looked && look.shows.is_none();
            if let Some(known) = look.known
                && !no_face
            {
                self.tracks[known].follow(place, look.shows, now, &self.config);
            }
        }
        // After pairing: at less than one frame in this time a face would be a new one in every frame. One that was never announced and is not seen
        // again at once was none.
        let forget_after = self.config.forget_after();
        self.tracks.retain(|Track { face, .. }| {
            now.saturating_sub(face.last_seen) <= if face.id == 0 { Duration::ZERO } else { forget_after }
        });
        for (look, &place) in self.looks.iter().zip(found) {
            if let (None, Some(probabilities)) = (look.known, look.shows) {
                self.tracks.push(Track::new(place, probabilities, now));
            }
        }
        self.announce(frame);
        Ok(&self.observation)
    }

    /// Fills the observation, and `in_sight`.
    fn announce(&mut self, frame: &Frame) {
        let now = frame.captured_at;
        self.observation.captured_at = now;
        self.observation.image_size = frame.image.dimensions();
        self.observation.dropped = frame.dropped;
        self.observation.faces.clear();
        self.in_sight.clear();
        for Track { face, .. } in &mut self.tracks {
            if face.id == 0 && now.saturating_sub(face.first_seen) >= self.config.announce_after() {
                face.id = self.next_id;
                self.next_id += 1;
                // What it showed before nobody saw.
                face.expression = face.probabilities.top();
                face.expression_since = now;
            }
            if face.id != 0 {
                self.observation.faces.push(*face);
            }
            self.in_sight.push(face.bounding_box);
        }
        if self.tracks.iter().any(|track| track.face.last_seen < now || track.face.id == 0) {
            self.in_sight.clear();
        }
    }

    /// Of how many known faces the expression is looked at in this frame.
    fn turns(&self, now: Duration, found: usize) -> usize {
        let elapsed = now.saturating_sub(self.observation.captured_at);
        let share = elapsed.as_secs_f64() / LOOK_EVERY.as_secs_f64();
        ((share.min(1.0) * found as f64).ceil() as usize).max(1)
    }

    /// A new face, else the known one that was not looked at for longest.
    fn next_to_look_at(&self, turns: &mut usize) -> Option<usize> {
        let waiting = || self.looks.iter().enumerate().filter(|(_, look)| !look.looked);
        if let Some((index, _)) = waiting().find(|(_, look)| look.known.is_none()) {
            return Some(index);
        }
        *turns = turns.checked_sub(1)?;
        let known = waiting().filter_map(|(index, look)| Some((self.tracks[look.known?].looked_at, index)));
        known.min().map(|(_, index)| index)
    }

    /// Assigns found faces to known ones, one to one, best overlap first. (With the few faces of a picture the greedy way differs from the
    /// optimal assignment only where two faces overlap each other.)
    fn pair_up(&mut self, found: &[BoundingBox]) {
        let Self { tracks, pairs, looks, config, .. } = self;
        pairs.clear();
        for (known, Track { face, .. }) in tracks.iter().enumerate() {
            for (index, candidate) in found.iter().enumerate() {
                let overlap = face.bounding_box.iou(*candidate);
                if f64::from(overlap) >= config.min_overlap {
                    pairs.push(Pair { overlap, known, found: index });
                }
            }
        }
        pairs.sort_unstable_by(|a, b| b.overlap.total_cmp(&a.overlap).then(a.known.cmp(&b.known)));
        looks.clear();
        looks.resize(found.len(), Look::default());
        for pair in pairs {
            let is_free = looks.iter().all(|look| look.known != Some(pair.known));
            if is_free && looks[pair.found].known.is_none() {
                looks[pair.found].known = Some(pair.known);
            }
        }
    }
}

impl Track {
    fn new(place: BoundingBox, probabilities: Probabilities, now: Duration) -> Self {
        let face = TrackedFace {
            id: 0,
            bounding_box: place,
            probabilities,
            expression: probabilities.top(),
            expression_since: now,
            first_seen: now,
            last_seen: now,
        };
        Self { face, looked_at: now }
    }

    /// Moves a known face to where it was found and mixes in what it shows now, if that was looked at.
    ///
    /// The share of the new probabilities is 1 − exp(−dt/τ), with the time since the last look: the step response of a first-order low pass, whatever
    /// the frame rate.
    fn follow(&mut self, place: BoundingBox, shows: Option<Probabilities>, now: Duration, config: &TrackerConfig) {
        let Self { face, looked_at } = self;
        face.bounding_box = place;
        face.last_seen = now;
        let Some(shows) = shows else { return };
        let elapsed = now.saturating_sub(*looked_at).as_secs_f64();
        let share = if config.smoothing_s > 0.0 { 1.0 - (-elapsed / config.smoothing_s).exp() } else { 1.0 };
        face.probabilities = face.probabilities.towards(&shows, share as f32);
        *looked_at = now;

        let challenger = face.probabilities.top();
        if f64::from(face.probabilities.of(challenger) - face.confidence()) >= config.lead && challenger != face.expression {
            face.expression = challenger;
            face.expression_since = now;
        }
    }
}

#[cfg(test)]
impl TrackedFace {
    /// A face that shows `expression`, as surely as `confidence` (0 to 1; the other six share the rest), of no size, at time 0.
    pub(crate) fn showing(id: u64, expression: Emotion, confidence: f32) -> Self {
        let mut values = [(1.0 - confidence) / 6.0; 7];
        values[expression as usize] = confidence;
        Self {
            id,
            bounding_box: BoundingBox::default(),
            probabilities: Probabilities::new(values).expect("a share of 1"),
            expression,
            expression_since: Duration::ZERO,
            first_seen: Duration::ZERO,
            last_seen: Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> TrackerConfig {
        TrackerConfig { smoothing_s: 0.5, announce_after_s: 0.0, lead: 0.1, forget_after_s: 1.0, min_overlap: 0.3 }
    }

    fn at(milliseconds: u64) -> Frame {
        Frame { captured_at: Duration::from_millis(milliseconds), ..Frame::default() }
    }

    /// A face in a frame, and what it shows there.
    #[derive(Clone, Copy)]
    struct Shown {
        place: BoundingBox,
        probabilities: Probabilities,
    }

    /// An update with faces that show this, each as often as it is looked at.
    fn update<'a>(tracker: &'a mut Tracker, frame: &Frame, faces: &[Shown]) -> &'a Observation {
        let places: Vec<_> = faces.iter().map(|face| face.place).collect();
        let look = |place| Ok(Some(faces.iter().find(|face| face.place == place).expect("a face that was found").probabilities));
        tracker.update(frame, &places, look).unwrap()
    }

    fn face(x: u32, emotion: Emotion, probability: f32) -> Shown {
        let mut values = [(1.0 - probability) / 6.0; 7];
        values[emotion as usize] = probability;
        Shown { place: BoundingBox { x, y: 10, width: 50, height: 50 }, probabilities: Probabilities::new(values).unwrap() }
    }

    #[test]
    fn a_face_that_moves_keeps_its_identity() {
        let mut tracker = Tracker::new(config());
        let id = update(&mut tracker, &at(0), &[face(10, Emotion::Happy, 0.9)]).faces[0].id;
        for step in 1..20 {
            let observation = update(&mut tracker, &at(step * 66), &[face(10 + 8 * step as u32, Emotion::Happy, 0.9)]);
            assert_eq!(observation.faces.len(), 1);
            assert_eq!(observation.faces[0].id, id);
        }
    }

    #[test]
    fn what_the_classifier_takes_for_no_face_is_none() {
        let mut tracker = Tracker::new(config());
        let place = face(10, Emotion::Happy, 0.9).place;
        assert!(tracker.update(&at(0), &[place], |_| Ok(None)).unwrap().faces.is_empty());
        // A known face that is not recognised in one frame counts as not found there.
        let seen = update(&mut tracker, &at(66), &[face(10, Emotion::Happy, 0.9)]).faces[0];
        let unseen = tracker.update(&at(132), &[place], |_| Ok(None)).unwrap().faces[0];
        assert_eq!((unseen.id, unseen.last_seen), (seen.id, seen.last_seen));
        assert!(tracker.in_sight().is_empty());
    }

    #[test]
    fn two_faces_are_never_mixed_even_when_the_detector_changes_their_order() {
        let mut tracker = Tracker::new(config());
        let (left, right) = (face(0, Emotion::Happy, 0.9), face(100, Emotion::Sad, 0.9));
        update(&mut tracker, &at(0), &[left, right]);
        for step in 1..10 {
            let faces = &update(&mut tracker, &at(step * 66), &[right, left]).faces;
            assert_eq!([faces[0].expression, faces[1].expression], [Emotion::Happy, Emotion::Sad]);
            assert!(faces[0].confidence() > 0.89 && faces[1].confidence() > 0.89);
        }
    }

    #[test]
    fn each_known_face_takes_one_found_face_the_best_overlapping() {
        let mut tracker = Tracker::new(config());
        update(&mut tracker, &at(0), &[face(0, Emotion::Happy, 0.9)]);
        let observation = update(&mut tracker, &at(66), &[face(20, Emotion::Happy, 0.9), face(2, Emotion::Happy, 0.9)]);
        assert_eq!(observation.faces.iter().map(|face| (face.id, face.bounding_box.x)).collect::<Vec<_>>(), [(1, 2), (2, 20)]);
    }

    #[test]
    fn smoothing_follows_a_step_with_the_time_constant_at_any_frame_rate() {
        for milliseconds in [10, 50, 250] {
            let mut tracker = Tracker::new(config());
            update(&mut tracker, &at(0), &[face(0, Emotion::Sad, 1.0)]);
            for step in 1..=500 / milliseconds {
                update(&mut tracker, &at(step * milliseconds), &[face(0, Emotion::Happy, 1.0)]);
            }
            // After one time constant: 1 − 1/e.
            let happy = tracker.observation.faces[0].probabilities.of(Emotion::Happy);
            assert!((happy - 0.632).abs() < 0.001, "{happy} at {milliseconds} ms");
        }
    }

    #[test]
    fn the_shown_expression_does_not_flicker_between_two_that_are_nearly_equal() {
        let mut tracker = Tracker::new(config());
        update(&mut tracker, &at(0), &[face(0, Emotion::Sad, 0.5)]);
        for step in 1..100 {
            let emotion = if step % 2 == 0 { Emotion::Sad } else { Emotion::Neutral };
            let observation = update(&mut tracker, &at(step * 66), &[face(0, emotion, 0.5)]);
            assert_eq!(observation.faces[0].expression, Emotion::Sad);
            assert_eq!(observation.faces[0].expression_since, Duration::ZERO);
        }
    }

    #[test]
    fn the_shown_expression_changes_soon_after_the_face_does() {
        let mut tracker = Tracker::new(config());
        update(&mut tracker, &at(0), &[face(0, Emotion::Neutral, 0.9)]);
        let changed = (1..).find(|step| {
            update(&mut tracker, &at(step * 66), &[face(0, Emotion::Surprise, 0.9)]).faces[0].expression == Emotion::Surprise
        });
        // The two are equal after τ ln 2 = 0.35 s; the lead of 0.1 is there 0.06 s later.
        assert_eq!(changed, Some(7));
    }

    #[test]
    fn a_face_that_the_detector_misses_for_a_moment_is_the_same_face() {
        let mut tracker = Tracker::new(config());
        update(&mut tracker, &at(0), &[face(0, Emotion::Happy, 0.9)]);
        assert_eq!(update(&mut tracker, &at(500), &[]).faces.len(), 1);
        assert_eq!(update(&mut tracker, &at(900), &[face(5, Emotion::Happy, 0.9)]).faces[0].id, 1);
        assert!(update(&mut tracker, &at(2000), &[]).faces.is_empty());
        assert_eq!(update(&mut tracker, &at(2066), &[face(5, Emotion::Happy, 0.9)]).faces[0].id, 2);
    }

    #[test]
    fn a_face_in_every_frame_stays_the_same_face_however_slow_the_frames_are() {
        let mut tracker = Tracker::new(config());
        for step in 0..4 {
            assert_eq!(update(&mut tracker, &at(3000 * step), &[face(0, Emotion::Happy, 0.9)]).faces[0].id, 1);
        }
    }

    #[test]
    fn a_face_after_a_pause_without_pictures_is_another_face() {
        let mut tracker = Tracker::new(config());
        update(&mut tracker, &at(0), &[face(0, Emotion::Happy, 0.9)]);
        tracker.forget();
        let faces = &update(&mut tracker, &at(20_000), &[face(0, Emotion::Sad, 0.9)]).faces;
        assert_eq!(faces.iter().map(|face| (face.id, face.expression)).collect::<Vec<_>>(), [(2, Emotion::Sad)]);
    }

    #[test]
    fn the_main_face_is_the_largest_and_of_equal_ones_the_first() {
        let mut tracker = Tracker::new(config());
        let mut large = face(200, Emotion::Sad, 0.9);
        large.place.width = 80;
        assert_eq!(
            update(&mut tracker, &at(0), &[face(0, Emotion::Happy, 0.9), face(100, Emotion::Fear, 0.9)]).main_face().unwrap().id,
            1
        );
        assert_eq!(update(&mut tracker, &at(10), &[large]).main_face().unwrap().expression, Emotion::Sad);
    }

    #[test]
    fn a_face_is_announced_when_it_was_in_sight_for_a_while() {
        let mut tracker = Tracker::new(TrackerConfig { announce_after_s: 0.1, ..config() });
        let happy = [face(0, Emotion::Happy, 0.9)];
        assert!(update(&mut tracker, &at(0), &happy).faces.is_empty());
        assert!(update(&mut tracker, &at(66), &happy).faces.is_empty());
        let announced = update(&mut tracker, &at(133), &happy).faces[0];
        assert_eq!((announced.id, announced.first_seen), (1, Duration::ZERO));
        assert_eq!(announced.expression_since, Duration::from_millis(133));
    }

    #[test]
    fn a_face_of_a_moment_is_never_announced() {
        let mut tracker = Tracker::new(TrackerConfig { announce_after_s: 0.1, ..config() });
        for step in 0..50 {
            // In two of three frames.
            let faces = &[face(0, Emotion::Happy, 0.9)][..usize::from(step % 3 != 2)];
            assert!(update(&mut tracker, &at(66 * step), faces).faces.is_empty());
        }
        // The number is for the first that is.
        for step in 50..53 {
            update(&mut tracker, &at(66 * step), &[face(0, Emotion::Happy, 0.9)]);
        }
        assert_eq!(tracker.observation.faces[0].id, 1);
    }

    #[test]
    fn one_face_is_looked_at_in_every_frame_and_eight_in_turn_within_a_fifth_of_a_second() {
        for (count, per_frame) in [(1, 1), (2, 1), (8, 3)] {
            let faces: Vec<_> = (0..count).map(|index| face(60 * index, Emotion::Happy, 0.9).place).collect();
            let mut tracker = Tracker::new(config());
            let mut looked_at = vec![0; count as usize];
            for step in 0..60 {
                let mut looks = 0;
                let shown = |place: BoundingBox| {
                    looked_at[place.x as usize / 60] = step;
                    looks += 1;
                    Ok(Some(face(0, Emotion::Happy, 0.9).probabilities))
                };
                tracker.update(&at(66 * step), &faces, shown).unwrap();
                assert_eq!(looks, if step == 0 { count } else { per_frame });
                assert!(looked_at.iter().all(|last| 66 * (step - last) < 200), "{looked_at:?} at {step}");
            }
        }
    }

    #[test]
    fn a_face_that_cannot_be_looked_at_leaves_everything_as_it_was() {
        let mut tracker = Tracker::new(config());
        update(&mut tracker, &at(0), &[face(0, Emotion::Happy, 0.9)]);
        let places = [face(5, Emotion::Happy, 0.9).place];
        assert!(tracker.update(&at(66), &places, |_| anyhow::bail!("no probabilities")).is_err());
        assert_eq!(tracker.observation.captured_at, Duration::ZERO);
        assert_eq!(tracker.in_sight(), [face(0, Emotion::Happy, 0.9).place]);
    }

    #[test]
    fn where_to_look_is_not_said_while_a_face_is_lost() {
        let mut tracker = Tracker::new(config());
        let (left, right) = (face(0, Emotion::Happy, 0.9), face(100, Emotion::Sad, 0.9));
        update(&mut tracker, &at(0), &[left, right]);
        assert_eq!(tracker.in_sight(), [left.place, right.place]);
        update(&mut tracker, &at(66), &[right]);
        assert_eq!(tracker.in_sight(), []);
        update(&mut tracker, &at(1133), &[right]);
        assert_eq!(tracker.in_sight(), [right.place]);
    }
}
