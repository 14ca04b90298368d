//! Text of any size: from 15 pixels on in smooth letters, below in letters drawn by hand pixel by pixel, which stay sharp on the smallest panels.

use std::collections::HashMap;

use ab_glyph::{Font, FontRef, ScaleFont};
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::Point;
use embedded_graphics::mono_font::iso_8859_1::{FONT_4X6, FONT_5X7, FONT_6X10, FONT_6X13_BOLD};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::text::{Baseline, Text};
use embedded_graphics::{Drawable, Pixel};

use super::shapes::mix;

/// Inter SemiBold 4.0, Latin letters only (see `fonts/README.md`).
const OUTLINES: &[u8] = include_bytes!("fonts/Inter-SemiBold-Latin.otf");

/// From this size on letters are smooth; smaller ones would be a blur.
const SMOOTH_FROM: f32 = 15.0;

/// Letters that were drawn once are kept: in the steady state text costs no allocation.
pub struct Letters {
    font: FontRef<'static>,
    glyphs: HashMap<(char, u16), Glyph>,
}

/// A letter as the share of each pixel that it covers, 0 to 255.
struct Glyph {
    /// From the pen's place on the base line to the top left corner.
    offset: Point,
    width: usize,
    cover: Vec<u8>,
    /// How far the pen moves.
    advance: f32,
}

impl Default for Letters {
    fn default() -> Self {
        let font = FontRef::try_from_slice(OUTLINES).expect("the font file in this program is one");
        Self { font, glyphs: HashMap::new() }
    }
}

impl Letters {
    /// Width of `text` in pixels; `size` is the letters' nominal height (em) in pixels.
    pub fn width(&mut self, text: &str, size: f32) -> f32 {
        match small_font(size) {
            Some(font) => (text.chars().count() as u32 * font.character_size.width) as f32,
            None => text.chars().map(|letter| self.glyph(letter, size as u16).advance).sum(),
        }
    }

    /// Forgets the letters of sizes that may not be used any more.
    pub fn clear(&mut self) {
        self.glyphs.clear();
    }

    /// Draws `text` from `x` on, so that the middle of its capitals lies at `center_y`.
    pub fn draw<D: DrawTarget<Color = Rgb888>>(
        &mut self,
        target: &mut D,
        text: &str,
        (x, center_y): (f32, f32),
        size: f32,
        ink: Rgb888,
        paper: Rgb888,
    ) -> Result<(), D::Error> {
        if let Some(font) = small_font(size) {
            // The capitals fill the cell from its top to the row of the base line.
            let top = center_y - (font.baseline + 1) as f32 / 2.0;
            let place = Point::new(x.round() as i32, top.round() as i32);
            return Text::with_baseline(text, place, MonoTextStyle::new(font, ink), Baseline::Top).draw(target).map(|_| ());
        }
        let mut pen = x;
        let base_line = (center_y + 0.36 * size).round() as i32;
        for letter in text.chars() {
            let glyph = self.glyph(letter, size as u16);
            let corner = Point::new(pen.round() as i32, base_line) + glyph.offset;
            let pixels = glyph.cover.iter().enumerate().filter(|(_, cover)| **cover > 0).map(|(index, &cover)| {
                let place = Point::new((index % glyph.width) as i32, (index / glyph.width) as i32);
                Pixel(corner + place, mix(paper, ink, f32::from(cover) / 255.0))
            });
            target.draw_iter(pixels)?;
            pen += glyph.advance;
        }
        Ok(())
    }

    fn glyph(&mut self, letter: char, size: u16) -> &Glyph {
        let font = &self.font;
        self.glyphs.entry((letter, size)).or_insert_with(|| rasterize(font, letter, size))
    }
}

fn rasterize(font: &FontRef<'_>, letter: char, size: u16) -> Glyph {
    let em_per_height = font.height_unscaled() / font.units_per_em().unwrap_or(1000.0);
    let scaled = font.as_scaled(f32::from(size) * em_per_height);
    let known = if scaled.glyph_id(letter).0 == 0 { '?' } else { letter };
    let mut glyph =
        Glyph { offset: Point::zero(), width: 0, cover: Vec::new(), advance: scaled.h_advance(scaled.glyph_id(known)) };
    if let Some(outline) = scaled.outline_glyph(scaled.scaled_glyph(known)) {
        let bounds = outline.px_bounds();
        glyph.offset = Point::new(bounds.min.x as i32, bounds.min.y as i32);
        glyph.width = bounds.width() as usize;
        glyph.cover = vec![0; glyph.width * bounds.height() as usize];
        outline.draw(|x, y, cover| {
            if let Some(pixel) = glyph.cover.get_mut(y as usize * glyph.width + x as usize) {
                *pixel = (cover * 255.0 + 0.5) as u8;
            }
        });
    }
    glyph
}

/// The hand-drawn letters for small sizes.
fn small_font(size: f32) -> Option<&'static MonoFont<'static>> {
    match size {
        size if size < 7.0 => Some(&FONT_4X6),
        size if size < 9.0 => Some(&FONT_5X7),
        size if size < 12.0 => Some(&FONT_6X10),
        size if size < SMOOTH_FROM => Some(&FONT_6X13_BOLD),
        _ => None,
    }
}
