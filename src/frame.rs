//! What travels from stage to stage: a grey picture with its time, and places in it.

use std::time::Duration;

use image::GrayImage;

/// One grey picture from a source, row by row from the top left, 0 = black.
///
/// Its buffer is reused: a source overwrites it in place, so a frame costs no allocation in the steady state.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The luma of the picture, 8 bits.
    pub image: GrayImage,
    /// The source's own number for this picture; starts again at 0 when the source is opened again.
    pub sequence: u64,
    /// When the picture was taken, on the clock of [`monotonic_now`]; for a recording, the time at which it is due.
    pub captured_at: Duration,
    /// How many earlier pictures this one replaced before anybody looked at them (see [`crate::latest`]).
    pub dropped: u64,
}

impl Frame {
    /// Gives the picture this size, keeping the buffer where it is large enough. The pixels are then of no meaning.
    pub fn resize(&mut self, width: u32, height: u32) {
        if self.image.dimensions() != (width, height) {
            let mut pixels = std::mem::take(&mut self.image).into_raw();
            pixels.resize(width as usize * height as usize, 0);
            self.image = GrayImage::from_raw(width, height, pixels).expect("the buffer was just given this size");
        }
    }
}

/// The time since an unspecified start that no clock adjustment moves (`CLOCK_MONOTONIC`, which V4L2 stamps frames with).
pub fn monotonic_now() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

/// An upright rectangle in pixels; the origin is the picture's top left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub struct BoundingBox {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl BoundingBox {
    /// The first column to the right of the box.
    pub fn right(self) -> u32 {
        self.x + self.width
    }

    /// The first row below the box.
    pub fn bottom(self) -> u32 {
        self.y + self.height
    }

    /// Width times height.
    pub fn area(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Intersection over union, 0 (apart, or both empty) to 1 (the same box).
    pub fn iou(self, other: Self) -> f32 {
        let width = self.right().min(other.right()).saturating_sub(self.x.max(other.x));
        let height = self.bottom().min(other.bottom()).saturating_sub(self.y.max(other.y));
        let intersection = u64::from(width) * u64::from(height);
        let union = self.area() + other.area() - intersection;
        if union == 0 { 0.0 } else { intersection as f32 / union as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn square(x: u32, y: u32, side: u32) -> BoundingBox {
        BoundingBox { x, y, width: side, height: side }
    }

    #[test]
    fn iou_is_one_for_the_same_box_and_zero_for_boxes_apart() {
        assert_eq!(square(3, 4, 10).iou(square(3, 4, 10)), 1.0);
        assert_eq!(square(0, 0, 10).iou(square(10, 0, 10)), 0.0);
        assert_eq!(square(0, 0, 0).iou(square(0, 0, 0)), 0.0);
    }

    #[test]
    fn iou_of_boxes_that_share_a_quarter_of_each_is_one_seventh() {
        // 10×10 each, 5×5 shared: 25 / (100 + 100 − 25).
        assert!((square(0, 0, 10).iou(square(5, 5, 10)) - 25.0 / 175.0).abs() < 1e-6);
    }

    #[test]
    fn resizing_a_frame_to_its_own_size_keeps_the_pixels() {
        let mut frame = Frame::default();
        frame.resize(4, 2);
        frame.image.put_pixel(3, 1, image::Luma([9]));
        frame.resize(4, 2);
        assert_eq!(frame.image.get_pixel(3, 1).0, [9]);
        frame.resize(2, 2);
        assert_eq!(frame.image.dimensions(), (2, 2));
    }
}
