//! The kernel's SPI and I²C devices, and what to do when they are not there.
//!
//! `linux-embedded-hal` has the same two wrappers, but they allocate memory for every transfer.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, anyhow};
use embedded_hal::{i2c, spi};
use linux_embedded_hal::i2cdev::core::I2CDevice;
use linux_embedded_hal::i2cdev::linux::LinuxI2CDevice;
use linux_embedded_hal::spidev::{SpiModeFlags, Spidev, SpidevOptions};

use crate::outputs::permission::group_hint;

/// An error of the kernel's.
pub(super) struct BusError(io::Error);

/// The traits ask for `Debug` only, so that is what people get to read.
impl fmt::Debug for BusError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl spi::Error for BusError {
    fn kind(&self) -> spi::ErrorKind {
        spi::ErrorKind::Other
    }
}

impl i2c::Error for BusError {
    fn kind(&self) -> i2c::ErrorKind {
        // The drivers do not agree on the number (the kernel's Documentation/i2c/fault-codes.rst wants ENXIO, the Raspberry Pi's gives EREMOTEIO).
        match self.0.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
            Some(rustix::io::Errno::NXIO | rustix::io::Errno::REMOTEIO) => {
                i2c::ErrorKind::NoAcknowledge(i2c::NoAcknowledgeSource::Address)
            }
            _ => i2c::ErrorKind::Other,
        }
    }
}

/// An SPI device that is written only.
pub(super) struct SpiPort(Spidev);

/// Opens an SPI device for a clock of `speed_hz`. All these panels read a bit when the clock rises, so modes 0 and 3 suit them. With `clock_rests_high`
/// it is 3, which modules without a pin CS need: they count bits from power-on, and must not take the first movement of the clock for one.
pub(super) fn open_spi(path: &Path, speed_hz: u32, clock_rests_high: bool) -> Result<SpiPort> {
    let mut device = Spidev::open(path).map_err(|error| cannot_open(path, error, "do_spi", "dtparam=spi=on"))?;
    let mode = if clock_rests_high { SpiModeFlags::SPI_MODE_3 } else { SpiModeFlags::SPI_MODE_0 };
    let options = SpidevOptions::new().bits_per_word(8).max_speed_hz(speed_hz).mode(mode).build();
    device.configure(&options).map_err(|error| anyhow!("cannot use {}: it is no SPI device ({error})", path.display()))?;
    Ok(SpiPort(device))
}

impl spi::ErrorType for SpiPort {
    type Error = BusError;
}

impl spi::SpiDevice for SpiPort {
    /// Writes; each operation is a transfer of its own. Panels are never read.
    fn transaction(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), BusError> {
        for operation in operations {
            match operation {
                spi::Operation::Write(bytes) => self.0.write_all(bytes).map_err(BusError)?,
                _ => return Err(BusError(io::ErrorKind::Unsupported.into())),
            }
        }
        Ok(())
    }
}

/// A device at one address of an I²C bus that is written only.
pub(super) struct I2cPort(LinuxI2CDevice);

/// Opens an I²C bus for talking to `address`.
pub(super) fn open_i2c(path: &Path, address: u8) -> Result<I2cPort> {
    match LinuxI2CDevice::new(path, u16::from(address)).map_err(io::Error::from) {
        Ok(device) => Ok(I2cPort(device)),
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Err(anyhow!(
            "address {address:#04x} of {} belongs to a driver of the kernel (is there a dtoverlay for this panel in /boot/firmware/config.txt? take it out)",
            path.display()
        )),
        Err(error) => Err(cannot_open(path, error, "do_i2c", "dtparam=i2c_arm=on")),
    }
}

impl i2c::ErrorType for I2cPort {
    type Error = BusError;
}

impl i2c::I2c for I2cPort {
    fn transaction(&mut self, _: u8, operations: &mut [i2c::Operation<'_>]) -> Result<(), BusError> {
        for operation in operations {
            match operation {
                i2c::Operation::Write(bytes) => self.0.write(bytes).map_err(|error| BusError(error.into()))?,
                i2c::Operation::Read(_) => return Err(BusError(io::ErrorKind::Unsupported.into())),
            }
        }
        Ok(())
    }
}

fn cannot_open(path: &Path, error: io::Error, switch: &str, parameter: &str) -> anyhow::Error {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => {
            format!(
                " (is the bus switched on? `sudo raspi-config nonint {switch} 0`, or {parameter} in /boot/firmware/config.txt and a restart)"
            )
        }
        io::ErrorKind::PermissionDenied => group_hint(path),
        _ => String::new(),
    };
    anyhow::Error::from(error).context(format!("cannot open {}{hint}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T>(result: Result<T>) -> String {
        format!("{:#}", result.err().unwrap())
    }

    #[test]
    fn a_bus_that_is_not_there_is_named_with_the_switch_that_helps() {
        assert_eq!(
            message(open_spi(Path::new("/nonexistent/spidev0.0"), 1_000_000, false)),
            "cannot open /nonexistent/spidev0.0 (is the bus switched on? `sudo raspi-config nonint do_spi 0`, or dtparam=spi=on in \
             /boot/firmware/config.txt and a restart): No such file or directory (os error 2)"
        );
        let message = message(open_i2c(Path::new("/nonexistent/i2c-1"), 0x3C));
        assert!(message.contains("do_i2c 0`, or dtparam=i2c_arm=on in"), "{message}");
    }

    #[test]
    fn a_file_that_is_no_bus_is_refused() {
        let message = message(open_spi(Path::new("/dev/null"), 1_000_000, false));
        assert!(message.starts_with("cannot use /dev/null: it is no SPI device"), "{message}");
    }
}
