//! Makes a picture smaller, bit for bit as OpenCV's exact bilinear resizing does: two pixels per axis, whatever the scale, in fixed point.

use image::GrayImage;

/// One pixel of the smaller axis: the larger one's pixels `index` and `index + 1`, mixed `256 - weight` to `weight`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tap {
    index: u32,
    /// 0 to 256.
    weight: u16,
}

/// How to come from one size to another, computed once.
#[derive(Clone, Debug)]
pub(super) struct Resize {
    columns: Vec<Tap>,
    rows: Vec<Tap>,
}

/// What is kept from row to row while one picture is made smaller; one of these serves pictures of all sizes.
#[derive(Debug, Default)]
pub(super) struct RowCache {
    /// Rows of the picture, made smaller sideways only; 256 times the value.
    narrowed: [Vec<u16>; 2],
    /// Which rows of the picture these are.
    rows: [Option<u32>; 2],
    /// The row that is finished.
    finished: Vec<u8>,
}

impl RowCache {
    /// Room for rows of up to `width` pixels.
    pub(super) fn with_width(width: usize) -> Self {
        Self { narrowed: [vec![0; width], vec![0; width]], rows: [None; 2], finished: vec![0; width] }
    }

    /// Forgets the rows of the picture before.
    pub(super) fn clear(&mut self) {
        self.rows = [None; 2];
    }
}

impl Resize {
    /// From (width, height) to another, each at least 2.
    pub(super) fn new(from: (usize, usize), to: (usize, usize)) -> Self {
        Self { columns: taps(from.0, to.0), rows: taps(from.1, to.1) }
    }

    /// Row `row` of the smaller picture. `cache` must have been cleared when another picture or another size was begun.
    pub(super) fn row<'a>(&self, image: &'a GrayImage, row: usize, cache: &'a mut RowCache) -> &'a [u8] {
        let source_width = image.width() as usize;
        let source_row = |index: u32| &image.as_raw()[index as usize * source_width..][..source_width];
        let Tap { index, weight } = self.rows[row];
        let width = self.columns.len();
        if width == source_width && self.rows.len() == image.height() as usize {
            return source_row(row as u32);
        }

        // Rows come from top to bottom: what was the lower row is often the upper one now.
        if cache.rows[1] == Some(index) {
            cache.rows.swap(0, 1);
            cache.narrowed.swap(0, 1);
        }
        for (side, index) in [index, index + 1].into_iter().enumerate() {
            if cache.rows[side] != Some(index) {
                narrow(source_row(index), &self.columns, &mut cache.narrowed[side][..width]);
                cache.rows[side] = Some(index);
            }
        }
        let [upper, lower] = &cache.narrowed;
        let finished = &mut cache.finished[..width];
        let (above, below) = (256 - u32::from(weight), u32::from(weight));
        for ((pixel, upper), lower) in finished.iter_mut().zip(&upper[..width]).zip(&lower[..width]) {
            *pixel = ((u32::from(*upper) * above + u32::from(*lower) * below + 32768) >> 16) as u8;
        }
        finished
    }
}

fn narrow(pixels: &[u8], columns: &[Tap], narrowed: &mut [u16]) {
    for (value, tap) in narrowed.iter_mut().zip(columns) {
        let index = tap.index as usize;
        *value = u16::from(pixels[index]) * (256 - tap.weight) + u16::from(pixels[index + 1]) * tap.weight;
    }
}

/// Centres of pixels lie at half a pixel; beyond the outermost centres the outermost pixel is taken.
fn taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = 1.0 / (to as f64 / from as f64);
    let last = from as u32 - 2;
    (0..to)
        .map(|index| {
            let place = scale * (index as f64 + 0.5) - 0.5;
            let left = place.floor();
            if left < 0.0 {
                Tap { index: 0, weight: 0 }
            } else if left as u32 > last {
                Tap { index: last, weight: 256 }
            } else {
                Tap { index: left as u32, weight: ((place - left) * 256.0).round_ties_even() as u16 }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized(width: u32, pixels: &[u8], to: (usize, usize)) -> Vec<u8> {
        let image = GrayImage::from_raw(width, pixels.len() as u32 / width, pixels.to_vec()).unwrap();
        let resize = Resize::new((width as usize, image.height() as usize), to);
        let mut cache = RowCache::with_width(to.0);
        (0..to.1).flat_map(|row| resize.row(&image, row, &mut cache).to_vec()).collect()
    }

    #[test]
    fn half_the_size_is_the_rounded_mean_of_four_pixels() {
        // (1 + 2 + 5 + 7 + 2) >> 2 = 4, (255 · 4 + 2) >> 2 = 255.
        assert_eq!(resized(4, &[1, 2, 255, 255, 5, 7, 255, 255], (2, 1)), [4, 255]);
    }

    #[test]
    fn the_same_size_is_a_copy() {
        let pixels: Vec<u8> = (0..12).map(|i| i * 21).collect();
        assert_eq!(resized(4, &pixels, (4, 3)), pixels);
    }

    #[test]
    fn four_pixels_become_three_with_weights_in_256ths() {
        // Centres at 4/3 · (d + ½) − ½ = 0.1667, 1.5, 2.8333; weights 42.67 → 43, 128, 213.33 → 213. Two equal rows.
        // (10 · 213 + 20 · 43) / 256 = 11.68; (20 + 40) / 2 = 30; (40 · 43 + 80 · 213) / 256 = 73.28.
        assert_eq!(resized(4, &[10, 20, 40, 80, 10, 20, 40, 80], (3, 2)), [12, 30, 73, 12, 30, 73]);
    }

    #[test]
    fn beyond_the_outermost_centres_the_outermost_pixel_is_taken() {
        assert_eq!(taps(2, 3)[0], Tap { index: 0, weight: 0 });
        assert_eq!(taps(2, 3)[2], Tap { index: 0, weight: 256 });
    }
}
