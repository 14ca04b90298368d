//! Panels that are not there: recording buses with a model of the controller's memory behind them, written from the data sheets.
//!
//! Strict: a command that the controller does not know, or bytes that it would only swallow, are a panic.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use embedded_graphics::pixelcolor::raw::{RawData, RawU16};
use embedded_graphics::pixelcolor::{Rgb565, Rgb666};
use embedded_hal::{delay, digital, i2c, spi};

/// What arrives on a bus.
pub(super) trait Controller {
    /// One byte with the data/command line low.
    fn command(&mut self, byte: u8);
    /// One byte with the line high.
    fn data(&mut self, byte: u8);
}

/// One end of a simulated bus; all its lines share a controller.
pub(super) struct Bus<C>(pub(super) Rc<RefCell<Connection<C>>>);

/// A controller and what is known at its pins.
pub(super) struct Connection<C> {
    pub(super) controller: C,
    data_command: Option<bool>,
    /// Bytes that came, on I²C with the address.
    pub(super) bytes: usize,
    /// The longest transfer.
    pub(super) longest: usize,
    /// Levels of the reset line.
    pub(super) resets: Vec<bool>,
}

impl<C> Clone for Bus<C> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<C: Controller> Bus<C> {
    pub(super) fn new(controller: C) -> Self {
        let connection = Connection { controller, data_command: None, bytes: 0, longest: 0, resets: Vec::new() };
        Self(Rc::new(RefCell::new(connection)))
    }

    pub(super) fn line(&self, pin: Pin) -> Line<C> {
        Line(self.clone(), pin)
    }
}

impl<C> spi::ErrorType for Bus<C> {
    type Error = Infallible;
}

impl<C: Controller> spi::SpiDevice for Bus<C> {
    fn transaction(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), Infallible> {
        let mut connection = self.0.borrow_mut();
        for operation in operations {
            let spi::Operation::Write(bytes) = operation else { panic!("panels are only written") };
            assert!(!bytes.is_empty(), "a transfer of nothing");
            let is_data = connection.data_command.expect("the data/command line is set before the first byte");
            connection.bytes += bytes.len();
            connection.longest = connection.longest.max(bytes.len());
            for byte in *bytes {
                match is_data {
                    true => connection.controller.data(*byte),
                    false => connection.controller.command(*byte),
                }
            }
        }
        Ok(())
    }
}

impl<C> i2c::ErrorType for Bus<C> {
    type Error = i2c::ErrorKind;
}

/// The address of the one that answers.
pub(super) const ADDRESS: u8 = 0x3C;

impl<C: Controller> i2c::I2c for Bus<C> {
    fn transaction(&mut self, address: u8, operations: &mut [i2c::Operation<'_>]) -> Result<(), i2c::ErrorKind> {
        if address != ADDRESS {
            return Err(i2c::ErrorKind::NoAcknowledge(i2c::NoAcknowledgeSource::Address));
        }
        let mut connection = self.0.borrow_mut();
        for operation in operations {
            let i2c::Operation::Write(bytes) = operation else { panic!("panels are only written") };
            connection.bytes += 1 + bytes.len();
            // SSD1306 data sheet, 8.1.5.2: Co = 0, so the rest is all of one kind; D/C# is bit 6.
            for byte in &bytes[1..] {
                match bytes[0] {
                    0x00 => connection.controller.command(*byte),
                    0x40 => connection.controller.data(*byte),
                    other => panic!("control byte {other:#x}"),
                }
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Pin {
    DataCommand,
    Reset,
}

pub(super) struct Line<C>(Bus<C>, Pin);

impl<C> digital::ErrorType for Line<C> {
    type Error = Infallible;
}

impl<C> Line<C> {
    fn set(&mut self, high: bool) {
        let mut connection = self.0.0.borrow_mut();
        match self.1 {
            Pin::DataCommand => {
                assert_ne!(connection.data_command, Some(high), "the line has this level already");
                connection.data_command = Some(high);
            }
            Pin::Reset => connection.resets.push(high),
        }
    }
}

impl<C> digital::OutputPin for Line<C> {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.set(false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.set(true);
        Ok(())
    }
}

/// Nobody waits.
pub(super) struct NoDelay;

impl delay::DelayNs for NoDelay {
    fn delay_ns(&mut self, _: u32) {}
}

/// SSD1306 (128 columns) or SH1106 (132), in page addressing mode.
pub(super) struct OledController {
    pub(super) memory: Vec<Vec<u8>>,
    page: usize,
    column: usize,
    /// The command whose arguments are awaited, and how many.
    awaited: Option<(u8, usize)>,
    pub(super) commands: Vec<u8>,
    pub(super) on: bool,
    pub(super) inverted: bool,
    is_sh1106: bool,
    pages_are_addressed: bool,
}

impl OledController {
    pub(super) fn new(is_sh1106: bool) -> Self {
        let columns = if is_sh1106 { 132 } else { 128 };
        // Noise: as after power-on.
        let memory = (0..8).map(|page| (0..columns).map(|column| (37 * column + 11 * page) as u8).collect()).collect();
        Self {
            memory,
            page: 0,
            column: 0,
            awaited: None,
            commands: Vec::new(),
            on: false,
            inverted: false,
            is_sh1106,
            pages_are_addressed: is_sh1106,
        }
    }

    /// Whether the pixel is lit on a glass whose first column is that of the memory's `first`.
    pub(super) fn is_lit(&self, x: usize, y: usize) -> bool {
        let first = if self.is_sh1106 { 2 } else { 0 };
        self.memory[y / 8][first + x] >> (y % 8) & 1 == 1
    }
}

impl Controller for OledController {
    fn command(&mut self, byte: u8) {
        self.commands.push(byte);
        if let Some((command, left)) = self.awaited.take() {
            if command == 0x20 {
                assert_eq!(byte, 0x02, "page addressing mode");
                self.pages_are_addressed = true;
            }
            self.awaited = (left > 1).then_some((command, left - 1));
            return;
        }
        match byte {
            0x00..=0x0F => self.column = self.column & 0xF0 | usize::from(byte),
            0x10..=0x1F => self.column = self.column & 0x0F | usize::from(byte & 0x0F) << 4,
            // First row 0; columns and rows as on the usual glass.
            0x40 | 0xA1 | 0xC8 | 0xA4 => {}
            0xA6 | 0xA7 => self.inverted = byte == 0xA7,
            0xAE | 0xAF => self.on = byte == 0xAF,
            0xB0..=0xB7 => self.page = usize::from(byte & 0x07),
            0x81 | 0xA8 | 0xD3 | 0xD5 | 0xD9 | 0xDA | 0xDB => self.awaited = Some((byte, 1)),
            0x20 | 0x8D if !self.is_sh1106 => self.awaited = Some((byte, 1)),
            0xAD if self.is_sh1106 => self.awaited = Some((byte, 1)),
            _ => panic!("unknown command {byte:#x}"),
        }
    }

    fn data(&mut self, byte: u8) {
        assert!(self.awaited.is_none() && self.pages_are_addressed);
        // Beyond the last column the pointer would wrap (SSD1306) or stand still (SH1106).
        self.memory[self.page][self.column] = byte;
        self.column += 1;
    }
}

/// A controller with the MIPI command set: ILI9341, ST7789, ILI9488, GC9A01.
pub(super) struct TftController {
    /// Columns and rows of the memory.
    size: (usize, usize),
    /// The memory, row by row, in the order of the controller's first corner.
    pub(super) memory: Vec<u32>,
    bytes_per_pixel: usize,
    columns: (usize, usize),
    pages: (usize, usize),
    at: (usize, usize),
    pub(super) address_mode: u8,
    /// Each with its arguments, but for the pixels.
    pub(super) commands: Vec<(u8, Arguments)>,
    pixel: Vec<u8>,
    pub(super) windows: usize,
}

/// A command's arguments; in place, so that recording them allocates nothing.
#[derive(Default)]
pub(super) struct Arguments {
    bytes: [u8; 16],
    count: usize,
}

impl Arguments {
    fn all(&self) -> &[u8] {
        &self.bytes[..self.count]
    }
}

/// Nothing was written here yet: no pixel is like this.
pub(super) const NOISE: u32 = u32::MAX;

impl TftController {
    pub(super) fn new(size: (usize, usize), bytes_per_pixel: usize) -> Self {
        Self {
            size,
            memory: vec![NOISE; size.0 * size.1],
            bytes_per_pixel,
            columns: (0, 0),
            pages: (0, 0),
            at: (0, 0),
            address_mode: 0,
            commands: Vec::new(),
            pixel: Vec::new(),
            windows: 0,
        }
    }

    /// As people see it at `column` and `row` of the unturned memory.
    pub(super) fn pixel_at(&self, column: usize, row: usize) -> u32 {
        self.memory[row * self.size.0 + column]
    }

    /// The arguments of the last command `code`.
    pub(super) fn arguments(&self, code: u8) -> Option<&[u8]> {
        self.commands.iter().rfind(|(command, _)| *command == code).map(|(_, arguments)| arguments.all())
    }

    fn store(&mut self, value: u32) {
        let (x, y) = self.at;
        assert!(y <= self.pages.1, "more pixels than the window has");
        // ILI9341 data sheet, 9.3 "MCU to memory write/read direction": MV exchanges, MX and MY mirror.
        let (mirror_rows, mirror_columns, exchange) =
            (self.address_mode & 0x80 != 0, self.address_mode & 0x40 != 0, self.address_mode & 0x20 != 0);
        let (column, row) = if exchange { (y, x) } else { (x, y) };
        let column = if mirror_columns { self.size.0 - 1 - column } else { column };
        let row = if mirror_rows { self.size.1 - 1 - row } else { row };
        self.memory[row * self.size.0 + column] = value;
        self.at = if x == self.columns.1 { (self.columns.0, y + 1) } else { (x + 1, y) };
    }
}

impl Controller for TftController {
    fn command(&mut self, byte: u8) {
        assert!(self.pixel.is_empty(), "half a pixel");
        if byte == 0x2C {
            self.at = (self.columns.0, self.pages.0);
            self.windows += 1;
        }
        self.commands.push((byte, Arguments::default()));
    }

    fn data(&mut self, byte: u8) {
        let (command, arguments) = self.commands.last_mut().expect("data follow a command");
        if *command != 0x2C {
            arguments.bytes[arguments.count] = byte;
            arguments.count += 1;
            let number = |index: usize| usize::from(arguments.bytes[index]) << 8 | usize::from(arguments.bytes[index + 1]);
            match (*command, arguments.count) {
                (0x2A, 4) => self.columns = (number(0), number(2)),
                (0x2B, 4) => self.pages = (number(0), number(2)),
                (0x36, 1) => self.address_mode = byte,
                _ => {}
            }
            return;
        }
        self.pixel.push(byte);
        if self.pixel.len() == self.bytes_per_pixel {
            let value = self.pixel.drain(..).fold(0, |value, byte| value << 8 | u32::from(byte));
            self.store(value);
        }
    }
}

/// The two bytes of a pixel, the first one first (ILI9341 data sheet, 7.6.4: 65,536 colours).
pub(super) fn as_16_bits(color: Rgb565) -> u32 {
    u32::from(RawU16::from(color).into_inner())
}

/// The three bytes of a pixel; six bits each, at the upper end (ILI9488 data sheet, 4.7.2.2: 262 K colours).
pub(super) fn as_18_bits(color: Rgb666) -> u32 {
    use embedded_graphics::prelude::RgbColor;
    u32::from(color.r()) << 18 | u32::from(color.g()) << 10 | u32::from(color.b()) << 2
}
