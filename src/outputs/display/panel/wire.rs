//! How bytes reach a panel: commands and data told apart by a line (SPI) or by a byte in front (I²C).

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fmt::Debug;

use anyhow::{Result, anyhow};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::i2c::{Error as _, ErrorKind, I2c};
use embedded_hal::spi::SpiDevice;
use mipidsi::interface::{Interface, InterfaceKind};

/// The way to a panel.
pub(super) trait Wire {
    /// Sends commands with their arguments.
    fn commands(&mut self, bytes: &[u8]) -> Result<()>;

    /// Sends what goes into the panel's memory.
    fn data(&mut self, bytes: &[u8]) -> Result<()>;

    /// All bytes that went over the wire so far, with those that I²C adds.
    fn sent(&self) -> usize;
}

/// SPI with the line "data/command": low while a command is sent, high during its arguments and during data.
pub(super) struct SpiWire<S, L> {
    spi: S,
    data_command: L,
    /// Held, since a line that is let go may fall.
    reset: Option<L>,
    /// What the line was set to last.
    is_data: Option<bool>,
    buffer: Vec<u8>,
    sent: usize,
}

/// The kernel takes no more at once (`spidev.bufsiz`, unless somebody raised it).
pub(super) const SPI_TRANSFER: usize = 4096;

impl<S: SpiDevice, L: OutputPin> SpiWire<S, L> {
    pub(super) fn new(spi: S, data_command: L) -> Self {
        Self { spi, data_command, reset: None, is_data: None, buffer: Vec::with_capacity(SPI_TRANSFER), sent: 0 }
    }

    /// Resets the panel by `line`, for controllers that want 100 µs at most.
    pub(super) fn reset_by(&mut self, line: L, delay: &mut impl DelayNs) -> Result<()> {
        let line = self.reset.insert(line);
        for high in [false, true] {
            line.set_state(high.into()).map_err(|error| failed("cannot switch the reset line", &error))?;
            delay.delay_us(100);
        }
        Ok(())
    }

    fn select(&mut self, data: bool) -> Result<()> {
        if self.is_data.replace(data) != Some(data) {
            // On failure the next call tries again.
            self.data_command.set_state(data.into()).map_err(|error| {
                self.is_data = None;
                failed("cannot switch the data/command line", &error)
            })?;
        }
        Ok(())
    }

    fn write(&mut self, data: bool, bytes: &[u8]) -> Result<()> {
        self.select(data)?;
        for piece in bytes.chunks(SPI_TRANSFER) {
            self.spi.write(piece).map_err(|error| failed("the SPI transfer failed", &error))?;
        }
        self.sent += bytes.len();
        Ok(())
    }

    /// Sends pixels of `N` bytes each, as many at once as the kernel takes.
    fn write_pixels<const N: usize>(&mut self, pixels: impl IntoIterator<Item = [u8; N]>) -> Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut pixels = pixels.into_iter().peekable();
        let mut result = Ok(());
        while result.is_ok() && pixels.peek().is_some() {
            buffer.clear();
            pixels.by_ref().take(SPI_TRANSFER / N).for_each(|pixel| buffer.extend_from_slice(&pixel));
            result = self.write(true, &buffer);
        }
        self.buffer = buffer;
        result
    }
}

/// The errors of buses and lines have no common type beyond this.
fn failed(what: &'static str, error: &dyn Debug) -> anyhow::Error {
    anyhow!("{error:?}").context(what)
}

impl<S: SpiDevice, L: OutputPin> Wire for SpiWire<S, L> {
    fn commands(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(false, bytes)
    }

    fn data(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(true, bytes)
    }

    fn sent(&self) -> usize {
        self.sent
    }
}

/// What `mipidsi` needs; arguments of its panels' commands are sent with the line high.
impl<S: SpiDevice, L: OutputPin> Interface for SpiWire<S, L> {
    type Word = u8;
    type Error = anyhow::Error;

    const KIND: InterfaceKind = InterfaceKind::Serial4Line;

    fn send_command(&mut self, command: u8, arguments: &[u8]) -> Result<()> {
        self.write(false, &[command])?;
        if arguments.is_empty() { Ok(()) } else { self.write(true, arguments) }
    }

    fn send_pixels<const N: usize>(&mut self, pixels: impl IntoIterator<Item = [u8; N]>) -> Result<()> {
        self.write_pixels(pixels)
    }

    fn send_repeated_pixel<const N: usize>(&mut self, pixel: [u8; N], count: u32) -> Result<()> {
        self.write_pixels((0..count).map(|_| pixel))
    }
}

/// I²C: a byte in front says what follows.
pub(super) struct I2cWire<I> {
    i2c: I,
    address: u8,
    buffer: Vec<u8>,
    sent: usize,
}

/// Commands follow.
const COMMANDS: u8 = 0x00;
/// Data follow.
const DATA: u8 = 0x40;

impl<I: I2c> I2cWire<I> {
    pub(super) fn new(i2c: I, address: u8) -> Self {
        Self { i2c, address, buffer: Vec::with_capacity(256), sent: 0 }
    }

    fn write(&mut self, kind: u8, bytes: &[u8]) -> Result<()> {
        self.buffer.clear();
        self.buffer.push(kind);
        self.buffer.extend_from_slice(bytes);
        self.i2c.write(self.address, &self.buffer).map_err(|error| match error.kind() {
            ErrorKind::NoAcknowledge(_) => anyhow!(
                "nothing answers at address {:#04x}: check the wiring and the address (`sudo i2cdetect -y 1` shows who is there)",
                self.address
            ),
            _ => failed("the I²C transfer failed", &error),
        })?;
        // With the byte of the address.
        self.sent += 1 + self.buffer.len();
        Ok(())
    }
}

impl<I: I2c> Wire for I2cWire<I> {
    fn commands(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(COMMANDS, bytes)
    }

    fn data(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(DATA, bytes)
    }

    fn sent(&self) -> usize {
        self.sent
    }
}
