//! `visaged evaluate`: how good the network is on labelled face pictures.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use image::imageops::flip_horizontal;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::stages::ClassifierArgs;
use crate::classifier::{Emotion, Probabilities};
use crate::dataset::Dataset;
use crate::metrics::calibration::Calibration;
use crate::metrics::confusion::{ClassReport, Confusion};
use crate::plots;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder with the data: IDX files or fer2013.csv (FER-2013 as train, public, private), or a folder per split and expression.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Which split: the beginning of the IDX files' names, a part of fer2013.csv, or the folder's name.
    #[arg(long, value_name = "NAME")]
    split: String,
    #[command(flatten)]
    classifier: ClassifierArgs,
    /// Report also the mean of two looks, at the face and at its mirror image.
    #[arg(long)]
    mirror: bool,
    /// Report also the figures without the pictures that this split has too, pixel for pixel (train, to leave out what the network may know).
    #[arg(long, value_name = "NAME")]
    without_copies_of: Option<String>,
    /// Write confusion.svg, classes.svg and reliability.svg into this folder.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is counted while looking.
#[derive(Default)]
struct Tally {
    confusion: Confusion,
    calibration: Calibration,
}

/// The figures of one way to look, or of one part of the pictures.
#[derive(Serialize)]
struct Summary {
    images: u32,
    accuracy: f64,
    macro_f1: f64,
    /// Expected calibration error over 15 bins.
    calibration_error: f64,
}

#[derive(Serialize)]
struct Report<'a> {
    split: &'a str,
    #[serde(flatten)]
    summary: Summary,
    /// The mean of face and mirror image.
    #[serde(skip_serializing_if = "Option::is_none")]
    mirrored: Option<Summary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    without_copies: Option<WithoutCopies<'a>>,
    per_class: BTreeMap<Emotion, ClassReport>,
    /// Rows: truth, columns: answer, both in the order of `Emotion::ALL`.
    confusion: &'a Confusion,
    /// The bins of the reliability diagram.
    reliability: &'a Calibration,
}

#[derive(Serialize)]
struct WithoutCopies<'a> {
    of: &'a str,
    #[serde(flatten)]
    summary: Summary,
}

impl Tally {
    fn add(&mut self, truth: Emotion, answer: &Probabilities) {
        let top = answer.top();
        self.confusion.add(truth, top);
        self.calibration.add(answer.of(top), top == truth);
    }

    fn summary(&self) -> Summary {
        Summary {
            images: self.confusion.total(),
            accuracy: self.confusion.accuracy(),
            macro_f1: self.confusion.macro_f1(),
            calibration_error: self.calibration.error(),
        }
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let mut network = args.classifier.open()?;
    let dataset = Dataset::load(&args.data, &args.split)?;
    let known = args.without_copies_of.as_ref().map(|split| Dataset::load(&args.data, split)).transpose()?;
    let known: HashSet<_> = known.iter().flat_map(|known| &known.faces).map(|(face, _)| face).collect();

    let (mut all, mut both_looks, mut unknown) = (Tally::default(), Tally::default(), Tally::default());
    let progress = ProgressBar::new(dataset.faces.len() as u64)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} faces, {eta} left").expect("the template is valid"));
    for (face, truth) in progress.wrap_iter(dataset.faces.iter()) {
        let answer = network.classify_crop(face)?;
        all.add(*truth, &answer);
        if args.mirror {
            let mirrored = network.classify_crop(&flip_horizontal(face))?;
            both_looks.add(*truth, &answer.towards(&mirrored, 0.5));
        }
        if !known.contains(face) {
            unknown.add(*truth, &answer);
        }
    }
    progress.finish_and_clear();

    let of = args.without_copies_of.as_deref();
    let report = Report {
        split: &args.split,
        summary: all.summary(),
        mirrored: args.mirror.then(|| both_looks.summary()),
        without_copies: of.map(|of| WithoutCopies { of, summary: unknown.summary() }),
        per_class: Emotion::ALL.into_iter().map(|emotion| (emotion, all.confusion.class(emotion))).collect(),
        confusion: &all.confusion,
        reliability: &all.calibration,
    };
    if let Some(folder) = &args.plots {
        write_plots(&report, folder).with_context(|| format!("cannot write the plots into {}", folder.display()))?;
    }
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        print_report(&report, out)?;
    }
    Ok(())
}

fn write_plots(report: &Report<'_>, folder: &Path) -> Result<()> {
    let Summary { images, accuracy, macro_f1, calibration_error } = &report.summary;
    let split = report.split;
    let caption = format!("{split}: {images} faces, accuracy {:.2} %, macro-F1 {macro_f1:.3}", 100.0 * accuracy);
    let calibration = format!("{split}: {images} faces, expected calibration error {calibration_error:.3}");
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("confusion.svg"), plots::confusion_matrix(report.confusion, &caption)?)?;
    std::fs::write(folder.join("classes.svg"), plots::class_bars(report.confusion, &caption)?)?;
    std::fs::write(folder.join("reliability.svg"), plots::reliability_diagram(report.reliability, &calibration)?)?;
    Ok(())
}

fn print_report(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Report { split, summary, mirrored, without_copies, per_class, confusion, .. } = report;
    writeln!(out, "split {split}: {}", sentence(summary))?;
    if let Some(mirrored) = mirrored {
        writeln!(out, "mean of face and mirror image: {}", sentence(mirrored))?;
    }
    if let Some(WithoutCopies { of, summary }) = without_copies {
        writeln!(out, "without those that are also in {of}: {}", sentence(summary))?;
    }
    writeln!(out, "\n{:9} {:>9} {:>9} {:>9} {:>9}", "", "precision", "recall", "F1", "faces")?;
    for (emotion, class) in per_class {
        writeln!(out, "{emotion:9} {:>9.3} {:>9.3} {:>9.3} {:>9}", class.precision, class.recall, class.f1, class.support)?;
    }
    write!(out, "\n{:9}", "truth")?;
    Emotion::ALL.iter().try_for_each(|answer| write!(out, " {answer:>8}"))?;
    writeln!(out, "  (answers)")?;
    for truth in Emotion::ALL {
        write!(out, "{truth:9}")?;
        Emotion::ALL.iter().try_for_each(|answer| write!(out, " {:>8}", confusion.count(truth, *answer)))?;
        writeln!(out)?;
    }
    Ok(())
}

fn sentence(summary: &Summary) -> String {
    let Summary { images, accuracy, macro_f1, calibration_error } = summary;
    format!(
        "{images} faces, accuracy {:.2} %, macro-F1 {macro_f1:.3}, calibration error {calibration_error:.3}",
        100.0 * accuracy
    )
}
