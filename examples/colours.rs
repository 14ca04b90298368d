//! Draws the seven expressions as people with different colour visions see them, one row each: `cargo run --example colours -- docs/colours.png`.

use anyhow::{Context, Result};
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::prelude::RgbColor;
use embedded_graphics::primitives::Rectangle;
use image::{Rgb, RgbImage};
use visaged::classifier::Emotion;
use visaged::outputs::display::canvas::Canvas;
use visaged::outputs::display::face::Mien;
use visaged::outputs::display::lettering::Letters;
use visaged::outputs::display::palette::{self, INK, PAPER};
use visaged::outputs::display::shapes::{self, Area};
use visaged::outputs::display::vision::{VISIONS, seen};
use visaged::outputs::display::words::Language;

const CELL: u32 = 110;
const BAR: u32 = 18;
const LABELS: u32 = 180;

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).context("usage: colours FILE.png")?;
    let (width, height) = (LABELS + 7 * CELL, VISIONS.len() as u32 * (CELL + BAR + 20) + 30);
    let mut picture = RgbImage::new(width, height);
    for (row, vision) in VISIONS.iter().enumerate() {
        let top = row as u32 * (CELL + BAR + 20);
        let mut canvas = Canvas::new(width, height);
        canvas.clear(PAPER)?;
        let mut letters = Letters::default();
        letters.draw(&mut canvas, vision.0, (16.0, (top + CELL / 2 + 8) as f32), 16.0, INK, PAPER)?;
        for emotion in Emotion::ALL {
            let left = LABELS + emotion as u32 * CELL;
            let (x, y) = ((left + CELL / 2) as f32, (top + CELL / 2 + 8) as f32);
            let radius = CELL as f32 / 2.0 - 8.0;
            shapes::draw(&mut canvas, 1.0, &Area::around(x, y, radius), PAPER, &Mien::of(emotion).layers(x, y, radius))?;
            let bar = Rectangle::new(Point::new(left as i32 + 8, (top + CELL + 8) as i32), Size::new(CELL - 16, BAR));
            canvas.fill_solid(&bar, palette::of(emotion))?;
            if row + 1 == VISIONS.len() {
                let name = Language::En.words().name(emotion);
                let x = x - letters.width(name, 16.0) / 2.0;
                letters.draw(&mut canvas, name, (x, height as f32 - 18.0), 16.0, INK, PAPER)?;
            }
        }
        for (y, pixels) in canvas.rows().enumerate().skip(top as usize) {
            for (x, color) in pixels.iter().enumerate() {
                let color = seen(*color, vision);
                picture.put_pixel(x as u32, y as u32, Rgb([color.r(), color.g(), color.b()]));
            }
        }
    }
    Ok(picture.save(path)?)
}
