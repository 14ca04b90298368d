//! The pictures of MJPG cameras: JPEG → luma, also without Huffman tables.
//!
//! The USB video class lets a camera leave the tables out, and many do; decoders refuse such a picture. The tables meant are the typical ones of the
//! JPEG standard, ITU-T T.81 Annex K.3, <https://www.w3.org/Graphics/JPEG/itu-t81.pdf>.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::luma::{BadPicture, MAX_SIDE};

/// Keeps the buffer in which a picture is completed.
#[derive(Default)]
pub(super) struct Decoder {
    completed: Vec<u8>,
}

impl Decoder {
    /// Decodes the luma into `pixels`, which has `width` × `height` bytes.
    ///
    /// Chroma is skipped over and never computed. A picture that ends early is refused, except where only its last row of blocks is touched.
    pub(super) fn decode(&mut self, jpeg: &[u8], width: u32, height: u32, pixels: &mut [u8]) -> Result<(), BadPicture> {
        let headers = read_headers(jpeg)?;
        let jpeg = if headers.huffman_tables {
            jpeg
        } else {
            let (before, scan) = jpeg.split_at(headers.scan);
            self.completed.clear();
            for part in [before, &STANDARD_HUFFMAN_TABLES, scan] {
                self.completed.extend_from_slice(part);
            }
            &self.completed
        };

        // Without strict mode the missing part of a picture would be painted grey, and nobody told.
        let options = DecoderOptions::default()
            .jpeg_set_out_colorspace(ColorSpace::Luma)
            .set_max_width(MAX_SIDE as usize)
            .set_max_height(MAX_SIDE as usize)
            .set_strict_mode(true);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        decoder.decode_headers()?;
        let found = decoder.dimensions().unwrap_or_default();
        if found != (width as usize, height as usize) {
            return Err(BadPicture::OtherSize { width: found.0, height: found.1, wanted_width: width, wanted_height: height });
        }
        Ok(decoder.decode_into(pixels)?)
    }
}

struct Headers {
    /// Where the marker of the first scan begins.
    scan: usize,
    huffman_tables: bool,
}

/// Walks over the segments before the first scan: marker (0xFF and its code), then a length that counts itself (T.81 B.1.1.4).
fn read_headers(jpeg: &[u8]) -> Result<Headers, BadPicture> {
    const START_OF_IMAGE: [u8; 2] = [0xFF, 0xD8];
    const PROGRESSIVE: u8 = 0xC2;
    const HUFFMAN_TABLES: u8 = 0xC4;
    const START_OF_SCAN: u8 = 0xDA;

    if !jpeg.starts_with(&START_OF_IMAGE) {
        return Err(BadPicture::Headers("a beginning"));
    }
    let mut huffman_tables = false;
    let mut place = START_OF_IMAGE.len();
    loop {
        match jpeg.get(place..) {
            // Any number of fill bytes may stand before a marker's code.
            Some([0xFF, 0xFF, ..]) => place += 1,
            Some([0xFF, START_OF_SCAN, ..]) => return Ok(Headers { scan: place, huffman_tables }),
            // The USB video class has none. It may come in a hundred scans, between which the decoder keeps all coefficients: 96 MiB for 4096×4096 pixels.
            Some([0xFF, PROGRESSIVE, ..]) => return Err(BadPicture::Progressive),
            Some([0xFF, marker, high, low, ..]) => {
                huffman_tables |= *marker == HUFFMAN_TABLES;
                place += 2 + usize::from(u16::from_be_bytes([*high, *low])).max(2);
            }
            _ => return Err(BadPicture::Headers("picture data")),
        }
    }
}

/// One DHT segment with the four tables of T.81 Annex K.3.3: for each its class and number, how many codes have 1 to 16 bits, and the symbols.
#[rustfmt::skip]
const STANDARD_HUFFMAN_TABLES: [u8; 420] = [
    0xff, 0xc4, 0x01, 0xa2,
    // Table K.3: DC of luminance.
    0x00,
    0x00, 0x01, 0x05, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
    // Table K.5: AC of luminance.
    0x10,
    0x00, 0x02, 0x01, 0x03, 0x03, 0x02, 0x04, 0x03, 0x05, 0x05, 0x04, 0x04, 0x00, 0x00, 0x01, 0x7d,
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
    0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
    0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
    0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
    0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
    // Table K.4: DC of chrominance.
    0x01,
    0x00, 0x03, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
    // Table K.6: AC of chrominance.
    0x11,
    0x00, 0x02, 0x01, 0x02, 0x04, 0x04, 0x03, 0x04, 0x07, 0x05, 0x04, 0x04, 0x00, 0x01, 0x02, 0x77,
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
    0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
    0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
    0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
    0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
    0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
    0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
    0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
];

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::{ExtendedColorType, GrayImage, RgbImage};

    use super::*;

    const WIDTH: u32 = 40;
    const HEIGHT: u32 = 24;

    /// A ramp from left to right with a bright square.
    fn picture() -> GrayImage {
        GrayImage::from_fn(WIDTH, HEIGHT, |x, y| {
            image::Luma([if (8..20).contains(&x) && (5..17).contains(&y) { 230 } else { (x * 4) as u8 }])
        })
    }

    /// The `image` crate writes the tables of Annex K into its files.
    fn colour_jpeg() -> Vec<u8> {
        let grey = picture();
        let colour = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| image::Rgb([grey.get_pixel(x, y).0[0]; 3]));
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 95).encode(&colour, WIDTH, HEIGHT, ExtendedColorType::Rgb8).unwrap();
        jpeg
    }

    fn without_huffman_tables(jpeg: &[u8]) -> Vec<u8> {
        let scan = read_headers(jpeg).unwrap().scan;
        let mut short = jpeg[..2].to_vec();
        let mut place = 2;
        while place < scan {
            let end = place + 2 + usize::from(u16::from_be_bytes([jpeg[place + 2], jpeg[place + 3]]));
            if jpeg[place + 1] != 0xC4 {
                short.extend_from_slice(&jpeg[place..end]);
            }
            place = end;
        }
        short.extend_from_slice(&jpeg[scan..]);
        short
    }

    fn decode(jpeg: &[u8]) -> Result<Vec<u8>, BadPicture> {
        let mut pixels = vec![0; (WIDTH * HEIGHT) as usize];
        Decoder::default().decode(jpeg, WIDTH, HEIGHT, &mut pixels).map(|()| pixels)
    }

    #[test]
    fn a_progressive_picture_is_refused_before_it_costs_anything() {
        let progressive = [&[0xFF, 0xD8, 0xFF, 0xC2, 0, 11, 8, 16, 0, 16, 0, 1, 1, 0x11, 0][..], &[0xFF, 0xDA, 0, 2]].concat();
        let memory = allocation_counter::measure(|| {
            let refused = Decoder::default().decode(&progressive, 4096, 4096, &mut []);
            assert!(matches!(refused, Err(BadPicture::Progressive)), "{refused:?}");
        });
        assert!(memory.bytes_total < 1024, "{memory:?}");
    }

    #[test]
    fn the_luma_of_a_colour_jpeg_is_the_grey_that_was_encoded() {
        let luma = decode(&colour_jpeg()).unwrap();
        // Quality 95 loses a few levels at the square's edges.
        let worst = luma.iter().zip(picture().as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(8), "{worst:?}");
    }

    #[test]
    fn a_jpeg_without_huffman_tables_decodes_to_the_same_pixels() {
        let jpeg = colour_jpeg();
        let short = without_huffman_tables(&jpeg);
        assert!(short.len() + 400 < jpeg.len());
        assert_eq!(decode(&short).unwrap(), decode(&jpeg).unwrap());
    }

    #[test]
    fn a_webcams_picture_gives_the_luma_of_libjpeg() {
        // See tests/data/mjpeg/README.md.
        let jpeg = include_bytes!("../../tests/data/mjpeg/422_without_tables.jpg");
        let expected = image::load_from_memory(include_bytes!("../../tests/data/mjpeg/422_luma.pgm")).unwrap().into_luma8();
        let mut luma = vec![0; 50 * 30];
        Decoder::default().decode(jpeg, 50, 30, &mut luma).unwrap();
        let worst = luma.iter().zip(expected.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(1), "{worst:?}");
    }

    #[test]
    fn fill_bytes_before_a_marker_do_no_harm() {
        let jpeg = colour_jpeg();
        let filled = [&jpeg[..2], &[0xFF, 0xFF], &jpeg[2..]].concat();
        assert_eq!(decode(&filled).unwrap(), decode(&jpeg).unwrap());
    }

    #[test]
    fn bytes_after_the_end_are_ignored() {
        let jpeg = colour_jpeg();
        let padded = [&jpeg[..], &[0; 100]].concat();
        assert_eq!(decode(&padded).unwrap(), decode(&jpeg).unwrap());
    }

    #[test]
    fn a_jpeg_cut_anywhere_before_its_last_row_of_blocks_is_refused_and_never_panics() {
        for jpeg in [colour_jpeg(), without_huffman_tables(&colour_jpeg())] {
            let scan = read_headers(&jpeg).unwrap().scan;
            for length in 0..jpeg.len() {
                let refused = decode(&jpeg[..length]).is_err();
                let half_of_the_data = scan + (jpeg.len() - scan) / 2;
                assert!(refused || length > half_of_the_data, "cut to {length} of {}", jpeg.len());
            }
        }
    }

    #[test]
    fn a_jpeg_with_any_one_byte_changed_never_panics() {
        let jpeg = colour_jpeg();
        for place in 0..jpeg.len() {
            for value in [0x00, 0x11, 0xD9, 0xFF] {
                let mut damaged = jpeg.clone();
                damaged[place] = value;
                let _ = decode(&damaged);
            }
        }
    }

    #[test]
    fn a_jpeg_of_another_size_is_refused() {
        let mut pixels = vec![0; 640 * 480];
        let error = Decoder::default().decode(&colour_jpeg(), 640, 480, &mut pixels).unwrap_err();
        assert_eq!(error.to_string(), "JPEG of 40×24 instead of 640×480");
    }

    #[test]
    fn garbage_is_refused() {
        assert_eq!(decode(&[0; 64]).unwrap_err().to_string(), "JPEG without a beginning");
        assert_eq!(decode(&[0xFF; 64]).unwrap_err().to_string(), "JPEG without a beginning");
        assert_eq!(decode(&[0xFF, 0xD8, 0xFF, 0xE0, 0xFF, 0xFF]).unwrap_err().to_string(), "JPEG without picture data");
    }
}
