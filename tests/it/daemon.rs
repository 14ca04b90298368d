//! The daemon with a camera that fails and comes back, a slow reader, and the end.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use image::GrayImage;
use visaged::camera::FrameSource;
use visaged::classifier::{EmotionClassifier, Probabilities};
use visaged::config::TrackerConfig;
use visaged::daemon::{self, Patience, Pictures};
use visaged::detector::{Detection, FaceDetector};
use visaged::frame::{BoundingBox, Frame, monotonic_now};
use visaged::outputs::View;
use visaged::pipeline::Pipeline;
use visaged::stop::Stop;

/// Finds one face in every picture, in `per_frame`.
struct OneFace {
    per_frame: Duration,
}

impl FaceDetector for OneFace {
    fn detect(&mut self, _: &GrayImage) -> &[Detection] {
        const FACE: Detection = Detection { bounding_box: BoundingBox { x: 0, y: 0, width: 8, height: 8 }, score: 4.0 };
        std::thread::sleep(self.per_frame);
        &[FACE]
    }
}

struct AlwaysHappy;

impl EmotionClassifier for AlwaysHappy {
    fn classify(&mut self, _: &GrayImage, _: BoundingBox) -> Result<Option<Probabilities>> {
        Ok(Probabilities::new([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]))
    }
}

fn pipeline(per_frame: Duration) -> Pipeline {
    Pipeline::new(
        Box::new(OneFace { per_frame }),
        Box::new(AlwaysHappy),
        TrackerConfig { announce_after_s: 0.0, ..TrackerConfig::default() },
    )
}

/// Gives `frames` pictures, one every `period`, then what `end` says.
struct Clip {
    frames: u64,
    period: Duration,
    end: fn() -> Result<bool>,
    waits: bool,
    next: u64,
}

impl FrameSource for Clip {
    fn description(&self) -> &str {
        "a clip"
    }

    fn next_frame(&mut self, frame: &mut Frame) -> Result<bool> {
        if self.next == self.frames {
            return (self.end)();
        }
        std::thread::sleep(self.period);
        frame.resize(8, 8);
        frame.sequence = self.next;
        frame.captured_at = monotonic_now();
        self.next += 1;
        Ok(true)
    }

    fn waits_for_reader(&self) -> bool {
        self.waits
    }
}

const IMPATIENT: Patience = Patience {
    lost_after: Duration::from_millis(40),
    lost_repeat: Duration::from_millis(20),
    reopen_after: Duration::from_millis(150),
    reopen_at_most: Duration::from_millis(150),
};

#[test]
fn an_unplugged_camera_is_shown_as_lost_with_the_reason_and_comes_back() {
    let opened = AtomicUsize::new(0);
    let stop = Stop::default();
    let mut open = || {
        let last = opened.fetch_add(1, Ordering::Relaxed) == 1;
        let end: fn() -> Result<bool> = if last { || Ok(false) } else { || bail!("No such device") };
        Ok(Box::new(Clip { frames: 3, period: Duration::from_millis(5), end, waits: false, next: 0 }) as Box<dyn FrameSource>)
    };
    let mut shown = Vec::new();
    let show = |view: View<'_>| {
        let said = match view {
            View::Starting => "starting".to_owned(),
            View::Watching(observation) => format!("{} face", observation.faces.len()),
            View::Covered | View::Paused => "no pictures wanted".to_owned(),
            View::CameraLost { reason } => format!("lost: {reason}"),
        };
        if shown.last() != Some(&said) {
            shown.push(said);
        }
    };
    let pictures = Pictures { open: &mut open, errors_end: false, patience: IMPATIENT };
    daemon::run(pictures, pipeline(Duration::ZERO), show, None, &stop).unwrap();
    assert_eq!(shown, ["starting", "1 face", "lost: No such device", "1 face"]);
}

#[test]
fn a_recording_that_cannot_be_read_ends_the_program() {
    let mut open = || -> Result<Box<dyn FrameSource>> { bail!("clip.y4m: no such file") };
    let pictures = Pictures { open: &mut open, errors_end: true, patience: IMPATIENT };
    let error = daemon::run(pictures, pipeline(Duration::ZERO), |_| (), None, &Stop::default()).unwrap_err();
    assert_eq!(error.to_string(), "clip.y4m: no such file");
}

/// Which frames a reader of 20 ms per frame sees of ten that come every 2 ms.
fn seen_by_a_slow_reader(waits: bool) -> Vec<u64> {
    let dropped = Mutex::new(Vec::new());
    let mut open = || {
        Ok(Box::new(Clip { frames: 10, period: Duration::from_millis(2), end: || Ok(false), waits, next: 0 })
            as Box<dyn FrameSource>)
    };
    let pictures = Pictures { open: &mut open, errors_end: true, patience: Patience::default() };
    let show = |view: View<'_>| {
        if let View::Watching(observation) = view {
            dropped.lock().unwrap().push(observation.dropped);
        }
    };
    daemon::run(pictures, pipeline(Duration::from_millis(20)), show, None, &Stop::default()).unwrap();
    dropped.into_inner().unwrap()
}

#[test]
fn a_slow_reader_of_a_camera_sees_the_newest_frame_and_knows_how_many_it_missed() {
    let dropped = seen_by_a_slow_reader(false);
    assert!(dropped.len() < 5, "{dropped:?}");
    assert_eq!(dropped.iter().sum::<u64>() + dropped.len() as u64, 10);
}

#[test]
fn a_recording_at_full_speed_loses_no_frame() {
    assert_eq!(seen_by_a_slow_reader(true), [0; 10]);
}

#[test]
fn the_lights_go_out_at_once_even_if_the_camera_is_silent() {
    struct Light<'a>(&'a Mutex<Option<std::time::Instant>>);
    impl Drop for Light<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = Some(std::time::Instant::now());
        }
    }
    let mut open = || {
        let silent: fn() -> Result<bool> = || {
            std::thread::sleep(Duration::from_millis(400));
            bail!("no picture")
        };
        Ok(Box::new(Clip { frames: 0, period: Duration::ZERO, end: silent, waits: false, next: 0 }) as Box<dyn FrameSource>)
    };
    let pictures = Pictures { open: &mut open, errors_end: false, patience: Patience::default() };
    let out = Mutex::new(None);
    let light = Light(&out);
    let show = move |_: View<'_>| {
        let _ = &light;
    };
    let asked = std::time::Instant::now();
    daemon::run(pictures, pipeline(Duration::ZERO), show, Some(Duration::from_millis(10)), &Stop::default()).unwrap();
    let out = out.lock().unwrap().expect("the light is out");
    assert!(out.duration_since(asked) < Duration::from_millis(250), "{:?}", out.duration_since(asked));
    assert!(asked.elapsed() >= Duration::from_millis(400));
}

#[test]
fn the_stop_flag_ends_everything_within_a_fifth_of_a_second() {
    let mut open = || {
        Ok(Box::new(Clip { frames: u64::MAX, period: Duration::from_millis(10), end: || Ok(false), waits: false, next: 0 })
            as Box<dyn FrameSource>)
    };
    let pictures = Pictures { open: &mut open, errors_end: false, patience: Patience::default() };
    let stop = Stop::default();
    std::thread::scope(|scope| {
        let daemon = scope.spawn(|| daemon::run(pictures, pipeline(Duration::ZERO), |_| (), None, &stop));
        std::thread::sleep(Duration::from_millis(30));
        let asked = std::time::Instant::now();
        stop.ask();
        daemon.join().unwrap().unwrap();
        assert!(asked.elapsed() < Duration::from_millis(200));
    });
}
