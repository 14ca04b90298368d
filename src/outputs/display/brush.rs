//! Draws shapes and text in layout units on a target, whatever its scale; on a terminal small text becomes characters.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::pixelcolor::Rgb888;

use super::layout::{Align, Line};
use super::lettering::Letters;
use super::palette::Palette;
use super::shapes::{self, Area, Layer};
use super::words::{self, Words};

/// Text for a terminal's cells.
#[derive(Clone, Copy, Debug)]
pub struct Caption<'a> {
    /// The first letter's column; may lie outside.
    pub column: i32,
    /// Its row.
    pub row: i32,
    /// One letter per cell; wide ones ([`words::is_wide`]) take two.
    pub text: &'a str,
    /// The letters' colour.
    pub ink: Rgb888,
    /// The ground's colour.
    pub paper: Rgb888,
}

/// Layout units per column of a terminal: a terminal's letter is laid out like one of 8×16 pixels.
pub(super) const CELL_WIDTH: f32 = 8.0;
/// Layout units per row of a terminal.
pub(super) const CELL_HEIGHT: f32 = 16.0;

/// Letters from this many pixels on are drawn on a terminal too.
const DRAWN_FROM: f32 = 7.0;

/// Stand for what is left out. There is no one sign for them in the letters of one byte (ISO 8859-1).
const DOTS: &str = "...";

/// A target with what it takes to draw on it.
pub(super) struct Brush<'a, D> {
    pub(super) target: &'a mut D,
    /// Pixels per layout unit.
    pub(super) scale: f32,
    pub(super) letters: &'a mut Letters,
    pub(super) palette: &'a Palette,
    pub(super) words: &'static Words,
    /// On a terminal, what takes small text.
    pub(super) captions: Option<&'a mut dyn FnMut(Caption<'_>)>,
}

impl<D: DrawTarget<Color = Rgb888>> Brush<'_, D> {
    pub(super) fn shapes(&mut self, area: &Area, paper: Rgb888, layers: &[Layer]) -> Result<(), D::Error> {
        shapes::draw(self.target, self.scale, area, paper, layers)
    }

    /// The nearest place between two pixels.
    pub(super) fn snapped(&self, place: f32) -> f32 {
        (place * self.scale).round() / self.scale
    }

    /// The middle of the text that is drawn at `center_y`: on a terminal, the middle of its row.
    pub(super) fn middle_of_text(&self, center_y: f32, size: f32) -> f32 {
        if self.is_caption(size) { ((center_y / CELL_HEIGHT).floor() + 0.5) * CELL_HEIGHT } else { center_y }
    }

    fn is_caption(&self, size: f32) -> bool {
        self.captions.is_some() && size * self.scale < DRAWN_FROM
    }

    pub(super) fn text_width(&mut self, text: &str, size: f32) -> f32 {
        if self.is_caption(size) {
            columns(text) as f32 * CELL_WIDTH
        } else {
            self.letters.width(text, size * self.scale) / self.scale
        }
    }

    /// One line; text that is too wide is set in smaller letters.
    pub(super) fn text(&mut self, text: &str, line: &Line, ink: Rgb888, paper: Rgb888) -> Result<(), D::Error> {
        let mut size = line.size;
        let mut width = self.text_width(text, size);
        while width > line.max_width && size * self.scale > 6.0 && !self.is_caption(size) {
            size *= 0.9;
            width = self.text_width(text, size);
        }
        let x = match line.align {
            Align::Left => line.x,
            Align::Center => line.x - width / 2.0,
            Align::Right => line.x - width,
        };
        let is_caption = self.is_caption(size);
        match &mut self.captions {
            Some(captions) if is_caption => {
                let column = (x / CELL_WIDTH).round() as i32;
                let row = (line.center_y / CELL_HEIGHT).floor() as i32;
                captions(Caption { column, row, text, ink, paper });
                Ok(())
            }
            _ => {
                let place = (x * self.scale, line.center_y * self.scale);
                self.letters.draw(self.target, text, place, size * self.scale, ink, paper)
            }
        }
    }

    /// Text over as many lines as it needs, from `first` down to `bottom`; where it does not fit it ends in dots. Gives the place of the line after the
    /// last.
    pub(super) fn paragraph(
        &mut self,
        text: &str,
        first: &Line,
        bottom: f32,
        ink: Rgb888,
        paper: Rgb888,
    ) -> Result<Line, D::Error> {
        let pitch = self.pitch(text, first.size);
        let mut line = *first;
        let mut rest = text.trim();
        while !rest.is_empty() && line.center_y + 0.4 * pitch <= bottom {
            let (end, _) = self.fitting(rest, first);
            let next = rest[end..].trim_start();
            line.center_y += pitch;
            let is_last = line.center_y + 0.4 * pitch > bottom;
            let place = Line { center_y: line.center_y - pitch, ..line };
            if is_last && !next.is_empty() {
                self.beginning(rest, &place, ink, paper)?;
            } else {
                self.text(rest[..end].trim_end(), &place, ink, paper)?;
            }
            rest = next;
        }
        Ok(line)
    }

    /// One line with as many words as there is room for, and dots.
    fn beginning(&mut self, text: &str, line: &Line, ink: Rgb888, paper: Rgb888) -> Result<(), D::Error> {
        let dots_width = self.text_width(DOTS, line.size);
        let (end, _) = self.fitting(text, &Line { max_width: line.max_width - dots_width, ..*line });
        let words = text[..end].trim_end();
        let width = self.text_width(words, line.size);
        let x = match line.align {
            Align::Left => line.x,
            Align::Center => line.x - (width + dots_width) / 2.0,
            Align::Right => line.x - width - dots_width,
        };
        self.text(words, &Line { x, align: Align::Left, ..*line }, ink, paper)?;
        self.text(DOTS, &Line { x: x + width, align: Align::Left, ..*line }, ink, paper)
    }

    /// How high a paragraph is; infinitely high if a word does not fit on a line.
    pub(super) fn height_of(&mut self, text: &str, line: &Line) -> f32 {
        let pitch = self.pitch(text, line.size);
        let (mut rest, mut height) = (text.trim(), 0.0);
        while !rest.is_empty() {
            let (end, is_whole) = self.fitting(rest, line);
            if !is_whole {
                return f32::INFINITY;
            }
            rest = rest[end..].trim_start();
            height += pitch;
        }
        height
    }

    /// The line for a paragraph of as many lines, with the words evenly over them: none ends in a single word if it need not.
    pub(super) fn balanced(&mut self, text: &str, line: &Line) -> Line {
        let height = self.height_of(text, line);
        let (mut balanced, mut narrower) = (*line, *line);
        // Below half of the width there would be another line in any case.
        while height.is_finite() && narrower.max_width > 0.5 * line.max_width {
            narrower.max_width -= 0.03 * line.max_width;
            if self.height_of(text, &narrower) > height {
                break;
            }
            balanced = narrower;
        }
        balanced
    }

    /// From line to line of a paragraph.
    pub(super) fn pitch(&self, text: &str, size: f32) -> f32 {
        if self.is_caption(size) {
            CELL_HEIGHT
        } else if size * self.scale < 14.0 && !text.chars().any(words::is_wide) {
            // Letters drawn by hand have their distance in them.
            size + 1.0
        } else if size * self.scale < 14.0 {
            1.15 * size
        } else {
            1.3 * size
        }
    }

    /// How many bytes of `text` fit on a line, up to the end of a word if one fits, and whether one does. Between Chinese letters a line may end
    /// anywhere but before a mark that closes.
    fn fitting(&mut self, text: &str, line: &Line) -> (usize, bool) {
        let (mut end_of_word, mut before, mut width) = (0, None, 0.0);
        for (index, letter) in text.char_indices() {
            if letter.is_whitespace() || (before.is_some_and(words::is_wide) && !words::closes(letter)) {
                end_of_word = index;
            }
            before = Some(letter);
            let end = index + letter.len_utf8();
            width += self.text_width(&text[index..end], line.size);
            if width > line.max_width {
                return match (end_of_word, index) {
                    (0, 0) => (end, false),
                    (0, index) => (index, false),
                    (end_of_word, _) => (end_of_word, true),
                };
            }
        }
        (text.len(), true)
    }
}

/// How many of a terminal's columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|letter| 1 + usize::from(words::is_wide(letter))).sum()
}
