//! Figures of a period: what happened in each of its hours or days, and in those of a week.

use anyhow::Result;
use plotters::prelude::RGBColor;

use super::{Anchor, BLUE, GREEN, GREY, GRID, INK, ORANGE, Page, Panel, fifths, svg};
use crate::classifier::Emotion;

const SIZE: (u32, u32) = (760, 340);
const PANEL: Panel = Panel { left: 64, top: 84, right: 744, bottom: 296 };

/// One for each expression, apart for colour-blind people too (Okabe and Ito 2008, with grey for neutral).
const EXPRESSIONS: [RGBColor; 7] = [
    RGBColor(213, 94, 0),
    GREEN,
    RGBColor(204, 121, 167),
    RGBColor(240, 200, 40),
    BLUE,
    RGBColor(86, 180, 233),
    RGBColor(170, 170, 170),
];

/// Watching, covered, paused, without a camera.
const STATES: [(&str, RGBColor); 4] =
    [("watching", GREEN), ("covered", RGBColor(170, 170, 170)), ("paused", BLUE), ("no camera", RGBColor(213, 94, 0))];

/// Days from Monday.
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// For each label the shares of the expressions, which are 1 together, one upon the other; a gap where there are none.
///
/// # Errors
/// None but the drawing library's.
pub fn shares_over_time(labels: &[&str], shares: &[Option<[f64; 7]>], caption: &str) -> Result<String> {
    let legend: Vec<_> = Emotion::ALL.into_iter().map(Emotion::name).zip(EXPRESSIONS).collect();
    stacks(labels, shares, &legend, caption)
}

/// For each label the shares of its time in which the camera was watching, covered, paused, and not there. What is missing to 1 stays empty.
///
/// # Errors
/// None but the drawing library's.
pub fn states_over_time(labels: &[&str], shares: &[Option<[f64; 4]>], caption: &str) -> Result<String> {
    stacks(labels, shares, &STATES, caption)
}

/// For each label a bar from nought; a mark below the axis where nothing is known.
///
/// # Errors
/// None but the drawing library's.
pub fn bars_over_time(labels: &[&str], values: &[Option<f64>], caption: &str) -> Result<String> {
    svg(SIZE, |page| {
        page.text(caption, 13, GREY, Anchor::Start, (16, 24))?;
        let (top, marks) = axis(values.iter().flatten().copied().fold(0.0, f64::max));
        PANEL.rows(page, &marks)?;
        for (column, value) in columns(labels.len()).zip(values) {
            match value {
                Some(value) => page.fill([(column.0, PANEL.y(value / top)), (column.1, PANEL.bottom)], BLUE)?,
                None => page.line((column.0, PANEL.bottom + 3), (column.1, PANEL.bottom + 3), ORANGE, 3)?,
            }
        }
        below(page, labels)
    })
}

/// For each day from Monday and each hour a cell, the darker the larger its value; a dot where nothing is known.
///
/// # Errors
/// None but the drawing library's.
pub fn week_map(cells: &[[Option<f64>; 24]; 7], caption: &str) -> Result<String> {
    const CELL: (i32, i32) = (27, 27);
    const CORNER: (i32, i32) = (64, 72);
    svg((760, 340), |page| {
        page.text(caption, 13, GREY, Anchor::Start, (16, 24))?;
        let most = cells.iter().flatten().flatten().copied().fold(0.0, f64::max);
        let (top, marks) = axis(most);
        for ((day, name), row) in cells.iter().zip(WEEKDAYS).zip(0..) {
            let y = CORNER.1 + CELL.1 * row;
            page.text(name, 13, INK, Anchor::End, (CORNER.0 - 10, y + CELL.1 / 2))?;
            for (value, hour) in day.iter().zip(0..) {
                let x = CORNER.0 + CELL.0 * hour;
                match value {
                    Some(value) => page.fill([(x, y), (x + CELL.0 - 2, y + CELL.1 - 2)], shade(value / top))?,
                    None => page.text("·", 16, GREY, Anchor::Middle, (x + CELL.0 / 2, y + CELL.1 / 2))?,
                }
            }
        }
        for hour in (0..=24).step_by(3) {
            page.text(&format!("{hour}:00"), 12, GREY, Anchor::Middle, (CORNER.0 + CELL.0 * hour, CORNER.1 - 14))?;
        }
        let (left, y) = (CORNER.0, CORNER.1 + 7 * CELL.1 + 22);
        for step in 0..40 {
            page.fill([(left + 6 * step, y), (left + 6 * step + 6, y + 12)], shade(f64::from(step) / 39.0))?;
        }
        for (share, label) in marks {
            page.text(&label, 12, GREY, Anchor::Middle, (left + (240.0 * share) as i32, y + 28))?;
        }
        Ok(())
    })
}

/// From nearly white to dark blue, even in lightness.
fn shade(share: f64) -> RGBColor {
    let mix = |from: f64, to: f64| (from + (to - from) * share.clamp(0.0, 1.0)).round() as u8;
    RGBColor(mix(236.0, 0.0), mix(242.0, 68.0), mix(248.0, 130.0))
}

fn stacks<const N: usize>(
    labels: &[&str],
    shares: &[Option<[f64; N]>],
    legend: &[(&str, RGBColor)],
    caption: &str,
) -> Result<String> {
    svg(SIZE, |page| {
        page.text(caption, 13, GREY, Anchor::Start, (16, 24))?;
        for ((name, colour), index) in legend.iter().zip(0..) {
            let x = 64 + 98 * index;
            page.fill([(x, 46), (x + 12, 58)], *colour)?;
            page.text(name, 13, INK, Anchor::Start, (x + 18, 52))?;
        }
        PANEL.rows(page, &fifths())?;
        for (column, shares) in columns(labels.len()).zip(shares) {
            let mut sum = 0.0;
            for (share, (_, colour)) in shares.iter().flatten().zip(legend) {
                let bottom = PANEL.y(sum);
                sum += share;
                page.fill([(column.0, PANEL.y(sum.min(1.0))), (column.1, bottom)], *colour)?;
            }
        }
        below(page, labels)
    })
}

/// The left and right edges of so many columns side by side.
fn columns(count: usize) -> impl Iterator<Item = (i32, i32)> {
    let edge = move |index: usize| PANEL.x(index as f64 / count.max(1) as f64);
    let gap = i32::from(count <= 100);
    (0..count).map(move |index| (edge(index), edge(index + 1) - gap))
}

/// The axis, and under it as many labels as there is room for. Of a week's hours that is each midnight.
fn below(page: &Page<'_>, labels: &[&str]) -> Result<()> {
    page.line((PANEL.left, PANEL.bottom), (PANEL.right, PANEL.bottom), INK, 1)?;
    let every = if labels.len() > 100 { 24 } else { labels.len().div_ceil(12).max(1) };
    for (label, index) in labels.iter().zip(0..).step_by(every) {
        let x = PANEL.x(f64::from(index) / labels.len() as f64);
        page.line((x, PANEL.bottom), (x, PANEL.bottom + 6), GRID, 1)?;
        page.text(label, 12, GREY, Anchor::Start, (x, PANEL.bottom + 18))?;
    }
    Ok(())
}

/// The end of an axis from nought with room for `most`, and its marks (0 to 1): at round numbers, five at most.
fn axis(most: f64) -> (f64, Vec<(f64, String)>) {
    let power = 10_f64.powf((most.max(1.0) / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| 5.0 * step >= most)
        .unwrap_or(10.0 * power)
        .max(1.0);
    let count = (most / step).ceil().max(1.0);
    let marks = (0..=count as u32).map(|mark| (f64::from(mark) / count, (f64::from(mark) * step).to_string()));
    (count * step, marks.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_begin_at_nought_and_end_at_a_round_number() {
        let labels = |most| axis(most).1.into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" ");
        assert_eq!(labels(0.0), "0 1");
        assert_eq!(labels(3.0), "0 1 2 3");
        assert_eq!(labels(41.0), "0 10 20 30 40 50");
        assert_eq!(labels(1234.0), "0 500 1000 1500");
    }

    #[test]
    fn a_gap_is_a_gap_and_not_nought() {
        let figure = |value| bars_over_time(&["09:00", "10:00"], &[Some(4.0), value], "").unwrap();
        assert_ne!(figure(None), figure(Some(0.0)));
        assert!(!shares_over_time(&["09:00"], &[None], "").unwrap().contains("#D55E00\" stroke=\"none\" x=\"64\""));
    }
}
