//! LED lines through the registers of a Raspberry Pi (`/dev/gpiomem`), up to the Pi 5 family.
//!
//! The crate was retired in July 2025; `driver = "gpiochip"` does the same on any board and tells who uses a line.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use anyhow::{Context, Error, Result};
use rppal::gpio::{self, Gpio, OutputPin};

use super::Leds;
use crate::config::LedsConfig;

/// Makes outputs of the lines (BCM numbers) of `config`, dark from the first moment. A line gets its former mode back when dropped.
///
/// # Errors
/// If this is no Raspberry Pi, access is denied, or there is no such line.
pub fn open(config: &LedsConfig) -> Result<Leds<OutputPin>> {
    let gpio = Gpio::new().map_err(cannot_open)?;
    let mut pins = Vec::new();
    for (&emotion, line) in config.lines.iter().filter(|(_, line)| line.is_some()) {
        let bcm = line.bcm().and_then(|number| u8::try_from(number).ok());
        let bcm = bcm.with_context(|| format!("there is no BCM line {line} (for \"{emotion}\")"))?;
        let pin = gpio.get(bcm).with_context(|| format!("cannot use BCM line {bcm} (for \"{emotion}\")"))?;
        pins.push((emotion, if config.active_low { pin.into_output_high() } else { pin.into_output_low() }));
    }
    Leds::new("LEDs through rppal".into(), config.active_low, pins)
}

fn cannot_open(error: gpio::Error) -> Error {
    let hint = match &error {
        gpio::Error::PermissionDenied(_) => "rppal may not use the GPIO registers (is the user in group \"gpio\"?)",
        _ => "rppal needs a Raspberry Pi; use driver = \"gpiochip\"",
    };
    Error::from(error).context(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_another_machine_the_error_names_the_other_driver() {
        let error = cannot_open(gpio::Error::UnknownModel);
        assert_eq!(error.to_string(), "rppal needs a Raspberry Pi; use driver = \"gpiochip\"");
    }
}
