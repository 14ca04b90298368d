//! `visaged evaluate`: how good the network is on labelled face pictures.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::stages;
use crate::classifier::Emotion;
use crate::config::ClassifierConfig;
use crate::dataset::Dataset;
use crate::metrics::confusion::{ClassReport, Confusion};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder with the data: IDX files (FER-2013 as train, public, private) or a folder per split and expression.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Which split: the beginning of the IDX files' names, or the folder's name.
    #[arg(long, value_name = "NAME")]
    split: String,
    /// The network [default: the built-in one]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    split: &'a str,
    images: u32,
    accuracy: f64,
    macro_f1: f64,
    per_class: BTreeMap<Emotion, ClassReport>,
    /// Rows: truth, columns: answer, both in the order of `Emotion::ALL`.
    confusion: &'a Confusion,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let mut network = stages::open_classifier(&ClassifierConfig { model: args.model.clone().unwrap_or_default() })?;
    let dataset = Dataset::load(&args.data, &args.split)?;
    let mut confusion = Confusion::default();
    let progress = ProgressBar::new(dataset.faces.len() as u64)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} faces, {eta} left").expect("the template is valid"));
    for (face, truth) in progress.wrap_iter(dataset.faces.iter()) {
        confusion.add(*truth, network.classify_crop(face)?.top());
    }
    progress.finish_and_clear();

    let report = Report {
        split: &args.split,
        images: confusion.total(),
        accuracy: confusion.accuracy(),
        macro_f1: confusion.macro_f1(),
        per_class: Emotion::ALL.into_iter().map(|emotion| (emotion, confusion.class(emotion))).collect(),
        confusion: &confusion,
    };
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        print_report(&report, out)?;
    }
    Ok(())
}

fn print_report(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Report { split, images, accuracy, macro_f1, per_class, confusion } = report;
    writeln!(out, "split {split}: {images} faces, accuracy {:.2} %, macro-F1 {macro_f1:.3}\n", 100.0 * accuracy)?;
    writeln!(out, "{:9} {:>9} {:>9} {:>9} {:>9}", "", "precision", "recall", "F1", "faces")?;
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
