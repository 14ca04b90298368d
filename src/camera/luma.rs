//! Pixel formats of cameras → 8-bit grey, into a frame's own buffer.
//!
//! Every format here but GREY is YUV, and its luma is what OpenCV calls grey: nothing is computed, bytes are picked out. Sources:
//! <https://docs.kernel.org/userspace-api/media/v4l/pixfmt.html>. The value range is taken as it comes (16 to 235 or 0 to 255, as the camera
//! likes); the stages behind do not depend on it.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fmt;

use thiserror::Error;

use super::mjpeg;
use super::picture::write_on_one_line;
use crate::config::PixelFormat;
use crate::frame::Frame;

/// The largest width and height that are read, in pixels. (4096 × 4096 is 16 MiB of luma.)
pub const MAX_SIDE: u32 = 4096;

/// How the bytes of one picture are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Any but [`PixelFormat::Auto`].
    pub format: PixelFormat,
    /// In pixels; may be odd.
    pub width: u32,
    /// In pixels; may be odd.
    pub height: u32,
    /// From the start of one row to the start of the next in bytes, padding included; for NV12 and YU12 of the luma plane. 0: no padding.
    /// MJPG has none.
    pub bytes_per_line: u32,
}

/// Why a layout cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs)]
pub enum LayoutError {
    #[error("{width}×{height} pixels: each side must be from 1 to {MAX_SIDE}")]
    Size { width: u32, height: u32 },
    #[error("rows of {bytes_per_line} bytes are too short for {width} pixels, which need {least}")]
    BytesPerLine { bytes_per_line: u32, width: u32, least: u32 },
    #[error("no pixel format given")]
    NoFormat,
}

/// Why one picture was not usable. The next may be: transfer errors and the first pictures after the start look like this.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum BadPicture {
    #[error("{bytes} bytes instead of at least {needed}")]
    Short { bytes: usize, needed: usize },
    #[error("JPEG of {width}×{height} instead of {wanted_width}×{wanted_height}")]
    OtherSize { width: usize, height: usize, wanted_width: u32, wanted_height: u32 },
    #[error("JPEG without {0}")]
    Headers(&'static str),
    #[error("a progressive JPEG, which is not for cameras")]
    Progressive,
    #[error("damaged JPEG: {0}")]
    Jpeg(DamagedJpeg),
}

/// What the decoder says, on one line.
#[derive(Debug)]
pub struct DamagedJpeg(pub zune_jpeg::errors::DecodeErrors);

impl fmt::Display for DamagedJpeg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_on_one_line(&self.0, f)
    }
}

impl From<zune_jpeg::errors::DecodeErrors> for BadPicture {
    fn from(error: zune_jpeg::errors::DecodeErrors) -> Self {
        Self::Jpeg(DamagedJpeg(error))
    }
}

/// Reads the luma out of pictures of one [`Layout`].
pub struct LumaReader {
    layout: Layout,
    stride: usize,
    mjpeg: mjpeg::Decoder,
}

impl LumaReader {
    /// Checks the layout, which comes from a driver and is believed only as far as it makes sense.
    ///
    /// # Errors
    /// If a side is 0 or above [`MAX_SIDE`], or a row is shorter than its pixels.
    pub fn new(layout: Layout) -> Result<Self, LayoutError> {
        let Layout { format, width, height, bytes_per_line } = layout;
        if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
            return Err(LayoutError::Size { width, height });
        }
        let least = match format {
            PixelFormat::Auto => return Err(LayoutError::NoFormat),
            PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::Yu12 => width,
            // Two pixels share four bytes; of a last odd pixel, luma and one chroma byte are there.
            PixelFormat::Yuyv | PixelFormat::Uyvy => 2 * width,
            PixelFormat::Mjpg => 0,
        };
        if bytes_per_line != 0 && bytes_per_line < least {
            return Err(LayoutError::BytesPerLine { bytes_per_line, width, least });
        }
        let stride = if bytes_per_line == 0 { least } else { bytes_per_line };
        Ok(Self { layout, stride: stride as usize, mjpeg: mjpeg::Decoder::default() })
    }

    /// The layout that is read.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Writes the luma of one picture into `frame`, whose buffer is reused. `bytes` are the used ones: they may end after the last pixel
    /// (without that row's padding, without chroma planes), and may be followed by more.
    ///
    /// # Errors
    /// If bytes are missing, or a JPEG is damaged or of another size. The frame's pixels are then of no meaning.
    pub fn read(&mut self, bytes: &[u8], frame: &mut Frame) -> Result<(), BadPicture> {
        let Layout { format, width, height, .. } = self.layout;
        frame.resize(width, height);
        let pixels: &mut [u8] = &mut frame.image;
        match format {
            PixelFormat::Mjpg => self.mjpeg.decode(bytes, width, height, pixels),
            PixelFormat::Yuyv => self.for_each_row(bytes, 2, pixels, |row, luma| pick_every_second(row, |[luma, _]| luma, luma)),
            PixelFormat::Uyvy => self.for_each_row(bytes, 2, pixels, |row, luma| pick_every_second(row, |[_, luma]| luma, luma)),
            // `new` lets no Auto through.
            PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::Yu12 | PixelFormat::Auto => {
                self.for_each_row(bytes, 1, pixels, |row, luma| luma.copy_from_slice(row))
            }
        }
    }

    fn for_each_row(
        &self,
        bytes: &[u8],
        bytes_per_pixel: usize,
        pixels: &mut [u8],
        read_row: impl Fn(&[u8], &mut [u8]),
    ) -> Result<(), BadPicture> {
        let width = self.layout.width as usize;
        let row_bytes = width * bytes_per_pixel;
        // On 32 bits the product of what a driver says may be more than there are addresses.
        let needed = (self.layout.height as usize - 1).saturating_mul(self.stride).saturating_add(row_bytes);
        if bytes.len() < needed {
            return Err(BadPicture::Short { bytes: bytes.len(), needed });
        }
        for (row, luma) in bytes.chunks(self.stride).zip(pixels.chunks_exact_mut(width)) {
            if let Some((row, _)) = row.split_at_checked(row_bytes) {
                read_row(row, luma);
            }
        }
        Ok(())
    }
}

fn pick_every_second(row: &[u8], pick: impl Fn([u8; 2]) -> u8, luma: &mut [u8]) {
    let (pairs, _) = row.as_chunks();
    for (luma, pair) in luma.iter_mut().zip(pairs) {
        *luma = pick(*pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: PixelFormat, width: u32, height: u32, bytes_per_line: u32, bytes: &[u8]) -> Result<Vec<u8>, BadPicture> {
        let mut frame = Frame::default();
        LumaReader::new(Layout { format, width, height, bytes_per_line }).unwrap().read(bytes, &mut frame)?;
        assert_eq!(frame.image.dimensions(), (width, height));
        Ok(frame.image.into_raw())
    }

    #[test]
    fn grey_is_copied_without_the_padding_of_its_rows() {
        let bytes = [1, 2, 3, 99, 4, 5, 6, 99];
        assert_eq!(read(PixelFormat::Grey, 3, 2, 4, &bytes).unwrap(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(read(PixelFormat::Grey, 4, 2, 0, &bytes).unwrap(), bytes);
    }

    #[test]
    fn the_last_row_may_lack_its_padding() {
        assert_eq!(read(PixelFormat::Grey, 3, 2, 4, &[1, 2, 3, 99, 4, 5, 6]).unwrap(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn yuyv_has_luma_first_and_uyvy_second() {
        // Y0 U Y1 V, twice; each row is padded by two bytes.
        let yuyv = [10, 128, 11, 128, 99, 99, 12, 128, 13, 128, 99, 99];
        assert_eq!(read(PixelFormat::Yuyv, 2, 2, 6, &yuyv).unwrap(), [10, 11, 12, 13]);
        let uyvy = [128, 10, 128, 11, 128, 12, 128, 13];
        assert_eq!(read(PixelFormat::Uyvy, 2, 2, 0, &uyvy).unwrap(), [10, 11, 12, 13]);
    }

    #[test]
    fn an_odd_width_of_yuyv_is_read_to_its_last_pixel() {
        let bytes = [10, 128, 11, 128, 12, 128, 99, 99, 13, 128, 14, 128, 15, 128, 99, 99];
        assert_eq!(read(PixelFormat::Yuyv, 3, 2, 8, &bytes).unwrap(), [10, 11, 12, 13, 14, 15]);
        assert_eq!(read(PixelFormat::Yuyv, 3, 1, 0, &bytes[..6]).unwrap(), [10, 11, 12]);
    }

    #[test]
    fn of_planar_formats_only_the_luma_plane_is_read() {
        let luma = [1, 2, 3, 4, 5, 6, 7, 8];
        let planes = [&luma[..], &[128; 4]].concat();
        for format in [PixelFormat::Nv12, PixelFormat::Yu12] {
            assert_eq!(read(format, 4, 2, 4, &planes).unwrap(), luma);
            assert_eq!(read(format, 3, 2, 4, &planes).unwrap(), [1, 2, 3, 5, 6, 7]);
            assert_eq!(read(format, 4, 2, 4, &luma).unwrap(), luma);
        }
    }

    #[test]
    fn a_picture_that_lacks_bytes_is_refused_with_both_counts() {
        let error = read(PixelFormat::Yuyv, 2, 2, 6, &[0; 9]).unwrap_err();
        assert_eq!(error.to_string(), "9 bytes instead of at least 10");
        for format in [PixelFormat::Grey, PixelFormat::Uyvy, PixelFormat::Nv12, PixelFormat::Yu12, PixelFormat::Mjpg] {
            assert!(read(format, 640, 480, 0, &[]).is_err());
        }
    }

    #[test]
    fn a_layout_that_makes_no_sense_is_refused() {
        let new = |format, width, height, bytes_per_line| {
            LumaReader::new(Layout { format, width, height, bytes_per_line }).map(|_| ()).unwrap_err()
        };
        assert_eq!(new(PixelFormat::Grey, 0, 480, 0), LayoutError::Size { width: 0, height: 480 });
        assert_eq!(new(PixelFormat::Mjpg, 640, u32::MAX, 0), LayoutError::Size { width: 640, height: u32::MAX });
        assert_eq!(
            new(PixelFormat::Yuyv, 640, 480, 640),
            LayoutError::BytesPerLine { bytes_per_line: 640, width: 640, least: 1280 }
        );
        assert_eq!(new(PixelFormat::Auto, 640, 480, 0), LayoutError::NoFormat);
        // The longest row there can be needs more bytes than anybody has: no overflow, but too short a picture.
        assert!(read(PixelFormat::Grey, 4, 4, u32::MAX, &[0; 64]).is_err());
    }
}
