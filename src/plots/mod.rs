//! Figures as SVG: of an evaluation (confusion matrix, bars per class, reliability diagram) and of a report's period.
//!
//! Text is placed by its anchor (start, middle or end) in the viewer's own sans-serif font, with room for a wide one; nothing is laid out by how wide a
//! text would be. So the figures are right in any viewer, and drawing needs no fonts.

mod classes;
mod confusion;
mod period;
mod reliability;

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub use classes::class_bars;
pub use confusion::confusion_matrix;
pub use period::{bars_over_time, shares_over_time, states_over_time, week_map};
pub use reliability::reliability_diagram;

/// Nearly black, for what must be read.
const INK: RGBColor = RGBColor(34, 34, 34);
/// For what explains.
const GREY: RGBColor = RGBColor(96, 96, 96);
/// Lines behind the data.
const GRID: RGBColor = RGBColor(221, 221, 221);

// Three colours that colour-blind people can tell apart (Okabe and Ito 2008).
const BLUE: RGBColor = RGBColor(0, 114, 178);
const ORANGE: RGBColor = RGBColor(230, 159, 0);
const GREEN: RGBColor = RGBColor(0, 158, 115);

/// A position in pixels of the page, from its top left.
type At = (i32, i32);

/// A white page with things on it, in pixels.
struct Page<'a>(DrawingArea<SVGBackend<'a>, Shift>);

/// Which part of a text stands at its position; its middle in height always does.
#[derive(Clone, Copy)]
enum Anchor {
    Start,
    Middle,
    End,
}

/// Draws a page of this size; gives the SVG.
fn svg(size: (u32, u32), draw: impl FnOnce(&Page<'_>) -> Result<()>) -> Result<String> {
    let mut text = String::new();
    let page = Page(SVGBackend::with_string(&mut text, size).into_drawing_area());
    page.0.fill(&WHITE)?;
    draw(&page)?;
    page.0.present()?;
    drop(page);
    Ok(text)
}

impl Page<'_> {
    /// Title and caption in the top left corner.
    fn title(&self, title: &str, caption: &str) -> Result<()> {
        let plain = style(18, INK, Anchor::Start);
        let bold = TextStyle { font: plain.font.style(FontStyle::Bold), ..plain };
        self.0.draw_text(title, &bold, (24, 30))?;
        self.text(caption, 13, GREY, Anchor::Start, (24, 54))
    }

    /// A text of this height in pixels.
    fn text(&self, text: &str, size: u32, colour: RGBColor, anchor: Anchor, at: At) -> Result<()> {
        Ok(self.0.draw_text(text, &style(size, colour, anchor), at)?)
    }

    /// A text that is read from bottom to top, its middle at this position.
    fn upward_text(&self, text: &str, size: u32, colour: RGBColor, at: At) -> Result<()> {
        Ok(self.0.draw_text(text, &style(size, colour, Anchor::Middle).transform(FontTransform::Rotate270), at)?)
    }

    fn fill(&self, corners: [At; 2], colour: RGBColor) -> Result<()> {
        Ok(self.0.draw(&Rectangle::new(corners, colour.filled()))?)
    }

    fn line(&self, from: At, to: At, colour: RGBColor, width: u32) -> Result<()> {
        Ok(self.0.draw(&PathElement::new([from, to], colour.stroke_width(width)))?)
    }
}

fn style(size: u32, colour: RGBColor, anchor: Anchor) -> TextStyle<'static> {
    let horizontal = match anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    // The backend writes 1/1.24 of it as the font's size.
    let font = ("sans-serif", f64::from(size) * 1.24).into_font();
    TextStyle { font, color: colour.to_backend_color(), pos: Pos::new(horizontal, VPos::Center) }
}

/// How many, with the right word.
fn faces(count: u32) -> String {
    if count == 1 { "1 face".into() } else { format!("{count} faces") }
}

/// A rectangle on the page whose sides are axes from 0 to 1.
#[derive(Clone, Copy)]
struct Panel {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Panel {
    fn x(self, value: f64) -> i32 {
        self.left + (value * f64::from(self.right - self.left)).round() as i32
    }

    fn y(self, value: f64) -> i32 {
        self.bottom - (value * f64::from(self.bottom - self.top)).round() as i32
    }

    /// Lines across at these heights, each with its label at the left.
    fn rows(self, page: &Page<'_>, marks: &[(f64, String)]) -> Result<()> {
        marks.iter().try_for_each(|(value, label)| {
            let y = self.y(*value);
            page.line((self.left, y), (self.right, y), GRID, 1)?;
            page.text(label, 12, GREY, Anchor::End, (self.left - 8, y))
        })
    }
}

/// 0 to 100 % in steps of 20 %.
fn fifths() -> Vec<(f64, String)> {
    (0..=5).map(|step| (f64::from(step) / 5.0, format!("{} %", 20 * step))).collect()
}
