//! From a face in a picture to the 48×48 grey values that the network looks at: the same as `models/training/preprocess.py`.

use image::GrayImage;

use crate::frame::BoundingBox;
use crate::resample::Resampler;

pub use crate::resample::CropBox;

/// Side of the network's input in pixels.
pub const SIDE: usize = 48;

impl CropBox {
    /// A detector's box with `margin` times its width (height) added at the left and right (above and below); negative: cut away.
    pub fn around(face: BoundingBox, margin: f64) -> Self {
        let (grow_x, grow_y) = (margin * f64::from(face.width), margin * f64::from(face.height));
        Self {
            left: f64::from(face.x) - grow_x,
            top: f64::from(face.y) - grow_y,
            right: f64::from(face.right()) + grow_x,
            bottom: f64::from(face.bottom()) + grow_y,
        }
    }
}

/// Cuts faces out of pictures; keeps its buffers.
#[derive(Default)]
pub struct Cropper(Resampler);

impl Cropper {
    /// Writes the 48×48 grey values, 0 to 255, row by row from the top left. `image` must not be empty, and the box must have an area.
    pub fn crop(&mut self, image: &GrayImage, place: CropBox, crop: &mut [f32; SIDE * SIDE]) {
        self.0.resample(image, place, (SIDE, SIDE), crop, SIDE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    #[test]
    fn a_picture_of_48_by_48_stays_as_it_is() {
        let image = GrayImage::from_fn(48, 48, |x, y| Luma([(5 * x + 3 * y) as u8]));
        let expected: Vec<f32> = image.as_raw().iter().map(|&value| f32::from(value)).collect();
        let mut crop = [0.0; SIDE * SIDE];
        Cropper::default().crop(&image, CropBox { left: 0.0, top: 0.0, right: 48.0, bottom: 48.0 }, &mut crop);
        assert_eq!(crop[..], expected);
    }

    #[test]
    fn a_margin_of_a_tenth_makes_a_box_of_100_pixels_120_wide() {
        let face = BoundingBox { x: 50, y: 60, width: 100, height: 100 };
        assert_eq!(CropBox::around(face, 0.1), CropBox { left: 40.0, top: 50.0, right: 160.0, bottom: 170.0 });
    }
}
