//! The face that mirrors an expression: brows, lids and mouth after how people show it, moving from one expression to the next.
//!
//! Lengths are in radii of the head, the origin is its middle, y grows downwards.

use std::time::Duration;

use embedded_graphics::pixelcolor::Rgb888;
use serde::Serialize;

use super::palette::{self, Palette};
use super::shapes::{Curve, Layer, Lens, Shape, mix};
use crate::classifier::Emotion;

/// What a face does with its brows, lids and mouth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mien {
    /// Height of the brows' middle above the centre.
    brow_height: f32,
    /// How much lower than its middle a brow's inner end lies (angry); negative: higher (sad).
    brow_frown: f32,
    /// How far a brow arches.
    brow_arch: f32,
    /// How far the upper lid rises over the corners of the eye.
    upper_lid: f32,
    /// How far the lower lid sinks below them; less than minus `upper_lid`: cannot be, the eye is closed.
    lower_lid: f32,
    /// How much lower the inner corner of the eye lies than its middle.
    eye_slant: f32,
    /// Radius of the pupil.
    pupil: f32,
    /// Where the corners of the mouth lie below the centre.
    mouth_height: f32,
    /// Half of the mouth's width.
    mouth_width: f32,
    /// How far the upper lip rises over the corners of the mouth; negative: sags.
    upper_lip: f32,
    /// As `upper_lip`, at most that.
    lower_lip: f32,
    /// 0: lips like parabolas, 1: like half ellipses.
    lip_roundness: f32,
    /// How much the mouth is pulled to one side.
    mouth_slant: f32,
    /// How far the teeth are bared, 0 to 1.
    teeth: f32,
    /// How far the nose is wrinkled, 0 to 1.
    wrinkles: f32,
    /// The colour of the head as red, green and blue, 0 to 255: mixed as the rest is.
    color: [f32; 3],
}

const NEUTRAL: Mien = Mien {
    brow_height: 0.43,
    brow_frown: 0.0,
    brow_arch: 0.05,
    upper_lid: 0.17,
    lower_lid: 0.15,
    eye_slant: 0.0,
    pupil: 0.10,
    mouth_height: 0.43,
    mouth_width: 0.28,
    upper_lip: -0.01,
    lower_lip: -0.01,
    lip_roundness: 0.0,
    mouth_slant: 0.0,
    teeth: 0.0,
    wrinkles: 0.0,
    color: [0.0; 3],
};

/// Makes curves of a head around (`x`, `y`) from lengths that are shares of its radius: middle, half width, tilt and rise; the roundness is as it is.
fn curves_of(x: f32, y: f32, radius: f32) -> impl Fn(f32, f32, f32, f32, f32, f32) -> Curve {
    move |center_x, center_y, half_width, tilt, rise, roundness| Curve {
        x: x + center_x * radius,
        y: y + center_y * radius,
        half_width: half_width * radius,
        tilt: tilt * radius,
        rise: rise * radius,
        roundness,
    }
}

impl Mien {
    /// What the face of an expression looks like; after the action units that are said to make it up (Ekman and Friesen, EMFACS).
    pub fn of(emotion: Emotion) -> Self {
        let mien = match emotion {
            // Brows lowered and drawn together, lids tight, lips pressed.
            Emotion::Angry => Self {
                brow_height: 0.33,
                brow_frown: 0.15,
                brow_arch: -0.03,
                upper_lid: 0.10,
                lower_lid: 0.12,
                eye_slant: 0.06,
                mouth_height: 0.50,
                mouth_width: 0.26,
                upper_lip: 0.09,
                lower_lip: 0.09,
                ..NEUTRAL
            },
            // Nose wrinkled, upper lip raised on one side, eyes narrow.
            Emotion::Disgust => Self {
                brow_height: 0.36,
                brow_frown: 0.07,
                brow_arch: 0.0,
                upper_lid: 0.07,
                lower_lid: 0.06,
                eye_slant: 0.02,
                pupil: 0.09,
                mouth_height: 0.47,
                mouth_width: 0.31,
                upper_lip: 0.15,
                lower_lip: 0.01,
                lip_roundness: 0.3,
                mouth_slant: 0.06,
                teeth: 0.6,
                wrinkles: 1.0,
                ..NEUTRAL
            },
            // Brows raised and drawn together, eyes wide, mouth stretched sideways.
            Emotion::Fear => Self {
                brow_height: 0.55,
                brow_frown: -0.09,
                brow_arch: 0.0,
                upper_lid: 0.24,
                lower_lid: 0.19,
                eye_slant: -0.01,
                pupil: 0.065,
                mouth_height: 0.46,
                mouth_width: 0.33,
                upper_lip: 0.08,
                lower_lip: -0.08,
                lip_roundness: 1.0,
                teeth: 1.0,
                ..NEUTRAL
            },
            // Cheeks raised under the eyes, corners of the mouth drawn up and back.
            Emotion::Happy => Self {
                brow_height: 0.48,
                brow_arch: 0.09,
                upper_lid: 0.19,
                lower_lid: 0.02,
                mouth_height: 0.22,
                mouth_width: 0.48,
                upper_lip: -0.08,
                lower_lip: -0.44,
                lip_roundness: 0.6,
                teeth: 0.8,
                ..NEUTRAL
            },
            // Inner brows raised, lids heavy, corners of the mouth down.
            Emotion::Sad => Self {
                brow_height: 0.45,
                brow_frown: -0.13,
                brow_arch: -0.02,
                upper_lid: 0.09,
                lower_lid: 0.14,
                eye_slant: -0.06,
                mouth_height: 0.56,
                mouth_width: 0.27,
                upper_lip: 0.16,
                lower_lip: 0.16,
                ..NEUTRAL
            },
            // Brows high, eyes wide, jaw dropped.
            Emotion::Surprise => Self {
                brow_height: 0.57,
                brow_arch: 0.12,
                upper_lid: 0.23,
                lower_lid: 0.20,
                pupil: 0.085,
                mouth_height: 0.47,
                mouth_width: 0.16,
                upper_lip: 0.20,
                lower_lip: -0.22,
                lip_roundness: 1.0,
                ..NEUTRAL
            },
            Emotion::Neutral => NEUTRAL,
        };
        mien.colored(palette::of(emotion))
    }

    /// Eyes closed, nothing to mirror.
    pub fn asleep() -> Self {
        Self {
            upper_lid: -0.07,
            lower_lid: 0.07,
            mouth_width: 0.16,
            upper_lip: -0.04,
            lower_lip: -0.04,
            brow_arch: 0.03,
            ..NEUTRAL
        }
        .colored(palette::ASLEEP)
    }

    fn colored(self, color: Rgb888) -> Self {
        use embedded_graphics::prelude::RgbColor;
        Self { color: [color.r(), color.g(), color.b()].map(f32::from), ..self }
    }

    /// The colour of the head.
    pub fn color(&self) -> Rgb888 {
        let [red, green, blue] = self.color.map(|channel| channel.round() as u8);
        Rgb888::new(red, green, blue)
    }

    /// The way from `self` (share 0) to `other` (share 1).
    pub fn towards(&self, other: &Self, share: f32) -> Self {
        let between = |from: f32, to: f32| (1.0 - share) * from + share * to;
        Self {
            brow_height: between(self.brow_height, other.brow_height),
            brow_frown: between(self.brow_frown, other.brow_frown),
            brow_arch: between(self.brow_arch, other.brow_arch),
            upper_lid: between(self.upper_lid, other.upper_lid),
            lower_lid: between(self.lower_lid, other.lower_lid),
            eye_slant: between(self.eye_slant, other.eye_slant),
            pupil: between(self.pupil, other.pupil),
            mouth_height: between(self.mouth_height, other.mouth_height),
            mouth_width: between(self.mouth_width, other.mouth_width),
            upper_lip: between(self.upper_lip, other.upper_lip),
            lower_lip: between(self.lower_lip, other.lower_lip),
            lip_roundness: between(self.lip_roundness, other.lip_roundness),
            mouth_slant: between(self.mouth_slant, other.mouth_slant),
            teeth: between(self.teeth, other.teeth),
            wrinkles: between(self.wrinkles, other.wrinkles),
            color: std::array::from_fn(|i| between(self.color[i], other.color[i])),
        }
    }

    /// The same with the lids closed by `share`, 0 to 1.
    pub fn blinking(&self, share: f32) -> Self {
        let asleep = Self::asleep();
        let closed = Self { upper_lid: asleep.upper_lid, lower_lid: asleep.lower_lid, ..*self };
        self.towards(&closed, share)
    }

    /// The face as layers, the head's disc first: a circle around (`x`, `y`).
    pub fn layers(&self, x: f32, y: f32, radius: f32) -> [Layer; LAYERS] {
        let head = self.color();
        let curve = curves_of(x, y, radius);
        let disc = |center_x: f32, center_y: f32, size: f32| Shape::Disc {
            x: x + center_x * radius,
            y: y + center_y * radius,
            radius: size * radius,
        };
        let nothing = Layer::new(disc(0.0, 0.0, -1.0), head);
        let mut layers = [nothing; LAYERS];
        let mut next = layers.iter_mut();
        let mut add = |layer: Layer| *next.next().expect("LAYERS counts them all") = layer;

        add(Layer::new(disc(0.0, 0.0, 1.0), head));
        for side in [-1.0, 1.0] {
            let eye_x = 0.37 * side;
            // A tilt runs from left to right, a slant from the outer end to the inner one.
            let lid = |rise: f32| curve(eye_x, -0.10, 0.19, -side * self.eye_slant, rise, 0.9);
            let upper = lid(self.upper_lid);
            let eye = Lens { upper, lower: lid(-self.lower_lid) };
            let pupil = disc(eye_x, -0.10 + (self.lower_lid - self.upper_lid) * 0.4, self.pupil);
            add(Layer::new(Shape::Between(eye), EYE_WHITE));
            add(Layer::inside(pupil, eye, palette::FEATURES));
            add(Layer::new(Shape::stroke(&upper, 0.032 * radius), palette::FEATURES));
            let brow = curve(eye_x, -self.brow_height, 0.21, -side * self.brow_frown, self.brow_arch, 0.0);
            add(Layer::new(Shape::stroke(&brow, 0.052 * radius), palette::FEATURES));
            let wrinkle = curve(0.09 * side, 0.12, 0.06, side * 0.05, 0.02, 0.0);
            let pen = 0.022 * self.wrinkles;
            add(if pen > 0.001 { Layer::new(Shape::stroke(&wrinkle, pen * radius), palette::FEATURES) } else { nothing });
        }

        let lip = |rise: f32| curve(0.0, self.mouth_height, self.mouth_width, self.mouth_slant, rise, self.lip_roundness);
        let (upper, lower) = (lip(self.upper_lip), lip(self.lower_lip));
        let mouth = Lens { upper, lower };
        // The lower edge of the teeth; at 0 they are as dark as the mouth.
        let bite = curve(0.0, self.mouth_height + 0.13, self.mouth_width + 0.1, self.mouth_slant, self.upper_lip, 0.0);
        let roof = Curve { y: bite.y - radius, ..bite };
        add(Layer::new(Shape::Between(mouth), MOUTH));
        add(Layer::inside(Shape::Between(Lens { upper: roof, lower: bite }), mouth, mix(MOUTH, EYE_WHITE, self.teeth)));
        add(Layer::new(Shape::stroke(&upper, 0.045 * radius), palette::FEATURES));
        add(Layer::new(Shape::stroke(&lower, 0.045 * radius), palette::FEATURES));
        layers
    }
}

impl Mien {
    /// As [`layers`](Self::layers), or in lines of one colour where there is only one: the head is a ring, the eyes are white.
    pub(super) fn layers_with(&self, palette: &Palette, x: f32, y: f32, radius: f32) -> [Layer; LAYERS] {
        if palette.is_mono { self.lines(palette.ink, palette.paper, x, y, radius) } else { self.layers(x, y, radius) }
    }

    fn lines(&self, ink: Rgb888, paper: Rgb888, x: f32, y: f32, radius: f32) -> [Layer; LAYERS] {
        let curve = curves_of(x, y, radius);
        // Half of a line's width: thinner than a pixel it would have gaps.
        let pen = (0.035 * radius).max(0.6);
        // In a head of fewer pixels pupils and teeth would only be specks.
        let is_large = radius >= 18.0;
        let nothing = Layer::new(Shape::Disc { x, y, radius: -1.0 }, ink);
        let mut layers = [nothing; LAYERS];
        let mut next = layers.iter_mut();
        let mut add = |layer: Layer| *next.next().expect("LAYERS counts them all") = layer;

        add(Layer::new(Shape::Disc { x, y, radius }, ink));
        add(Layer::new(Shape::Disc { x, y, radius: radius - 2.0 * pen }, paper));
        for side in [-1.0, 1.0] {
            let eye_x = 0.37 * side;
            let lid = |rise: f32| curve(eye_x, -0.10, 0.19, -side * self.eye_slant, rise, 0.9);
            let upper = lid(self.upper_lid);
            let eye = Lens { upper, lower: lid(-self.lower_lid) };
            add(Layer::new(Shape::Between(eye), ink));
            if is_large {
                let (x, y) = (x + eye_x * radius, y + (-0.10 + (self.lower_lid - self.upper_lid) * 0.4) * radius);
                add(Layer::inside(Shape::Disc { x, y, radius: self.pupil * radius }, eye, paper));
            }
            add(Layer::new(Shape::stroke(&upper, pen), ink));
            let brow = curve(eye_x, -self.brow_height, 0.22, -side * self.brow_frown, self.brow_arch, 0.0);
            add(Layer::new(Shape::stroke(&brow, 1.2 * pen), ink));
        }
        let lip = |rise: f32| curve(0.0, self.mouth_height, self.mouth_width, self.mouth_slant, rise, self.lip_roundness);
        let (upper, lower) = (lip(self.upper_lip), lip(self.lower_lip));
        if is_large && self.teeth > 0.5 {
            let bite = curve(0.0, self.mouth_height + 0.13, self.mouth_width + 0.1, self.mouth_slant, self.upper_lip, 0.0);
            let roof = Curve { y: bite.y - radius, ..bite };
            add(Layer::inside(Shape::Between(Lens { upper: roof, lower: bite }), Lens { upper, lower }, ink));
        }
        add(Layer::new(Shape::stroke(&upper, 1.2 * pen), ink));
        add(Layer::new(Shape::stroke(&lower, 1.2 * pen), ink));
        layers
    }
}

/// The head; per side white, pupil, lid, brow and wrinkle of the nose; mouth, teeth and two lips.
pub(super) const LAYERS: usize = 1 + 2 * 5 + 4;

const EYE_WHITE: Rgb888 = Rgb888::new(0xFB, 0xFC, 0xFD);
const MOUTH: Rgb888 = Rgb888::new(0x4A, 0x1F, 0x26);

/// A face that moves: time comes with each picture.
#[derive(Clone, Copy, Debug)]
pub struct Mirror {
    mien: Mien,
    last: Option<Duration>,
}

/// Time constant with which the face follows an expression. Half of the change is there after 0.08 s, all but a twentieth after 0.36 s.
const FOLLOWS_WITHIN_S: f32 = 0.12;

impl Default for Mirror {
    fn default() -> Self {
        Self { mien: Mien::asleep(), last: None }
    }
}

impl Mirror {
    /// Moves on to `now` and towards `goal`.
    pub fn follow(&mut self, goal: &Mien, now: Duration) -> Mien {
        // A recording that begins again goes back in time: then it is a new beginning.
        let elapsed = self.last.and_then(|last| now.checked_sub(last));
        let share = elapsed.map_or(1.0, |elapsed| 1.0 - (-elapsed.as_secs_f32() / FOLLOWS_WITHIN_S).exp());
        self.mien = self.mien.towards(goal, share);
        self.last = Some(now);
        self.mien.blinking(blink(now))
    }
}

/// How far the lids are closed: every 4.3 s for a quarter of a second.
fn blink(now: Duration) -> f32 {
    const PERIOD_MS: u128 = 4300;
    const LENGTH_MS: f32 = 250.0;
    let phase = (now.as_millis() % PERIOD_MS) as f32 / LENGTH_MS;
    (1.0 - (2.0 * phase - 1.0).abs()).max(0.0)
}

#[cfg(test)]
mod tests {
    use embedded_graphics::prelude::RgbColor;

    use super::*;
    use crate::outputs::display::canvas::Canvas;
    use crate::outputs::display::shapes::{self, Area};

    const START: Duration = Duration::from_secs(1);

    #[test]
    fn the_face_moves_half_of_the_way_in_a_twelfth_of_a_second_at_any_frame_rate() {
        let (from, to) = (Mien::of(Emotion::Sad), Mien::of(Emotion::Surprise));
        for steps in [1, 10] {
            let mut mirror = Mirror::default();
            mirror.follow(&from, START);
            for step in 1..=steps {
                mirror.follow(&to, START + Duration::from_micros(83_178) * step / steps);
            }
            // 0.12 s × ln 2 = 0.083178 s.
            let share = (mirror.mien.brow_height - from.brow_height) / (to.brow_height - from.brow_height);
            assert!((share - 0.5).abs() < 1e-3, "{share} in {steps} steps");
        }
    }

    #[test]
    fn a_first_picture_and_one_that_goes_back_in_time_show_the_expression_at_once() {
        let mut mirror = Mirror::default();
        assert_eq!(mirror.follow(&Mien::of(Emotion::Happy), START), Mien::of(Emotion::Happy));
        assert_eq!(mirror.follow(&Mien::of(Emotion::Fear), START / 2), Mien::of(Emotion::Fear));
    }

    #[test]
    fn the_eyes_blink_every_few_seconds_for_a_moment() {
        assert_eq!(blink(Duration::ZERO), 0.0);
        assert_eq!(blink(Duration::from_millis(125)), 1.0);
        assert_eq!(blink(Duration::from_millis(250)), 0.0);
        assert_eq!(blink(Duration::from_millis(2000)), 0.0);
        assert_eq!(blink(Duration::from_millis(4300 + 125)), 1.0);
    }

    /// Share of the pixels of a head of 24 pixels that differ between two faces in the same colour.
    fn difference(one: &Mien, other: &Mien) -> f32 {
        let [one, other] = [one, other].map(|mien| {
            let mut canvas = Canvas::new(24, 24);
            let layers = mien.colored(Rgb888::YELLOW).layers(12.0, 12.0, 12.0);
            let Ok(()) = shapes::draw(&mut canvas, 1.0, &Area::around(12.0, 12.0, 12.0), Rgb888::BLACK, &layers);
            canvas
        });
        let differing = one.rows().flatten().zip(other.rows().flatten()).filter(|(a, b)| a.g().abs_diff(b.g()) > 64).count();
        differing as f32 / (24.0 * 24.0)
    }

    #[test]
    fn each_expression_is_told_by_the_face_alone_without_its_colour() {
        for one in Emotion::ALL {
            for other in Emotion::ALL.into_iter().filter(|other| *other > one) {
                let difference = difference(&Mien::of(one), &Mien::of(other));
                assert!(difference > 0.04, "{one} and {other} differ in {difference} of the pixels");
            }
        }
    }

    #[test]
    fn half_way_between_two_expressions_lies_between_them() {
        let (sad, happy) = (Mien::of(Emotion::Sad), Mien::of(Emotion::Happy));
        let between = sad.towards(&happy, 0.5);
        assert!(between.mouth_width > sad.mouth_width && between.mouth_width < happy.mouth_width);
        assert_eq!(sad.towards(&happy, 1.0), happy);
        assert_eq!(sad.towards(&happy, 0.0), sad);
    }
}
