//! `visaged detect`: the faces in pictures.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use super::stages::{DetectorArgs, for_each_picture};
use crate::detector::{Detection, FaceDetector};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    detector: DetectorArgs,
    /// Print one JSON object a picture.
    #[arg(long)]
    json: bool,
    /// PNG, JPEG or PNM files.
    #[arg(required = true, value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Report<'a> {
    file: &'a str,
    width: u32,
    height: u32,
    faces: Vec<Face>,
}

#[derive(Serialize)]
struct Face {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    neighbors: u32,
}

impl From<&Detection> for Face {
    fn from(detection: &Detection) -> Self {
        let place = detection.bounding_box;
        Self { x: place.x, y: place.y, width: place.width, height: place.height, neighbors: detection.neighbors }
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let mut detector = args.detector.open()?;
    for_each_picture(&args.pictures, |file, image| {
        let faces = detector.detect(image).iter().map(Face::from).collect();
        let report = Report { file, width: image.width(), height: image.height(), faces };
        if args.json {
            writeln!(out, "{}", serde_json::to_string(&report)?)?;
        } else {
            let count = report.faces.len();
            writeln!(out, "{file}: {count} face{} in {}×{} px", if count == 1 { "" } else { "s" }, report.width, report.height)?;
            for Face { x, y, width, height, neighbors } in &report.faces {
                writeln!(out, "  at {x},{y}: {width}×{height} px, {neighbors} neighbors")?;
            }
        }
        Ok(())
    })
}
