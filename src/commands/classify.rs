//! `visaged classify`: the expressions in pictures.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use super::stages::{self, DetectorArgs, for_each_picture};
use crate::classifier::{Emotion, EmotionClassifier, Probabilities};
use crate::config::ClassifierConfig;
use crate::detector::FaceDetector;
use crate::frame::BoundingBox;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    detector: DetectorArgs,
    /// The network [default: the built-in one]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// The pictures are faces already, cut out as a detector would.
    #[arg(long)]
    crops: bool,
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
    /// None for a crop, which nobody detected.
    #[serde(skip_serializing_if = "Option::is_none")]
    neighbors: Option<u32>,
    expression: Emotion,
    probabilities: Probabilities,
}

impl Face {
    fn new(place: BoundingBox, neighbors: Option<u32>, probabilities: Probabilities) -> Self {
        let BoundingBox { x, y, width, height } = place;
        Self { x, y, width, height, neighbors, expression: probabilities.top(), probabilities }
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let mut network = stages::open_classifier(&ClassifierConfig { model: args.model.clone().unwrap_or_default() })?;
    let mut detector = if args.crops { None } else { Some(args.detector.open()?) };
    for_each_picture(&args.pictures, |file, image| {
        let (width, height) = image.dimensions();
        let faces = match &mut detector {
            None => vec![Face::new(BoundingBox { x: 0, y: 0, width, height }, None, network.classify_crop(image)?)],
            Some(detector) => detector
                .detect(image)
                .iter()
                .map(|found| {
                    Ok(Face::new(found.bounding_box, Some(found.neighbors), network.classify(image, found.bounding_box)?))
                })
                .collect::<Result<_>>()?,
        };
        let report = Report { file, width, height, faces };
        if args.json {
            writeln!(out, "{}", serde_json::to_string(&report)?)?;
        } else {
            print_report(&report, out)?;
        }
        Ok(())
    })
}

fn print_report(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    if report.faces.is_empty() {
        writeln!(out, "{}: no face", report.file)?;
    }
    for face in &report.faces {
        write!(out, "{}: {} at {},{} ({}×{} px):", report.file, face.expression, face.x, face.y, face.width, face.height)?;
        for emotion in Emotion::ALL {
            write!(out, " {emotion} {:.0} %", 100.0 * face.probabilities.of(emotion))?;
        }
        writeln!(out)?;
    }
    Ok(())
}
