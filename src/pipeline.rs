//! One frame's way: detect → classify → track. No threads, no clock.

use anyhow::Result;

use crate::classifier::EmotionClassifier;
use crate::config::TrackerConfig;
use crate::detector::FaceDetector;
use crate::frame::Frame;
use crate::tracker::{ClassifiedFace, Observation, Tracker};

/// The stages between a picture and what is shown.
pub struct Pipeline {
    detector: Box<dyn FaceDetector>,
    classifier: Box<dyn EmotionClassifier>,
    tracker: Tracker,
    faces: Vec<ClassifiedFace>,
}

impl Pipeline {
    /// Joins the stages; the tracker knows no face yet.
    pub fn new(detector: Box<dyn FaceDetector>, classifier: Box<dyn EmotionClassifier>, tracker: TrackerConfig) -> Self {
        Self { detector, classifier, tracker: Tracker::new(tracker), faces: Vec::new() }
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
        self.faces.clear();
        for detection in self.detector.detect(&frame.image) {
            let bounding_box = detection.bounding_box;
            let probabilities = self.classifier.classify(&frame.image, bounding_box)?;
            self.faces.push(ClassifiedFace { bounding_box, probabilities });
        }
        Ok(self.tracker.update(frame, &self.faces))
    }
}
