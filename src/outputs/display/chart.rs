//! The seven probabilities: rows with names and bars; columns with initials where there is no room for names; on a round display, a ring.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::pixelcolor::Rgb888;

use super::brush::Brush;
use super::layout::{Align, Chart, Line};
use super::palette::TRACK;
use super::shapes::{Arc, Area, Layer, Shape};
use super::words::{Language, is_wide};
use crate::classifier::{Emotion, Probabilities};

/// Draws the chart; the letters of the expression that is `shown` are brighter, or black on white where there is no other brightness.
pub(super) fn draw_chart<D: DrawTarget<Color = Rgb888>>(
    probabilities: &Probabilities,
    shown: Emotion,
    chart: &Chart,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let shares = Emotion::ALL.map(|emotion| (emotion, probabilities.of(emotion)));
    match chart {
        Chart::Rows { area, size, thickness, percent } => draw_rows(&shares, shown, area, *size, *thickness, *percent, brush),
        Chart::Columns { area, letters } => draw_columns(&shares, shown, area, *letters, brush),
        Chart::Ring { area, half_width, letters } => draw_ring(&shares, shown, area, *half_width, *letters, brush),
    }
}

type Shares = [(Emotion, f32); 7];

fn draw_rows<D: DrawTarget<Color = Rgb888>>(
    shares: &Shares,
    shown: Emotion,
    area: &Area,
    size: f32,
    thickness: f32,
    percent: bool,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let (words, palette) = (brush.words, *brush.palette);
    let widths = Emotion::ALL.map(|emotion| brush.text_width(words.name(emotion), size));
    let label_width = widths.into_iter().fold(0.0, f32::max) + 0.6 * size;
    let percent_width = if percent { brush.text_width("100 %", size) + 0.6 * size } else { 0.0 };
    for &(emotion, share) in shares {
        let center_y = area.y + (emotion as usize as f32 + 0.5) * area.height / 7.0;
        let name = Line { x: area.x, center_y, size, align: Align::Left, max_width: label_width };
        draw_label(words.name(emotion), &name, emotion == shown, brush)?;
        // On whole pixels the edges are sharp.
        let height = brush.snapped(thickness).max(1.0 / brush.scale);
        let y = brush.snapped(brush.middle_of_text(center_y, size) - height / 2.0);
        let x = brush.snapped(area.x + label_width);
        let bar = Area { x, y, width: area.right() - percent_width - x, height };
        draw_bar(&bar, &Area { width: bar.width * share, ..bar }, emotion, brush)?;
        if percent {
            let line = Line { x: area.right(), align: Align::Right, max_width: percent_width, ..name };
            let ink = if emotion == shown { palette.ink } else { palette.quiet };
            brush.text(Percent::of(share).as_str(), &line, ink, palette.paper)?;
        }
    }
    Ok(())
}

fn draw_columns<D: DrawTarget<Color = Rgb888>>(
    shares: &Shares,
    shown: Emotion,
    area: &Area,
    letters: f32,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let words = brush.words;
    let pitch = (area.width / 7.0).floor();
    for &(emotion, share) in shares {
        let column = Area {
            x: area.right() - (7 - emotion as usize) as f32 * pitch,
            width: (pitch - 1.0).min(7.0),
            height: area.height - if letters > 0.0 { letters + 1.0 } else { 0.0 },
            ..*area
        };
        if letters > 0.0 {
            let center_y = area.bottom() - letters / 2.0;
            let initial = Line { x: column.center().0, center_y, size: letters, align: Align::Center, max_width: pitch };
            draw_label(words.initial(emotion), &initial, emotion == shown, brush)?;
        }
        let height = (column.height * share).max(if brush.palette.is_mono { 1.0 } else { 0.0 });
        draw_bar(&column, &Area { y: column.bottom() - height, height, ..column }, emotion, brush)?;
    }
    Ok(())
}

/// Seven parts of a ring that is open below; each fills clockwise.
fn draw_ring<D: DrawTarget<Color = Rgb888>>(
    shares: &Shares,
    shown: Emotion,
    area: &Area,
    half_width: f32,
    letters: f32,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let (words, palette) = (brush.words, *brush.palette);
    let (x, y) = area.center();
    let radius = area.width / 2.0 - half_width;
    let part = RING / 7.0;
    // The angle of a round end; between two of them is a little air.
    let round = half_width / radius;
    let length = part - 3.4 * round;
    let begin = |emotion: Emotion| -RING / 2.0 + emotion as usize as f32 * part + 1.7 * round;
    let arcs = shares.map(|(emotion, share)| {
        let arc = Arc::new((x, y), radius, begin(emotion), begin(emotion) + length, half_width);
        let end = begin(emotion) - round + share * (length + 2.0 * round);
        let track = if palette.is_mono { palette.paper } else { TRACK };
        [Layer::new(Shape::Arc(arc), track), Layer::new(Shape::ArcUntil(arc, end), palette.of(emotion))]
    });
    brush.shapes(area, palette.paper, arcs.as_flattened())?;
    for &(emotion, _) in shares {
        let (sin, cos) = (begin(emotion) + length / 2.0).sin_cos();
        let from_middle = radius - half_width - 0.75 * letters;
        let initial = Line {
            x: x + from_middle * sin,
            center_y: y - from_middle * cos,
            size: letters,
            align: Align::Center,
            max_width: f32::MAX,
        };
        draw_label(words.initial(emotion), &initial, emotion == shown, brush)?;
    }
    Ok(())
}

/// How much of a full turn the ring takes, in radians: 300 degrees.
const RING: f32 = 300.0 * std::f32::consts::PI / 180.0;

/// A name or an initial; bright if it is `shown`.
fn draw_label<D: DrawTarget<Color = Rgb888>>(
    text: &str,
    line: &Line,
    shown: bool,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let palette = *brush.palette;
    if !palette.is_mono || !shown {
        return brush.text(text, line, if shown { palette.ink } else { palette.quiet }, palette.paper);
    }
    let width = brush.text_width(text, line.size);
    let left = if line.align == Align::Center { line.x - width / 2.0 } else { line.x };
    let height = if text.chars().any(is_wide) { line.size.max(Language::Zh.least_letters()) } else { line.size } + 1.0;
    let ground = Area {
        x: left.round() - 1.0,
        y: (line.center_y - height / 2.0).round(),
        // The last letter's own distance is the right border.
        width: width + 1.0,
        height,
    };
    brush.shapes(&ground, palette.ink, &[])?;
    brush.text(text, line, palette.paper, palette.ink)
}

/// A bar that is full as far as `filled`; round at its ends if it lies and is thick enough for that to be seen.
fn draw_bar<D: DrawTarget<Color = Rgb888>>(
    bar: &Area,
    filled: &Area,
    emotion: Emotion,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let palette = *brush.palette;
    if palette.is_mono {
        // A line where it begins stands for the empty bar.
        let filled = Area { width: filled.width.round().max(1.0), ..*filled };
        return brush.shapes(&filled, palette.ink, &[]);
    }
    let radius = if bar.width < bar.height || bar.height * brush.scale < 4.0 { 0.0 } else { bar.height / 2.0 };
    let track = Layer::new(Shape::Rounded(*bar, radius), TRACK);
    let full = Layer::new(Shape::Common(*filled, *bar, radius), palette.of(emotion));
    brush.shapes(bar, palette.paper, &[track, full])
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
