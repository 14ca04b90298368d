//! LED lines through the kernel's GPIO character device: any board.
//!
//! On a Raspberry Pi the line numbers are BCM numbers. The header is `/dev/gpiochip0` (label `pinctrl-bcm2835` or `pinctrl-bcm2711`; on a Pi 5
//! `pinctrl-rp1`, which kernels before 6.6.45 numbered `/dev/gpiochip4`). `gpiodetect` and `gpioinfo` (Debian package gpiod) list chips and lines.

use std::error::Error as _;
use std::io;
use std::path::Path;

use anyhow::{Error, Result, anyhow, ensure};
use linux_embedded_hal::CdevPin;
use linux_embedded_hal::gpio_cdev::{self, Chip, Line, LineRequestFlags};

use super::Leds;
use crate::config::LedsConfig;

/// What `gpioinfo` shows as the user of a line.
const CONSUMER: &str = "visaged";

/// Requests the lines of `config` as outputs, dark from the first moment.
///
/// # Errors
/// If the chip cannot be opened, has no such line, or a line is in use; the message names chip, line and user.
pub fn open(config: &LedsConfig) -> Result<Leds<CdevPin>> {
    let path = &config.chip;
    let mut chip = Chip::new(path).map_err(|error| cannot_open(path, &error))?;
    let dark = u8::from(config.active_low);
    let mut pins = Vec::new();
    for (&emotion, &number) in &config.lines {
        let count = chip.num_lines();
        ensure!(
            number < count,
            "{} has the lines 0 to {}, no {number} (for \"{emotion}\")",
            path.display(),
            count.saturating_sub(1)
        );
        let line = chip.get_line(number).map_err(|error| anyhow!("cannot find line {number} of {}: {error}", path.display()))?;
        let handle =
            line.request(LineRequestFlags::OUTPUT, dark, CONSUMER).map_err(|error| cannot_request(path, &line, &error))?;
        let pin =
            CdevPin::new(handle).map_err(|error| anyhow!("cannot ask about line {number} of {}: {error}", path.display()))?;
        pins.push((emotion, pin));
    }
    Leds::new(format!("LEDs on {}", path.display()), config.active_low, pins)
}

// The crate's errors say their cause themselves and also give it as their source: as a chain they would say it twice.

fn cannot_open(path: &Path, error: &gpio_cdev::Error) -> Error {
    let kind = error.source().and_then(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    let hint = match kind {
        Some(io::ErrorKind::PermissionDenied) => " (is the user in group \"gpio\"?)",
        Some(io::ErrorKind::NotFound) => " (`gpiodetect` lists the chips; set chip in [leds])",
        _ => "",
    };
    anyhow!("cannot open the GPIO chip {}{hint}: {error}", path.display())
}

fn cannot_request(path: &Path, line: &Line, error: &gpio_cdev::Error) -> Error {
    let place = format!("line {} of {}", line.offset(), path.display());
    match line.info() {
        Ok(info) if info.is_used() => {
            anyhow!(
                "{place} is in use by \"{}\": free it, or set another in [leds.lines]",
                info.consumer().unwrap_or("the kernel")
            )
        }
        _ => anyhow!("cannot request {place} as an output: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_that_is_not_there_is_named_with_what_helps() {
        let config = LedsConfig { chip: "/nonexistent/gpiochip7".into(), ..LedsConfig::default() };
        let error = open(&config).err().unwrap();
        assert_eq!(
            format!("{error:#}"),
            "cannot open the GPIO chip /nonexistent/gpiochip7 (`gpiodetect` lists the chips; set chip in [leds]): \
             No such file or directory (os error 2)"
        );
    }

    #[test]
    fn a_file_that_is_no_chip_is_refused() {
        let config = LedsConfig { chip: "/dev/null".into(), ..LedsConfig::default() };
        let error = format!("{:#}", open(&config).err().unwrap());
        assert!(error.starts_with("cannot open the GPIO chip /dev/null: "), "{error}");
    }
}
