//! `visaged detect`: the faces in pictures.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;

use super::pictures::{PictureArgs, Place, Report};
use super::stages::DetectorArgs;
use crate::detector::Detection;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    detector: DetectorArgs,
    #[command(flatten)]
    pictures: PictureArgs,
}

#[derive(Serialize)]
struct Face {
    #[serde(flatten)]
    place: Place,
    /// As in [`Detection`].
    score: f32,
}

impl From<&Detection> for Face {
    fn from(detection: &Detection) -> Self {
        Self { place: detection.bounding_box.into(), score: detection.score }
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let mut detector = args.detector.open()?;
    args.pictures.for_each(out, |image| Ok(detector.detect(image).iter().map(Face::from).collect()), tell)
}

fn tell(report: &Report<'_, Face>, out: &mut dyn Write) -> io::Result<()> {
    let Report { file, width, height, faces } = report;
    writeln!(out, "{file}: {} face{} in {width}×{height} px", faces.len(), if faces.len() == 1 { "" } else { "s" })?;
    for Face { place: Place { x, y, width, height }, score } in faces {
        writeln!(out, "  at {x},{y}: {width}×{height} px, score {score:.2}")?;
    }
    Ok(())
}
