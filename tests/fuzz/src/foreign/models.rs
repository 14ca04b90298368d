//! Networks whose checksum is right: a hostile file brings its own.

use image::GrayImage;
use sha2::{Digest, Sha256};
use visaged::classifier::mini_xception::MiniXception;
use visaged::config::DetectorConfig;
use visaged::detector::FaceDetector;
use visaged::detector::finder::FaceFinder;

use super::refusal;

/// As the network of the expressions, and as the one that finds faces. What loads must also work.
pub(super) fn model(bytes: &[u8]) {
    let checksum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    match MiniXception::from_bytes(bytes, &checksum, "model.onnx") {
        Ok(mut network) => {
            // What is no probability is an error.
            let _ = network.classify_crop(&GrayImage::from_pixel(48, 48, image::Luma([200])));
        }
        Err(error) => drop(refusal(error)),
    }
    match FaceFinder::from_bytes(bytes, &checksum, "model.onnx", &DetectorConfig::default()) {
        Ok(mut finder) => {
            for found in finder.detect(&GrayImage::from_pixel(70, 50, image::Luma([200]))) {
                assert!(found.bounding_box.right() <= 70 && found.bounding_box.bottom() <= 50, "{found:?}");
            }
        }
        Err(error) => drop(refusal(error)),
    }
}
