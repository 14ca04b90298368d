//! The colours: one per expression on a dark, calm ground, and the greys around them.
//!
//! The seven start from Okabe and Ito's set for all colour vision ("Color Universal Design", 2008), lightened until dark brows and black letters
//! stand out on them. Every one also has its own face and its name in words: nothing is said by colour alone.

use embedded_graphics::pixelcolor::Rgb888;

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
        Emotion::Angry => Rgb888::new(0xE8, 0x5D, 0x3A),
        Emotion::Disgust => Rgb888::new(0x35, 0xB0, 0x7F),
        Emotion::Fear => Rgb888::new(0xC9, 0x8B, 0xD9),
        Emotion::Happy => Rgb888::new(0xF7, 0xD9, 0x4C),
        Emotion::Sad => Rgb888::new(0x4F, 0x8F, 0xE6),
        Emotion::Surprise => Rgb888::new(0x8F, 0xDC, 0xF2),
        Emotion::Neutral => Rgb888::new(0xC3, 0xC7, 0xCC),
    }
}
