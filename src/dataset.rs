//! Labelled face crops for measuring the network: IDX files as MNIST uses them, or a folder per expression.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use image::GrayImage;

use crate::camera::picture;
use crate::classifier::Emotion;

/// No IDX file of faces is larger; a damaged header must not make us ask for more.
const MAX_IDX_BYTES: u64 = 1 << 30;

/// Face crops of one split with their labels.
#[derive(Debug)]
pub struct Dataset {
    /// Crops and labels in the order of the files.
    pub faces: Vec<(GrayImage, Emotion)>,
}

impl Dataset {
    /// Reads split `name` in `directory`: `NAME-images-idx3-ubyte` and `NAME-labels-idx1-ubyte`, plain or with `.gz`, or the folders
    /// `NAME/angry`, `NAME/disgust`, … with pictures.
    ///
    /// # Errors
    /// If neither is there, or a file is damaged.
    pub fn load(directory: &Path, name: &str) -> Result<Self> {
        let folder = directory.join(name);
        let faces = match find_idx(directory, &format!("{name}-images-idx3-ubyte")) {
            Some(images) => {
                let labels = find_idx(directory, &format!("{name}-labels-idx1-ubyte"))
                    .with_context(|| missing(format!("{} has no labels beside it", images.display())))?;
                read_idx(&images, &labels)?
            }
            None if folder.is_dir() => read_folder(&folder)?,
            None => {
                return Err(missing(format!(
                    "no split `{name}` in {}: neither {name}-images-idx3-ubyte(.gz) nor a folder {name}",
                    directory.display()
                ))
                .into());
            }
        };
        ensure!(!faces.is_empty(), bad_data(format!("split `{name}` in {} has no pictures", directory.display())));
        Ok(Self { faces })
    }
}

fn missing(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, message)
}

fn bad_data(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn find_idx(directory: &Path, name: &str) -> Option<PathBuf> {
    [directory.join(name), directory.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file())
}

fn read_idx(images: &Path, labels: &Path) -> Result<Vec<(GrayImage, Emotion)>> {
    let ([count, height, width], pixels) = read_idx_file::<3>(images)?;
    let ([labelled], classes) = read_idx_file::<1>(labels)?;
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
            let image = GrayImage::from_raw(width, height, pixels.to_vec()).expect("a chunk has the size of a picture");
            Ok((image, emotion))
        })
        .collect()
}

/// Reads an IDX file of bytes with `N` dimensions: 0, 0, 8, N, then the dimensions as big-endian u32, then the bytes.
fn read_idx_file<const N: usize>(path: &Path) -> Result<([u32; N], Vec<u8>)> {
    let file = BufReader::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?);
    let reader: Box<dyn Read> = if path.extension().is_some_and(|extension| extension == "gz") {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    parse_idx(reader).with_context(|| format!("{}: damaged, or no IDX file of bytes in {N} dimensions", path.display()))
}

fn parse_idx<const N: usize>(mut reader: impl Read) -> io::Result<([u32; N], Vec<u8>)> {
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
    if size > MAX_IDX_BYTES {
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

fn read_folder(folder: &Path) -> Result<Vec<(GrayImage, Emotion)>> {
    let mut faces = Vec::new();
    for emotion in Emotion::ALL {
        let class = folder.join(emotion.name());
        if !class.is_dir() {
            continue;
        }
        let entries = std::fs::read_dir(&class).with_context(|| format!("cannot read {}", class.display()))?;
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        for path in paths {
            faces.push((picture::load_grey(&path)?, emotion));
        }
    }
    Ok(faces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idx_file_is_read_in_its_order() {
        // Two pictures of 1 row and 3 columns.
        let bytes = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
        let (dimensions, pixels) = parse_idx::<3>(&bytes[..]).unwrap();
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
            assert!(parse_idx::<1>(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_folder_per_expression_is_read_in_fer_2013_order() {
        let folder = tempfile::tempdir().unwrap();
        for (name, grey) in [("test/happy/b.png", 2), ("test/happy/a.png", 1), ("test/angry/z.png", 3)] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            GrayImage::from_pixel(4, 4, image::Luma([grey])).save(path).unwrap();
        }
        let dataset = Dataset::load(folder.path(), "test").unwrap();
        let read: Vec<_> = dataset.faces.iter().map(|(image, emotion)| (image.as_raw()[0], *emotion)).collect();
        assert_eq!(read, [(3, Emotion::Angry), (1, Emotion::Happy), (2, Emotion::Happy)]);
    }

    #[test]
    fn a_split_that_is_not_there_is_missing_input() {
        let error = Dataset::load(Path::new("/nowhere"), "train").unwrap_err();
        assert_eq!(error.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::NotFound);
    }
}
