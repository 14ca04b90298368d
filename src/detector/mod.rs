//! Where the faces are: a grey picture in, boxes out.

use image::GrayImage;

use crate::frame::BoundingBox;

pub mod haar;

/// A face that a detector found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Detection {
    /// Where; inside the picture.
    pub bounding_box: BoundingBox,
    /// How many candidate windows agreed on this face: the detector's confidence.
    pub neighbors: u32,
}

/// Finds faces in a picture.
pub trait FaceDetector: Send {
    /// All faces of `image`, in no settled order. Cannot fail: a picture that is too small has no faces.
    ///
    /// The result lives in the detector's own buffer until the next call; for pictures of one size nothing is allocated after the first.
    fn detect(&mut self, image: &GrayImage) -> &[Detection];
}
