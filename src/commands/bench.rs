//! `visaged bench`: the time of every stage on this machine, and how steady the answer is.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::stages::{self, ClassifierArgs, DetectorArgs};
use super::{board, sweep};
use crate::camera::puppet::Puppet;
use crate::camera::{self, FrameSource};
use crate::classifier::{Emotion, EmotionClassifier};
use crate::config::{CameraConfig, ReplaySpeed, SourceKind};
use crate::frame::Frame;
use crate::outputs::View;
use crate::outputs::display::canvas::Canvas;
use crate::outputs::display::scene::Scene;
use crate::pipeline::Pipeline;
use crate::stopwatch::{Step, Timed};
use crate::tracker::Observation;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration [default: /etc/visaged/visaged.toml if it exists, else the built-in defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    detector: DetectorArgs,
    #[command(flatten)]
    classifier: ClassifierArgs,
    /// Look at this many frames of each recording at most.
    #[arg(long, value_name = "N", default_value_t = 300)]
    frames: usize,
    /// Instead: the processor time per frame of drawn pictures from 320×240 to 1920×1080 pixels, and with one to eight faces.
    #[arg(long, conflicts_with = "recordings")]
    sweep: bool,
    /// With --sweep: draw the curves as an SVG picture.
    #[arg(long, value_name = "FILE", requires = "sweep")]
    plot: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Print a report to pass on: first the machine, without anything that identifies it, then the times.
    #[arg(long, conflicts_with_all = ["json", "sweep"])]
    report: bool,
    /// Recordings: folders of pictures, pictures, .y4m files [default: the drawn face]
    #[arg(value_name = "RECORDING")]
    recordings: Vec<PathBuf>,
}

/// The drawn face at its rate, but without waiting for the next picture.
struct Unhurried {
    puppet: Puppet,
    period: Duration,
}

impl Unhurried {
    fn new(camera: &CameraConfig) -> Self {
        let CameraConfig { width, height, frames_per_second, .. } = *camera;
        Self { puppet: Puppet::new(width, height, frames_per_second), period: Duration::from_secs(1) / frames_per_second }
    }
}

impl FrameSource for Unhurried {
    fn description(&self) -> &str {
        self.puppet.description()
    }

    fn next_frame(&mut self, frame: &mut Frame) -> Result<bool> {
        frame.captured_at += self.period;
        self.puppet.draw(&mut frame.image, frame.captured_at);
        Ok(true)
    }
}

/// The time that one stage took, each time.
#[derive(Default)]
struct Stage {
    times: Vec<Duration>,
}

impl Stage {
    fn measure<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.times.push(start.elapsed());
        result
    }

    fn summary(&mut self) -> Summary {
        self.times.sort_unstable();
        let at = |share: f64| {
            let index = (share * self.times.len().saturating_sub(1) as f64).round() as usize;
            self.times.get(index).map_or(0.0, |time| 1e3 * time.as_secs_f64())
        };
        Summary { median_ms: at(0.5), p95_ms: at(0.95), count: self.times.len() }
    }
}

#[derive(Serialize)]
struct Summary {
    median_ms: f64,
    p95_ms: f64,
    count: usize,
}

/// The times of the stages inside the pipeline.
#[derive(Default)]
struct Times {
    everywhere: Stage,
    near: Stage,
    classify: Stage,
}

/// Writes the times of the stages down. The mutex is never waited for: everything runs in one thread.
fn told_to(times: &Arc<Mutex<Times>>) -> impl FnMut(Step, Duration) + Send + use<> {
    let times = Arc::clone(times);
    move |step, took| {
        let mut times = times.lock().expect(UNPOISONED);
        let stage = match step {
            Step::Detect => &mut times.everywhere,
            Step::DetectNear => &mut times.near,
            // Where it is not worth it, it takes no time to say so.
            Step::DetectNearInVain => return,
            Step::Classify => &mut times.classify,
        };
        stage.times.push(took);
    }
}

const UNPOISONED: &str = "no thread panics while it holds the times";

/// How steady the answer is.
#[derive(Default)]
struct Steadiness {
    faces: usize,
    labelled: usize,
    changes: usize,
    /// For how long faces had a label, together.
    labelled_for: Duration,
    first_labels: Vec<Duration>,
    shown: Vec<(u64, Emotion)>,
}

impl Steadiness {
    /// Takes in a frame that came `elapsed` after the one before.
    fn add(&mut self, observation: &Observation, elapsed: Duration) {
        let in_sight = || observation.faces.iter().filter(|face| face.last_seen == observation.captured_at);
        self.faces += in_sight().count();
        self.labelled += usize::from(in_sight().next().is_some());
        for face in &observation.faces {
            if let Some((_, before)) = self.shown.iter().find(|(id, _)| *id == face.id) {
                self.labelled_for += elapsed;
                self.changes += usize::from(*before != face.expression);
            }
        }
        self.shown.clear();
        self.shown.extend(observation.faces.iter().map(|face| (face.id, face.expression)));
    }
}

#[derive(Serialize)]
struct Report {
    frames: usize,
    width: u32,
    height: u32,
    /// Faces in sight that have a label, in all frames together.
    faces: usize,
    /// Share of the frames in which at least one face is in sight and has a label.
    frames_with_label: f64,
    /// How often a face's label changes while the face stays.
    label_changes_per_minute: f64,
    /// From a recording's first frame to the first label, median over the recordings that get one.
    first_label_s: Option<f64>,
    /// Reading and decoding, or drawing, a frame.
    capture: Summary,
    /// Searching a frame everywhere.
    detect: Summary,
    /// Searching it near the known faces only.
    detect_near: Summary,
    /// Per look at a face: crop, resize, network.
    classify: Summary,
    /// From a frame in memory to the faces with their labels.
    pipeline: Summary,
    /// Drawing the scene on 480×320 pixels, without sending it anywhere.
    scene: Summary,
    /// Processor time of the pipeline per frame.
    pipeline_cpu_ms_per_frame: f64,
    /// Processor time of the whole program per frame, with reading or drawing the frames and the scene.
    cpu_ms_per_frame: f64,
    peak_memory_mib: Option<f64>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let mut config = stages::load_config(args.config.as_deref())?;
    config.detector = args.detector.over(config.detector)?;
    config.classifier = args.classifier.over(config.classifier);
    if args.sweep {
        return sweep::run(&config, args.plot.as_deref(), args.json, out);
    }
    let sources: Vec<Box<dyn FrameSource>> = if args.recordings.is_empty() {
        vec![Box::new(Unhurried::new(&config.camera))]
    } else {
        let open = |path: &PathBuf| {
            camera::open(&CameraConfig {
                source: SourceKind::Replay,
                replay: path.clone(),
                replay_speed: ReplaySpeed::Full,
                replay_loop: false,
                ..config.camera.clone()
            })
        };
        args.recordings.iter().map(open).collect::<Result<_>>()?
    };
    let times = Arc::new(Mutex::new(Times::default()));
    let detector = Timed { stage: stages::open_detector(&config.detector)?, tell: told_to(&times) };
    let classifier: Box<dyn EmotionClassifier> = Box::new(stages::open_classifier(&config.classifier)?);
    let classifier = Timed { stage: classifier, tell: told_to(&times) };
    let mut pipeline = Pipeline::new(Box::new(detector), Box::new(classifier), config.tracker.clone());

    let [mut capture, mut process, mut scene_time] = [const { Stage { times: Vec::new() } }; 3];
    let (mut frame, mut steadiness, mut pipeline_cpu) = (Frame::default(), Steadiness::default(), Duration::ZERO);
    let (mut canvas, mut scene) = (Canvas::new(480, 320), Scene::default());
    let progress = ProgressBar::no_length()
        .with_style(ProgressStyle::with_template("{spinner} {pos} frames, {per_sec}").expect("the template is valid"));
    let cpu_start = cpu_time();
    for mut source in sources {
        pipeline.forget_faces();
        let (mut began, mut unlabelled) = (None, true);
        for _ in 0..args.frames {
            let before = frame.captured_at;
            if !capture.measure(|| source.next_frame(&mut frame))? {
                break;
            }
            let pipeline_start = cpu_time();
            let observation = process.measure(|| pipeline.process(&frame))?;
            pipeline_cpu += cpu_time() - pipeline_start;
            let began = *began.get_or_insert(frame.captured_at);
            steadiness.add(observation, frame.captured_at.saturating_sub(before));
            if unlabelled && !observation.faces.is_empty() {
                unlabelled = false;
                steadiness.first_labels.push(frame.captured_at.saturating_sub(began));
            }
            scene_time.measure(|| scene.draw(View::Watching(observation), &mut canvas))?;
            progress.inc(1);
        }
    }
    let cpu = cpu_time() - cpu_start;
    progress.finish_and_clear();

    let frames = process.times.len();
    let mut times = times.lock().expect(UNPOISONED);
    let per_frame = |time: Duration| 1e3 * time.as_secs_f64() / frames.max(1) as f64;
    let Steadiness { faces, labelled, changes, labelled_for, mut first_labels, .. } = steadiness;
    first_labels.sort_unstable();
    let report = Report {
        frames,
        width: frame.image.width(),
        height: frame.image.height(),
        faces,
        frames_with_label: labelled as f64 / frames.max(1) as f64,
        label_changes_per_minute: if changes == 0 { 0.0 } else { 60.0 * changes as f64 / labelled_for.as_secs_f64() },
        first_label_s: first_labels.get(first_labels.len() / 2).map(Duration::as_secs_f64),
        capture: capture.summary(),
        detect: times.everywhere.summary(),
        detect_near: times.near.summary(),
        classify: times.classify.summary(),
        pipeline: process.summary(),
        scene: scene_time.summary(),
        pipeline_cpu_ms_per_frame: per_frame(pipeline_cpu),
        cpu_ms_per_frame: per_frame(cpu),
        peak_memory_mib: peak_memory_mib(),
    };
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else if args.report {
        board::describe("how fast it is", out)?;
        let mut text = Vec::new();
        print_report(&report, &mut text)?;
        // Indented lines stay as they are in Markdown.
        for line in String::from_utf8_lossy(&text).lines() {
            writeln!(out, "    {line}")?;
        }
    } else {
        print_report(&report, out)?;
    }
    Ok(())
}

fn print_report(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Report { frames, width, height, faces, .. } = report;
    writeln!(out, "{frames} frames, the last one {width}×{height} px; {faces} faces with a label")?;
    let first = report.first_label_s.map(|seconds| format!(", the first after {seconds:.2} s")).unwrap_or_default();
    writeln!(
        out,
        "a label in {:.1} % of the frames{first}; a face's label changes {:.1} times a minute\n",
        100.0 * report.frames_with_label,
        report.label_changes_per_minute
    )?;
    writeln!(out, "{:24} {:>10} {:>10} {:>8}", "stage", "median ms", "95 % ms", "times")?;
    for (name, Summary { median_ms, p95_ms, count }) in [
        ("read or draw a frame", &report.capture),
        ("detect everywhere", &report.detect),
        ("detect near known faces", &report.detect_near),
        ("classify, per face", &report.classify),
        ("detect, classify, track", &report.pipeline),
        ("scene, 480×320 px", &report.scene),
    ] {
        writeln!(out, "{name:24} {median_ms:>10.3} {p95_ms:>10.3} {count:>8}")?;
    }
    writeln!(
        out,
        "\nprocessor time {:.2} ms per frame for detecting, classifying and tracking, {:.2} ms for everything",
        report.pipeline_cpu_ms_per_frame, report.cpu_ms_per_frame
    )?;
    if let Some(memory) = report.peak_memory_mib {
        writeln!(out, "peak memory {memory:.1} MiB")?;
    }
    Ok(())
}

/// The processor time of the program so far.
pub(super) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// The largest resident size so far, as the kernel counts it (`VmHWM`).
fn peak_memory_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}
