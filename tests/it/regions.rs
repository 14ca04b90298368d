//! Searching near known faces finds what searching everywhere finds, and the pipeline goes on to see whoever comes.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use image::{GrayImage, imageops};
use visaged::camera::puppet::Puppet;
use visaged::classifier::{EmotionClassifier, Probabilities};
use visaged::config::{DetectorConfig, DetectorKind, TrackerConfig};
use visaged::detector::finder::FaceFinder;
use visaged::detector::haar::{HaarCascade, HaarDetector};
use visaged::detector::{Detection, FaceDetector};
use visaged::frame::{BoundingBox, Frame};
use visaged::pipeline::Pipeline;

fn detectors() -> Vec<(DetectorKind, Box<dyn FaceDetector>)> {
    let config = DetectorConfig::default();
    let cascade = HaarCascade::load(&config.cascade).unwrap_or_else(|error| panic!("{error}"));
    vec![
        (DetectorKind::Haar, Box::new(HaarDetector::new(cascade, &config))),
        (DetectorKind::Builtin, Box::new(FaceFinder::builtin(&config).unwrap())),
    ]
}

/// The drawn face `time` after its start, in the left half of the picture.
fn draw(frame: &mut Frame, time: Duration) {
    let mut half = GrayImage::new(320, 480);
    Puppet::new(320, 480, 15).draw(&mut half, time);
    frame.resize(640, 480);
    frame.image.fill(100);
    imageops::replace(&mut frame.image, &half, 0, 0);
    frame.captured_at = time;
}

#[test]
fn a_moving_face_is_found_near_its_last_place_as_it_is_found_everywhere() {
    for (kind, mut detector) in detectors() {
        let mut frame = Frame::default();
        let mut known = vec![];
        for step in 0..20 {
            draw(&mut frame, Duration::from_millis(200 * step));
            let everywhere: Vec<_> = detector.detect(&frame.image).iter().map(|face| face.bounding_box).collect();
            assert_eq!(everywhere.len(), 1, "{kind:?}, step {step}: {everywhere:?}");
            if step > 0 {
                let near = detector.detect_near(&frame.image, &known).unwrap_or_else(|| panic!("{kind:?}: lost in step {step}"));
                assert_eq!(near.len(), 1);
                let overlap = near[0].bounding_box.iou(everywhere[0]);
                assert!(overlap > 0.7, "{kind:?}, step {step}: {near:?}, everywhere {everywhere:?}");
            }
            known = everywhere;
        }
    }
}

#[test]
fn searching_near_a_known_face_with_the_cascade_allocates_nothing_once_its_size_was_seen() {
    let (_, mut detector) = detectors().remove(0);
    let mut frame = Frame::default();
    draw(&mut frame, Duration::ZERO);
    let known: Vec<_> = detector.detect(&frame.image).iter().map(|face| face.bounding_box).collect();
    assert!(detector.detect_near(&frame.image, &known).is_some());
    let allocations = allocation_counter::measure(|| {
        for _ in 0..3 {
            assert!(detector.detect_near(&frame.image, &known).is_some());
        }
    });
    assert_eq!(allocations.count_total, 0);
}

#[test]
fn pictures_without_a_face_light_nothing() {
    let detector = FaceFinder::builtin(&DetectorConfig::default()).unwrap();
    let mut pipeline = Pipeline::new(Box::new(detector), Box::new(AlwaysHappy), TrackerConfig::default());
    let mut frame = Frame::default();
    for name in ["plain_grass", "plain_hubble_deep_field", "plain_retina", "noise_200x150", "flat_64x48", "dark_320x240"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden/pictures");
        frame.image = image::open(folder.join(name).with_extension("png")).unwrap().into_luma8();
        for _ in 0..5 {
            frame.captured_at += Duration::from_millis(67);
            assert!(pipeline.process(&frame).unwrap().faces.is_empty(), "{name}");
        }
    }
}

#[test]
fn a_face_that_left_its_place_is_said_to_be_lost() {
    for (kind, mut detector) in detectors() {
        let mut frame = Frame::default();
        draw(&mut frame, Duration::ZERO);
        let places: Vec<_> = detector.detect(&frame.image).iter().map(|face| face.bounding_box).collect();
        frame.image.fill(100);
        assert_eq!(detector.detect_near(&frame.image, &places), None, "{kind:?}");
        assert_eq!(detector.detect_near(&frame.image, &[]), None, "{kind:?}");
    }
}

/// Finds faces where they are told to be, and writes down how it was asked.
struct Told {
    faces: Arc<Mutex<Vec<Detection>>>,
    asked: Arc<Mutex<Vec<char>>>,
    found: Vec<Detection>,
}

impl FaceDetector for Told {
    fn detect(&mut self, _: &GrayImage) -> &[Detection] {
        self.asked.lock().unwrap().push('e');
        self.found.clone_from(&self.faces.lock().unwrap());
        &self.found
    }

    fn detect_near(&mut self, _: &GrayImage, known: &[BoundingBox]) -> Option<&[Detection]> {
        self.asked.lock().unwrap().push('n');
        let faces = self.faces.lock().unwrap();
        self.found = faces.iter().filter(|face| known.contains(&face.bounding_box)).copied().collect();
        (!known.is_empty() && self.found.len() == known.len()).then_some(&self.found)
    }
}

struct AlwaysHappy;

impl EmotionClassifier for AlwaysHappy {
    fn classify(&mut self, _: &GrayImage, _: BoundingBox) -> Result<Option<Probabilities>> {
        Ok(Probabilities::new([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]))
    }

    fn set_mirrored(&mut self, _: bool) {}
}

#[test]
fn everywhere_is_searched_three_times_a_second_and_at_once_when_a_face_is_lost() {
    let faces = Arc::new(Mutex::new(vec![]));
    let asked = Arc::new(Mutex::new(vec![]));
    let detector = Told { faces: Arc::clone(&faces), asked: Arc::clone(&asked), found: vec![] };
    let mut pipeline = Pipeline::new(Box::new(detector), Box::new(AlwaysHappy), TrackerConfig::default());
    let mut frame = Frame::default();
    let face = |x| Detection { bounding_box: BoundingBox { x, y: 0, width: 50, height: 50 }, score: 1.0 };
    let mut watch = |frames: u32, there: &[Detection]| {
        faces.lock().unwrap().clear();
        faces.lock().unwrap().extend_from_slice(there);
        let mut labelled = 0;
        for _ in 0..frames {
            frame.captured_at += Duration::from_millis(67);
            labelled = pipeline.process(&frame).unwrap().faces.len();
        }
        (std::mem::take(&mut *asked.lock().unwrap()).iter().collect::<String>(), labelled)
    };
    // Nobody there: near nothing nothing is found, so that everywhere is searched each time.
    assert_eq!(watch(3, &[]), ("enene".into(), 0));
    // Until it is announced, in the third frame; then again after five frames, the first beyond 0.3 s.
    assert_eq!(watch(11, &[face(0)]), ("nenenennnnennn".into(), 1));
    // Another one comes, and has a label within half a second (7 frames).
    assert_eq!(watch(7, &[face(0), face(200)]).1, 2);
    // One has gone: looked for everywhere at once and, until it is forgotten, in every frame.
    let (asked, _) = watch(3, &[face(0)]);
    assert_eq!(asked.matches('e').count(), 3, "{asked}");
    // And a second later the other one is searched near its place again.
    watch(14, &[face(0)]);
    let (asked, labelled) = watch(10, &[face(0)]);
    assert!(asked.matches('e').count() <= 2 && labelled == 1, "{asked}");
}
