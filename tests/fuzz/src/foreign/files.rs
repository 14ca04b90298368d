//! Text: the cascade, the configuration, the answer of the service.

use std::path::Path;

use image::GrayImage;
use visaged::commands::status;
use visaged::config::{Config, DetectorConfig};
use visaged::detector::FaceDetector;
use visaged::detector::haar::{HaarCascade, HaarDetector};

use super::refusal;

/// A cascade that is accepted must also be fit for work.
pub(super) fn cascade(bytes: &[u8]) {
    match HaarCascade::parse(bytes, Path::new("face.xml")) {
        Ok(cascade) => {
            let picture = GrayImage::from_fn(40, 32, |x, y| image::Luma([(x * 37 + y * 101 + x * y) as u8]));
            let config = DetectorConfig { min_size: 0, min_neighbors: 0, ..DetectorConfig::default() };
            for found in HaarDetector::new(cascade, &config).detect(&picture) {
                assert!(found.bounding_box.right() <= 40 && found.bounding_box.bottom() <= 32, "{found:?}");
            }
        }
        Err(error) => {
            let message = refusal(error);
            assert!(message.starts_with("face.xml:"), "{message}");
        }
    }
}

/// A configuration that is accepted says the same once it is written out.
pub(super) fn configuration(bytes: &[u8]) {
    // Other bytes end where the file is read.
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse(text, Path::new("visaged.toml")) {
        Ok(config) => {
            let again = Config::parse(&config.to_toml(), Path::new("again.toml"));
            assert_eq!(again.as_ref().ok(), Some(&config), "{again:?}");
        }
        Err(error) => {
            let message = refusal(error);
            let line = message.strip_prefix("visaged.toml:").and_then(|rest| rest.split(':').next()?.parse().ok());
            assert!(line.is_some_and(|line: usize| line >= 1 && line <= 1 + text.matches('\n').count()), "{message}");
        }
    }
}

/// What `visaged status` makes of an answer, whoever gave it.
pub(super) fn status(bytes: &[u8]) {
    let answer = String::from_utf8_lossy(bytes);
    for json in [false, true] {
        let mut out = Vec::new();
        match status::print_answer(&answer, json, &mut out) {
            Ok(()) => {
                let said = String::from_utf8(out).expect("what is said is text");
                assert!(said.ends_with('\n') && !said.replace('\n', " ").chars().any(char::is_control), "{said:?}");
            }
            Err(error) => drop(refusal(error)),
        }
    }
}
