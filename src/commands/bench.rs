//! `visaged bench`: the time of every stage on this machine.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::stages;
use crate::camera::puppet::Puppet;
use crate::camera::{self, FrameSource};
use crate::classifier::EmotionClassifier;
use crate::config::{CameraConfig, ReplaySpeed, SourceKind};
use crate::detector::FaceDetector;
use crate::frame::Frame;
use crate::outputs::View;
use crate::outputs::display::canvas::Canvas;
use crate::outputs::display::scene::Scene;
use crate::tracker::{ClassifiedFace, Tracker};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration [default: /etc/visaged/visaged.toml if it exists, else the built-in defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Look at this many frames of each recording at most.
    #[arg(long, value_name = "N", default_value_t = 300)]
    frames: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
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

/// The time that one stage took for each frame.
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

#[derive(Serialize)]
struct Report {
    frames: usize,
    width: u32,
    height: u32,
    /// Detections in all frames together.
    faces: usize,
    /// Share of the frames in which at least one face was found.
    frames_with_face: f64,
    /// Reading and decoding, or drawing, a frame.
    capture: Summary,
    detect: Summary,
    /// Per face: crop, resize, network.
    classify: Summary,
    track: Summary,
    /// Drawing the scene on 480×320 pixels, without sending it anywhere.
    scene: Summary,
    /// Processor time of the whole program per frame.
    cpu_ms_per_frame: f64,
    peak_memory_mib: Option<f64>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<()> {
    let config = stages::load_config(args.config.as_deref())?;
    let mut detector = stages::open_detector(&config.detector)?;
    let mut classifier = stages::open_classifier(&config.classifier)?;
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

    let [mut capture, mut detect, mut classify, mut track, mut scene_time] = [const { Stage { times: Vec::new() } }; 5];
    let (mut frame, mut faces, mut found, mut with_face) = (Frame::default(), Vec::new(), 0, 0);
    let (mut canvas, mut scene) = (Canvas::new(480, 320), Scene::default());
    let progress = ProgressBar::no_length()
        .with_style(ProgressStyle::with_template("{spinner} {pos} frames, {per_sec}").expect("the template is valid"));
    let cpu_start = cpu_time();
    for mut source in sources {
        let mut tracker = Tracker::new(config.tracker.clone());
        for _ in 0..args.frames {
            if !capture.measure(|| source.next_frame(&mut frame))? {
                break;
            }
            let detections = detect.measure(|| detector.detect(&frame.image));
            faces.clear();
            for detection in detections {
                let bounding_box = detection.bounding_box;
                let probabilities = classify.measure(|| classifier.classify(&frame.image, bounding_box))?;
                faces.push(ClassifiedFace { bounding_box, probabilities });
            }
            found += faces.len();
            with_face += usize::from(!faces.is_empty());
            let observation = track.measure(|| tracker.update(&frame, &faces));
            scene_time.measure(|| scene.draw(View::Watching(observation), &mut canvas))?;
            progress.inc(1);
        }
    }
    let cpu = cpu_time() - cpu_start;
    progress.finish_and_clear();

    let frames = capture.times.len().min(detect.times.len());
    let report = Report {
        frames,
        width: frame.image.width(),
        height: frame.image.height(),
        faces: found,
        frames_with_face: with_face as f64 / frames.max(1) as f64,
        capture: capture.summary(),
        detect: detect.summary(),
        classify: classify.summary(),
        track: track.summary(),
        scene: scene_time.summary(),
        cpu_ms_per_frame: 1e3 * cpu.as_secs_f64() / frames.max(1) as f64,
        peak_memory_mib: peak_memory_mib(),
    };
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        print_report(&report, out)?;
    }
    Ok(())
}

fn print_report(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let share = 100.0 * report.frames_with_face;
    writeln!(
        out,
        "{} frames, the last one {}×{} px; {} faces, at least one in {share:.1} % of the frames\n",
        report.frames, report.width, report.height, report.faces
    )?;
    writeln!(out, "{:22} {:>10} {:>10} {:>8}", "stage", "median ms", "95 % ms", "times")?;
    for (name, Summary { median_ms, p95_ms, count }) in [
        ("read or draw a frame", &report.capture),
        ("detect", &report.detect),
        ("classify, per face", &report.classify),
        ("track", &report.track),
        ("scene, 480×320 px", &report.scene),
    ] {
        writeln!(out, "{name:22} {median_ms:>10.3} {p95_ms:>10.3} {count:>8}")?;
    }
    writeln!(out, "\nprocessor time {:.2} ms per frame", report.cpu_ms_per_frame)?;
    if let Some(memory) = report.peak_memory_mib {
        writeln!(out, "peak memory {memory:.1} MiB")?;
    }
    Ok(())
}

fn cpu_time() -> Duration {
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
