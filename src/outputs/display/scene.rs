//! The one scene that every display shows: a face that mirrors the main face, its expression in words, a bar for each probability, a mark for each
//! face, the day's mix, and the promise that no picture is stored. While there is no face, a picture and a sentence say why and what to do.
//!
//! Drawing needs no clock (time comes with the observation and through [`Scene::at`]) and, once each letter has been drawn, no allocation.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::Rgb888;

use super::brush::{Brush, CELL_HEIGHT, CELL_WIDTH, Caption, columns};
use super::canvas::Canvas;
use super::chart::{Percent, draw_chart};
use super::face::{Mien, Mirror};
use super::layout::{Align, Layout, Line, Room};
use super::lettering::Letters;
use super::message::draw_message;
use super::mix::DayMix;
use super::moment::{Moment, drift};
use super::outline::draw_outline;
use super::palette::Palette;
use super::pictures::{Camera, draw_camera, draw_pause, draw_sleep};
use super::rest::{Brightness, Rest};
use super::shapes::Area;
use super::signs::{draw_marks, draw_mix, draw_privacy_mark};
use super::style::{Depth, SceneStyle};
use super::veil::{Tone, Veil};
use super::words::Words;
use crate::outputs::View;
use crate::tracker::{Counted, Observation, TrackedFace};

/// A scene for one display: it remembers how far the face has moved, what the day has brought, and since when nobody has been there.
pub struct Scene {
    style: SceneStyle,
    words: &'static Words,
    palette: Palette,
    letters: Letters,
    size: Size,
    now: Moment,
    memory: Memory,
    rest: Rest,
    brightness: Brightness,
}

/// What the scene remembers of earlier pictures.
#[derive(Default)]
struct Memory {
    mirror: Mirror,
    mix: DayMix,
}

impl Default for Scene {
    fn default() -> Self {
        Self::new(SceneStyle::default())
    }
}

impl Scene {
    /// A scene in a style.
    pub fn new(style: SceneStyle) -> Self {
        Self {
            style,
            words: style.language.words(),
            palette: match style.depth {
                Depth::Color => Palette::COLOR,
                Depth::Mono => Palette::MONO,
            },
            letters: Letters::default(),
            size: Size::zero(),
            now: Moment::default(),
            memory: Memory::default(),
            rest: Rest::default(),
            brightness: Brightness::default(),
        }
    }

    /// The time of what is drawn next: `scene.at(Moment::now()).draw(view, display)`. A scene that is never told the time neither drifts nor dims.
    pub fn at(&mut self, now: Moment) -> &mut Self {
        self.now = now;
        self
    }

    /// How bright the picture drawn last is. A panel of one colour cannot show that it is dimmed, but can perhaps be told.
    pub fn brightness(&self) -> Brightness {
        self.brightness
    }

    /// Draws `view` so that it fills `target`.
    ///
    /// # Errors
    /// Those of the target.
    pub fn draw<D: DrawTarget<Color = Rgb888>>(&mut self, view: View<'_>, target: &mut D) -> Result<(), D::Error> {
        let size = target.bounding_box().size;
        self.forget_letters_of_other_sizes(size);
        let Some(tone) = self.tone(view) else { return target.clear(Rgb888::new(0, 0, 0)) };
        let range = drift_range(size);
        let size = size.saturating_sub(Size::new(range, range));
        let mut veil = Veil { target, corner: drift(self.now.elapsed, range), size, tone };
        let room = Room {
            round: self.style.round,
            least_letters: self.style.language.least_letters(),
            outline: self.style.outline && self.style.depth == Depth::Color,
            ..Room::of_pixels(size.width as f32, size.height as f32)
        };
        let Self { letters, palette, words, memory, now, style, .. } = self;
        let mut brush = Brush { target: &mut veil, scale: 1.0, letters, palette, words, captions: None };
        draw(view, style.contact, &Layout::new(&room), memory, *now, &mut brush)
    }

    /// Draws `view` for a terminal whose cells are one pixel wide and two pixels high: large text as pixels, small text through `captions`.
    pub fn draw_in_cells(&mut self, view: View<'_>, canvas: &mut Canvas, captions: &mut dyn FnMut(Caption<'_>)) {
        let size = canvas.size();
        self.forget_letters_of_other_sizes(size);
        let Some(tone) = self.tone(view) else {
            let Ok(()) = canvas.clear(Rgb888::new(0, 0, 0));
            return;
        };
        let mut captions = |caption: Caption<'_>| {
            captions(Caption { ink: tone.of(caption.ink), paper: tone.of(caption.paper), ..caption });
        };
        let mut veil = Veil { target: canvas, corner: Point::zero(), size, tone };
        // Two pixels are a row.
        let (columns, rows) = (size.width as i32, size.height as i32 / 2);
        let Self { letters, palette, words, memory, now, style, .. } = self;
        if columns < FEWEST_COLUMNS || rows < FEWEST_ROWS {
            let Ok(()) = veil.clear(palette.paper);
            let (text, ink) = in_a_word(view, words, palette);
            let column = (columns - self::columns(text) as i32).max(0) / 2;
            captions(Caption { column, row: rows / 2, text, ink, paper: palette.paper });
            return;
        }
        let room = Room { line_grid: CELL_HEIGHT, ..Room::of_pixels(columns as f32 * CELL_WIDTH, rows as f32 * CELL_HEIGHT) };
        let mut brush =
            Brush { target: &mut veil, scale: 1.0 / CELL_WIDTH, letters, palette, words, captions: Some(&mut captions) };
        let Ok(()) = draw(view, style.contact, &Layout::new(&room), memory, *now, &mut brush);
    }

    /// What becomes of the colours; none if everything is to be black.
    fn tone(&mut self, view: View<'_>) -> Option<Tone> {
        self.brightness = self.rest.brightness(view, self.now, &self.style);
        match (self.brightness, self.style.depth) {
            (Brightness::Dark, _) => None,
            (_, Depth::Mono) => Some(Tone::Mono),
            (Brightness::Dim, Depth::Color) => Some(Tone::Dimmed(DIMMED)),
            (Brightness::Full, Depth::Color) => Some(Tone::Plain),
        }
    }

    fn forget_letters_of_other_sizes(&mut self, size: Size) {
        if std::mem::replace(&mut self.size, size) != size {
            self.letters.clear();
        }
    }
}

/// How many 256ths of its light a dimmed scene keeps: enough to be seen in a dark room, little enough not to light it.
const DIMMED: u16 = 90;

/// By how many pixels a scene drifts on a display of this size: none where every pixel counts, more where pixels are small.
fn drift_range(size: Size) -> u32 {
    match size.width.min(size.height) {
        0..32 => 0,
        32..200 => 1,
        200..400 => 2,
        _ => 4,
    }
}

/// A terminal with less shows one word.
const FEWEST_COLUMNS: i32 = 24;
/// As [`FEWEST_COLUMNS`].
const FEWEST_ROWS: i32 = 9;

fn in_a_word(view: View<'_>, words: &'static Words, palette: &Palette) -> (&'static str, Rgb888) {
    match view {
        View::Starting => (&words.starting.title, palette.ink),
        View::CameraLost { .. } => (&words.camera_lost.title, palette.ink),
        View::Covered => (&words.covered.title, palette.ink),
        View::Paused => (&words.paused.title, palette.ink),
        View::Watching(observation) if observation.counted.is_some() => (&words.counting.title, palette.ink),
        View::Watching(observation) => match observation.main_face() {
            None => (&words.no_face.title, palette.quiet),
            Some(main) => (words.name(main.expression), palette.of(main.expression)),
        },
    }
}

/// How many faces there are, where they are only counted.
const NUMBERS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
/// More than these.
const MANY: &str = "9+";

fn draw<D: DrawTarget<Color = Rgb888>>(
    view: View<'_>,
    contact: &str,
    layout: &Layout,
    memory: &mut Memory,
    now: Moment,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    brush.target.clear(brush.palette.paper)?;
    let privacy_begin = draw_privacy_mark(layout, brush)?;
    let words = brush.words;
    match view {
        View::Starting => {
            draw_camera(Camera::Opening, &layout.picture, brush)?;
            draw_message(&words.starting, contact, layout, brush)
        }
        View::CameraLost { reason } => {
            draw_camera(Camera::Lost, &layout.picture, brush)?;
            draw_message(&words.camera_lost, reason, layout, brush)
        }
        View::Covered => {
            draw_camera(Camera::Covered, &layout.picture, brush)?;
            draw_message(&words.covered, "", layout, brush)
        }
        View::Paused => {
            draw_pause(&layout.picture, brush)?;
            draw_message(&words.paused, "", layout, brush)
        }
        View::Watching(Observation { counted: Some(Counted { in_view, .. }), .. }) => {
            let number = NUMBERS.get(*in_view as usize).unwrap_or(&MANY);
            let Area { width, height, .. } = layout.picture;
            let (x, center_y) = layout.picture.center();
            let line = Line { x, center_y, size: 0.8 * width.min(height), align: Align::Center, max_width: width };
            brush.text(number, &line, brush.palette.ink, brush.palette.paper)?;
            draw_message(&words.counting, contact, layout, brush)
        }
        View::Watching(observation) => {
            memory.mix.add(observation, now);
            draw_mix(&memory.mix, observation.faces.len() < 2, privacy_begin, layout, brush)?;
            match observation.main_face() {
                None => {
                    let mien = memory.mirror.follow(&Mien::asleep(), observation.captured_at);
                    draw_face(&mien, &layout.picture, brush)?;
                    draw_sleep(&layout.picture, brush)?;
                    draw_message(&words.no_face, "", layout, brush)
                }
                Some(main) => {
                    let mien = memory.mirror.follow(&Mien::of(main.expression), observation.captured_at);
                    draw_chart(&main.probabilities, main.expression, &layout.chart, brush)?;
                    if let Some(area) = &layout.outline {
                        draw_outline(observation, area, brush)?;
                    }
                    draw_face(&mien, &layout.face, brush)?;
                    draw_somebody(observation, main, privacy_begin, layout, brush)
                }
            }
        }
    }
}

fn draw_face<D: DrawTarget<Color = Rgb888>>(mien: &Mien, area: &Area, brush: &mut Brush<'_, D>) -> Result<(), D::Error> {
    let (x, y) = area.center();
    let palette = *brush.palette;
    brush.shapes(&area.grown(1.0), palette.paper, &mien.layers_with(&palette, x, y, area.width / 2.0))
}

/// What stands around the face and the chart.
fn draw_somebody<D: DrawTarget<Color = Rgb888>>(
    observation: &Observation,
    main: &TrackedFace,
    privacy_begin: f32,
    layout: &Layout,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let (words, palette) = (brush.words, *brush.palette);
    brush.text(words.name(main.expression), &layout.name, palette.of(main.expression), palette.paper)?;
    if let Some(line) = &layout.confidence {
        brush.text(Percent::of(main.confidence()).as_str(), line, palette.ink, palette.paper)?;
    }
    let mut marks = layout.marks;
    if marks.x < privacy_begin && marks.bottom() > layout.privacy.y {
        marks.width = marks.width.min(privacy_begin - marks.x - marks.height / 2.0);
    }
    draw_marks(observation, main, &marks, layout.marks_centered, brush)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use embedded_graphics::Pixel;
    use embedded_graphics::geometry::Dimensions;
    use embedded_graphics::prelude::RgbColor;
    use embedded_graphics::primitives::Rectangle;

    use super::*;
    use crate::classifier::Emotion;
    use crate::frame::BoundingBox;
    use crate::outputs::display::moment::NightHours;
    use crate::outputs::display::palette::{self, QUIET};
    use crate::outputs::display::words::Language;
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

    const CONTACT: &str = "Ada Lovelace, room 204, ada@example.org, +44 20 7946 0000";

    const REASON: &str = "cannot open /dev/video0: No such file or directory (os error 2)";

    fn seeing(expressions: &[Emotion]) -> Observation {
        let face = |(index, &expression): (usize, &Emotion)| TrackedFace {
            bounding_box: BoundingBox { x: 0, y: 0, width: 90 - index as u32, height: 90 },
            ..TrackedFace::showing(index as u64, expression, 0.88)
        };
        let faces = expressions.iter().enumerate().map(face).collect();
        Observation { captured_at: Duration::from_secs(2), faces, ..Observation::default() }
    }

    fn counting(in_view: u32) -> Observation {
        Observation { counted: Some(Counted { in_view, new: 0 }), ..seeing(&[]) }
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
        let (none, dozens) = (counting(0), counting(24));
        let mut views = vec![
            View::Starting,
            View::CameraLost { reason: REASON },
            View::CameraLost { reason: "" },
            View::Covered,
            View::Paused,
        ];
        views.extend(observations.iter().chain([&nobody, &many, &none, &dozens]).map(View::Watching));
        for (width, height) in SIZES {
            let mut display = StrictDisplay(Canvas::new(width, height));
            // On large displays there is room in any language.
            let languages = if width > 480 { &Language::ALL[..1] } else { &Language::ALL };
            for (&language, depth) in languages.iter().zip([Depth::Color, Depth::Mono].into_iter().cycle()) {
                let mut scene =
                    Scene::new(SceneStyle { language, depth, round: width == height, contact: CONTACT, ..SceneStyle::default() });
                for view in &views {
                    let Ok(()) = scene.draw(*view, &mut display);
                }
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
    fn where_faces_are_only_counted_the_scene_says_so_with_their_number_and_whom_to_ask() {
        let seen = |view: View<'_>| {
            let mut scene = Scene::new(SceneStyle { contact: "Ada", ..SceneStyle::default() });
            let mut captions = Vec::new();
            scene.draw_in_cells(view, &mut Canvas::new(80, 48), &mut |caption| captions.push(caption.text.to_owned()));
            let mut canvas = Canvas::new(800, 480);
            let Ok(()) = scene.draw(view, &mut canvas);
            (captions, canvas.rows().flat_map(<[Rgb888]>::to_vec).collect::<Vec<_>>())
        };
        let (captions, two) = seen(View::Watching(&counting(2)));
        assert!(captions.iter().any(|caption| caption.contains("names no expressions")), "{captions:?}");
        assert!(captions.iter().any(|caption| caption == "Ada") && seen(View::Starting).0.contains(&"Ada".to_owned()));
        assert_ne!(two, seen(View::Watching(&counting(3))).1);
        // No colour of an expression.
        assert!(Emotion::ALL.iter().all(|emotion| !two.contains(&palette::of(*emotion))));
    }

    #[test]
    fn the_head_has_the_colour_of_the_expression_shown() {
        for emotion in Emotion::ALL {
            let mut canvas = Canvas::new(800, 480);
            let Ok(()) = Scene::default().draw(View::Watching(&seeing(&[emotion, Emotion::Neutral])), &mut canvas);
            let layout = Layout::new(&Room::of_pixels(796.0, 476.0));
            // The forehead.
            let (x, y) = (2 + layout.face.center().0 as usize, 2 + (layout.face.y + 0.1 * layout.face.height) as usize);
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
    fn a_reason_that_is_too_long_ends_in_dots_and_one_that_fits_does_not() {
        let captions = |columns: u32, rows: u32| {
            let mut captions = Vec::new();
            let view = View::CameraLost { reason: REASON };
            Scene::default().draw_in_cells(view, &mut Canvas::new(columns, 2 * rows), &mut |caption| {
                captions.push(caption.text.to_owned());
            });
            captions
        };
        let dots = |captions: &[String]| captions.iter().any(|caption| caption == "...");
        let few = captions(40, 10);
        assert!(dots(&few) && few.iter().any(|caption| caption.starts_with("cannot open")), "{few:?}");
        let all = captions(200, 50);
        assert!(!dots(&all) && all.iter().any(|caption| caption.ends_with("(os error 2)")), "{all:?}");
    }

    #[test]
    fn drawing_the_same_kind_of_scene_again_allocates_nothing_in_any_language_and_style() {
        let (first, second) = (seeing(&[Emotion::Happy, Emotion::Sad]), seeing(&[Emotion::Fear, Emotion::Sad]));
        let views = [View::Watching(&first), View::Watching(&second), View::Watching(&Observation::default()), View::Starting];
        let styles = Language::ALL.map(|language| (480, 320, SceneStyle { language, ..SceneStyle::default() }));
        let others = [
            (128, 64, SceneStyle { depth: Depth::Mono, ..SceneStyle::default() }),
            (240, 240, SceneStyle { round: true, ..SceneStyle::default() }),
            (320, 240, SceneStyle { dim_after: Some(Duration::ZERO), ..SceneStyle::default() }),
        ];
        for (width, height, style) in styles.into_iter().chain(others) {
            let mut scene = Scene::new(style);
            let mut canvas = Canvas::new(width, height);
            let mut draw = |elapsed_s| {
                for view in views {
                    let now = Moment { elapsed: Duration::from_secs(elapsed_s), ..Moment::default() };
                    let Ok(()) = scene.at(now).draw(view, &mut canvas);
                }
            };
            draw(0);
            draw(1);
            assert_eq!(allocation_counter::measure(|| draw(200)).count_total, 0, "{style:?}");
        }
    }

    /// The scene after so many seconds, drawn on a small display.
    fn after(scene: &mut Scene, elapsed_s: u64, view: View<'_>) -> Canvas {
        let mut canvas = Canvas::new(160, 128);
        let now = Moment { elapsed: Duration::from_secs(elapsed_s), minute: 23 * 60, ..Moment::default() };
        let Ok(()) = scene.at(now).draw(view, &mut canvas);
        canvas
    }

    fn brightest(canvas: &Canvas) -> u8 {
        canvas.rows().flatten().map(RgbColor::g).max().unwrap()
    }

    #[test]
    fn the_scene_is_dimmed_when_nobody_has_been_there_for_a_while_and_bright_when_somebody_comes() {
        let (nobody, somebody) = (seeing(&[]), seeing(&[Emotion::Sad]));
        let mut scene = Scene::new(SceneStyle { dim_after: Some(Duration::from_secs(60)), ..SceneStyle::default() });
        let bright = brightest(&after(&mut scene, 100, View::Watching(&somebody)));
        assert!(brightest(&after(&mut scene, 159, View::Watching(&nobody))) >= bright - 20);
        // 160 s is a minute after somebody was there, but the first picture without anybody came at 159 s.
        assert_eq!(scene.brightness(), Brightness::Full);
        assert!(brightest(&after(&mut scene, 219, View::Watching(&nobody))) < 100);
        assert_eq!(scene.brightness(), Brightness::Dim);
        // A pause is news.
        after(&mut scene, 220, View::Paused);
        assert_eq!(scene.brightness(), Brightness::Full);
        after(&mut scene, 280, View::Paused);
        assert_eq!(scene.brightness(), Brightness::Dim);
        assert_eq!(brightest(&after(&mut scene, 281, View::Watching(&somebody))), bright);
    }

    #[test]
    fn at_night_every_pixel_is_black() {
        let night = NightHours::try_from("22:00-07:00".to_owned()).unwrap().hours();
        let mut scene = Scene::new(SceneStyle { night, ..SceneStyle::default() });
        assert_eq!(brightest(&after(&mut scene, 0, View::Watching(&seeing(&[Emotion::Happy])))), 0);
        assert_eq!(scene.brightness(), Brightness::Dark);
    }

    #[test]
    fn after_three_minutes_the_whole_scene_has_moved_by_a_pixel() {
        let mut scene = Scene::default();
        let [before, later] = [179, 180].map(|elapsed_s| after(&mut scene, elapsed_s, View::Starting));
        for (before, later) in before.rows().zip(later.rows()) {
            assert_eq!(before[..159], later[1..]);
        }
    }

    #[test]
    fn the_days_mix_is_a_strip_along_the_lower_edge() {
        let mut scene = Scene::default();
        let mut canvas = Canvas::new(480, 320);
        // A second of each but anger, which gets none: the first picture has no length.
        for (second, emotion) in (2..).zip([Emotion::Angry, Emotion::Disgust, Emotion::Neutral]) {
            let observation = Observation { captured_at: Duration::from_secs(second), ..seeing(&[emotion]) };
            let Ok(()) = scene.draw(View::Watching(&observation), &mut canvas);
        }
        let row = canvas.rows().nth(317).unwrap();
        assert_eq!(
            [row[10], row[230], row[250], row[470]],
            [
                palette::of(Emotion::Disgust),
                palette::of(Emotion::Disgust),
                palette::of(Emotion::Neutral),
                palette::of(Emotion::Neutral)
            ]
        );
    }

    #[test]
    fn any_draw_target_will_do() {
        let mut canvas = Canvas::new(200, 120);
        use embedded_graphics::draw_target::DrawTargetExt;
        let mut part = canvas.clipped(&Rectangle::new(embedded_graphics::geometry::Point::new(10, 10), Size::new(128, 64)));
        let Ok(()) = Scene::default().draw(View::Starting, &mut part);
    }
}
