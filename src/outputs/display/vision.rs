//! How colours look: contrast, differences, and what people with colour-vision deficiencies see. For the tests of the palette and the picture of it.

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;

/// A kind of colour vision: its name and a matrix on linear red, green and blue.
pub type Vision = (&'static str, [[f64; 3]; 3]);

/// Full colour vision and its three strong deficiencies: Machado, Oliveira and Fernandes 2009, table 1, severity 1.
pub const VISIONS: [Vision; 4] = [
    ("full colour vision", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    ("protanopia", [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    ("deuteranopia", [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    ("tritanopia", [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
];

/// From linear sRGB to X, Y, Z under D65 (IEC 61966-2-1).
const TO_XYZ: [[f64; 3]; 3] = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];

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

/// What the light of a colour is to somebody, as linear sRGB.
fn light(color: Rgb888, vision: &Vision) -> [f64; 3] {
    apply(&vision.1, linear(color)).map(|share| share.clamp(0.0, 1.0))
}

/// The colour that looks to everybody as `color` looks to somebody with this vision.
pub fn seen(color: Rgb888, vision: &Vision) -> Rgb888 {
    let [red, green, blue] = light(color, vision).map(|share| {
        let encoded = if share <= 0.0031308 { 12.92 * share } else { 1.055 * share.powf(1.0 / 2.4) - 0.055 };
        (255.0 * encoded).round() as u8
    });
    Rgb888::new(red, green, blue)
}

/// Contrast ratio of WCAG 2.2, 1 to 21.
pub fn contrast(one: Rgb888, other: Rgb888) -> f64 {
    let [one, other] = [one, other].map(|color| apply(&TO_XYZ, linear(color))[1] + 0.05);
    one.max(other) / one.min(other)
}

/// How different two colours are to somebody: their distance in CIE L*a*b* of 1976, of which 2 is just seen side by side.
pub fn difference(one: Rgb888, other: Rgb888, vision: &Vision) -> f64 {
    let [one, other] = [one, other].map(|color| lab(light(color, vision)));
    one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// CIE L*a*b* of linear sRGB.
fn lab(color: [f64; 3]) -> [f64; 3] {
    let [x, y, z] = apply(&TO_XYZ, color);
    let [x, y, z] = [x / 0.9505, y, z / 1.089]
        .map(|share| if share > 216.0 / 24389.0 { share.cbrt() } else { (24389.0 / 27.0 * share + 16.0) / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_and_difference_of_black_and_white_are_those_of_the_standards() {
        assert!((contrast(Rgb888::WHITE, Rgb888::BLACK) - 21.0).abs() < 0.01);
        assert!((difference(Rgb888::WHITE, Rgb888::BLACK, &VISIONS[0]) - 100.0).abs() < 0.1);
    }

    #[test]
    fn greys_look_the_same_to_everybody() {
        let grey = Rgb888::new(128, 128, 128);
        for vision in &VISIONS {
            assert!(difference(seen(grey, vision), grey, &VISIONS[0]) < 1.0, "{}", vision.0);
        }
    }
}
