//! The scene as a PNG file, replaced at most once a second: for a web page, a picture frame, or a look from afar. It never holds a camera picture.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use embedded_graphics::geometry::OriginDimensions;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::canvas::Canvas;
use super::moment::Moment;
use super::scene::Scene;
use super::style::SceneStyle;
use crate::outputs::{Output, View};

/// Width and height of the picture.
const SIZE: (u32, u32) = (800, 480);
/// The file is not replaced more often.
const INTERVAL: Duration = Duration::from_secs(1);

/// A picture file. At the end it keeps the last picture.
pub struct PngFile {
    path: PathBuf,
    /// Written first and then renamed: who reads the file never sees half a picture.
    unfinished: PathBuf,
    name: String,
    scene: Scene,
    canvas: Canvas,
    bytes: Vec<u8>,
    written_at: Option<Instant>,
}

impl PngFile {
    /// Will write a scene of this style to `path`.
    ///
    /// # Errors
    /// If `path` names no file, or its folder does not exist.
    pub fn open(path: &Path, style: SceneStyle) -> Result<Self> {
        let mut unfinished = path.file_name().ok_or_else(|| anyhow!("{} is no file name", path.display()))?.to_owned();
        unfinished.push(".unfinished");
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::metadata(folder).with_context(|| format!("cannot write {}: no folder {}", path.display(), folder.display()))?;
        Ok(Self {
            path: path.to_owned(),
            unfinished: path.with_file_name(unfinished),
            name: format!("picture file {}", path.display()),
            scene: Scene::new(style),
            canvas: Canvas::new(SIZE.0, SIZE.1),
            bytes: Vec::new(),
            written_at: None,
        })
    }
}

impl Output for PngFile {
    fn name(&self) -> &str {
        &self.name
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        if self.written_at.is_some_and(|then| then.elapsed() < INTERVAL) {
            return Ok(());
        }
        self.written_at = Some(Instant::now());
        let Ok(()) = self.scene.at(Moment::now()).draw(view, &mut self.canvas);
        write(&self.canvas, &mut self.bytes, &self.unfinished)
            .and_then(|()| Ok(fs::rename(&self.unfinished, &self.path)?))
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Writes `canvas` as a PNG file; `bytes` is a buffer.
///
/// # Errors
/// Those of the file system.
pub fn write(canvas: &Canvas, bytes: &mut Vec<u8>, path: &Path) -> Result<()> {
    canvas.to_rgb_bytes(bytes);
    let mut file = BufWriter::new(File::create(path)?);
    let size = canvas.size();
    // The scene is flat: the fastest setting is small enough.
    let encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Up);
    encoder.write_image(bytes, size.width, size.height, ExtendedColorType::Rgb8)?;
    Ok(file.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_a_picture_of_the_scene_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scene.png");
        let mut output = PngFile::open(&path, SceneStyle::default()).unwrap();
        output.show(View::Starting).unwrap();
        let picture = image::open(&path).unwrap().to_rgb8();
        assert_eq!(picture.dimensions(), SIZE);
        assert_eq!(picture.as_raw(), &output.bytes);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_file_is_written_once_a_second_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scene.png");
        let mut output = PngFile::open(&path, SceneStyle::default()).unwrap();
        output.show(View::Starting).unwrap();
        fs::remove_file(&path).unwrap();
        output.show(View::Starting).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_does_not_exist_is_named() {
        let error = format!("{:#}", PngFile::open(Path::new("/nonexistent/scene.png"), SceneStyle::default()).err().unwrap());
        assert_eq!(error, "cannot write /nonexistent/scene.png: no folder /nonexistent: No such file or directory (os error 2)");
    }
}
