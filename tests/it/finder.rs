//! The networks that find faces: the built-in one, and YuNet against OpenCV.

use std::path::PathBuf;

use image::GrayImage;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use visaged::camera::picture;
use visaged::config::DetectorConfig;
use visaged::detector::FaceDetector;
use visaged::detector::finder::FaceFinder;
use visaged::network::{self, OnnxFile};

use crate::patterns;

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

/// Written by `python -m training.finder.vectors` in `models/`: what onnxruntime computes, for a few cells of each output.
#[derive(Deserialize)]
struct Vectors {
    model_sha256: String,
    threshold: f64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    #[serde(flatten)]
    picture: patterns::Picture,
    /// Middle x, y, half axes, grey value.
    ellipses: Vec<[i64; 5]>,
    pixel_sum: u64,
    stride8: Map,
    stride16: Map,
    stride32: Map,
    /// Middle x, y, side, score; best first.
    found: Vec<[f32; 4]>,
}

#[derive(Deserialize)]
struct Map {
    rows: usize,
    columns: usize,
    /// Row, column, the four values.
    cells: Vec<(usize, usize, f32, f32, f32, f32)>,
}

impl Case {
    fn draw(&self) -> GrayImage {
        let mut image = self.picture.draw();
        for [middle_x, middle_y, x_axis, y_axis, grey] in &self.ellipses {
            for (x, y, pixel) in image.enumerate_pixels_mut() {
                let (x, y) = (2 * i64::from(x) + 1 - 2 * middle_x, 2 * i64::from(y) + 1 - 2 * middle_y);
                if x * x * y_axis * y_axis + y * y * x_axis * x_axis <= (2 * x_axis * y_axis).pow(2) {
                    pixel.0 = [*grey as u8];
                }
            }
        }
        assert_eq!(image.iter().map(|pixel| u64::from(*pixel)).sum::<u64>(), self.pixel_sum);
        image
    }
}

fn vectors() -> Vectors {
    let vectors: Vectors = serde_json::from_str(include_str!("../data/finder_vectors.json")).unwrap();
    let ours = include_str!("../../models/face_finder.onnx.sha256");
    assert!(ours.starts_with(&vectors.model_sha256), "made from another network: run python -m training.finder.vectors again");
    vectors
}

#[test]
fn outputs_are_those_of_onnxruntime() {
    for case in vectors().cases {
        let image = case.draw();
        let (width, height) = (image.width() as usize, image.height() as usize);
        let input: Vec<f32> = image.iter().map(|pixel| f32::from(*pixel)).collect();
        let maps = [&case.stride8, &case.stride16, &case.stride32];
        let shapes = maps.map(|map| vec![1, 4, map.rows, map.columns]);
        let checksum = include_str!("../../models/face_finder.onnx.sha256");
        let load = |file: OnnxFile| file.network(&[1, 1, height, width], &shapes);
        let mut network = network::from_bytes(MODEL, checksum, "finder.onnx", load).unwrap();
        network.run(&input).unwrap();
        for (index, map) in maps.into_iter().enumerate() {
            let output = network.output(index).unwrap();
            for &(row, column, a, b, c, d) in &map.cells {
                for (channel, theirs) in [a, b, c, d].into_iter().enumerate() {
                    let ours = output[(channel * map.rows + row) * map.columns + column];
                    // Both compute in f32, in another order.
                    assert!((ours - theirs).abs() < 2e-3, "map {index}, cell {row},{column}: {ours}, onnxruntime's {theirs}");
                }
            }
        }
    }
}

#[test]
fn faces_are_those_that_the_training_side_reads_from_the_outputs() {
    let vectors = vectors();
    let config = DetectorConfig { threshold: vectors.threshold, min_size: 0, ..DetectorConfig::default() };
    let mut finder = FaceFinder::builtin(&config).unwrap();
    for case in vectors.cases {
        let image = case.draw();
        let theirs: Vec<_> = case
            .found
            .iter()
            .map(|[x, y, side, score]| {
                let inside =
                    |middle: f32, length: u32| ((middle - side / 2.0).max(0.0), (middle + side / 2.0).min(length as f32));
                (inside(*x, image.width()), inside(*y, image.height()), *score)
            })
            .collect();
        let found = finder.detect(&image);
        // The training side keeps a square inside another one, the program does not.
        assert_eq!(found.is_empty(), theirs.is_empty(), "{found:?}, should be {theirs:?}");
        for face in found {
            let place = face.bounding_box;
            let near = |ours: u32, theirs: f32| (ours as f32 - theirs).abs() < 1.1;
            let same = theirs.iter().any(|((left, right), (top, bottom), score)| {
                near(place.x, *left)
                    && near(place.right(), *right)
                    && near(place.y, *top)
                    && near(place.bottom(), *bottom)
                    && (face.score - score).abs() < 1e-3
            });
            assert!(same, "{face:?} is none of {theirs:?}");
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
    // At this size the picture is not made smaller; the score is OpenCV's default.
    let config = DetectorConfig { min_size: 0, threshold: 0.9, ..DetectorConfig::default() };
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
