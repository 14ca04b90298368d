//! Small signs: a mark for each face, the day's mix, and the privacy mark.

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::Point;
use embedded_graphics::pixelcolor::Rgb888;

use super::brush::Brush;
use super::face::{LAYERS, Mien};
use super::layout::{Align, Layout, Line};
use super::mix::DayMix;
use super::shapes::{Area, Layer, Shape};
use crate::classifier::Emotion;
use crate::tracker::{Observation, TrackedFace};

/// The most faces that get a mark.
const MOST_MARKS: usize = 5;

/// Nobody would see what a sign smaller than this many pixels means.
const SMALLEST_SIGN: f32 = 6.0;

/// A face smaller than this many pixels could not be read.
const SMALLEST_FACE: f32 = 12.0;

/// One small face for each face if there are several, with a ring around the main one. Where there is no room for that, dots: the main one is brighter,
/// or the only one that is full.
pub(super) fn draw_marks<D: DrawTarget<Color = Rgb888>>(
    observation: &Observation,
    main: &TrackedFace,
    area: &Area,
    centered: bool,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let count = observation.faces.len().min(MOST_MARKS);
    if count < 2 {
        return Ok(());
    }
    let palette = *brush.palette;
    // Five marks with a quarter of a mark between each two.
    let radius = (area.height / 2.0).min(area.width / (2.5 * MOST_MARKS as f32));
    let left = if centered { area.center().0 - radius * (2.5 * count as f32 - 0.5) / 2.0 } else { area.x };
    for (index, face) in observation.faces.iter().take(MOST_MARKS).enumerate() {
        let (x, y) = (left + radius * (1.0 + 2.5 * index as f32), area.center().1);
        let (disc, pen) = (|radius| Shape::Disc { x, y, radius }, 0.1 * radius);
        let is_main = face.id == main.id;
        let color = if is_main { palette.ink } else { palette.quiet };
        let square = Area::around(x, y, radius);
        if 2.0 * radius * brush.scale < SMALLEST_FACE {
            let radius = radius.min(3.0 / brush.scale);
            let hole = if palette.is_mono && !is_main { radius - 1.0 } else { 0.0 };
            // On whole pixels all look the same.
            let step = (2.5 * radius * brush.scale).ceil() / brush.scale;
            let x = brush.snapped(left) + index as f32 * step + radius;
            let y = brush.snapped(y - radius) + radius;
            let disc = |radius| Shape::Disc { x, y, radius };
            let dot = [Layer::new(disc(radius), color), Layer::new(disc(hole), palette.paper)];
            brush.shapes(&Area::around(x, y, radius), palette.paper, &dot)?;
            continue;
        }
        let mut layers = [Layer::new(disc(radius), if is_main { palette.ink } else { palette.paper }); 2 + LAYERS];
        layers[1] = Layer::new(disc(radius - pen), palette.paper);
        layers[2..].copy_from_slice(&Mien::of(face.expression).layers_with(&palette, x, y, radius - 2.0 * pen));
        brush.shapes(&square, palette.paper, &layers)?;
    }
    Ok(())
}

/// The parts of the day's mix beside each other, in the order of the chart, with a little air between them; what they are is written above them where
/// the marks and the privacy mark leave room.
pub(super) fn draw_mix<D: DrawTarget<Color = Rgb888>>(
    mix: &DayMix,
    no_marks: bool,
    privacy_begin: f32,
    layout: &Layout,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let (words, palette) = (brush.words, *brush.palette);
    let (Some(area), Some(shares)) = (layout.mix, mix.shares()) else { return Ok(()) };
    if palette.is_mono {
        return Ok(());
    }
    if let Some(size) = layout.privacy_text.filter(|_| no_marks) {
        let (x, center_y) = (layout.marks.x, layout.privacy.center().1);
        let line = Line { x, center_y, size, align: Align::Left, max_width: f32::MAX };
        if x + brush.text_width(&words.today, size) + 2.0 * size < privacy_begin {
            brush.text(&words.today, &line, palette.quiet, palette.paper)?;
        }
    }
    let mut begin = area.x;
    for (emotion, share) in Emotion::ALL.into_iter().zip(shares) {
        let end = begin + share * area.width;
        let (x, right) =
            (brush.snapped(begin), brush.snapped(end) - if end < area.right() - 0.5 { 1.0 / brush.scale } else { 0.0 });
        if right > x {
            brush.shapes(&Area { x, width: right - x, ..area }, palette.of(emotion), &[])?;
        }
        begin = end;
    }
    Ok(())
}

/// A picture with a line through it, and the words where there is room. Gives where it begins.
pub(super) fn draw_privacy_mark<D: DrawTarget<Color = Rgb888>>(
    layout: &Layout,
    brush: &mut Brush<'_, D>,
) -> Result<f32, D::Error> {
    let mut area = layout.privacy;
    if area.width * brush.scale < SMALLEST_SIGN {
        // Only on a terminal, where there is always room for the words.
        area.x += area.width;
    } else if area.width * brush.scale < 9.0 {
        draw_small_crossed_picture(&area, brush)?;
    } else {
        draw_crossed_picture(&area, brush)?;
    }
    let Some(size) = layout.privacy_text else { return Ok(area.x) };
    let x = area.x - 0.4 * size;
    let text = Line { x, center_y: area.center().1, size, align: Align::Right, max_width: x - 1.0 };
    let (words, palette) = (brush.words, *brush.palette);
    brush.text(&words.privacy, &text, palette.quiet, palette.paper)?;
    Ok(text.x - brush.text_width(&words.privacy, size).min(text.max_width))
}

/// Drawn by hand, to be sharp where there are few pixels.
fn draw_small_crossed_picture<D: DrawTarget<Color = Rgb888>>(area: &Area, brush: &mut Brush<'_, D>) -> Result<(), D::Error> {
    const PIXELS: [u8; 6] = [0b111_1101, 0b100_0010, 0b100_0101, 0b101_0001, 0b010_0001, 0b101_1111];
    let corner = Point::new((area.x * brush.scale).round() as i32, (area.y * brush.scale).round() as i32);
    let color = brush.palette.quiet;
    let lit = (0..6).flat_map(|y| (0..7).map(move |x| (x, y))).filter(|(x, y)| PIXELS[*y as usize] >> (6 - x) & 1 == 1);
    brush.target.draw_iter(lit.map(|(x, y)| Pixel(corner + Point::new(x, y), color)))
}

fn draw_crossed_picture<D: DrawTarget<Color = Rgb888>>(area: &Area, brush: &mut Brush<'_, D>) -> Result<(), D::Error> {
    let (paper, quiet) = (brush.palette.paper, brush.palette.quiet);
    let line = (area.width / 11.0).max(0.7);
    let frame = Area { x: area.x, y: area.y + 0.1 * area.height, width: area.width, height: 0.8 * area.height };
    let hill = |x: f32, y: f32| (frame.x + x * frame.width, frame.y + y * frame.height);
    let slash = |half_width: f32| Shape::Line {
        from: (area.x + line, area.bottom() - line),
        to: (area.right() - line, area.y + line),
        half_width,
    };
    brush.shapes(
        area,
        paper,
        &[
            Layer::new(Shape::Rounded(frame, 2.0 * line), quiet),
            Layer::new(Shape::Rounded(frame.grown(-line), line), paper),
            Layer::new(Shape::Line { from: hill(0.2, 0.75), to: hill(0.42, 0.42), half_width: line / 2.0 }, quiet),
            Layer::new(Shape::Line { from: hill(0.42, 0.42), to: hill(0.75, 0.75), half_width: line / 2.0 }, quiet),
            Layer::new(slash(1.6 * line), paper),
            Layer::new(slash(0.6 * line), quiet),
        ],
    )
}
