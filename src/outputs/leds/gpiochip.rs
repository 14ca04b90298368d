//! LED lines through the kernel's GPIO character device ([`crate::gpio`]): any board.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use anyhow::Result;

use super::Leds;
use crate::config::LedsConfig;
use crate::gpio::{Chip, OutputLine};

/// Requests the lines of `config` as outputs, dark from the first moment.
///
/// # Errors
/// If the chip cannot be opened, has no such line, or a line is in use; the message names chip, line and user.
pub fn open(config: &LedsConfig) -> Result<Leds<OutputLine>> {
    let chip = Chip::open(&config.chip)?;
    let wired = config.lines.iter().filter(|(_, line)| line.is_some());
    let pins: Vec<_> = wired
        .map(|(&emotion, line)| Ok((emotion, chip.output(line, config.active_low, &format!("[leds.lines] {emotion}"))?)))
        .collect::<Result<_>>()?;
    Leds::new(format!("LEDs on {}", chip.path().display()), config.active_low, pins)
}
