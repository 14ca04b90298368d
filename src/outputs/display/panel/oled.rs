//! One-colour OLED panels with the controllers SSD1306 and SH1106, from their data sheets (Solomon Systech, rev 1.5; Sino Wealth, version 2.3).
//!
//! The memory is *pages* of eight rows: a byte is a column of eight pixels, the lowest bit on top. Both controllers are written in page addressing
//! mode (name page and column, then send bytes), so they differ in the start sequence and in the SH1106's memory being 132 columns wide, four more
//! than the panel. The crates do not fit: `sh1106` (0.5.0, August 2023) knows embedded-hal 0.2 only, and `ssd1306` (0.10.0) brings twelve crates,
//! one of them given up by its author, for these thirty bytes of start sequence.

use anyhow::Result;
use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;

use super::turns::{Piece, Reading, Turns};
use super::wire::Wire;
use super::{Brightness, Canvas, Panel};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum Model {
    Ssd1306,
    Sh1106,
}

impl Model {
    /// At full brightness.
    fn contrast(self) -> u8 {
        match self {
            Self::Ssd1306 => 0xCF,
            Self::Sh1106 => 0x80,
        }
    }
}

/// Of a dimmed scene: about a tenth of the light.
const DIM_CONTRAST: u8 = 0x08;

/// How the panel is built in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mounting {
    /// The panel's own size: 128 × 64 or 128 × 32.
    pub(super) size: Size,
    /// 0, 90, 180 or 270 degrees clockwise.
    pub(super) rotation: u32,
    /// Dark on light.
    pub(super) invert: bool,
}

/// A panel.
pub(super) struct Oled<W> {
    wire: W,
    model: Model,
    mounting: Mounting,
    /// The memory as it is to be, page after page.
    drawn: Vec<u8>,
    /// The memory as it is; empty before the first picture.
    shown: Vec<u8>,
    turns: Turns,
}

mod command {
    pub(super) const DISPLAY_OFF: u8 = 0xAE;
    pub(super) const DISPLAY_ON: u8 = 0xAF;
    /// With one argument.
    pub(super) const CONTRAST: u8 = 0x81;
    pub(super) const PAGE: u8 = 0xB0;
    pub(super) const COLUMN_LOW: u8 = 0x00;
    pub(super) const COLUMN_HIGH: u8 = 0x10;
}

impl<W: Wire> Oled<W> {
    /// Sends the start sequence. The panel stays dark until the first picture: its memory holds noise.
    pub(super) fn start(mut wire: W, model: Model, mounting: Mounting) -> Result<Self> {
        let rows = mounting.size.height as u8;
        // 0xDA: the even rows on one side of the glass and the odd ones on the other, but for the flat panels.
        let com_pins = if rows == 32 { 0x02 } else { 0x12 };
        wire.commands(&[
            command::DISPLAY_OFF,
            // Clock divider 1, frequency 8; rows; no offset; first row 0.
            0xD5,
            0x80,
            0xA8,
            rows - 1,
            0xD3,
            0x00,
            0x40,
            // Columns and rows counted from the corner that is top left with the pins above.
            0xA1,
            0xC8,
            0xDA,
            com_pins,
        ])?;
        wire.commands(match model {
            // Charge pump on; page addressing; precharge; VCOMH.
            Model::Ssd1306 => &[0x8D, 0x14, 0x20, 0x02, 0xD9, 0xF1, 0xDB, 0x40],
            // Step-up converter on; precharge; VCOM.
            Model::Sh1106 => &[0xAD, 0x8B, 0xD9, 0x22, 0xDB, 0x35],
        })?;
        // The picture is that of the memory; inverted or not.
        wire.commands(&[0xA4, if mounting.invert { 0xA7 } else { 0xA6 }])?;
        let bytes = (mounting.size.width * mounting.size.height / 8) as usize;
        let reading = Reading {
            from_last_column: matches!(mounting.rotation, 90 | 180),
            from_last_page: matches!(mounting.rotation, 180 | 270),
        };
        Ok(Self { wire, model, mounting, drawn: vec![0; bytes], shown: Vec::new(), turns: Turns::new(reading) })
    }

    /// Sends of what changed what finds room in `most` bytes.
    fn send(&mut self, most: usize) -> Result<()> {
        let Self { wire, model, drawn, shown, turns, .. } = self;
        let first_column = if *model == Model::Sh1106 { 2 } else { 0 };
        let width = self.mounting.size.width as usize;
        if shown.is_empty() {
            // Everything differs from its complement.
            shown.extend(drawn.iter().map(|byte| !byte));
        }
        for Piece { page, columns, .. } in turns.take(shown, drawn, width, most) {
            let column = columns.start as u8 + first_column;
            wire.commands(&[
                command::PAGE | *page as u8,
                command::COLUMN_LOW | (column & 0x0F),
                command::COLUMN_HIGH | (column >> 4),
            ])?;
            let place = page * width + columns.start..page * width + columns.end;
            wire.data(&drawn[place.clone()])?;
            shown[place.clone()].copy_from_slice(&drawn[place]);
        }
        Ok(())
    }
}

impl<W: Wire> Panel for Oled<W> {
    fn size(&self) -> Size {
        let Size { width, height } = self.mounting.size;
        if matches!(self.mounting.rotation, 90 | 270) { Size::new(height, width) } else { Size::new(width, height) }
    }

    fn show(&mut self, canvas: &Canvas, most: usize) -> Result<()> {
        pack(canvas, self.mounting, &mut self.drawn);
        self.send(most)
    }

    fn sent(&self) -> usize {
        self.wire.sent()
    }

    /// A dim scene gets less contrast, a dark one none of the panel's current.
    fn set_brightness(&mut self, brightness: Brightness) -> Result<()> {
        match brightness {
            Brightness::Full => self.wire.commands(&[command::CONTRAST, self.model.contrast(), command::DISPLAY_ON]),
            Brightness::Dim => self.wire.commands(&[command::CONTRAST, DIM_CONTRAST, command::DISPLAY_ON]),
            Brightness::Dark => self.wire.commands(&[command::DISPLAY_OFF]),
        }
    }

    fn go_dark(&mut self) -> Result<()> {
        self.wire.commands(&[command::DISPLAY_OFF])
    }
}

/// Turns a picture, which is black and white, into pages.
fn pack(canvas: &Canvas, mounting: Mounting, pages: &mut [u8]) {
    let (width, height) = (mounting.size.width as usize, mounting.size.height as usize);
    pages.fill(0);
    for (y, row) in canvas.rows().enumerate() {
        for (x, pixel) in row.iter().enumerate() {
            if *pixel != Rgb888::BLACK {
                let (column, row) = match mounting.rotation {
                    90 => (width - 1 - y, x),
                    180 => (width - 1 - x, height - 1 - y),
                    270 => (y, height - 1 - x),
                    _ => (x, y),
                };
                pages[row / 8 * width + column] |= 1 << (row % 8);
            }
        }
    }
}
