//! `visaged evaluate-sequence`: how well the shown expression follows a labelled recording.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::exit::{BadData, Usage};
use super::stages::ClassifierArgs;
use super::{run, stages};
use crate::camera;
use crate::config::{CameraConfig, Config, ReplaySpeed, SourceKind};
use crate::dataset::timetable::Timetable;
use crate::frame::Frame;
use crate::metrics::events::{JudgedFrame, Scores, SequenceReport, judge};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to look at: a folder of pictures, a list of them (.txt) or a .y4m file.
    recording: PathBuf,
    /// What is shown in it: CSV with the header start,end,expression, in seconds from the first frame.
    labels: PathBuf,
    /// The configuration whose detector, network and tracker are judged [default: the service's if it exists, else the built-in defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    classifier: ClassifierArgs,
    /// The rate of a folder or list of pictures; a .y4m file has its own [default: the configuration's]
    #[arg(long, value_name = "N")]
    frames_per_second: Option<u32>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    recording: String,
    frame_interval_s: f64,
    #[serde(flatten)]
    sequence: SequenceReport,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let mut config = stages::load_config(args.config.as_deref())?;
    config.camera = CameraConfig {
        source: SourceKind::Replay,
        replay: args.recording.clone(),
        replay_speed: ReplaySpeed::Full,
        frames_per_second: args.frames_per_second.unwrap_or(config.camera.frames_per_second),
        ..CameraConfig::default()
    };
    config.classifier = args.classifier.over(config.classifier);
    config.check().map_err(|rule| Usage(format!("{rule} (see --help)")))?;
    let timetable = Timetable::load(&args.labels)?;
    let (frames, interval) = watch(&config, &timetable)?;

    let name = args.recording.display();
    if frames.iter().all(|frame| frame.truth.is_none()) {
        return Err(
            BadData(format!("{}: no label is within the {} frames of {name}", args.labels.display(), frames.len())).into()
        );
    }
    let report =
        Report { recording: name.to_string(), frame_interval_s: interval.as_secs_f64(), sequence: judge(&frames, interval) };
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        print_report(&report, out)?;
    }
    Ok(())
}

/// Sends the recording through the stages, as fast as they are but at its own times, to its end or that of the labels. Gives what is true of every frame and
/// what is shown for its largest face, and the time between two frames.
fn watch(config: &Config, timetable: &Timetable) -> Result<(Vec<JudgedFrame>, Duration)> {
    let mut pipeline = run::open_pipeline(config)?;
    let mut source = camera::open(&config.camera)?;
    let length = timetable.end().as_millis() as u64;
    let progress = ProgressBar::new(length)
        .with_style(ProgressStyle::with_template("{bar:40} {msg}, {eta} left").expect("the template is valid"));
    let mut frames = Vec::new();
    let mut frame = Frame::default();
    let (mut first, mut last) = (None, Duration::ZERO);
    while source.next_frame(&mut frame)? {
        let start = *first.get_or_insert(frame.captured_at);
        let time = frame.captured_at - start;
        if time >= timetable.end() {
            break;
        }
        last = time;
        let shown = pipeline.process(&frame)?.main_face().map(|face| face.expression);
        frames.push(JudgedFrame { truth: timetable.at(time), shown });
        progress.set_position(time.as_millis() as u64);
        progress.set_message(format!("{} s of {} s", time.as_secs(), length / 1000));
    }
    progress.finish_and_clear();
    let steps = frames.len().saturating_sub(1).max(1);
    Ok((frames, last.div_f64(steps as f64)))
}

fn print_report(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Report { recording, frame_interval_s, sequence } = report;
    let SequenceReport { labelled_frames, frames, events, changes_per_minute, true_changes_per_minute, median_onset_delay_s } =
        sequence;
    writeln!(out, "{recording}: {labelled_frames} labelled frames, one every {frame_interval_s:.3} s")?;
    print_scores("frames", frames, out)?;
    print_scores("events", events, out)?;
    writeln!(out, "\nchanges of the label per minute: {changes_per_minute:.1} (truth: {true_changes_per_minute:.1})")?;
    match median_onset_delay_s {
        Some(delay) => writeln!(out, "median delay from the onset of an event to its light: {delay:.2} s"),
        None => writeln!(out, "no event was found"),
    }
}

fn print_scores(cases: &str, scores: &Scores, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{:10} {:>9} {:>9} {:>9} {:>9}", format!("by {cases}"), "precision", "recall", "F1", cases)?;
    let all = std::iter::once(("all", &scores.all));
    for (name, class) in scores.per_class.iter().map(|(emotion, class)| (emotion.name(), class)).chain(all) {
        writeln!(out, "{name:10} {:>9.3} {:>9.3} {:>9.3} {:>9}", class.precision, class.recall, class.f1, class.support)?;
    }
    writeln!(out, "{:10} {:>9} {:>9} {:>9.3}", "macro-F1", "", "", scores.macro_f1)
}
