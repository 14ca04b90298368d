//! The scene on displays of every kind, in every view and language, compared pixel for pixel with the pictures in `tests/data/scenes`.
//!
//! After a change that is meant: `VISAGED_NEW_SCENES=1 cargo test --test it scenes`, a look at each picture that changed, and
//! `cargo run --example scenes` for the sheet of `docs/scenes.png`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use embedded_graphics::geometry::OriginDimensions;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use image::{GrayImage, RgbImage};
use sha2::{Digest, Sha256};
use visaged::camera::puppet::Puppet;
use visaged::classifier::{Emotion, Probabilities};
use visaged::frame::BoundingBox;
use visaged::outline::Outliner;
use visaged::outputs::View;
use visaged::outputs::display::canvas::Canvas;
use visaged::outputs::display::scene::Scene;
use visaged::outputs::display::style::{Depth, SceneStyle};
use visaged::outputs::display::words::Language;
use visaged::tracker::{Observation, TrackedFace};

struct Panel {
    name: &'static str,
    size: (u32, u32),
    style: SceneStyle,
}

const COLOR: SceneStyle = SceneStyle {
    language: Language::En,
    depth: Depth::Color,
    round: false,
    dim_after: None,
    night: None,
    contact: "",
    outline: false,
};
const MONO: SceneStyle = SceneStyle { depth: Depth::Mono, ..COLOR };

const PANELS: [Panel; 8] = [
    Panel { name: "128x32", size: (128, 32), style: MONO },
    Panel { name: "128x64", size: (128, 64), style: MONO },
    Panel { name: "160x128", size: (160, 128), style: COLOR },
    Panel { name: "240x240", size: (240, 240), style: SceneStyle { round: true, ..COLOR } },
    Panel { name: "320x240", size: (320, 240), style: COLOR },
    Panel { name: "480x320", size: (480, 320), style: COLOR },
    Panel { name: "800x480", size: (800, 480), style: COLOR },
    Panel { name: "1920x1080", size: (1920, 1080), style: COLOR },
];

/// When nobody blinks.
const NOW: Duration = Duration::from_secs(2);

fn face(id: u64, expression: Emotion) -> TrackedFace {
    let mut values = [0.02, 0.01, 0.03, 0.02, 0.03, 0.02, 0.05];
    values[expression as usize] += 1.0 - values.iter().sum::<f32>();
    TrackedFace {
        id,
        bounding_box: BoundingBox { x: 0, y: 0, width: 90 - id as u32, height: 90 },
        probabilities: Probabilities::new(values).unwrap(),
        expression,
        expression_since: Duration::ZERO,
        first_seen: Duration::ZERO,
        last_seen: NOW,
    }
}

fn seeing(expressions: &[Emotion]) -> Observation {
    let faces = (0..).zip(expressions).map(|(id, expression)| face(id, *expression)).collect();
    Observation { captured_at: NOW, faces, ..Observation::default() }
}

/// A day on which everybody was mostly happy.
fn day(scene: &mut Scene) {
    let half_seconds = [2, 1, 2, 9, 3, 4, 6];
    let mut canvas = Canvas::new(64, 32);
    let mut at = Duration::from_secs(2000);
    for (emotion, count) in Emotion::ALL.into_iter().zip(half_seconds) {
        for _ in 0..count {
            at += Duration::from_millis(500);
            let observation = Observation { captured_at: at, ..seeing(&[emotion]) };
            let Ok(()) = scene.draw(View::Watching(&observation), &mut canvas);
        }
    }
}

/// Draws a view as it looks when it has just come.
fn draw(panel: &Panel, language: Language, view: View<'_>) -> Canvas {
    let mut scene = Scene::new(SceneStyle { language, ..panel.style });
    day(&mut scene);
    let mut canvas = Canvas::new(panel.size.0, panel.size.1);
    let Ok(()) = scene.draw(view, &mut canvas);
    canvas
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scenes")
}

fn write(canvas: &Canvas, path: &Path) {
    let mut bytes = Vec::new();
    canvas.to_rgb_bytes(&mut bytes);
    let encoder = PngEncoder::new_with_quality(fs::File::create(path).unwrap(), CompressionType::Best, FilterType::NoFilter);
    let size = canvas.size();
    encoder.write_image(&bytes, size.width, size.height, ExtendedColorType::Rgb8).unwrap();
}

/// Compares a picture with the stored one, or stores it. Says what differs.
fn compare(canvas: &Canvas, name: &str) -> Result<(), String> {
    let path = folder().join(name).with_extension("png");
    if std::env::var_os("VISAGED_NEW_SCENES").is_some() {
        write(canvas, &path);
        return Ok(());
    }
    let expected = image::open(&path).map_err(|error| format!("{}: {error}", path.display()))?.into_rgb8();
    let mut bytes = Vec::new();
    canvas.to_rgb_bytes(&mut bytes);
    let size = canvas.size();
    let drawn = RgbImage::from_raw(size.width, size.height, bytes).unwrap();
    if drawn == expected {
        return Ok(());
    }
    let differing = drawn.pixels().zip(expected.pixels()).filter(|(drawn, expected)| drawn != expected).count();
    let drawn_path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).with_extension("png");
    write(canvas, &drawn_path);
    Err(format!("{name}: {differing} of {} pixels differ, see {}", size.width * size.height, drawn_path.display()))
}

/// Every view in English.
fn views<'a>(nobody: &'a Observation, several: &'a Observation) -> [(&'static str, View<'a>); 6] {
    [
        ("starting", View::Starting),
        ("no_face", View::Watching(nobody)),
        ("several", View::Watching(several)),
        ("camera_lost", View::CameraLost { reason: "/dev/video0: No such device" }),
        ("covered", View::Covered),
        ("paused", View::Paused),
    ]
}

fn assert_all(results: Vec<Result<(), String>>) {
    let differences: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_view_looks_on_every_panel_as_it_was_approved() {
    use Emotion::{Fear, Happy, Neutral, Sad, Surprise};
    let (nobody, several) = (seeing(&[]), seeing(&[Happy, Surprise, Neutral, Sad, Fear]));
    let mut results = Vec::new();
    for panel in &PANELS {
        for (name, view) in views(&nobody, &several) {
            results.push(compare(&draw(panel, Language::En, view), &format!("{}_en_{name}", panel.name)));
        }
    }
    assert_all(results);
}

#[test]
fn every_expression_looks_on_every_panel_as_it_was_approved() {
    let mut results = Vec::new();
    for panel in &PANELS {
        for emotion in Emotion::ALL {
            // The largest panels show the same as the next smaller one.
            if panel.size.0 < 800 || emotion == Emotion::Happy {
                let observation = seeing(&[emotion]);
                let canvas = draw(panel, Language::En, View::Watching(&observation));
                results.push(compare(&canvas, &format!("{}_en_{emotion}", panel.name)));
            }
        }
    }
    assert_all(results);
}

#[test]
fn every_language_looks_on_every_panel_as_it_was_approved() {
    let (surprised, nobody) = (seeing(&[Emotion::Surprise]), seeing(&[]));
    let mut results = Vec::new();
    for panel in &PANELS {
        for language in Language::ALL.into_iter().filter(|language| *language != Language::En) {
            let code = format!("{language:?}").to_lowercase();
            let seeing = ("surprise", View::Watching(&surprised));
            let starting = ("starting", View::Starting);
            // On the larger panels there is room for everything, and names look the same.
            let views = match panel.size.0 {
                0..480 => &[seeing, starting, ("covered", View::Covered)][..],
                480..1000 => &[seeing, starting],
                _ => &[starting, ("no_face", View::Watching(&nobody))],
            };
            for &(name, view) in views {
                results.push(compare(&draw(panel, language, view), &format!("{}_{code}_{name}", panel.name)));
            }
        }
    }
    assert_all(results);
}

/// Every view and every expression in every language on every panel: more pictures than anybody would keep, so only what they hash to is.
#[test]
fn nothing_looks_different_in_any_language_on_any_panel() {
    use Emotion::{Fear, Happy, Neutral, Sad, Surprise};
    let (nobody, several) = (seeing(&[]), seeing(&[Happy, Surprise, Neutral, Sad, Fear]));
    let expressions = Emotion::ALL.map(|emotion| (emotion.name(), seeing(&[emotion])));
    let mut list = String::new();
    for panel in &PANELS {
        for language in Language::ALL {
            let seen = expressions.iter().map(|(name, observation)| (*name, View::Watching(observation)));
            for (name, view) in views(&nobody, &several).into_iter().chain(seen) {
                let mut bytes = Vec::new();
                draw(panel, language, view).to_rgb_bytes(&mut bytes);
                let hash: String = Sha256::digest(&bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
                let code = format!("{language:?}").to_lowercase();
                list += &format!("{hash} {}_{code}_{name}\n", panel.name);
            }
        }
    }
    let path = folder().join("all.txt");
    if std::env::var_os("VISAGED_NEW_SCENES").is_some() {
        fs::write(&path, &list).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    let differing: Vec<_> = list.lines().zip(expected.lines()).filter(|(drawn, listed)| drawn != listed).collect();
    assert!(differing.is_empty() && list.lines().count() == expected.lines().count(), "drawn, and as approved: {differing:#?}");
}

/// What the drawn face of the demo looks like in outlines.
fn outlined() -> Observation {
    let mut picture = GrayImage::new(640, 480);
    Puppet::new(640, 480, 15).draw_expression(&mut picture, Emotion::Surprise);
    let mut observation = Observation { image_size: (640, 480), ..seeing(&[Emotion::Surprise]) };
    Outliner::default().draw(&picture, &mut observation.outline);
    observation.faces[0].bounding_box = BoundingBox { x: 200, y: 110, width: 240, height: 240 };
    observation
}

#[test]
fn outlines_are_shown_where_there_is_room_and_colour_and_nowhere_else() {
    let observation = outlined();
    let mut results = Vec::new();
    for panel in &PANELS {
        let style = SceneStyle { outline: true, ..panel.style };
        let with = draw(&Panel { style, ..*panel }, Language::En, View::Watching(&observation));
        if matches!(panel.size.0, 320 | 800) {
            results.push(compare(&with, &format!("{}_en_outline", panel.name)));
        } else if panel.size.0 < 320 {
            let without = draw(panel, Language::En, View::Watching(&observation));
            assert!(with.rows().eq(without.rows()), "{}", panel.name);
        }
    }
    assert_all(results);
}

#[test]
fn a_panel_of_one_colour_gets_black_and_white_only_and_a_round_one_nothing_in_its_corners() {
    use embedded_graphics::pixelcolor::Rgb888;
    use embedded_graphics::prelude::RgbColor;
    use visaged::outputs::display::palette::PAPER;
    let (nobody, several) = (seeing(&[]), seeing(&[Emotion::Happy; 5]));
    for language in Language::ALL {
        for (name, view) in views(&nobody, &several) {
            for panel in PANELS.iter().filter(|panel| panel.style.depth == Depth::Mono) {
                let canvas = draw(panel, language, view);
                assert!(canvas.rows().flatten().all(|pixel| [Rgb888::BLACK, Rgb888::WHITE].contains(pixel)), "{name}");
            }
            let canvas = draw(&PANELS[3], language, view);
            for (y, row) in canvas.rows().enumerate() {
                for (x, pixel) in row.iter().enumerate() {
                    let is_outside = (x as f32 - 119.5).hypot(y as f32 - 119.5) > 120.5;
                    assert!(!is_outside || *pixel == PAPER, "{name} in {language:?} at {x}, {y}");
                }
            }
        }
    }
}
