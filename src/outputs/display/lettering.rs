//! Text of any size: from 14 pixels on in smooth letters, below in letters drawn by hand pixel by pixel, which stay sharp on the smallest panels.
//! Chinese ones have too many strokes for that: they are always smooth, and never smaller than 12 pixels.

use std::collections::HashMap;

use ab_glyph::{Font, FontRef, ScaleFont};
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::Point;
use embedded_graphics::mono_font::iso_8859_1::{FONT_4X6, FONT_5X7, FONT_6X10, FONT_6X13, FONT_7X13_BOLD};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::text::{Baseline, Text};
use embedded_graphics::{Drawable, Pixel};

use super::shapes::mix;
use super::words::{Language, is_wide};

/// Inter SemiBold 4.0, Latin letters only, and Noto Sans CJK Medium 2.004, only those that are said (see `fonts/README.md`). A letter is taken from
/// the first that has it.
const OUTLINES: [&[u8]; 2] =
    [include_bytes!("fonts/Inter-SemiBold-Latin.otf"), include_bytes!("fonts/NotoSansSC-Medium-Words.otf")];

/// From this size on letters are smooth; smaller ones would be a blur.
const SMOOTH_FROM: f32 = 14.0;

/// Letters that were drawn once are kept: in the steady state text costs no allocation.
pub struct Letters {
    fonts: [FontRef<'static>; 2],
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
        let font = |outlines| FontRef::try_from_slice(outlines).expect("the font files in this program are some");
        Self { fonts: OUTLINES.map(font), glyphs: HashMap::new() }
    }
}

impl Letters {
    /// Width of `text` in pixels; `size` is the letters' nominal height (em) in pixels.
    pub fn width(&mut self, text: &str, size: f32) -> f32 {
        match setting(text, size) {
            Setting::Drawn(font) => (text.chars().count() as u32 * font.character_size.width) as f32,
            Setting::Smooth(size) => text.chars().map(|letter| self.glyph(letter, size).advance).sum(),
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
        let size = match setting(text, size) {
            Setting::Drawn(font) => {
                // The capitals fill the cell from its top to the row of the base line.
                let top = center_y - (font.baseline + 1) as f32 / 2.0;
                let place = Point::new(x.round() as i32, top.round() as i32);
                return Text::with_baseline(text, place, MonoTextStyle::new(font, ink), Baseline::Top).draw(target).map(|_| ());
            }
            Setting::Smooth(size) => size,
        };
        let mut pen = x;
        let base_line = (center_y + 0.36 * f32::from(size)).round() as i32;
        for letter in text.chars() {
            let glyph = self.glyph(letter, size);
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
        let fonts = &self.fonts;
        self.glyphs.entry((letter, size)).or_insert_with(|| {
            let known = |font: &&FontRef<'_>| font.glyph_id(letter).0 != 0;
            match fonts.iter().find(known) {
                Some(font) => rasterize(font, letter, size),
                None => rasterize(&fonts[0], '?', size),
            }
        })
    }
}

fn rasterize(font: &FontRef<'_>, letter: char, size: u16) -> Glyph {
    let em_per_height = font.height_unscaled() / font.units_per_em().unwrap_or(1000.0);
    let scaled = font.as_scaled(f32::from(size) * em_per_height);
    let mut glyph =
        Glyph { offset: Point::zero(), width: 0, cover: Vec::new(), advance: scaled.h_advance(scaled.glyph_id(letter)) };
    if let Some(outline) = scaled.outline_glyph(scaled.scaled_glyph(letter)) {
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

/// How text of a size is set.
enum Setting {
    /// In letters drawn by hand.
    Drawn(&'static MonoFont<'static>),
    /// In smooth letters of this size.
    Smooth(u16),
}

fn setting(text: &str, size: f32) -> Setting {
    if text.chars().any(is_wide) {
        return Setting::Smooth(size.max(Language::Zh.least_letters()) as u16);
    }
    match size {
        size if size < 7.0 => Setting::Drawn(&FONT_4X6),
        size if size < 9.0 => Setting::Drawn(&FONT_5X7),
        size if size < 12.0 => Setting::Drawn(&FONT_6X10),
        size if size < 12.6 => Setting::Drawn(&FONT_6X13),
        // Not FONT_6X13_BOLD: in its six columns the strokes of an m or a V run together.
        size if size < SMOOTH_FROM => Setting::Drawn(&FONT_7X13_BOLD),
        size => Setting::Smooth(size as u16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_every_language_is_in_the_fonts() {
        let fonts = Letters::default().fonts;
        let replacement = FONT_4X6.glyph_mapping.index('?');
        for language in Language::ALL {
            for letter in language.words().all().flat_map(str::chars).filter(|letter| *letter != '?') {
                assert!(fonts.iter().any(|font| font.glyph_id(letter).0 != 0), "{letter} of {language:?}");
                assert!(
                    is_wide(letter) || FONT_4X6.glyph_mapping.index(letter) != replacement,
                    "{letter} of {language:?} when small"
                );
            }
        }
    }
}
