//! Lights: one LED per expression (here), and lights that take a colour ([`colour`]): an RGB LED ([`rgb`]), a strip or ring ([`strip`]). Beside them the privacy
//! light ([`privacy`]), which has nothing to do with faces.
//!
//! The lines of single LEDs are reached through [`OutputPin`]: by [`gpiochip`] (the kernel, any board) or [`rppal`] (Raspberry Pi registers).

use anyhow::{Result, anyhow};
use embedded_hal::digital::OutputPin;

use super::{Opener, Output, View};
use crate::classifier::Emotion;
use crate::config::{LedDriver, LedsConfig, StripKind};
use crate::worker::Workers;

pub mod colour;
pub mod gpiochip;
pub mod privacy;
pub mod rgb;
pub mod rppal;
mod soft_pwm;
pub mod strip;

/// All lights that `config` names, with what the log calls them; the privacy light is none of them. Those that fade have threads of `workers`.
pub(super) fn openers(config: &LedsConfig, workers: &Workers) -> Vec<(String, Opener)> {
    let mut openers: Vec<(String, Opener)> = Vec::new();
    let leds = config.clone();
    match config.driver {
        LedDriver::None => {}
        LedDriver::Gpiochip => openers.push(("LEDs".into(), Box::new(move || Ok(Box::new(gpiochip::open(&leds)?))))),
        LedDriver::Rppal => openers.push(("LEDs through rppal".into(), Box::new(move || Ok(Box::new(rppal::open(&leds)?))))),
    }
    if let Some(lines) = config.rgb.wired().cloned() {
        let (leds, workers) = (config.clone(), workers.clone());
        let open = move || -> Result<Box<dyn Output>> {
            Ok(Box::new(colour::Coloured::new(rgb::open(&leds, &lines, &workers)?, &leds, &workers)?))
        };
        openers.push(("RGB LED".into(), Box::new(open)));
    }
    if config.strip.kind != StripKind::None {
        let (leds, workers) = (config.clone(), workers.clone());
        let open = move || -> Result<Box<dyn Output>> {
            Ok(Box::new(colour::Coloured::new(strip::open(&leds.strip)?, &leds, &workers)?))
        };
        openers.push((format!("strip at {}", config.strip.device.display()), Box::new(open)));
    }
    openers
}

/// Makes every light that `config` names dark, whatever its program did. The lines and strips stay so.
///
/// # Errors
/// The first failure; the others are logged. All are tried.
pub fn put_out(config: &LedsConfig) -> Result<()> {
    let workers = Workers::default();
    let mut results: Vec<Result<()>> = openers(config, &workers).into_iter().map(|(_, open)| open().map(drop)).collect();
    if config.privacy_line.is_some() {
        results.push(privacy::open(config).map(drop));
    }
    let mut failures = results.into_iter().filter_map(Result::err);
    let first = failures.next();
    for error in failures {
        log::error!("{error:#}");
    }
    workers.raise();
    first.map_or(Ok(()), Err)
}

/// LEDs, each on its own line.
pub struct Leds<P: OutputPin> {
    name: String,
    active_low: bool,
    lights: Vec<Light<P>>,
}

struct Light<P> {
    emotion: Emotion,
    pin: P,
    /// What was last written; none if nothing was, or if writing failed.
    lit: Option<bool>,
}

impl<P: OutputPin> Leds<P> {
    /// Takes output lines, one per expression (one without a line has no LED), and makes them dark. With `active_low` a low level lights an LED.
    ///
    /// # Errors
    /// If a line cannot be set.
    pub fn new(name: String, active_low: bool, pins: impl IntoIterator<Item = (Emotion, P)>) -> Result<Self> {
        let lights = pins.into_iter().map(|(emotion, pin)| Light { emotion, pin, lit: None }).collect();
        let mut leds = Self { name, active_low, lights };
        leds.light(None)?;
        Ok(leds)
    }

    /// Lights the LED of `wanted` alone. What is lit already is not written again.
    ///
    /// # Errors
    /// If a line cannot be set.
    pub fn light(&mut self, wanted: Option<Emotion>) -> Result<()> {
        // First what goes dark: at no moment are two lit.
        for turn_on in [false, true] {
            for light in &mut self.lights {
                if (Some(light.emotion) == wanted) == turn_on {
                    light.set(turn_on, self.active_low)?;
                }
            }
        }
        Ok(())
    }
}

impl<P: OutputPin> Light<P> {
    fn set(&mut self, lit: bool, active_low: bool) -> Result<()> {
        if self.lit.replace(lit) == Some(lit) {
            return Ok(());
        }
        self.pin.set_state((lit != active_low).into()).map_err(|error| {
            self.lit = None;
            anyhow!("cannot switch the LED for \"{}\": {error:?}", self.emotion)
        })
    }
}

impl<P: OutputPin> Output for Leds<P> {
    fn name(&self) -> &str {
        &self.name
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        self.light(match view {
            View::Watching(observation) => observation.main_face().map(|face| face.expression),
            View::Starting | View::CameraLost { .. } | View::Covered | View::Paused => None,
        })
    }
}

impl<P: OutputPin> Drop for Leds<P> {
    fn drop(&mut self) {
        // Each on its own: one line that fails must not keep another lit.
        for light in &mut self.lights {
            let _ = light.set(false, self.active_low);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use embedded_hal::digital::{ErrorKind, ErrorType};

    use super::*;
    use crate::frame::BoundingBox;
    use crate::tracker::{Observation, TrackedFace};

    /// Every level written to any of the lines, `H5` for line 5 high.
    type Tape = Rc<RefCell<Vec<String>>>;

    /// Strict: a level that the line has already may not be written again, hardware would only swallow it.
    struct RecordingPin {
        line: u32,
        high: Option<bool>,
        tape: Tape,
    }

    impl ErrorType for RecordingPin {
        type Error = ErrorKind;
    }

    impl RecordingPin {
        fn write(&mut self, high: bool) {
            assert_ne!(self.high.replace(high), Some(high), "line {} has this level already", self.line);
            self.tape.borrow_mut().push(format!("{}{}", if high { 'H' } else { 'L' }, self.line));
        }
    }

    impl OutputPin for RecordingPin {
        fn set_low(&mut self) -> Result<(), ErrorKind> {
            self.write(false);
            Ok(())
        }

        fn set_high(&mut self) -> Result<(), ErrorKind> {
            self.write(true);
            Ok(())
        }
    }

    fn leds(active_low: bool, lines: &[(Emotion, u32)]) -> (Leds<RecordingPin>, Tape) {
        let tape = Tape::default();
        let pins = lines.iter().map(|&(emotion, line)| (emotion, RecordingPin { line, high: None, tape: Rc::clone(&tape) }));
        (Leds::new("LEDs".into(), active_low, pins).unwrap(), tape)
    }

    fn seeing(expressions: &[Emotion]) -> Observation {
        let face = |(index, &expression): (usize, &Emotion)| TrackedFace {
            // The first is the largest.
            bounding_box: BoundingBox { x: 0, y: 0, width: 90 - index as u32, height: 90 },
            ..TrackedFace::showing(index as u64, expression, 1.0)
        };
        Observation { faces: expressions.iter().enumerate().map(face).collect(), ..Observation::default() }
    }

    const TWO: [(Emotion, u32); 2] = [(Emotion::Happy, 5), (Emotion::Sad, 6)];

    #[test]
    fn the_led_of_the_main_faces_expression_is_lit_and_the_old_one_goes_dark_first() {
        let (mut leds, tape) = leds(false, &TWO);
        assert_eq!(tape.take(), ["L5", "L6"]);
        leds.show(View::Watching(&seeing(&[Emotion::Sad, Emotion::Happy]))).unwrap();
        assert_eq!(tape.take(), ["H6"]);
        leds.show(View::Watching(&seeing(&[Emotion::Happy]))).unwrap();
        assert_eq!(tape.take(), ["L6", "H5"]);
        // An expression without an LED.
        leds.show(View::Watching(&seeing(&[Emotion::Fear]))).unwrap();
        assert_eq!(tape.take(), ["L5"]);
    }

    #[test]
    fn nothing_is_written_while_nothing_changes() {
        let (mut leds, tape) = leds(false, &TWO);
        leds.show(View::Watching(&seeing(&[Emotion::Sad]))).unwrap();
        tape.take();
        for _ in 0..3 {
            leds.show(View::Watching(&seeing(&[Emotion::Sad]))).unwrap();
        }
        assert_eq!(tape.take(), [""; 0]);
    }

    #[test]
    fn all_are_dark_without_a_face_without_a_camera_and_after_the_end() {
        let (mut leds, tape) = leds(false, &TWO);
        for dark in
            [View::Watching(&seeing(&[])), View::CameraLost { reason: "unplugged" }, View::Covered, View::Paused, View::Starting]
        {
            leds.show(View::Watching(&seeing(&[Emotion::Happy]))).unwrap();
            tape.take();
            leds.show(dark).unwrap();
            assert_eq!(tape.take(), ["L5"]);
        }
        leds.show(View::Watching(&seeing(&[Emotion::Sad]))).unwrap();
        tape.take();
        drop(leds);
        assert_eq!(tape.take(), ["L6"]);
    }

    #[test]
    fn an_active_low_led_is_lit_by_a_low_level() {
        let (mut leds, tape) = leds(true, &TWO);
        leds.show(View::Watching(&seeing(&[Emotion::Happy]))).unwrap();
        drop(leds);
        assert_eq!(tape.take(), ["H5", "H6", "L5", "H5"]);
    }
}
