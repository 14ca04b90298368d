//! The reliability diagram: do probabilities mean what they say?

use anyhow::Result;
use plotters::element::DashedPathElement;
use plotters::prelude::{Color, RGBColor};

use super::{Anchor, BLUE, GREY, INK, ORANGE, Page, Panel, fifths, svg};
use crate::metrics::calibration::{Calibration, wilson_interval};

/// [`BLUE`], half way to white: what is drawn over it can be seen.
const PALE_BLUE: RGBColor = RGBColor(128, 185, 217);

/// A bar for each bin of confidence: how many of its answers were right, with the 95 % interval, beside what they promised; beneath, how many answers
/// each bin has.
///
/// # Errors
/// None but the drawing library's.
pub fn reliability_diagram(calibration: &Calibration, caption: &str) -> Result<String> {
    let main = Panel { left: 92, top: 150, right: 92 + 510, bottom: 660 };
    let below = Panel { top: 716, bottom: 796, ..main };
    svg((636, 856), |page| {
        page.title("Reliability diagram", caption)?;
        legend(page, main.left)?;
        main.rows(page, &fifths())?;
        page.upward_text("right answers", 13, GREY, (28, (main.top + main.bottom) / 2))?;

        let bins = calibration.bins();
        let total = bins.iter().map(|bin| bin.answers).sum::<u32>().max(1);
        let share = |answers: u32| f64::from(answers) / f64::from(total);
        // The lower axis ends at the next ten per cent.
        let tens = (10.0 * bins.iter().map(|bin| share(bin.answers)).fold(0.0, f64::max)).ceil().max(1.0);
        below.rows(page, &[(0.0, "0 %".into()), (1.0, format!("{} %", 10.0 * tens))])?;
        page.upward_text("of all", 13, GREY, (28, (below.top + below.bottom) / 2))?;

        for bin in &bins {
            let (left, right) = (main.x(bin.from) + 1, main.x(bin.to) - 1);
            let middle = (left + right) / 2;
            page.fill([(left, below.y(10.0 * share(bin.answers) / tens)), (right, below.bottom)], GREY)?;
            let Some(means) = bin.means else { continue };
            page.fill([(left, main.y(means.accuracy)), (right, main.bottom)], PALE_BLUE)?;
            page.line((left, main.y(means.accuracy)), (right, main.y(means.accuracy)), BLUE, 2)?;
            let (low, high) = wilson_interval(means.accuracy, bin.answers);
            page.line((middle, main.y(low)), (middle, main.y(high)), INK, 1)?;
            for end in [low, high] {
                page.line((middle - 4, main.y(end)), (middle + 4, main.y(end)), INK, 1)?;
            }
            page.fill([(left, main.y(means.confidence) - 2), (right, main.y(means.confidence) + 2)], ORANGE)?;
        }
        let diagonal = [(main.left, main.bottom), (main.right, main.top)];
        page.0.draw(&DashedPathElement::new(diagonal, 6, 4, GREY.stroke_width(1)))?;
        for panel in [main, below] {
            page.line((panel.left, panel.bottom), (panel.right, panel.bottom), INK, 1)?;
            for (value, label) in fifths() {
                page.text(&label, 12, GREY, Anchor::Middle, (panel.x(value), panel.bottom + 16))?;
            }
        }
        page.text("confidence: probability of the answer", 13, GREY, Anchor::Middle, (main.x(0.5), below.bottom + 40))
    })
}

fn legend(page: &Page<'_>, left: i32) -> Result<()> {
    page.fill([(left, 76), (left + 14, 90)], PALE_BLUE)?;
    page.text("right answers, with the 95 % interval", 13, INK, Anchor::Start, (left + 22, 83))?;
    page.fill([(left, 101), (left + 14, 105)], ORANGE)?;
    page.text("mean confidence: what was promised", 13, INK, Anchor::Start, (left + 22, 103))?;
    page.0.draw(&DashedPathElement::new([(left, 123), (left + 14, 123)], 6, 4, GREY.stroke_width(1)))?;
    page.text("where both are the same", 13, INK, Anchor::Start, (left + 22, 123))
}
