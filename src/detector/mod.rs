//! Where the faces are: a grey picture in, boxes out.
//!
//! | kind | module | what it is |
//! |---|---|---|
//! | `builtin` | [`finder`] | a small network that is part of the program |
//! | `haar` | [`haar`] | OpenCV's cascade, the same boxes |
//! | `onnx` | [`finder`] | a YuNet file that the owner supplies |

use image::GrayImage;

use crate::frame::BoundingBox;

pub mod finder;
pub mod haar;

/// A face that a detector found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Where; inside the picture.
    pub bounding_box: BoundingBox,
    /// How sure the detector is; larger is surer. Haar cascade: how many candidate windows agreed on this face, a whole number from 1. Networks: a
    /// probability, 0 to 1.
    pub score: f32,
}

/// From this overlap (intersection over union) on a face found near a known one is the known one.
const SAME_FACE: f32 = 0.3;

/// Searching the neighbourhoods of known faces is worth it if it costs less than this share of searching everywhere.
const WORTH_IT: f64 = 0.7;

/// Finds faces in a picture.
pub trait FaceDetector: Send {
    /// All faces of `image`, in no settled order. Cannot fail: a picture that is too small has no faces.
    ///
    /// The result lives in the detector's own buffer until the next call; for pictures of one size nothing is allocated after the first (but for what
    /// a network's runtime allocates inside).
    fn detect(&mut self, image: &GrayImage) -> &[Detection];

    /// Looks only near the places where the faces `known` were in the picture before; finds each of them and no other. `None` if one of them is not
    /// found there, if there is none, or if searching everywhere costs hardly more: then call [`detect`](Self::detect).
    ///
    /// A face may move by half its size from one picture to the next, and grow or shrink by a quarter.
    fn detect_near(&mut self, image: &GrayImage, known: &[BoundingBox]) -> Option<&[Detection]> {
        let _ = (image, known);
        None
    }
}

/// Of what was found near `known`, the surest that overlaps it.
fn same_face(known: BoundingBox, found: &[Detection]) -> Option<Detection> {
    let same = found.iter().filter(|found| found.bounding_box.iou(known) >= SAME_FACE);
    same.copied().max_by(|a, b| a.score.total_cmp(&b.score))
}
