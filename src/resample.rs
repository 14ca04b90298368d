//! Cuts a rectangle out of a grey picture and gives it another size.
//!
//! This is the same definition as `models/training/preprocess.py`, which uses Pillow; stored vectors compare the two. The rectangle is resized along
//! each axis by a triangle filter whose support grows with the reduction (at least one source pixel to each side), so nothing aliases. Pixel centres
//! lie at +0.5. Where the rectangle leaves the picture, border pixels are continued outwards by whole pixels, just far enough to hold it; the filter
//! takes nothing beyond that, its weights scaled to sum 1.

use image::GrayImage;

/// A rectangle in real pixel coordinates; may leave the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct CropBox {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

/// Cuts and resizes; keeps its buffers, and its weights as long as the rectangle stays the same.
#[derive(Default)]
pub struct Resampler {
    columns: Filter,
    rows: Filter,
    /// One row of the result, not yet resized sideways.
    sums: Vec<f32>,
}

impl Resampler {
    /// Writes the `width`×`height` grey values of `place`, 0 to 255, row by row from the top left, the rows `stride` values apart.
    ///
    /// # Panics
    /// If `image` is empty, `place` has no area, or `values` is too short.
    pub fn resample(
        &mut self,
        image: &GrayImage,
        place: CropBox,
        (width, height): (usize, usize),
        values: &mut [f32],
        stride: usize,
    ) {
        let (image_width, image_height) = (i64::from(image.width()), i64::from(image.height()));
        assert!(image_width > 0 && image_height > 0, "there is nothing to cut from an empty picture");
        assert!(place.right > place.left && place.bottom > place.top, "a crop must have an area: {place:?}");
        self.columns.prepare(place.left, place.right, image_width, width);
        self.rows.prepare(place.top, place.bottom, image_height, height);

        // Rows first: neighbouring pixels are then summed side by side in vector registers.
        let (first, last) = self.columns.span();
        let first = first.clamp(0, image_width - 1);
        let last = last.clamp(0, image_width - 1);
        let Self { columns, rows, sums } = self;
        // As wide as the picture: what a face needs then never asks for more.
        sums.resize(image.width() as usize, 0.0);
        let sums = &mut sums[..(last - first + 1) as usize];
        for (taps, values) in rows.taps.iter().zip(values.chunks_mut(stride)) {
            for (index, weight) in rows.weights(taps).iter().enumerate() {
                let y = (taps.first + index as i64).clamp(0, image_height - 1);
                let start = (y * image_width + first) as usize;
                let pixels = &image.as_raw()[start..start + sums.len()];
                if index == 0 {
                    sums.iter_mut().zip(pixels).for_each(|(sum, pixel)| *sum = weight * f32::from(*pixel));
                } else {
                    sums.iter_mut().zip(pixels).for_each(|(sum, pixel)| *sum += weight * f32::from(*pixel));
                }
            }
            for (value, taps) in values[..width].iter_mut().zip(&columns.taps) {
                let weights = columns.weights(taps);
                *value = if taps.first >= 0 && taps.first + taps.count as i64 <= image_width {
                    let sums = &sums[(taps.first - first) as usize..];
                    sums.iter().zip(weights).map(|(sum, weight)| weight * sum).sum()
                } else {
                    let sum = |x: i64| sums[(x.clamp(0, image_width - 1) - first) as usize];
                    (taps.first..).zip(weights).map(|(x, weight)| weight * sum(x)).sum()
                };
            }
        }
    }
}

/// Which source pixels, with which weights, make each output along one axis.
#[derive(Default)]
struct Filter {
    /// What it was last prepared for.
    prepared_for: Option<(f64, f64, i64, usize)>,
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
    /// Computes the taps for resizing `start..end` of an axis of `length` pixels to `outputs`.
    fn prepare(&mut self, start: f64, end: f64, length: i64, outputs: usize) {
        let wanted = Some((start, end, length, outputs));
        if self.prepared_for == wanted {
            return;
        }
        self.prepared_for = wanted;
        self.taps.clear();
        self.weights.clear();
        let least = 0.min(start.floor() as i64);
        let most = length.max(end.ceil() as i64);
        let scale = (end - start) / outputs as f64;
        let support = scale.max(1.0);
        self.weights.reserve(outputs * (2 * support.ceil() as usize + 2));
        for output in 0..outputs {
            let centre = start + (output as f64 + 0.5) * scale;
            let weight = |pixel: i64| (1.0 - (pixel as f64 + 0.5 - centre).abs() / support).max(0.0);
            let mut first = ((centre - support + 0.5).floor() as i64).max(least);
            let mut end = ((centre + support + 0.5).floor() as i64).min(most);
            // At the ends of the support the weight is nothing.
            while end - first > 1 && weight(first) == 0.0 {
                first += 1;
            }
            while end - first > 1 && weight(end - 1) == 0.0 {
                end -= 1;
            }
            let weights_at = self.weights.len();
            let sum: f64 = (first..end).map(weight).sum();
            self.weights.extend((first..end).map(|pixel| (weight(pixel) / sum) as f32));
            self.taps.push(Taps { first, count: self.weights.len() - weights_at, weights_at });
        }
    }

    fn weights(&self, taps: &Taps) -> &[f32] {
        &self.weights[taps.weights_at..taps.weights_at + taps.count]
    }

    /// The first and the last source pixel of all taps.
    fn span(&self) -> (i64, i64) {
        let last = |taps: &Taps| taps.first + taps.count as i64 - 1;
        (self.taps.first().map_or(0, |taps| taps.first), self.taps.last().map_or(0, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    fn resampled(image: &GrayImage, place: CropBox, size: (usize, usize)) -> Vec<f32> {
        let mut values = vec![0.0; size.0 * size.1];
        Resampler::default().resample(image, place, size, &mut values, size.0);
        values
    }

    #[test]
    fn half_the_size_is_an_eighth_of_the_outer_pixels_and_three_eighths_of_the_inner_ones() {
        // Centre 3 of pixels 0.5 … 5.5, support 2: weights 1/4, 3/4, 3/4, 1/4 over 2. Rows all alike.
        let image = GrayImage::from_fn(6, 2, |x, _| Luma([[0, 8, 16, 80, 40, 240][x as usize]]));
        let place = CropBox { left: 0.0, top: 0.0, right: 6.0, bottom: 2.0 };
        let middle = (8.0 + 3.0 * 16.0 + 3.0 * 80.0 + 40.0) / 8.0;
        // At the borders one outer pixel is missing: 3, 3, 1 over 7.
        let (left, right) = ((3.0 * 8.0 + 16.0) / 7.0, (80.0 + 3.0 * 40.0 + 3.0 * 240.0) / 7.0);
        let values = resampled(&image, place, (3, 1));
        for (value, expected) in values.iter().zip([left, middle, right]) {
            assert!((value - expected).abs() < 1e-4, "{values:?}");
        }
    }

    #[test]
    fn a_place_outside_the_picture_shows_its_border() {
        let image = GrayImage::from_fn(10, 10, |x, _| Luma([if x == 9 { 200 } else { 0 }]));
        let beyond = CropBox { left: 12.0, top: -5.0, right: 20.0, bottom: 3.0 };
        assert!(resampled(&image, beyond, (8, 8)).iter().all(|value| (value - 200.0).abs() < 1e-3));
    }

    #[test]
    fn rows_are_a_stride_apart_and_what_lies_between_them_is_left_alone() {
        let image = GrayImage::from_pixel(2, 2, Luma([7]));
        let mut values = [-1.0; 6];
        let place = CropBox { left: 0.0, top: 0.0, right: 2.0, bottom: 2.0 };
        Resampler::default().resample(&image, place, (2, 2), &mut values, 3);
        assert_eq!(values, [7.0, 7.0, -1.0, 7.0, 7.0, -1.0]);
    }
}
