//! A face drawn by our own code, moving and changing its expression: a camera for machines that have none, and a face for tests that is nobody's.
//!
//! Everything is a function of time: the same time gives the same picture, down to the noise.

mod brush;
mod draw;
mod eyes;
mod face;
mod head;
mod mouth;
mod skin;

use std::time::Duration;

use anyhow::Result;
use image::GrayImage;

pub use brush::Pose;
pub use face::Face;

use crate::camera::FrameSource;
use crate::classifier::Emotion;
use crate::frame::{Frame, monotonic_now};

/// How long an expression is held, and how long the way to the next one takes.
const HOLD: Duration = Duration::from_millis(3000);
const GLIDE: Duration = Duration::from_millis(500);

/// The order in which expressions are shown; after the last comes the first.
const PROGRAMME: [Emotion; 7] =
    [Emotion::Happy, Emotion::Surprise, Emotion::Neutral, Emotion::Angry, Emotion::Sad, Emotion::Fear, Emotion::Disgust];

/// The face's width over the picture's height.
const FACE_WIDTH: f32 = 0.36;

/// The sensor's noise in grey levels is evenly spread from −`NOISE` to `NOISE`.
const NOISE: i8 = 4;

/// At how many places of the table of noise a row may begin.
const NOISE_STARTS: u32 = 4096;

/// A camera that looks at a drawn face.
pub struct Puppet {
    description: String,
    background: GrayImage,
    noise: Vec<i8>,
    frames_per_second: u32,
    next_sequence: u64,
    started_at: Option<Duration>,
}

impl Puppet {
    /// A puppet before a soft background, at this size in pixels and this rate; none of them may be 0.
    pub fn new(width: u32, height: u32, frames_per_second: u32) -> Self {
        assert!(width > 0 && height > 0 && frames_per_second > 0, "a camera has a size and a rate");
        let mut random = Random(1);
        Self {
            description: format!("drawn face, {width}×{height} at {frames_per_second} frames/s"),
            background: background(width, height),
            noise: (0..NOISE_STARTS + width).map(|_| (random.next() % (2 * NOISE as u32 + 1)) as i8 - NOISE).collect(),
            frames_per_second,
            next_sequence: 0,
            started_at: None,
        }
    }

    /// Which expression the puppet means `time` after its start; on the way from one to the next, the nearer one.
    pub fn expression_at(time: Duration) -> Emotion {
        let (from, to, share) = programme_at(time);
        if share < 0.5 { from } else { to }
    }

    /// Draws the picture `time` after the start into `image`, which takes the puppet's size.
    pub fn draw(&self, image: &mut GrayImage, time: Duration) {
        let (from, to, share) = programme_at(time);
        let face = Face::of(from).towards(&Face::of(to), share).blinking(blink_at(time));
        self.draw_face(image, &face, self.pose_at(time), time.as_millis() as u32);
    }

    /// Draws one expression, upright and in the middle of the picture.
    pub fn draw_expression(&self, image: &mut GrayImage, emotion: Emotion) {
        self.draw_face(image, &Face::of(emotion), self.pose(0.0, 0.0, 1.0, 0.0), 0);
    }

    /// Draws any face in any pose; `seed` numbers the noise.
    pub fn draw_face(&self, image: &mut GrayImage, face: &Face, pose: Pose, seed: u32) {
        if image.dimensions() == self.background.dimensions() {
            image.copy_from_slice(&self.background);
        } else {
            image.clone_from(&self.background);
        }
        draw::draw(&mut brush::Canvas::new(image, pose), face);
        self.add_noise(image, seed);
    }

    /// The pose off the middle by fractions of the face's width, larger by `scale`.
    fn pose(&self, right: f32, down: f32, scale: f32, roll: f32) -> Pose {
        let (width, height) = (self.background.width() as f32, self.background.height() as f32);
        let unit = (FACE_WIDTH * height).min(0.6 * width) * scale;
        Pose { x: 0.5 * width + right * unit, y: 0.45 * height + down * unit, width: unit, roll }
    }

    /// A gentle sway: three slow swings whose periods have no small common multiple, so that it does not seem to repeat.
    fn pose_at(&self, time: Duration) -> Pose {
        let swing = |period: f64, phase: f64| ((time.as_secs_f64() / period + phase) * std::f64::consts::TAU).sin() as f32;
        self.pose(0.22 * swing(7.3, 0.0), 0.08 * swing(5.1, 0.3), 1.0 + 0.06 * swing(11.9, 0.6), 0.07 * swing(8.7, 0.1))
    }

    /// Sensor noise: each row takes its piece of one table from elsewhere.
    fn add_noise(&self, image: &mut GrayImage, seed: u32) {
        let mut random = Random(seed ^ 0x5eed);
        for row in image.chunks_exact_mut(self.background.width() as usize) {
            let start = (random.next() % NOISE_STARTS) as usize;
            for (pixel, noise) in row.iter_mut().zip(&self.noise[start..]) {
                *pixel = pixel.saturating_add_signed(*noise);
            }
        }
    }
}

impl FrameSource for Puppet {
    fn description(&self) -> &str {
        &self.description
    }

    fn next_frame(&mut self, frame: &mut Frame) -> Result<bool> {
        let started_at = *self.started_at.get_or_insert_with(monotonic_now);
        // Like a camera, it does not wait for a reader that is late: pictures that nobody fetched are gone.
        let running = monotonic_now().saturating_sub(started_at);
        let current = (running.as_secs_f64() * f64::from(self.frames_per_second)) as u64;
        self.next_sequence = self.next_sequence.max(current);
        let time = Duration::from_secs(self.next_sequence) / self.frames_per_second;
        let due = started_at + time;
        std::thread::sleep(due.saturating_sub(monotonic_now()));
        self.draw(&mut frame.image, time);
        frame.sequence = self.next_sequence;
        frame.captured_at = due;
        self.next_sequence += 1;
        Ok(true)
    }
}

/// From which expression to which the puppet is on its way, and how far it is, 0 to 1.
fn programme_at(time: Duration) -> (Emotion, Emotion, f32) {
    let turn = HOLD + GLIDE;
    let index = (time.as_millis() / turn.as_millis()) as usize;
    let into = time.as_secs_f64() - index as f64 * turn.as_secs_f64();
    let way = ((into - HOLD.as_secs_f64()) / GLIDE.as_secs_f64()).clamp(0.0, 1.0) as f32;
    // Muscles start and stop gently.
    let share = way * way * (3.0 - 2.0 * way);
    (PROGRAMME[index % PROGRAMME.len()], PROGRAMME[(index + 1) % PROGRAMME.len()], share)
}

/// How far the lids are shut by blinking: every 3.7 s, 0.2 s long.
fn blink_at(time: Duration) -> f32 {
    let since = (time.as_secs_f64() + 2.0) % 3.7;
    (1.0 - ((since - 0.1) / 0.1).abs()).max(0.0) as f32
}

/// A wall with soft light on it and a little texture.
fn background(width: u32, height: u32) -> GrayImage {
    let mut random = Random(2);
    let (across, down) = (1.0 / width as f32, 1.0 / height as f32);
    GrayImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 * across - 0.3, y as f32 * down - 0.3);
        let texture = (random.next() % 7) as f32;
        image::Luma([(152.0 - 80.0 * (u * u + v * v) + texture) as u8])
    })
}

/// A linear congruential generator (Numerical Recipes' constants): cheap and always the same.
struct Random(u32);

impl Random {
    /// The next number; its low bits, which repeat soon, are left out.
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_expression_is_held_for_three_seconds_and_the_programme_begins_again() {
        let shown: Vec<_> = (0..8).map(|turn| Puppet::expression_at(Duration::from_millis(3500 * turn + 100))).collect();
        assert_eq!(shown[..7], PROGRAMME);
        assert_eq!(shown[7], PROGRAMME[0]);
        assert_eq!(Puppet::expression_at(Duration::from_millis(3200)), Emotion::Happy);
        assert_eq!(Puppet::expression_at(Duration::from_millis(3300)), Emotion::Surprise);
    }

    #[test]
    fn the_way_to_the_next_expression_starts_and_stops_gently_and_never_jumps() {
        assert_eq!(programme_at(Duration::from_millis(2999)).2, 0.0);
        assert_eq!(programme_at(Duration::from_millis(3250)).2, 0.5);
        let mut before = 0.0;
        for milliseconds in 3000..3500 {
            let share = programme_at(Duration::from_millis(milliseconds)).2;
            // The steepest step of 3t² − 2t³ over 500 ms is 1.5 / 500 a millisecond.
            assert!((0.0..0.00301).contains(&(share - before)), "{share} after {before} at {milliseconds} ms");
            before = share;
        }
        assert!(before > 0.9999);
    }

    #[test]
    fn half_way_between_two_faces_is_their_mean() {
        let half = Face::of(Emotion::Happy).towards(&Face::of(Emotion::Surprise), 0.5);
        let mean = |pick: fn(&Face) -> f32| (pick(&Face::of(Emotion::Happy)) + pick(&Face::of(Emotion::Surprise))) / 2.0;
        assert!((half.mouth_width - mean(|face| face.mouth_width)).abs() < 1e-6);
        assert!((half.crows_feet - mean(|face| face.crows_feet)).abs() < 1e-6);
        assert_eq!(Face::of(Emotion::Sad).towards(&Face::of(Emotion::Fear), 1.0).jaw_drop, Face::of(Emotion::Fear).jaw_drop);
    }

    #[test]
    fn it_blinks_for_a_fifth_of_a_second() {
        let shut = |milliseconds| blink_at(Duration::from_millis(milliseconds));
        assert_eq!([shut(1600), shut(1950)], [0.0, 0.0]);
        assert!((shut(1800) - 1.0).abs() < 1e-3 && (shut(1750) - 0.5).abs() < 1e-3);
    }
}
