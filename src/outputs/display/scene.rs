//! The one scene that every display shows: a face that mirrors the main face, its expression in words, a bar for each probability, a mark for each
//! face, and the promise that no picture is stored.
//!
//! Drawing needs no clock (time comes with the observation) and, once each letter has been drawn, no allocation.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::Rgb888;

use super::brush::{Brush, CELL_HEIGHT, CELL_WIDTH, Caption};
use super::canvas::Canvas;
use super::chart::{Percent, draw_chart};
use super::face::{Mien, Mirror};
use super::layout::{Align, Layout, Line};
use super::lettering::Letters;
use super::palette::{self, INK, PAPER, QUIET};
use super::signs::{draw_marks, draw_missing_camera, draw_privacy_mark};
use super::words;
use crate::outputs::View;
use crate::tracker::TrackedFace;

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
        // Two pixels are a row.
        let (columns, rows) = (size.width as i32, size.height as i32 / 2);
        if columns < FEWEST_COLUMNS || rows < FEWEST_ROWS {
            let Ok(()) = canvas.clear(PAPER);
            let (text, ink) = in_a_word(view);
            let column = (columns - text.chars().count() as i32).max(0) / 2;
            captions(Caption { column, row: rows / 2, text, ink, paper: PAPER });
            return;
        }
        let layout = Layout::new(columns as f32 * CELL_WIDTH, rows as f32 * CELL_HEIGHT, CELL_HEIGHT);
        let mut brush = Brush { target: canvas, scale: 1.0 / CELL_WIDTH, letters: &mut self.letters, captions: Some(captions) };
        let Ok(()) = draw(view, &layout, &mut self.mirror, &mut brush);
    }

    fn forget_letters_of_other_sizes(&mut self, size: Size) {
        if std::mem::replace(&mut self.size, size) != size {
            self.letters.clear();
        }
    }
}

/// A terminal with less shows one word.
const FEWEST_COLUMNS: i32 = 24;
/// As [`FEWEST_COLUMNS`].
const FEWEST_ROWS: i32 = 9;

fn in_a_word(view: View<'_>) -> (&'static str, Rgb888) {
    match view {
        View::Starting => (words::STARTING.0, INK),
        View::CameraLost { .. } => (words::CAMERA_LOST, INK),
        View::Covered => (words::COVERED.0, INK),
        View::Paused => (words::PAUSED.0, INK),
        View::Watching(observation) => match observation.main_face() {
            None => (words::NO_FACE.0, QUIET),
            Some(main) => (words::name(main.expression), palette::of(main.expression)),
        },
    }
}

fn draw<D: DrawTarget<Color = Rgb888>>(
    view: View<'_>,
    layout: &Layout,
    mirror: &mut Mirror,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    brush.target.clear(PAPER)?;
    let privacy_begin = draw_privacy_mark(layout, brush)?;
    match view {
        View::Starting => {
            draw_face(&Mien::asleep(), layout, brush)?;
            draw_message(words::STARTING.0, words::STARTING.1, layout, brush)
        }
        View::CameraLost { reason } => {
            draw_missing_camera(&layout.face, brush)?;
            draw_message(words::CAMERA_LOST, reason, layout, brush)
        }
        View::Covered => {
            draw_missing_camera(&layout.face, brush)?;
            draw_message(words::COVERED.0, words::COVERED.1, layout, brush)
        }
        View::Paused => {
            draw_missing_camera(&layout.face, brush)?;
            draw_message(words::PAUSED.0, words::PAUSED.1, layout, brush)
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
                let mut marks = layout.marks;
                if marks.x < privacy_begin && marks.bottom() > layout.privacy.y {
                    marks.width = marks.width.min(privacy_begin - marks.x - marks.height / 2.0);
                }
                draw_marks(observation, main, &marks, brush)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use embedded_graphics::Pixel;
    use embedded_graphics::geometry::Dimensions;
    use embedded_graphics::primitives::Rectangle;

    use super::*;
    use crate::classifier::{Emotion, Probabilities};
    use crate::frame::BoundingBox;
    use crate::tracker::Observation;

    /// Of these displays is said that they are supported.
    const SIZES: [(u32, u32); 12] = [
        (64, 32),
        (96, 64),
        (128, 32),
        (128, 64),
        (160, 128),
        (240, 240),
        (240, 320),
        (320, 240),
        (480, 320),
        (480, 800),
        (800, 480),
        (1920, 1080),
    ];

    const REASON: &str = "cannot open /dev/video0: No such file or directory (os error 2)";

    fn seeing(expressions: &[Emotion]) -> Observation {
        let face = |(index, &expression): (usize, &Emotion)| {
            let mut values = [0.02; 7];
            values[expression as usize] = 0.88;
            TrackedFace {
                id: index as u64,
                bounding_box: BoundingBox { x: 0, y: 0, width: 90 - index as u32, height: 90 },
                probabilities: Probabilities::new(values).unwrap(),
                expression,
                expression_since: Duration::ZERO,
                first_seen: Duration::ZERO,
                last_seen: Duration::ZERO,
            }
        };
        let faces = expressions.iter().enumerate().map(face).collect();
        Observation { captured_at: Duration::from_secs(2), faces, ..Observation::default() }
    }

    /// A display that does not put up with pixels outside of it.
    struct StrictDisplay(Canvas);

    impl OriginDimensions for StrictDisplay {
        fn size(&self) -> Size {
            self.0.size()
        }
    }

    impl DrawTarget for StrictDisplay {
        type Color = Rgb888;
        type Error = std::convert::Infallible;

        fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
            let display = self.bounding_box();
            self.0.draw_iter(pixels.into_iter().inspect(|Pixel(point, _)| {
                assert!(display.contains(*point), "{point} on {}", display.size);
            }))
        }
    }

    #[test]
    fn every_view_fits_on_displays_of_every_size() {
        // The widest name and the most uneven face.
        let observations = [Emotion::Surprise, Emotion::Disgust].map(|emotion| seeing(&[emotion]));
        let (nobody, many) = (seeing(&[]), seeing(&[Emotion::Surprise; 9]));
        let mut views = vec![
            View::Starting,
            View::CameraLost { reason: REASON },
            View::CameraLost { reason: "" },
            View::Covered,
            View::Paused,
        ];
        views.extend(observations.iter().chain([&nobody, &many]).map(View::Watching));
        for (width, height) in SIZES {
            let mut scene = Scene::default();
            let mut display = StrictDisplay(Canvas::new(width, height));
            for view in &views {
                let Ok(()) = scene.draw(*view, &mut display);
            }
        }
    }

    #[test]
    fn on_a_display_too_small_for_anything_nothing_breaks() {
        for (width, height) in [(0, 0), (1, 1), (1, 200), (200, 1), (16, 16), (40, 8)] {
            for view in [View::Starting, View::Watching(&seeing(&[Emotion::Happy; 3])), View::CameraLost { reason: REASON }] {
                let Ok(()) = Scene::default().draw(view, &mut Canvas::new(width, height));
                Scene::default().draw_in_cells(view, &mut Canvas::new(width, height), &mut |_| {});
            }
        }
    }

    #[test]
    fn the_privacy_mark_is_on_every_scene() {
        let mark = |view: View<'_>| {
            let mut canvas = Canvas::new(800, 480);
            let Ok(()) = Scene::default().draw(view, &mut canvas);
            canvas.rows().skip(440).flat_map(|row| row[500..].to_vec()).collect::<Vec<_>>()
        };
        let starting = mark(View::Starting);
        assert!(starting.contains(&QUIET));
        for expressions in [&[][..], &[Emotion::Sad], &[Emotion::Fear; 5]] {
            assert!(mark(View::Watching(&seeing(expressions))) == starting, "{expressions:?}");
        }
        assert!(mark(View::CameraLost { reason: REASON }) == starting);
    }

    #[test]
    fn the_head_has_the_colour_of_the_expression_shown() {
        for emotion in Emotion::ALL {
            let mut canvas = Canvas::new(800, 480);
            let Ok(()) = Scene::default().draw(View::Watching(&seeing(&[emotion, Emotion::Neutral])), &mut canvas);
            let layout = Layout::new(800.0, 480.0, 1.0);
            // The forehead.
            let (x, y) = (layout.face.center().0 as usize, (layout.face.y + 0.1 * layout.face.height) as usize);
            assert_eq!(canvas.rows().nth(y).unwrap()[x], palette::of(emotion));
        }
    }

    #[test]
    fn small_text_on_a_terminal_is_in_its_own_letters() {
        let mut captions = Vec::new();
        let mut scene = Scene::default();
        let seen = seeing(&[Emotion::Happy]);
        scene.draw_in_cells(View::Watching(&seen), &mut Canvas::new(80, 48), &mut |caption| {
            assert!(caption.column >= 0 && caption.column + caption.text.len() as i32 <= 80 && (0..24).contains(&caption.row));
            captions.push((caption.row, caption.text.to_owned()));
        });
        for text in ["no pictures stored", "Angry", "Happy", "88 %", "Neutral", "2 %"] {
            assert!(captions.iter().any(|(_, caption)| caption == text), "{text} in {captions:?}");
        }
    }

    #[test]
    fn drawing_the_same_kind_of_scene_again_allocates_nothing() {
        let mut scene = Scene::default();
        let mut canvas = Canvas::new(480, 320);
        let (first, second) = (seeing(&[Emotion::Happy, Emotion::Sad]), seeing(&[Emotion::Fear, Emotion::Sad]));
        let mut draw = |observation| {
            let Ok(()) = scene.draw(View::Watching(observation), &mut canvas);
        };
        draw(&first);
        draw(&second);
        assert_eq!(allocation_counter::measure(|| draw(&first)).count_total, 0);
    }

    #[test]
    fn any_draw_target_will_do() {
        let mut canvas = Canvas::new(200, 120);
        use embedded_graphics::draw_target::DrawTargetExt;
        let mut part = canvas.clipped(&Rectangle::new(embedded_graphics::geometry::Point::new(10, 10), Size::new(128, 64)));
        let Ok(()) = Scene::default().draw(View::Starting, &mut part);
    }
}
