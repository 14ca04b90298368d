//! Colour panels through `mipidsi`, which knows the controllers' start sequences and windows.

use anyhow::{Result, anyhow};
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::raw::RawData;
use embedded_graphics::pixelcolor::{PixelColor, Rgb888};
use embedded_graphics::prelude::RgbColor;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use mipidsi::interface::{Interface, InterfacePixelFormat};
use mipidsi::models::Model;
use mipidsi::options::{ColorInversion, ColorOrder, Orientation, Rotation};
use mipidsi::{Builder, Display, InitError};

use super::changes::{Patch, find_patches};
use super::{Brightness, Canvas, Panel};

/// How the panel is built, and built in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mounting {
    /// The glass's own size, before it is turned.
    pub(super) size: (u16, u16),
    /// Where the glass begins in the controller's memory.
    pub(super) offset: (u16, u16),
    /// 0, 90, 180 or 270 degrees clockwise.
    pub(super) rotation: u32,
    /// Whether the controller must invert for the right colours.
    pub(super) invert: bool,
    /// Whether the glass has blue before red.
    pub(super) blue_first: bool,
}

/// A panel. Whoever drops it has made it dark before.
pub(super) struct Tft<D, C> {
    display: D,
    size: Size,
    bytes_per_pixel: usize,
    drawn: Vec<C>,
    /// What the panel shows; empty before the first picture.
    shown: Vec<C>,
    patches: Vec<Patch>,
    /// Bytes, but for those of the start.
    sent: usize,
}

/// Naming a window: three commands, two of them with four bytes.
const WINDOW_BYTES: usize = 11;

/// What `mipidsi` can do whatever the panel.
pub(super) trait Windows<C> {
    /// Sends the colours of the window between these columns and rows, both included.
    fn send(&mut self, patch: &Patch, colors: impl IntoIterator<Item = C>) -> Result<()>;
}

impl<I, M, R> Windows<M::ColorFormat> for Display<I, M, R>
where
    I: Interface<Error = anyhow::Error>,
    M: Model,
    M::ColorFormat: InterfacePixelFormat<I::Word>,
    R: OutputPin,
{
    fn send(&mut self, patch: &Patch, colors: impl IntoIterator<Item = M::ColorFormat>) -> Result<()> {
        let Patch { columns, rows, .. } = patch;
        self.set_pixels(columns.start as u16, rows.start as u16, columns.end as u16 - 1, rows.end as u16 - 1, colors)
    }
}

/// Resets and starts a panel: by its line if there is one, else by a command.
pub(super) fn start<I, M>(
    wire: I,
    model: M,
    reset: Option<impl OutputPin + 'static>,
    mounting: Mounting,
    delay: &mut impl DelayNs,
) -> Result<Box<dyn Panel>>
where
    I: Interface<Word = u8, Error = anyhow::Error> + 'static,
    M: Model + 'static,
    M::ColorFormat: InterfacePixelFormat<u8> + From<Rgb888> + PixelColor,
{
    let rotation = Rotation::try_from_degree(mounting.rotation as i32).map_err(|_| anyhow!("it cannot be turned so"))?;
    let builder = Builder::new(model, wire)
        .display_size(mounting.size.0, mounting.size.1)
        .display_offset(mounting.offset.0, mounting.offset.1)
        .orientation(Orientation::new().rotate(rotation))
        .invert_colors(if mounting.invert { ColorInversion::Inverted } else { ColorInversion::Normal })
        .color_order(if mounting.blue_first { ColorOrder::Bgr } else { ColorOrder::Rgb });
    Ok(match reset {
        Some(line) => Box::new(Tft::new(builder.reset_pin(line).init(delay).map_err(refused)?)),
        None => Box::new(Tft::new(builder.init(delay).map_err(refused)?)),
    })
}

fn refused<P>(error: InitError<anyhow::Error, P>) -> anyhow::Error {
    match error {
        InitError::Interface(error) => error,
        InitError::ResetPin(_) => anyhow!("cannot switch the reset line"),
        InitError::InvalidConfiguration(problem) => anyhow!("the controller has no such picture ({problem:?})"),
    }
}

impl<D: OriginDimensions, C: PixelColor> Tft<D, C> {
    fn new(display: D) -> Self {
        Self {
            size: display.size(),
            display,
            bytes_per_pixel: C::Raw::BITS_PER_PIXEL.div_ceil(8),
            drawn: Vec::new(),
            shown: Vec::new(),
            patches: Vec::new(),
            sent: 0,
        }
    }
}

impl<D: Windows<C>, C: PixelColor + From<Rgb888>> Tft<D, C> {
    fn send(&mut self) -> Result<()> {
        let Self { display, size, bytes_per_pixel, drawn, shown, patches, sent } = self;
        let width = size.width as usize;
        if shown.is_empty() {
            patches.clear();
            patches.push(Patch::of_all(width, size.height as usize));
        } else {
            find_patches(shown, drawn, width, patches);
        }
        for patch in patches.iter() {
            let colors = patch.rows.clone().flat_map(|y| &drawn[y * width..][patch.columns.clone()]).copied();
            display.send(patch, colors)?;
            *sent += WINDOW_BYTES + *bytes_per_pixel * patch.area();
        }
        shown.clone_from(drawn);
        Ok(())
    }
}

impl<D: Windows<C>, C: PixelColor + From<Rgb888>> Panel for Tft<D, C> {
    fn size(&self) -> Size {
        self.size
    }

    /// Its bus is fast enough for any change.
    fn show(&mut self, canvas: &Canvas, _most: usize) -> Result<()> {
        self.drawn.clear();
        self.drawn.extend(canvas.rows().flatten().map(|pixel| C::from(*pixel)));
        self.send()
    }

    fn sent(&self) -> usize {
        self.sent
    }

    /// The scene dims its colours itself.
    fn set_brightness(&mut self, _: Brightness) -> Result<()> {
        Ok(())
    }

    /// Black, for panels whose backlight is always on.
    fn go_dark(&mut self) -> Result<()> {
        self.drawn.clear();
        self.drawn.resize((self.size.width * self.size.height) as usize, C::from(Rgb888::BLACK));
        self.send()
    }
}
