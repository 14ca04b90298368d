//! Picture files → grey, within limits.
//!
//! The rule for colour is OpenCV's `cvtColor` (`COLOR_BGR2GRAY`, BT.601 weights in 15 bits):
//! `(9798 R + 19235 G + 3735 B + 16384) >> 15`; of 16-bit samples the upper byte counts, alpha is left out. On random pixels this gave the very values of
//! OpenCV 5.0.0; JPEG decoders may differ among each other by a level or two before the rule is applied.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageError, ImageReader, ImageResult, Limits};

/// The largest width and height of a picture file in pixels.
pub const MAX_SIDE: u32 = 8192;

/// The most memory that a decoder may use, and the longest file, in bytes.
pub const MAX_BYTES: u64 = 256 << 20;

/// The file name endings of the pictures that can be read.
pub const EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "pgm", "ppm", "pbm", "pnm"];

/// Reads a picture: PNG, JPEG or PNM, whatever its name says. It is turned upright if its EXIF data say how (cameras held sideways).
///
/// # Errors
/// If the file cannot be read (an [`io::Error`] is in the chain), or is no picture, damaged or beyond the limits ([`BadPictureFile`]).
pub fn load_grey(path: &Path) -> Result<GrayImage> {
    decode(path).with_context(|| format!("{}: cannot read the picture", path.display()))
}

/// The content of a file is no picture that can be read. Told on one line: some decoders end theirs with a line break, and repeat their source.
#[derive(Debug)]
pub struct BadPictureFile(pub ImageError);

impl std::error::Error for BadPictureFile {}

impl fmt::Display for BadPictureFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_on_one_line(&self.0, f)
    }
}

/// Writes `error` with every run of white space as one space.
pub(super) fn write_on_one_line(error: &impl fmt::Display, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = error.to_string();
    for (place, word) in text.split_whitespace().enumerate() {
        write!(f, "{}{word}", if place == 0 { "" } else { " " })?;
    }
    Ok(())
}

fn decode(path: &Path) -> Result<GrayImage> {
    let about = fs::metadata(path)?;
    // A pipe could block for ever, a device could go on for ever.
    if about.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder").into());
    }
    if !about.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no file").into());
    }
    if about.len() > MAX_BYTES {
        let message = format!("{} MiB, more than the {} MiB allowed", about.len() >> 20, MAX_BYTES >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message).into());
    }

    let reader = ImageReader::new(BufReader::new(File::open(path)?)).with_guessed_format()?;
    decode_limited(reader).map_err(|error| match error {
        ImageError::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => error.into(),
        error => BadPictureFile(error).into(),
    })
}

fn decode_limited(mut reader: ImageReader<BufReader<File>>) -> ImageResult<GrayImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;

    // A damaged EXIF block is no reason to refuse the picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(to_grey(picture))
}

fn to_grey(picture: DynamicImage) -> GrayImage {
    match picture {
        DynamicImage::ImageLuma8(grey) => grey,
        DynamicImage::ImageLumaA8(picture) => grey_of(&picture, |pixel| pixel.0[0]),
        DynamicImage::ImageLuma16(picture) => grey_of(&picture, |pixel| upper_byte(pixel.0[0])),
        DynamicImage::ImageLumaA16(picture) => grey_of(&picture, |pixel| upper_byte(pixel.0[0])),
        DynamicImage::ImageRgb8(picture) => grey_of(&picture, |pixel| luma(pixel.0)),
        DynamicImage::ImageRgb16(picture) => grey_of(&picture, |pixel| luma(pixel.0.map(upper_byte))),
        DynamicImage::ImageRgba16(picture) => grey_of(&picture, |&image::Rgba([r, g, b, _])| luma([r, g, b].map(upper_byte))),
        other => grey_of(&other.into_rgba8(), |&image::Rgba([r, g, b, _])| luma([r, g, b])),
    }
}

fn grey_of<P: image::Pixel>(picture: &image::ImageBuffer<P, Vec<P::Subpixel>>, grey: impl Fn(&P) -> u8) -> GrayImage {
    let mut luma = GrayImage::new(picture.width(), picture.height());
    for (luma, pixel) in luma.iter_mut().zip(picture.pixels()) {
        *luma = grey(pixel);
    }
    luma
}

fn upper_byte(sample: u16) -> u8 {
    (sample >> 8) as u8
}

fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((9798 * u32::from(r) + 19235 * u32::from(g) + 3735 * u32::from(b) + 16384) >> 15) as u8
}

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, Rgb, Rgba};

    use super::*;

    /// The whole chain on one line, as `main` prints it.
    fn error_of(name: &str, bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let message = format!("{:#}", load_grey(&path).unwrap_err());
        assert!(message.contains(name) && !message.contains('\n'), "{message}");
        assert!(load_grey(&path).unwrap_err().is::<BadPictureFile>());
        message
    }

    fn written_and_read(name: &str, picture: &DynamicImage) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        picture.save(&path).unwrap();
        load_grey(&path).unwrap().into_raw()
    }

    #[test]
    fn colours_become_the_grey_of_opencv() {
        // cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), OpenCV 5.0.0; on the last three a rule in 14 bits gives one level more or less.
        let expected = [
            ([255, 0, 0], 76),
            ([0, 255, 0], 150),
            ([0, 0, 255], 29),
            ([255, 255, 255], 255),
            ([10, 200, 30], 124),
            ([1, 2, 3], 2),
            ([200, 100, 50], 124),
            ([128, 64, 255], 105),
            ([138, 167, 72], 148),
            ([48, 17, 212], 48),
            ([230, 156, 247], 188),
        ];
        for (colour, grey) in expected {
            assert_eq!(luma(colour), grey, "{colour:?}");
        }
    }

    #[test]
    fn sixteen_bits_become_eight_as_in_opencv() {
        // cv2.imread(path, cv2.IMREAD_GRAYSCALE) of these 16-bit PNGs, OpenCV 5.0.0.
        let samples = vec![0, 127, 128, 255, 256, 32767, 65279, 65280, 65535];
        let grey = DynamicImage::ImageLuma16(ImageBuffer::from_raw(9, 1, samples).unwrap());
        assert_eq!(written_and_read("grey16.png", &grey), [0, 0, 0, 0, 1, 127, 254, 255, 255]);
        let colour = DynamicImage::ImageRgb16(ImageBuffer::from_pixel(1, 1, Rgb([0x9abc, 0x5678, 0x1234])));
        assert_eq!(written_and_read("colour16.png", &colour), [99]);
    }

    #[test]
    fn transparency_does_not_darken() {
        let picture = DynamicImage::ImageRgba8(ImageBuffer::from_pixel(1, 1, Rgba([200, 100, 50, 0])));
        assert_eq!(written_and_read("clear.png", &picture), [124]);
    }

    #[test]
    fn a_picture_is_known_by_its_content_not_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("really_a_pgm.jpg");
        fs::write(&path, b"P5 2 1 255\n\x07\x09").unwrap();
        assert_eq!(load_grey(&path).unwrap().into_raw(), [7, 9]);
    }

    #[test]
    fn a_missing_file_and_a_folder_are_told_apart_from_a_damaged_picture() {
        let error = load_grey(Path::new("/nonexistent/face.png")).unwrap_err();
        assert!(error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound));
        assert_eq!(
            format!("{error:#}"),
            "/nonexistent/face.png: cannot read the picture: No such file or directory (os error 2)"
        );

        let folder = tempfile::tempdir().unwrap();
        let error = load_grey(folder.path()).unwrap_err();
        assert!(format!("{error:#}").ends_with("cannot read the picture: it is a folder"), "{error:#}");

        assert!(error_of("empty.png", b"").contains("cannot read the picture: "));
        error_of("cut.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
        error_of("cut.jpg", &[0xFF, 0xD8, 0xFF, 0xE0, 0, 16]);
        error_of("text.pgm", b"hello, no picture");
    }

    #[test]
    fn an_oversized_picture_is_refused_before_its_pixels_are_read() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend_from_slice(&[0, 1, 0x86, 0xA0, 0, 1, 0x86, 0xA0, 8, 0, 0, 0, 0]);
        // The CRC of this header (100000 × 100000, 8-bit grey) is Python's zlib.crc32.
        png.extend_from_slice(&[0x8D, 0x39, 0x54, 0x14]);
        png.extend_from_slice(b"\0\0\0\0IDAT\x35\xAF\x06\x1E");
        assert!(error_of("huge.png", &png).contains("limit"), "{}", error_of("huge.png", &png));
        assert!(error_of("huge.pgm", b"P5 100000 100000 255\n\0").contains("limit"));
        // Within the sides, but 402 MB of samples.
        assert!(error_of("heavy.ppm", b"P6 8192 8192 65535\n\0").contains("imit"));
    }
}
