//! The neighbourhoods of known faces: a small piece of the picture, searched for faces of about the known size only.

use std::sync::Arc;

use image::{GrayImage, imageops};

use super::{HaarCascade, HaarDetector};
use crate::config::DetectorConfig;
use crate::detector::{Detection, FaceDetector};
use crate::frame::BoundingBox;

/// Neighbourhoods come in sizes this ratio apart, so that a face that grows a little needs no new detector.
const RUNG: f64 = 1.25;

/// A rung serves faces from 1/1.25 to 1 of its length. Faces that shrink below the one, or grow above the other, by a fifth are still looked for.
const FACES: (f64, f64) = (0.65, 1.25);

/// The side of a neighbourhood in lengths of its rung: a face of the rung's length may move by half of that.
const SIDE: f64 = 2.0;

/// So many sizes are kept; more are needed only when many faces of very different sizes are followed.
const MOST: usize = 6;

/// Detectors for neighbourhoods of the sizes that were needed, last used first.
#[derive(Debug, Default)]
pub(super) struct Regions(Vec<Region>);

#[derive(Debug)]
struct Region {
    side: u32,
    piece: GrayImage,
    detector: HaarDetector,
}

impl Regions {
    /// Faces near `face`, with places in `image`.
    pub(super) fn search(
        &mut self,
        cascade: &Arc<HaarCascade>,
        config: &DetectorConfig,
        image: &GrayImage,
        face: BoundingBox,
        found: &mut Vec<Detection>,
    ) {
        let Region { side, piece, detector } = self.prepare(cascade, config, face);
        let start =
            |start: u32, length: u32, whole: u32| (start + length / 2).saturating_sub(*side / 2).min(whole.saturating_sub(*side));
        let (left, top) = (start(face.x, face.width, image.width()), start(face.y, face.height, image.height()));
        copy(image, (left, top), *side, piece);
        found.clear();
        found.extend(detector.detect(piece).iter().map(|detection| {
            let BoundingBox { x, y, width, height } = detection.bounding_box;
            Detection { bounding_box: BoundingBox { x: x + left, y: y + top, width, height }, ..*detection }
        }));
    }

    /// How many windows that takes in a picture of this width and height.
    pub(super) fn windows(
        &mut self,
        cascade: &Arc<HaarCascade>,
        config: &DetectorConfig,
        picture: (u32, u32),
        face: BoundingBox,
    ) -> usize {
        let Region { side, detector, .. } = self.prepare(cascade, config, face);
        // As large as the piece will be: in a small picture it is less than a square.
        detector.prepare(((*side).min(picture.0), (*side).min(picture.1)));
        detector.prepared.windows()
    }

    fn prepare(&mut self, cascade: &Arc<HaarCascade>, config: &DetectorConfig, face: BoundingBox) -> &mut Region {
        let length = f64::from(face.width.max(face.height).max(1));
        let rung = RUNG.powf((length.ln() / RUNG.ln()).ceil());
        let side = (SIDE * rung).round() as u32;
        match self.0.iter().position(|region| region.side == side) {
            Some(index) => self.0[..=index].rotate_right(1),
            None => {
                // Never below what is looked for everywhere, and never so narrow that no size is left.
                let min_size = ((FACES.0 * rung) as u32).max(config.min_size);
                let max_size = ((FACES.1 * rung) as u32).max(min_size);
                let config = DetectorConfig { min_size, max_size, ..config.clone() };
                let detector = HaarDetector::with_shared(Arc::clone(cascade), &config);
                self.0.truncate(MOST - 1);
                self.0.insert(0, Region { side, piece: GrayImage::default(), detector });
            }
        }
        &mut self.0[0]
    }
}

/// Copies the square from `left`, `top` on, or as much of it as there is.
fn copy(image: &GrayImage, (left, top): (u32, u32), side: u32, piece: &mut GrayImage) {
    let (width, height) = (side.min(image.width() - left), side.min(image.height() - top));
    if piece.dimensions() != (width, height) {
        *piece = imageops::crop_imm(image, left, top, width, height).to_image();
        return;
    }
    let row = image.width() as usize;
    let rows = image.as_raw()[top as usize * row..].chunks(row);
    for (from, to) in rows.zip(piece.chunks_exact_mut(width as usize)) {
        to.copy_from_slice(&from[left as usize..][..width as usize]);
    }
}
