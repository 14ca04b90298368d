//! The seven probabilities: rows with names and bars, or columns with initials where there is no room for names.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::pixelcolor::Rgb888;

use super::brush::Brush;
use super::layout::{Align, Chart, Line};
use super::palette::{self, INK, PAPER, QUIET, TRACK};
use super::shapes::{Area, Layer, Shape};
use super::words;
use crate::classifier::{Emotion, Probabilities};

/// Draws the chart; the row or column of the expression that is `shown` has brighter letters.
pub(super) fn draw_chart<D: DrawTarget<Color = Rgb888>>(
    probabilities: &Probabilities,
    shown: Emotion,
    chart: &Chart,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let (label_width, percent_width) = match chart {
        Chart::Rows { size, percent, .. } => {
            let gap = 0.6 * size;
            let longest =
                Emotion::ALL.map(|emotion| brush.text_width(words::name(emotion), *size)).into_iter().fold(0.0, f32::max);
            (longest + gap, if *percent { brush.text_width("100 %", *size) + gap } else { 0.0 })
        }
        Chart::Columns { .. } => (0.0, 0.0),
    };
    for emotion in Emotion::ALL {
        let index = emotion as usize as f32;
        let share = probabilities.of(emotion);
        let ink = if emotion == shown { INK } else { QUIET };
        match *chart {
            Chart::Rows { area, size, thickness, percent } => {
                let center_y = area.y + (index + 0.5) * area.height / 7.0;
                let line = Line { x: area.x, center_y, size, align: Align::Left, max_width: label_width };
                brush.text(words::name(emotion), &line, ink, PAPER)?;
                // On whole pixels the edges are sharp.
                let height = brush.snapped(thickness).max(1.0 / brush.scale);
                let y = brush.snapped(brush.middle_of_text(center_y, size) - height / 2.0);
                let x = brush.snapped(area.x + label_width);
                let bar = Area { x, y, width: area.right() - percent_width - x, height };
                draw_bar(&bar, &Area { width: bar.width * share, ..bar }, emotion, brush)?;
                if percent {
                    let line = Line { x: area.right(), align: Align::Right, max_width: percent_width, ..line };
                    brush.text(Percent::of(share).as_str(), &line, ink, PAPER)?;
                }
            }
            Chart::Columns { area } => {
                const LETTERS: f32 = 6.0;
                let pitch = (area.width / 7.0).floor().min(7.0);
                let x = area.x + index * pitch;
                let initial = Line { x, center_y: area.bottom() - 2.5, size: LETTERS, align: Align::Left, max_width: pitch };
                brush.text(&words::name(emotion)[..1], &initial, ink, PAPER)?;
                let column = Area { x, y: area.y, width: pitch - 1.0, height: area.height - LETTERS };
                let height = column.height * share;
                draw_bar(&column, &Area { y: column.bottom() - height, height, ..column }, emotion, brush)?;
            }
        }
    }
    Ok(())
}

/// A bar that is full as far as `filled`; round at its ends if it lies and is thick enough for that to be seen.
fn draw_bar<D: DrawTarget<Color = Rgb888>>(
    bar: &Area,
    filled: &Area,
    emotion: Emotion,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let radius = if bar.width < bar.height || bar.height * brush.scale < 4.0 { 0.0 } else { bar.height / 2.0 };
    let track = Layer::new(Shape::Rounded(*bar, radius), TRACK);
    let full = Layer::new(Shape::Common(*filled, *bar, radius), palette::of(emotion));
    brush.shapes(bar, PAPER, &[track, full])
}

/// `87 %`, without an allocation.
pub(super) struct Percent {
    text: [u8; 5],
    begin: usize,
}

impl Percent {
    pub(super) fn of(share: f32) -> Self {
        let mut percent = Self { text: *b"    %", begin: 3 };
        let mut rest = (share.clamp(0.0, 1.0) * 100.0).round() as u8;
        loop {
            percent.begin -= 1;
            percent.text[percent.begin] = b'0' + rest % 10;
            rest /= 10;
            if rest == 0 {
                return percent;
            }
        }
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[self.begin..]).expect("digits, a space and a percent sign")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_rounded_to_whole_numbers() {
        for (share, text) in
            [(0.0, "0 %"), (0.004, "0 %"), (0.056, "6 %"), (0.5, "50 %"), (0.994, "99 %"), (1.0, "100 %"), (1.5, "100 %")]
        {
            assert_eq!(Percent::of(share).as_str(), text);
        }
    }
}
