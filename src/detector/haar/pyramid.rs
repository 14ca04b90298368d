//! Which sizes of face are looked for: the picture is made smaller step by step, and the window stays as it is.
//!
//! "Rounded" is to the nearest whole number here, halves to the even one, as everywhere in this detector and in OpenCV.

use crate::config::DetectorConfig;

/// One size of the picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Level {
    /// How many times larger the picture is.
    pub(super) scale: f32,
    /// Width of the picture made smaller, in pixels; never less than the window's.
    pub(super) width: usize,
    pub(super) height: usize,
    /// Width of the search window in the picture as it came, in pixels.
    pub(super) face_width: i32,
    pub(super) face_height: i32,
    /// From one window to the next, in pixels: 2 as long as the picture is large, since neighbours tell little there; then 1.
    pub(super) step: usize,
    /// Windows side by side in a row.
    pub(super) columns: usize,
    /// Rows of windows, `step` apart.
    pub(super) rows: usize,
}

/// All levels for a picture of this size that can hold a face of the wanted sizes, from the smallest face to the largest.
pub(super) fn levels(
    (picture_width, picture_height): (u32, u32),
    (window_width, window_height): (usize, usize),
    config: &DetectorConfig,
) -> Vec<Level> {
    let most = |side: u32| if config.max_size == 0 { i64::from(side) } else { i64::from(config.max_size) };
    let (most_width, most_height) = (most(picture_width), most(picture_height));
    let least = i64::from(config.min_size);

    let scales = scales((picture_width, picture_height), (window_width, window_height), config.scale_factor);
    let face = |scale: f32| (side_of_face(window_width, scale), side_of_face(window_height, scale));
    let small_enough = scales.iter().take_while(|scale| {
        let (width, height) = face(**scale);
        i64::from(width) <= most_width && i64::from(height) <= most_height
    });
    let mut wanted: Vec<f32> = small_enough
        .filter(|scale| {
            let (width, height) = face(**scale);
            i64::from(width) >= least && i64::from(height) >= least
        })
        .copied()
        .collect();
    if wanted.is_empty() {
        let distance = |scale: f32| {
            let (width, height) = face(scale);
            (i64::from(width) - least).pow(2) + (i64::from(height) - least).pow(2)
        };
        wanted.extend(scales.iter().copied().min_by_key(|scale| distance(*scale)));
    }

    let mut levels: Vec<Level> = Vec::with_capacity(wanted.len());
    for scale in wanted {
        let width = (picture_width as f32 / scale).round_ties_even() as usize;
        let height = (picture_height as f32 / scale).round_ties_even() as usize;
        if width < window_width || height < window_height {
            continue;
        }
        let first_width = levels.first().map_or(width, |first| first.width);
        let step = if scale < 2.0 { 2 } else { 1 };
        let (face_width, face_height) = face(scale);
        levels.push(Level {
            scale,
            width,
            height,
            face_width,
            face_height,
            step,
            columns: (width - window_width) / step + 1,
            rows: rows(height + 1 - window_height, step, first_width + 1 - window_width),
        });
    }
    levels
}

/// The powers of `factor` up to the one at which the window is larger than the picture.
fn scales((picture_width, picture_height): (u32, u32), (width, height): (usize, usize), factor: f64) -> Vec<f32> {
    let mut scales = vec![];
    let mut scale = 1.0_f64;
    while (width as f64 * scale).round_ties_even() <= f64::from(picture_width)
        && (height as f64 * scale).round_ties_even() <= f64::from(picture_height)
    {
        scales.push(scale as f32);
        scale *= factor;
    }
    scales
}

fn side_of_face(window_side: usize, scale: f32) -> i32 {
    (window_side as f32 * scale).round_ties_even() as i32
}

/// How many rows of windows are visited, of `places` possible ones counted in pixels.
///
/// OpenCV deals the rows out in stripes, whose number comes from the first level's width, and whose height is rounded to whole rows of
/// windows. What is left below the last stripe is not visited: sometimes one row, at some sizes of picture. So the boxes are the same only
/// if it is not visited here either.
fn rows(places: usize, step: usize, first_columns: usize) -> usize {
    let stripes = first_columns.div_ceil(32);
    let rows_of_a_stripe = (places / step).div_ceil(stripes).max(1);
    (stripes * rows_of_a_stripe).min(places.div_ceil(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(scale_factor: f64, min_size: u32, max_size: u32) -> DetectorConfig {
        DetectorConfig { min_size, max_size, scale_factor, ..DetectorConfig::default() }
    }

    fn faces(picture: (u32, u32), config: &DetectorConfig) -> Vec<i32> {
        levels(picture, (24, 24), config).iter().map(|level| level.face_width).collect()
    }

    #[test]
    fn scales_are_powers_of_the_factor_until_the_window_is_larger_than_the_picture() {
        // 24, 31.2, 40.56, 52.73, 68.5, 89.1: the next is 115.8 > 100.
        assert_eq!(faces((200, 100), &config(1.3, 0, 0)), [24, 31, 41, 53, 69, 89]);
    }

    #[test]
    fn a_smallest_face_removes_levels_and_moves_none() {
        assert_eq!(faces((200, 100), &config(1.3, 41, 53)), [41, 53]);
        assert_eq!(faces((200, 100), &config(1.3, 42, 0)), [53, 69, 89]);
    }

    #[test]
    fn if_no_scale_has_the_wanted_size_the_nearest_one_is_searched() {
        assert_eq!(faces((200, 100), &config(1.3, 45, 50)), [41]);
        assert_eq!(faces((200, 100), &config(1.3, 300, 0)), [89]);
    }

    #[test]
    fn a_picture_smaller_than_the_window_has_no_levels() {
        assert!(faces((23, 40), &config(1.1, 0, 0)).is_empty());
        assert!(faces((0, 0), &config(1.1, 0, 0)).is_empty());
        assert_eq!(faces((24, 24), &config(1.1, 0, 0)), [24]);
    }

    #[test]
    fn windows_are_two_pixels_apart_below_scale_two_and_one_from_there_on() {
        let levels = levels((100, 60), (24, 24), &config(2.0, 0, 0));
        assert_eq!(levels.len(), 2);
        // x = 0, 2, … 76; y = 0, 2, … 36 would be 19 rows: three stripes of 18 / 3.
        assert_eq!((levels[0].step, levels[0].columns, levels[0].rows), (2, 39, 18));
        // 50×30: x = 0 … 26, y = 0 … 6.
        assert_eq!((levels[1].width, levels[1].height), (50, 30));
        assert_eq!((levels[1].step, levels[1].columns, levels[1].rows), (1, 27, 7));
    }

    #[test]
    fn rows_below_the_last_stripe_are_not_visited() {
        // 97 places, 2 apart: 49 rows; 160 − 23 = 137 columns make 5 stripes of (48 + 4) / 5 = 10 rows: all.
        assert_eq!(rows(97, 2, 137), 49);
        // 81 places: 41 rows; 5 stripes of (40 + 4) / 5 = 8 rows: the last one is lost.
        assert_eq!(rows(81, 2, 137), 40);
        // One stripe holds floor(places / step) rows.
        assert_eq!(rows(9, 2, 10), 4);
        assert_eq!(rows(1, 2, 10), 1);
    }
}
