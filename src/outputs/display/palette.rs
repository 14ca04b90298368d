//! The colours: one per expression on a dark, calm ground, and the greys around them.
//!
//! The seven were searched at random, each around the hue that people connect with the expression, for the largest least difference between any two
//! as people with full colour vision, protanopia, deuteranopia and tritanopia see them, with enough contrast to the ground, and then softened a little
//! (the tests measure both).
//! Every one also has its own face and its name in words: nothing is said by colour alone.

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;

use crate::classifier::Emotion;

/// The ground of every scene.
pub const PAPER: Rgb888 = Rgb888::new(0x10, 0x15, 0x1C);
/// Text that matters.
pub const INK: Rgb888 = Rgb888::new(0xF3, 0xF6, 0xF9);
/// Text beside it.
pub const QUIET: Rgb888 = Rgb888::new(0xA4, 0xB0, 0xBD);
/// The empty part of a bar.
pub const TRACK: Rgb888 = Rgb888::new(0x26, 0x2F, 0x3A);
/// A face that shows nothing because nobody is there.
pub const ASLEEP: Rgb888 = Rgb888::new(0x5B, 0x68, 0x78);
/// Lines of the face.
pub const FEATURES: Rgb888 = Rgb888::new(0x16, 0x1A, 0x21);

/// The colour of an expression.
pub const fn of(emotion: Emotion) -> Rgb888 {
    match emotion {
        Emotion::Angry => Rgb888::new(0xF2, 0x50, 0x2F),
        Emotion::Disgust => Rgb888::new(0x4B, 0xD0, 0x86),
        Emotion::Fear => Rgb888::new(0xDA, 0x8C, 0xE2),
        Emotion::Happy => Rgb888::new(0xF8, 0xE5, 0x60),
        Emotion::Sad => Rgb888::new(0x54, 0x7C, 0xFA),
        Emotion::Surprise => Rgb888::new(0xC2, 0xF1, 0xF5),
        Emotion::Neutral => Rgb888::new(0x9E, 0x9A, 0x94),
    }
}

/// The colours that a scene is drawn with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    /// The ground.
    pub(super) paper: Rgb888,
    /// Text that matters.
    pub(super) ink: Rgb888,
    /// Text beside it.
    pub(super) quiet: Rgb888,
    /// Where nothing is to be mirrored.
    pub(super) asleep: Rgb888,
    /// True where there is nothing but black and white.
    pub(super) is_mono: bool,
}

impl Palette {
    /// For displays with colours.
    pub(super) const COLOR: Self = Self { paper: PAPER, ink: INK, quiet: QUIET, asleep: ASLEEP, is_mono: false };
    /// For displays whose pixels are on or off.
    pub(super) const MONO: Self =
        Self { paper: Rgb888::BLACK, ink: Rgb888::WHITE, quiet: Rgb888::WHITE, asleep: Rgb888::WHITE, is_mono: true };

    /// The colour of an expression.
    pub(super) const fn of(&self, emotion: Emotion) -> Rgb888 {
        if self.is_mono { self.ink } else { of(emotion) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::display::vision::{VISIONS, contrast, difference};

    #[test]
    fn text_stands_out_from_the_ground_and_the_features_from_the_head() {
        for text in [INK, QUIET].into_iter().chain(Emotion::ALL.map(of)) {
            assert!(contrast(text, PAPER) >= 4.5, "{text:?} on the ground: {}", contrast(text, PAPER));
        }
        for head in Emotion::ALL.map(of).into_iter().chain([ASLEEP]) {
            // For what is no text, WCAG asks for 3.
            assert!(contrast(head, FEATURES) >= 3.0 && contrast(head, PAPER) >= 3.0, "{head:?}");
        }
        for bar in Emotion::ALL.map(of) {
            assert!(contrast(bar, TRACK) >= 3.0, "{bar:?} on an empty bar");
        }
    }

    #[test]
    fn any_two_expressions_differ_in_colour_for_every_colour_vision() {
        for vision in &VISIONS {
            for one in Emotion::ALL {
                for other in Emotion::ALL.into_iter().filter(|other| *other > one) {
                    let difference = difference(of(one), of(other), vision);
                    assert!(difference > 20.0, "{one} and {other} with {}: {difference:.1}", vision.0);
                }
            }
        }
    }
}
