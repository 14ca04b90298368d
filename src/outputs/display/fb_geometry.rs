//! What the kernel says about a framebuffer (`linux/fb.h`), and how a colour becomes the bytes of a pixel.
//!
//! The crates for this (`framebuffer` 0.3.2, `linuxfb` 0.3.1) have had no release for years and map the memory; two questions to the kernel are all it takes.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fs::File;
use std::ops::Range;

use anyhow::{Context, Result, ensure};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;

/// Where the visible picture lies in the framebuffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Geometry {
    /// Visible pixels in a row.
    pub(super) width: u32,
    /// Visible rows.
    pub(super) height: u32,
    /// First visible column of the virtual picture.
    pub(super) x: u32,
    /// First visible row of the virtual picture.
    pub(super) y: u32,
    /// Bytes from row to row.
    pub(super) line_length: u32,
    /// How a pixel is stored.
    pub(super) format: PixelFormat,
}

impl Geometry {
    /// Bytes of the visible part of a row.
    pub(super) fn row_bytes(&self) -> usize {
        self.width as usize * self.format.bytes
    }

    /// The rows to write for a change in row `y`: where rows follow each other without a gap, one more. Linux 6.1 takes a write of just one whole row for
    /// one of nothing, and where a driver keeps a copy of the memory for the screen (virtio-gpu does), such a row is never seen.
    pub(super) fn rows_to_write(&self, y: usize) -> Range<usize> {
        if self.row_bytes() != self.line_length as usize {
            return y..y + 1;
        }
        let height = self.height as usize;
        let first = y.saturating_sub(1).min(height.saturating_sub(2));
        first..height.min(first + 2)
    }

    /// Where the visible part of row `y` begins.
    pub(super) fn row_offset(&self, y: usize) -> u64 {
        (u64::from(self.y) + y as u64) * u64::from(self.line_length) + u64::from(self.x) * self.format.bytes as u64
    }
}

/// A pixel as a little-endian number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PixelFormat {
    /// 2, 3 or 4.
    pub(super) bytes: usize,
    pub(super) red: Channel,
    pub(super) green: Channel,
    pub(super) blue: Channel,
    /// The bits of the transparency channel, all set.
    pub(super) opaque: u32,
}

/// The bits of one colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Channel {
    /// Its lowest bit.
    pub(super) offset: u32,
    /// How many bits, 1 to 16.
    pub(super) length: u32,
}

impl Channel {
    /// The bits with the value's highest ones; where there are more than 8, its bits are repeated, so that white is all ones.
    fn bits(self, value: u8) -> u32 {
        let sixteen = u32::from(value) * 0x101;
        (sixteen >> (16 - self.length)) << self.offset
    }

    fn mask(self) -> u32 {
        self.bits(255)
    }
}

impl PixelFormat {
    /// Appends the bytes of a pixel.
    pub(super) fn pack(&self, color: Rgb888, bytes: &mut Vec<u8>) {
        let pixel = self.red.bits(color.r()) | self.green.bits(color.g()) | self.blue.bits(color.b()) | self.opaque;
        bytes.extend(pixel.to_le_bytes().iter().take(self.bytes));
    }
}

/// Places in `struct fb_var_screeninfo`, which is 40 numbers of 32 bits.
mod var {
    pub(super) const XRES: usize = 0;
    pub(super) const YRES: usize = 1;
    pub(super) const XOFFSET: usize = 4;
    pub(super) const YOFFSET: usize = 5;
    pub(super) const BITS_PER_PIXEL: usize = 6;
    /// Each channel is offset, length and "most significant bit is right".
    pub(super) const RED: usize = 8;
    pub(super) const GREEN: usize = 11;
    pub(super) const BLUE: usize = 14;
    pub(super) const TRANSP: usize = 17;
    pub(super) const COUNT: usize = 40;
}

/// Asks the kernel.
pub(super) fn ask(file: &File) -> Result<Geometry> {
    let var = ioctl::variable(file).context("it is no framebuffer")?;
    let fixed = ioctl::fixed(file).context("it is no framebuffer")?;
    understand(&var, fixed.kind, fixed.visual, fixed.line_length)
}

/// Makes sense of the kernel's answers.
fn understand(var: &[u32; var::COUNT], kind: u32, visual: u32, line_length: u32) -> Result<Geometry> {
    const PACKED_PIXELS: u32 = 0;
    const TRUE_COLOR: u32 = 2;
    const DIRECT_COLOR: u32 = 4;
    ensure!(
        kind == PACKED_PIXELS && [TRUE_COLOR, DIRECT_COLOR].contains(&visual),
        "its pixels are no red, green and blue (type {kind}, visual {visual})"
    );
    let bits = var[var::BITS_PER_PIXEL];
    ensure!([16, 24, 32].contains(&bits), "it has {bits} bits per pixel; 16, 24 and 32 are known");
    let channel = |place: usize| {
        let field = var.get(place..).and_then(|rest| rest.first_chunk());
        let fits = |&&[offset, length, reversed]: &&[u32; 3]| {
            (1..=16).contains(&length) && offset <= bits - length.min(bits) && reversed == 0
        };
        field
            .filter(fits)
            .map(|&[offset, length, _]| Channel { offset, length })
            .with_context(|| format!("its colour channels make no sense ({:?})", &var[var::RED..var::TRANSP]))
    };
    let opaque = if var[var::TRANSP + 1] == 0 { 0 } else { channel(var::TRANSP)?.mask() };
    let format = PixelFormat {
        bytes: bits as usize / 8,
        red: channel(var::RED)?,
        green: channel(var::GREEN)?,
        blue: channel(var::BLUE)?,
        opaque,
    };
    let geometry = Geometry {
        width: var[var::XRES],
        height: var[var::YRES],
        x: var[var::XOFFSET],
        y: var[var::YOFFSET],
        line_length,
        format,
    };
    let Geometry { width, height, x, .. } = geometry;
    ensure!((1..=16_384).contains(&width) && (1..=16_384).contains(&height), "its size is {width}×{height}");
    ensure!(
        (u64::from(x) + u64::from(width)) * format.bytes as u64 <= u64::from(line_length),
        "a row of {width} pixels from {x} on does not fit into {line_length} bytes"
    );
    Ok(geometry)
}

/// The two questions. The only place of this program that needs `unsafe`: the kernel writes into memory that we hand it.
#[allow(unsafe_code)]
mod ioctl {
    use std::ffi::{c_char, c_ulong};
    use std::fs::File;
    use std::io;

    use rustix::ioctl::{Getter, ioctl};

    /// Numbers from `linux/fb.h`, older than the scheme that encodes sizes in them.
    const FBIOGET_VSCREENINFO: u32 = 0x4600;
    const FBIOGET_FSCREENINFO: u32 = 0x4602;

    /// `struct fb_fix_screeninfo`.
    #[repr(C)]
    pub(super) struct Fixed {
        id: [c_char; 16],
        smem_start: c_ulong,
        smem_len: u32,
        pub(super) kind: u32,
        type_aux: u32,
        pub(super) visual: u32,
        xpanstep: u16,
        ypanstep: u16,
        ywrapstep: u16,
        pub(super) line_length: u32,
        mmio_start: c_ulong,
        mmio_len: u32,
        accel: u32,
        capabilities: u16,
        reserved: [u16; 2],
    }

    pub(super) fn variable(file: &File) -> io::Result<[u32; super::var::COUNT]> {
        // SAFETY: the kernel's answer to this number is a `struct fb_var_screeninfo`: 160 bytes, all of them 32-bit numbers in which every value
        // is valid. A device of another kind answers ENOTTY and writes nothing.
        let answer = unsafe { ioctl(file, Getter::<FBIOGET_VSCREENINFO, [u32; super::var::COUNT]>::new()) };
        Ok(answer?)
    }

    pub(super) fn fixed(file: &File) -> io::Result<Fixed> {
        // SAFETY: as above with `struct fb_fix_screeninfo`, whose fields `Fixed` has in C's layout; all are numbers in which every value is valid.
        let answer = unsafe { ioctl(file, Getter::<FBIOGET_FSCREENINFO, Fixed>::new()) };
        Ok(answer?)
    }

    #[cfg(test)]
    #[test]
    fn the_structures_have_the_kernels_size() {
        // `sizeof` of both in C: 160 everywhere; 80 with 64-bit longs, 68 with 32-bit ones.
        assert_eq!(size_of::<[u32; super::var::COUNT]>(), 160);
        assert_eq!(size_of::<Fixed>(), if size_of::<c_ulong>() == 8 { 80 } else { 68 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel's answer for a format: bits per pixel, then offset and length of red, green, blue, transparency.
    fn answer(bits: u32, channels: [(u32, u32); 4]) -> [u32; var::COUNT] {
        let mut answer = [0; var::COUNT];
        answer[var::XRES] = 10;
        answer[var::YRES] = 4;
        answer[var::BITS_PER_PIXEL] = bits;
        for (index, (offset, length)) in channels.into_iter().enumerate() {
            answer[var::RED + 3 * index] = offset;
            answer[var::RED + 3 * index + 1] = length;
        }
        answer
    }

    fn packed(bits: u32, channels: [(u32, u32); 4], color: Rgb888) -> Vec<u8> {
        let mut bytes = Vec::new();
        understand(&answer(bits, channels), 0, 2, 64).unwrap().format.pack(color, &mut bytes);
        bytes
    }

    const ORANGE: Rgb888 = Rgb888::new(0xFF, 0x80, 0x41);

    #[test]
    fn pixels_of_16_bits_keep_the_highest_bits_of_each_colour() {
        // RGB565: 11111 100000 01000 = 0xFC08, little-endian.
        assert_eq!(packed(16, [(11, 5), (5, 6), (0, 5), (0, 0)], ORANGE), [0x08, 0xFC]);
        // XRGB1555: 0 11111 10000 01000 = 0x7E08.
        assert_eq!(packed(16, [(10, 5), (5, 5), (0, 5), (0, 0)], ORANGE), [0x08, 0x7E]);
    }

    #[test]
    fn pixels_of_24_and_32_bits_have_their_bytes_in_the_kernels_order() {
        let rgb = [(16, 8), (8, 8), (0, 8), (0, 0)];
        let bgr = [(0, 8), (8, 8), (16, 8), (0, 0)];
        assert_eq!(packed(24, rgb, ORANGE), [0x41, 0x80, 0xFF]);
        assert_eq!(packed(24, bgr, ORANGE), [0xFF, 0x80, 0x41]);
        assert_eq!(packed(32, rgb, ORANGE), [0x41, 0x80, 0xFF, 0x00]);
        // With a transparency channel, opaque.
        assert_eq!(packed(32, [(16, 8), (8, 8), (0, 8), (24, 8)], ORANGE), [0x41, 0x80, 0xFF, 0xFF]);
    }

    #[test]
    fn with_ten_bits_white_is_all_ones() {
        let channels = [(20, 10), (10, 10), (0, 10), (30, 2)];
        assert_eq!(packed(32, channels, Rgb888::WHITE), [0xFF; 4]);
    }

    #[test]
    fn rows_begin_at_the_virtual_offset() {
        let mut answer = answer(16, [(11, 5), (5, 6), (0, 5), (0, 0)]);
        answer[var::XOFFSET] = 3;
        answer[var::YOFFSET] = 100;
        let geometry = understand(&answer, 0, 2, 32).unwrap();
        // (100 + 2) × 32 + 3 × 2.
        assert_eq!((geometry.row_offset(2), geometry.row_bytes()), (3270, 20));
    }

    #[test]
    fn a_row_is_written_with_a_neighbour_where_rows_have_no_gap_between_them() {
        let answer = answer(16, [(11, 5), (5, 6), (0, 5), (0, 0)]);
        let rows = |line_length, y| understand(&answer, 0, 2, line_length).unwrap().rows_to_write(y);
        assert_eq!([0, 1, 3].map(|y| rows(20, y)), [0..2, 0..2, 2..4]);
        assert_eq!([0, 3].map(|y| rows(32, y)), [0..1, 3..4]);
    }

    #[test]
    fn what_cannot_be_drawn_on_is_refused_with_the_reason() {
        let rgb565 = [(11, 5), (5, 6), (0, 5), (0, 0)];
        let reason =
            |answer: &[u32; var::COUNT], visual, line_length| understand(answer, 0, visual, line_length).unwrap_err().to_string();
        assert_eq!(reason(&answer(16, rgb565), 3, 64), "its pixels are no red, green and blue (type 0, visual 3)");
        assert_eq!(reason(&answer(8, rgb565), 2, 64), "it has 8 bits per pixel; 16, 24 and 32 are known");
        assert_eq!(reason(&answer(16, rgb565), 2, 19), "a row of 10 pixels from 0 on does not fit into 19 bytes");
        assert!(reason(&answer(16, [(30, 5), (5, 6), (0, 5), (0, 0)]), 2, 64).starts_with("its colour channels make no sense"));
        assert!(reason(&answer(16, [(0, 40), (5, 6), (0, 5), (0, 0)]), 2, 64).starts_with("its colour channels make no sense"));
    }
}
