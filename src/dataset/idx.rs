//! IDX files as MNIST uses them.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use image::GrayImage;

use super::{Face, MAX_PIXELS, bad_data};
use crate::classifier::Emotion;

/// Reads a file of pictures and one of labels, plain or with `.gz`.
pub(super) fn read(images: &Path, labels: &Path) -> Result<Vec<Face>> {
    let ([count, height, width], pixels) = read_file::<3>(images)?;
    let ([labelled], classes) = read_file::<1>(labels)?;
    ensure!(
        count == labelled,
        bad_data(format!("{} has {count} pictures, {} has {labelled} labels", images.display(), labels.display()))
    );
    let size = width as usize * height as usize;
    ensure!(size > 0, bad_data(format!("{}: pictures of {width}×{height} pixels", images.display())));
    pixels
        .chunks_exact(size)
        .zip(&classes)
        .map(|(pixels, &class)| {
            let emotion = Emotion::ALL.get(usize::from(class)).copied();
            let emotion =
                emotion.ok_or_else(|| bad_data(format!("{}: label {class}, but there are 7 classes", labels.display())))?;
            let image = GrayImage::from_raw(width, height, pixels.to_vec()).context("a picture of another size")?;
            Ok((image, emotion))
        })
        .collect()
}

/// Reads an IDX file of bytes with `N` dimensions: 0, 0, 8, N, then the dimensions as big-endian u32, then the bytes.
fn read_file<const N: usize>(path: &Path) -> Result<([u32; N], Vec<u8>)> {
    let file = BufReader::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?);
    let reader: Box<dyn Read> = if path.extension().is_some_and(|extension| extension == "gz") {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    parse(reader).with_context(|| format!("{}: damaged, or no IDX file of bytes in {N} dimensions", path.display()))
}

fn parse<const N: usize>(mut reader: impl Read) -> io::Result<([u32; N], Vec<u8>)> {
    let mut word = [0; 4];
    reader.read_exact(&mut word)?;
    if word != [0, 0, 8, N as u8] {
        return Err(bad_data(format!("begins with {word:?}")));
    }
    let mut dimensions = [0; N];
    let mut size: u64 = 1;
    for dimension in &mut dimensions {
        reader.read_exact(&mut word)?;
        *dimension = u32::from_be_bytes(word);
        size = size.saturating_mul(u64::from(*dimension));
    }
    if size > MAX_PIXELS {
        return Err(bad_data(format!("says that it has {size} bytes")));
    }
    // Read by what comes, not by what the header says: a false header then costs no memory.
    let mut bytes = Vec::new();
    reader.take(size + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != size {
        return Err(bad_data(format!("should have {size} bytes after its header")));
    }
    Ok((dimensions, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idx_file_is_read_in_its_order() {
        // Two pictures of 1 row and 3 columns.
        let bytes = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
        let (dimensions, pixels) = parse::<3>(&bytes[..]).unwrap();
        assert_eq!((dimensions, pixels), ([2, 1, 3], vec![1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn a_damaged_idx_file_is_refused() {
        for bytes in [
            &b""[..],
            b"\0\0\x08",
            b"\0\0\x09\x01\0\0\0\x01a",
            b"\0\0\x08\x01\0\0\0\x03ab",
            b"\0\0\x08\x01\0\0\0\x01ab",
            b"\0\0\x08\x01\xff\xff\xff\xff",
        ] {
            assert!(parse::<1>(bytes).is_err(), "{bytes:?}");
        }
    }
}
