//! The pictures that stand where the face is when there is none: a camera that opens, is lost or is covered, a pause, and sleep.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::pixelcolor::Rgb888;

use super::brush::Brush;
use super::shapes::{Area, Curve, Layer, Shape};

/// What is the matter with a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Camera {
    /// It is being opened: its lens is bright.
    Opening,
    /// It is not there: a line goes through it.
    Lost,
    /// It sees nothing: its lens is an eye that is closed.
    Covered,
}

/// Lengths from the middle of an area, in halves of its width.
#[derive(Clone, Copy)]
struct Frame {
    x: f32,
    y: f32,
    unit: f32,
}

impl Frame {
    fn of(area: &Area) -> Self {
        let (x, y) = area.center();
        Self { x, y, unit: area.width / 2.0 }
    }

    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.unit, self.y + y * self.unit)
    }

    fn disc(&self, x: f32, y: f32, radius: f32) -> Shape {
        let (x, y) = self.at(x, y);
        Shape::Disc { x, y, radius: radius * self.unit }
    }

    fn line(&self, from: (f32, f32), to: (f32, f32), half_width: f32) -> Shape {
        Shape::Line { from: self.at(from.0, from.1), to: self.at(to.0, to.1), half_width: half_width * self.unit }
    }

    fn rounded(&self, left: f32, top: f32, right: f32, bottom: f32, radius: f32) -> Shape {
        let (x, y) = self.at(left, top);
        let area = Area { x, y, width: (right - left) * self.unit, height: (bottom - top) * self.unit };
        Shape::Rounded(area, radius * self.unit)
    }
}

/// A camera, and what is the matter with it.
pub(super) fn draw_camera<D: DrawTarget<Color = Rgb888>>(
    camera: Camera,
    area: &Area,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let palette = *brush.palette;
    let (paper, body, bright) = (palette.paper, palette.asleep, palette.ink);
    let frame = Frame::of(area);
    let hump = Layer::new(frame.rounded(-0.34, -0.64, 0.34, -0.2, 0.12), body);
    let case = Layer::new(frame.rounded(-0.88, -0.46, 0.88, 0.6, 0.18), body);
    let lens = |radius: f32, color: Rgb888| Layer::new(frame.disc(0.0, 0.07, radius), color);
    match camera {
        Camera::Opening => brush.shapes(
            area,
            paper,
            &[
                hump,
                case,
                lens(0.41, paper),
                lens(0.3, bright),
                lens(0.17, paper),
                Layer::new(frame.disc(-0.06, 0.0, 0.055), bright),
                Layer::new(frame.disc(0.66, -0.24, 0.08), paper),
            ],
        ),
        Camera::Lost => {
            let slash = |half_width: f32, color: Rgb888| Layer::new(frame.line((-0.76, -0.76), (0.76, 0.76), half_width), color);
            brush.shapes(area, paper, &[hump, case, lens(0.41, paper), lens(0.3, body), slash(0.16, paper), slash(0.075, bright)])
        }
        Camera::Covered => {
            let lid = Curve {
                x: frame.x,
                y: frame.at(0.0, 0.0).1,
                half_width: 0.28 * frame.unit,
                tilt: 0.0,
                rise: -0.17 * frame.unit,
                roundness: 0.5,
            };
            let pen = (0.05 * frame.unit).max(0.6 / brush.scale);
            let lash = |from: (f32, f32), to: (f32, f32)| Layer::new(frame.line(from, to, pen / frame.unit), bright);
            brush.shapes(
                area,
                paper,
                &[
                    hump,
                    case,
                    lens(0.45, paper),
                    Layer::new(Shape::stroke(&lid, pen), bright),
                    lash((-0.17, 0.14), (-0.23, 0.27)),
                    lash((0.0, 0.17), (0.0, 0.32)),
                    lash((0.17, 0.14), (0.23, 0.27)),
                ],
            )
        }
    }
}

/// The two bars of every player's pause button, on a disc as large as a face.
pub(super) fn draw_pause<D: DrawTarget<Color = Rgb888>>(area: &Area, brush: &mut Brush<'_, D>) -> Result<(), D::Error> {
    let palette = *brush.palette;
    let frame = Frame::of(area);
    let bars = if palette.is_mono { palette.paper } else { palette.ink };
    let bar = |left: f32| Layer::new(frame.rounded(left, -0.42, left + 0.24, 0.42, 0.06), bars);
    brush.shapes(area, palette.paper, &[Layer::new(frame.disc(0.0, 0.0, 0.92), palette.asleep), bar(-0.36), bar(0.12)])
}

/// Two letters Z that rise from a sleeping face, in the corner that its disc leaves free; `area` is the square around it.
pub(super) fn draw_sleep<D: DrawTarget<Color = Rgb888>>(area: &Area, brush: &mut Brush<'_, D>) -> Result<(), D::Error> {
    const SMALLEST: f32 = 2.5;
    let palette = *brush.palette;
    let frame = Frame::of(area);
    for (x, y, reach) in [(0.94, -0.6, 0.065), (0.86, -0.86, 0.115)] {
        if reach * frame.unit * brush.scale < SMALLEST {
            continue;
        }
        let pen = (0.24 * reach).max(0.55 / (frame.unit * brush.scale));
        let stroke = |from: (f32, f32), to: (f32, f32)| {
            Layer::new(
                frame.line((x + from.0 * reach, y + from.1 * reach), (x + to.0 * reach, y + to.1 * reach), pen),
                palette.quiet,
            )
        };
        let letter = [stroke((-0.8, -1.0), (0.8, -1.0)), stroke((0.8, -1.0), (-0.8, 1.0)), stroke((-0.8, 1.0), (0.8, 1.0))];
        let (x, y) = frame.at(x, y);
        brush.shapes(&Area::around(x, y, 1.4 * reach * frame.unit), palette.paper, &letter)?;
    }
    Ok(())
}
