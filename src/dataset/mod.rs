//! What the network is measured on: labelled face crops in FER-2013's forms (IDX files, `fer2013.csv`) or a folder per expression, and the labels of
//! recordings.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

mod fer_csv;
mod idx;
pub mod timetable;

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use image::GrayImage;

use crate::camera::picture;
use crate::classifier::Emotion;

/// No data set of faces has more pixels, all pictures together; a damaged file must not make us ask for more memory.
const MAX_PIXELS: u64 = 1 << 30;

/// A crop and what it shows.
pub type Face = (GrayImage, Emotion);

/// Face crops of one split with their labels.
#[derive(Debug)]
pub struct Dataset {
    /// Crops and labels in the order of the files.
    pub faces: Vec<Face>,
}

impl Dataset {
    /// Reads split `name` in `directory`, from the first of these that is there:
    ///
    /// * `NAME-images-idx3-ubyte` and `NAME-labels-idx1-ubyte`, plain or with `.gz`;
    /// * `fer2013.csv`, whose splits are train, public and private (or Training, PublicTest and PrivateTest, as the file calls them);
    /// * the folders `NAME/angry`, `NAME/disgust`, … with PNG, JPEG or PNM pictures of any size, in the order of their names.
    ///
    /// # Errors
    /// If none is there, or a file is damaged.
    pub fn load(directory: &Path, name: &str) -> Result<Self> {
        let (folder, csv) = (directory.join(name), directory.join("fer2013.csv"));
        let faces = match find_idx(directory, &format!("{name}-images-idx3-ubyte")) {
            Some(images) => {
                let labels = find_idx(directory, &format!("{name}-labels-idx1-ubyte"))
                    .with_context(|| missing(format!("{} has no labels beside it", images.display())))?;
                idx::read(&images, &labels)?
            }
            None if csv.is_file() => fer_csv::read(&csv, name)?,
            None if folder.is_dir() => read_folder(&folder)?,
            None => {
                return Err(missing(format!(
                    "no split `{name}` in {}: neither {name}-images-idx3-ubyte(.gz) nor fer2013.csv nor a folder {name}",
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

fn read_folder(folder: &Path) -> Result<Vec<Face>> {
    let classes = Emotion::ALL.map(|emotion| (folder.join(emotion.name()), emotion));
    if !classes.iter().any(|(class, _)| class.is_dir()) {
        let names = Emotion::ALL.map(Emotion::name).join(", ");
        return Err(bad_data(format!("{}: none of the folders {names} is in it", folder.display())).into());
    }
    let mut faces = Vec::new();
    for (class, emotion) in classes.into_iter().filter(|(class, _)| class.is_dir()) {
        for path in pictures_in(&class).with_context(|| format!("cannot read {}", class.display()))? {
            faces.push((picture::load_grey(&path)?, emotion));
        }
    }
    Ok(faces)
}

/// The pictures of a folder, in the order of their names.
fn pictures_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = folder.read_dir()?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        picture::EXTENSIONS.iter().any(|known| extension == *known)
    });
    paths.sort_unstable();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with flat pictures of these names and greys.
    fn pictures(named: &[(&str, u8)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, grey) in named {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            GrayImage::from_pixel(4, 4, image::Luma([*grey])).save(path).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_per_expression_is_read_in_fer_2013_order() {
        let folder = pictures(&[("test/happy/b.png", 2), ("test/happy/a.png", 1), ("test/angry/z.png", 3)]);
        std::fs::write(folder.path().join("test/happy/Thumbs.db"), "no picture").unwrap();
        let dataset = Dataset::load(folder.path(), "test").unwrap();
        let read: Vec<_> = dataset.faces.iter().map(|(image, emotion)| (image.as_raw()[0], *emotion)).collect();
        assert_eq!(read, [(3, Emotion::Angry), (1, Emotion::Happy), (2, Emotion::Happy)]);
    }

    #[test]
    fn a_folder_without_the_folders_of_the_expressions_is_refused_with_their_names() {
        let folder = pictures(&[("test/joy/a.png", 1)]);
        let message = Dataset::load(folder.path(), "test").unwrap_err().to_string();
        assert!(
            message.ends_with("none of the folders angry, disgust, fear, happy, sad, surprise, neutral is in it"),
            "{message}"
        );
    }

    #[test]
    fn the_file_of_the_contest_is_found_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("emotion,pixels,Usage\n4,{}9,PrivateTest\n", "9 ".repeat(2303));
        std::fs::write(folder.path().join("fer2013.csv"), text).unwrap();
        let dataset = Dataset::load(folder.path(), "private").unwrap();
        assert_eq!(dataset.faces, [(GrayImage::from_pixel(48, 48, image::Luma([9])), Emotion::Sad)]);
    }

    #[test]
    fn a_split_that_is_not_there_is_missing_input() {
        let error = Dataset::load(Path::new("/nowhere"), "train").unwrap_err();
        assert_eq!(error.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::NotFound);
    }
}
