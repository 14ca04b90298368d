//! The daemon with a camera that fails and comes back, a slow reader, and the end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use image::GrayImage;
use visaged::camera::FrameSource;
use visaged::classifier::{EmotionClassifier, Probabilities};
use visaged::config::TrackerConfig;
use visaged::daemon::{self, Patience, Pictures};
use visaged::detector::{Detection, FaceDetector};
use visaged::frame::{BoundingBox, Frame, monotonic_now};
use visaged::health::Health;
use visaged::outputs::View;
use visaged::pause::Pause;
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

    fn set_mirrored(&mut self, _: bool) {}
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

/// Writes down what is shown, each thing once until something else is shown.
fn told_to(shown: &Mutex<Vec<String>>) -> impl FnMut(View<'_>) {
    |view| {
        let said = match view {
            View::Starting => "starting".to_owned(),
            View::Watching(observation) => format!("{} face", observation.faces.len()),
            View::Covered => "covered".to_owned(),
            View::Paused => "paused".to_owned(),
            View::CameraLost { reason } => format!("lost: {reason}"),
        };
        let mut shown = shown.lock().unwrap();
        if shown.last() != Some(&said) {
            shown.push(said);
        }
    }
}

#[test]
fn an_unplugged_camera_is_shown_as_lost_with_the_reason_and_comes_back() {
    let opened = AtomicUsize::new(0);
    let stop = Stop::default();
    let mut open = || {
        let last = opened.fetch_add(1, Ordering::Relaxed) == 1;
        let end: fn() -> Result<bool> = if last { || Ok(false) } else { || bail!("No such device") };
        Ok(Box::new(Clip { frames: 3, period: Duration::from_millis(5), end, waits: false, next: 0 }) as Box<dyn FrameSource>)
    };
    let shown = Mutex::new(Vec::new());
    let pictures = Pictures { open: &mut open, errors_end: false, frozen_after: None, patience: IMPATIENT };
    daemon::run(pictures, pipeline(Duration::ZERO), told_to(&shown), None, &Pause::default(), &Health::default(), &stop).unwrap();
    assert_eq!(*shown.lock().unwrap(), ["starting", "1 face", "lost: No such device", "1 face"]);
}

#[test]
fn a_camera_that_falls_silent_is_not_lost_for_the_reason_that_was_before() {
    let opened = AtomicUsize::new(0);
    let mut open = || {
        ensure!(opened.fetch_add(1, Ordering::Relaxed) > 0, "No such device");
        let silent: fn() -> Result<bool> = || {
            std::thread::sleep(Duration::from_millis(200));
            Ok(false)
        };
        Ok(Box::new(Clip { frames: 3, period: Duration::from_millis(5), end: silent, waits: false, next: 0 })
            as Box<dyn FrameSource>)
    };
    let shown = Mutex::new(Vec::new());
    let pictures = Pictures { open: &mut open, errors_end: false, frozen_after: None, patience: IMPATIENT };
    let (health, stop) = (Health::default(), Stop::default());
    daemon::run(pictures, pipeline(Duration::ZERO), told_to(&shown), None, &Pause::default(), &health, &stop).unwrap();
    assert_eq!(*shown.lock().unwrap(), ["starting", "lost: No such device", "1 face", "lost: no more pictures come"]);
}

/// Lights that are out when this is dropped.
struct Lights<'a>(&'a AtomicBool);

impl Lights<'_> {
    fn are_lit(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Lights<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

#[test]
fn a_panic_of_any_thread_ends_everything_at_once_and_in_the_dark() {
    struct Mistaken;
    impl FaceDetector for Mistaken {
        fn detect(&mut self, _: &GrayImage) -> &[Detection] {
            panic!("a mistake of ours")
        }
    }
    let sound = || pipeline(Duration::ZERO);
    let mistaken = || Pipeline::new(Box::new(Mistaken), Box::new(AlwaysHappy), TrackerConfig::default());
    let goes_on: fn() -> Result<bool> = || bail!("No such device");
    let fails: fn() -> Result<bool> = || panic!("a mistake of ours");
    let (works, beside): (fn(), fn()) = (|| (), || panic!("a mistake of ours"));
    for (pipeline, end, work) in [(sound(), fails, works), (mistaken(), goes_on, works), (sound(), goes_on, beside)] {
        let lit = AtomicBool::new(true);
        let lights = Lights(&lit);
        let mut open = || {
            Ok(Box::new(Clip { frames: 3, period: Duration::from_millis(5), end, waits: false, next: 0 }) as Box<dyn FrameSource>)
        };
        let pictures = Pictures { open: &mut open, errors_end: false, frozen_after: None, patience: Patience::default() };
        let show = move |_: View<'_>| assert!(lights.are_lit());
        let health = Health::default();
        let _worker = health.workers().start("beside", work).unwrap();
        let begin = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let limit = Some(Duration::from_secs(5));
            daemon::run(pictures, pipeline, show, limit, &Pause::default(), &health, &Stop::default())
        }));
        let panic = ended.expect_err("it has panicked");
        assert_eq!(panic.downcast_ref(), Some(&"a mistake of ours"));
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        assert!(!lit.load(Ordering::Relaxed), "something is lit");
    }
}

#[test]
fn a_panic_of_a_thread_that_has_its_last_words_is_not_swallowed() {
    struct LastWords(Health);
    impl Drop for LastWords {
        fn drop(&mut self) {
            drop(self.0.workers().start("last words", || panic!("a mistake of ours")).unwrap());
        }
    }
    let health = Health::default();
    let last_words = LastWords(health.clone());
    let mut open = || -> Result<Box<dyn FrameSource>> { bail!("no camera") };
    let pictures = Pictures { open: &mut open, errors_end: false, frozen_after: None, patience: IMPATIENT };
    let show = move |_: View<'_>| _ = &last_words;
    let limit = Some(Duration::from_millis(20));
    let ended = catch_unwind(AssertUnwindSafe(|| {
        daemon::run(pictures, pipeline(Duration::ZERO), show, limit, &Pause::default(), &health, &Stop::default())
    }));
    assert_eq!(ended.expect_err("it has panicked").downcast_ref(), Some(&"a mistake of ours"));
}

#[test]
fn a_recording_that_cannot_be_read_ends_the_program() {
    let mut open = || -> Result<Box<dyn FrameSource>> { bail!("clip.y4m: no such file") };
    let pictures = Pictures { open: &mut open, errors_end: true, frozen_after: None, patience: IMPATIENT };
    let error =
        daemon::run(pictures, pipeline(Duration::ZERO), |_| (), None, &Pause::default(), &Health::default(), &Stop::default())
            .unwrap_err();
    assert_eq!(error.to_string(), "clip.y4m: no such file");
}

/// Which frames a reader of 20 ms per frame sees of ten that come every 2 ms.
fn seen_by_a_slow_reader(waits: bool) -> Vec<u64> {
    let dropped = Mutex::new(Vec::new());
    let mut open = || {
        Ok(Box::new(Clip { frames: 10, period: Duration::from_millis(2), end: || Ok(false), waits, next: 0 })
            as Box<dyn FrameSource>)
    };
    let pictures = Pictures { open: &mut open, errors_end: true, frozen_after: None, patience: Patience::default() };
    let show = |view: View<'_>| {
        if let View::Watching(observation) = view {
            dropped.lock().unwrap().push(observation.dropped);
        }
    };
    daemon::run(
        pictures,
        pipeline(Duration::from_millis(20)),
        show,
        None,
        &Pause::default(),
        &Health::default(),
        &Stop::default(),
    )
    .unwrap();
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
    struct Light<'a>(&'a Mutex<Option<Instant>>);
    impl Drop for Light<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = Some(Instant::now());
        }
    }
    let mut open = || {
        let silent: fn() -> Result<bool> = || {
            std::thread::sleep(Duration::from_millis(400));
            bail!("no picture")
        };
        Ok(Box::new(Clip { frames: 0, period: Duration::ZERO, end: silent, waits: false, next: 0 }) as Box<dyn FrameSource>)
    };
    let pictures = Pictures { open: &mut open, errors_end: false, frozen_after: None, patience: Patience::default() };
    let out = Mutex::new(None);
    let light = Light(&out);
    let show = move |_: View<'_>| {
        let _ = &light;
    };
    let asked = Instant::now();
    daemon::run(
        pictures,
        pipeline(Duration::ZERO),
        show,
        Some(Duration::from_millis(10)),
        &Pause::default(),
        &Health::default(),
        &Stop::default(),
    )
    .unwrap();
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
    let pictures = Pictures { open: &mut open, errors_end: false, frozen_after: None, patience: Patience::default() };
    let stop = Stop::default();
    std::thread::scope(|scope| {
        let daemon = scope.spawn(|| {
            daemon::run(pictures, pipeline(Duration::ZERO), |_| (), None, &Pause::default(), &Health::default(), &stop)
        });
        std::thread::sleep(Duration::from_millis(30));
        let asked = Instant::now();
        stop.ask();
        daemon.join().unwrap().unwrap();
        assert!(asked.elapsed() < Duration::from_millis(200));
    });
}

/// A camera whose clock goes on by half a second with every picture that is looked at.
struct Fast {
    world: Arc<World>,
    /// The picture at so many seconds after the opening: its only shade.
    shade: fn(u64) -> u8,
    opened: u64,
}

/// What all the openings of one camera share.
#[derive(Default)]
struct World {
    open: AtomicBool,
    openings: AtomicUsize,
    pictures: AtomicU64,
}

impl Fast {
    fn open(world: &Arc<World>, shade: fn(u64) -> u8) -> Box<dyn FrameSource> {
        assert!(!world.open.swap(true, Ordering::SeqCst), "a camera is open once at a time");
        world.openings.fetch_add(1, Ordering::SeqCst);
        Box::new(Self { world: Arc::clone(world), shade, opened: world.pictures.load(Ordering::SeqCst) })
    }
}

impl Drop for Fast {
    fn drop(&mut self) {
        self.world.open.store(false, Ordering::SeqCst);
    }
}

impl FrameSource for Fast {
    fn description(&self) -> &str {
        "a fast camera"
    }

    fn next_frame(&mut self, frame: &mut Frame) -> Result<bool> {
        std::thread::sleep(Duration::from_millis(2));
        let picture = self.world.pictures.fetch_add(1, Ordering::SeqCst);
        frame.resize(8, 8);
        frame.captured_at = Duration::from_millis(500 * picture);
        let shade = (self.shade)((picture - self.opened) / 2);
        frame.image.pixels_mut().for_each(|pixel| pixel.0 = [shade]);
        Ok(true)
    }

    // So that no picture is left out, however busy the machine.
    fn waits_for_reader(&self) -> bool {
        true
    }
}

/// Waits until exactly this has been shown, five seconds at most.
fn wait_for(shown: &Mutex<Vec<String>>, expected: &[&str]) {
    for _ in 0..500 {
        if *shown.lock().unwrap() == expected {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(*shown.lock().unwrap(), expected);
}

const FROZEN: &str = "lost: the camera gives the same picture again and again";

#[test]
fn a_pause_closes_the_camera_forgets_the_faces_and_ends_within_a_second() {
    let (world, shown) = (Arc::<World>::default(), Mutex::default());
    let (pause, stop) = (Pause::default(), Stop::default());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut open = || Ok(Fast::open(&world, |_| 90));
            let pictures = Pictures { open: &mut open, errors_end: false, frozen_after: None, patience: Patience::default() };
            daemon::run(pictures, pipeline(Duration::ZERO), told_to(&shown), None, &pause, &Health::default(), &stop).unwrap();
        });
        wait_for(&shown, &["starting", "1 face"]);
        pause.ask(true);
        wait_for(&shown, &["starting", "1 face", "paused"]);
        std::thread::sleep(Duration::from_millis(150));
        assert!(!world.open.load(Ordering::SeqCst), "the camera is still open");
        let asked = Instant::now();
        pause.ask(false);
        wait_for(&shown, &["starting", "1 face", "paused", "1 face"]);
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
        stop.ask();
    });
    assert_eq!(world.openings.load(Ordering::SeqCst), 2);
}

#[test]
fn a_camera_is_never_opened_while_the_privacy_switch_says_no() {
    let (shown, pause, stop) = (Mutex::default(), Pause::default(), Stop::default());
    pause.set_switch(true);
    let mut open = || -> Result<Box<dyn FrameSource>> { panic!("nobody may look") };
    let pictures = Pictures { open: &mut open, errors_end: false, frozen_after: None, patience: IMPATIENT };
    let limit = Some(Duration::from_millis(150));
    daemon::run(pictures, pipeline(Duration::ZERO), told_to(&shown), limit, &pause, &Health::default(), &stop).unwrap();
    assert_eq!(*shown.lock().unwrap(), ["starting", "paused"]);
}

#[test]
fn a_recording_waits_out_a_pause_where_it_is() {
    let shown = Mutex::default();
    let (pause, stop) = (Pause::default(), Stop::default());
    pause.ask(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut open = || {
                Ok(Box::new(Clip { frames: 3, period: Duration::from_millis(5), end: || Ok(false), waits: true, next: 0 })
                    as Box<dyn FrameSource>)
            };
            let pictures = Pictures { open: &mut open, errors_end: true, frozen_after: None, patience: Patience::default() };
            daemon::run(pictures, pipeline(Duration::ZERO), told_to(&shown), None, &pause, &Health::default(), &stop).unwrap();
        });
        wait_for(&shown, &["starting", "paused"]);
        pause.ask(false);
    });
    assert_eq!(*shown.lock().unwrap(), ["starting", "paused", "1 face"]);
}

#[test]
fn a_covered_lens_is_shown_as_such_until_it_is_free_and_the_camera_stays_open() {
    let (world, shown) = (Arc::<World>::default(), Mutex::default());
    let stop = Stop::default();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Dark from second 5 to second 30.
            let mut open = || Ok(Fast::open(&world, |second| if (5..30).contains(&second) { 16 } else { 90 }));
            let pictures = Pictures { open: &mut open, errors_end: false, frozen_after: None, patience: Patience::default() };
            daemon::run(pictures, pipeline(Duration::ZERO), told_to(&shown), None, &Pause::default(), &Health::default(), &stop)
                .unwrap();
        });
        wait_for(&shown, &["starting", "1 face", "covered", "1 face"]);
        stop.ask();
    });
    assert_eq!(world.openings.load(Ordering::SeqCst), 1);
}

#[test]
fn a_camera_that_repeats_itself_is_opened_again_once_and_shown_as_lost_until_it_moves() {
    let (world, shown) = (Arc::<World>::default(), Mutex::default());
    let stop = Stop::default();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // What it gives holds still for 30 s after each opening.
            let shade = |second| if second < 30 { 90 } else { 90 + (second % 100) as u8 };
            let mut open = || Ok(Fast::open(&world, shade));
            let frozen_after = Some(Duration::from_secs(10));
            let pictures = Pictures { open: &mut open, errors_end: false, frozen_after, patience: Patience::default() };
            daemon::run(pictures, pipeline(Duration::ZERO), told_to(&shown), None, &Pause::default(), &Health::default(), &stop)
                .unwrap();
        });
        wait_for(&shown, &["starting", "1 face", FROZEN, "1 face"]);
        stop.ask();
    });
    assert_eq!(world.openings.load(Ordering::SeqCst), 2);
}

#[test]
fn however_slow_the_processor_what_is_shown_is_no_older_than_twice_the_work() {
    /// Notes when each picture's work begins.
    struct Working(Arc<Mutex<Instant>>);
    impl FaceDetector for Working {
        fn detect(&mut self, _: &GrayImage) -> &[Detection] {
            *self.0.lock().unwrap() = Instant::now();
            std::thread::sleep(Duration::from_millis(60));
            &[]
        }
    }
    let begun = Arc::new(Mutex::new(Instant::now()));
    let pipeline = Pipeline::new(Box::new(Working(Arc::clone(&begun))), Box::new(AlwaysHappy), TrackerConfig::default());
    let mut open = || {
        Ok(Box::new(Clip { frames: u64::MAX, period: Duration::from_millis(10), end: || Ok(false), waits: false, next: 0 })
            as Box<dyn FrameSource>)
    };
    let pictures = Pictures { open: &mut open, errors_end: false, frozen_after: None, patience: Patience::default() };
    let (mut ages, mut works) = (Vec::new(), Vec::new());
    let show = |view: View<'_>| {
        if let View::Watching(observation) = view {
            ages.push(monotonic_now().saturating_sub(observation.captured_at));
            works.push(begun.lock().unwrap().elapsed());
        }
    };
    let limit = Some(Duration::from_millis(1200));
    daemon::run(pictures, pipeline, show, limit, &Pause::default(), &Health::default(), &Stop::default()).unwrap();
    ages.sort_unstable();
    works.sort_unstable();
    let (age, work) = (ages[ages.len() / 2], works[works.len() / 2]);
    assert!(ages.len() >= 5 && age <= 2 * work, "{age:?} at {work:?} of work");
}
