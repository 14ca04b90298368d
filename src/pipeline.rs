//! One frame's way: detect → classify → track. No threads, no clock.

use std::time::Duration;

use anyhow::Result;

use crate::classifier::EmotionClassifier;
use crate::config::TrackerConfig;
use crate::detector::FaceDetector;
use crate::frame::{BoundingBox, Frame};
use crate::outline::Outliner;
use crate::tracker::{Observation, Tracker};

/// So often the whole picture is searched although all known faces are in their places. With the time until a face is announced and the two frames
/// lost to rounding, a new face at 15 frames/s has its label within half a second.
const SEARCH_EVERYWHERE_EVERY: Duration = Duration::from_millis(300);

/// The stages between a picture and what is shown.
pub struct Pipeline {
    detector: Box<dyn FaceDetector>,
    classifier: Box<dyn EmotionClassifier>,
    tracker: Tracker,
    found: Vec<BoundingBox>,
    /// The time and the size of the last frame that was searched everywhere.
    searched: Option<(Duration, (u32, u32))>,
    outliner: Option<Outliner>,
}

impl Pipeline {
    /// Joins the stages; the tracker knows no face yet.
    pub fn new(detector: Box<dyn FaceDetector>, classifier: Box<dyn EmotionClassifier>, tracker: TrackerConfig) -> Self {
        Self { detector, classifier, tracker: Tracker::new(tracker), found: Vec::new(), searched: None, outliner: None }
    }

    /// Puts the frame's outlines into every observation.
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
        if let Some(outliner) = &mut self.outliner {
            outliner.draw(&frame.image, self.tracker.outline_mut());
        }
        let classifier = &mut self.classifier;
        self.tracker.update(frame, &self.found, |face| classifier.classify(&frame.image, face))
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
