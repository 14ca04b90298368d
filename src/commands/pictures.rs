//! What `detect` and `classify` share: their options, the walk over the pictures, and the shape of the answer.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use image::GrayImage;
use indicatif::ProgressBar;
use serde::Serialize;

use super::exit;
use crate::camera::picture;
use crate::frame::BoundingBox;

#[derive(Debug, clap::Args)]
pub(super) struct PictureArgs {
    /// Print one JSON object a picture.
    #[arg(long)]
    json: bool,
    /// PNG, JPEG or PNM files.
    #[arg(required = true, value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
}

/// The answer for one picture.
#[derive(Serialize)]
pub(super) struct Report<'a, Face> {
    pub(super) file: &'a str,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) faces: Vec<Face>,
}

/// The part of a face's answer that says where it is.
#[derive(Serialize)]
pub(super) struct Place {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl From<BoundingBox> for Place {
    fn from(BoundingBox { x, y, width, height }: BoundingBox) -> Self {
        Self { x, y, width, height }
    }
}

/// From this many pictures on a progress bar is shown (on a terminal).
const WORTH_A_BAR: usize = 20;

impl PictureArgs {
    /// Reads picture after picture, finds the faces of each with `look`, and writes them as JSON, or as `tell` puts it. A picture that cannot be
    /// read does not keep the others from being looked at; the first such error is returned at the end, later ones are printed.
    pub(super) fn for_each<Face: Serialize>(
        &self,
        out: &mut dyn Write,
        mut look: impl FnMut(&GrayImage) -> Result<Vec<Face>>,
        tell: fn(&Report<'_, Face>, &mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let mut first_error = None;
        let many = self.pictures.len() >= WORTH_A_BAR;
        let progress = if many { ProgressBar::new(self.pictures.len() as u64) } else { ProgressBar::hidden() };
        for path in &self.pictures {
            match picture::load_grey(path) {
                Ok(image) => {
                    let (width, height) = image.dimensions();
                    let report = Report { file: &path.to_string_lossy(), width, height, faces: look(&image)? };
                    progress.suspend(|| -> Result<()> {
                        if self.json {
                            writeln!(out, "{}", serde_json::to_string(&report)?)?;
                        } else {
                            tell(&report, out)?;
                        }
                        Ok(())
                    })?;
                }
                Err(error) if first_error.is_none() => first_error = Some(error),
                Err(error) => eprintln!("visaged: {}", exit::one_line(&error)),
            }
            progress.inc(1);
        }
        progress.finish_and_clear();
        first_error.map_or(Ok(()), Err)
    }
}
