//! Draws the scene of one face to a PNG file, as a display of any size would show it:
//! `cargo run --example scene -- happy 800 480 scene.png`.

use std::time::Duration;

use anyhow::{Context, Result};
use visaged::classifier::{Emotion, Probabilities};
use visaged::frame::BoundingBox;
use visaged::outputs::View;
use visaged::outputs::display::{canvas::Canvas, png, scene::Scene};
use visaged::tracker::{Observation, TrackedFace};

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [name, width, height, path] = arguments.as_slice() else { anyhow::bail!("usage: scene EXPRESSION WIDTH HEIGHT FILE") };
    let expression = Emotion::ALL.into_iter().find(|emotion| emotion.name() == name).context("no such expression")?;

    let mut values = [0.03; 7];
    values[expression as usize] = 0.82;
    let time = Duration::from_secs(2);
    let face = TrackedFace {
        id: 1,
        bounding_box: BoundingBox { x: 200, y: 100, width: 180, height: 180 },
        probabilities: Probabilities::new(values).context("they are seven and make 1")?,
        expression,
        expression_since: time,
        first_seen: time,
        last_seen: time,
    };
    let observation = Observation { captured_at: time, image_size: (640, 480), faces: vec![face], ..Observation::default() };
    let mut canvas = Canvas::new(width.parse()?, height.parse()?);
    Scene::default().draw(View::Watching(&observation), &mut canvas)?;
    png::write(&canvas, &mut Vec::new(), path.as_ref())
}
