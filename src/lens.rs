//! Whether a camera's pictures are worth looking at: not if something covers the lens, and not if it gives the same one for ever.
//!
//! Some 19,000 pixels of a 640×480 picture are looked at, every fourth of every fourth row.

use std::time::Duration;

use image::GrayImage;

use crate::frame::Frame;

/// What the pictures of the last seconds are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// There is something to see.
    Clear,
    /// Dark and without contrast for [`COVERED_AFTER`]: a cap, a hand, a shutter, or the light is out.
    Covered,
    /// The same picture again and again: a camera that hangs. A working one never repeats itself, because of its noise.
    Frozen,
}

/// How long pictures must be dark.
pub const COVERED_AFTER: Duration = Duration::from_secs(10);

/// A picture is dark if its mean luma is below this, of 0 to 255. Black is 16 in the video range that most cameras give, and a covered webcam, which
/// turns its gain up, stays below 30. A higher value takes a dim room for a covered lens, a lower one misses covers that let some light through.
const DARK: u32 = 32;
/// And if no cell of the picture is brighter than another by more than this: a window, a lamp or a screen in a dark room is something to see.
const EVEN: u32 = 24;
/// What was taken for covered must be brighter, or less even, by this much to count as clear, so that a borderline does not flicker.
const MARGIN: u32 = 8;

/// Every so many pixels and rows one is looked at; each row begins one further to the right.
const STEP: usize = 4;
/// Over cells the noise of a dark picture levels out: 100 pixels of a 640×480 picture are looked at in each.
const COLUMNS: usize = 16;
const ROWS: usize = 12;

/// Judges picture after picture; time comes with them.
pub struct Lens {
    frozen_after: Option<Duration>,
    covered: bool,
    dark_since: Option<Duration>,
    /// What the last pictures look like, and since when.
    same: Option<(Sample, Duration)>,
}

/// A picture in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    /// A hash (FNV-1a) of the pixels that were looked at.
    hash: u64,
    /// Means of luma: of all of them, of the darkest cell, of the brightest.
    mean: u32,
    darkest: u32,
    brightest: u32,
}

impl Lens {
    /// Identical pictures count as [`Sight::Frozen`] after `frozen_after`; never without it, for sources that may repeat themselves.
    pub fn new(frozen_after: Option<Duration>) -> Self {
        Self { frozen_after, covered: false, dark_since: None, same: None }
    }

    /// Looks at the next picture.
    pub fn look(&mut self, frame: &Frame) -> Sight {
        let now = frame.captured_at;
        let Some(sample) = Sample::of(&frame.image) else { return Sight::Clear };

        let margin = if self.covered { MARGIN } else { 0 };
        let dark = sample.mean < DARK + margin && sample.brightest - sample.darkest <= EVEN + margin;
        self.dark_since = dark.then(|| self.dark_since.unwrap_or(now));
        self.covered = self.dark_since.is_some_and(|since| now.saturating_sub(since) >= COVERED_AFTER);

        let same_since = self.same.filter(|(earlier, _)| *earlier == sample).map_or(now, |(_, since)| since);
        self.same = Some((sample, same_since));
        let frozen = self.frozen_after.is_some_and(|limit| now.saturating_sub(same_since) >= limit);

        // A covered lens may well give the very same black again and again: then it is covered, not frozen.
        match (dark, self.covered, frozen) {
            (_, true, _) => Sight::Covered,
            (false, _, true) => Sight::Frozen,
            _ => Sight::Clear,
        }
    }

    /// There were no pictures for a while: darkness begins to count anew. That the picture is still the same goes on counting.
    pub fn interrupt(&mut self) {
        self.dark_since = None;
        self.covered = false;
    }
}

impl Sample {
    /// None for a picture without pixels.
    fn of(image: &GrayImage) -> Option<Self> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        if width == 0 || height == 0 {
            return None;
        }
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut sums = [(0_u32, 0_u32); COLUMNS * ROWS];
        for (index, row) in image.as_raw().chunks_exact(width).enumerate().step_by(STEP) {
            let mut x = index / STEP % STEP;
            for column in 0..COLUMNS {
                let (sum, count) = &mut sums[index * ROWS / height * COLUMNS + column];
                let end = (column + 1) * width / COLUMNS;
                while x < end {
                    hash = (hash ^ u64::from(row[x])).wrapping_mul(0x0000_0100_0000_01b3);
                    *sum += u32::from(row[x]);
                    *count += 1;
                    x += STEP;
                }
            }
        }
        let (sum, count) = sums.iter().fold((0, 0), |all, cell| (all.0 + cell.0, all.1 + cell.1));
        let means = sums.iter().filter(|(_, count)| *count > 0).map(|(sum, count)| sum / count);
        Some(Self { hash, mean: sum / count, darkest: means.clone().min()?, brightest: means.max()? })
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    fn frame(seconds: u64, pixel: impl Fn(u32, u32) -> u8) -> Frame {
        let image = GrayImage::from_fn(64, 48, |x, y| Luma([pixel(x, y)]));
        Frame { image, captured_at: Duration::from_secs(seconds), ..Frame::default() }
    }

    fn flat(seconds: u64, luma: u8) -> Frame {
        frame(seconds, |_, _| luma)
    }

    #[test]
    fn the_sample_of_a_picture_half_20_half_60_is_40_between_20_and_60() {
        let sample = Sample::of(&frame(0, |x, _| if x < 32 { 20 } else { 60 }).image).unwrap();
        assert_eq!((sample.mean, sample.darkest, sample.brightest), (40, 20, 60));
    }

    #[test]
    fn a_dark_picture_is_covered_after_ten_seconds_and_clear_as_soon_as_it_is_brighter() {
        let mut lens = Lens::new(None);
        assert_eq!(lens.look(&flat(0, 20)), Sight::Clear);
        assert_eq!(lens.look(&flat(9, 20)), Sight::Clear);
        assert_eq!(lens.look(&flat(10, 20)), Sight::Covered);
        // 32 is dark no more, but 40 is what it takes to leave.
        assert_eq!(lens.look(&flat(11, 39)), Sight::Covered);
        assert_eq!(lens.look(&flat(12, 40)), Sight::Clear);
        assert_eq!(lens.look(&flat(13, 20)), Sight::Clear);
        assert_eq!(lens.look(&flat(22, 20)), Sight::Clear);
        assert_eq!(lens.look(&flat(23, 20)), Sight::Covered);
    }

    #[test]
    fn a_lamp_in_a_dark_room_is_something_to_see() {
        let mut lens = Lens::new(None);
        // One cell of 4×4 pixels, of 192.
        let lamp = |x: u32, y: u32| if x / 4 == 7 && y / 4 == 3 { 200 } else { 20 };
        lens.look(&frame(0, lamp));
        assert_eq!(lens.look(&frame(60, lamp)), Sight::Clear);
    }

    #[test]
    fn the_noise_of_a_covered_camera_is_nothing_to_see() {
        let mut lens = Lens::new(Some(Duration::from_secs(10)));
        for second in 0..=10 {
            let noise = |x: u32, y: u32| (20 + (x * 7 + y * 13 + second as u32) % 16) as u8;
            let sight = lens.look(&frame(second, noise));
            assert_eq!(sight, if second < 10 { Sight::Clear } else { Sight::Covered });
        }
    }

    #[test]
    fn darkness_before_an_interruption_does_not_count() {
        let mut lens = Lens::new(None);
        lens.look(&flat(0, 20));
        lens.interrupt();
        assert_eq!(lens.look(&flat(3600, 20)), Sight::Clear);
        assert_eq!(lens.look(&flat(3610, 20)), Sight::Covered);
    }

    #[test]
    fn the_same_picture_for_ten_seconds_is_frozen_until_it_changes() {
        let mut lens = Lens::new(Some(Duration::from_secs(10)));
        let picture = |seconds| frame(seconds, |x, y| (x * 3 + y) as u8);
        assert_eq!(lens.look(&picture(0)), Sight::Clear);
        assert_eq!(lens.look(&picture(9)), Sight::Clear);
        assert_eq!(lens.look(&picture(10)), Sight::Frozen);
        lens.interrupt();
        assert_eq!(lens.look(&picture(12)), Sight::Frozen);
        // One pixel among those that are looked at.
        let changed = |seconds| frame(seconds, |x, y| (x * 3 + y) as u8 + u8::from((x, y) == (4, 0)));
        assert_eq!(lens.look(&changed(13)), Sight::Clear);
        assert_eq!(lens.look(&changed(23)), Sight::Frozen);
    }

    #[test]
    fn a_drawn_face_may_hold_still_for_ever_and_black_is_covered_not_frozen() {
        assert_eq!([0, 3600].map(|second| Lens::new(None).look(&flat(second, 90))), [Sight::Clear; 2]);
        let mut lens = Lens::new(Some(Duration::from_secs(5)));
        assert_eq!([0, 6, 10].map(|second| lens.look(&flat(second, 16))), [Sight::Clear, Sight::Clear, Sight::Covered]);
    }

    #[test]
    fn looking_allocates_nothing() {
        let (mut lens, picture) = (Lens::new(Some(Duration::from_secs(10))), flat(0, 90));
        assert_eq!(allocation_counter::measure(|| _ = lens.look(&picture)).count_total, 0);
    }

    #[test]
    fn tiny_and_empty_pictures_are_looked_at_too() {
        let mut lens = Lens::new(None);
        assert_eq!(lens.look(&Frame::default()), Sight::Clear);
        let tiny = |seconds| Frame { image: GrayImage::new(1, 1), captured_at: Duration::from_secs(seconds), ..Frame::default() };
        lens.look(&tiny(0));
        assert_eq!(lens.look(&tiny(10)), Sight::Covered);
    }
}
