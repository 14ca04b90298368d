//! One LED with three colours, each dimmed by anything that can set a duty cycle.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use anyhow::{Result, anyhow};
use embedded_hal::pwm::SetDutyCycle;

use super::colour::{ColourLight, DARK, Light};
use super::soft_pwm::{self, Channel};
use crate::config::LedsConfig;
use crate::gpio::{Chip, Line};
use crate::worker::Workers;

/// Requests the three `lines`, dark, and begins to dim them in a thread of `workers`.
///
/// # Errors
/// If the chip cannot be opened, has no such line, or a line is in use; the message names chip, line and user.
pub fn open(config: &LedsConfig, lines: &[Line; 3], workers: &Workers) -> Result<RgbLed<Channel>> {
    let chip = Chip::open(&config.chip)?;
    let outputs = chip.outputs(lines, config.rgb.active_low, "[leds.rgb] lines")?;
    RgbLed::new(format!("RGB LED on {}", chip.path().display()), soft_pwm::start(outputs, workers)?)
}

/// An LED with red, green and blue.
pub struct RgbLed<P: SetDutyCycle> {
    name: String,
    channels: [P; 3],
    /// What was last set; none if nothing was, or if setting failed.
    shown: Option<[u16; 3]>,
}

impl<P: SetDutyCycle> RgbLed<P> {
    /// Makes it dark.
    ///
    /// # Errors
    /// If a duty cycle cannot be set.
    pub fn new(name: String, channels: [P; 3]) -> Result<Self> {
        let mut led = Self { name, channels, shown: None };
        led.set(DARK)?;
        Ok(led)
    }
}

impl<P: SetDutyCycle> ColourLight for RgbLed<P> {
    fn name(&self) -> &str {
        &self.name
    }

    fn set(&mut self, light: Light) -> Result<()> {
        let mut duties = [0; 3];
        for ((duty, channel), amount) in duties.iter_mut().zip(&self.channels).zip(light) {
            *duty = (amount.clamp(0.0, 1.0) * f32::from(channel.max_duty_cycle())).round() as u16;
        }
        if self.shown == Some(duties) {
            return Ok(());
        }
        self.shown = None;
        for (channel, duty) in self.channels.iter_mut().zip(duties) {
            channel.set_duty_cycle(duty).map_err(|error| anyhow!("cannot dim the {}: {error:?}", self.name))?;
        }
        self.shown = Some(duties);
        Ok(())
    }
}

impl<P: SetDutyCycle> Drop for RgbLed<P> {
    fn drop(&mut self) {
        // Each on its own: one that fails must not keep another lit.
        for channel in &mut self.channels {
            let _ = channel.set_duty_cycle_fully_off();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use embedded_hal::pwm::{ErrorKind, ErrorType};

    use super::super::colour::tests::{nobody, seeing, wait_until};
    use super::super::colour::{Coloured, amounts};
    use super::*;
    use crate::classifier::Emotion;
    use crate::outputs::display::palette;
    use crate::outputs::{Output, View};

    /// Every duty that was set, with the channel.
    type Tape = Arc<Mutex<Vec<(usize, u16)>>>;

    struct RecordingChannel(usize, Tape);

    impl ErrorType for RecordingChannel {
        type Error = ErrorKind;
    }

    impl SetDutyCycle for RecordingChannel {
        fn max_duty_cycle(&self) -> u16 {
            4096
        }

        fn set_duty_cycle(&mut self, duty: u16) -> Result<(), ErrorKind> {
            assert!(duty <= 4096, "a duty above the largest");
            self.1.lock().unwrap().push((self.0, duty));
            Ok(())
        }
    }

    fn led() -> (RgbLed<RecordingChannel>, Tape) {
        let tape = Tape::default();
        let channels = [0, 1, 2].map(|index| RecordingChannel(index, Arc::clone(&tape)));
        (RgbLed::new("RGB LED".into(), channels).unwrap(), tape)
    }

    fn take(tape: &Tape) -> Vec<(usize, u16)> {
        std::mem::take(&mut *tape.lock().unwrap())
    }

    #[test]
    fn duties_are_shares_of_the_largest_and_set_at_the_change_only() {
        let (mut led, tape) = led();
        assert_eq!(take(&tape), [(0, 0), (1, 0), (2, 0)]);
        for _ in 0..3 {
            led.set([1.0, 0.5, 0.0]).unwrap();
        }
        assert_eq!(take(&tape), [(0, 4096), (1, 2048), (2, 0)]);
    }

    #[test]
    fn a_transition_allocates_nothing() {
        let (mut led, tape) = led();
        tape.lock().unwrap().reserve(100);
        let info = allocation_counter::measure(|| (0..10_u8).for_each(|step| led.set([f32::from(step) / 10.0; 3]).unwrap()));
        assert_eq!(info.count_total, 0);
    }

    #[test]
    fn an_rgb_led_takes_the_expressions_colour_and_is_dark_for_nobody_in_a_pause_and_after_the_end() {
        let (led, tape) = led();
        let config = LedsConfig { brightness: 1.0, transition_s: 0.0, ..LedsConfig::default() };
        let mut output = Coloured::new(led, &config, &Workers::default()).unwrap();
        let happy = amounts(palette::of(Emotion::Happy)).map(|amount| (amount * 4096.0).round() as u16);
        let lit = [(0, happy[0]), (1, happy[1]), (2, happy[2])];
        let dark = [(0, 0), (1, 0), (2, 0)];
        let ends_with = |duties: [(usize, u16); 3]| tape.lock().unwrap().ends_with(&duties);
        for view in [View::Watching(&nobody(500)), View::Paused] {
            output.show(View::Watching(&seeing(Emotion::Happy, 1.0, 400))).unwrap();
            wait_until(|| ends_with(lit));
            output.show(view).unwrap();
            wait_until(|| ends_with(dark));
        }
        output.show(View::Watching(&seeing(Emotion::Happy, 1.0, 600))).unwrap();
        wait_until(|| ends_with(lit));
        drop(output);
        assert!(ends_with(dark));
    }
}
