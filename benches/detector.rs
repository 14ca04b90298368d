//! The time of the detectors: `cargo bench --bench detector`. Beside it, OpenCV's: `benches/peers/opencv_haar.py`.

use std::path::Path;

use divan::Bencher;
use image::GrayImage;
use visaged::config::DetectorConfig;
use visaged::detector::FaceDetector;
use visaged::detector::finder::FaceFinder;
use visaged::detector::haar::{HaarCascade, HaarDetector};

fn main() {
    divan::main();
}

/// A picture of the golden results.
fn picture(name: &str) -> GrayImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden/pictures").join(name);
    image::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into_luma8()
}

fn measure(bencher: Bencher<'_, '_>, image: &GrayImage, scale_factor: f64, min_size: u32) {
    let config = DetectorConfig { scale_factor, min_size, ..DetectorConfig::default() };
    let cascade = HaarCascade::load(&config.cascade).unwrap_or_else(|error| panic!("{error}"));
    let mut detector = HaarDetector::new(cascade, &config);
    // The first picture of a size makes the buffers.
    detector.detect(image);
    bencher.bench_local(|| detector.detect(image).len());
}

/// 29 faces in 640×480 pixels.
#[divan::bench(args = [(1.1, 24), (1.1, 48), (1.1, 80), (1.3, 24), (1.3, 48), (1.3, 80)])]
fn solvay_640x480(bencher: Bencher<'_, '_>, (scale_factor, min_size): (f64, u32)) {
    measure(bencher, &picture("solvay_640x480.png"), scale_factor, min_size);
}

/// The built-in finder on the same picture at two sizes, faces from 48 pixels on.
#[divan::bench(args = [(320, 240), (640, 480)])]
fn finder(bencher: Bencher<'_, '_>, (width, height): (u32, u32)) {
    let image = picture("solvay_640x480.png");
    let image = image::imageops::resize(&image, width, height, image::imageops::FilterType::Triangle);
    let mut finder = FaceFinder::builtin(&DetectorConfig::default()).unwrap_or_else(|error| panic!("{error}"));
    finder.detect(&image);
    bencher.bench_local(|| finder.detect(&image).len());
}

/// The same picture at other sizes, with faces from 48 pixels on: the time grows with the number of pixels.
#[divan::bench(args = [(320, 240), (640, 480), (960, 720), (1280, 720), (1920, 1080)])]
fn pixels(bencher: Bencher<'_, '_>, (width, height): (u32, u32)) {
    let image = picture("solvay_995x960.png");
    let image = image::imageops::resize(&image, width, height, image::imageops::FilterType::Triangle);
    measure(bencher, &image, 1.1, 48);
}
