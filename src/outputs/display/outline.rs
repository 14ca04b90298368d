//! The picture's outlines with a box around each face, as in a mirror.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::Rectangle;

use super::brush::Brush;
use super::palette;
use super::shapes::Area;
use crate::tracker::Observation;

/// Draws into the middle of `area`, as large as the picture's shape allows. Nothing, if nobody has outlined the picture.
pub(super) fn draw_outline<D: DrawTarget<Color = Rgb888>>(
    observation: &Observation,
    area: &Area,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let (columns, rows) = observation.outline.size();
    let (width, height) = observation.image_size;
    if columns == 0 || width == 0 || height == 0 {
        return Ok(());
    }
    let per_pixel = (area.width / width as f32).min(area.height / height as f32);
    let shown = Size::new((width as f32 * per_pixel) as u32, (height as f32 * per_pixel) as u32);
    // At the left, in line with the chart above it.
    let corner = Point::new(area.x.round() as i32, area.y.round() as i32);
    brush.target.fill_solid(&Rectangle::new(corner, shown), palette::TRACK)?;
    let place = |index: u32, of: u32, length: u32| (index * length / of) as i32;
    for (row, cells) in (0..).zip(observation.outline.rows()) {
        let (top, bottom) = (place(row, rows, shown.height), place(row + 1, rows, shown.height));
        let mut column = 0;
        // Neighbours at once: a fill costs more than its pixels.
        for run in cells.chunk_by(|one, next| one == next) {
            let end = column + run.len() as u32;
            if run.first() == Some(&true) {
                // As in a mirror.
                let (left, right) = (place(columns - end, columns, shown.width), place(columns - column, columns, shown.width));
                let size = Size::new(left.abs_diff(right), top.abs_diff(bottom));
                brush.target.fill_solid(&Rectangle::new(corner + Point::new(left, top), size), palette::QUIET)?;
            }
            column = end;
        }
    }
    let pen = (shown.height / 90).max(1);
    for face in &observation.faces {
        let place = face.bounding_box;
        let scaled = |length: u32| (length as f32 * per_pixel) as i32;
        let from = Point::new(scaled(width.saturating_sub(place.right())), scaled(place.y));
        let to = Point::new(scaled(width - place.x.min(width)), scaled(place.bottom().min(height)));
        let size = Size::new(from.x.abs_diff(to.x), from.y.abs_diff(to.y));
        frame(Rectangle::new(corner + from, size), pen, palette::of(face.expression), brush.target)?;
    }
    Ok(())
}

/// The four sides of `outside`, `pen` pixels wide.
fn frame<D: DrawTarget<Color = Rgb888>>(outside: Rectangle, pen: u32, color: Rgb888, target: &mut D) -> Result<(), D::Error> {
    let Size { width, height } = outside.size;
    let (right, below) = (width.saturating_sub(pen) as i32, height.saturating_sub(pen) as i32);
    let sides = [(0, 0, width, pen), (0, below, width, pen), (0, 0, pen, height), (right, 0, pen, height)];
    for (x, y, width, height) in sides {
        target.fill_solid(&Rectangle::new(outside.top_left + Point::new(x, y), Size::new(width, height)), color)?;
    }
    Ok(())
}
