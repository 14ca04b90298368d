//! Small signs: a mark for each face, the privacy mark, and the camera that is not there.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::pixelcolor::Rgb888;

use super::brush::Brush;
use super::face::{LAYERS, Mien};
use super::layout::{Align, Layout, Line};
use super::palette::{self, INK, PAPER, QUIET};
use super::shapes::{Area, Layer, Shape};
use super::words;
use crate::tracker::{Observation, TrackedFace};

/// The most faces that get a mark.
const MOST_MARKS: usize = 5;

/// Nobody would see what a sign smaller than this many pixels means.
const SMALLEST_SIGN: f32 = 6.0;

/// A face smaller than this many pixels could not be read.
const SMALLEST_FACE: f32 = 12.0;

/// One small face for each face if there are several, with a ring around the main one. Where there is no room for that, dots: the main one is brighter.
pub(super) fn draw_marks<D: DrawTarget<Color = Rgb888>>(
    observation: &Observation,
    main: &TrackedFace,
    area: &Area,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    if observation.faces.len() < 2 {
        return Ok(());
    }
    // Five marks with a quarter of a mark between each two.
    let radius = (area.height / 2.0).min(area.width / (2.5 * MOST_MARKS as f32));
    for (index, face) in observation.faces.iter().take(MOST_MARKS).enumerate() {
        let (x, y) = (area.x + radius * (1.0 + 2.5 * index as f32), area.center().1);
        let (disc, pen) = (|radius| Shape::Disc { x, y, radius }, 0.1 * radius);
        let is_main = face.id == main.id;
        let color = if is_main { INK } else { QUIET };
        let square = Area::around(x, y, radius);
        if 2.0 * radius * brush.scale < SMALLEST_FACE {
            brush.shapes(&square, PAPER, &[Layer::new(disc(radius.min(3.0 / brush.scale)), color)])?;
            continue;
        }
        let mut layers = [Layer::new(disc(radius), if is_main { INK } else { PAPER }); 2 + LAYERS];
        layers[1] = Layer::new(disc(radius - pen), PAPER);
        layers[2..].copy_from_slice(&Mien::of(face.expression).layers(x, y, radius - 2.0 * pen));
        brush.shapes(&square, PAPER, &layers)?;
    }
    Ok(())
}

/// A camera with a line through it.
pub(super) fn draw_missing_camera<D: DrawTarget<Color = Rgb888>>(area: &Area, brush: &mut Brush<'_, D>) -> Result<(), D::Error> {
    let (x, y) = area.center();
    let unit = area.width / 2.0;
    let part = |left: f32, top: f32, right: f32, bottom: f32| Area {
        x: x + left * unit,
        y: y + top * unit,
        width: (right - left) * unit,
        height: (bottom - top) * unit,
    };
    let disc = |radius: f32| Shape::Disc { x, y: y + 0.06 * unit, radius: radius * unit };
    let slash = |half_width: f32| Shape::Line {
        from: (x - 0.72 * unit, y - 0.72 * unit),
        to: (x + 0.72 * unit, y + 0.72 * unit),
        half_width: half_width * unit,
    };
    brush.shapes(
        area,
        PAPER,
        &[
            Layer::new(Shape::Rounded(part(-0.32, -0.62, 0.32, -0.2), 0.1 * unit), palette::ASLEEP),
            Layer::new(Shape::Rounded(part(-0.85, -0.46, 0.85, 0.58), 0.16 * unit), palette::ASLEEP),
            Layer::new(disc(0.38), PAPER),
            Layer::new(disc(0.28), palette::ASLEEP),
            Layer::new(slash(0.13), PAPER),
            Layer::new(slash(0.06), INK),
        ],
    )
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
    } else {
        draw_crossed_picture(&area, brush)?;
    }
    let Some(size) = layout.privacy_text else { return Ok(area.x) };
    let text = Line { x: area.x - 0.4 * size, center_y: area.center().1, size, align: Align::Right, max_width: f32::MAX };
    brush.text(words::PRIVACY, &text, QUIET, PAPER)?;
    Ok(text.x - brush.text_width(words::PRIVACY, size))
}

fn draw_crossed_picture<D: DrawTarget<Color = Rgb888>>(area: &Area, brush: &mut Brush<'_, D>) -> Result<(), D::Error> {
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
        PAPER,
        &[
            Layer::new(Shape::Rounded(frame, 2.0 * line), QUIET),
            Layer::new(Shape::Rounded(frame.grown(-line), line), PAPER),
            Layer::new(Shape::Line { from: hill(0.2, 0.75), to: hill(0.42, 0.42), half_width: line / 2.0 }, QUIET),
            Layer::new(Shape::Line { from: hill(0.42, 0.42), to: hill(0.75, 0.75), half_width: line / 2.0 }, QUIET),
            Layer::new(slash(1.6 * line), PAPER),
            Layer::new(slash(0.6 * line), QUIET),
        ],
    )
}
