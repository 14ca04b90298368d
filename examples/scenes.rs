//! Puts the approved pictures of the scene on one sheet, smaller where they are large: `cargo run --example scenes -- docs/scenes.png`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage, imageops};

const WIDTH: u32 = 1500;
const GAP: u32 = 12;
const GROUND: Rgb<u8> = Rgb([0x3A, 0x40, 0x48]);

/// The panels and the height of their pictures on the sheet.
const PANELS: [(&str, u32); 8] = [
    ("1920x1080", 120),
    ("800x480", 110),
    ("480x320", 104),
    ("320x240", 112),
    ("240x240", 112),
    ("160x128", 128),
    ("128x64", 64),
    ("128x32", 32),
];

fn main() -> Result<()> {
    let out = std::env::args_os().nth(1).context("usage: scenes FILE.png")?;
    let mut sheet = RgbImage::from_pixel(WIDTH, 4000, GROUND);
    let mut top = GAP;
    for (panel, height) in PANELS {
        let mut left = GAP;
        for path in pictures(panel)? {
            let picture = image::open(&path)?.into_rgb8();
            let width = picture.width() * height / picture.height();
            let mut picture = imageops::resize(&picture, width, height, imageops::FilterType::Triangle);
            // Fewer shades make a smaller file; nobody sees it.
            picture.iter_mut().for_each(|value| *value &= 0xF8);
            if left + width + GAP > WIDTH {
                (left, top) = (GAP, top + height + GAP);
            }
            imageops::replace(&mut sheet, &picture, left.into(), top.into());
            left += width + GAP;
        }
        top += height + 2 * GAP;
    }
    let sheet = imageops::crop_imm(&sheet, 0, 0, WIDTH, top - GAP).to_image();
    let file = std::io::BufWriter::new(std::fs::File::create(out)?);
    let encoder = PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Adaptive);
    Ok(encoder.write_image(&sheet, sheet.width(), sheet.height(), ExtendedColorType::Rgb8)?)
}

/// The pictures of a panel, English ones first.
fn pictures(panel: &str) -> Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scenes");
    let mut paths = Vec::new();
    for language in ["en", "de", "fr", "es", "zh"] {
        let mut of_language = std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        let begin = format!("{panel}_{language}_");
        of_language.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&begin)));
        of_language.sort();
        paths.append(&mut of_language);
    }
    Ok(paths)
}
