//! `[display.panel]`: a small panel on SPI or I²C, and what is usual for its controller.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{OutOfRange, in_range};
use crate::gpio::{self, Line};

/// `[display.panel]`: a small panel on SPI or I²C. `docs/displays.md` has wiring tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PanelConfig {
    /// The chip on the panel.
    pub controller: PanelController,
    /// The device: a name with `i2c` in it is an I²C bus, any other an SPI device; empty: the usual one of the controller.
    pub bus: PathBuf,
    /// I²C: the panel's address, 0x3c or 0x3d.
    pub address: u32,
    /// SPI: the clock in Hz; 0: what suits the controller.
    pub speed_hz: u32,
    /// The kernel's GPIO character device with the lines below; `auto`: the one that is the header.
    pub chip: PathBuf,
    /// SPI: the line to the pin D/C (also called DC, RS or A0).
    pub data_command: Line,
    /// SPI: the line to the pin RST (RES); empty: none, the pin is held high.
    pub reset: Line,
    /// The line to the pin LED (BL, BLK); empty: none, the light is always on or there is none.
    pub backlight: Line,
    /// The glass's width in pixels before it is turned; 0: all that the controller can do.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// Where the glass begins in the controller's memory, in pixels; of use for glasses that are smaller than it.
    pub offset_x: u32,
    /// As `offset_x`, downwards.
    pub offset_y: u32,
    /// By how much the picture is turned, in degrees clockwise: 0, 90, 180 or 270.
    pub rotation: u32,
    /// Swaps light and dark, for a glass that is not as usual with this controller.
    pub invert: bool,
    /// Swaps red and blue, likewise.
    pub swap_red_blue: bool,
}

/// The controllers of panels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum PanelController {
    None,
    /// Colour, 240×320.
    Ili9341,
    /// Colour, 320×480.
    Ili9488,
    /// Colour, 240×320 and smaller glasses.
    St7789,
    /// Colour, round, 240×240.
    Gc9a01,
    /// One colour, 128×64 or 128×32.
    Ssd1306,
    /// One colour, 128×64.
    Sh1106,
}

impl Default for PanelConfig {
    fn default() -> Self {
        Self {
            controller: PanelController::None,
            bus: PathBuf::new(),
            address: 0x3C,
            speed_hz: 0,
            chip: gpio::AUTO.into(),
            data_command: Line::Number(25),
            reset: Line::Number(24),
            backlight: Line::NONE,
            width: 0,
            height: 0,
            offset_x: 0,
            offset_y: 0,
            rotation: 0,
            invert: false,
            swap_red_blue: false,
        }
    }
}

impl PanelController {
    /// All that there are.
    pub const ALL: [Self; 6] = [Self::Ili9341, Self::Ili9488, Self::St7789, Self::Gc9a01, Self::Ssd1306, Self::Sh1106];

    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "no",
            Self::Ili9341 => "ILI9341",
            Self::Ili9488 => "ILI9488",
            Self::St7789 => "ST7789",
            Self::Gc9a01 => "GC9A01",
            Self::Ssd1306 => "SSD1306",
            Self::Sh1106 => "SH1106",
        }
    }

    /// True for those with one colour.
    pub fn is_oled(self) -> bool {
        matches!(self, Self::Ssd1306 | Self::Sh1106)
    }

    /// Columns and rows that the controller can show.
    pub fn largest(self) -> (u32, u32) {
        match self {
            Self::None => (0, 0),
            Self::Ili9341 | Self::St7789 => (240, 320),
            Self::Ili9488 => (320, 480),
            Self::Gc9a01 => (240, 240),
            Self::Ssd1306 | Self::Sh1106 => (128, 64),
        }
    }

    /// Whether panels with this controller usually need inversion (IPS glass does), and whether their glass has blue before red.
    pub fn usual_colors(self) -> (bool, bool) {
        match self {
            Self::Ili9341 | Self::Ili9488 => (false, true),
            Self::St7789 => (true, false),
            Self::Gc9a01 => (true, true),
            Self::None | Self::Ssd1306 | Self::Sh1106 => (false, false),
        }
    }

    /// The clock that suits it, in Hz: the data sheet's where that is fast, else what modules are commonly run with (the ILI9341's data sheet says
    /// 10 MHz, the kernel's driver and everybody else uses 32).
    fn speed(self) -> u32 {
        match self {
            Self::None => 1_000_000,
            Self::Ili9341 => 32_000_000,
            Self::Ili9488 => 20_000_000,
            Self::St7789 | Self::Gc9a01 => 40_000_000,
            Self::Ssd1306 => 10_000_000,
            Self::Sh1106 => 4_000_000,
        }
    }
}

impl PanelConfig {
    /// The device.
    pub fn bus(&self) -> &Path {
        match () {
            () if !self.bus.as_os_str().is_empty() => &self.bus,
            () if self.controller.is_oled() => Path::new("/dev/i2c-1"),
            () => Path::new("/dev/spidev0.0"),
        }
    }

    /// True if that is an I²C bus, false if it is an SPI device.
    pub fn is_on_i2c(&self) -> bool {
        self.bus().to_string_lossy().contains("i2c")
    }

    /// The clock in Hz.
    pub fn speed(&self) -> u32 {
        if self.speed_hz == 0 { self.controller.speed() } else { self.speed_hz }
    }

    /// The glass's size before it is turned.
    pub fn glass(&self) -> (u32, u32) {
        let (width, height) = self.controller.largest();
        (if self.width == 0 { width } else { self.width }, if self.height == 0 { height } else { self.height })
    }

    /// The lines that are used, with their keys.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&'static str, &Line)> {
        let on_spi = self.controller != PanelController::None && !self.is_on_i2c();
        let lines = [
            ("data_command", &self.data_command, on_spi),
            ("reset", &self.reset, on_spi),
            ("backlight", &self.backlight, self.controller != PanelController::None),
        ];
        lines.into_iter().filter(|(.., used)| *used).map(|(key, line, _)| (key, line))
    }

    pub(super) fn check_ranges(&self) -> Result<(), OutOfRange> {
        const TABLE: &str = "display.panel";
        let wrong = |key, rule: &str| Err(OutOfRange { table: TABLE, key, rule: rule.into() });
        in_range(TABLE, "address", self.address, 0x08, 0x77)?;
        if self.speed_hz != 0 {
            in_range(TABLE, "speed_hz", self.speed_hz, 100_000, 125_000_000)?;
        }
        if ![0, 90, 180, 270].contains(&self.rotation) {
            return wrong("rotation", "0, 90, 180 or 270");
        }
        if self.controller == PanelController::None {
            return Ok(());
        }
        if self.is_on_i2c() && !self.controller.is_oled() {
            return wrong("bus", "an SPI device such as /dev/spidev0.0, since this controller has no I²C");
        }
        let ((width, height), (most_x, most_y)) = (self.glass(), self.controller.largest());
        in_range(TABLE, "width", width, 32, most_x)?;
        in_range(TABLE, "height", height, 32, most_y)?;
        in_range(TABLE, "offset_x", self.offset_x, 0, most_x - width)?;
        in_range(TABLE, "offset_y", self.offset_y, 0, most_y - height)?;
        if self.controller.is_oled() && (width != 128 || ![32, 64].contains(&height)) {
            return wrong("height", "32 or 64 with a width of 128, for this controller");
        }
        if !self.is_on_i2c() && !self.data_command.is_some() {
            return wrong("data_command", "a line, since the panel is on SPI");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn message(text: &str) -> String {
        Config::parse(&format!("[display.panel]\n{text}\n"), Path::new("visaged.toml")).unwrap_err().to_string()
    }

    #[test]
    fn a_controller_is_enough() {
        let config = Config::parse("[display.panel]\ncontroller = \"ssd1306\"", Path::new("")).unwrap();
        let panel = config.display.panel;
        assert_eq!((panel.bus(), panel.is_on_i2c(), panel.glass()), (Path::new("/dev/i2c-1"), true, (128, 64)));
        let config = Config::parse("[display.panel]\ncontroller = \"ili9341\"", Path::new("")).unwrap();
        let panel = config.display.panel;
        assert_eq!((panel.bus(), panel.is_on_i2c(), panel.glass()), (Path::new("/dev/spidev0.0"), false, (240, 320)));
        assert_eq!(panel.speed(), 32_000_000);
    }

    #[test]
    fn what_no_panel_can_be_is_refused() {
        assert_eq!(message("rotation = 45"), "visaged.toml:2: rotation in [display.panel] must be 0, 90, 180 or 270");
        assert_eq!(message("address = 0x78"), "visaged.toml:2: address in [display.panel] must be from 8 to 119, not 120");
        assert_eq!(
            message("controller = \"st7789\"\nwidth = 135\noffset_x = 106"),
            "visaged.toml:4: offset_x in [display.panel] must be from 0 to 105, not 106"
        );
        assert_eq!(
            message("controller = \"ssd1306\"\nheight = 48"),
            "visaged.toml:3: height in [display.panel] must be 32 or 64 with a width of 128, for this controller"
        );
        assert_eq!(
            message("controller = \"ili9341\"\nbus = \"/dev/i2c-1\""),
            "visaged.toml:3: bus in [display.panel] must be an SPI device such as /dev/spidev0.0, since this controller has no I²C"
        );
        assert_eq!(
            message("controller = \"ili9341\"\nreset = 25"),
            "visaged.toml:3: reset in [display.panel] must be another line than 25, which data_command in [display.panel] uses"
        );
        assert_eq!(
            message("controller = \"ili9341\"\n[leds]\ndriver = \"gpiochip\"\n[leds.lines]\nhappy = \"GPIO24\""),
            "visaged.toml:1: reset in [display.panel] must be another line than 24, which happy uses"
        );
        assert_eq!(
            message("controller = \"gc9a01\"\n[leds.strip]\nkind = \"ws2812\""),
            "visaged.toml:3: device in [leds.strip] must be on another SPI bus than /dev/spidev0.0, where the panel is: a strip takes what that gets for its own"
        );
    }
}
