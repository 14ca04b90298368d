//! The Haar detector against OpenCV: expected values are OpenCV 4.14.0's, see `tests/data/golden/README.md`.

use std::fmt::Write;
use std::path::Path;

use image::{GrayImage, Luma};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use visaged::config::DetectorConfig;
use visaged::detector::haar::{HaarCascade, HaarDetector};
use visaged::detector::{Detection, FaceDetector};

#[derive(Deserialize)]
struct Golden {
    pictures: Vec<Picture>,
}

#[derive(Deserialize)]
struct Picture {
    name: String,
    grey_sha256: String,
    results: Vec<Run>,
    candidates: Candidates,
}

#[derive(Deserialize)]
struct Run {
    cascade: String,
    scale_factor: f64,
    min_neighbors: u32,
    min_size: u32,
    max_size: u32,
    /// x, y, width, height, neighbours; sorted.
    boxes: Vec<[u32; 5]>,
}

#[derive(Deserialize)]
struct Candidates {
    cascade: String,
    scale_factor: f64,
    count: usize,
    sha256: String,
}

const DEFAULT: &str = "haarcascade_frontalface_default.xml";
const ALT2: &str = "haarcascade_frontalface_alt2.xml";

/// A cascade of Debian's package opencv-data, from the directory of the default configuration.
fn cascade(name: &str) -> HaarCascade {
    let path = DetectorConfig::default().cascade.with_file_name(name);
    HaarCascade::load(&path).unwrap_or_else(|error| panic!("{error}"))
}

fn golden() -> Vec<(Picture, GrayImage)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden");
    let golden: Golden = serde_json::from_reader(std::fs::File::open(folder.join("golden.json")).unwrap()).unwrap();
    let read = |picture: Picture| {
        let image = image::open(folder.join("pictures").join(&picture.name)).unwrap().into_luma8();
        assert_eq!(hex(&Sha256::digest(image.as_raw())), picture.grey_sha256, "{}", picture.name);
        (picture, image)
    };
    golden.pictures.into_iter().map(read).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn sorted(detections: &[Detection]) -> Vec<[u32; 5]> {
    let flat = |Detection { bounding_box: b, score }: &Detection| [b.x, b.y, b.width, b.height, *score as u32];
    let mut boxes: Vec<_> = detections.iter().map(flat).collect();
    boxes.sort_unstable();
    boxes
}

/// Compares all runs of one cascade; gives their number.
fn check_runs(name: &str) -> usize {
    let cascade = cascade(name);
    let mut checked = 0;
    for (picture, image) in golden() {
        for run in picture.results.into_iter().filter(|run| run.cascade == name) {
            let Run { scale_factor, min_neighbors, min_size, max_size, .. } = run;
            let config = DetectorConfig { scale_factor, min_neighbors, min_size, max_size, ..DetectorConfig::default() };
            let mut detector = HaarDetector::new(cascade.clone(), &config);
            assert_eq!(sorted(detector.detect(&image)), run.boxes, "{} with {config:?}", picture.name);
            checked += 1;
        }
    }
    checked
}

#[test]
fn the_default_frontal_cascade_finds_the_same_boxes_as_opencv() {
    assert_eq!(check_runs(DEFAULT), 144);
}

#[test]
fn a_cascade_of_deeper_trees_finds_the_same_boxes_as_opencv() {
    assert_eq!(check_runs(ALT2), 72);
}

#[test]
fn the_windows_that_pass_all_stages_are_those_of_opencv() {
    for (Picture { name, candidates, .. }, image) in golden() {
        let config = DetectorConfig {
            scale_factor: candidates.scale_factor,
            min_neighbors: 0,
            min_size: 0,
            max_size: 0,
            ..DetectorConfig::default()
        };
        let mut detector = HaarDetector::new(cascade(&candidates.cascade), &config);
        let windows = sorted(detector.detect(&image));
        let text: Vec<String> = windows.iter().map(|[x, y, width, height, _]| format!("{x},{y},{width},{height}")).collect();
        assert_eq!(windows.len(), candidates.count, "{name}");
        assert_eq!(hex(&Sha256::digest(text.join(";"))), candidates.sha256, "{name}");
    }
}

#[test]
fn one_detector_serves_pictures_of_changing_sizes() {
    let cascade = cascade(DEFAULT);
    let config = DetectorConfig { scale_factor: 1.2, min_neighbors: 2, min_size: 0, ..DetectorConfig::default() };
    let mut shared = HaarDetector::new(cascade.clone(), &config);
    for (picture, image) in golden().into_iter().filter(|(_, image)| image.width() <= 333) {
        let expected = sorted(HaarDetector::new(cascade.clone(), &config).detect(&image));
        assert_eq!(sorted(shared.detect(&image)), expected, "{}", picture.name);
    }
}

#[test]
fn from_the_second_picture_of_a_size_on_nothing_is_allocated() {
    let pictures = golden();
    let picture = |name: &str| &pictures.iter().find(|(picture, _)| picture.name == name).unwrap().1;
    let mut detector = HaarDetector::new(cascade(DEFAULT), &DetectorConfig::default());
    let empty = GrayImage::from_pixel(640, 480, Luma([90]));
    assert_eq!(detector.detect(&empty), []);
    let allocations = allocation_counter::measure(|| {
        for name in ["solvay_640x480.png", "mix00_640x480.png"] {
            assert_ne!(detector.detect(picture(name)), []);
        }
    });
    assert_eq!(allocations.count_total, 0);
}
