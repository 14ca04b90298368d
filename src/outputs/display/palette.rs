//! The colours: one per expression on a dark, calm ground, and the greys around them.
//!
//! The seven were searched at random, each around the hue that people connect with the expression, for the largest least difference between any two
//! as people with full colour vision, protanopia, deuteranopia and tritanopia see them, with enough contrast to the ground, and then softened a little
//! (the tests measure both).
//! Every one also has its own face and its name in words: nothing is said by colour alone.

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
        Emotion::Angry => Rgb888::new(0xF2, 0x50, 0x2F),
        Emotion::Disgust => Rgb888::new(0x4B, 0xD0, 0x86),
        Emotion::Fear => Rgb888::new(0xDA, 0x8C, 0xE2),
        Emotion::Happy => Rgb888::new(0xF8, 0xE5, 0x60),
        Emotion::Sad => Rgb888::new(0x54, 0x7C, 0xFA),
        Emotion::Surprise => Rgb888::new(0xC2, 0xF1, 0xF5),
        Emotion::Neutral => Rgb888::new(0x9E, 0x9A, 0x94),
    }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::prelude::RgbColor;

    use super::*;

    /// Red, green and blue of sRGB as amounts of light, 0 to 1 (IEC 61966-2-1).
    fn linear(color: Rgb888) -> [f64; 3] {
        [color.r(), color.g(), color.b()].map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn apply(matrix: &[[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(vector).map(|(factor, value)| factor * value).sum())
    }

    /// From linear sRGB to X, Y, Z under D65 (IEC 61966-2-1).
    const TO_XYZ: [[f64; 3]; 3] = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];

    /// Contrast ratio of WCAG 2.2.
    fn contrast(one: Rgb888, other: Rgb888) -> f64 {
        let [one, other] = [one, other].map(|color| apply(&TO_XYZ, linear(color))[1] + 0.05);
        one.max(other) / one.min(other)
    }

    /// CIE L*a*b* of linear sRGB.
    fn lab(color: [f64; 3]) -> [f64; 3] {
        let [x, y, z] = apply(&TO_XYZ, color);
        let [x, y, z] = [x / 0.9505, y, z / 1.089]
            .map(|share| if share > 216.0 / 24389.0 { share.cbrt() } else { (24389.0 / 27.0 * share + 16.0) / 116.0 });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// How colours look to people, on linear sRGB: Machado, Oliveira and Fernandes 2009, table 1, severity 1.
    const VISIONS: [(&str, [[f64; 3]; 3]); 4] = [
        ("full colour vision", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        ("protanopia", [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
        ("deuteranopia", [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
        ("tritanopia", [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
    ];

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
        for (vision, matrix) in VISIONS {
            let seen = Emotion::ALL.map(|emotion| lab(apply(&matrix, linear(of(emotion))).map(|share| share.clamp(0.0, 1.0))));
            for one in Emotion::ALL {
                for other in Emotion::ALL.into_iter().filter(|other| *other > one) {
                    let squares = seen[one as usize].iter().zip(seen[other as usize]).map(|(a, b)| (a - b).powi(2));
                    let difference = squares.sum::<f64>().sqrt();
                    // CIE 1976: 2 is just seen side by side.
                    assert!(difference > 20.0, "{one} and {other} with {vision}: {difference:.1}");
                }
            }
        }
    }
}
