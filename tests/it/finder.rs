//! The networks that find faces: the built-in one, and YuNet against OpenCV.

use std::path::PathBuf;

use image::GrayImage;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use visaged::camera::picture;
use visaged::config::DetectorConfig;
use visaged::detector::FaceDetector;
use visaged::detector::finder::FaceFinder;

const MODEL: &[u8] = include_bytes!("../../models/face_finder.onnx");

/// Loads changed bytes of the built-in network, with a checksum that fits them.
fn load(bytes: &[u8]) -> Result<FaceFinder, String> {
    let checksum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    FaceFinder::from_bytes(bytes, &checksum, "finder.onnx", &DetectorConfig::default()).map_err(|error| error.to_string())
}

/// The built-in network's file with another text of the same length in it.
fn with(from: &str, to: &str) -> Vec<u8> {
    let at = MODEL.windows(from.len()).position(|window| window == from.as_bytes()).expect("the text is in the file");
    let mut bytes = MODEL.to_vec();
    bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    bytes
}

#[test]
fn a_network_that_breaks_the_contract_is_refused_with_the_reason() {
    let classifier = include_bytes!("../../models/mini_xception_nano.onnx");
    let cases = [
        (load(b"no ONNX file at all"), "ONNX"),
        (load(&with("visaged.contract", "visaged.kontract")), "visaged.contract"),
        (load(&with("face_finder/1", "face_finder/9")), "contract face_finder/9"),
        (load(classifier), "another stage"),
    ];
    for (result, reason) in cases {
        let message = result.err().expect("refused");
        assert!(message.starts_with("finder.onnx: ") && message.contains(reason) && !message.contains('\n'), "{message}");
    }
    assert!(load(MODEL).is_ok());
}

#[test]
fn a_damaged_network_is_refused_by_its_checksum() {
    let mut damaged = MODEL.to_vec();
    damaged[10_000] ^= 1;
    let checksum = include_str!("../../models/face_finder.onnx.sha256");
    let error = FaceFinder::from_bytes(&damaged, checksum, "finder.onnx", &DetectorConfig::default()).err().expect("refused");
    assert!(error.to_string().contains("SHA-256"), "{error}");
}

#[test]
fn pictures_of_any_size_are_looked_at_and_boxes_lie_inside_them() {
    let config = DetectorConfig { threshold: 0.01, min_size: 40, ..DetectorConfig::default() };
    let mut finder = FaceFinder::builtin(&config).unwrap();
    for (width, height) in [(0, 0), (1, 1), (1, 500), (31, 33), (333, 251), (24, 24)] {
        let image = GrayImage::from_fn(width, height, |x, y| image::Luma([(x * x + 3 * y * x + y) as u8]));
        for face in finder.detect(&image) {
            let place = face.bounding_box;
            assert!(place.area() > 0 && place.right() <= width && place.bottom() <= height, "{place:?} in {width}×{height}");
            assert!((0.01..=1.0).contains(&face.score));
        }
    }
}

/// Written by `benches/peers/opencv_yunet.py`.
#[derive(Deserialize)]
struct OpenCv {
    pictures: Vec<Picture>,
}

#[derive(Deserialize)]
struct Picture {
    file: PathBuf,
    /// Left, top, side, score.
    faces: Vec<[f32; 4]>,
}

/// The optional data folder.
fn data() -> PathBuf {
    std::env::var_os("VISAGED_DATA").expect("VISAGED_DATA names the data folder").into()
}

#[test]
#[ignore = "needs the optional data folder with YuNet's file: VISAGED_DATA=FOLDER cargo test -- --ignored"]
fn yunet_finds_the_faces_that_opencv_finds_with_it() {
    let opencv: OpenCv = serde_json::from_str(include_str!("../data/yunet_faces.json")).unwrap();
    // At this size the picture is not made smaller.
    let config = DetectorConfig { min_size: 0, ..DetectorConfig::default() };
    let mut finder = FaceFinder::yunet(&data().join("teachers/face_detection_yunet_2023mar.onnx"), &config).unwrap();
    let mut compared = 0;
    for Picture { file, faces } in opencv.pictures {
        let image = picture::load_grey(&data().join(&file)).unwrap();
        let mut found = finder.detect(&image).to_vec();
        assert_eq!(found.len(), faces.len(), "{}: {found:?}, OpenCV's {faces:?}", file.display());
        for [left, top, side, score] in faces {
            let inside = |start: f32, length: u32| (start.max(0.0), (start + side).min(length as f32));
            let ((left, right), (top, bottom)) = (inside(left, image.width()), inside(top, image.height()));
            // Both compute in 32 bits, in another order, and we round to pixels.
            let same = found.iter().position(|face| {
                let place = face.bounding_box;
                let sides = [(place.x, left), (place.right(), right), (place.y, top), (place.bottom(), bottom)];
                sides.iter().all(|&(ours, theirs)| (ours as f32 - theirs).abs() < 1.1) && (face.score - score).abs() < 0.001
            });
            let same = same.unwrap_or_else(|| panic!("{}: {left},{top} … {right},{bottom} is not in {found:?}", file.display()));
            found.remove(same);
            compared += 1;
        }
    }
    assert!(compared > 50, "{compared}");
}
