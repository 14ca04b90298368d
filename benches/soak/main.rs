//! A long run of the program, watched from outside: once a second the kernel is asked for its memory, open files and threads, and the program for its
//! frames. What runs:
//!
//! - `cargo bench --bench soak -- frames 100000`: the program itself with its own networks, a display (a PNG file), the database with events, and a recording of
//!   drawn faces that come and go in place of a camera, as fast as it goes;
//! - `-- minutes 120`: the same at 15 frames/s;
//! - `-- parts 1000000`: everything but the networks, with lights, as fast as it goes ([`parts`]).
//!
//! A file name after the number gets the memory as a picture.

#![allow(clippy::disallowed_methods, reason = "threads that are no part of the service")]

mod parts;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use image::{GrayImage, imageops};
use plotters::prelude::*;
use rustix::process::{Pid, Signal, kill_process};
use visaged::camera::puppet::Puppet;

/// From this frame on nothing may grow any more: every buffer has met every kind of scene, and the database has been written to.
const SETTLED: u64 = 10_000;
/// So much may the memory grow after that, in KiB.
const GROWTH: i64 = 256;
/// The unit's `WatchdogSec=`.
const WATCHDOG: Duration = Duration::from_secs(30);

/// Frames/s of the recording.
const RATE: u32 = 15;
/// Two drawn faces have room side by side.
const SIZE: (u32, u32) = (160, 120);
/// Who is there, from which second on: nobody, the left one, both, the right one, nobody.
const PROGRAMME: [(u32, [bool; 2]); 5] =
    [(0, [false, false]), (10, [true, false]), (40, [true, true]), (60, [false, true]), (80, [false, false])];
const LENGTH_S: u32 = 90;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (until, count, plot) = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["inside", folder] => return parts::run(Path::new(folder)).map(|()| ExitCode::SUCCESS),
        [what, count] => (Until::named(what)?, count.parse()?, None),
        [what, count, plot] => (Until::named(what)?, count.parse()?, Some(*plot)),
        _ => bail!("arguments: frames | minutes | parts NUMBER [PLOT.svg]"),
    };
    let folder = tempfile::tempdir()?;
    if until != Until::Parts {
        record(&folder.path().join("faces.y4m"))?;
    }
    let samples = Soak::start(folder.path(), until)?.run(until, count)?;
    if let Some(plot) = plot {
        draw(&samples, Path::new(plot)).with_context(|| format!("cannot draw {plot}"))?;
    }
    Ok(if samples.told() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Clone, Copy, PartialEq)]
enum Until {
    /// As fast as frames are looked at.
    Frames,
    /// In real time.
    Minutes,
    /// As fast as frames are looked at, without the networks.
    Parts,
}

impl Until {
    fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "frames" => Self::Frames,
            "minutes" => Self::Minutes,
            "parts" => Self::Parts,
            _ => bail!("{name}: neither frames, minutes nor parts"),
        })
    }
}

/// Draws the recording.
fn record(path: &Path) -> Result<()> {
    let puppet = Puppet::new(SIZE.0 / 2, SIZE.1, RATE);
    let mut empty = GrayImage::from_pixel(SIZE.0, SIZE.1, image::Luma([110]));
    let mut half = GrayImage::default();
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "YUV4MPEG2 W{} H{} F{RATE}:1 Ip A1:1 Cmono", SIZE.0, SIZE.1)?;
    for number in 0..LENGTH_S * RATE {
        let there = PROGRAMME.iter().rev().find(|(from, _)| number >= from * RATE).map_or([false; 2], |(_, there)| *there);
        empty.fill(110);
        for (side, _) in (0..).zip(there).filter(|(_, there)| *there) {
            // The two are at different places of their programme.
            puppet.draw(&mut half, Duration::from_secs(1) * number / RATE + Duration::from_secs(5) * side);
            imageops::replace(&mut empty, &half, i64::from(side * SIZE.0 / 2), 0);
        }
        writeln!(file, "FRAME")?;
        file.write_all(&empty)?;
    }
    Ok(file.flush()?)
}

/// The program while it runs.
struct Soak {
    process: Child,
    folder: PathBuf,
    beats: Receiver<Instant>,
}

/// What was seen at one moment.
struct Sample {
    frames: u64,
    faces: u64,
    memory_kib: i64,
    files: usize,
    threads: usize,
}

/// What was seen in all.
struct Samples {
    list: Vec<Sample>,
    beats: usize,
    longest_gap: Duration,
    log_lines: usize,
    took: Duration,
}

impl Soak {
    fn start(folder: &Path, until: Until) -> Result<Self> {
        let at = |name: &str| folder.join(name).display().to_string();
        let speed = if until == Until::Frames { "full" } else { "recorded" };
        let config = format!(
            "[camera]\nsource = \"replay\"\nreplay = {:?}\nreplay_loop = true\nreplay_speed = \"{speed}\"\n\
             [detector]\nmin_size = 24\n[display]\npng = {:?}\n[statistics]\ndatabase = {:?}\nevents = true\nfile = {:?}\n",
            at("faces.y4m"),
            at("scene.png"),
            at("statistics.sqlite"),
            at("lines.jsonl"),
        );
        fs::write(folder.join("visaged.toml"), config)?;
        let socket = UnixDatagram::bind(folder.join("notify"))?;
        let (sender, beats) = channel();
        std::thread::spawn(move || {
            let mut message = [0; 4096];
            while let Ok(length) = socket.recv(&mut message) {
                if message[..length].starts_with(b"WATCHDOG=1") && sender.send(Instant::now()).is_err() {
                    return;
                }
            }
        });
        let mut command = match until {
            Until::Parts => Command::new(std::env::current_exe()?),
            _ => Command::new(env!("CARGO_BIN_EXE_visaged")),
        };
        match until {
            Until::Parts => command.arg("inside").arg(folder),
            _ => command.args(["run", "--config", &at("visaged.toml")]),
        };
        let process = command
            .env("NOTIFY_SOCKET", folder.join("notify"))
            .env("RUNTIME_DIRECTORY", folder)
            .stderr(File::create(folder.join("log"))?)
            .spawn()?;
        Ok(Self { process, folder: folder.to_owned(), beats })
    }

    fn run(mut self, until: Until, count: u64) -> Result<Samples> {
        let started = Instant::now();
        let (mut list, mut beats) = (Vec::new(), Vec::new());
        loop {
            std::thread::sleep(Duration::from_secs(1));
            ensure!(self.process.try_wait()?.is_none(), "it has ended: {}", fs::read_to_string(self.folder.join("log"))?);
            // While a network is loaded nobody answers.
            let Ok(sample) = self.sample() else {
                ensure!(started.elapsed() < 2 * WATCHDOG || !list.is_empty(), "it does not answer");
                continue;
            };
            let (frames, memory) = (sample.frames, sample.memory_kib);
            list.push(sample);
            beats.extend(self.beats.try_iter());
            if list.len() % 60 == 0 {
                let (seconds, gap) = (started.elapsed().as_secs(), longest_gap(&beats).as_secs_f64());
                eprintln!("{frames} frames in {seconds} s, {memory} KiB, longest gap between beats {gap:.1} s");
            }
            match until {
                Until::Frames | Until::Parts if frames >= count => break,
                Until::Minutes if started.elapsed().as_secs() >= 60 * count => break,
                _ => {}
            }
        }
        let took = started.elapsed();
        kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        let status = self.process.wait()?;
        ensure!(status.success(), "it ended with {status}");
        beats.extend(self.beats.try_iter());
        let log_lines = fs::read_to_string(self.folder.join("log"))?.lines().count();
        Ok(Samples { list, beats: beats.len(), longest_gap: longest_gap(&beats), log_lines, took })
    }

    fn sample(&self) -> Result<Sample> {
        let process = PathBuf::from(format!("/proc/{}", self.process.id()));
        // Exact, other than in `status`.
        let memory = fs::read_to_string(process.join("smaps_rollup"))?;
        let memory = memory.lines().find_map(|line| line.strip_prefix("Rss:")).context("no Rss")?;
        let count = |name: &str| Ok::<_, anyhow::Error>(fs::read_dir(process.join(name))?.count());
        let (files, threads) = (count("fd")?, count("task")?);
        let mut answer = String::new();
        BufReader::new(UnixStream::connect(self.folder.join("visaged.sock"))?).read_line(&mut answer)?;
        let answer: serde_json::Value = serde_json::from_str(&answer)?;
        Ok(Sample {
            frames: answer["frames"].as_u64().context("no frames")?,
            faces: answer["faces"].as_u64().context("no faces")?,
            memory_kib: memory.trim().trim_end_matches("kB").trim().parse()?,
            files,
            threads,
        })
    }
}

fn longest_gap(beats: &[Instant]) -> Duration {
    beats.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(Duration::MAX)
}

impl Samples {
    fn settled(&self) -> impl Iterator<Item = &Sample> {
        self.list.iter().filter(|sample| sample.frames >= SETTLED)
    }

    /// Prints the figures; false if one is beyond its limit.
    fn told(&self) -> bool {
        let memory = || self.settled().map(|sample| sample.memory_kib);
        let (Some(first), Some(last)) = (memory().next(), self.settled().last()) else {
            println!("too short: fewer than {SETTLED} frames");
            return false;
        };
        let span = |of: fn(&Sample) -> usize| {
            (self.settled().map(of).min().unwrap_or_default(), self.settled().map(of).max().unwrap_or_default())
        };
        let (files, threads) = (span(|sample| sample.files), span(|sample| sample.threads));
        let (growth, peak) = (last.memory_kib - first, memory().max().unwrap_or(first) - first);
        let with = |faces: u64| self.settled().filter(|sample| sample.faces == faces).count();
        println!(
            "frames      {} in {} s, {} samples: with no face {}, one {}, two {}",
            last.frames,
            self.took.as_secs(),
            self.list.len(),
            with(0),
            with(1),
            with(2)
        );
        println!("memory      {first} KiB at frame {SETTLED}, {growth:+} KiB at the end, {peak:+} KiB at most (limit {GROWTH})");
        println!("open files  {} to {}", files.0, files.1);
        println!("threads     {} to {}", threads.0, threads.1);
        println!(
            "watchdog    {} beats, longest gap {:.1} s (limit {} s)",
            self.beats,
            self.longest_gap.as_secs_f64(),
            WATCHDOG.as_secs()
        );
        println!("log         {} lines", self.log_lines);
        // A question for the status is an open file for a moment.
        peak <= GROWTH && files.1 - files.0 <= 1 && threads.0 == threads.1 && self.longest_gap <= WATCHDOG
    }
}

/// The memory over the frames.
fn draw(samples: &Samples, path: &Path) -> Result<()> {
    let (list, most) = (&samples.list, 600);
    let thinned = || list.iter().step_by(list.len().div_ceil(most).max(1));
    let frames = list.last().context("no samples")?.frames;
    let top = list.iter().map(|sample| sample.memory_kib).max().unwrap_or_default() as f64 / 1024.0;
    let page = SVGBackend::new(path, (760, 340)).into_drawing_area();
    page.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&page)
        .caption(format!("Memory of visaged over {frames} frames (MiB, resident)"), ("sans-serif", 18))
        .margin(16)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0..frames, 0.0..1.2 * top)?;
    chart.configure_mesh().x_desc("frames looked at").light_line_style(WHITE).draw()?;
    let line = thinned().map(|sample| (sample.frames, sample.memory_kib as f64 / 1024.0));
    chart.draw_series(LineSeries::new(line, RGBColor(0, 114, 178).stroke_width(2)))?;
    Ok(page.present()?)
}
