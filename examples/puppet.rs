//! Draws the seven expressions side by side: `cargo run --example puppet -- expressions.png`

use anyhow::{Context, Result};
use image::{GrayImage, imageops};
use visaged::camera::puppet::Puppet;
use visaged::classifier::Emotion;

const WIDTH: u32 = 360;
const HEIGHT: u32 = 480;

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).context("usage: puppet FILE.png")?;
    let puppet = Puppet::new(WIDTH, HEIGHT, 15);
    let mut sheet = GrayImage::new(WIDTH * Emotion::ALL.len() as u32, HEIGHT);
    let mut picture = GrayImage::new(WIDTH, HEIGHT);
    for (column, emotion) in Emotion::ALL.into_iter().enumerate() {
        puppet.draw_expression(&mut picture, emotion);
        imageops::replace(&mut sheet, &picture, column as i64 * i64::from(WIDTH), 0);
        println!("{emotion}");
    }
    sheet.save(path)?;
    Ok(())
}
