//! `visaged detect`: the faces in pictures.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;

use super::pictures::{PictureArgs, Place, Report};
use super::stages::DetectorArgs;
use crate::detector::{Detection, FaceDetector};

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
    neighbors: u32,
}

impl From<&Detection> for Face {
    fn from(detection: &Detection) -> Self {
        Self { place: detection.bounding_box.into(), neighbors: detection.neighbors }
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let mut detector = args.detector.open()?;
    args.pictures.for_each(out, |image| Ok(detector.detect(image).iter().map(Face::from).collect()), tell)
}

fn tell(report: &Report<'_, Face>, out: &mut dyn Write) -> io::Result<()> {
    let Report { file, width, height, faces } = report;
    writeln!(out, "{file}: {} face{} in {width}×{height} px", faces.len(), if faces.len() == 1 { "" } else { "s" })?;
    for Face { place: Place { x, y, width, height }, neighbors } in faces {
        writeln!(out, "  at {x},{y}: {width}×{height} px, {neighbors} neighbors")?;
    }
    Ok(())
}
