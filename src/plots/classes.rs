//! Precision, recall and F1 of each class as bars.

use anyhow::Result;
use plotters::prelude::RGBColor;

use super::{Anchor, BLUE, GREEN, GREY, INK, ORANGE, Panel, faces, fifths, svg};
use crate::classifier::Emotion;
use crate::metrics::confusion::{ClassReport, Confusion};

/// One of the bars of each class: what it is called, its colour and its height.
struct Bar(&'static str, RGBColor, fn(&ClassReport) -> f64);

const BARS: [Bar; 3] = [
    Bar("precision", BLUE, |class| class.precision),
    Bar("recall", ORANGE, |class| class.recall),
    Bar("F1", GREEN, |class| class.f1),
];

/// Width of a bar in pixels.
const WIDTH: i32 = 30;

/// Three bars a class, from 0 to 100 %, with their values; none for a class without faces, of which nothing is known.
///
/// # Errors
/// None but the drawing library's.
pub fn class_bars(confusion: &Confusion, caption: &str) -> Result<String> {
    let panel = Panel { left: 72, top: 112, right: 72 + 7 * 120, bottom: 412 };
    svg((936, 476), |page| {
        page.title("Precision, recall and F1 of each class", caption)?;
        for (Bar(name, colour, _), index) in BARS.iter().zip(0..) {
            let x = panel.left + 130 * index;
            page.fill([(x, 76), (x + 14, 90)], *colour)?;
            page.text(name, 13, INK, Anchor::Start, (x + 22, 83))?;
        }
        panel.rows(page, &fifths())?;
        for (emotion, index) in Emotion::ALL.into_iter().zip(0..) {
            let class = confusion.class(emotion);
            let middle = panel.left + 120 * index + 60;
            for (Bar(_, colour, value), bar) in BARS.iter().zip(0..).filter(|_| class.support > 0) {
                let left = middle - WIDTH * 3 / 2 - 3 + bar * (WIDTH + 3);
                let y = panel.y(value(&class));
                page.fill([(left, y), (left + WIDTH, panel.bottom)], *colour)?;
                page.text(&format!("{:.0}", 100.0 * value(&class)), 12, INK, Anchor::Middle, (left + WIDTH / 2, y - 9))?;
            }
            page.text(emotion.name(), 14, INK, Anchor::Middle, (middle, panel.bottom + 20))?;
            page.text(&faces(class.support), 11, GREY, Anchor::Middle, (middle, panel.bottom + 40))?;
        }
        page.line((panel.left, panel.bottom), (panel.right, panel.bottom), INK, 1)
    })
}
