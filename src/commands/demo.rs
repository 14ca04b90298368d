//! `visaged demo`: see it work, in this terminal or on a display whose wiring is to be tried.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};

use super::display_choice::DisplayChoice;
use super::exit::Usage;
use super::stages::{self, DetectorArgs};
use super::{run, signals, start_log};
use crate::camera::{devices, rpicam};
use crate::config::{CameraConfig, Config, DetectorConfig, DisplayConfig, ReplaySpeed, SourceKind};
use crate::health::Health;
use crate::pause::Pause;
use crate::stop::Stop;

/// So long the explanation stands before the scene covers it.
const READING_TIME: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to look at: `puppet` (a drawn face), a camera (/dev/video0), a folder of pictures, a picture, a .y4m file, or `-` for y4m from standard
    /// input [default: your camera if there is one, else the drawn face]
    input: Option<PathBuf>,
    /// Where to show it: terminal, png=FILE, drm (a screen at HDMI or DSI), fb, or a panel: ili9341, ili9488, st7789, gc9a01, ssd1306, sh1106; a place may
    /// follow, as in ssd1306=/dev/i2c-1. May be given several times [default: the displays of --config, else this terminal]
    #[arg(long, value_name = "KIND[=PLACE]")]
    display: Vec<DisplayChoice>,
    /// The configuration with a display's lines, size and language.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// End after this many seconds.
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    #[command(flatten)]
    detector: DetectorArgs,
}

pub(super) fn run(args: &Args, verbose: u8, out: &mut dyn Write) -> Result<()> {
    let display = choose_displays(args)?;
    let in_terminal = display.terminal;
    // On the screen of the scene a log line would tear the picture: it is kept until the end. Without a screen the log is what there is to see.
    let kept_log = KeptLog::default();
    if in_terminal && std::io::stderr().is_terminal() {
        start_log(verbose, env_logger::Target::Pipe(Box::new(kept_log.clone())));
    } else {
        start_log(if in_terminal { verbose } else { verbose.max(1) }, env_logger::Target::Stderr);
    }

    let (camera, why) = choose(args.input.as_deref())?;
    let detector = args.detector.over(DetectorConfig::default())?;
    // A demonstration at work is at work.
    let deployment = stages::load_config(args.config.as_deref())?.deployment;
    let mut config = Config { camera, detector, display, deployment, ..Config::default() };
    // It says that nothing is stored.
    config.statistics.database.clear();
    config.check().map_err(Usage)?;
    let stop = signals::stop_flag()?;
    writeln!(out, "{why} Ctrl-C ends. Nothing that is seen is stored or sent.")?;
    if in_terminal {
        std::thread::sleep(READING_TIME);
    }
    let pipeline = run::open_pipeline(&config)?;
    let result =
        run::watch(&config, pipeline, &Health::default(), args.seconds.map(Duration::from_secs), &Pause::default(), &stop);
    kept_log.print();
    result
}

/// The displays that are named, beside those of the configuration; without either this terminal, if it is one.
fn choose_displays(args: &Args) -> Result<DisplayConfig> {
    let mut display = match &args.config {
        Some(path) => Config::load(path)?.display,
        None => {
            DisplayConfig { terminal: args.display.is_empty() && std::io::stdout().is_terminal(), ..DisplayConfig::default() }
        }
    };
    args.display.iter().for_each(|choice| choice.add_to(&mut display));
    Ok(display)
}

/// Where the demo's pictures come from, and why, in a sentence.
fn choose(input: Option<&Path>) -> Result<(CameraConfig, String)> {
    let default = CameraConfig::default();
    Ok(match input {
        Some(path) if path == Path::new("puppet") => (puppet(), "Looking at a drawn face.".into()),
        Some(path) if path.starts_with("/dev") => {
            // The service would wait for it; whoever types a path wants to know that it is wrong.
            std::fs::metadata(path)
                .with_context(|| format!("no camera {} (`visaged doctor` lists those that are there)", path.display()))?;
            let camera = CameraConfig { source: SourceKind::V4l2, device: path.into(), ..default };
            (camera, format!("Looking at the camera {}.", path.display()))
        }
        Some(path) => (
            CameraConfig { source: SourceKind::Replay, replay: path.into(), replay_speed: ReplaySpeed::Recorded, ..default },
            format!("Looking at {}.", if path == Path::new("-") { "standard input".into() } else { path.display().to_string() }),
        ),
        None => first_camera().unwrap_or_else(|| {
            (
                puppet(),
                "No camera that can be used was found (`visaged doctor` says why): looking at a drawn face instead.".into(),
            )
        }),
    })
}

/// A webcam, else a CSI camera.
fn first_camera() -> Option<(CameraConfig, String)> {
    let default = CameraConfig::default();
    if let Some(camera) = devices::candidates().into_iter().find(|candidate| candidate.verdict.is_usable()) {
        let sentence = format!("Looking at the camera \"{}\" ({}).", camera.card, camera.path.display());
        return Some((CameraConfig { source: SourceKind::V4l2, device: camera.path, ..default }, sentence));
    }
    let csi = rpicam::list_cameras(&rpicam::program()?, &Stop::default()).ok()?.into_iter().next()?;
    Some((CameraConfig { source: SourceKind::Rpicam, ..default }, format!("Looking at the CSI camera {csi}.")))
}

fn puppet() -> CameraConfig {
    CameraConfig { source: SourceKind::Puppet, ..CameraConfig::default() }
}

/// Log lines that wait until the terminal is free again.
#[derive(Clone, Default)]
struct KeptLog(Arc<Mutex<Vec<u8>>>);

impl KeptLog {
    /// More than this is not kept: a demo that runs all day must not eat the memory.
    const LIMIT: usize = 64 << 10;

    fn print(&self) {
        let lines = self.0.lock().expect("no thread panics while it holds the log");
        // Nobody can be told that standard error is closed.
        let _ = std::io::stderr().write_all(&lines);
    }
}

impl Write for KeptLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut lines = self.0.lock().expect("no thread panics while it holds the log");
        if lines.len() + bytes.len() <= Self::LIMIT {
            lines.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
