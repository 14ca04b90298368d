//! The time to draw a scene: `cargo bench --bench scene`. Wanted: 3 ms at 320×240, 25 ms at 1920×1080.

use std::time::Duration;

use divan::Bencher;
use visaged::classifier::{Emotion, Probabilities};
use visaged::frame::BoundingBox;
use visaged::outputs::View;
use visaged::outputs::display::canvas::Canvas;
use visaged::outputs::display::scene::Scene;
use visaged::outputs::display::style::{Depth, SceneStyle};
use visaged::outputs::display::words::Language;
use visaged::tracker::{Observation, TrackedFace};

fn main() {
    divan::main();
}

/// Five faces of different expressions; with the time the face moves and blinks.
fn several(at: Duration, first: usize) -> Observation {
    let face = |id: usize| {
        let mut values = [0.05; 7];
        values[(first + id) % 7] = 0.7;
        TrackedFace {
            id: id as u64,
            bounding_box: BoundingBox { x: 0, y: 0, width: 90 - id as u32, height: 90 },
            probabilities: Probabilities::new(values).expect("they are seven and make 1"),
            expression: Emotion::ALL[(first + id) % 7],
            expression_since: Duration::ZERO,
            first_seen: Duration::ZERO,
            last_seen: at,
        }
    };
    Observation { captured_at: at, faces: (0..5).map(face).collect(), ..Observation::default() }
}

fn measure(bencher: Bencher<'_, '_>, (width, height): (u32, u32), style: SceneStyle) {
    let (mut scene, mut canvas) = (Scene::new(style), Canvas::new(width, height));
    let observations: Vec<_> = (0..70).map(|i| several(Duration::from_millis(66 * i), i as usize / 10)).collect();
    let mut next = observations.iter().cycle();
    bencher.bench_local(|| {
        let observation = next.next().expect("they begin anew");
        scene.draw(View::Watching(observation), &mut canvas)
    });
}

/// Five faces on displays with colours.
#[divan::bench(args = [(160, 128), (320, 240), (480, 320), (800, 480), (1920, 1080)])]
fn faces(bencher: Bencher<'_, '_>, size: (u32, u32)) {
    measure(bencher, size, SceneStyle::default());
}

/// Five faces on a round display.
#[divan::bench]
fn round_240x240(bencher: Bencher<'_, '_>) {
    measure(bencher, (240, 240), SceneStyle { round: true, ..SceneStyle::default() });
}

/// Five faces on a panel of one colour.
#[divan::bench]
fn mono_128x64(bencher: Bencher<'_, '_>) {
    measure(bencher, (128, 64), SceneStyle { depth: Depth::Mono, ..SceneStyle::default() });
}

/// What to do, in the language with the most to say.
#[divan::bench(args = [(320, 240), (1920, 1080)])]
fn message(bencher: Bencher<'_, '_>, (width, height): (u32, u32)) {
    let style = SceneStyle { language: Language::De, ..SceneStyle::default() };
    let (mut scene, mut canvas) = (Scene::new(style), Canvas::new(width, height));
    bencher.bench_local(|| scene.draw(View::Starting, &mut canvas));
}
