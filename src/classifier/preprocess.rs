//! From a face in a picture to the 48×48 grey values that the network looks at.
//!
//! This is the same definition as `models/training/preprocess.py`, which uses Pillow; stored vectors compare the two. The box is resized
//! horizontally, then vertically, by a triangle filter whose support grows with the reduction (at least one source pixel to each side), so
//! nothing aliases. Pixel centres lie at +0.5. Where the box leaves the picture, border pixels are continued outwards by whole pixels, just far enough to
//! hold the box; the filter takes nothing beyond that, its weights scaled to sum 1.

use image::GrayImage;

use crate::frame::BoundingBox;

/// Side of the network's input in pixels.
pub const SIDE: usize = 48;

/// A rectangle in real pixel coordinates; may leave the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct CropBox {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

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
pub struct Cropper {
    columns: Filter,
    rows: Filter,
    /// The source rows that the vertical pass needs, each resized to [`SIDE`] values.
    narrow: Vec<f32>,
}

impl Cropper {
    /// Writes the 48×48 grey values, 0 to 255, row by row from the top left. `image` must not be empty, and the box must have an area.
    pub fn crop(&mut self, image: &GrayImage, place: CropBox, crop: &mut [f32; SIDE * SIDE]) {
        let (width, height) = (image.width() as i64, image.height() as i64);
        assert!(width > 0 && height > 0, "there is nothing to crop in an empty picture");
        assert!(place.right > place.left && place.bottom > place.top, "a crop must have an area: {place:?}");
        self.columns.prepare(place.left, place.right, width);
        self.rows.prepare(place.top, place.bottom, height);

        let first_row = self.rows.taps[0].first;
        let last_row = self.rows.taps[SIDE - 1].first + self.rows.taps[SIDE - 1].count as i64;
        self.narrow.clear();
        for y in first_row..last_row {
            let start = (y.clamp(0, height - 1) * width) as usize;
            let row = &image.as_raw()[start..start + width as usize];
            self.narrow.extend(self.columns.taps.iter().map(|taps| {
                let weights = &self.columns.weights[taps.weights_at..taps.weights_at + taps.count];
                (taps.first..)
                    .zip(weights)
                    .map(|(x, weight)| weight * f32::from(row[x.clamp(0, width - 1) as usize]))
                    .sum::<f32>()
            }));
        }

        for (taps, row) in self.rows.taps.iter().zip(crop.chunks_exact_mut(SIDE)) {
            row.fill(0.0);
            let weights = &self.rows.weights[taps.weights_at..taps.weights_at + taps.count];
            let source = self.narrow.chunks_exact(SIDE).skip((taps.first - first_row) as usize);
            for (narrow, weight) in source.zip(weights) {
                for (value, source) in row.iter_mut().zip(narrow) {
                    *value += weight * source;
                }
            }
        }
    }
}

/// Which source pixels, with which weights, make each of the [`SIDE`] outputs along one axis.
#[derive(Default)]
struct Filter {
    taps: Vec<Taps>,
    weights: Vec<f32>,
}

struct Taps {
    /// The first source pixel; below 0 or beyond the picture where its border is continued.
    first: i64,
    count: usize,
    weights_at: usize,
}

impl Filter {
    /// Computes the taps for resizing `start..end` of an axis of `length` pixels.
    fn prepare(&mut self, start: f64, end: f64, length: i64) {
        self.taps.clear();
        self.weights.clear();
        let least = 0.min(start.floor() as i64);
        let most = length.max(end.ceil() as i64);
        let scale = (end - start) / SIDE as f64;
        let support = scale.max(1.0);
        for output in 0..SIDE {
            let centre = start + (output as f64 + 0.5) * scale;
            let first = ((centre - support + 0.5).floor() as i64).max(least);
            let last = ((centre + support + 0.5).floor() as i64).min(most);
            let weights_at = self.weights.len();
            let weight = |pixel: i64| (1.0 - (pixel as f64 + 0.5 - centre).abs() / support).max(0.0);
            let sum: f64 = (first..last).map(weight).sum();
            self.weights.extend((first..last).map(|pixel| (weight(pixel) / sum) as f32));
            self.taps.push(Taps { first, count: self.weights.len() - weights_at, weights_at });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    fn whole(image: &GrayImage) -> CropBox {
        CropBox { left: 0.0, top: 0.0, right: f64::from(image.width()), bottom: f64::from(image.height()) }
    }

    fn crop(image: &GrayImage, place: CropBox) -> Vec<f32> {
        let mut crop = [0.0; SIDE * SIDE];
        Cropper::default().crop(image, place, &mut crop);
        crop.to_vec()
    }

    #[test]
    fn a_picture_of_48_by_48_stays_as_it_is() {
        let image = GrayImage::from_fn(48, 48, |x, y| Luma([(5 * x + 3 * y) as u8]));
        let expected: Vec<f32> = image.as_raw().iter().map(|&value| f32::from(value)).collect();
        assert_eq!(crop(&image, whole(&image)), expected);
    }

    #[test]
    fn outside_the_picture_the_border_goes_on() {
        let image = GrayImage::from_fn(10, 10, |x, _| Luma([if x == 9 { 200 } else { 0 }]));
        let beyond = CropBox { left: 12.0, top: -5.0, right: 20.0, bottom: 3.0 };
        assert!(crop(&image, beyond).iter().all(|value| (value - 200.0).abs() < 1e-3));
    }

    #[test]
    fn a_margin_of_a_tenth_makes_a_box_of_100_pixels_120_wide() {
        let face = BoundingBox { x: 50, y: 60, width: 100, height: 100 };
        assert_eq!(CropBox::around(face, 0.1), CropBox { left: 40.0, top: 50.0, right: 160.0, bottom: 170.0 });
    }
}
