//! The scene on a small panel: colour TFTs on SPI, one-colour OLEDs on I²C or SPI. Only what changed is sent.
//!
//! A whole picture for an ILI9341 is 153,611 bytes with the window's commands: 38 ms at 32 MHz. While a face moves from one expression to another it is
//! 26,000 a picture, otherwise 700 to 2,000. For an SSD1306 a whole picture is 1,085 (24 ms on I²C at 400 kHz), and no more than 204 of it are sent at
//! once: a change is spread over three pictures or so (see `turns`). (Bytes on a recording bus; the tests that send only what changed print them.)

mod bus;
mod changes;
mod oled;
mod pace;
#[cfg(test)]
mod simulator;
#[cfg(test)]
mod tests;
mod tft;
mod turns;
mod wire;

use anyhow::{Context, Result, anyhow, bail};
use embedded_graphics::geometry::Size;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use linux_embedded_hal::Delay;
use mipidsi::models;

use super::canvas::Canvas;
use super::moment::Moment;
use super::rest::Brightness;
use super::scene::Scene;
use super::style::{Depth, SceneStyle};
use crate::config::{PanelConfig, PanelController};
use crate::gpio::{Chip, OutputLine};
use crate::outputs::{Output, View};
use pace::Pace;
use wire::{I2cWire, SpiWire, Wire};

/// A controller with its memory.
trait Panel {
    /// How large a picture is, as the panel is turned.
    fn size(&self) -> Size;

    /// Sends what differs from what the panel shows. A panel on a slow bus sends `most` bytes, and the rest with the pictures that follow.
    fn show(&mut self, canvas: &Canvas, most: usize) -> Result<()>;

    /// How many bytes that took so far, with the addresses.
    fn sent(&self) -> usize;

    /// Makes the panel as bright as this, if it can.
    fn set_brightness(&mut self, brightness: Brightness) -> Result<()>;

    /// Makes the panel dark, as the last thing that is done with it.
    fn go_dark(&mut self) -> Result<()>;
}

/// A panel with its scene. Dropping it makes it dark.
pub struct PanelDisplay {
    name: String,
    panel: Box<dyn Panel>,
    backlight: Option<OutputLine>,
    /// As it was last set; none before the first picture, when the memory holds noise.
    brightness: Option<Brightness>,
    scene: Scene,
    canvas: Canvas,
    pace: Pace,
    frames: usize,
}

impl PanelDisplay {
    /// Opens the bus and the lines, and starts the panel. Its scene has this style, as far as the panel can.
    ///
    /// # Errors
    /// If the bus or a line cannot be had, or nothing answers on I²C (on SPI nothing ever answers); the message says what helps.
    pub fn open(config: &PanelConfig, style: SceneStyle) -> Result<Self> {
        let panel = start(config)?;
        let backlight = match config.backlight.is_some() {
            true => Some(Chip::open(&config.chip)?.output(&config.backlight, false, "backlight in [display.panel]")?),
            false => None,
        };
        Ok(Self::with_panel(config, panel, backlight, style))
    }

    fn with_panel(config: &PanelConfig, panel: Box<dyn Panel>, backlight: Option<OutputLine>, style: SceneStyle) -> Self {
        let size = panel.size();
        let depth = if config.controller.is_oled() { Depth::Mono } else { Depth::Color };
        let style = SceneStyle { depth, round: config.controller == PanelController::Gc9a01, ..style };
        Self {
            name: name(config),
            panel,
            backlight,
            brightness: None,
            scene: Scene::new(style),
            canvas: Canvas::new(size.width, size.height),
            pace: Pace::default(),
            frames: 0,
        }
    }
}

/// What the log calls it.
pub fn name(config: &PanelConfig) -> String {
    format!("{} panel on {}", config.controller.name(), config.bus().display())
}

fn start(config: &PanelConfig) -> Result<Box<dyn Panel>> {
    if config.is_on_i2c() {
        let address = u8::try_from(config.address).context("an I²C address has seven bits")?;
        let wire = I2cWire::new(bus::open_i2c(config.bus(), address)?, address);
        return start_oled(wire, config);
    }
    // Of these there are modules without CS.
    let clock_rests_high = config.controller == PanelController::St7789;
    let spi = bus::open_spi(config.bus(), config.speed(), clock_rests_high)?;
    let chip = Chip::open(&config.chip)?;
    let data_command = chip.output(&config.data_command, true, "data_command in [display.panel]")?;
    let reset = match config.reset.is_some() {
        true => Some(chip.output(&config.reset, true, "reset in [display.panel]")?),
        false => None,
    };
    start_on_spi(spi, data_command, reset, config, &mut Delay)
}

fn start_on_spi<S: SpiDevice + 'static, L: OutputPin + 'static>(
    spi: S,
    data_command: L,
    reset: Option<L>,
    config: &PanelConfig,
    delay: &mut impl DelayNs,
) -> Result<Box<dyn Panel>> {
    let mut wire = SpiWire::new(spi, data_command);
    let (width, height) = config.glass();
    let (usually_inverted, usually_blue_first) = config.controller.usual_colors();
    let mounting = tft::Mounting {
        size: (width as u16, height as u16),
        offset: (config.offset_x as u16, config.offset_y as u16),
        rotation: config.rotation,
        invert: config.invert != usually_inverted,
        blue_first: config.swap_red_blue != usually_blue_first,
    };
    match config.controller {
        PanelController::Ili9341 => tft::start(wire, models::ILI9341Rgb565, reset, mounting, delay),
        // On SPI this controller takes 18 bits per pixel only.
        PanelController::Ili9488 => tft::start(wire, models::ILI9488Rgb666, reset, mounting, delay),
        PanelController::St7789 => tft::start(wire, models::ST7789, reset, mounting, delay),
        PanelController::Gc9a01 => tft::start(wire, models::GC9A01, reset, mounting, delay),
        PanelController::Ssd1306 | PanelController::Sh1106 => {
            if let Some(line) = reset {
                wire.reset_by(line, delay)?;
            }
            start_oled(wire, config)
        }
        PanelController::None => bail!("no panel is configured"),
    }
}

fn start_oled(wire: impl Wire + 'static, config: &PanelConfig) -> Result<Box<dyn Panel>> {
    let model = if config.controller == PanelController::Sh1106 { oled::Model::Sh1106 } else { oled::Model::Ssd1306 };
    let (width, height) = config.glass();
    let mounting = oled::Mounting { size: Size::new(width, height), rotation: config.rotation, invert: config.invert };
    Ok(Box::new(oled::Oled::start(wire, model, mounting)?))
}

impl Output for PanelDisplay {
    fn name(&self) -> &str {
        &self.name
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        self.show_at(view, Moment::now())
    }
}

impl PanelDisplay {
    fn show_at(&mut self, view: View<'_>, now: Moment) -> Result<()> {
        let Ok(()) = self.scene.at(now).draw(view, &mut self.canvas);
        self.panel.show(&self.canvas, self.pace.bytes(view, now.elapsed))?;
        self.frames += 1;
        let brightness = self.scene.brightness();
        if self.brightness.replace(brightness) != Some(brightness) {
            self.panel.set_brightness(brightness)?;
            self.switch_backlight(brightness != Brightness::Dark)?;
        }
        Ok(())
    }

    fn switch_backlight(&mut self, on: bool) -> Result<()> {
        match &mut self.backlight {
            Some(line) => line.set_state(on.into()).map_err(|error| anyhow!("cannot switch the backlight: {error:?}")),
            None => Ok(()),
        }
    }
}

impl Drop for PanelDisplay {
    fn drop(&mut self) {
        let _ = self.switch_backlight(false);
        let _ = self.panel.go_dark();
        log::debug!("{}: {} bytes a picture on average", self.name, self.panel.sent() / self.frames.max(1));
    }
}
