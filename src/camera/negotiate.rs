//! Which of a camera's modes to ask for: pure functions on the lists that a driver gives.
//!
//! Order of importance: the size nearest to the wanted one, then a rate that is not too low, then the pixel format that costs least to turn into grey.
//! (Over USB 2 many cameras offer 1280×720 at 10 frames/s raw and at 30 compressed: wanting 30 means decoding.)

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use v4l::fraction::Fraction;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;

use super::luma::MAX_SIDE;
use crate::config::PixelFormat;

/// A rate within this share of the wanted one counts as reached: 29.97 is 30.
const RATE_TOLERANCE: f64 = 0.05;

/// What is asked of a driver.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    pub fourcc: [u8; 4],
    pub format: PixelFormat,
    pub width: u32,
    pub height: u32,
    /// None if the driver does not say which it has.
    pub interval: Option<Fraction>,
}

/// The format that a V4L2 FourCC code stands for, if we read it. `JPEG` is the other name of motion JPEG, with the tables always inside.
pub(super) fn pixel_format(fourcc: [u8; 4]) -> Option<PixelFormat> {
    Some(match &fourcc {
        b"GREY" => PixelFormat::Grey,
        b"YUYV" => PixelFormat::Yuyv,
        b"UYVY" => PixelFormat::Uyvy,
        b"NV12" => PixelFormat::Nv12,
        b"YU12" => PixelFormat::Yu12,
        b"MJPG" | b"JPEG" => PixelFormat::Mjpg,
        _ => return None,
    })
}

/// From cheap to dear: by bytes that are touched for a pixel, and decoding last.
fn cost(format: PixelFormat) -> u8 {
    match format {
        PixelFormat::Grey => 0,
        PixelFormat::Nv12 | PixelFormat::Yu12 => 1,
        PixelFormat::Yuyv | PixelFormat::Uyvy => 2,
        PixelFormat::Mjpg | PixelFormat::Auto => 3,
    }
}

/// The offered size nearest to the wanted one (sum of the differences of both sides); of two as near, the larger. Sizes that are not read are left out.
pub(super) fn nearest_size(sizes: &[FrameSizeEnum], width: u32, height: u32) -> Option<(u32, u32)> {
    sizes
        .iter()
        .filter_map(|size| match size {
            FrameSizeEnum::Discrete(size) => Some((size.width, size.height)),
            FrameSizeEnum::Stepwise(size) => Some((
                nearest_step(size.min_width, size.max_width, size.step_width, width)?,
                nearest_step(size.min_height, size.max_height, size.step_height, height)?,
            )),
        })
        .filter(|(width, height)| (1..=MAX_SIDE).contains(width) && (1..=MAX_SIDE).contains(height))
        .min_by_key(|&size| (size_distance(size, (width, height)), std::cmp::Reverse(size)))
}

fn size_distance(a: (u32, u32), b: (u32, u32)) -> u32 {
    a.0.abs_diff(b.0) + a.1.abs_diff(b.1)
}

/// The value nearest to `wanted` among `least`, `least + step`, … up to `most`.
fn nearest_step(least: u32, most: u32, step: u32, wanted: u32) -> Option<u32> {
    if least > most {
        return None;
    }
    let step = step.max(1);
    let steps = (wanted.clamp(least, most) - least + step / 2) / step;
    Some(least + steps.min((most - least) / step) * step)
}

/// The offered frame interval whose rate is nearest to the wanted one; of two as near, the faster.
pub(super) fn nearest_interval(intervals: &[FrameIntervalEnum], frames_per_second: u32) -> Option<Fraction> {
    let wanted = f64::from(frames_per_second);
    intervals
        .iter()
        .map(|interval| match interval {
            FrameIntervalEnum::Discrete(interval) => *interval,
            FrameIntervalEnum::Stepwise(range) => match (rate(range.max), rate(range.min)) {
                (Some(slowest), _) if wanted < slowest => range.max,
                (_, Some(fastest)) if wanted > fastest => range.min,
                // The driver finds its own step.
                _ => Fraction::new(1, frames_per_second),
            },
        })
        .filter_map(|interval| Some((interval, rate(interval)?)))
        .min_by(|(_, a), (_, b)| (a - wanted).abs().total_cmp(&(b - wanted).abs()).then(b.total_cmp(a)))
        .map(|(interval, _)| interval)
}

/// In frames/s; none if either part is 0.
pub(super) fn rate(interval: Fraction) -> Option<f64> {
    let known = interval.numerator != 0 && interval.denominator != 0;
    known.then(|| f64::from(interval.denominator) / f64::from(interval.numerator))
}

/// The best of `modes`, which hold one mode per pixel format.
pub(super) fn best_mode(modes: &[Mode], width: u32, height: u32, frames_per_second: u32) -> Option<Mode> {
    let wanted = f64::from(frames_per_second);
    let too_slow_by = |mode: &Mode| match mode.interval.and_then(rate) {
        Some(rate) if rate < wanted * (1.0 - RATE_TOLERANCE) => wanted - rate,
        _ => 0.0,
    };
    modes.iter().copied().min_by(|a, b| {
        let distance = |mode: &Mode| size_distance((mode.width, mode.height), (width, height));
        distance(a).cmp(&distance(b)).then(too_slow_by(a).total_cmp(&too_slow_by(b))).then(cost(a.format).cmp(&cost(b.format)))
    })
}

#[cfg(test)]
mod tests {
    use v4l::frameinterval::Stepwise as IntervalRange;
    use v4l::framesize::{Discrete, Stepwise};

    use super::*;

    fn discrete(sizes: &[(u32, u32)]) -> Vec<FrameSizeEnum> {
        sizes.iter().map(|&(width, height)| FrameSizeEnum::Discrete(Discrete { width, height })).collect()
    }

    fn stepwise(width: [u32; 3], height: [u32; 3]) -> Vec<FrameSizeEnum> {
        vec![FrameSizeEnum::Stepwise(Stepwise {
            min_width: width[0],
            max_width: width[1],
            step_width: width[2],
            min_height: height[0],
            max_height: height[1],
            step_height: height[2],
        })]
    }

    fn rates(rates: &[u32]) -> Vec<FrameIntervalEnum> {
        rates.iter().map(|&rate| FrameIntervalEnum::Discrete(Fraction::new(1, rate))).collect()
    }

    fn chosen_rate(intervals: &[FrameIntervalEnum], wanted: u32) -> Option<f64> {
        nearest_interval(intervals, wanted).and_then(rate)
    }

    fn mode(fourcc: &[u8; 4], width: u32, height: u32, frames_per_second: u32) -> Mode {
        let interval = (frames_per_second != 0).then(|| Fraction::new(1, frames_per_second));
        Mode { fourcc: *fourcc, format: pixel_format(*fourcc).unwrap(), width, height, interval }
    }

    #[test]
    fn whatever_steps_a_driver_offers_the_nearest_lies_within_them() {
        const EXTREMES: [u32; 9] = [0, 1, 2, 640, 4096, 4097, 1 << 31, u32::MAX - 1, u32::MAX];
        for least in EXTREMES {
            for most in EXTREMES {
                for step in EXTREMES {
                    for wanted in [16, 640, 4096] {
                        let nearest = nearest_step(least, most, step, wanted);
                        assert_eq!(nearest.is_some(), least <= most);
                        let on_a_step = |value| (value - least) % step.max(1) == 0 && (least..=most).contains(&value);
                        assert!(nearest.is_none_or(on_a_step), "{least} to {most} by {step}: {nearest:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_nearest_size_is_chosen_and_of_two_as_near_the_larger() {
        let sizes = discrete(&[(320, 240), (1280, 720), (640, 480), (800, 600)]);
        assert_eq!(nearest_size(&sizes, 640, 480), Some((640, 480)));
        assert_eq!(nearest_size(&sizes, 16, 16), Some((320, 240)));
        assert_eq!(nearest_size(&sizes, 4096, 4096), Some((1280, 720)));
        // 320×240 and 640×480 are both 280 away.
        assert_eq!(nearest_size(&sizes, 480, 360), Some((640, 480)));
    }

    #[test]
    fn a_stepwise_size_is_rounded_to_its_steps() {
        assert_eq!(nearest_size(&stepwise([32, 2592, 16], [32, 1944, 2]), 650, 481), Some((656, 482)));
        assert_eq!(nearest_size(&stepwise([32, 100, 16], [32, 100, 1]), 4000, 4000), Some((96, 100)));
        assert_eq!(nearest_size(&stepwise([640, 640, 0], [480, 480, 0]), 320, 240), Some((640, 480)));
    }

    #[test]
    fn sizes_that_make_no_sense_are_left_out() {
        assert_eq!(nearest_size(&[], 640, 480), None);
        assert_eq!(nearest_size(&discrete(&[(0, 480), (8000, 6000)]), 640, 480), None);
        assert_eq!(nearest_size(&stepwise([640, 320, 1], [480, 480, 1]), 640, 480), None);
        assert_eq!(nearest_size(&stepwise([0, u32::MAX, u32::MAX], [1, u32::MAX, 1]), 4096, 480), None);
    }

    #[test]
    fn the_nearest_rate_is_chosen_and_of_two_as_near_the_faster() {
        let usual = rates(&[30, 25, 20, 15, 10, 5]);
        assert_eq!(chosen_rate(&usual, 15), Some(15.0));
        assert_eq!(chosen_rate(&usual, 120), Some(30.0));
        assert_eq!(chosen_rate(&rates(&[10, 20]), 15), Some(20.0));
        assert_eq!(chosen_rate(&[], 15), None);
    }

    #[test]
    fn a_range_of_rates_gives_the_wanted_one_or_its_end() {
        let range = |slowest, fastest| {
            let (max, min, step) = (Fraction::new(1, slowest), Fraction::new(1, fastest), Fraction::new(1, 1000));
            vec![FrameIntervalEnum::Stepwise(IntervalRange { min, max, step })]
        };
        assert_eq!(chosen_rate(&range(5, 30), 15), Some(15.0));
        assert_eq!(chosen_rate(&range(5, 30), 60), Some(30.0));
        assert_eq!(chosen_rate(&range(5, 30), 1), Some(5.0));
        assert_eq!(chosen_rate(&range(0, 0), 15), Some(15.0));
    }

    #[test]
    fn an_interval_of_zero_is_no_rate() {
        assert_eq!(chosen_rate(&[FrameIntervalEnum::Discrete(Fraction::new(0, 0))], 15), None);
    }

    #[test]
    fn raw_comes_before_compressed_at_the_same_size_and_rate() {
        let modes = [mode(b"MJPG", 640, 480, 30), mode(b"YUYV", 640, 480, 30), mode(b"NV12", 640, 480, 30)];
        assert_eq!(&best_mode(&modes, 640, 480, 30).unwrap().fourcc, b"NV12");
        assert_eq!(&best_mode(&modes[..2], 640, 480, 30).unwrap().fourcc, b"YUYV");
    }

    #[test]
    fn a_format_that_is_too_slow_gives_way_to_a_dearer_one() {
        let modes = [mode(b"YUYV", 1280, 720, 10), mode(b"MJPG", 1280, 720, 30)];
        assert_eq!(&best_mode(&modes, 1280, 720, 30).unwrap().fourcc, b"MJPG");
        assert_eq!(&best_mode(&modes, 1280, 720, 10).unwrap().fourcc, b"YUYV");
    }

    #[test]
    fn the_size_matters_more_than_rate_and_format() {
        let modes = [mode(b"GREY", 320, 240, 30), mode(b"MJPG", 640, 480, 5)];
        assert_eq!(&best_mode(&modes, 640, 480, 30).unwrap().fourcc, b"MJPG");
    }

    #[test]
    fn nearly_the_rate_and_an_unknown_rate_are_good_enough() {
        let mut television = mode(b"YUYV", 640, 480, 30);
        television.interval = Some(Fraction::new(1001, 30000));
        let modes = [mode(b"MJPG", 640, 480, 30), television];
        assert_eq!(&best_mode(&modes, 640, 480, 30).unwrap().fourcc, b"YUYV");
        let modes = [mode(b"MJPG", 640, 480, 30), mode(b"YUYV", 640, 480, 0)];
        assert_eq!(&best_mode(&modes, 640, 480, 30).unwrap().fourcc, b"YUYV");
    }
}
