//! `visaged classify`: the expressions in pictures.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;

use super::pictures::{PictureArgs, Place, Report};
use super::stages::{ClassifierArgs, DetectorArgs};
use crate::classifier::{Emotion, EmotionClassifier, Probabilities};
use crate::frame::BoundingBox;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    detector: DetectorArgs,
    #[command(flatten)]
    classifier: ClassifierArgs,
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
    let mut network = args.classifier.open()?;
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
                .filter_map(|face| {
                    let seen = network.classify(image, face.bounding_box).transpose()?;
                    Some(seen.map(|probabilities| Face::new(face.bounding_box, Some(face.score), probabilities)))
                })
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
