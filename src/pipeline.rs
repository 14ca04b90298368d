//! One frame's way: detect → classify → track. No threads, no clock.

use std::time::Duration;

use anyhow::Result;

use crate::classifier::{EmotionClassifier, Probabilities};
use crate::config::TrackerConfig;
use crate::detector::FaceDetector;
use crate::frame::{BoundingBox, Frame};
use crate::health::Health;
use crate::outline::Outliner;
use crate::stopwatch::Timed;
use crate::tracker::{Counted, Observation, Tracker};

/// So often the whole picture is searched although all known faces are in their places. With the time until a face is announced and the two frames
/// lost to rounding, a new face at 15 frames/s has its label within half a second.
const SEARCH_EVERYWHERE_EVERY: Duration = Duration::from_millis(300);

/// The golden ratio's fraction times 2⁶⁴.
const GOLDEN_RATIO: u64 = 0x9E37_79B9_7F4A_7C15;

/// The stages between a picture and what is shown.
pub struct Pipeline {
    detector: Box<dyn FaceDetector>,
    /// None where faces are only counted.
    classifier: Option<Box<dyn EmotionClassifier>>,
    tracker: Tracker,
    found: Vec<BoundingBox>,
    /// The time and the size of the last frame that was searched everywhere.
    searched: Option<(Duration, (u32, u32))>,
    outliner: Option<Outliner>,
    /// How many frames were looked at.
    looks: u64,
    /// What is told where faces are only counted, and the highest number of a face that was.
    counted: (Observation, u64),
}

impl Pipeline {
    /// Joins the stages; the tracker knows no face yet.
    pub fn new(detector: Box<dyn FaceDetector>, classifier: Box<dyn EmotionClassifier>, tracker: TrackerConfig) -> Self {
        Self { classifier: Some(classifier), ..Self::counting(detector, tracker) }
    }

    /// Without a classifier faces are counted, and nothing else is known about them.
    pub fn counting(detector: Box<dyn FaceDetector>, tracker: TrackerConfig) -> Self {
        let (tracker, counted) = (Tracker::new(tracker), Default::default());
        Self { detector, classifier: None, tracker, found: Vec::new(), searched: None, outliner: None, looks: 0, counted }
    }

    /// Has `health` told how long the stages take.
    pub fn with_stopwatch(self, health: &Health) -> Self {
        let told = || {
            let health = health.clone();
            move |step, took| health.times().tell(step, took)
        };
        let detector = Box::new(Timed { stage: self.detector, tell: told() });
        let classifier = self.classifier.map(|stage| Box::new(Timed { stage, tell: told() }) as Box<dyn EmotionClassifier>);
        Self { detector, classifier, ..self }
    }

    /// Puts the frame's outlines into every observation, unless faces are only counted.
    pub fn with_outlines(self) -> Self {
        Self { outliner: Some(Outliner::default()), ..self }
    }

    /// Forgets the faces of earlier frames, when there was no picture for a while.
    pub fn forget_faces(&mut self) {
        self.tracker.forget();
    }

    /// Looks at one frame. Frames must come in the order of their time.
    ///
    /// # Errors
    /// If the classifier refuses a result; the frame then counts for nothing.
    pub fn process(&mut self, frame: &Frame) -> Result<&Observation> {
        self.find(frame);
        let Some(classifier) = &mut self.classifier else { return self.count(frame) };
        if let Some(outliner) = &mut self.outliner {
            outliner.draw(&frame.image, self.tracker.outline_mut());
        }
        // Half of the frames, but in no period: with several faces each is looked at in every second or third frame only, and has to be seen both ways
        // too. Multiples of the golden ratio are spread evenly in whatever steps one takes (Weyl).
        classifier.set_mirrored(self.looks.wrapping_mul(GOLDEN_RATIO) >> 63 == 1);
        self.looks += 1;
        self.tracker.update(frame, &self.found, |face| classifier.classify(&frame.image, face))
    }

    /// Follows the faces, with the same probabilities for each, and tells their number only.
    fn count(&mut self, frame: &Frame) -> Result<&Observation> {
        let followed = self.tracker.update(frame, &self.found, |_| Ok(Probabilities::new([1.0 / 7.0; 7])))?;
        let (counted, highest) = &mut self.counted;
        let (in_view, new) = (followed.faces.len(), followed.faces.iter().filter(|face| face.id > *highest).count());
        *highest = followed.faces.iter().map(|face| face.id).max().unwrap_or(0).max(*highest);
        let Observation { captured_at, image_size, dropped, .. } = *followed;
        let number = Counted { in_view: in_view as u32, new: new as u32 };
        *counted = Observation { captured_at, image_size, dropped, counted: Some(number), ..Observation::default() };
        Ok(counted)
    }

    /// Fills `found`: near the known faces, or everywhere if it is time, none is known, or one is lost.
    fn find(&mut self, frame: &Frame) {
        self.found.clear();
        let lately = self.searched.is_some_and(|(time, size)| {
            let since = frame.captured_at.checked_sub(time);
            size == frame.image.dimensions() && since.is_some_and(|since| since < SEARCH_EVERYWHERE_EVERY)
        });
        if lately && let Some(known) = self.detector.detect_near(&frame.image, self.tracker.in_sight()) {
            self.found.extend(known.iter().map(|face| face.bounding_box));
            return;
        }
        self.found.extend(self.detector.detect(&frame.image).iter().map(|face| face.bounding_box));
        self.searched = Some((frame.captured_at, frame.image.dimensions()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use image::GrayImage;

    use super::*;
    use crate::classifier::Probabilities;
    use crate::detector::Detection;

    /// Finds three faces in every picture.
    struct ThreeFaces([Detection; 3]);

    impl FaceDetector for ThreeFaces {
        fn detect(&mut self, _: &GrayImage) -> &[Detection] {
            &self.0
        }
    }

    /// Remembers for each look where it was, and whether it was mirrored.
    #[derive(Default)]
    struct Looks {
        mirrored: bool,
        seen: Arc<Mutex<Vec<(u32, bool)>>>,
    }

    impl EmotionClassifier for Looks {
        fn classify(&mut self, _: &GrayImage, face: BoundingBox) -> Result<Option<Probabilities>> {
            self.seen.lock().unwrap().push((face.x, self.mirrored));
            Ok(Probabilities::new([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
        }

        fn set_mirrored(&mut self, mirrored: bool) {
            self.mirrored = mirrored;
        }
    }

    #[test]
    fn every_face_is_seen_both_ways_about_equally_often_however_many_are_looked_at_in_turn() {
        let faces = [0, 100, 200].map(|x| Detection { bounding_box: BoundingBox { x, y: 0, width: 80, height: 80 }, score: 1.0 });
        for period_ms in [33, 66, 100, 250] {
            let looks = Looks::default();
            let seen = Arc::clone(&looks.seen);
            let mut pipeline = Pipeline::new(Box::new(ThreeFaces(faces)), Box::new(looks), TrackerConfig::default());
            for step in 0..200 {
                let mut frame = Frame { captured_at: Duration::from_millis(period_ms * step), ..Frame::default() };
                frame.resize(320, 240);
                pipeline.process(&frame).unwrap();
            }
            let seen = seen.lock().unwrap();
            for x in [0, 100, 200] {
                let looks: Vec<bool> = seen.iter().filter(|look| look.0 == x).map(|look| look.1).collect();
                let share = looks.iter().filter(|mirrored| **mirrored).count() as f64 / looks.len() as f64;
                assert!((0.45..0.55).contains(&share), "the face at {x}, every {period_ms} ms: {share}");
            }
        }
    }
}
