//! Everything but the networks: a camera, a detector and a classifier that cost nothing, so that a million frames take a minute. The slot, the tracker, the
//! display, the database and lights (recorded ones) are the real ones.

use std::convert::Infallible;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use embedded_hal::digital::{ErrorType, OutputPin};
use image::GrayImage;
use visaged::camera::FrameSource;
use visaged::classifier::{Emotion, EmotionClassifier, Probabilities};
use visaged::config::{Config, TrackerConfig};
use visaged::daemon::{self, Patience, Pictures};
use visaged::detector::{Detection, FaceDetector};
use visaged::frame::{BoundingBox, Frame};
use visaged::health::Health;
use visaged::outputs::leds::Leds;
use visaged::outputs::{Output, Outputs, View};
use visaged::pause::Pause;
use visaged::pipeline::Pipeline;
use visaged::stop::Stop;

/// Runs with the configuration in `folder`, and answers there as the service does, until it is killed.
pub(crate) fn run(folder: &Path) -> Result<()> {
    let stop = Stop::default();
    signal_hook::flag::register(signal_hook::consts::SIGTERM, stop.flag())?;
    let config = Config::load(&folder.join("visaged.toml"))?;
    let health = Health::default();
    let listener = UnixListener::bind(folder.join("visaged.sock"))?;
    let theirs = health.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = serde_json::to_string(&theirs.snapshot()).expect("numbers and names have a JSON form");
            // Whoever does not wait for the answer does not get it.
            let _ = stream.write_all((answer + "\n").as_bytes());
        }
    });
    let pause = Pause::default();
    let mut outputs = Outputs::open(&config, &health, &pause);
    outputs.add("recorded LEDs", || {
        let pins = Emotion::ALL.map(|emotion| (emotion, Pin));
        Ok(Box::new(Leds::new("recorded LEDs".into(), false, pins)?) as Box<dyn Output>)
    });
    let pipeline = Pipeline::new(Box::<Visitors>::default(), Box::<Moods>::default(), TrackerConfig::default());
    let mut open = || Ok(Box::<Camera>::default() as Box<dyn FrameSource>);
    let pictures = Pictures { open: &mut open, errors_end: false, frozen_after: None, patience: Patience::default() };
    let show = move |view: View<'_>| outputs.show(view);
    daemon::run(pictures, pipeline, show, None, &pause, &health, &stop)
}

/// Fifteen bright pictures a second, as fast as they are looked at; they hold nothing.
#[derive(Default)]
struct Camera {
    next: u64,
}

impl FrameSource for Camera {
    fn description(&self) -> &str {
        "a camera that costs nothing"
    }

    fn next_frame(&mut self, frame: &mut Frame) -> Result<bool> {
        frame.resize(64, 48);
        frame.image.fill(110);
        frame.sequence = self.next;
        frame.captured_at = Duration::from_secs(1_000_000) + Duration::from_secs(1) * self.next as u32 / 15;
        self.next += 1;
        Ok(true)
    }

    fn waits_for_reader(&self) -> bool {
        true
    }
}

/// One to four faces for ten seconds each, with five seconds of nobody after each.
#[derive(Default)]
struct Visitors {
    seen: u64,
    found: Vec<Detection>,
}

impl FaceDetector for Visitors {
    fn detect(&mut self, _: &GrayImage) -> &[Detection] {
        let (turn, second) = (self.seen / (15 * 15), self.seen / 15 % 15);
        self.seen += 1;
        self.found.clear();
        let count = if second < 10 { 1 + turn % 4 } else { 0 };
        self.found.extend((0..count as u32).map(|face| Detection {
            bounding_box: BoundingBox { x: 16 * face, y: 4 + (second % 3) as u32, width: 14, height: 14 + face },
            score: 0.9,
        }));
        &self.found
    }
}

/// Another expression every three hundred looks.
#[derive(Default)]
struct Moods {
    looks: usize,
}

impl EmotionClassifier for Moods {
    fn classify(&mut self, _: &GrayImage, _: BoundingBox) -> Result<Option<Probabilities>> {
        let mut values = [0.05; 7];
        values[self.looks / 300 % 7] = 0.7;
        self.looks += 1;
        Ok(Probabilities::new(values))
    }

    fn set_mirrored(&mut self, _: bool) {}
}

/// A line to nowhere.
struct Pin;

impl ErrorType for Pin {
    type Error = Infallible;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
