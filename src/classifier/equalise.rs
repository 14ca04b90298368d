//! Histogram equalisation of a crop, and its weighted sum with the grey values as they are: for networks that were trained so.
//!
//! This is the same definition as `models/training/equalise.py`; with weight 1 it is OpenCV's `equalizeHist`, which stored vectors prove.

use super::preprocess::SIDE;

/// Replaces each value of a crop (0 to 255) by `weight` × equalised + (1 − `weight`) × value. Allocates nothing.
///
/// The histogram is taken of the values rounded (half to even) to 0..=255. As in OpenCV, a value becomes
/// round(255 · (cdf(value) − cdf_min) / (pixels − cdf_min)), in `f32`, cdf_min being the count of the darkest value that occurs: this becomes 0, the
/// brightest 255. A crop of a single value stays as it is.
pub fn equalise(crop: &mut [f32; SIDE * SIDE], weight: f32) {
    if weight == 0.0 {
        return;
    }
    let mut counts = [0_u16; 256];
    for value in crop.iter() {
        counts[level(*value)] += 1;
    }
    let darkest = counts.into_iter().find(|count| *count > 0).unwrap_or_default();
    let brighter = crop.len() as u16 - darkest;
    if brighter == 0 {
        return;
    }
    let scale = 255.0 / f32::from(brighter);
    let mut table = [0.0; 256];
    let mut up_to_here = 0;
    for (equalised, count) in table.iter_mut().zip(counts) {
        up_to_here += count;
        *equalised = (f32::from(up_to_here.saturating_sub(darkest)) * scale).round_ties_even();
    }
    for value in crop {
        *value = weight * table[level(*value)] + (1.0 - weight) * *value;
    }
}

fn level(value: f32) -> usize {
    value.round_ties_even().clamp(0.0, 255.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crop whose four quarters, of 576 pixels each, have these values.
    fn quarters(values: [f32; 4]) -> [f32; SIDE * SIDE] {
        std::array::from_fn(|pixel| values[pixel / 576])
    }

    #[test]
    fn four_values_by_pencil() {
        // Above the darkest there are three quarters of the pixels: steps of a third of 255.
        let mut crop = quarters([10.0, 20.0, 30.0, 40.0]);
        equalise(&mut crop, 1.0);
        assert_eq!(crop, quarters([0.0, 85.0, 170.0, 255.0]));
    }

    #[test]
    fn the_weight_mixes_with_the_values_as_they_are() {
        let mut crop = quarters([10.0, 20.25, 30.0, 40.0]);
        let before = crop;
        equalise(&mut crop, 0.0);
        assert_eq!(crop, before);
        equalise(&mut crop, 0.5);
        assert_eq!(crop, quarters([5.0, 52.625, 100.0, 147.5]));
    }

    #[test]
    fn values_between_two_greys_count_as_the_nearer_one() {
        // 9.6 and 10.4 are the same grey; half of the rest are 127.5, which is rounded to even.
        let mut crop = quarters([9.6, 10.4, 30.0, 40.4]);
        equalise(&mut crop, 1.0);
        assert_eq!(crop, quarters([0.0, 0.0, 128.0, 255.0]));
    }

    #[test]
    fn a_crop_of_one_value_stays_as_it_is() {
        for grey in [0.0, 77.0, 99.7, 255.0] {
            let mut crop = quarters([grey; 4]);
            equalise(&mut crop, 1.0);
            assert_eq!(crop, quarters([grey; 4]));
        }
    }

    #[test]
    fn values_that_the_filter_moved_out_of_range_are_no_trouble() {
        let mut crop = quarters([-0.7, 0.0, 255.0, 255.6]);
        equalise(&mut crop, 1.0);
        assert_eq!(crop, quarters([0.0, 0.0, 255.0, 255.0]));
    }
}
