//! Lights that can take any colour: that of the main face's expression, as bright as it is sure, with soft transitions.
//!
//! Each has a thread that sets it 50 times a second while it changes, and sleeps otherwise. With the frames alone, five a second on a small board,
//! a transition of 0.4 s would be two or three jumps (1 − exp(−0.2 / 0.4) = 39 % at once); so none is more than 5 %.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Error, Result};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};

use crate::config::LedsConfig;
use crate::frame::monotonic_now;
use crate::outputs::display::palette;
use crate::outputs::{Output, View};
use crate::worker::{Worker, Workers};

/// Amounts of light of red, green and blue, each 0 (dark) to 1 (all the LED has), proportional to the light that comes out.
pub type Light = [f32; 3];

/// No light.
pub const DARK: Light = [0.0; 3];

/// Something that can take a colour.
///
/// Dropping it leaves it dark.
pub trait ColourLight {
    /// What this is, for the log: `strip at /dev/spidev0.0`.
    fn name(&self) -> &str;

    /// Shows `light`; returns within a few milliseconds, and does nothing if it shows that already.
    ///
    /// # Errors
    /// If the device is gone; it is of no use after that.
    fn set(&mut self, light: Light) -> Result<()>;
}

/// A colour light as an output.
pub struct Coloured {
    name: String,
    brightness: f32,
    idle: Light,
    shared: Arc<Shared>,
    /// What was last aimed at.
    aim: Option<Light>,
    /// The light is dropped in there, which leaves it dark.
    worker: Worker,
}

#[derive(Default)]
struct Shared {
    /// Where the light goes; none: dark at once.
    aim: Mutex<Option<Light>>,
    end: AtomicBool,
    failure: Mutex<Option<Error>>,
}

impl Coloured {
    /// Takes a light, which is dark, for a thread of `workers`.
    ///
    /// # Errors
    /// If there can be no thread.
    pub fn new(mut light: impl ColourLight + Send + 'static, config: &LedsConfig, workers: &Workers) -> Result<Self> {
        let asleep = amounts(palette::ASLEEP);
        let idle = scaled(asleep, config.idle_brightness as f32 / largest(asleep));
        let (name, shared) = (light.name().to_owned(), Arc::new(Shared::default()));
        let (theirs, mut glow) = (Arc::clone(&shared), Glow::new(config.transition_s as f32));
        let worker = workers.start("colour", move || {
            *lock(&theirs.failure) = follow(&mut light, &mut glow, &theirs).err();
        })?;
        Ok(Self { name, brightness: config.brightness as f32, idle, shared, aim: None, worker })
    }

    /// The light for a view; none where nothing is looked at.
    fn aim(&self, view: View<'_>) -> Option<Light> {
        let View::Watching(observation) = view else { return None };
        Some(
            observation
                .main_face()
                .map_or(self.idle, |face| scaled(amounts(palette::of(face.expression)), self.brightness * face.confidence())),
        )
    }
}

impl Output for Coloured {
    fn name(&self) -> &str {
        &self.name
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        if let Some(error) = lock(&self.shared.failure).take() {
            return Err(error);
        }
        let aim = self.aim(view);
        if aim != self.aim {
            self.aim = aim;
            *lock(&self.shared.aim) = aim;
            self.worker.wake();
        }
        Ok(())
    }
}

impl Drop for Coloured {
    fn drop(&mut self) {
        self.shared.end.store(true, Ordering::Relaxed);
    }
}

/// The time between two steps of a transition.
const TICK: Duration = Duration::from_millis(20);

/// The thread's work.
fn follow(light: &mut impl ColourLight, glow: &mut Glow, shared: &Shared) -> Result<()> {
    while !shared.end.load(Ordering::Relaxed) {
        let aim = *lock(&shared.aim);
        light.set(glow.next(aim, monotonic_now()))?;
        if glow.is_there() {
            // Until there is another aim, which also ends a park that begins afterwards.
            thread::park();
        } else {
            thread::sleep(TICK);
        }
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nearer than this to its aim, of 1, a transition is over: less than an LED with 8 bits can show.
const THERE: f32 = 1.0 / 512.0;

/// A colour over time. Pure: time is given.
struct Glow {
    transition_s: f32,
    light: Light,
    /// When it was so, during a transition; none once it is there.
    at: Option<Duration>,
}

impl Glow {
    /// Dark to begin with.
    fn new(transition_s: f32) -> Self {
        Self { transition_s, light: DARK, at: None }
    }

    /// Goes the share 1 − exp(−Δt / `transition_s`) of the way to `aim`, Δt since the last call of the same transition. Without an aim it is dark at once.
    fn next(&mut self, aim: Option<Light>, now: Duration) -> Light {
        let Some(aim) = aim else {
            (self.light, self.at) = (DARK, None);
            return DARK;
        };
        let passed = self.at.replace(now).map_or(Duration::ZERO, |before| now.saturating_sub(before)).as_secs_f32();
        let share = if self.transition_s > 0.0 { 1.0 - (-passed / self.transition_s).exp() } else { 1.0 };
        for (light, aim) in self.light.iter_mut().zip(aim) {
            *light += share * (aim - *light);
        }
        if self.light.iter().zip(aim).all(|(light, aim)| (light - aim).abs() < THERE) {
            (self.light, self.at) = (aim, None);
        }
        self.light
    }

    /// Whether the last aim has been reached.
    fn is_there(&self) -> bool {
        self.at.is_none()
    }
}

/// The light of a colour as screens mean it (sRGB, IEC 61966-2-1): this is the gamma correction, since an LED's light follows its duty.
pub fn amounts(colour: Rgb888) -> Light {
    [colour.r(), colour.g(), colour.b()].map(|channel| {
        let share = f32::from(channel) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    })
}

fn scaled(light: Light, factor: f32) -> Light {
    light.map(|amount| amount * factor)
}

fn largest(light: Light) -> f32 {
    light.into_iter().fold(0.0, f32::max)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::classifier::Emotion;
    use crate::tracker::{Observation, TrackedFace};
    use crate::worker::tests::has_panicked;

    /// One face that is this sure of its expression, at a time.
    pub(in crate::outputs::leds) fn seeing(expression: Emotion, confidence: f32, milliseconds: u64) -> Observation {
        let faces = vec![TrackedFace::showing(1, expression, confidence)];
        Observation { faces, captured_at: Duration::from_millis(milliseconds), ..Observation::default() }
    }

    pub(in crate::outputs::leds) fn nobody(milliseconds: u64) -> Observation {
        Observation { captured_at: Duration::from_millis(milliseconds), ..Observation::default() }
    }

    /// A light that writes down what it is set to; it may be unplugged.
    #[derive(Clone, Default)]
    struct Recorder {
        tape: Arc<Mutex<Vec<Light>>>,
        unplugged: Arc<AtomicBool>,
    }

    impl ColourLight for Recorder {
        fn name(&self) -> &str {
            "recorder"
        }

        fn set(&mut self, light: Light) -> Result<()> {
            anyhow::ensure!(!self.unplugged.load(Ordering::SeqCst), "unplugged");
            lock(&self.tape).push(light);
            Ok(())
        }
    }

    /// Waits until something holds, five seconds at most.
    pub(in crate::outputs::leds) fn wait_until(mut holds: impl FnMut() -> bool) {
        for _ in 0..500 {
            if holds() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("waited in vain");
    }

    fn near(light: Light, expected: Light) {
        assert!(light.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-3), "{light:?}, not {expected:?}");
    }

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn amounts_of_light_follow_the_srgb_curve() {
        // IEC 61966-2-1 with a pencil: (0.5020 + 0.055) / 1.055 = 0.5279, to the power 2.4: 0.2159; 0x0A / 255 / 12.92 = 0.003035.
        near(amounts(Rgb888::new(255, 128, 10)), [1.0, 0.2159, 0.003_035]);
    }

    #[test]
    fn after_one_time_constant_63_percent_of_the_way_is_gone() {
        let mut glow = Glow::new(0.4);
        let aim = Some([1.0, 0.5, 0.0]);
        assert_eq!(glow.next(aim, ms(1000)), DARK);
        // 1 − 1/e = 0.632; 1 − exp(−1.5) = 0.777; 1 − 1/e² = 0.865.
        near(glow.next(aim, ms(1400)), [0.632, 0.316, 0.0]);
        near(glow.next(aim, ms(1600)), [0.777, 0.388, 0.0]);
        near(glow.next(aim, ms(1800)), [0.865, 0.432, 0.0]);
        assert!(!glow.is_there());
        assert_eq!(glow.next(aim, ms(9000)), [1.0, 0.5, 0.0]);
        assert!(glow.is_there());
    }

    #[test]
    fn a_new_transition_begins_when_it_is_asked_for_however_long_the_light_was_still() {
        let mut glow = Glow::new(0.4);
        glow.next(Some([1.0; 3]), ms(0));
        assert_eq!(glow.next(Some([1.0; 3]), ms(9000)), [1.0; 3]);
        assert_eq!(glow.next(Some([0.0; 3]), ms(60_000)), [1.0; 3]);
        near(glow.next(Some([0.0; 3]), ms(60_400)), [0.368; 3]);
    }

    #[test]
    fn without_an_aim_it_is_dark_at_once() {
        let mut glow = Glow::new(0.4);
        glow.next(Some([1.0; 3]), ms(0));
        glow.next(Some([1.0; 3]), ms(400));
        assert_eq!(glow.next(None, ms(401)), DARK);
        assert!(glow.is_there());
    }

    #[test]
    fn without_a_time_constant_it_jumps() {
        let mut glow = Glow::new(0.0);
        assert_eq!(glow.next(Some([0.5; 3]), ms(0)), [0.5; 3]);
    }

    #[test]
    fn the_colour_is_as_bright_as_the_expression_is_sure_and_dark_where_nothing_is_looked_at() {
        let config = LedsConfig { brightness: 0.5, ..LedsConfig::default() };
        let output = Coloured::new(Recorder::default(), &config, &Workers::default()).unwrap();
        let blue = amounts(palette::of(Emotion::Sad));
        near(output.aim(View::Watching(&seeing(Emotion::Sad, 0.8, 0))).unwrap(), blue.map(|amount| amount * 0.5 * 0.8));
        assert_eq!(output.aim(View::Watching(&nobody(0))), Some(DARK));
        for dark in [View::Starting, View::Covered, View::Paused, View::CameraLost { reason: "unplugged" }] {
            assert_eq!(output.aim(dark), None);
        }
        let glimmer =
            Coloured::new(Recorder::default(), &LedsConfig { idle_brightness: 0.1, ..config }, &Workers::default()).unwrap();
        // The blue of the sleeping face is its brightest colour.
        assert!((glimmer.aim(View::Watching(&nobody(0))).unwrap()[2] - 0.1).abs() < 1e-6);
    }

    #[test]
    fn a_transition_goes_on_between_the_frames_and_then_the_light_is_left_alone() {
        let recorder = Recorder::default();
        let mut output =
            Coloured::new(recorder.clone(), &LedsConfig { transition_s: 0.05, ..LedsConfig::default() }, &Workers::default())
                .unwrap();
        output.show(View::Watching(&seeing(Emotion::Happy, 1.0, 0))).unwrap();
        let aim = output.aim.unwrap();
        wait_until(|| lock(&recorder.tape).last() == Some(&aim));
        let steps = lock(&recorder.tape).len();
        assert!(steps >= 4, "{steps} steps");
        thread::sleep(3 * TICK);
        assert_eq!(lock(&recorder.tape).len(), steps);
    }

    #[test]
    fn a_light_that_fails_tells_it_at_the_next_frame() {
        let recorder = Recorder::default();
        let mut output = Coloured::new(recorder.clone(), &LedsConfig::default(), &Workers::default()).unwrap();
        recorder.unplugged.store(true, Ordering::SeqCst);
        let mut frame = 0;
        let mut error = String::new();
        wait_until(|| {
            frame += 1;
            let confidence = 0.2 + 0.001 * frame as f32;
            error = output
                .show(View::Watching(&seeing(Emotion::Sad, confidence, frame)))
                .map_or_else(|e| e.to_string(), |()| error.clone());
            !error.is_empty()
        });
        assert_eq!(error, "unplugged");
    }

    #[test]
    fn a_light_that_panics_is_dropped_and_ends_the_service() {
        struct Mistaken(Arc<AtomicBool>);
        impl ColourLight for Mistaken {
            fn name(&self) -> &str {
                "mistaken"
            }

            fn set(&mut self, _: Light) -> Result<()> {
                panic!("a mistake of ours")
            }
        }
        impl Drop for Mistaken {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let (workers, dark) = (Workers::default(), Arc::new(AtomicBool::new(false)));
        let _output = Coloured::new(Mistaken(Arc::clone(&dark)), &LedsConfig::default(), &workers).unwrap();
        assert!(has_panicked(&workers));
        assert!(dark.load(Ordering::SeqCst));
    }
}
