//! The one scene that every display shows: a face that mirrors the main face, its expression in words, a bar for each probability, a mark for each
//! face, and the promise that no picture is stored.
//!
//! Drawing needs no clock (time comes with the observation) and, once each letter has been drawn, no allocation.

use embedded_graphics::draw_target::DrawTarget;

use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::Rgb888;

use super::brush::{Brush, Caption};
use super::canvas::Canvas;
use super::face::{Mien, Mirror};
use super::layout::{Align, Chart, Layout, Line};
use super::lettering::Letters;
use super::palette::{self, INK, PAPER, QUIET, TRACK};
use super::shapes::{Area, Layer, Shape};
use super::words;
use crate::classifier::{Emotion, Probabilities};
use crate::outputs::View;
use crate::tracker::{Observation, TrackedFace};

/// The most faces that get a mark.
const MOST_MARKS: usize = 5;

/// A scene for one display: it remembers how far the face has moved.
#[derive(Default)]
pub struct Scene {
    letters: Letters,
    mirror: Mirror,
    size: Size,
}

impl Scene {
    /// Draws `view` so that it fills `target`.
    ///
    /// # Errors
    /// Those of the target.
    pub fn draw<D: DrawTarget<Color = Rgb888>>(&mut self, view: View<'_>, target: &mut D) -> Result<(), D::Error> {
        let size = target.bounding_box().size;
        self.forget_letters_of_other_sizes(size);
        let layout = Layout::new(size.width as f32, size.height as f32, 1.0);
        let mut brush = Brush { target, scale: 1.0, letters: &mut self.letters, captions: None };
        draw(view, &layout, &mut self.mirror, &mut brush)
    }

    /// Draws `view` for a terminal whose cells are one pixel wide and two pixels high: large text as pixels, small text through `captions`.
    pub fn draw_in_cells(&mut self, view: View<'_>, canvas: &mut Canvas, captions: &mut dyn FnMut(Caption<'_>)) {
        let size = canvas.size();
        self.forget_letters_of_other_sizes(size);
        let layout = Layout::new(size.width as f32 * CELL_WIDTH, size.height as f32 * CELL_WIDTH, 2.0 * CELL_WIDTH);
        let mut brush = Brush { target: canvas, scale: 1.0 / CELL_WIDTH, letters: &mut self.letters, captions: Some(captions) };
        let Ok(()) = draw(view, &layout, &mut self.mirror, &mut brush);
    }

    fn forget_letters_of_other_sizes(&mut self, size: Size) {
        if std::mem::replace(&mut self.size, size) != size {
            self.letters.clear();
        }
    }
}

/// Layout units per column of a terminal: a terminal's letter is laid out like one of 8×16 pixels.
pub(super) const CELL_WIDTH: f32 = 8.0;

fn draw<D: DrawTarget<Color = Rgb888>>(
    view: View<'_>,
    layout: &Layout,
    mirror: &mut Mirror,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    brush.target.clear(PAPER)?;
    draw_privacy_mark(layout, brush)?;
    match view {
        View::Starting => {
            draw_face(&Mien::asleep(), layout, brush)?;
            draw_message(words::STARTING.0, words::STARTING.1, layout, brush)
        }
        View::CameraLost { reason } => {
            draw_missing_camera(&layout.face, brush)?;
            draw_message(words::CAMERA_LOST, reason, layout, brush)
        }
        View::Watching(observation) => match observation.main_face() {
            None => {
                draw_face(&mirror.follow(&Mien::asleep(), observation.captured_at), layout, brush)?;
                draw_message(words::NO_FACE.0, words::NO_FACE.1, layout, brush)
            }
            Some(main) => {
                draw_face(&mirror.follow(&Mien::of(main.expression), observation.captured_at), layout, brush)?;
                draw_name(main, layout, brush)?;
                draw_chart(&main.probabilities, main.expression, &layout.chart, brush)?;
                draw_marks(observation, main, &layout.marks, brush)
            }
        },
    }
}

fn draw_face<D: DrawTarget<Color = Rgb888>>(mien: &Mien, layout: &Layout, brush: &mut Brush<'_, D>) -> Result<(), D::Error> {
    let (x, y) = layout.face.center();
    brush.shapes(&layout.face.grown(1.0), PAPER, &mien.layers(x, y, layout.face.width / 2.0))
}

fn draw_name<D: DrawTarget<Color = Rgb888>>(
    main: &TrackedFace,
    layout: &Layout,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    brush.text(words::name(main.expression), &layout.name, palette::of(main.expression), PAPER)?;
    match &layout.confidence {
        Some(line) => brush.text(Percent::of(main.confidence()).as_str(), line, INK, PAPER),
        None => Ok(()),
    }
}

fn draw_chart<D: DrawTarget<Color = Rgb888>>(
    probabilities: &Probabilities,
    shown: Emotion,
    chart: &Chart,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    match chart {
        Chart::Rows { area, size, thickness, percent } => {
            let longest = Emotion::ALL.map(|emotion| brush.text_width(words::name(emotion), *size));
            let gap = 0.5 * size;
            let label_width = longest.into_iter().fold(0.0, f32::max) + gap;
            let percent_width = if *percent { brush.text_width("100 %", *size) + gap } else { 0.0 };
            let pitch = area.height / 7.0;
            for emotion in Emotion::ALL {
                let center_y = area.y + (emotion as usize as f32 + 0.5) * pitch;
                let ink = if emotion == shown { INK } else { QUIET };
                let line = Line { x: area.x, center_y, size: *size, align: Align::Left, max_width: label_width };
                brush.text(words::name(emotion), &line, ink, PAPER)?;
                let bar = Area {
                    x: area.x + label_width,
                    y: brush.snapped(center_y - thickness / 2.0),
                    width: area.width - label_width - percent_width,
                    height: *thickness,
                };
                draw_bar(&bar, probabilities.of(emotion), emotion, brush)?;
                if *percent {
                    let line = Line { x: area.right(), align: Align::Right, max_width: percent_width, ..line };
                    brush.text(Percent::of(probabilities.of(emotion)).as_str(), &line, ink, PAPER)?;
                }
            }
        }
        Chart::Columns { area } => {
            let pitch = (area.width / 7.0).floor();
            for emotion in Emotion::ALL {
                let x = area.x + emotion as usize as f32 * pitch;
                let initial = &words::name(emotion)[..1];
                let line = Line { x, center_y: area.bottom() - 3.0, size: 6.0, align: Align::Left, max_width: pitch };
                brush.text(initial, &line, if emotion == shown { INK } else { QUIET }, PAPER)?;
                let room = area.height - 7.0;
                let full = room * probabilities.of(emotion);
                let column = Area { x, y: area.y, width: pitch - 1.0, height: room };
                let filled = Area { y: area.y + room - full, height: full, ..column };
                brush.shapes(
                    &column,
                    PAPER,
                    &[
                        Layer::new(Shape::Rounded(column, 0.0), TRACK),
                        Layer::new(Shape::Rounded(filled, 0.0), palette::of(emotion)),
                    ],
                )?;
            }
        }
    }
    Ok(())
}

fn draw_bar<D: DrawTarget<Color = Rgb888>>(
    bar: &Area,
    share: f32,
    emotion: Emotion,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let radius = bar.height / 2.0;
    // A pill is never shorter than it is high; below that it would be a lie, so it is cut off instead.
    let filled = Area { width: bar.width * share, ..*bar };
    brush.shapes(
        bar,
        PAPER,
        &[Layer::new(Shape::Rounded(*bar, radius), TRACK), Layer::new(Shape::Rounded(filled, radius), palette::of(emotion))],
    )
}

/// One small face for each face, the main one's with a ring. Where there is no room for faces, dots.
fn draw_marks<D: DrawTarget<Color = Rgb888>>(
    observation: &Observation,
    main: &TrackedFace,
    area: &Area,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    if observation.faces.len() < 2 {
        return Ok(());
    }
    let radius = area.height / 2.0 - 1.0;
    for (index, face) in observation.faces.iter().take(MOST_MARKS).enumerate() {
        let (x, y) = (area.x + radius + 1.0 + index as f32 * (2.3 * radius + 2.0), area.center().1);
        let is_main = face.id == main.id;
        if radius * brush.scale < 6.0 {
            let color = if is_main { INK } else { QUIET };
            brush.shapes(&Area::around(x, y, radius), PAPER, &[Layer::new(Shape::Disc { x, y, radius }, color)])?;
        } else {
            let ring =
                [Layer::new(Shape::Disc { x, y, radius }, INK), Layer::new(Shape::Disc { x, y, radius: radius * 0.88 }, PAPER)];
            if is_main {
                brush.shapes(&Area::around(x, y, radius), PAPER, &ring)?;
            }
            let head = 0.76 * radius;
            brush.shapes(&Area::around(x, y, head), PAPER, &Mien::of(face.expression).layers(x, y, head))?;
        }
    }
    Ok(())
}

fn draw_message<D: DrawTarget<Color = Rgb888>>(
    title: &str,
    advice: &str,
    layout: &Layout,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let Layout { message, message_size, name, .. } = layout;
    let beside = message.x >= layout.face.right() - 1.0;
    let title_line = Line {
        x: if beside { message.x } else { message.center().0 },
        center_y: if beside { message.center().1 - 1.6 * message_size - 0.5 * name.size } else { name.center_y },
        size: name.size,
        align: if beside { Align::Left } else { Align::Center },
        max_width: message.width,
    };
    let title_line = Line { center_y: title_line.center_y.max(message.y + name.size / 2.0), ..title_line };
    brush.text(title, &title_line, INK, PAPER)?;
    let first = Line { center_y: title_line.center_y + 0.75 * name.size + 0.6 * message_size, size: *message_size, ..title_line };
    brush.paragraph(advice, &first, message.bottom(), QUIET, PAPER)
}

/// A camera with a line through it.
fn draw_missing_camera<D: DrawTarget<Color = Rgb888>>(area: &Area, brush: &mut Brush<'_, D>) -> Result<(), D::Error> {
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

/// A picture with a line through it, and the words where there is room.
fn draw_privacy_mark<D: DrawTarget<Color = Rgb888>>(layout: &Layout, brush: &mut Brush<'_, D>) -> Result<(), D::Error> {
    let area = layout.privacy;
    let line = (area.width / 11.0).max(0.7);
    let frame = Area { x: area.x, y: area.y + 0.1 * area.height, width: area.width, height: 0.8 * area.height };
    let hill = |x: f32, y: f32| (frame.x + x * frame.width, frame.y + y * frame.height);
    let slash = |half_width: f32| Shape::Line {
        from: (area.x + line, area.bottom() - line),
        to: (area.right() - line, area.y + line),
        half_width,
    };
    brush.shapes(
        &area,
        PAPER,
        &[
            Layer::new(Shape::Rounded(frame, 2.0 * line), QUIET),
            Layer::new(Shape::Rounded(frame.grown(-line), line), PAPER),
            Layer::new(Shape::Line { from: hill(0.2, 0.75), to: hill(0.42, 0.42), half_width: line / 2.0 }, QUIET),
            Layer::new(Shape::Line { from: hill(0.42, 0.42), to: hill(0.75, 0.75), half_width: line / 2.0 }, QUIET),
            Layer::new(slash(1.6 * line), PAPER),
            Layer::new(slash(0.6 * line), QUIET),
        ],
    )?;
    let Some(size) = layout.privacy_text else { return Ok(()) };
    let text = Line { x: area.x - 0.4 * size, center_y: area.center().1, size, align: Align::Right, max_width: f32::MAX };
    brush.text(words::PRIVACY, &text, QUIET, PAPER)
}

/// `87 %`, without an allocation.
struct Percent {
    text: [u8; 5],
    begin: usize,
}

impl Percent {
    fn of(share: f32) -> Self {
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

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[self.begin..]).expect("digits, a space and a percent sign")
    }
}
