//! The confusion matrix as a picture.

use anyhow::Result;
use plotters::prelude::{RGBColor, WHITE};

use super::{Anchor, GREY, GRID, INK, faces, svg};
use crate::classifier::Emotion;
use crate::metrics::confusion::Confusion;

const LEFT: i32 = 152;
const TOP: i32 = 132;
const CELL: i32 = 78;

/// White at 0, this at 1; in between the straight way.
const DARK: RGBColor = RGBColor(8, 48, 107);

/// Rows are the truth, columns the answers; each cell has its share of the row and its count, and is the darker the larger its share. A row
/// without faces stays grey.
///
/// # Errors
/// None but the drawing library's.
pub fn confusion_matrix(confusion: &Confusion, caption: &str) -> Result<String> {
    let side = CELL * Emotion::ALL.len() as i32;
    let size = (LEFT + side + 96, TOP + side + 24);
    svg((size.0 as u32, size.1 as u32), |page| {
        page.title("Confusion matrix", caption)?;
        page.text("answer", 13, GREY, Anchor::Middle, (LEFT + side / 2, TOP - 42))?;
        page.upward_text("truth", 13, GREY, (30, TOP + side / 2))?;
        page.fill([(LEFT, TOP), (LEFT + side, TOP + side)], GRID)?;
        for (index, emotion) in Emotion::ALL.into_iter().enumerate() {
            let middle = index as i32 * CELL + CELL / 2;
            let support = confusion.support(emotion);
            page.text(emotion.name(), 14, INK, Anchor::Middle, (LEFT + middle, TOP - 16))?;
            page.text(emotion.name(), 14, INK, Anchor::End, (LEFT - 12, TOP + middle - 8))?;
            page.text(&faces(support), 11, GREY, Anchor::End, (LEFT - 12, TOP + middle + 11))?;
            for (column, answer) in Emotion::ALL.into_iter().enumerate().filter(|_| support > 0) {
                let corner = (LEFT + column as i32 * CELL, TOP + index as i32 * CELL);
                let centre = corner.0 + CELL / 2;
                let count = confusion.count(emotion, answer);
                let share = f64::from(count) / f64::from(support);
                page.fill([(corner.0 + 1, corner.1 + 1), (corner.0 + CELL - 1, corner.1 + CELL - 1)], shade(share))?;
                // Where the two have the same contrast with the shade.
                let ink = if share > 0.6 { WHITE } else { INK };
                page.text(&format!("{:.0} %", 100.0 * share), 16, ink, Anchor::Middle, (centre, corner.1 + CELL / 2 - 9))?;
                page.text(&count.to_string(), 12, ink, Anchor::Middle, (centre, corner.1 + CELL / 2 + 14))?;
            }
        }
        let (bar, steps) = (LEFT + side + 20, 100);
        for step in 0..steps {
            let y = |step: i32| TOP + side - step * side / steps;
            page.fill([(bar, y(step + 1)), (bar + 14, y(step))], shade(f64::from(step) / f64::from(steps - 1)))?;
        }
        for quarter in 0..=4 {
            let y = TOP + side - quarter * side / 4;
            page.text(&format!("{} %", 25 * quarter), 11, GREY, Anchor::Start, (bar + 20, y))?;
        }
        page.text("of the row", 11, GREY, Anchor::Middle, (bar + 26, TOP - 22))
    })
}

fn shade(share: f64) -> RGBColor {
    let mix = |dark: u8| (255.0 + share * (f64::from(dark) - 255.0)).round() as u8;
    RGBColor(mix(DARK.0), mix(DARK.1), mix(DARK.2))
}
