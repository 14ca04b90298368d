//! Pictures from formulas that the training side computes too.

use image::{GrayImage, Luma};
use serde::Deserialize;
use visaged::classifier::preprocess::SIDE;

/// A picture that both sides compute from a formula.
#[derive(Deserialize)]
pub(crate) struct Picture {
    pub(crate) pattern: String,
    pub(crate) seed: u32,
    #[serde(default = "side")]
    width: u32,
    #[serde(default = "side")]
    height: u32,
}

/// Pictures for the network are as large as its input.
fn side() -> u32 {
    SIDE as u32
}

impl Picture {
    /// The picture.
    pub(crate) fn draw(&self) -> GrayImage {
        let Self { ref pattern, seed, width, height } = *self;
        let gradient = |x: u32, y: u32| (3 * x + 5 * y + seed) % 256;
        let mut state = seed;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 24
        };
        let mut image = GrayImage::new(width, height);
        for y in 0..height {
            for x in 0..width {
                let value = match pattern.as_str() {
                    "gradient" => gradient(x, y),
                    "checker" if (x / 7 + y / 5) % 2 == 0 => 40 + seed % 16,
                    "checker" => 215 - seed % 16,
                    "rings" => {
                        let (dx, dy) = ((2 * x).abs_diff(width), (2 * y).abs_diff(height));
                        (dx * dx + dy * dy) / (8 + seed) % 256
                    }
                    "noise" => noise(),
                    "blobs" => (noise() + 3 * gradient(x, y)) / 4,
                    other => panic!("unknown pattern {other}"),
                };
                image.put_pixel(x, y, Luma([value as u8]));
            }
        }
        image
    }
}
