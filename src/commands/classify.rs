//! `visaged classify`: the expressions in pictures.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use super::pictures::{PictureArgs, Place, Report};
use super::stages::{self, DetectorArgs};
use crate::classifier::{Emotion, EmotionClassifier, Probabilities};
use crate::config::ClassifierConfig;
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
    #[command(flatten)]
    pictures: PictureArgs,
}

#[derive(Serialize)]
struct Face {
    #[serde(flatten)]
    place: Place,
    /// None for a crop, which nobody detected.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
    expression: Emotion,
    probabilities: Probabilities,
}

impl Face {
    fn new(place: BoundingBox, score: Option<f32>, probabilities: Probabilities) -> Self {
        Self { place: place.into(), score, expression: probabilities.top(), probabilities }
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let mut network = stages::open_classifier(&ClassifierConfig { model: args.model.clone().unwrap_or_default() })?;
    if args.crops {
        return args.pictures.for_each(
            out,
            |crop| {
                let whole = BoundingBox { x: 0, y: 0, width: crop.width(), height: crop.height() };
                Ok(vec![Face::new(whole, None, network.classify_crop(crop)?)])
            },
            tell,
        );
    }
    let mut detector = args.detector.open()?;
    args.pictures.for_each(
        out,
        |image| {
            let found = detector.detect(image).iter();
            found
                .map(|face| Ok(Face::new(face.bounding_box, Some(face.score), network.classify(image, face.bounding_box)?)))
                .collect()
        },
        tell,
    )
}

fn tell(report: &Report<'_, Face>, out: &mut dyn Write) -> io::Result<()> {
    if report.faces.is_empty() {
        writeln!(out, "{}: no face", report.file)?;
    }
    for Face { place: Place { x, y, width, height }, expression, probabilities, .. } in &report.faces {
        write!(out, "{}: {expression} at {x},{y} ({width}×{height} px):", report.file)?;
        for emotion in Emotion::ALL {
            write!(out, " {emotion} {:.0} %", 100.0 * probabilities.of(emotion))?;
        }
        writeln!(out)?;
    }
    Ok(())
}
