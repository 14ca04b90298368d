//! `visaged lights-test`: lights every light that the configuration names, one after the other, sounds the buzzer, and tells what the button and the
//! switch do.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use embedded_hal::digital::OutputPin;

use super::{signals, stages};
use crate::button::press::Press;
use crate::button::{self, Contact};
use crate::classifier::Emotion;
use crate::config::{ButtonConfig, Config, LedDriver, LedsConfig, PrivacySwitchConfig, StripKind};
use crate::gpio::Line;
use crate::outputs::buzzer::{self, Beeper};
use crate::outputs::display::palette;
use crate::outputs::leds::colour::{ColourLight, DARK, Light, amounts};
use crate::outputs::leds::{Leds, gpiochip, privacy, rgb, rppal, strip};
use crate::stop::Stop;
use crate::worker::Workers;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration [default: /etc/visaged/visaged.toml if it exists, else the built-in defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How long the button and the switch are watched at the end
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    watch: u64,
}

/// How long each light is lit.
const STEP: Duration = Duration::from_secs(1);

/// How long a light takes from dark to full and back.
const RAMP: Duration = Duration::from_secs(2);

/// What somebody without lights reads.
const NOTHING: &str = r#"The configuration names no light, buzzer, button or switch. One RGB LED with a common cathode, to begin with:

    header pin 36 (GPIO16) ---[330 ohm]--- red
    header pin 38 (GPIO20) ---[330 ohm]--- green
    header pin 40 (GPIO21) ---[330 ohm]--- blue
    header pin 39 (ground) --------------- the longest leg

and in /etc/visaged/visaged.toml:

    [leds.rgb]
    lines = [16, 20, 21]

Then `visaged lights-test` again. docs/lights.md has the pictures, and shows single LEDs, rings, a button and a switch."#;

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let config = stages::load_config(args.config.as_deref())?;
    let Config { leds, buzzer, button, privacy_switch, .. } = &config;
    let lights = leds.driver != LedDriver::None || leds.rgb.wired().is_some() || leds.strip.kind != StripKind::None;
    if !lights && ![&leds.privacy_line, &buzzer.line, &button.line, &privacy_switch.line].into_iter().any(Line::is_some) {
        writeln!(out, "{NOTHING}")?;
        return Ok(());
    }
    let mut walk = Walk { step: STEP, ramp: RAMP, stop: signals::stop_flag()?, out };
    let (mut failures, workers) = (Failures::default(), Workers::default());
    let watch = Duration::from_secs(args.watch);
    if leds.driver != LedDriver::None {
        failures.note(walk.single_leds(leds), walk.out)?;
    }
    if let Some(lines) = leds.rgb.wired() {
        failures.note(rgb::open(leds, lines, &workers).and_then(|mut led| walk.colours(&mut led)), walk.out)?;
    }
    if leds.strip.kind != StripKind::None {
        failures.note(strip::open(&leds.strip).and_then(|mut strip| walk.colours(&mut strip)), walk.out)?;
    }
    if leds.privacy_line.is_some() {
        failures.note(walk.privacy_light(leds), walk.out)?;
    }
    if buzzer.line.is_some() {
        failures.note(buzzer::open(buzzer).and_then(|mut beeper| walk.buzzer(&mut beeper, &buzzer.line)), walk.out)?;
    }
    if privacy_switch.line.is_some() {
        failures.note(walk.switch(privacy_switch, watch), walk.out)?;
    }
    if button.line.is_some() {
        failures.note(walk.button(button, watch), walk.out)?;
    }
    workers.raise();
    failures.first.map_or(Ok(()), Err)
}

/// What did not work; the rest is tried all the same.
#[derive(Default)]
struct Failures {
    first: Option<anyhow::Error>,
}

impl Failures {
    fn note(&mut self, result: Result<()>, out: &mut dyn Write) -> std::io::Result<()> {
        if let Err(error) = result {
            if self.first.is_some() {
                writeln!(out, "{error:#}")?;
            }
            // A line has one user at a time.
            let busy = format!("{error:#}").contains("in use by \"visaged\"");
            let error = if busy { error.context("the service runs (sudo systemctl stop visaged)") } else { error };
            self.first.get_or_insert(error);
        }
        Ok(())
    }
}

/// From light to light, until somebody stops it.
struct Walk<'a> {
    step: Duration,
    ramp: Duration,
    stop: Stop,
    out: &'a mut dyn Write,
}

impl Walk<'_> {
    fn single_leds(&mut self, config: &LedsConfig) -> Result<()> {
        match config.driver {
            LedDriver::None => Ok(()),
            LedDriver::Gpiochip => self.expressions(&mut gpiochip::open(config)?, config),
            LedDriver::Rppal => self.expressions(&mut rppal::open(config)?, config),
        }
    }

    fn expressions<P: OutputPin>(&mut self, leds: &mut Leds<P>, config: &LedsConfig) -> Result<()> {
        for (&emotion, line) in config.lines.iter().filter(|(_, line)| line.is_some()) {
            if self.stop.is_asked() {
                break;
            }
            writeln!(self.out, "LED of {emotion}, line {line}")?;
            leds.light(Some(emotion))?;
            self.stop.sleep(self.step);
        }
        leds.light(None)
    }

    /// The three colours of the wiring, those of the expressions, and white from dark to full and back.
    fn colours(&mut self, light: &mut dyn ColourLight) -> Result<()> {
        let wired = [("red", [1.0, 0.0, 0.0]), ("green", [0.0, 1.0, 0.0]), ("blue", [0.0, 0.0, 1.0])];
        let shown = Emotion::ALL.map(|emotion| (emotion.name(), amounts(palette::of(emotion))));
        for (name, colour) in wired.into_iter().chain(shown) {
            if self.stop.is_asked() {
                break;
            }
            writeln!(self.out, "{}: {name}", light.name())?;
            light.set(colour)?;
            self.stop.sleep(self.step);
        }
        writeln!(self.out, "{}: brighter and darker", light.name())?;
        let begun = Instant::now();
        loop {
            let share = if self.ramp.is_zero() { 1.0 } else { begun.elapsed().as_secs_f32() / self.ramp.as_secs_f32() };
            if share >= 1.0 || self.stop.is_asked() {
                break;
            }
            light.set(ramp(share))?;
            std::thread::sleep(Duration::from_millis(20));
        }
        light.set(DARK)
    }

    fn privacy_light(&mut self, config: &LedsConfig) -> Result<()> {
        let mut pin = privacy::open(config)?;
        writeln!(self.out, "privacy light, line {}", config.privacy_line)?;
        pin.set_high()?;
        self.stop.sleep(self.step);
        Ok(pin.set_low()?)
    }

    /// Three tones.
    fn buzzer<P: OutputPin>(&mut self, beeper: &mut Beeper<P>, line: &Line) -> Result<()> {
        writeln!(self.out, "buzzer, line {line}: three short tones")?;
        for _ in 0..3 {
            if self.stop.is_asked() {
                break;
            }
            beeper.beep()?;
            self.stop.sleep(self.step / 4);
        }
        Ok(())
    }

    fn switch(&mut self, config: &PrivacySwitchConfig, watch: Duration) -> Result<()> {
        let mut contact = button::open_switch(config)?;
        writeln!(self.out, "privacy switch, line {}: move it, for {} s", config.line, watch.as_secs())?;
        let begun = Instant::now();
        let mut said = None;
        while begun.elapsed() < watch && !self.stop.is_asked() {
            let closed = contact.is_closed()?;
            if said.replace(closed) != Some(closed) {
                writeln!(self.out, "  {}", if closed { "closed: the camera may look" } else { "open: the camera is closed" })?;
            }
            contact.next_change(crate::stop::NAP)?;
        }
        Ok(())
    }

    fn button(&mut self, config: &ButtonConfig, watch: Duration) -> Result<()> {
        let mut contact = button::open_button(config)?;
        writeln!(self.out, "button, line {}: press it, short and long, for {} s", config.line, watch.as_secs())?;
        let (out, stop, begun) = (&mut *self.out, &self.stop, Instant::now());
        let mut printed = Ok(());
        let tell = |press| {
            let words = match press {
                Press::Short => "a short press: begins or ends a pause",
                Press::Long if config.shutdown => "a long press: would shut the device down",
                Press::Long => "a long press: does nothing (shutdown = false)",
            };
            printed = writeln!(out, "  {words}");
        };
        button::listen(&mut contact, config.long_press(), tell, || begun.elapsed() >= watch || stop.is_asked())?;
        Ok(printed?)
    }
}

/// White, from dark over full to dark while `share` goes from 0 to 1.
fn ramp(share: f32) -> Light {
    [1.0 - (2.0 * share - 1.0).abs(); 3]
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;
    use std::rc::Rc;

    use embedded_hal::digital::ErrorType;

    use super::*;

    /// Every colour that was set.
    struct RecordingLight(Vec<Light>);

    impl ColourLight for RecordingLight {
        fn name(&self) -> &str {
            "ring"
        }

        fn set(&mut self, light: Light) -> Result<()> {
            self.0.push(light);
            Ok(())
        }
    }

    #[test]
    fn a_colour_light_shows_red_green_blue_the_seven_expressions_and_is_dark_at_the_end() {
        let (mut out, mut light) = (Vec::new(), RecordingLight(Vec::new()));
        let mut walk = Walk { step: Duration::ZERO, ramp: Duration::ZERO, stop: Stop::default(), out: &mut out };
        walk.colours(&mut light).unwrap();
        assert_eq!(light.0.len(), 11);
        assert_eq!(light.0[..3], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
        assert_eq!(light.0[10], DARK);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("ring: red\nring: green\nring: blue\nring: angry\n"), "{text}");
        assert!(text.ends_with("ring: neutral\nring: brighter and darker\n"), "{text}");
    }

    /// How often a line went high and low.
    #[derive(Default)]
    struct CountingPin(Rc<Cell<(u32, u32)>>);

    impl ErrorType for CountingPin {
        type Error = Infallible;
    }

    impl OutputPin for CountingPin {
        fn set_low(&mut self) -> Result<(), Infallible> {
            let (high, low) = self.0.get();
            self.0.set((high, low + 1));
            Ok(())
        }

        fn set_high(&mut self) -> Result<(), Infallible> {
            let (high, low) = self.0.get();
            self.0.set((high + 1, low));
            Ok(())
        }
    }

    #[test]
    fn a_buzzer_sounds_three_times() {
        let (mut out, counts) = (Vec::new(), Rc::default());
        let mut walk = Walk { step: Duration::ZERO, ramp: Duration::ZERO, stop: Stop::default(), out: &mut out };
        walk.buzzer(&mut Beeper::new(CountingPin(Rc::clone(&counts)), false), &Line::Number(19)).unwrap();
        // Once more low at the end.
        assert_eq!(counts.get(), (3, 4));
        assert_eq!(String::from_utf8(out).unwrap(), "buzzer, line 19: three short tones\n");
    }

    #[test]
    fn the_ramp_rises_to_full_and_falls() {
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0].map(|share| ramp(share)[0]), [0.0, 0.5, 1.0, 0.5, 0.0]);
    }

    #[test]
    fn ctrl_c_leaves_it_dark() {
        let mut light = RecordingLight(Vec::new());
        let stop = Stop::default();
        stop.ask();
        Walk { step: STEP, ramp: RAMP, stop, out: &mut std::io::sink() }.colours(&mut light).unwrap();
        assert_eq!(light.0, [DARK]);
    }
}
